"""What of obligations is reckoned anew from registry and calendar: read and written many at once.

Promises plain rows, for planning looks at every obligation each night; that those which stand alike are
one; and that what is read to be changed is held until the caller's write transaction ends, so that an
answer recorded meanwhile is not undone. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Obligation, Plan, Reminder

_CHUNK = 1000
Change = tuple[tuple[str, Any], ...]  # (column, value)


class Stored(NamedTuple):
    """What planning looks at of an obligation as it stands."""

    id: int
    agency: str
    kind: str
    code: str
    period: str
    due_on: date
    due_words: str
    due_proposed: bool
    extended_to: date | None
    base_on: date
    judged_on: date
    state: str
    acknowledged_until: date | None
    submitted_at: datetime | None
    confirmed_at: datetime | None
    rung: int | None
    remind_on: date | None
    revision: int


class Standing(NamedTuple):
    """What the next rung of an obligation follows from, and what was reckoned last."""

    state: str
    kind: str
    due_on: date
    extended_to: date | None
    acknowledged_until: date | None
    base_on: date
    judged_on: date
    rung: int | None
    remind_on: date | None
    plan_code: str
    tracked_from: date
    told: int | None  # the last rung of which people were told for the effective due


async def of_plan(connection: AsyncConnection, plan_id: int) -> dict[tuple[str, str, str], Stored]:
    """Return the obligations of a plan by code, agency and period, whatever their state."""
    columns = [getattr(Obligation, name) for name in Stored._fields if name != "agency"]
    columns.insert(Stored._fields.index("agency"), Agency.code)
    rows = await connection.execute(
        select(*columns)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(Obligation.plan_id == plan_id)
    )
    stored = [Stored(*row) for row in rows]
    return {(row.code, row.agency, row.period): row for row in stored}


async def told_of_plan(connection: AsyncConnection, plan_id: int) -> dict[tuple[int, date], int]:
    """Return the last rung that was told, by obligation and effective due."""
    rows = await connection.execute(
        select(Reminder.obligation_id, Reminder.due_on, func.max(Reminder.rung).label("rung"))
        .join(Obligation, Obligation.id == Reminder.obligation_id)
        .where(Obligation.plan_id == plan_id)
        .group_by(Reminder.obligation_id, Reminder.due_on)
    )
    return {(row.obligation_id, row.due_on): row.rung for row in rows}


async def held_alike(
    connection: AsyncConnection, obligation_ids: Sequence[int]
) -> dict[Standing, list[int]]:
    """Return how some obligations stand, each way once, with those that stand so; they are held."""
    alike: dict[Standing, list[int]] = {}
    for start in range(0, len(obligation_ids), _CHUNK):
        rows = await connection.execute(_STANDING, {"ids": obligation_ids[start : start + _CHUNK]})
        for key, *standing in rows:
            alike.setdefault(Standing(*standing), []).append(key)
    return alike


async def change_alike(
    connection: AsyncConnection, changes: Mapping[Change, Sequence[int]]
) -> None:
    """Make each change to all its obligations; an empty one is none."""
    for change, keys in changes.items():
        statement = update(Obligation).where(_SOME).values(dict(change))
        for start in range(0, len(keys) if change else 0, _CHUNK):
            await connection.execute(statement, {"ids": keys[start : start + _CHUNK]})


async def change_each(connection: AsyncConnection, changes: Iterable[dict[str, Any]]) -> None:
    """Change obligations, each in its own way: its id as `key`, and its columns."""
    by_shape: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for change in changes:
        by_shape.setdefault(tuple(sorted(change)), []).append(change)
    for shape, rows in by_shape.items():
        columns: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in shape if name != "key"
        }
        statement = (
            update(Obligation.__table__)  # type: ignore[arg-type]
            .where(Obligation.__table__.c.id == bindparam("key"))
            .values(columns)
        )
        values = [
            {("key" if name == "key" else f"new_{name}"): value for name, value in row.items()}
            for row in rows
        ]
        for start in range(0, len(values), _CHUNK):
            await connection.execute(statement, values[start : start + _CHUNK])


# ------------------------------------------------------------------ statements, made once

_SOME = Obligation.id.in_(bindparam("ids", expanding=True))
_EFFECTIVE = case(
    (Obligation.extended_to > Obligation.due_on, Obligation.extended_to), else_=Obligation.due_on
)
_STANDING = (
    select(
        Obligation.id,
        Obligation.state,
        Obligation.kind,
        Obligation.due_on,
        Obligation.extended_to,
        Obligation.acknowledged_until,
        Obligation.base_on,
        Obligation.judged_on,
        Obligation.rung,
        Obligation.remind_on,
        Plan.code,
        Plan.tracked_from,
        select(func.max(Reminder.rung))
        .where(Reminder.obligation_id == Obligation.id, Reminder.due_on == _EFFECTIVE)
        .scalar_subquery(),
    )
    .join(Plan, Plan.id == Obligation.plan_id)
    .where(_SOME)
    .order_by(Obligation.id)  # in which they are held, whoever holds them
    .with_for_update(of=Obligation, key_share=True)
)
