"""Conditions, counts and pages of the obligations that an agency holds, most urgent first. Reads only.

Every query uses the index of obligations by agency and reads only the page it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import LIVE_STATES, Agency, Assignment, Obligation, Plan, Task
from data.rules.holders import HeldOwners
from data.rules.ladder import TASK_KINDS, UNDATED

LOOK_AHEAD = timedelta(days=92)  # current: due within a quarter, or by the end of the year
LONG_LATE = timedelta(days=92)  # older ones come last in a list: they are asked about, not urged


def last_current_day(today: date) -> date:
    """Return the last base day that counts as current: the year's end, or a quarter ahead if later."""
    return max(date(today.year, 12, 31), today + LOOK_AHEAD)


async def find_agency_ids(
    connection: AsyncConnection, province: str, codes: Iterable[str]
) -> dict[str, int]:
    """Return the ids of a province's agencies by code."""
    rows = await connection.execute(
        select(Agency.code, Agency.id).where(
            Agency.province == province, Agency.code.in_(sorted(codes))
        )
    )
    return {row.code: row.id for row in rows}


async def held_condition(
    connection: AsyncConnection, province: str, owners: HeldOwners
) -> ColumnElement[bool]:
    """Return the condition on Obligation that its owner is one of these (see data.rules.holders)."""
    return held_condition_by_ids(await find_agency_ids(connection, province, owners.owners), owners)


def held_condition_by_ids(ids: Mapping[str, int], owners: HeldOwners) -> ColumnElement[bool]:
    """Return the same condition from the owners' ids by code."""
    reports = [ids[code] for code in sorted(owners.reports) if code in ids]
    tasks = [ids[code] for code in sorted(owners.tasks) if code in ids]
    every = sorted({*reports, *tasks})
    if not every:
        return false()
    if set(reports) == set(tasks):
        return Obligation.agency_id.in_(every)
    return and_(
        Obligation.agency_id.in_(every),
        or_(
            and_(Obligation.kind.not_in(TASK_KINDS), Obligation.agency_id.in_(reports)),
            and_(Obligation.kind.in_(TASK_KINDS), Obligation.agency_id.in_(tasks)),
        ),
    )


async def count_current(
    connection: AsyncConnection, condition: ColumnElement[bool], *, today: date
) -> tuple[int, int, date | None]:
    """Return how many obligations are current, how many are later, and the earliest day of the later ones."""
    until = last_current_day(today)
    row = (
        await connection.execute(
            select(
                count_if(Obligation.base_on <= until),
                count_if(Obligation.base_on > until),
                func.min(case((Obligation.base_on > until, Obligation.base_on))),
            ).where(condition, Obligation.state == "open", Obligation.kind != UNDATED)
        )
    ).one()
    return int(row[0] or 0), int(row[1] or 0), row[2]


async def list_coordinating_agencies(connection: AsyncConnection, province: str) -> list[str]:
    """Return the names of the agencies that follow a province's plans, by name."""
    rows = await connection.scalars(
        select(Agency.name)
        .join(Plan, Plan.coordinator_id == Agency.id)
        .where(Plan.province == province, Plan.withdrawn_at.is_(None))
        .distinct()
        .order_by(Agency.name)
    )
    return list(rows)


async def list_current_ids(
    connection: AsyncConnection,
    condition: ColumnElement[bool],
    *,
    today: date,
    offset: int = 0,
    limit: int = 10,
) -> list[int]:
    """Return the ids of current obligations, most urgent first.

    By date; those late for over a quarter come last, the latest of them first.
    """
    recent = Obligation.base_on >= today - LONG_LATE
    rows = await connection.execute(
        select(Obligation.id)
        .where(
            condition,
            Obligation.state == "open",
            Obligation.kind != UNDATED,
            Obligation.base_on <= last_current_day(today),
        )
        .order_by(
            case((recent, 0), else_=1),
            case((recent, Obligation.base_on)),
            Obligation.base_on.desc(),
            Obligation.id,
        )
        .offset(offset)
        .limit(limit)
    )
    return list(rows.scalars())


async def count_distant_tasks(
    connection: AsyncConnection, owner_ids: Sequence[int], *, today: date
) -> int:
    """Return how many tasks of an agency end beyond the planning horizon."""
    dated = (
        select(Obligation.id)
        .where(Obligation.assignment_id == Assignment.id, Obligation.state.in_(LIVE_STATES))
        .exists()
    )
    count = await connection.scalar(
        select(func.count(func.distinct(Assignment.task_id)))
        .join(Task, Task.id == Assignment.task_id)
        .where(
            Assignment.agency_id.in_(owner_ids),
            Assignment.withdrawn_at.is_(None),
            or_(Assignment.valid_until.is_(None), Assignment.valid_until >= today),
            Task.withdrawn_at.is_(None),
            Task.ends_on > today,
            ~dated,
        )
    )
    return int(count or 0)


def current_question_condition(today: date) -> ColumnElement[bool]:
    """Return the condition on Obligation that excludes other years' questions about undated tasks."""
    return or_(Obligation.kind != UNDATED, Obligation.period == str(today.year))


async def list_undated_ids(
    connection: AsyncConnection, condition: ColumnElement[bool], *, today: date
) -> list[int]:
    """Return the ids of this year's open questions about undated tasks, in the documents' order."""
    rows = await connection.execute(
        select(Obligation.id)
        .where(
            condition,
            Obligation.kind == UNDATED,
            Obligation.state == "open",
            Obligation.period == str(today.year),
        )
        .order_by(Obligation.plan_id, Obligation.id)
    )
    return list(rows.scalars())


def count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the SQL count of the rows that meet a condition; null where there is no row."""
    return func.sum(case((condition, 1), else_=0))


async def list_parts(
    connection: AsyncConnection, condition: ColumnElement[bool], *, offset: int, limit: int
) -> tuple[int, list[Any]]:
    """Return how many obligations of a condition are open or submitted, and a page of them, open ones first.

    Each row has the obligation's columns, and the agency's name, short name and code.
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


async def list_open_parts(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Any]:
    """Return the open obligations of a condition in the official order of their owners.

    Each row has the obligation's columns, and the agency's name, short name, code, kind and province.
    """
    rows = await connection.execute(
        select(
            Obligation.__table__,
            Agency.name.label("agency"),
            Agency.short.label("agency_short"),
            Agency.code.label("agency_code"),
            Agency.kind.label("agency_kind"),
            Agency.province.label("agency_province"),
        )
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(condition, Obligation.state == "open")
        .order_by(Agency.position, Obligation.id)
    )
    return list(rows)


async def list_assigned_agencies(
    connection: AsyncConnection, task_id: int, *, today: date
) -> list[Any]:
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


async def count_by_plan(
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


async def list_ids_by_date(
    connection: AsyncConnection,
    condition: ColumnElement[bool],
    *,
    by: Sequence[Any],
    offset: int,
    limit: int,
) -> list[int]:
    """Return the ids of a page of obligations, ordered by dates, then by plan and agency."""
    rows = await connection.execute(
        select(Obligation.id)
        .where(condition)
        .order_by(*by, Obligation.plan_id, Obligation.agency_id, Obligation.id)
        .offset(offset)
        .limit(limit)
    )
    return list(rows.scalars())
