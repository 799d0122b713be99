"""Disks and servers that fail in tests, as real ones do: SQLite and the system themselves refuse."""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.util import await_only

from data.db.database import Database

Ailment = Callable[[Database], AbstractContextManager[None]]


class _Slow(sqlite3.Connection):
    seconds = 0.0

    def commit(self) -> None:
        if self.in_transaction:
            time.sleep(self.seconds)  # in the connection's own thread, as fsync waits
        super().commit()


def slow_disk(database: Database, seconds: float) -> None:
    """Make every commit of connections that are opened from now on take so much longer."""

    class Slow(_Slow):
        pass

    Slow.seconds = seconds

    @event.listens_for(database.engine.sync_engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
        parameters["factory"] = Slow


@contextmanager
def no_room(database: Database) -> Iterator[None]:
    """Let the file grow no further: SQLite says SQLITE_FULL, "database or disk is full"."""
    pragmas = _Pragmas(database)
    pragmas.now = ("PRAGMA max_page_count = 1",)  # no less than there are
    yield
    pragmas.now = ("PRAGMA max_page_count = 1073741823",)


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    """Let nothing be written: SQLite says SQLITE_READONLY, as for a file without the right to write."""
    pragmas = _Pragmas(database)
    pragmas.now = ("PRAGMA query_only = ON",)
    yield
    pragmas.now = ("PRAGMA query_only = OFF",)


@contextmanager
def failing_writes(_database: Database) -> Iterator[None]:
    """Let the system refuse this process to write far into a file: SQLite says "disk I/O error".

    Not so near that what pytest keeps of the output is refused, too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class _Pragmas:
    """Says something to every connection before each transaction, also to a kept one; `now` is what."""

    def __init__(self, database: Database) -> None:
        self.now: tuple[str, ...] = ()
        event.listen(database.engine.sync_engine, "begin", self._begins)

    def _begins(self, connection: Any) -> None:
        driver = connection.connection.driver_connection
        for pragma in self.now:
            await_only(driver.run(driver._conn.execute, pragma))
