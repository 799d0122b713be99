"""The weekly picture of a coordinator (a plan by agency and by week) and of the leaders (all plans).

Guarantees: only kept facts are drawn, overdue first; of many agencies those that stand equal are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

from data.digests.kept_weeks import ScopeFacts
from jobs.digests.canvas import to_png
from jobs.digests.charts import BarRow, BurnPoint, bars_figure, burn_up_figure

_MOST = 24  # rows
_SOON = 20  # working days
# What was received is not told apart by its day; a date that nobody confirmed is passed, not overdue.
_REPORT_WORDS = {
    "done_on_time": "Đã nhận",
    "open_on_time": "Chưa nộp, chưa đến hạn",
    "open_late": "Chưa nộp, đã quá ngày",
}
_NAMED = 3  # agencies that stand equal among many


def draw_digest(
    facts: ScopeFacts, plans: Mapping[str, ScopeFacts], weeks: Sequence[tuple[date, ScopeFacts]]
) -> bytes | None:
    """Draw a coordinator's or the leaders' facts; None where they hold nothing to show.

    See jobs.digests.pictures.Draw.
    """
    as_of = date.fromisoformat(facts["on"])
    if facts["scope"] == "province":
        rows = [
            BarRow(f"Kế hoạch {plan['number']}", *_dated_states(plan))
            for plan in plans.values()
            if plan["tasks"]
        ]
        title = f"{facts['name']}: nhiệm vụ có thời hạn theo kế hoạch"
        figures = [bars_figure(title, overdue_first(rows), as_of=as_of)] if rows else []
        reports = overdue_first(_report_rows(plans))
        if reports:
            title = f"{facts['name']}: báo cáo đến kỳ theo kế hoạch"
            figures.append(bars_figure(title, reports, as_of=as_of, words=_REPORT_WORDS))
        return to_png(figures) if figures else None
    plan = plans[facts["picture"]] if facts.get("picture") else None
    if plan is None or not plan["agencies"]:
        return None
    title = f"Kế hoạch {plan['number']}: nhiệm vụ và báo cáo theo cơ quan"
    rows, count = agency_bars(plan["agencies"])
    if count < len(plan["agencies"]):
        title += f" ({count}/{len(plan['agencies'])} cơ quan, quá hạn nhiều trước)"
    figures = [bars_figure(title, rows, as_of=as_of)]
    points = [
        BurnPoint(
            week_on,
            done=week["tasks"]["done_on_time"] + week["tasks"]["done_late"],
            total=week["tasks"]["total"],
            late=week["tasks"]["open_late"],
        )
        for week_on, week in weeks
        if week["tasks"]
    ]
    if len(points) > 1:
        due = min((duty["due"] for duty in plan["duties"] if not duty["late"]), default=None)
        due_on = date.fromisoformat(due) if due else None
        title = f"Kế hoạch {plan['number']}: nhiệm vụ qua các tuần"
        figures.append(burn_up_figure(title, points, as_of=as_of, due_on=due_on))
    return to_png(figures)


def _report_rows(plans: Mapping[str, ScopeFacts]) -> list[BarRow]:
    """Return a row for each report that is overdue in part or due soon: received, still in time, overdue."""
    return [
        BarRow(
            f"KH {plan['number'].split('/')[0]}: {duty['title']}",
            done_on_time=duty["received"],
            done_late=0,
            open_on_time=duty["expected"] - duty["received"] - duty["overdue"],
            open_late=duty["overdue"],
        )
        for plan in plans.values()
        for duty in plan["duties"]
        if duty["late"] or duty["left"] <= _SOON
    ]


def _dated_states(plan: ScopeFacts) -> tuple[int, int, int, int]:
    """Return a plan's tasks in the four states, without those that its figures in words tell apart."""
    tasks = plan["tasks"]
    in_time = tasks["open_on_time"] - plan.get("undated", 0) - plan.get("ended_before", 0)
    return tasks["done_on_time"], tasks["done_late"], in_time, tasks["open_late"]


def agency_bars(agencies: Sequence[Sequence[int | str]]) -> tuple[list[BarRow], int]:
    """Return the rows of agencies ([name, four states] each), overdue first, and how many agencies they show.

    Of more than _MOST, those that stand equal are one row that tells how many they are, and what each has.
    """
    rows = overdue_first(
        BarRow(str(name), *(int(count) for count in counts)) for name, *counts in agencies
    )
    if len(rows) <= _MOST:
        return rows, len(rows)
    shown: list[tuple[BarRow, int]] = []
    for states, same in groupby(rows, key=_states_of):
        equal = list(same)
        if len(equal) <= _NAMED:
            shown += [(row, 1) for row in equal]
        else:
            shown.append((BarRow(f"{len(equal)} cơ quan, mỗi cơ quan", *states), len(equal)))
    return [row for row, _ in shown[:_MOST]], sum(count for _, count in shown[:_MOST])


def overdue_first(rows: Iterable[BarRow]) -> list[BarRow]:
    """Return rows with most overdue first, then most open, then most done; equal ones in the order given."""
    return sorted(rows, key=lambda row: tuple(-count for count in reversed(_states_of(row))))


def _states_of(row: BarRow) -> tuple[int, int, int, int]:
    return row.done_on_time, row.done_late, row.open_on_time, row.open_late
