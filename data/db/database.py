"""The engine and its transactions: read() and write().

Guarantees:
- A write transaction takes SQLite's lock at its start (BEGIN IMMEDIATE), so no read before it is stale.
- Reads see one snapshot and never block writes. Writers of one process wait in a fair queue on SQLite.
- PostgreSQL lets several write at once: use constraints, row locks or write(alone=True) for what must be one.
- Nothing is read from or written to a file that was deleted or replaced since it was opened.
- Words that a transaction erased leave SQLite's log with it, where the service runs (empty_log_after).
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from data.db import sqlite_driver
from data.db.errors import (
    CANNOT_OPEN,
    FILE_LOST,
    FILE_REPLACED,
    DatabaseUnusable,
    strip_values,
    translate_error,
)

BUSY_SECONDS = 5
_ALONE = 0x6E68_6163  # key of the advisory lock of write(alone=True)
# PostgreSQL ends a transaction in which nothing was asked for so long, and frees the locks of a process
# that stalls or of a machine that is lost. Shorter than the time until another process owns the account.
STANDING_SECONDS = 15
# A connection used within so many seconds counts as alive; an older one is pinged first.
SURE_SECONDS = 1.0
# A transaction that inserts many rows touches every index; with few pages in the cache SQLite writes and
# reads them again and again. Afterwards the usual size: the system's cache is behind it. In KiB.
_USUAL_CACHE = "PRAGMA cache_size=-512"
_LARGE_CACHE = text("PRAGMA cache_size=-20480")
# Two connections that checkpoint at the same instant may damage the file (SQLite before 3.51.3). The service
# checkpoints from one connection; a command beside it leaves its pages in the log until the last one closes.
_NO_CHECKPOINTS = "PRAGMA wal_autocheckpoint=0"
_ALLOW_LONG_TRANSACTION = text("SET LOCAL idle_in_transaction_session_timeout = '10min'")
_ERASES = "erases"  # key of a connection's notes
# A server that is lost without a word is given up within half a minute; TCP would wait a quarter of an hour.
_CONNECTION_TIMEOUTS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",  # milliseconds; Linux
}


def empty_log_after(connection: AsyncConnection) -> None:
    """Have SQLite's log emptied once this transaction ends: its older pages hold the words erased here."""
    connection.info[_ERASES] = True


