"""The highest number that each table ever gave, whatever was deleted since; copies and restores keep it.

Buttons, addresses and decisions remember numbers for longer than rows live: none is given twice.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import ColumnElement, String, Table, cast, column, delete, func, insert, select
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Base

# Numbers that may have been given since a backup, where nobody can tell how many: a million, or as many as in
# all the time before it.
_LEAST_GAP = 1_000_000
_COUNTERS = sql_table("sqlite_sequence", column("name"), column("seq"))  # SQLite's own


def list_numbered_tables() -> list[Table]:
    """Return the tables whose key is a number; one that others refer to comes before them."""
    return [each for each in Base.metadata.sorted_tables if _is_number(each)]


async def copy_counters(source: AsyncConnection, target: AsyncConnection) -> None:
    """Let a target that holds the source's rows count on from where the source stands."""
    for each in list_numbered_tables():
        await _set_counter(target, each, await load_counter(source, each))


async def load_counter(connection: AsyncConnection, of: Table) -> int:
    """Return the highest number that a table ever gave; 0 for none."""
    (key,) = of.primary_key.columns
    if connection.dialect.name == "sqlite":
        counted = select(_COUNTERS.c.seq).where(_COUNTERS.c.name == of.name)
    else:
        counted = select(func.pg_sequence_last_value(cast(_sequence(of), REGCLASS)))
    found = [await connection.scalar(query) for query in (counted, select(func.max(key)))]
    return max(each or 0 for each in found)


async def _set_counter(connection: AsyncConnection, of: Table, highest: int) -> None:
    if highest == 0:
        return
    if connection.dialect.name == "sqlite":
        await connection.execute(delete(_COUNTERS).where(_COUNTERS.c.name == of.name))
        await connection.execute(insert(_COUNTERS).values(name=of.name, seq=highest))
    else:
        await connection.execute(select(func.setval(_sequence(of), highest)))


def raise_counters(file: sqlite3.Connection, replaced: dict[str, int], *, is_whole: bool) -> None:
    """Let a restored file give no number that was given since the backup.

    replaced: the counters of the database that it replaces, as far as they can be read. is_whole: that
    database knows every number given since; else leave a gap, wider than there can have been numbers.
    """
    own = read_counters(file)
    for each in list_numbered_tables():
        highest = own.get(each.name, 0)
        if not is_whole:
            highest += max(highest, _LEAST_GAP)
        highest = max(highest, replaced.get(each.name, 0))
        file.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (each.name,))
        file.execute("INSERT INTO main.sqlite_sequence VALUES (?, ?)", (each.name, highest))


def read_counters(file: sqlite3.Connection, schema: str = "main") -> dict[str, int]:
    """Return the highest numbers ever given in a file of SQLite, or in one attached to it, by table."""
    return dict(file.execute(f"SELECT name, seq FROM {schema}.sqlite_sequence"))  # noqa: S608


def _is_number(of: Table) -> bool:
    (key,) = of.primary_key.columns
    return not isinstance(key.type, String)


def _sequence(of: Table) -> ColumnElement[str]:
    (key,) = of.primary_key.columns
    return func.pg_get_serial_sequence(of.name, key.name)
