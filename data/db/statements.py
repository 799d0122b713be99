"""Statements over many rows: chunks of parameters, plain bulk inserts, inserts that keep an existing row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Base

CHUNK_ROWS = 1000  # below every database's limit of bound values
_MOST_VALUES = 900  # of one statement, below the same limit

T = TypeVar("T")


def chunks(items: Sequence[T], size: int = CHUNK_ROWS) -> Iterator[Sequence[T]]:
    """Yield the items in order, at most `size` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def insert_or_ignore(
    connection: AsyncConnection, model: type[Base], *unique: str
) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that adds nothing where a row has the same values in the unique columns.

    Where another process is adding that row in an open transaction, it waits for the end of that.
    """
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(model).on_conflict_do_nothing(index_elements=unique)


async def bulk_insert(
    connection: AsyncConnection,
    model: type[Base],
    names: Sequence[str],
    rows: Sequence[tuple[int | str | None, ...]],
    *,
    ignore_existing: bool = False,
) -> None:
    """Insert rows of numbers, words and ISO dates, values in the order of names.

    Faster than SQLAlchemy's own INSERT, which works on each value of each row; a morning or a load writes
    a hundred thousand. Converts no value: columns of instants or JSON do not belong here.
    Raises IntegrityError where a row exists already, unless ignore_existing.
    """
    is_sqlite = connection.dialect.name == "sqlite"
    # SQLite notes a table's highest number once a statement, not once a row.
    most = max(1, _MOST_VALUES // len(names)) if is_sqlite else 1
    marks = ", ".join("?" if is_sqlite else "%s" for _ in names)
    whole = len(rows) - len(rows) % most
    for some, size in ((rows[:whole], most), (rows[whole:], len(rows) - whole)):
        if some:
            places = ", ".join([f"({marks})"] * size)
            words = f"INSERT INTO {model.__tablename__} ({', '.join(names)}) VALUES {places}"  # noqa: S608
            await connection.exec_driver_sql(
                f"{words} ON CONFLICT DO NOTHING" if ignore_existing else words,
                [tuple(chain.from_iterable(part)) for part in chunks(some, size)],
            )
