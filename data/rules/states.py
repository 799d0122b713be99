"""Late, working days left, and the four official states of an obligation.

Guarantees:
- Saturday, Sunday and holidays after a due working day are on time: late begins on the next working day.
- data/figures/states.py says the same in SQL.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from data.registry.workdays import Workdays

OfficialState = Literal["done_on_time", "done_late", "open_on_time", "open_late"]
OFFICIAL_STATES: tuple[OfficialState, ...] = (
    "done_on_time",
    "done_late",
    "open_on_time",
    "open_late",
)


def is_overdue(judged_on: date, last_working_day: date) -> bool:
    """Tell whether something still open is late.

    last_working_day: the last one on or before today; compute it once for all obligations.
    """
    return judged_on < last_working_day


def is_never_late(judged_on: date) -> bool:
    """Tell whether nothing is judged: it has no date, or it was due before its plan was tracked."""
    return judged_on == date.max  # data.rules.ladder.NEVER


def is_done_late(done_on: date | None, judged_on: date) -> bool:
    """Tell whether something was done after the day that is judged; without a day it was on time."""
    return done_on is not None and done_on > judged_on


def official_state(obligation: Any, *, last_working_day: date) -> OfficialState | None:
    """Return an obligation's official state; None: withdrawn or superseded.

    obligation: anything with state, judged_on and done_on. Only a confirmed one is hoàn thành. A submitted
    one is judged by the day it was done, however long its confirmation takes.
    """
    late = is_done_late(obligation.done_on, obligation.judged_on)
    match obligation.state:
        case "confirmed":
            return "done_late" if late else "done_on_time"
        case "submitted":
            return "open_late" if late else "open_on_time"
        case "open":
            late = is_overdue(obligation.judged_on, last_working_day)
            return "open_late" if late else "open_on_time"
    return None


def combined_state(*, parts: int, done: int, done_late: int, open_late: int) -> OfficialState:
    """Return the official state of a task: done once all its parts are, late as soon as one is."""
    if parts and done == parts:
        return "done_late" if done_late else "done_on_time"
    return "open_late" if open_late else "open_on_time"


def working_days_left(base_on: date, judged_on: date, *, today: date, workdays: Workdays) -> int:
    """Return the working days after today up to base; negative: minus the working days late.

    Zero from base until the first late day.
    """
    if today <= base_on:
        return workdays.between(today, base_on)
    return -working_days_late(judged_on, today=today, workdays=workdays)


def working_days_late(judged_on: date, *, today: date, workdays: Workdays) -> int:
    """Return the working days after the day that is judged, up to today; 0 where it is on time."""
    return workdays.between(judged_on, today) if today > judged_on else 0


def official_days_left(obligation: Any, *, today: date, workdays: Workdays) -> int:
    """Return working_days_left as of today, or of the day it was done; negative where its state is late.

    obligation: anything with state, base_on, judged_on and done_on. What was done on the Saturday after a
    due Friday is late by no working day; that counts as one.
    """
    base_on, judged_on, done_on = obligation.base_on, obligation.judged_on, obligation.done_on
    if obligation.state not in ("submitted", "confirmed"):
        return working_days_left(base_on, judged_on, today=today, workdays=workdays)
    left = working_days_left(base_on, judged_on, today=done_on or today, workdays=workdays)
    return min(left, -1) if is_done_late(done_on, judged_on) else max(left, 0)


def left_and_late(days: int) -> dict[str, int]:
    """Return signed working days left as templates read them: "left" and "late", one of them 0."""
    return {"left": max(days, 0), "late": max(-days, 0)}
