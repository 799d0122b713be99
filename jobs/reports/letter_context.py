"""Values of an urging letter's text, and its table of who is late with what."""

from __future__ import annotations

from typing import Any

from data.reports.late_agencies import UrgingFacts
from jobs.reports.letterhead import full_name
from jobs.reports.prose import day_text
from jobs.reports.report_context import plan_words
from jobs.reports.word_file import WordColumn, WordTable

MOST_ADDRESSEES = 10  # named in the letter; more are named in its annex alone


def letter_context(facts: UrgingFacts) -> dict[str, Any]:
    """Return the values of the letter's text."""
    late = [agency for agency in facts.agencies if agency.items]
    return {
        "plan": plan_words(facts.number, facts.title, facts.issued_on, facts.province),
        "agency": full_name(facts.coordinator),
        "as_of": facts.as_of,
        "answer_by": facts.answer_by,
        "addressees": [agency.agency for agency in late],
        "most_addressees": MOST_ADDRESSEES,
        "count": sum(len(agency.items) for agency in late),
        "late_days": facts.late_days,
    }


def late_table(facts: UrgingFacts) -> WordTable:
    """Return the annex: agency by agency, what it is late with."""
    rows: list[list[Any]] = []
    for number, agency in enumerate((each for each in facts.agencies if each.items), 1):
        for index, item in enumerate(agency.items):
            rows.append(
                [
                    "" if index else number,
                    "" if index else agency.agency,
                    item.title.rstrip(" .;,:"),
                    day_text(item.due_on),
                    item.days_late,
                    item.told,
                ]
            )
    return WordTable(
        (
            WordColumn("TT", 600, True),
            WordColumn("Cơ quan, đơn vị", 2200),
            WordColumn("Nhiệm vụ, báo cáo", 3354),
            WordColumn("Thời hạn", 1250, True),
            WordColumn("Số ngày làm việc quá hạn", 1050, True),
            WordColumn("Lần đã nhắc", 900, True),
        ),
        rows,
        small=True,
    )
