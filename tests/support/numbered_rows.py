"""A row of any table, made and deleted past every rule, for tests of the numbers that rows get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    Integer,
    LargeBinary,
    String,
    Table,
    create_engine,
    delete,
    insert,
    text,
)
from sqlalchemy.engine import URL

from data.backup.counters import list_numbered_tables

_NUMBERS = count(1_000_000)


@contextmanager
def without_foreign_keys(url: URL) -> Iterator[Connection]:
    """Open a database in which rows need no others; on a server no trigger stands in the way either."""
    engine = create_engine(url.set(drivername=url.drivername.replace("+aiosqlite", "")))
    with engine.begin() as connection:
        if url.get_backend_name() != "sqlite":
            connection.execute(text("SET session_replication_role = replica"))
        yield connection
    engine.dispose()


def make_row(connection: Connection, table: Table) -> int:
    """Insert a row that resembles no other; returns its number."""
    values = {
        column.name: _value(column)
        for column in table.columns
        if not column.primary_key and not column.nullable and column.server_default is None
    }
    added = connection.execute(insert(table).values(values).returning(table.c.id))
    return int(added.scalar_one())


def give_numbers(url: URL) -> dict[str, int]:
    """Make a row in every table and delete it; returns the number that each had."""
    given = {}
    with without_foreign_keys(url) as connection:
        if url.get_backend_name() == "sqlite":
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.scalars(text(names)).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        for table in list_numbered_tables():
            given[table.name] = make_row(connection, table)
            connection.execute(delete(table).where(table.c.id == given[table.name]))
    return given


def _value(column: Column[Any]) -> Any:
    number = next(_NUMBERS)
    kinds = {
        JSON: {},
        LargeBinary: b"",
        Boolean: False,
        Date: date(2026, 11, 9),
        Integer: number,
        String: str(number)[: getattr(column.type, "length", None)],
    }
    for kind, value in kinds.items():
        if isinstance(column.type, kind):
            return value
    return datetime(2026, 11, 9, tzinfo=UTC)
