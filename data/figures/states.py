"""SQL of data/rules/states.py: late, done late, the official state of an obligation; counts by state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_

from data.models import Assignment, Obligation
from data.obligations.lists import count_if
from data.rows import row_fields
from data.rules.ladder import NEVER
from data.rules.states import OFFICIAL_STATES

# The last working day on or before today, or the parameter of a statement made once.
LastWorkingDay = date | ColumnElement[date]

# Written out, not bound: only so does SQLite see that the index of what was done late serves.
CONFIRMED = Obligation.state == literal_column("'confirmed'")
_COUNTS = (*OFFICIAL_STATES, "waiting")  # the fields of Figures
_DONE_LATE = Obligation.done_on > Obligation.judged_on


@dataclass(frozen=True, slots=True)
class Figures:
    """How many are in each official state; waiting: submitted, which the open ones count too."""

    done_on_time: int = 0
    done_late: int = 0
    open_on_time: int = 0
    open_late: int = 0
    waiting: int = 0

    @classmethod
    def from_counts(cls, counts: Mapping[Any, Any]) -> Figures:
        """Return figures of counts by the names of the fields; absent or null is 0."""
        return cls(**{name: int(counts.get(name) or 0) for name in _COUNTS})

    @classmethod
    def from_totals(
        cls, total: int, done: int, done_late: int, open_late: int, waiting: int
    ) -> Figures:
        """Return figures of what total_columns count."""
        return cls(done - done_late, done_late, total - done - open_late, open_late, waiting)

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.done_on_time + self.done_late + self.open_on_time + self.open_late

    def as_json(self) -> dict[str, int]:
        """Return the counts and their total, as templates and stored facts have them."""
        return {"total": self.total, **row_fields(self, *_COUNTS)}


def overdue_condition(last_working_day: LastWorkingDay) -> ColumnElement[bool]:
    """Return the condition that an obligation is open and late."""
    return and_(Obligation.state == "open", Obligation.judged_on < last_working_day)


def judged_condition() -> ColumnElement[bool]:
    """Return the condition that an obligation is judged: it was not due before its plan was tracked."""
    return Obligation.judged_on < NEVER


def open_on_time_condition(last_working_day: LastWorkingDay) -> ColumnElement[bool]:
    """Return the condition that an obligation is open and not late."""
    return and_(Obligation.state == "open", Obligation.judged_on >= last_working_day)


def late_condition(last_working_day: LastWorkingDay) -> ColumnElement[bool]:
    """Return the condition that an obligation is open_late: overdue, or submitted after its day."""
    return or_(
        overdue_condition(last_working_day), and_(Obligation.state == "submitted", _DONE_LATE)
    )


def ended_before_condition() -> ColumnElement[bool]:
    """Return the condition that a phase ended before its plan was tracked: neither late nor in time."""
    return and_(Obligation.kind == "phase_end", Obligation.judged_on >= NEVER)


def done_late_condition() -> ColumnElement[bool]:
    """Return the condition that an obligation is done_late."""
    return and_(CONFIRMED, _DONE_LATE)


def official_state_sql(
    last_working_day: LastWorkingDay, state: ColumnElement[str] | None = None
) -> ColumnElement[str | None]:
    """Return the SQL of data.rules.states.official_state; state: the obligation's as of another day."""
    missed = Obligation.judged_on < last_working_day
    return case(
        {
            "confirmed": case((_DONE_LATE, "done_late"), else_="done_on_time"),
            "submitted": case((_DONE_LATE, "open_late"), else_="open_on_time"),
            "open": case((missed, "open_late"), else_="open_on_time"),
        },
        value=Obligation.state if state is None else state,
    )


def total_columns(last_working_day: LastWorkingDay) -> list[ColumnElement[int]]:
    """Return the columns for Figures.from_totals, of obligations in LIVE_STATES; null where there is none.

    Five conditions cost a third less than official_state_sql compared with each of the four states.
    """
    return [
        func.count(),
        count_if(CONFIRMED),
        count_if(done_late_condition()),
        count_if(late_condition(last_working_day)),
        count_if(Obligation.state == "submitted"),
    ]


def active_assignment_condition(today: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Return the condition that an assignment holds today."""
    return and_(
        Assignment.withdrawn_at.is_(None),
        or_(Assignment.valid_until.is_(None), Assignment.valid_until >= today),
    )
