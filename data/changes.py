"""Rows brought in line with the registry, and what changed told.

Promises that a row that already says the same is not written, and that nothing is deleted: what is gone
is marked withdrawn and restored when it comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Base

_CHUNK = 1000


@dataclass(slots=True)
class Change:
    """One difference between what is loaded and what the files say."""

    what: str  # plan, task, duty, agency, file
    code: str
    how: str  # new, changed, withdrawn, restored
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class LoadResult:
    """What a load did, or would do."""

    changes: list[Change] = field(default_factory=list)
    plans: int = 0
    tasks: int = 0
    agencies: int = 0


async def upsert(
    connection: AsyncConnection,
    model: type[Base],
    name: str,
    old: Any,
    values: dict[str, Any],
    what: str,
    result: LoadResult,
) -> int:
    """Write a row if it is new or says something else, tell the change, and return its id."""
    table = model.__table__
    assert isinstance(table, Table)
    if old is None:
        result.changes.append(Change(what, name, "new"))
        added = await connection.execute(insert(table).values(**values).returning(table.c.id))
        return int(added.scalar_one())
    if differs(old, values):
        how = "restored" if old.withdrawn_at is not None else "changed"
        before, after = _first_difference(old, values) if how == "changed" else ("", "")
        result.changes.append(Change(what, name, how, before, after))
        await connection.execute(update(table).where(table.c.id == old.id).values(**values))
    return int(old.id)


async def upsert_all(
    connection: AsyncConnection,
    model: type[Base],
    rows: Iterable[tuple[str, Any, dict[str, Any]]],
    what: str,
    result: LoadResult,
) -> None:
    """Do the same for many (name, old, values) of one table; what is new is written at once."""
    table = model.__table__
    assert isinstance(table, Table)
    fresh: list[dict[str, Any]] = []
    for name, old, values in rows:
        if old is None:
            result.changes.append(Change(what, name, "new"))
            fresh.append(values)
        else:
            await upsert(connection, model, name, old, values, what, result)
    for start in range(0, len(fresh), _CHUNK):
        await connection.execute(insert(table), fresh[start : start + _CHUNK])


async def withdraw(
    connection: AsyncConnection,
    model: type[Base],
    plan_code: str,
    what: str,
    rows: Sequence[Any],
    now: datetime,
    result: LoadResult,
) -> None:
    """Mark rows as withdrawn and tell so; those that already are stay as they are."""
    table = model.__table__
    assert isinstance(table, Table)
    for row in rows:
        if row.withdrawn_at is None:
            result.changes.append(Change(what, f"{plan_code} {row.code}", "withdrawn"))
            await connection.execute(
                update(table).where(table.c.id == row.id).values(withdrawn_at=now)
            )


def differs(row: Any, values: dict[str, Any]) -> bool:
    """Tell whether a row says anything else than the values."""
    return any(getattr(row, key) != value for key, value in values.items())


def _first_difference(row: Any, values: dict[str, Any]) -> tuple[str, str]:
    for key, value in values.items():
        if getattr(row, key) != value:
            return f"{key}: {getattr(row, key)}", f"{key}: {value}"
    return "", ""
