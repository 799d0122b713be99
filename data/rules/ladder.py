"""The ladder of reminders around a due date. Pure.

Guarantees: rungs come in order, each on a working day, each at most once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from data.registry.workdays import Workdays
from data.rules import states

ObligationKind = Literal["report", "phase_end", "one_off", "undated"]
UNDATED: Literal["undated"] = "undated"  # the yearly question about a task that never falls due
TASK_KINDS = ("phase_end", UNDATED)  # the kinds of obligations from a task, not from a report duty
NEVER = date.max  # the judged day of obligations that never become late
Steps = Sequence[tuple[int, date]]  # (rung, day), in order

_REPORT = (-20, -10, -5, -3, -1, 0, 1, 3, 5, *range(10, 51, 5))  # twelve rungs after the due date
_PHASE_END = (-60, -20, -10, -5, 0, 5, 20)  # then the weekly digest only
_UNDATED = (-10,)  # together with that rung of the annual report
RUNGS: dict[str, tuple[int, ...]] = {
    "report": _REPORT,
    "one_off": _REPORT,
    "phase_end": _PHASE_END,
    UNDATED: _UNDATED,
}
MAX_RUNGS_AFTER_DUE = 12
ACKNOWLEDGED_DAYS = 3  # working days for which "đã nhận" holds rungs back
LAST_HELD_RUNG = -3  # rung −1 and all later ones go out in any case


@dataclass(frozen=True, slots=True)
class DueDate:
    """A due date judged by a calendar.

    due_on: the effective due date. base: the last working day on or before it. judged: the first working
    day on or after it (Bộ luật Dân sự 2015, Điều 148 khoản 5); the due date itself where the province judges
    strictly; NEVER where nothing can be late.
    """

    due_on: date
    base: date
    judged: date

    def working_days_left(self, today: date, workdays: Workdays) -> int:
        """Return the working days after today up to base; negative: minus the working days late."""
        return states.working_days_left(self.base, self.judged, today=today, workdays=workdays)


def compute_due_date(
    due_on: date, workdays: Workdays, *, strictly: bool = False, kind: ObligationKind | None = None
) -> DueDate:
    """Return the due date of a kind of obligation with its base and judged days."""
    if kind == UNDATED:
        judged = NEVER
    else:
        judged = due_on if strictly else workdays.on_or_after(due_on)
    return DueDate(due_on, base=workdays.on_or_before(due_on), judged=judged)


def judged_day(due: DueDate, *, tracked_from: date) -> date:
    """Return the day by which an obligation is judged; NEVER where it was due before its plan was tracked.

    Such a one is asked about once, and is no lateness in any figure.
    """
    return NEVER if due.due_on < tracked_from else due.judged


def was_due_before(kind: str, due_on: date, tracked_from: date) -> bool:
    """Tell whether a dated obligation was due before its plan was tracked; due_on: the effective due."""
    return kind != UNDATED and due_on < tracked_from


def rung_day(rung: int, due: DueDate, workdays: Workdays) -> date:
    """Return the working day of a rung: before base if negative, base if 0, after judged if positive."""
    if rung <= 0:
        return workdays.add(due.base, rung)
    return workdays.add(due.judged, rung)


def schedule_rungs(
    rungs: Sequence[int], due: DueDate, workdays: Workdays
) -> list[tuple[int, date]]:
    """Return (rung, day) of every rung, in order; at most MAX_RUNGS_AFTER_DUE after the due date."""
    ordered = sorted(set(rungs))
    before = [rung for rung in ordered if rung <= 0]
    after = [rung for rung in ordered if rung > 0][:MAX_RUNGS_AFTER_DUE]
    return [(rung, rung_day(rung, due, workdays)) for rung in (*before, *after)]


def held_until(acknowledged_on: date, workdays: Workdays, *, remind_on: date | None = None) -> date:
    """Return the last day on which an acknowledgement of a date holds rungs back.

    remind_on: the day from which its sender asks to be reminded, at most that of any acknowledgement.
    """
    last = workdays.add(acknowledged_on, ACKNOWLEDGED_DAYS)
    if remind_on is None:
        return last
    return min(max(remind_on - timedelta(days=1), acknowledged_on), last)


def next_step(
    steps: Steps, *, today: date, sent: int | None, acknowledged_until: date | None
) -> tuple[int, date] | None:
    """Return the next rung to send and its day, or None at the ladder's end.

    sent: the last rung sent. Of the rungs whose day has come only the latest counts; a past day means the
    next morning. An acknowledgement postpones rungs up to LAST_HELD_RUNG to the day after its end; later
    rungs keep their days.
    """
    waiting = [
        (_held_day(rung, day, acknowledged_until), rung)
        for rung, day in steps
        if sent is None or rung > sent
    ]
    reached = [(rung, day) for day, rung in waiting if day <= today]
    if reached:
        return max(reached)
    if not waiting:
        return None
    soonest = min(waiting)[0]
    return max(rung for day, rung in waiting if day == soonest), soonest


def _held_day(rung: int, day: date, acknowledged_until: date | None) -> date:
    if acknowledged_until is None or rung > LAST_HELD_RUNG or day > acknowledged_until:
        return day
    return acknowledged_until + timedelta(days=1)


def effective_due(due_on: date, extended_to: date | None) -> date:
    """Return the effective due date: the later of the due date and the extension."""
    return due_on if extended_to is None else max(due_on, extended_to)
