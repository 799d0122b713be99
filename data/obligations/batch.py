"""Obligations read and written by what they have in common, not one by one.

Promises that what planning would treat alike is handed over as one, and that one row of parameters makes or
changes all of it: a report of a hundred agencies is one thing to reckon, read or write. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    TableValuedAlias,
    and_,
    bindparam,
    case,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Assignment, Obligation, Plan, Reminder

_TABLE: Any = Obligation.__table__
_AT_ONCE = 1000  # rows read, or rows of parameters
_STATES_WITH_RUNGS = (
    "open",
    "withdrawn",
    "superseded",
)  # the states in which the rungs sent matter
_STATE_EFFECTIVE_DUE = case(
    (_TABLE.c.extended_to > _TABLE.c.due_on, _TABLE.c.extended_to), else_=_TABLE.c.due_on
)
_INSERTED_COLUMNS = (
    *("plan_id", "duty_id", "kind", "code", "period", "due_on", "due_words", "due_proposed"),
    *("base_on", "judged_on", "state", "rung", "remind_on"),
)


class ObligationGroup(NamedTuple):
    """What planning looks at of obligations; those that agree in all of it are one to planning.

    told: the last rung sent for the effective due date; looked up only where it matters.
    """

    plan_id: int
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
    is_submitted: bool
    is_confirmed: bool
    rung: int | None
    remind_on: date | None
    told: int | None


ObligationIdsByAgency = dict[int, int]  # agency → its obligation


async def read_groups(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> dict[ObligationGroup, ObligationIdsByAgency]:
    """Return the obligations of a condition, grouped by all that planning looks at."""
    looked_up = {
        "is_submitted": _TABLE.c.submitted_at.is_not(None),
        "is_confirmed": _TABLE.c.confirmed_at.is_not(None),
        "told": case((_TABLE.c.state.in_(_STATES_WITH_RUNGS), _last_rung(_STATE_EFFECTIVE_DUE))),
    }
    columns = [looked_up.get(name, _TABLE.c.get(name)) for name in ObligationGroup._fields]
    query = select(_TABLE.c.id, _TABLE.c.agency_id, *columns).where(condition)
    groups: dict[tuple[Any, ...], ObligationIdsByAgency] = {}
    async with connection.stream(query) as rows:
        async for some in rows.partitions(_AT_ONCE):
            for row in some:
                groups.setdefault(row[2:], {})[row[1]] = row[0]
    return {ObligationGroup(*key): owners for key, owners in groups.items()}


async def find_last_rungs(
    connection: AsyncConnection, ids: Sequence[int], due_on: date
) -> dict[int | None, list[int]]:
    """Return obligations by the last rung sent for a due date that they did not have so far."""
    there = _ids(connection, "ids")
    query = select(_TABLE.c.id, _last_rung(bindparam("due_on", due_on))).where(
        _TABLE.c.id.in_(select(there.c.value))
    )
    by_rung: dict[int | None, list[int]] = {}
    for key, rung in await connection.execute(query, {"ids": list(ids)}):
        by_rung.setdefault(rung, []).append(key)
    return by_rung


def _last_rung(due_on: ColumnElement[Any]) -> Any:
    return (
        select(func.max(Reminder.rung))
        .where(Reminder.obligation_id == _TABLE.c.id, Reminder.due_on == due_on)
        .scalar_subquery()
    )


async def insert_all(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make obligations; each row is the columns of some that are alike, with `agencies`, their owners' ids.

    task_id: the task whose assignments they stand for, or None where they are reports.
    """
    owners = _ids(connection, "agencies")
    of_task = Assignment.task_id == bindparam("task_id")
    parts = owners.outerjoin(Assignment, and_(of_task, Assignment.agency_id == owners.c.value))
    values = [bindparam(name, type_=_TABLE.c[name].type) for name in _INSERTED_COLUMNS]
    for is_task, theirs, assignment in (
        (True, parts, Assignment.id),
        (False, owners, null()),
    ):
        statement = insert(_TABLE).from_select(
            (*_INSERTED_COLUMNS, "agency_id", "assignment_id"),
            select(*values, owners.c.value, assignment).select_from(theirs),
        )
        some = [row for row in rows if (row["task_id"] is not None) is is_task]
        await _in_parts(connection, statement, some)


async def update_all(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set columns of obligations; each row is new values with `ids`, those that get them.

    Where `revised_on` is among them, their revision rises.
    """
    by_shape: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        shape = tuple(sorted(row.keys() - {"ids"}))
        values = {"ids": row["ids"], **{f"new_{name}": row[name] for name in shape}}
        by_shape.setdefault(shape, []).append(values)
    there = _ids(connection, "ids")
    for shape, changes in by_shape.items():
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in shape}
        if "revised_on" in shape:
            columns["revision"] = _TABLE.c.revision + 1
        which = _TABLE.c.id.in_(select(there.c.value))
        await _in_parts(connection, update(_TABLE).where(which).values(columns), changes)


async def _in_parts(
    connection: AsyncConnection, statement: Any, rows: Sequence[Mapping[str, Any]]
) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        await connection.execute(statement, rows[start : start + _AT_ONCE])


def _ids(connection: AsyncConnection, name: str) -> TableValuedAlias:
    """Return a parameter that holds a list of ids as a table with one column, `value`."""
    if connection.dialect.name == "sqlite":
        return func.json_each(bindparam(name, type_=JSON())).table_valued("value")
    listed = func.unnest(bindparam(name, type_=ARRAY(BigInteger)))
    return listed.table_valued("value").render_derived()


_CHUNK = 1000
ColumnChange = tuple[tuple[str, Any], ...]  # (column, value)


class ReminderState(NamedTuple):
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


async def lock_groups(
    connection: AsyncConnection, obligation_ids: Sequence[int]
) -> dict[ReminderState, list[int]]:
    """Return how some obligations stand, each way once, with those that stand so; they are held."""
    alike: dict[ReminderState, list[int]] = {}
    for start in range(0, len(obligation_ids), _CHUNK):
        rows = await connection.execute(
            _REMINDER_STATES, {"ids": obligation_ids[start : start + _CHUNK]}
        )
        for key, *standing in rows:
            alike.setdefault(ReminderState(*standing), []).append(key)
    return alike


async def update_groups(
    connection: AsyncConnection, changes: Mapping[ColumnChange, Sequence[int]]
) -> None:
    """Make each change to all its obligations; an empty one is none."""
    for change, keys in changes.items():
        statement = update(Obligation).where(_BY_IDS).values(dict(change))
        for start in range(0, len(keys) if change else 0, _CHUNK):
            await connection.execute(statement, {"ids": keys[start : start + _CHUNK]})


# ------------------------------------------------------------------ statements, made once

_BY_IDS = Obligation.id.in_(bindparam("ids", expanding=True))
_REMINDER_STATES = (
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
        .where(Reminder.obligation_id == Obligation.id, Reminder.due_on == _STATE_EFFECTIVE_DUE)
        .scalar_subquery(),
    )
    .join(Plan, Plan.id == Obligation.plan_id)
    .where(_BY_IDS)
    .order_by(Obligation.id)  # in which they are held, whoever holds them
    .with_for_update(of=Obligation, key_share=True)
)
