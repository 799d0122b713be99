"""Engine and transactions.

Promises that a write transaction takes its lock at the start (SQLite: BEGIN IMMEDIATE, so a read that
precedes a write can never be lost), that reads do not block writes (WAL) and see one snapshot, that a
process's own writes on SQLite wait in a fair queue (SQLite's lock is tried for again and again, and under
load some never get it), and that nothing is committed twice. PostgreSQL lets many write at once: what must
be one there rests on constraints, on rows held when read, or on write(alone=True); a session that stands
still in a transaction is ended by the server, and its locks with it. Never opens a
transaction while the network is used: callers hold none across an await of theirs to the outside.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    InvalidatePoolError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from data.db import sqlite_driver

BUSY_SECONDS = 5
_ALONE = 0x6E68_6163  # the advisory lock of those who write alone; any number that stays the same
# A process that stands still, or a machine that is gone, must not keep its locks: the server ends a
# transaction in which nothing was asked for so long. Less than it takes until another has the account.
STANDING_SECONDS = 15
# A connection that was in use a moment ago is taken for a living one; any other is asked first.
SURE_SECONDS = 1.0
# Of a transaction that makes many rows, each has its place in every index; where the pages of those do not
# fit, SQLite writes and reads them again and again. Given back at the end: the system's own cache stands
# behind each connection's, which would only hold memory while the service idles. In KiB.
_USUAL_CACHE = "PRAGMA cache_size=-512"
# Two connections that copy the log into the file at the same instant may damage it (SQLite before 3.51.3).
# The service writes from one connection; a command beside it leaves its pages in the log, which the last
# connection to close copies.
_LOG_STAYS = "PRAGMA wal_autocheckpoint=0"
_ROOMY, _USUAL = text("PRAGMA cache_size=-20480"), text(_USUAL_CACHE)
_ALLOW_LONG_TRANSACTION = text("SET LOCAL idle_in_transaction_session_timeout = '10min'")
# A server that is gone without a word is given up within half a minute, not after the quarter of an hour
# that TCP would wait.
_CONNECTION_TIMEOUTS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",  # milliseconds; Linux
}
_CANNOT_OPEN = (
    "Không mở được tệp cơ sở dữ liệu. Hãy kiểm tra đường dẫn và quyền trong NHACVIEC_DATABASE_URL."
)

# How libpq and PostgreSQL say that the server is not there, or no longer.
_UNREACHABLE_MESSAGES = ("connection", "starting up", "shutting down", "recovery mode")


class DatabaseUnusable(Exception):
    """The database cannot be used; str() is a Vietnamese sentence that says what to do."""


# What is wrong with the database and not with what was asked of it: try it again later.
DATABASE_ERRORS = (
    DatabaseUnusable,
    OperationalError,
    InterfaceError,
    InternalError,
    NoConnectionFree,
)


class Database:
    """One engine and its two ways in: read() and write().

    checkpoints: copies SQLite's log into its file as it grows; for the service alone, see _LOG_STAYS.
    trouble: why the last write could not be done, where an administrator can mend that; None once one was.
    """

    def __init__(self, url: str, *, checkpoints: bool = False) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._checkpoints = checkpoints
        self._queue = asyncio.Lock()  # of writers on SQLite, which takes one at a time
        if self.is_sqlite:
            path = Path(self.url.database or "")
            if not path.parent.is_dir():
                raise DatabaseUnusable(
                    f"Chưa có thư mục chứa cơ sở dữ liệu: {path.parent}. Hãy tạo thư mục này,"
                    " hoặc sửa NHACVIEC_DATABASE_URL."
                )
            _refuse_unreadable(path)
        self.engine: AsyncEngine = self._engine()
        self._writer: AsyncConnection | None = None  # between two transactions
        self._wrote_at = 0.0
        self.trouble: str | None = None

    def _engine(self) -> AsyncEngine:
        if not self.is_sqlite:
            return self._server_engine()
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
        def _prepare(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute(_USUAL_CACHE)
            if not self._checkpoints:
                cursor.execute(_LOG_STAYS)
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA secure_delete=ON")  # what is let go leaves the file, too
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Any) -> None:
            mode = connection.get_execution_options().get("begin_mode", "")
            sqlite_driver.begin_with_next_statement(connection.connection.driver_connection, mode)

        return engine

    def _server_engine(self) -> AsyncEngine:
        # What the address says itself stands.
        silence = {
            key: words for key, words in _CONNECTION_TIMEOUTS.items() if key not in self.url.query
        }
        engine = create_async_engine(self.url, hide_parameters=True, connect_args=silence)

        @event.listens_for(engine.sync_engine, "connect")
        def _prepare(connection: Any, _record: Any) -> None:
            connection.autocommit = True  # or it would be undone with the first transaction
            cursor = connection.cursor()
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{STANDING_SECONDS}s'")
            cursor.close()
            connection.autocommit = False

        @event.listens_for(engine.sync_engine, "checkin")
        def _left(_connection: Any, record: Any) -> None:
            record.info["left"] = time.monotonic()

        @event.listens_for(engine.sync_engine, "checkout")
        def _make_sure(connection: Any, record: Any, _proxy: Any) -> None:
            if time.monotonic() - record.info.get("left", math.inf) < SURE_SECONDS:
                return
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:  # whatever it is, the connection is of no use
                raise InvalidatePoolError from error

        event.listen(engine.sync_engine, "handle_error", _strip_values)
        return engine

    @property
    def file(self) -> Path | None:
        """Return the database's file; None for a database server."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read transaction: one snapshot, never written to."""
        async with self.engine.connect() as connection:
            if not self.is_sqlite:  # where each statement would see what was committed before it
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def write(self, *, alone: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction; commits at the end, rolls back on any error.

        alone: no other process is in one of these at the same time; for what a first start makes and for
        planning, which may reckon long between two statements, and write much: it has a larger cache.
        Raises DatabaseUnusable where the database is read-only, locked by another program, full, damaged
        or out of reach.
        """
        queue = self._queue if self.is_sqlite else nullcontext()
        async with queue, self._writing(alone=alone) as connection:
            fault: Exception
            try:
                async with connection.begin():
                    if alone and self.is_sqlite:
                        await connection.execute(_ROOMY)
                    elif alone:
                        await connection.execute(_ALLOW_LONG_TRANSACTION)
                        await connection.execute(select(func.pg_advisory_xact_lock(_ALONE)))
                    yield connection
                    if alone and self.is_sqlite:
                        await connection.execute(_USUAL)
            except DatabaseError as error:
                fault = translate_error(error)
                if isinstance(fault, DatabaseUnusable):
                    self.trouble = str(fault)
                raise fault from error
            self.trouble = None

    @asynccontextmanager
    async def _writing(self, *, alone: bool) -> AsyncIterator[AsyncConnection]:
        """Lend a connection that writes: that of the transaction before, where it ended well a moment ago.

        To take one from the pool and to give it back takes as long as a statement.
        """
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


def _strip_values(context: ExceptionContext) -> None:
    """Leave of a server's error what no value stands in: it quotes whole rows, and hide_parameters does not.

    Its first message names tables and constraints, save where a value itself is what is wrong (class 22:
    PostgreSQL, Appendix A); the rest (detail, context, line) goes.
    """
    error: Any = context.original_exception
    told = getattr(getattr(error, "diag", None), "message_primary", None)
    if told is None:  # the driver's own words, or the connection's
        return
    code = str(error.sqlstate)
    words = f"a value was refused ({code})" if code.startswith("22") else f"{told} ({code})"
    error.args = (words,)
    wrapped = context.sqlalchemy_exception
    if wrapped is not None:
        kind = type(error)
        wrapped.args = (f"({kind.__module__}.{kind.__name__}) {words}", *wrapped.args[1:])


def _refuse_unreadable(path: Path) -> None:
    """Open the file once before the driver does: its thread reports a failure past the loop's end."""
    try:
        with path.open("rb"):
            return
    except FileNotFoundError:
        if os.access(path.parent, os.W_OK):
            return
    except OSError:
        pass
    raise DatabaseUnusable(_CANNOT_OPEN)


def translate_error(error: DatabaseError) -> Exception:
    """Return DatabaseUnusable for a fault that an administrator can mend, else the error itself."""
    if isinstance(error, DataError | IntegrityError | NotSupportedError | ProgrammingError):
        return error  # of what was asked for
    words = str(error.orig).lower()
    if "readonly" in words or "read-only" in words:
        return DatabaseUnusable(
            "Cơ sở dữ liệu chỉ đọc. Hãy kiểm tra quyền ghi của tệp và của thư mục chứa nó."
        )
    if "locked" in words:
        return DatabaseUnusable(
            "Cơ sở dữ liệu đang bị chương trình khác khoá. Hãy dừng chương trình đó rồi thử lại."
        )
    if "full" in words or "no space" in words:
        return DatabaseUnusable("Hết chỗ trên đĩa. Hãy giải phóng dung lượng rồi thử lại.")
    if "disk i/o error" in words:
        return DatabaseUnusable(
            "Đĩa không ghi hoặc không đọc được. Hãy kiểm tra dung lượng trống và tình trạng của đĩa."
        )
    if "malformed" in words:
        return DatabaseUnusable(
            "Tệp cơ sở dữ liệu bị hỏng. Hãy dừng dịch vụ, rồi khôi phục từ bản sao lưu gần nhất."
        )
    if "unable to open" in words:
        return DatabaseUnusable(_CANNOT_OPEN)
    if isinstance(error, OperationalError) and any(sign in words for sign in _UNREACHABLE_MESSAGES):
        return DatabaseUnusable(
            "Không nối được cơ sở dữ liệu. Hãy kiểm tra máy chủ và NHACVIEC_DATABASE_URL."
        )
    return error


def describe_fault(error: Exception) -> str:
    """Return what a log line says of a fault: the sentence for who can mend it, else its name alone."""
    if isinstance(error, DatabaseError):
        error = translate_error(error)
    return str(error) if isinstance(error, DatabaseUnusable) else type(error).__name__
