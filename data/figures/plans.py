"""Active plans, and the official states of their tasks: each task counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import (
    CONFIRMED,
    Figures,
    active_assignment_condition,
    done_late_condition,
    ended_before_condition,
    late_condition,
)
from data.models import Agency, Assignment, Obligation, Plan, Task
from data.obligations.lists import count_if
from data.registry.workdays import Workdays
from data.rows import row_fields
from data.rules.ladder import UNDATED
from data.rules.undated import DATED, EVERY_YEAR

_ON_TIME = ("open_on_time", "waiting_on_time", "unassigned")


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """A plan's tasks, each counted once.

    Also counted as open_on_time: unassigned, without any agency; undated, which never fall due; ended_before,
    whose time ended before the plan was tracked.
    """

    plan_id: int
    tasks: Figures = field(default_factory=Figures)
    unassigned: int = 0
    undated: int = 0
    ended_before: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the counts of tasks, their total and what stands apart."""
        return {**self.tasks.as_json(), **self.apart()}

    def apart(self) -> dict[str, int]:
        """Return what of the open tasks stands apart, as templates and stored facts have it."""
        return row_fields(self, "unassigned", "undated", "ended_before")


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
        Plan.short,
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
    """Return the figures of plans by id; a plan without tasks is absent.

    A task is done when all its agencies are confirmed, late when one of them is. An agency whose part
    never falls due, or not yet, is on time.
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
    by_plan: dict[int, Counter[str]] = {}
    for plan_id, word, is_undated, is_ended, count in rows:
        counts = by_plan.setdefault(plan_id, Counter())
        counts[word] += int(count)
        if word in _ON_TIME:
            counts["undated"] += int(count) if is_undated else 0
            counts["ended_before"] += int(count) if is_ended else 0
    return {plan_id: _plan_figures(plan_id, counts) for plan_id, counts in by_plan.items()}


def _plan_figures(plan_id: int, counts: Mapping[str, int]) -> PlanFigures:
    tasks = Figures(
        done_on_time=counts["done_on_time"],
        done_late=counts["done_late"],
        open_on_time=sum(counts[word] for word in _ON_TIME),
        open_late=counts["open_late"] + counts["waiting_late"],
        waiting=counts["waiting_on_time"] + counts["waiting_late"],
    )
    return PlanFigures(
        plan_id, tasks, counts["unassigned"], counts["undated"], counts["ended_before"]
    )


def _select_task_state_counts() -> Any:
    """Return the SQL that counts the tasks of plans by one word each: TaskFigures.state, split further.

    It does not read confirmed obligations one by one; they are by far the most. What is not confirmed is
    one range of an index; a task without any is done, as one confirmed part shows.
    """
    of_plans: BindParameter[int] = bindparam("plan_ids", expanding=True)
    pending = (
        select(
            Assignment.task_id,
            count_if(Obligation.state == "open").label("open"),
            count_if(late_condition(bindparam("last_working_day", type_=Date))).label("late"),
            count_if(~ended_before_condition()).label("not_ended"),
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
    holds = active_assignment_condition(bindparam("today", type_=Date))
    assigned = select(Assignment.id).where(Assignment.task_id == Task.id, holds)
    # Of an undated task this year's question counts, or an earlier one where it was done for good.
    counts: ColumnElement[bool] = or_(
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
                (part.where(done_late_condition()).exists(), "done_late"),
                (part.where(CONFIRMED, counts).exists(), "done_on_time"),
                # Where a task has obligations, those who owe it are its parts, not who took over since.
                (~assigned.exists(), "unassigned"),
                else_="open_on_time",
            ).label("word"),
            Task.period_kind.not_in(DATED).label("undated"),
            func.coalesce(pending.c.not_ended == 0, False).label("ended"),
        )
        .join(pending, pending.c.task_id == Task.id, isouter=True)
        .where(Task.plan_id.in_(of_plans), Task.withdrawn_at.is_(None))
        .subquery()
    )
    kinds = (task.c.plan_id, task.c.word, task.c.undated, task.c.ended)
    return select(*kinds, func.count()).group_by(*kinds)


TASK_STATE_COUNTS = _select_task_state_counts()  # made once: making it takes as long as running it
