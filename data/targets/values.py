"""Reported values of targets (chỉ tiêu): record, undo, load. Values are append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import Agency, Person, TargetValue
from data.progress.undo import UNDO_WINDOW, CannotUndo
from data.rows import row_fields
from data.targets.numbers import format_stored_number


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """One agency's value of a target in a year; agency: its short name, person None: erased or unknown."""

    id: int
    code: str
    year: int
    value: Decimal
    agency_id: int
    agency: str
    person: str | None
    said_at: datetime


async def record_target_value(
    connection: AsyncConnection,
    *,
    plan_id: int,
    code: str,
    year: int,
    value: Decimal,
    agency_id: int,
    person_id: int | None,
    chat_id: int | None,
    event_id: int | None,
    words: str,
    now: datetime,
) -> int | None:
    """Record an agency's value of a target in a year; returns the row's id, or None for an unchanged value."""
    current = await _current_value(connection, plan_id, code=code, year=year, agency_id=agency_id)
    if current is not None and current.value == value:
        return None
    added = await connection.execute(
        insert(TargetValue)
        .values(
            plan_id=plan_id,
            code=code,
            year=year,
            value=format_stored_number(value),
            agency_id=agency_id,
            person_id=person_id,
            chat_id=chat_id,
            event_id=event_id,
            words=words,
            said_at=now,
        )
        .returning(TargetValue.id)
    )
    return int(added.scalar_one())


async def undo_target_value(
    connection: AsyncConnection,
    *,
    value_id: int,
    person_id: int | None,
    chat_id: int | None,
    event_id: int | None,
    words: str,
    now: datetime,
) -> Row[Any]:
    """Undo a value, so that the agency's earlier one counts again; returns the undone row.

    Raises CannotUndo: unknown or undone already ("nothing"), older than 24 hours ("too_late"), or followed
    by another value of the agency ("answered_since").
    """
    row = await find_target_value(connection, value_id)
    if row is None or row.undoes_id is not None or await _is_undone(connection, value_id):
        raise CannotUndo("nothing")
    if now - row.said_at > UNDO_WINDOW:
        raise CannotUndo("too_late")
    current = await _current_value(
        connection, row.plan_id, code=row.code, year=row.year, agency_id=row.agency_id
    )
    if current is None or current.id != value_id:
        raise CannotUndo("answered_since")
    await connection.execute(
        insert(TargetValue).values(
            plan_id=row.plan_id,
            code=row.code,
            year=row.year,
            value=None,
            agency_id=row.agency_id,
            person_id=person_id,
            chat_id=chat_id,
            event_id=event_id,
            words=words,
            said_at=now,
            undoes_id=value_id,
        )
    )
    return row


async def find_target_value(connection: AsyncConnection, value_id: int) -> Row[Any] | None:
    """Return one row, or None for an unknown id."""
    rows = await connection.execute(select(TargetValue).where(TargetValue.id == value_id))
    return rows.one_or_none()


async def find_last_target_value_in_chat(
    connection: AsyncConnection, *, chat_id: int, person_id: int | None, since: datetime
) -> Row[Any] | None:
    """Return the last row of a person in a chat since an instant, including undos; None without one."""
    same_person = (
        TargetValue.person_id.is_(None) if person_id is None else TargetValue.person_id == person_id
    )
    rows = await connection.execute(
        select(TargetValue)
        .where(TargetValue.chat_id == chat_id, same_person, TargetValue.said_at >= since)
        .order_by(TargetValue.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def load_reported_values(
    connection: AsyncConnection, plan_id: int, *, before: datetime | None = None
) -> list[ReportedValue]:
    """Return each agency's latest value, not undone, of each target and year of a plan.

    Also of targets that the plan file no longer has. In the official order of agencies, then by time.
    """
    later = aliased(TargetValue)
    rows = await connection.execute(
        select(TargetValue.__table__, Agency.short.label("agency"), Person.name.label("person"))
        .join(Agency, Agency.id == TargetValue.agency_id)
        .join(Person, Person.id == TargetValue.person_id, isouter=True)
        .where(
            TargetValue.plan_id == plan_id,
            TargetValue.value.is_not(None),
            ~exists().where(later.undoes_id == TargetValue.id, later.plan_id == plan_id),
            true() if before is None else TargetValue.said_at < before,
        )
        .order_by(Agency.position, Agency.id, TargetValue.id)
    )
    latest: dict[tuple[str, int, int], ReportedValue] = {}
    for row in rows:
        names = ("id", "code", "year", "agency_id", "agency", "person", "said_at")
        latest[row.code, row.year, row.agency_id] = ReportedValue(
            **row_fields(row, *names), value=Decimal(row.value)
        )
    return list(latest.values())


async def _current_value(
    connection: AsyncConnection, plan_id: int, *, code: str, year: int, agency_id: int
) -> ReportedValue | None:
    for value in await load_reported_values(connection, plan_id):
        if (value.code, value.year, value.agency_id) == (code, year, agency_id):
            return value
    return None


async def _is_undone(connection: AsyncConnection, value_id: int) -> bool:
    undone: ColumnElement[bool] = exists().where(TargetValue.undoes_id == value_id)
    return bool(await connection.scalar(select(undone)))
