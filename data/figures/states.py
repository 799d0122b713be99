"""How the tasks of plans stand, counted by one statement that is made once.

Promises that nothing of what is confirmed is counted row by row: it is by far the most there is.
Reads only.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from data.models import Assignment, Obligation, Task
from data.obligations.lists import count_if
from data.rules.ladder import UNDATED
from data.rules.undated import EVERY_YEAR


def late_condition(last_working_day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Return the condition that an obligation is late: open beyond its day, or handed in after it.

    last_working_day: the last working day on or before today. A due date is first missed on the
    working day after it, so the weekend that follows it is not late yet.
    """
    return or_(
        and_(Obligation.state == "open", Obligation.judged_on < last_working_day),
        and_(Obligation.state == "submitted", Obligation.done_on > Obligation.judged_on),
    )


def active_assignment_condition(today: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Return the condition that an assignment holds today."""
    return and_(
        Assignment.withdrawn_at.is_(None),
        or_(Assignment.valid_until.is_(None), Assignment.valid_until >= today),
    )


def _select_task_state_counts() -> Any:
    """Return the SQL that counts the tasks of plans by how they stand, which is told in one word.

    The same as TaskFigures.state, told without reading what is confirmed: what is not stands in one
    stretch of an index, and where there is nothing of it, one confirmed part shows that all are.
    """
    of_plans: BindParameter[int] = bindparam("plan_ids", expanding=True)
    pending = (
        select(
            Assignment.task_id,
            count_if(Obligation.state == "open").label("open"),
            count_if(late_condition(bindparam("last_working_day", type_=Date))).label("late"),
        )
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .where(
            Obligation.plan_id.in_(of_plans),
            Obligation.state.in_(("open", "submitted")),
            or_(Obligation.kind != UNDATED, Obligation.period == bindparam("year")),
        )
        .group_by(Assignment.task_id)
        .subquery()
    )
    part = select(Obligation.id).join(Assignment, Assignment.id == Obligation.assignment_id)
    part = part.where(Assignment.task_id == Task.id)
    # Written out, not bound: only so does SQLite see that the index of what was done late serves.
    confirmed = Obligation.state == literal_column("'confirmed'")
    done_late = part.where(confirmed, Obligation.done_on > Obligation.judged_on).exists()
    holds = active_assignment_condition(bindparam("today", type_=Date))
    assigned = select(Assignment.id).where(Assignment.task_id == Task.id, holds)
    # Of an undated task this year's question counts, or an earlier one where it was done for good.
    counts = or_(
        Obligation.kind != UNDATED,
        Obligation.period == bindparam("year"),
        and_(Obligation.period < bindparam("year"), Task.period_kind.not_in(EVERY_YEAR)),
    )
    task = (
        select(
            Task.plan_id,
            case(
                (and_(pending.c.open > 0, pending.c.late > 0), "open_late"),
                (pending.c.open > 0, "open_on_time"),
                (pending.c.late > 0, "waiting_late"),
                (pending.c.task_id.is_not(None), "waiting_on_time"),
                (done_late, "done_late"),
                (part.where(confirmed, counts).exists(), "done_on_time"),
                # Where a task has obligations, those who owe it are its parts, not who took over since.
                (~assigned.exists(), "unassigned"),
                else_="open_on_time",
            ).label("standing"),
        )
        .join(pending, pending.c.task_id == Task.id, isouter=True)
        .where(Task.plan_id.in_(of_plans), Task.withdrawn_at.is_(None))
        .subquery()
    )
    return select(task.c.plan_id, task.c.standing, func.count()).group_by(
        task.c.plan_id, task.c.standing
    )


TASK_STATE_COUNTS = _select_task_state_counts()
