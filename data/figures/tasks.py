"""Figures: how far an agency, a plan, a report has come.

Promises that everything is counted in SQL, over the indexes by agency and by plan; a task is counted
once however many agencies are on it; the four official states are reckoned for the day asked about and
never stored. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import TASK_STATE_COUNTS, active_assignment_condition, late_condition
from data.models import LIVE_STATES, Agency, Assignment, Obligation, Plan, Task
from data.obligations.lists import count_if, current_question_condition, last_current_day
from data.registry.workdays import Workdays
from data.rules.ladder import UNDATED
from data.rules.undated import EVERY_YEAR

OfficialState = Literal["done_on_time", "done_late", "open_on_time", "open_late"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The four official states; waiting: handed in, not yet confirmed (counted in the open ones too)."""

    done_on_time: int = 0
    done_late: int = 0
    open_on_time: int = 0
    open_late: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        """Return how many there are."""
        return self.done_on_time + self.done_late + self.open_on_time + self.open_late

    def as_json(self) -> dict[str, int]:
        """Return the counts and their total, as templates and kept facts have them."""
        return {"total": self.total, **asdict(self)}


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """A plan's tasks, each counted once; unassigned: without any agency (also counted as open)."""

    plan_id: int
    tasks: Figures
    unassigned: int


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One task: how many of its agencies are done; late_since: when the most late one was
    to be done; is_asked: its agencies have an obligation for it, dated or of this year."""

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
        """Return which of the four official states it is in: done when all are confirmed."""
        if self.parts and self.confirmed == self.parts:
            return "done_late" if self.done_late else "done_on_time"
        return "open_late" if self.late else "open_on_time"


# ------------------------------------------------------------------ one obligation


def official_state(obligation: Any, *, today: date, workdays: Workdays) -> OfficialState | None:
    """Return which of the four official states an obligation is in; None: withdrawn or superseded.

    Only a confirmed one is hoàn thành. One handed in and not yet confirmed is judged by the day it was
    handed in, not by how long the confirmation takes.
    """
    match obligation.state:
        case "confirmed":
            on_time = obligation.done_on is None or obligation.done_on <= obligation.judged_on
            return "done_on_time" if on_time else "done_late"
        case "submitted":
            on_time = obligation.done_on is None or obligation.done_on <= obligation.judged_on
        case "open":
            on_time = obligation.judged_on >= workdays.on_or_before(today)
        case _:
            return None
    return "open_on_time" if on_time else "open_late"


# ------------------------------------------------------------------ an agency


async def load_agency_figures(
    connection: AsyncConnection, condition: ColumnElement[bool], *, today: date, workdays: Workdays
) -> Figures:
    """Return the states of what an agency has in hand: open of any age, done of this year."""
    late = late_condition(workdays.on_or_before(today))
    done_late = and_(Obligation.state == "confirmed", Obligation.done_on > Obligation.judged_on)
    row = (
        await connection.execute(
            select(
                count_if(and_(Obligation.state == "confirmed", ~_null_as_false(done_late))),
                count_if(done_late),
                count_if(and_(Obligation.state != "confirmed", ~_null_as_false(late))),
                count_if(late),
                count_if(Obligation.state == "submitted"),
            ).where(
                condition,
                Obligation.state.in_(LIVE_STATES),
                Obligation.due_on <= last_current_day(today),
                current_question_condition(today),
                or_(Obligation.state != "confirmed", Obligation.due_on >= date(today.year, 1, 1)),
            )
        )
    ).one()
    return Figures(*(int(value or 0) for value in row))


# ------------------------------------------------------------------ plans


async def list_active_plans(
    connection: AsyncConnection,
    province: str,
    *,
    coordinator_ids: Sequence[int] | None,
    today: date,
) -> list[Any]:
    """Return a province's living plans, latest first; coordinator_ids: only those they coordinate."""
    statement = select(
        Plan.id,
        Plan.code,
        Plan.number,
        Plan.title,
        Plan.issued_on,
        Plan.coordinator_id,
        Agency.name.label("coordinator"),
    ).join(Agency, Agency.id == Plan.coordinator_id, isouter=True)
    if coordinator_ids is not None:
        statement = statement.where(Plan.coordinator_id.in_(coordinator_ids))
    rows = await connection.execute(
        statement.where(
            Plan.province == province,
            Plan.withdrawn_at.is_(None),
            or_(Plan.closed_on.is_(None), Plan.closed_on >= today),
        ).order_by(Plan.issued_on.desc(), Plan.id.desc())
    )
    return list(rows)


