"""Read and update obligations in groups that share all values planning looks at.

Guarantees:
- One row of parameters inserts or updates a whole group, however many agencies it has.
- The number of statements follows the number of groups, not the number of obligations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

from data.db.statements import CHUNK_ROWS, chunks
from data.models import Assignment, Obligation, Plan, Reminder

_TABLE: Any = Obligation.__table__
_STATES_WITH_RUNGS = ("open", "withdrawn", "superseded")  # in which the rungs sent matter
_EFFECTIVE_DUE = case(
    (_TABLE.c.extended_to > _TABLE.c.due_on, _TABLE.c.extended_to), else_=_TABLE.c.due_on
)
_INSERTED_COLUMNS = (
    *("plan_id", "duty_id", "kind", "code", "period", "due_on", "due_words", "due_proposed"),
    *("base_on", "judged_on", "state", "rung", "remind_on"),
)


class ObligationGroup(NamedTuple):
    """Values that obligations of several agencies share: all that planning looks at.

    sent_rung: the last rung sent for the effective due date, in states where that matters.
    """

    plan_code: str
    tracked_from: date
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
    sent_rung: int | None


ObligationIdsByAgency = dict[int, int]
ObligationGroups = dict[ObligationGroup, ObligationIdsByAgency]


async def read_groups(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> ObligationGroups:
    """Return the obligations of a condition by group."""
    found: dict[tuple[Any, ...], ObligationIdsByAgency] = {}
    async with connection.stream(_GROUPS.where(condition)) as rows:
        async for part in rows.partitions(CHUNK_ROWS):
            _add_to_groups(found, part)
    return _as_groups(found)


async def lock_groups(
    connection: AsyncConnection, obligation_ids: Sequence[int]
) -> ObligationGroups:
    """Return some obligations by group; their rows stay locked until the transaction ends."""
    found: dict[tuple[Any, ...], ObligationIdsByAgency] = {}
    for ids in chunks(sorted(obligation_ids)):
        _add_to_groups(found, await connection.execute(_LOCKED_GROUPS, {"ids": ids}))
    return _as_groups(found)


def _add_to_groups(
    found: dict[tuple[Any, ...], ObligationIdsByAgency], rows: Iterable[Any]
) -> None:
    for row in rows:
        found.setdefault(row[2:], {})[row[1]] = row[0]


def _as_groups(found: Mapping[tuple[Any, ...], ObligationIdsByAgency]) -> ObligationGroups:
    return {ObligationGroup(*values): ids for values, ids in found.items()}


async def group_by_sent_rung(
    connection: AsyncConnection, ids: Sequence[int], due_on: date
) -> dict[int | None, list[int]]:
    """Return obligations by the last rung sent for a due date other than their present one."""
    id_list = _id_list(connection, "ids")
    query = select(_TABLE.c.id, _last_rung(bindparam("due_on", due_on))).where(
        _TABLE.c.id.in_(select(id_list.c.value))
    )
    by_rung: dict[int | None, list[int]] = {}
    for key, rung in await connection.execute(query, {"ids": list(ids)}):
        by_rung.setdefault(rung, []).append(key)
    return by_rung


async def insert_all(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert obligations; each row holds the columns of a group, and its owners' ids as `agencies`.

    task_id: the task whose assignments the obligations refer to; None for reports.
    """
    owners = _id_list(connection, "agencies")
    of_task = Assignment.task_id == bindparam("task_id")
    assigned = owners.outerjoin(Assignment, and_(of_task, Assignment.agency_id == owners.c.value))
    values = [bindparam(name, type_=_TABLE.c[name].type) for name in _INSERTED_COLUMNS]
    for is_task, source, assignment_id in (
        (True, assigned, Assignment.id),
        (False, owners, null()),
    ):
        statement = insert(_TABLE).from_select(
            (*_INSERTED_COLUMNS, "agency_id", "assignment_id"),
            select(*values, owners.c.value, assignment_id).select_from(source),
        )
        for part in chunks([row for row in rows if (row["task_id"] is not None) is is_task]):
            await connection.execute(statement, part)


async def update_all(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update obligations; each row holds new values, and as `ids` the obligations that get them.

    Where `revised_on` is among the values, `revision` rises by one.
    """
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        names = tuple(sorted(row.keys() - {"ids"}))
        values = {"ids": row["ids"], **{f"new_{name}": row[name] for name in names}}
        by_columns.setdefault(names, []).append(values)
    id_list = _id_list(connection, "ids")
    for names, changes in by_columns.items():
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        if "revised_on" in names:
            columns["revision"] = _TABLE.c.revision + 1
        which = _TABLE.c.id.in_(select(id_list.c.value))
        for part in chunks(changes):
            await connection.execute(update(_TABLE).where(which).values(columns), part)


def _id_list(connection: AsyncConnection, name: str) -> TableValuedAlias:
    """Return a parameter that holds a list of ids as a table with one column, `value`."""
    if connection.dialect.name == "sqlite":
        return func.json_each(bindparam(name, type_=JSON())).table_valued("value")
    listed = func.unnest(bindparam(name, type_=ARRAY(BigInteger)))
    return listed.table_valued("value").render_derived()


def _last_rung(due_on: ColumnElement[Any]) -> Any:
    return (
        select(func.max(Reminder.rung))
        .where(Reminder.obligation_id == _TABLE.c.id, Reminder.due_on == due_on)
        .scalar_subquery()
    )


_COMPUTED = {
    "plan_code": Plan.code,
    "tracked_from": Plan.tracked_from,
    "is_submitted": _TABLE.c.submitted_at.is_not(None),
    "is_confirmed": _TABLE.c.confirmed_at.is_not(None),
    "sent_rung": case((_TABLE.c.state.in_(_STATES_WITH_RUNGS), _last_rung(_EFFECTIVE_DUE))),
}
_GROUPS = select(
    _TABLE.c.id,
    _TABLE.c.agency_id,
    *(_COMPUTED.get(name, _TABLE.c.get(name)) for name in ObligationGroup._fields),
).join(Plan, Plan.id == _TABLE.c.plan_id)
_LOCKED_GROUPS = (
    _GROUPS.where(_TABLE.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_TABLE.c.id)  # all lock in this order, so that no two wait for each other
    .with_for_update(of=_TABLE, key_share=True)
)
