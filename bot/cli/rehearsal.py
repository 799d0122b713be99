"""A database to try things on: whatever is written to it is gone at the end.

Guarantees:
- The real database keeps every row as it is, and a service on a file is not held up.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.backup import copy_database
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed
from bot.config import Settings
from data.db.database import Database
from data.db.errors import translate_error
from data.os_errors import explain_os_error


class _Undo(Exception):
    """Rolls back all that was tried."""


class _OneTransaction(Database):
    """A database whose transactions are all parts of one, which another connection holds."""

    def __init__(self, original: Database, connection: AsyncConnection) -> None:
        self.url = original.url
        self.is_sqlite = original.is_sqlite
        self._connection = connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        yield self._connection

    @asynccontextmanager
    async def write(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        async with self._connection.begin_nested():
            yield self._connection


@asynccontextmanager
async def open_for_trying(settings: Settings) -> AsyncIterator[Database]:
    """Open a copy of a database's file, or one transaction of a server's database that is rolled back.

    On a file one long transaction would keep the service from writing.
    """
    async with open_for_reading(settings) as database:
        if database.file is not None:
            async with _copy_of(database.file) as copy:
                yield copy
            return
        with suppress(_Undo):
            async with database.write(alone=True) as connection:
                yield _OneTransaction(database, connection)
                raise _Undo


@asynccontextmanager
async def _copy_of(file: Path) -> AsyncIterator[Database]:
    try:
        folder = tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise CommandFailed(
            f"Không làm thử được cạnh {file}: {explain_os_error(error)}. Hãy kiểm tra quyền ghi và chỗ trống."
        ) from None
    with folder as inside:
        path = Path(inside) / file.name
        try:
            copy_database(file, path)
        except sqlite3.Error as error:
            raise translate_error(DatabaseError("", {}, error)) from None
        database = Database(f"sqlite+aiosqlite:///{path}")
        try:
            yield database
        finally:
            await database.dispose()
