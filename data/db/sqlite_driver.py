"""An aiosqlite connection that needs one thread hop per statement instead of four.

Guarantees:
- The same statements in the same order as with aiosqlite; BEGIN goes with the first statement of a transaction.
- A statement whose caller was cancelled never runs outside its transaction.

aiosqlite hops to the connection's thread to open a cursor, to execute, to fetch and to close; a hop costs more
than most of our statements. This module alone uses private attributes of aiosqlite (`_thread`, `_conn`,
`_execute`): versions 0.22 up to, and without, 0.23.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Self

import aiosqlite

from data.db.private_files import make_private_file

_FIRST_ROWS = 1000  # fetched on the same hop as the statement


def begin_with_next_statement(connection: Any, mode: str) -> None:
    """Begin a transaction of an awaited connection with its next statement, in one of SQLite's modes."""
    connection.to_begin = f"BEGIN {mode}"


def connect_sqlite(path: str, **arguments: Any) -> aiosqlite.Connection:
    """Return a connection to be awaited; takes the arguments of sqlite3.connect."""
    connection = OneHopConnection(partial(_open, path, **arguments), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does: a thread must not outlive the program
    return connection


def _open(path: str, **arguments: Any) -> Any:
    with suppress(OSError):  # SQLite says what is wrong
        make_private_file(path)
    return sqlite3.connect(path, **arguments)


class OneHopConnection(aiosqlite.Connection):
    """The connection that SQLAlchemy's dialect gets; the dialect makes cursors by cursor() alone."""

    to_begin: str | None = None  # the BEGIN of a transaction that has run no statement yet
    _was_cancelled = False  # a hop whose caller is gone may still be under way

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            self._was_cancelled = True
            raise

    async def commit(self) -> None:
        if self.to_begin is None:
            await super().commit()
        self.to_begin = None

    async def rollback(self) -> None:
        """Roll back; no hop where no transaction is open, as when the pool resets a connection."""
        if self.to_begin is None and (self._was_cancelled or self.in_transaction):
            await super().rollback()
            self._was_cancelled = False
        self.to_begin = None

    async def empty_log(self) -> bool:
        """Copy SQLite's log into its file and cut it to nothing; False while somebody still reads from it.

        Call outside a transaction.
        """
        return bool(await self.run(_empty_log, self._conn))

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in the connection's thread."""
        return await self._execute(function, *arguments)

    def cursor(self) -> _Cursor:  # type: ignore[override]
        return _Cursor(self)


def _empty_log(file: sqlite3.Connection) -> bool:
    (patience,) = file.execute("PRAGMA busy_timeout").fetchone()
    file.execute("PRAGMA busy_timeout = 0")  # writers wait meanwhile
    try:
        busy, *_ = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        file.execute(f"PRAGMA busy_timeout = {patience}")
    return not busy


class _Cursor:
    """A cursor as SQLAlchemy's adapter for asyncio uses one."""

    def __init__(self, connection: OneHopConnection) -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None  # while rows are left to fetch
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        return await self._run(sqlite3.Cursor.execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> Self:
        return await self._run(sqlite3.Cursor.executemany, statement, parameters)

    async def _run(self, method: Any, statement: str, parameters: Any) -> Self:
        # Taken here, not in the thread: a cancelled hop must not run outside its transaction.
        begin, self._connection.to_begin = self._connection.to_begin, None
        await self._connection.run(self._run_in_thread, begin, method, statement, parameters)
        return self

    async def fetchone(self) -> Any | None:
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = self.arraysize if size is None else size
        if len(self._rows) < size and self._cursor is not None:
            self._rows += await self._connection.run(self._fetch_in_thread, _FIRST_ROWS)
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchall(self) -> list[Any]:
        if self._cursor is not None:
            self._rows += await self._connection.run(self._fetch_in_thread, None)
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            await self._connection.run(cursor.close)

    def _run_in_thread(
        self, begin: str | None, method: Any, statement: str, parameters: Any
    ) -> None:
        cursor = self._connection._conn.cursor()
        try:
            if begin is not None:
                self._begin_in_thread(cursor, begin)
            method(cursor, statement, parameters)
            self.description = cursor.description
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
            if cursor.description is not None:
                self._rows = cursor.fetchmany(_FIRST_ROWS)
                if len(self._rows) == _FIRST_ROWS:
                    self._cursor = cursor
        finally:
            if self._cursor is None:
                cursor.close()

    def _begin_in_thread(self, cursor: sqlite3.Cursor, begin: str) -> None:
        try:
            cursor.execute(begin)
        except sqlite3.Error:
            self._connection.to_begin = begin  # a later statement must not run outside it either
            raise

    def _fetch_in_thread(self, size: int | None) -> list[Any]:
        cursor = self._cursor
        assert cursor is not None
        rows = cursor.fetchall() if size is None else cursor.fetchmany(size)
        if size is None or len(rows) < size:
            cursor.close()
            self._cursor = None
        return rows
