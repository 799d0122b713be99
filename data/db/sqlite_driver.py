"""A connection to SQLite whose statements are one trip each to its thread.

Promises what aiosqlite promises, with the same statements in the same order. aiosqlite goes to the
connection's thread four times for a statement: to open a cursor, to execute, to fetch and to close; each
trip costs more than most of our statements. A transaction begins with its first statement, on the same
trip. Rows beyond the first batch are fetched as they are asked for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self

import aiosqlite

_AT_ONCE = 1000  # rows that come back with the statement itself


def begin_with_next_statement(connection: Any, mode: str) -> None:
    """Begin a transaction of an awaited connection, in a mode of SQLite's, with its next statement."""
    connection.to_begin = f"BEGIN {mode}"


def connect_sqlite(path: str, **arguments: Any) -> aiosqlite.Connection:
    """Return a connection to be awaited; takes what sqlite3.connect takes."""
    connection = OneHopConnection(partial(sqlite3.connect, path, **arguments), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does: a thread must not outlive the program
    return connection


class OneHopConnection(aiosqlite.Connection):
    """What SQLAlchemy's dialect is given; it makes cursors by cursor() alone."""

    to_begin: str | None = None  # the words of a transaction that no statement was run in yet
    _given_up = False  # a trip that nobody waits for may still be under way

    async def _execute(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            self._given_up = True
            raise

    async def commit(self) -> None:
        if self.to_begin is None:
            await super().commit()
        self.to_begin = None

    async def rollback(self) -> None:
        """Undo; no trip where nothing is open, as when the pool makes sure after each transaction."""
        if self.to_begin is None and (self._given_up or self.in_transaction):
            await super().rollback()
            self._given_up = False
        self.to_begin = None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run a function in the connection's thread."""
        return await self._execute(function, *arguments)

    def cursor(self) -> _Cursor:  # type: ignore[override]
        return _Cursor(self)


class _Cursor:
    """A cursor as SQLAlchemy's adapter for asyncio uses one."""

    def __init__(self, connection: OneHopConnection) -> None:
        self._connection = connection
        self._cursor: sqlite3.Cursor | None = None  # as long as rows are left at the other end
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        return await self._go(sqlite3.Cursor.execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Iterable[Any]) -> Self:
        return await self._go(sqlite3.Cursor.executemany, statement, parameters)

    async def _go(self, how: Any, statement: str, parameters: Any) -> Self:
        # Taken now, not in the thread: a trip that is given up must not run outside of its transaction.
        begin, self._connection.to_begin = self._connection.to_begin, None
        await self._connection.run(self._run, begin, how, statement, parameters)
        return self

    async def fetchone(self) -> Any | None:
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        size = self.arraysize if size is None else size
        if len(self._rows) < size and self._cursor is not None:
            self._rows += await self._connection.run(self._more, _AT_ONCE)
        found, self._rows = self._rows[:size], self._rows[size:]
        return found

    async def fetchall(self) -> list[Any]:
        if self._cursor is not None:
            self._rows += await self._connection.run(self._more, None)
        found, self._rows = self._rows, []
        return found

    async def close(self) -> None:
        self._rows = []
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            await self._connection.run(cursor.close)

    # ------------------------------------------------------------------ in the connection's thread

    def _run(self, begin: str | None, how: Any, statement: str, parameters: Any) -> None:
        cursor = self._connection._conn.cursor()
        try:
            if begin is not None:
                self._begin(cursor, begin)
            how(cursor, statement, parameters)
            self.description = cursor.description
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
            if cursor.description is not None:
                self._rows = cursor.fetchmany(_AT_ONCE)
                if len(self._rows) == _AT_ONCE:
                    self._cursor = cursor
        finally:
            if self._cursor is None:
                cursor.close()

    def _begin(self, cursor: sqlite3.Cursor, begin: str) -> None:
        try:
            cursor.execute(begin)
        except sqlite3.Error:
            self._connection.to_begin = begin  # whatever follows must not run outside of it either
            raise

    def _more(self, size: int | None) -> list[Any]:
        cursor = self._cursor
        assert cursor is not None
        rows = cursor.fetchall() if size is None else cursor.fetchmany(size)
        if size is None or len(rows) < size:
            cursor.close()
            self._cursor = None
        return rows
