"""The clock of a PostgreSQL server, shared by all processes on it.

Guarantees:
- Processes on machines whose own clocks are wrong compute with one time; the wall clock is never that time.
- now() costs no query: the offset from a local clock that nobody sets is kept, and checked every half minute.
- While the server does not answer, the kept offset stays in use.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from data.clock import Clock, SystemClock, require_aware
from data.db.database import Database
from data.log import get_logger

log = get_logger("clock")

SYNC_SECONDS = 30.0
_RETRY_SECONDS = 5.0  # until a failed sync is tried again, and the longest that one may take
_JUMP_SECONDS = 1.0  # a wall clock that was set by more than this calls for a sync
_MOST_UNCERTAIN = 0.5  # seconds that the server's answer may take: it is in doubt by so much
_TRIES = 3


def clock_for(database: Database) -> Clock:
    """Return the clock of a database: the server's; for a file, the machine's."""
    return SystemClock() if database.is_sqlite else DatabaseClock(database)


def seconds_since_boot() -> float:
    """Return seconds on a clock that nobody sets and that goes on while the machine sleeps (Linux)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class DatabaseClock:
    """The server's time as of the last sync, plus the seconds since.

    elapsed, wall: the local clocks, in seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        elapsed: Callable[[], float] = seconds_since_boot,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._elapsed = elapsed
        self._wall = wall
        self._first_sync = asyncio.Lock()
        self._server_time: datetime | None = None  # at _synced_at of `elapsed`
        self._synced_at = 0.0
        self._next_sync_at = 0.0
        self._drift_at_sync = 0.0

    async def now(self) -> datetime:
        """Return the server's present instant; raises a database error where it was never reached."""
        if self._server_time is None:
            async with self._first_sync:
                if self._server_time is None:
                    self._plan_next_sync()
                    await self._sync()
        elif (
            self._elapsed() >= self._next_sync_at
            or abs(self._drift() - self._drift_at_sync) > _JUMP_SECONDS
        ):
            self._plan_next_sync()  # first, so that no other task syncs as well
            await self._sync_again()
        assert self._server_time is not None
        return self._server_time + timedelta(seconds=self._elapsed() - self._synced_at)

    def _drift(self) -> float:
        return self._wall() - self._elapsed()

    def _plan_next_sync(self) -> None:
        self._next_sync_at = self._elapsed() + SYNC_SECONDS
        self._drift_at_sync = self._drift()

    async def _sync_again(self) -> None:
        try:
            async with asyncio.timeout(_RETRY_SECONDS):
                await self._sync()
        except (SQLAlchemyError, OSError) as error:  # a TimeoutError is an OSError
            self._next_sync_at = self._elapsed() + _RETRY_SECONDS
            log.warning("clock.not_told", error=type(error).__name__)

    async def _sync(self) -> None:
        for _ in range(_TRIES):
            async with self._database.read() as connection:
                before = self._elapsed()
                server_time = await connection.scalar(select(func.clock_timestamp()))
                after = self._elapsed()
            if after - before <= _MOST_UNCERTAIN:
                break
        else:
            if self._server_time is not None:  # this process or the server stalled: too uncertain
                self._next_sync_at = self._elapsed() + _RETRY_SECONDS
                return
        assert server_time is not None
        self._server_time, self._synced_at = require_aware(server_time), (before + after) / 2
