"""What a week's picture shows: for who coordinates a plan by agency and week by week, for leaders all plans.

Promises a picture of kept facts alone, short enough for a phone: of many agencies those that are furthest
behind, in the official order, and the title says so. Pure.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date

from data.digests.kept_weeks import ScopeFacts
from jobs.digests.charts import BarRow, BurnPoint, draw_bars, draw_burn_up

_MOST = 24  # agencies


def draw_digest(
    facts: ScopeFacts, plans: Mapping[str, ScopeFacts], weeks: Sequence[tuple[date, ScopeFacts]]
) -> bytes | None:
    """Return the picture of a coordinator's or the leaders' facts, or None where there is nothing to show.

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
        return draw_bars(title, rows, as_of=as_of) if rows else None
    plan = plans[facts["picture"]] if facts.get("picture") else None
    if plan is None or not plan["agencies"]:
        return None
    title = f"Kế hoạch {plan['number']}: nhiệm vụ và báo cáo theo cơ quan"
    if len(plan["agencies"]) > _MOST:
        title += f" ({_MOST} cơ quan chậm nhất trong {len(plan['agencies'])})"
    agencies = draw_bars(title, agency_bars(plan["agencies"]), as_of=as_of)
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
    if len(points) < 2:
        return agencies
    due = min((duty["due"] for duty in plan["duties"] if not duty["late"]), default=None)
    over_weeks = draw_burn_up(
        f"Kế hoạch {plan['number']}: nhiệm vụ qua các tuần",
        points,
        as_of=as_of,
        due_on=date.fromisoformat(due) if due else None,
    )
    return _stacked(agencies, over_weeks)


def _states(tasks: Mapping[str, int]) -> tuple[int, int, int, int]:
    return tasks["done_on_time"], tasks["done_late"], tasks["open_on_time"], tasks["open_late"]


def agency_bars(agencies: Sequence[Sequence[int | str]]) -> list[BarRow]:
    """Return the rows of agencies ([name, four states] each), in the order given.

    Of too many those furthest behind; the others together would dwarf every bar.
    """
    rows = [BarRow(str(name), *(int(count) for count in counts)) for name, *counts in agencies]
    behind = sorted(range(len(rows)), key=lambda n: (-rows[n].open_late, -rows[n].open_on_time, n))
    return [rows[number] for number in sorted(behind[:_MOST])]


def _stacked(above: bytes, below: bytes) -> bytes:
    """Return two pictures as one, the second beneath the first."""
    from PIL import Image  # loaded only where a picture is drawn

    with Image.open(io.BytesIO(above)) as first, Image.open(io.BytesIO(below)) as second:
        whole = Image.new(
            "RGB", (max(first.width, second.width), first.height + second.height), "white"
        )
        whole.paste(first.convert("RGB"), (0, 0))
        whole.paste(second.convert("RGB"), (0, first.height))
    made = io.BytesIO()
    whole.save(made, "PNG")
    return made.getvalue()
