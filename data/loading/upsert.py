"""Bring rows in line with the registry and report the changes.

Guarantees: an unchanged row is not written; nothing is deleted: a missing row is withdrawn, later restored.
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
    """One difference between the loaded rows and the files."""

    what: str  # plan, task, duty, agency, file
    code: str
    how: str  # new, changed, withdrawn, restored
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class LoadResult:
    """The changes of a load, done or proposed, and its counts."""

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
    """Insert or update those of (name, old row, values) that are new or different, and report them.

    All have the same columns; the old row is None where there is none yet.
    """
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for name, old, values in rows:
        if old is None:
            title = str(values.get("title", ""))  # as lists will show it
            result.changes.append(RegistryChange(what, name, "new", "", title))
            fresh.append(values)
        elif is_different(old, values):
            how = "restored" if old.withdrawn_at is not None else "changed"
            before, after = _describe_difference(old, values) if how == "changed" else ("", "")
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
    """Withdraw each (name, row) that is not withdrawn yet, and report it."""
    missing = [(name, row) for name, row in rows if row.withdrawn_at is None]
    result.changes.extend(RegistryChange(what, name, "withdrawn") for name, _ in missing)
    await update_rows(
        connection, model, [{"row_id": row.id, "withdrawn_at": now} for _, row in missing]
    )


async def update_rows(
    connection: AsyncConnection, model: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Update rows, each given as `row_id` and the same columns."""
    table = _table(model)
    statement = update(table).where(table.c.id == bindparam("row_id"))
    for part in chunks(rows):
        await connection.execute(statement, part)


def is_different(row: Any, values: Mapping[str, Any]) -> bool:
    """Tell whether a row differs from the values."""
    return any(getattr(row, name) != value for name, value in values.items())


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _describe_difference(row: Any, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return the first column that differs, and the title where it does too: before and after."""
    names = [name for name, value in values.items() if getattr(row, name) != value]
    named = names[:1] + (["title"] if "title" in names[1:] else [])
    before = "\n".join(f"{name}: {getattr(row, name)}" for name in named)
    return before, "\n".join(f"{name}: {values[name]}" for name in named)
