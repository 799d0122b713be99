"""The consolidated report and the draft urging letter, as Word documents for a person to sign.

Guarantees:
- A report whose sums do not reconcile is refused.
- People's words are data, never template code or markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from data.registry.titles import period_name
from data.reports.facts import AgencyLine, ReportFacts, TaskFacts
from data.reports.late_agencies import UrgingFacts
from data.reports.sums import find_mismatches, find_sum_errors
from jobs.rendering.dates import full_date
from jobs.reports.annex_tables import agencies_table, overdue_table, tasks_table
from jobs.reports.letter_context import late_table, letter_context
from jobs.reports.letterhead import build_letterhead, full_name, province_name
from jobs.reports.prose import read_paragraphs
from jobs.reports.report_context import plan_words, report_context, report_receivers
from jobs.reports.report_tables import states_table, targets_table
from jobs.reports.word_file import build_word_file

Progress = Callable[[int, int], None]


class UnreconciledReport(Exception):
    """A report that must not be drawn; reasons are Vietnamese sentences for the reader who asked."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class WordDocument:
    """A document, and what is left in it for a person to write."""

    content: bytes
    blanks: Sequence[str]


def report_docx(
    facts: ReportFacts,
    lines: Iterable[tuple[TaskFacts, Sequence[AgencyLine]]] | None,
    *,
    progress: Progress | None = None,
) -> WordDocument:
    """Return the consolidated report; raises UnreconciledReport where its sums do not reconcile.

    lines None: too many to read; tasks are told by their counts alone. Calls progress with (tasks drawn,
    tasks) during the annex and at the end.
    """
    given = None if lines is None else list(lines)
    reasons = find_sum_errors(facts)
    if given is not None:
        reasons += find_mismatches(facts, given)
    if reasons:
        raise UnreconciledReport(reasons)
    by_task = {task.task_id: own for task, own in given or ()}
    period = period_name(facts.period) or facts.period
    head = _head(facts, facts.made_on)
    plan = plan_words(facts.number, facts.title, facts.issued_on, facts.province)
    tables = {
        "states": states_table(facts),
        "targets": targets_table(facts),
        "tasks": tasks_table(facts, by_task, progress=progress),
        "overdue": overdue_table(facts, by_task),
        "agencies": agencies_table(facts, by_task),
    }
    context = report_context(facts, by_task)
    annexes = {
        **context,
        "head": head,
        "has_overdue": bool(tables["overdue"].rows),
        "has_agencies": bool(tables["agencies"].rows),
    }
    content, blanks = build_word_file(
        "report.docx",
        {
            "head": head,
            "abstract": f"Kết quả thực hiện {period} Kế hoạch số {facts.number}"
            f" ngày {full_date(facts.issued_on)}"
            + (f" của {plan['issuer']}" if plan["issuer"] else ""),
            "is_addressed": bool(report_receivers(facts)),
        },
        {
            "body": read_paragraphs("report.j2", context),
            "annexes": read_paragraphs("annexes.j2", annexes),
        },
        tables,
    )
    if progress is not None:
        progress(facts.figures.total, facts.figures.total)
    return WordDocument(content, blanks)


def urging_docx(facts: UrgingFacts) -> WordDocument:
    """Return the draft of a letter that urges late agencies; a person signs and sends it.

    Raises UnreconciledReport where no agency is late for so long.
    """
    if not any(agency.items for agency in facts.agencies):
        raise UnreconciledReport([_nobody_late(facts)])
    context = letter_context(facts)
    head = _head(facts, facts.as_of)
    content, blanks = build_word_file(
        "urging.docx",
        {"head": head, "plan": context["plan"]},
        {
            "body": read_paragraphs("urging.j2", {**context, "head": head}),
            "annexes": read_paragraphs("urging_annex.j2", {**context, "head": head}),
        },
        {"late": late_table(facts)},
    )
    return WordDocument(content, blanks)


def _nobody_late(facts: UrgingFacts) -> str:
    words = (
        f"Chưa có nội dung nào quá hạn từ {facts.late_days:02} ngày làm việc trở lên mà cơ quan đã được nhắc,"
        " nên chưa cần công văn."
    )
    if facts.below:
        words += (
            f" Có {facts.below:02} nội dung quá hạn ít ngày hơn, đang được nhắc qua tin nhắn;"
            " muốn đưa vào công văn, hãy đặt số ngày nhỏ hơn."
        )
    return words + (
        " Không đôn đốc nội dung đang đề nghị gia hạn, có ý kiến, chưa chốt hạn hoặc đến hạn trước ngày theo dõi."
    )


def _head(facts: ReportFacts | UrgingFacts, made_on: date) -> dict[str, Any]:
    head = build_letterhead(facts.coordinator, facts.province)
    return {
        **asdict(head),
        "agency": full_name(facts.coordinator),
        "province": province_name(facts.province),
        "month": f"{made_on.month:02}" if made_on.month < 3 else str(made_on.month),
        "year": made_on.year,
    }
