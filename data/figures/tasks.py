"""How far single tasks have come: their agencies counted by official state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import (
    active_assignment_condition,
    done_late_condition,
    late_condition,
    overdue_condition,
)
from data.models import LIVE_STATES, Assignment, Obligation, Task
from data.obligations.lists import count_if, current_question_condition
from data.registry.workdays import Workdays
from data.rules.ladder import UNDATED
from data.rules.states import OfficialState, combined_state
from data.rules.undated import EVERY_YEAR


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task's agencies: how many there are, and how many confirmed, submitted, late.

    late_since: the day that is judged of the part that is overdue for longest; days late of a submitted part
    no longer grow. is_asked: its agencies have an obligation for it, dated or of this year.
    """

    task_id: int
    parts: int
    confirmed: int
    submitted: int
    late: int
    done_late: int
    late_since: date | None
    is_asked: bool

    @property
    def state(self) -> OfficialState:
        """Return the task's official state."""
        return combined_state(
            parts=self.parts, done=self.confirmed, done_late=self.done_late, open_late=self.late
        )


async def load_task_figures(
    connection: AsyncConnection, task_ids: Sequence[int], *, today: date, workdays: Workdays
) -> dict[int, TaskFigures]:
    """Return the figures of tasks by id."""
    statement = _select_parts(Task.id.in_(task_ids), today=today, workdays=workdays)
    return {
        row.task_id: TaskFigures(
            task_id=row.task_id,
            parts=int(row.asked or row.assigned or 0),
            confirmed=int(row.confirmed or 0),
            submitted=int(row.submitted or 0),
            late=int(row.late or 0),
            done_late=int(row.done_late or 0),
            late_since=row.late_since,
            is_asked=bool(row.asked),
        )
        for row in await connection.execute(statement)
    }


def _select_parts(condition: ColumnElement[bool], *, today: date, workdays: Workdays) -> Any:
    # Where there is no obligation its columns are null, and a condition on them counts nothing.
    assigned = and_(
        Obligation.id.is_(None), Assignment.id.is_not(None), active_assignment_condition(today)
    )
    # An undated task that does not come anew each year stays done; it is asked about no more.
    done_before = and_(
        Obligation.kind == UNDATED,
        Obligation.state == "confirmed",
        Obligation.period < str(today.year),
        Task.period_kind.not_in(EVERY_YEAR),
    )
    last_working_day = workdays.on_or_before(today)
    overdue = overdue_condition(last_working_day)
    return (
        select(
            Task.plan_id,
            Task.id.label("task_id"),
            func.count(Obligation.id).label("asked"),
            count_if(Obligation.state == "confirmed").label("confirmed"),
            count_if(Obligation.state == "submitted").label("submitted"),
            count_if(assigned).label("assigned"),
            count_if(late_condition(last_working_day)).label("late"),
            count_if(done_late_condition()).label("done_late"),
            func.min(case((overdue, Obligation.judged_on))).label("late_since"),
        )
        .select_from(Task)
        .join(Assignment, Assignment.task_id == Task.id, isouter=True)
        .join(
            Obligation,
            and_(
                Obligation.assignment_id == Assignment.id,
                Obligation.state.in_(LIVE_STATES),
                or_(current_question_condition(today), done_before),
            ),
            isouter=True,
        )
        .where(condition, Task.withdrawn_at.is_(None))
        .group_by(Task.plan_id, Task.id)
    )
