"""Clocks, aware UTC instants, and civil dates of the province's zone.

The composition root alone reads a clock; everything below takes `now` or `today` as an argument.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class Clock(Protocol):
    """The source of the present instant."""

    async def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""


class SystemClock:
    """The machine's clock; for one process on SQLite."""

    async def now(self) -> datetime:
        return datetime.now(UTC)


class SteppedClock:
    """A clock that moves only by move_to(); for the sandbox and the tests."""

    def __init__(self, start: datetime) -> None:
        self._now = require_aware(start)

    async def now(self) -> datetime:
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Set the clock to an aware instant, forwards or back."""
        self._now = require_aware(instant)


def require_aware(instant: datetime) -> datetime:
    """Return the instant in UTC; raises ValueError for a naive one."""
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"naive datetime refused: {instant!r}")
    return instant.astimezone(UTC)


def civil_date(instant: datetime) -> date:
    """Return the civil date of an instant in the province's zone."""
    return require_aware(instant).astimezone(ZONE).date()


def civil_time(instant: datetime) -> time:
    """Return the wall-clock time of an instant in the province's zone."""
    return require_aware(instant).astimezone(ZONE).time()


def instant_at(day: date, wall: time) -> datetime:
    """Return the UTC instant of a wall-clock time on a civil date of the province's zone."""
    return datetime.combine(day, wall, ZONE).astimezone(UTC)
