"""The clock of a database server, which all processes that share it go by.

Promises that processes on machines whose own clocks are wrong reckon with one time, and that a call costs
no query: what is kept is how far the server's clock is ahead of a local one that nobody sets. It is looked
at again every half minute and after the machine's own clock was set; while the server is silent, what is
kept goes on. Never reads the machine's wall clock as the time.
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
_SOON = 5.0  # seconds until a look that failed is tried again, and the longest that one may take
_JUMP = 1.0  # seconds by which the machine's clock was set, that call for a look
_QUICK = 0.5  # seconds within which the server must tell: its answer is so much in doubt
_TRIES = 3


def clock_for(database: Database) -> Clock:
    """Return the clock that decides for a database: the server's, or for a file the machine's."""
    return SystemClock() if database.is_sqlite else DatabaseClock(database)


def seconds_since_boot() -> float:
    """Return seconds on a clock that nobody sets and that goes on while the machine sleeps (Linux)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class DatabaseClock:
    """The server's time, kept; see the module. elapsed, wall: the local clocks, in seconds."""

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
        self._one_looks = asyncio.Lock()
        self._there: datetime | None = None  # the server's time …
        self._at = 0.0  # … at this instant of `elapsed`
        self._look_at = 0.0
        self._apart = 0.0  # of wall and elapsed

    async def now(self) -> datetime:
        """Return the server's present instant; raises a database error where it was never reached."""
        if self._there is None:
            async with self._one_looks:
                if self._there is None:
                    self._note_look()
                    await self._look()
        elif self._elapsed() >= self._look_at or abs(self._drift() - self._apart) > _JUMP:
            self._note_look()  # first, so that nobody else looks as well
            await self._look_again()
        assert self._there is not None
        return self._there + timedelta(seconds=self._elapsed() - self._at)

    def _drift(self) -> float:
        return self._wall() - self._elapsed()

    def _note_look(self) -> None:
        self._look_at, self._apart = self._elapsed() + SYNC_SECONDS, self._drift()

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(_SOON):
                await self._look()
        except (SQLAlchemyError, OSError) as error:  # a TimeoutError is an OSError
            self._look_at = self._elapsed() + _SOON
            log.warning("clock.not_told", error=type(error).__name__)

    async def _look(self) -> None:
        for _ in range(_TRIES):
            async with self._database.read() as connection:
                before = self._elapsed()
                there = await connection.scalar(select(func.clock_timestamp()))
                after = self._elapsed()
            if after - before <= _QUICK:
                break
        else:
            if self._there is not None:  # this process or the server stood still: told too vaguely
                self._look_at = self._elapsed() + _SOON
                return
        assert there is not None
        self._there, self._at = require_aware(there), (before + after) / 2
