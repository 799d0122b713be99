"""Tables in the body of the consolidated report: states, and targets."""

from __future__ import annotations

from typing import Any

from data.registry.titles import period_name
from data.reports.facts import PeriodFigures, ReportFacts
from data.reports.period import previous_period
from jobs.rendering.environment import upper_first
from jobs.reports.labels import ENDED_BEFORE, STATE_WORDS, UNDATED
from jobs.reports.prose import percent_text, with_comma
from jobs.reports.word_file import WordColumn, WordTable


def states_table(facts: ReportFacts) -> WordTable:
    """Return table 1: the states of this and the previous period, with both rates."""
    now, before = facts.current, facts.previous
    rows: list[list[Any]] = []
    for index, (words, count) in enumerate(_states(now), 1):
        earlier = "–" if before is None else _states(before)[index - 1][1]
        rows.append([index, words, count, percent_text(count, now.figures.total), earlier])
    if not now.ended_before and not (before and before.ended_before):
        rows.pop()
    rows.append(["", "Tổng số", now.figures.total, "100", before.figures.total if before else "–"])
    for words, base in (("tổng số", "all"), ("số đến hạn", "due")):
        rows.append(
            ["", f"Tỷ lệ hoàn thành trên {words} (%)", _rate(now, base), "", _rate(before, base)]
        )
    return WordTable(
        (
            WordColumn("TT", 680, True),
            WordColumn("Trạng thái", 4706),
            WordColumn(_period_heading(now.period, "Kỳ này"), 1304, True),
            WordColumn("Tỷ lệ (%)", 1360, True),
            WordColumn(_period_heading(previous_period(now.period), "Kỳ trước"), 1304, True),
        ),
        rows,
        whole=True,
    )


def _period_heading(period: str, otherwise: str) -> str:
    return upper_first(period_name(period)) or otherwise


def _states(counted: PeriodFigures) -> list[tuple[str, int]]:
    figures = counted.figures
    return [
        (STATE_WORDS["done_on_time"], figures.done_on_time),
        (STATE_WORDS["done_late"], figures.done_late),
        (STATE_WORDS["open_on_time"], counted.in_time),
        (STATE_WORDS["open_late"], counted.overdue),
        (f"{UNDATED}, đang thực hiện", counted.undated),
        (ENDED_BEFORE, counted.ended_before),
    ]


def _rate(counted: PeriodFigures | None, base: str) -> str:
    if counted is None:
        return "–"
    return percent_text(counted.done, counted.figures.total if base == "all" else counted.due)


def targets_table(facts: ReportFacts) -> WordTable:
    """Return table 2: goals, values, what share of the goal they are, and whose they are, if anybody told."""
    has_sources = any(target.source for target in facts.targets)
    rows = []
    for number, target in enumerate(facts.targets, 1):
        met = "–" if target.met is None else "Đạt" if target.met else "Chưa đạt"
        rows.append(
            [
                number,
                upper_first(target.text),
                _with_year(_value_text(target.goal, target.unit, target.comparator), target.year),
                _with_year(_value_text(target.value, target.unit, None), target.value_year)
                or "chưa có báo cáo",
                _share_of_goal(target.value, target.goal),
                *([target.source] if has_sources else []),
                met,
            ]
        )
    source = (WordColumn("Nguồn", 1300),) if has_sources else ()
    return WordTable(
        (
            WordColumn("TT", 600, True),
            WordColumn("Chỉ tiêu", 2950 if source else 4250),
            WordColumn("Mục tiêu (năm)", 1360, True),
            WordColumn("Kết quả (năm)", 1260, True),
            WordColumn("So mục tiêu (%)", 964, True),
            *source,
            WordColumn("Đánh giá", 920, True),
        ),
        rows,
    )


def _with_year(value: str, year: int | None) -> str:
    return f"{value} ({year})" if value and year else value


def _value_text(value: str | None, unit: str, comparator: str | None) -> str:
    if value is None or not value.strip():
        return ""
    sign = {">=": "≥ ", ">": "> ", "<=": "≤ ", "<": "< "}.get(comparator or "", "")
    number = with_comma(value.strip())
    after = "" if not unit or number.endswith(unit) else (unit if unit == "%" else f" {unit}")
    return f"{sign}{number}{after}"


def _share_of_goal(value: str | None, goal: str | None) -> str:
    try:
        return f"{100 * float(value or '') / float(goal or ''):.1f}".replace(".", ",")
    except (ValueError, ZeroDivisionError):
        return "–"
