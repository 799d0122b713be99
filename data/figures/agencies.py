"""Official states of what agencies owe: open of any age, done of this year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import Figures, total_columns
from data.models import LIVE_STATES, Agency, Obligation
from data.obligations.lists import current_question_condition, last_current_day
from data.registry.workdays import Workdays
from data.rules.ladder import TASK_KINDS


class OwnerFigures(NamedTuple):
    """What one owner owes of a plan, tasks and reports apart."""

    plan_id: int
    owner_code: str
    is_task: bool
    figures: Figures


async def load_agency_figures(
    connection: AsyncConnection, condition: ColumnElement[bool], *, today: date, workdays: Workdays
) -> Figures:
    """Return the figures of the obligations of a condition, say those that an agency handles."""
    rows = await connection.execute(
        select(*total_columns(workdays.on_or_before(today))).where(
            condition, *_counted_conditions(today)
        )
    )
    return Figures.from_totals(*(int(value or 0) for value in rows.one()))


async def load_owner_figures(
    connection: AsyncConnection, plan_ids: Sequence[int], *, today: date, workdays: Workdays
) -> list[OwnerFigures]:
    """Return the same figures of each owner in each plan."""
    is_task = Obligation.kind.in_(TASK_KINDS)
    rows = await connection.execute(
        select(
            Obligation.plan_id,
            Agency.code,
            is_task,
            *total_columns(workdays.on_or_before(today)),
        )
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(Obligation.plan_id.in_(plan_ids), *_counted_conditions(today))
        .group_by(Obligation.plan_id, Agency.code, is_task)
    )
    return [
        OwnerFigures(plan_id, code, bool(task), Figures.from_totals(*map(int, counts)))
        for plan_id, code, task, *counts in rows
    ]


def _counted_conditions(today: date) -> tuple[ColumnElement[bool], ...]:
    return (
        Obligation.state.in_(LIVE_STATES),
        Obligation.due_on <= last_current_day(today),
        current_question_condition(today),
        or_(Obligation.state != "confirmed", Obligation.due_on >= date(today.year, 1, 1)),
    )
