"""Rows brought in line with the registry, and what changed told.

Promises that a row that already says the same is not written, and that nothing is deleted: what is gone
is marked withdrawn and restored when it comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import chunks
from data.models import Base


@dataclass(slots=True)
class RegistryChange:
    """One difference between what is loaded and what the files say."""

    what: str  # plan, task, duty, agency, file
    code: str
    how: str  # new, changed, withdrawn, restored
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class LoadResult:
    """What a load did, or would do."""

    changes: list[RegistryChange] = field(default_factory=list)
    plans: int = 0
    tasks: int = 0
    agencies: int = 0


async def upsert_rows(
    connection: AsyncConnection,
    model: type[Base],
    rows: Iterable[tuple[str, Any, dict[str, Any]]],
    what: str,
    result: LoadResult,
) -> None:
    """Write those of (name, old row, values) that are new or say something else, and tell the changes.

    All have the same columns; old: None where there is no row yet.
    """
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for name, old, values in rows:
        if old is None:
            result.changes.append(RegistryChange(what, name, "new"))
            fresh.append(values)
        elif is_different(old, values):
            how = "restored" if old.withdrawn_at is not None else "changed"
            before, after = _first_difference(old, values) if how == "changed" else ("", "")
            result.changes.append(RegistryChange(what, name, how, before, after))
            changed.append({"row_id": old.id, **values})
    await update_rows(connection, model, changed)
    for part in chunks(fresh):
        await connection.execute(insert(_table(model)), part)


async def withdraw_rows(
    connection: AsyncConnection,
    model: type[Base],
    rows: Iterable[tuple[str, Any]],
    what: str,
    now: datetime,
    result: LoadResult,
) -> None:
    """Mark (name, row) as withdrawn and tell so; those that already are stay as they are."""
    gone = [(name, row) for name, row in rows if row.withdrawn_at is None]
    result.changes.extend(RegistryChange(what, name, "withdrawn") for name, _ in gone)
    await update_rows(
        connection, model, [{"row_id": row.id, "withdrawn_at": now} for _, row in gone]
    )


async def update_rows(
    connection: AsyncConnection, model: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Set columns of rows, the same ones of each; `row_id` names the row."""
    table = _table(model)
    statement = update(table).where(table.c.id == bindparam("row_id"))
    for part in chunks(rows):
        await connection.execute(statement, part)


def is_different(row: Any, values: Mapping[str, Any]) -> bool:
    """Tell whether a row says anything else than the values."""
    return any(getattr(row, name) != value for name, value in values.items())


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _first_difference(row: Any, values: Mapping[str, Any]) -> tuple[str, str]:
    for key, value in values.items():
        if getattr(row, key) != value:
            return f"{key}: {getattr(row, key)}", f"{key}: {value}"
    return "", ""
