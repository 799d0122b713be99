"""The dead-man's ping: once each working day, tell an outside monitor that the morning's messages left.

Guarantees:
- One process pings, once, after every province's morning was composed and its first message left (or none was due).
- A monitor out of reach costs a few more tries and a line in the log, nothing else.
- The address is never logged: it is a secret, by which the alarm can be silenced.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import httpx
from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.http_client import tls_context
from data import job_runs
from data.clock import Clock, civil_date, instant_at
from data.db.database import Database
from data.log import get_logger
from data.models import Account, JobRun, Message
from data.registry.registry import Registry

log = get_logger("ping")

JOB = "ping"
MOST_TRIES = 5
_BETWEEN = timedelta(seconds=50)  # two tries; also after a process that died in one
_PATIENCE = 10.0  # seconds
_DONE = "done"

# Written out: a partial index is used only where the statement itself holds its condition.
_NOT_SENT = (
    Message.state == literal_column("'pending'"),
    Message.state == literal_column("'claimed'"),
    Message.state.in_((literal_column("'failed'"), literal_column("'uncertain'"))),
)


class Ping:
    """The minute's tick; it does nothing where url is None."""

    def __init__(
        self, database: Database, registry: Callable[[], Registry], clock: Clock, url: str | None
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._url = url

    async def step(self) -> bool:
        """Ping if it is time and no process has; return whether the monitor accepted it."""
        if self._url is None:
            return False
        now = await self._clock.now()
        today = civil_date(now)
        registry = self._registry()
        if not registry.workdays.is_working(today):
            return False
        async with self._database.read() as connection:
            attempt = await _next_try(connection, today, now)
            if attempt is None or not await _has_morning_left(connection, registry, today):
                return False
        async with self._database.write() as connection:
            if not await job_runs.record_run(connection, JOB, str(attempt), today, now=now):
                return False  # another process was faster
        if (fault := await _get(self._url)) is not None:
            log.warning("ping.failed", attempt=attempt, error=fault)
            return False
        async with self._database.write() as connection:
            await job_runs.record_run(connection, JOB, _DONE, today, now=now)
        log.info("ping.taken", attempt=attempt)
        return True


async def _next_try(connection: AsyncConnection, today: date, now: datetime) -> int | None:
    """Return the number of the try that may begin now; None where one succeeded or is under way."""
    rows = await connection.execute(
        select(JobRun.subject, JobRun.finished_at).where(JobRun.job == JOB, JobRun.run_on == today)
    )
    tries = {row[0]: row[1] for row in rows}
    if _DONE in tries or len(tries) >= MOST_TRIES:
        return None
    if tries and abs(now - max(tries.values())) < _BETWEEN:  # no clock ahead counts
        return None
    return len(tries) + 1


async def _has_morning_left(connection: AsyncConnection, registry: Registry, today: date) -> bool:
    """Tell whether every morning of the day was composed, and any of its messages left or none was due."""
    runs = await connection.scalars(
        select(JobRun.subject).where(JobRun.job == "morning", JobRun.run_on == today)
    )
    if not registry.provinces.keys() <= set(runs):
        return False
    midnight = instant_at(today, time.min)
    if await _any(connection, today, Message.sent_at.is_not(None), Message.sent_at >= midnight):
        return True
    return not any([await _any(connection, today, state) for state in _NOT_SENT])


async def _any(connection: AsyncConnection, today: date, *which: ColumnElement[bool]) -> bool:
    accounts = Message.account_id.in_(select(Account.id))  # so that the indexes by account serve
    found = select(Message.id).where(accounts, *which, Message.broadcast_on == today).limit(1)
    return await connection.scalar(found) is not None


async def _get(url: str) -> str | None:
    """Get an address; return None, or the failure in a word that does not hold the address."""
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE, verify=tls_context()) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, OSError) as error:
        return type(error).__name__
    return None if answer.is_success else str(answer.status_code)
