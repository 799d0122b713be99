"""The weekly picture of a coordinator (a plan by agency and by week) and of the leaders (all plans).

Guarantees: only kept facts are drawn, and of many agencies only the latest, as the title then says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from data.digests.kept_weeks import ScopeFacts
from jobs.digests.canvas import to_png
from jobs.digests.charts import BarRow, BurnPoint, bars_figure, burn_up_figure

_MOST = 24  # agencies


def draw_digest(
    facts: ScopeFacts, plans: Mapping[str, ScopeFacts], weeks: Sequence[tuple[date, ScopeFacts]]
) -> bytes | None:
    """Draw a coordinator's or the leaders' facts; None where they hold nothing to show.

    See jobs.digests.pictures.Draw.
    """
    as_of = date.fromisoformat(facts["on"])
    if facts["scope"] == "province":
        rows = [
            BarRow(f"Kế hoạch {plan['number']}", *_states(plan["tasks"]))
            for plan in plans.values()
            if plan["tasks"]
        ]
        title = f"{facts['name']}: nhiệm vụ theo kế hoạch"
        return to_png([bars_figure(title, rows, as_of=as_of)]) if rows else None
    plan = plans[facts["picture"]] if facts.get("picture") else None
    if plan is None or not plan["agencies"]:
        return None
    title = f"Kế hoạch {plan['number']}: nhiệm vụ và báo cáo theo cơ quan"
    if len(plan["agencies"]) > _MOST:
        title += f" ({_MOST} trong {len(plan['agencies'])} cơ quan)"
    figures = [bars_figure(title, agency_bars(plan["agencies"]), as_of=as_of)]
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


def _states(tasks: Mapping[str, int]) -> tuple[int, int, int, int]:
    return tasks["done_on_time"], tasks["done_late"], tasks["open_on_time"], tasks["open_late"]


def agency_bars(agencies: Sequence[Sequence[int | str]]) -> list[BarRow]:
    """Return the rows of agencies ([name, four states] each), in the order given.

    Of more than _MOST the latest: one bar of all others would dwarf the rest.
    """
    rows = [BarRow(str(name), *(int(count) for count in counts)) for name, *counts in agencies]
    behind = sorted(range(len(rows)), key=lambda n: (-rows[n].open_late, -rows[n].open_on_time, n))
    return [rows[number] for number in sorted(behind[:_MOST])]
