"""Rows of obligations whose rung has come, and of those that are late, for the morning. Reads only.

A row holds only the columns by which a reminder's lines are chosen, sorted and cut: a morning of all
provinces reads a hundred thousand rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import chunks
from data.models import Agency, Assignment, Obligation, Plan, ReportDuty, Task


class DueRow(NamedTuple):
    """One open obligation, also the input of data.registry.titles.obligation_title."""

    id: int
    agency_id: int
    kind: str
    code: str
    period: str
    due_on: date
    due_words: str
    due_proposed: bool
    extended_to: date | None
    judged_on: date
    rung: int | None
    late_told: int
    plan_code: str
    tracked_from: date
    clause: str | None
    duty_title: str | None
    frequency: str | None
    task_title: str | None
    owner_code: str
    owner_name: str


async def load_due(connection: AsyncConnection, province: str, *, today: date) -> list[DueRow]:
    """Return the obligations of a province's plans in force whose rung has come by today."""
    return await _load_rows(connection, _DUE, province=province, today=today)


async def load_open(connection: AsyncConnection, obligation_ids: Sequence[int]) -> list[DueRow]:
    """Return the open ones of some obligations, whether or not their rung has come."""
    found: list[DueRow] = []
    for ids in chunks(obligation_ids):
        found += await _load_rows(connection, _BY_ID, ids=ids)
    return found


async def load_late(
    connection: AsyncConnection,
    province: str,
    condition: ColumnElement[bool],
    *,
    told: Sequence[int],
) -> list[DueRow]:
    """Return a province's late obligations, the longest late first: with a confirmed date, tracked, undisputed.

    condition: which are late (data.figures.states.overdue_condition).
    told: the values of Obligation.late_told, how far lateness was escalated.
    """
    return await _load_rows(connection, _LATE.where(condition), province=province, told=told)


async def _load_rows(
    connection: AsyncConnection, statement: Select[*tuple[Any, ...]], **values: Any
) -> list[DueRow]:
    return [DueRow(*row) for row in await connection.execute(statement, values)]


_TODAY = bindparam("today", type_=Obligation.due_on.type)
_OPEN = (
    select(
        Obligation.id,
        Obligation.agency_id,
        Obligation.kind,
        Obligation.code,
        Obligation.period,
        Obligation.due_on,
        Obligation.due_words,
        Obligation.due_proposed,
        Obligation.extended_to,
        Obligation.judged_on,
        Obligation.rung,
        Obligation.late_told,
        Plan.code,
        Plan.tracked_from,
        ReportDuty.clause,
        ReportDuty.title,
        ReportDuty.frequency,
        Task.title,
        Agency.code,
        Agency.name,
    )
    .join(Plan, Plan.id == Obligation.plan_id)
    .join(Agency, Agency.id == Obligation.agency_id)
    .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
    .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
    .outerjoin(Task, Task.id == Assignment.task_id)
    .where(Obligation.state == "open")
)
_BY_ID = _OPEN.where(Obligation.id.in_(bindparam("ids", expanding=True)))
_OF_PROVINCE = _OPEN.where(Plan.province == bindparam("province"), Plan.withdrawn_at.is_(None))
_DUE = _OF_PROVINCE.where(
    or_(Plan.closed_on.is_(None), Plan.closed_on >= _TODAY), Obligation.remind_on <= _TODAY
)
_LATE = _OF_PROVINCE.where(
    Obligation.late_told.in_(bindparam("told", expanding=True)),
    Obligation.disputed_at.is_(None),
    Obligation.due_proposed.is_(False),
).order_by(Obligation.judged_on, Obligation.id)