async def load_plan_figures(
    connection: AsyncConnection, plan_ids: Sequence[int], *, today: date, workdays: Workdays
) -> dict[int, PlanFigures]:
    """Return the states of the plans' tasks, each task counted once.

    A task is done when all its agencies are confirmed, late when one of them is; an agency whose part
    never falls due, or not yet, is on time. Absent: a plan without tasks.
    """
    rows = await connection.execute(
        TASK_STATE_COUNTS,
        {
            "plan_ids": list(plan_ids),
            "today": today,
            "year": str(today.year),
            "last_working_day": workdays.on_or_before(today),
        },
    )
    counted: dict[int, Counter[str]] = {}
    for plan_id, standing, count in rows:
        counted.setdefault(plan_id, Counter())[standing] = int(count)
    return {
        plan_id: PlanFigures(
            plan_id,
            Figures(
                done_on_time=of["done_on_time"],
                done_late=of["done_late"],
                open_on_time=of["open_on_time"] + of["waiting_on_time"] + of["unassigned"],
                open_late=of["open_late"] + of["waiting_late"],
                waiting=of["waiting_on_time"] + of["waiting_late"],
            ),
            of["unassigned"],
        )
        for plan_id, of in counted.items()
    }


# ------------------------------------------------------------------ tasks


async def load_task_figures(
    connection: AsyncConnection, task_ids: Sequence[int], *, today: date, workdays: Workdays
) -> dict[int, TaskFigures]:
    """Return how far each task has come, counted once however many agencies are on it."""
    part = _parts(Task.id.in_(task_ids), today=today, workdays=workdays)
    found: dict[int, TaskFigures] = {}
    for row in await connection.execute(part):
        found[row.task_id] = TaskFigures(
            task_id=row.task_id,
            parts=int(row.asked or row.assigned or 0),
            confirmed=int(row.confirmed or 0),
            submitted=int(row.submitted or 0),
            late=int(row.late or 0),
            done_late=int(row.done_late or 0),
            late_since=row.late_since,
            is_asked=bool(row.asked),
        )
    return found


def _parts(condition: ColumnElement[bool], *, today: date, workdays: Workdays) -> Any:
    """Return the SQL that counts, for each task, the agencies on it by their states."""
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
    late = late_condition(workdays.on_or_before(today))
    done_late = and_(Obligation.state == "confirmed", Obligation.done_on > Obligation.judged_on)
    return (
        select(
            Task.plan_id,
            Task.id.label("task_id"),
            func.count(Obligation.id).label("asked"),
            count_if(Obligation.state == "confirmed").label("confirmed"),
            count_if(Obligation.state == "submitted").label("submitted"),
            count_if(assigned).label("assigned"),
            count_if(late).label("late"),
            count_if(done_late).label("done_late"),
            func.min(case((late, Obligation.judged_on))).label("late_since"),
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


# ------------------------------------------------------------------ SQL


def open_late_condition(*, today: date, workdays: Workdays) -> ColumnElement[bool]:
    """Return the condition that an obligation is open beyond its day."""
    return and_(Obligation.state == "open", Obligation.judged_on < workdays.on_or_before(today))


def _null_as_false(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition with null as false, so that it can be negated."""
    return func.coalesce(condition, false())