class Database:
    """One engine and its two ways in: read() and write().

    checkpoints: copy SQLite's log into its file as it grows; for the service alone, see _NO_CHECKPOINTS.
    file: the database's; None for a database server.
    trouble: the sentence of the last write that an administrator must mend; None after one that worked.
    """

    def __init__(self, url: str, *, checkpoints: bool = False) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.file = Path(self.url.database) if self.is_sqlite and self.url.database else None
        self._checkpoints = checkpoints and self.is_sqlite
        self._queue = asyncio.Lock()  # of writers on SQLite, which takes one at a time
        if self.is_sqlite:
            path = Path(self.url.database or "")
            if not path.parent.is_dir():
                raise DatabaseUnusable(
                    f"Chưa có thư mục chứa cơ sở dữ liệu: {path.parent}. Hãy tạo thư mục này,"
                    " hoặc sửa NHACVIEC_DATABASE_URL."
                )
            _refuse_unreadable(path)
        self.engine: AsyncEngine = (
            self._sqlite_engine() if self.is_sqlite else self._server_engine()
        )
        self._writer: AsyncConnection | None = None  # kept from one write transaction to the next
        self._wrote_at = 0.0
        self.trouble: str | None = None
        self._opened: tuple[int, int] | None = None  # the file, once it was opened
        self._log_is_due = False  # somebody read from the log when it was to be emptied

    def _sqlite_engine(self) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            connect_args={
                "timeout": BUSY_SECONDS,
                "isolation_level": None,
                "async_creator_fn": sqlite_driver.connect_sqlite,
            },
            hide_parameters=True,  # an error must not carry people's words into logs and rows
        )

        @event.listens_for(engine.sync_engine, "connect")
        def _set_pragmas(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute(_USUAL_CACHE)
            if not self._checkpoints:
                cursor.execute(_NO_CHECKPOINTS)
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA secure_delete=ON")  # erased words leave the file, too
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Any) -> None:
            mode = connection.get_execution_options().get("begin_mode", "")
            sqlite_driver.begin_with_next_statement(connection.connection.driver_connection, mode)

        return engine

    def _server_engine(self) -> AsyncEngine:
        timeouts = {  # the address may set its own
            key: value for key, value in _CONNECTION_TIMEOUTS.items() if key not in self.url.query
        }
        engine = create_async_engine(self.url, hide_parameters=True, connect_args=timeouts)

        @event.listens_for(engine.sync_engine, "connect")
        def _set_timeout(connection: Any, _record: Any) -> None:
            connection.autocommit = True  # or the first rollback would undo it
            cursor = connection.cursor()
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{STANDING_SECONDS}s'")
            cursor.close()
            connection.autocommit = False

        @event.listens_for(engine.sync_engine, "checkin")
        def _note_return(_connection: Any, record: Any) -> None:
            record.info["returned"] = time.monotonic()

        @event.listens_for(engine.sync_engine, "checkout")
        def _ping(connection: Any, record: Any, _proxy: Any) -> None:
            if time.monotonic() - record.info.get("returned", math.inf) < SURE_SECONDS:
                return
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:  # whatever it is, the connection is of no use
                raise InvalidatePoolError from error

        event.listen(engine.sync_engine, "handle_error", strip_values)
        return engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read transaction: one snapshot, never written to; raises DatabaseUnusable where the file is gone."""
        self._refuse_ghost(is_open=False)
        async with self.engine.connect() as connection:
            self._refuse_ghost()
            if not self.is_sqlite:  # by default each statement would have a snapshot of its own
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction; commits at the end, rolls back on any error.

        Await nothing outside the database within it: locks would last as long as the network.
        alone: no other process is in one of these at the same time; for a first start and for planning, which
        may compute long between two statements and write much: it has a larger cache.
        Raises DatabaseUnusable where the database is read-only, locked by another program, full, damaged,
        gone or out of reach.
        """
        queue = self._queue if self.is_sqlite else nullcontext()
        async with queue, self._writing(alone=alone) as connection:
            fault: Exception
            try:
                async with connection.begin():
                    if alone and self.is_sqlite:
                        await connection.execute(_LARGE_CACHE)
                    elif alone:
                        await connection.execute(_ALLOW_LONG_TRANSACTION)
                        await connection.execute(select(func.pg_advisory_xact_lock(_ALONE)))
                    yield connection
                    if alone and self.is_sqlite:
                        await connection.execute(text(_USUAL_CACHE))
                    self._refuse_ghost()  # or the commit would be lost with it
            except DatabaseError as error:
                fault = translate_error(error)
                if isinstance(fault, DatabaseUnusable):
                    self.trouble = str(fault)
                raise fault from error
            self.trouble = None
            if connection.info.pop(_ERASES, self._log_is_due) and self._checkpoints:
                await self._empty_log(connection)

    async def _empty_log(self, connection: AsyncConnection) -> None:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        try:
            self._log_is_due = not await driver.empty_log()
        except sqlite3.Error:  # what was written stays written; the next transaction tries again
            self._log_is_due = True

    def _refuse_ghost(self, *, is_open: bool = True) -> None:
        """Raise DatabaseUnusable where the file is no longer the one that was opened.

        is_open: a connection is open, so that the file is there, and the one to keep to.
        """
        if self.file is None:
            return
        found = _identify(self.file)
        if self._opened is None:
            self._opened = found if is_open else None
        elif found != self._opened:
            self.trouble = (FILE_LOST if found is None else FILE_REPLACED).format(file=self.file)
            raise DatabaseUnusable(self.trouble)

    @asynccontextmanager
    async def _writing(self, *, alone: bool) -> AsyncIterator[AsyncConnection]:
        """Lend a connection that writes: the last transaction's, if that ended well a moment ago.

        To take one from the pool and to give it back takes as long as a statement.
        """
        self._refuse_ghost(is_open=False)  # a new connection would make the file anew
        connection = self._take_writer()
        if connection is not None and time.monotonic() - self._wrote_at > SURE_SECONDS:
            await connection.close()
            connection = None
        if connection is None:
            connection = await self.engine.connect()
            await connection.execution_options(begin_mode="IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if alone:
                await connection.invalidate()  # its larger cache goes with it
            await asyncio.shield(connection.close())
            raise
        if self._writer is None:
            self._writer, self._wrote_at = connection, time.monotonic()
        else:  # two wrote at once; PostgreSQL allows it
            await connection.close()

    def _take_writer(self) -> AsyncConnection | None:
        connection, self._writer = self._writer, None
        return connection

    async def dispose(self) -> None:
        """Close every connection; call once at the end."""
        if (writer := self._take_writer()) is not None:
            await writer.close()
        await self.engine.dispose()
        self._opened = None


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refuse_unreadable(path: Path) -> None:
    """Open the file once before the driver does: its thread reports a failure past the loop's end."""
    try:
        with path.open("rb"):
            return
    except FileNotFoundError:
        with suppress(OSError), tempfile.TemporaryFile(dir=path.parent):
            return  # a file can be made here, which its permissions alone do not say
    except OSError:
        pass
    raise DatabaseUnusable(CANNOT_OPEN)
