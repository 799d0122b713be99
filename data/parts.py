"""The parts of a task or report: each agency's obligation with its state; lists by due date.

Promises that a page reads only its own rows, and that totals are counted in SQL. Reads only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Assignment, Obligation


async def parts_of(
    connection: AsyncConnection, condition: ColumnElement[bool], *, offset: int, limit: int
) -> tuple[int, list[Any]]:
    """Return how many obligations of a condition are not confirmed, and a page: the open ones first.

    Each row is the obligation's, with the agency's name, short name and code.
    """
    where = and_(condition, Obligation.state.in_(("open", "submitted")))
    total = await connection.scalar(select(func.count()).select_from(Obligation).where(where))
    rows = await connection.execute(
        select(
            Obligation.__table__,
            Agency.name.label("agency"),
            Agency.short.label("agency_short"),
            Agency.code.label("agency_code"),
        )
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(where)
        .order_by(
            case((Obligation.state == "open", 0), else_=1),
            Obligation.due_on,
            Agency.position,
            Obligation.id,
        )
        .offset(offset)
        .limit(limit)
    )
    return int(total or 0), list(rows)


async def assigned(connection: AsyncConnection, task_id: int, *, today: date) -> list[Any]:
    """Return the agencies on a task today, in the official order, each with needs_decision."""
    rows = await connection.execute(
        select(
            Agency.id,
            Agency.code,
            Agency.name,
            Agency.short,
            Assignment.needs_decision,
        )
        .join(Agency, Agency.id == Assignment.agency_id)
        .where(
            Assignment.task_id == task_id,
            Assignment.withdrawn_at.is_(None),
            or_(Assignment.valid_until.is_(None), Assignment.valid_until >= today),
        )
        .order_by(Agency.position, Agency.id)
    )
    return list(rows)


async def by_plan(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> list[tuple[int, int]]:
    """Return (plan id, how many obligations of the condition), most first."""
    count = func.count()
    rows = await connection.execute(
        select(Obligation.plan_id, count)
        .where(condition)
        .group_by(Obligation.plan_id)
        .order_by(count.desc(), Obligation.plan_id)
    )
    return [(row[0], int(row[1])) for row in rows]


async def ids_by_date(
    connection: AsyncConnection,
    condition: ColumnElement[bool],
    *,
    by: Sequence[Any],
    offset: int,
    limit: int,
) -> list[int]:
    """Return the ids of a page of obligations, in an order of dates, then by plan and agency."""
    rows = await connection.execute(
        select(Obligation.id)
        .where(condition)
        .order_by(*by, Obligation.plan_id, Obligation.agency_id, Obligation.id)
        .offset(offset)
        .limit(limit)
    )
    return list(rows.scalars())
