"""Due dates: the occurrences of a report duty, and the end of a task's period. Pure.

"trước ngày" excludes the day; "vào ngày", "chậm nhất", "đến ngày" include it. Working days are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from data.registry.schema import Deadline, Period, ReportDutyEntry

# A duty without a date gets a proposed one: data closes on the 14th and a province reports by the 25th
# (Nghị định 09/2019/NĐ-CP, Điều 12 and 13). Agencies come first, then the agency that consolidates.
PROPOSED_DAY_AGENCY = 18
PROPOSED_DAY_COORDINATOR = 22


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence of a report duty; the name of its period is unique within the duty."""

    period: str
    due_on: date
    proposed: bool


def last_day_on_time(deadline: Deadline, year: int) -> date:
    """Return the last civil date on time in a year; 29/2 falls back to 28/2."""
    return _last_day(year, deadline.month, deadline)


def occurrences(
    duty: ReportDutyEntry, *, issued_on: date, coordinating: bool, since: date, until: date
) -> Iterator[Occurrence]:
    """Yield a duty's occurrences with a due date in since..until, in order; none of an ad-hoc duty.

    Nothing falls due before the plan was issued. coordinating: the plan's coordinating agency owes the
    duty, so a missing date is proposed later in the month.
    """
    first = max(since, issued_on)
    for year in range(first.year - 1, until.year + 2):
        for occurrence in _of_year(duty, year, issued_on, coordinating):
            if first <= occurrence.due_on <= until:
                yield occurrence


def phase_end(period: Period) -> date | None:
    """Return the last day of a task's period, or None where the task never falls due."""
    if period.kind in ("fixed", "fixed_deadline_only") and period.end_year is not None:
        return date(period.end_year, 12, 31)
    return None


def _of_year(
    duty: ReportDutyEntry, year: int, issued_on: date, coordinating: bool
) -> Iterator[Occurrence]:
    deadline = duty.deadline
    proposed_day = PROPOSED_DAY_COORDINATOR if coordinating else PROPOSED_DAY_AGENCY
    match duty.frequency:
        case "ad_hoc":
            return
        case "one_off":
            if deadline is not None and deadline.year == year:
                yield Occurrence("once", last_day_on_time(deadline, year), False)
        case "annual":
            yield _yearly(str(year), deadline, year, proposed_day)
        case "every_3_years" | "every_5_years":
            step = 3 if duty.frequency == "every_3_years" else 5
            if year > issued_on.year and (year - issued_on.year) % step == 0:
                yield _yearly(str(year), deadline, year, proposed_day)
        case "semiannual":
            # "6 tháng (trước ngày 10/6)" names one half only; the annual date covers the other.
            halves = (1, 2) if deadline is None else ((1,) if deadline.month <= 6 else (2,))
            for half in halves:
                if deadline is None:
                    yield Occurrence(f"{year}-H{half}", date(year, half * 6, proposed_day), True)
                else:
                    yield Occurrence(f"{year}-H{half}", last_day_on_time(deadline, year), False)
        case "quarterly":
            for quarter in (1, 2, 3, 4):
                yield _within(f"{year}-Q{quarter}", deadline, year, quarter * 3, proposed_day)
        case "monthly":
            for month in range(1, 13):
                yield _within(f"{year}-M{month:02}", deadline, year, month, proposed_day)


def _yearly(period: str, deadline: Deadline | None, year: int, proposed_day: int) -> Occurrence:
    if deadline is None:
        return Occurrence(period, date(year, 12, proposed_day), True)
    return Occurrence(period, last_day_on_time(deadline, year), False)


def _within(
    period: str, deadline: Deadline | None, year: int, month: int, proposed_day: int
) -> Occurrence:
    if deadline is None:
        return Occurrence(period, date(year, month, proposed_day), True)
    return Occurrence(period, _last_day(year, month, deadline), False)


def _last_day(year: int, month: int, deadline: Deadline) -> date:
    """Return the last day on time: "trước ngày 31" in June is 30/6, for that day is before the 31st."""
    if deadline.operator != "before":
        return _civil(year, month, deadline.day)
    if deadline.day == 1:
        return date(year, month, 1) - timedelta(days=1)
    return _civil(year, month, deadline.day - 1)


def _civil(year: int, month: int, day: int) -> date:
    while True:
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1  # 31/6 or 29/2: take the last day of the month
