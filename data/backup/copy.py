"""Copy every row of one database into another, and compare checksums of both.

Guarantees:
- Rows go in batches: memory does not grow with the number of rows. The source is only read.
- Both sides are summed up in one canonical form, which does not depend on the database.
- Where anything differs, CopyMismatch is raised in the caller's one transaction, and nothing stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Select,
    String,
    Table,
    Text,
    bindparam,
    cast,
    collate,
    column,
    func,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from data.backup.counters import copy_counters
from data.models import Base

BATCH_ROWS = 4000
_VERSION = "alembic_version"  # the migrations' own table
_NUL = "\x00"  # the one character that PostgreSQL keeps in no text

ProgressCallback = Callable[[str, int], None]  # a table's name, and how many of its rows are done


@dataclass(frozen=True, slots=True)
class TableChecksum:
    """The number of rows of a table, and a checksum of all of them."""

    table: str
    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class OversizedText:
    """A text of the source that PostgreSQL would refuse."""

    table: str
    column: str
    longest: int
    most: int


class BatchRefused(Exception):
    """The target refused a batch; str() names the table and the server's reason, and no value."""


class CopyMismatch(Exception):
    """Some tables read back differently from the source. Roll the transaction back."""

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(", ".join(tables))
        self.tables = tables


def tables() -> list[Table]:
    """Return every table; one that others refer to comes before them."""
    return list(Base.metadata.sorted_tables)


async def list_occupied_tables(connection: AsyncConnection) -> list[str]:
    """Return the tables that keep a database from being a target: foreign ones, and own ones with rows."""
    found = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    own = {each.name for each in tables()}
    foreign = [name for name in found if name not in own and name != _VERSION]
    return sorted(foreign) + [
        each.name
        for each in tables()
        if each.name in found
        and (await connection.execute(select(text("1")).select_from(_bare(each)).limit(1))).first()
    ]


async def count_rows(connection: AsyncConnection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {
        each.name: (await connection.scalar(select(func.count()).select_from(each))) or 0
        for each in tables()
    }


async def list_oversized_texts(connection: AsyncConnection) -> list[OversizedText]:
    """Return the columns with a text longer than their type allows, which SQLite does not check."""
    found = []
    for each in tables():
        for one in each.columns:
            most = one.type.length if isinstance(one.type, String) else None
            if most is None:
                continue
            longest = await connection.scalar(select(func.max(func.length(one))))
            if longest is not None and longest > most:
                found.append(OversizedText(each.name, one.name, longest, most))
    return found


async def copy_all(
    source: AsyncConnection, target: AsyncConnection, on_progress: ProgressCallback
) -> list[TableChecksum]:
    """Copy every row and the highest number ever given in each table, and compare; raises CopyMismatch.

    target: empty, at the newest schema, in a transaction that the caller commits. A NUL within a text,
    which PostgreSQL cannot store, is left out on both sides.
    """
    sums, different = [], []
    for each in tables():
        before = _ChecksumBuilder(each.name)
        async for rows in _batches(source, each):
            before.add(rows)
            await _write(target, each, rows)
            on_progress(each.name, before.rows)
        sums.append(before.sum)
    await copy_counters(source, target)
    for each, written in zip(tables(), sums, strict=True):
        on_progress(each.name, 0)
        if await compute_checksum(target, each) != written:
            different.append(each.name)
    if different:
        raise CopyMismatch(different)
    return sums


async def compute_checksum(connection: AsyncConnection, of: Table) -> TableChecksum:
    """Return a table's count and checksum, the same on every database that holds the same rows."""
    summing = _ChecksumBuilder(of.name)
    async for rows in _batches(connection, of):
        summing.add(rows)
    return summing.sum


class _ChecksumBuilder:
    """A checksum of rows, added in the order of their key.

    Both databases give the same Python types (instants aware and in UTC, JSON as its text), so repr() is
    one form for both, and tells 1 from True and from "1".
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._hash = hashlib.sha256()
        self.rows = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self._hash.update(repr(tuple(row)).encode("utf-8", "surrogatepass"))
            self.rows += 1

    @property
    def sum(self) -> TableChecksum:
        return TableChecksum(self._name, self.rows, self._hash.hexdigest())


async def _batches(
    connection: AsyncConnection, of: Table
) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
    """Yield a table's rows by key, in batches; JSON as its stored text."""
    (key,) = of.primary_key.columns
    place = list(of.columns).index(key)
    ordered = _ordered(key, connection.dialect.name)
    query: Select[Any] = select(*map(_readable, of.columns)).order_by(ordered).limit(BATCH_ROWS)
    last = None
    while True:
        found = query if last is None else query.where(ordered > last)
        rows = [tuple(map(_without_nul, row)) for row in await connection.execute(found)]
        if rows:
            yield rows
        if len(rows) < BATCH_ROWS:
            return
        last = rows[-1][place]


def _readable(one: Column[Any]) -> ColumnElement[Any]:
    return cast(one, Text) if isinstance(one.type, JSON) else one


def _ordered(key: Column[Any], dialect: str) -> ColumnElement[Any]:
    """Return a key in an order that both databases share: texts by their code points."""
    if not isinstance(key.type, String):
        return key
    return collate(key, "BINARY" if dialect == "sqlite" else "C")


def _without_nul(value: Any) -> Any:
    return value.replace(_NUL, "") if isinstance(value, str) and _NUL in value else value


async def _write(connection: AsyncConnection, into: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows by one statement, on PostgreSQL by COPY."""
    names = [one.name for one in into.columns]
    if connection.dialect.name == "sqlite":
        added = _bare(into).insert().values({name: bindparam(name) for name in names})
        await connection.execute(added, [dict(zip(names, row, strict=True)) for row in rows])
        return
    quote = connection.dialect.identifier_preparer.quote
    listed = ", ".join(map(quote, names))
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        async with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {quote(into.name)} ({listed}) FROM STDIN") as copy,
        ):
            for row in rows:
                await copy.write_row(row)
    except psycopg.Error as error:  # its message quotes the row
        why = error.diag.message_primary or type(error).__name__
        raise BatchRefused(f"{into.name}: {why}") from None


def _bare(of: Table) -> Any:
    """Return a table whose JSON columns are plain text, so that JSON is written as it was read."""
    return table(
        of.name,
        *(
            column(one.name, Text() if isinstance(one.type, JSON) else one.type)
            for one in of.columns
        ),
    )
