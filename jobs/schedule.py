"""Table of jobs, and their scheduler. Holds no deadline: a job asks the database what is due.

Guarantees:
- A job never overlaps itself; ticks missed while it ran, or while the machine slept, become one.
- A clock that is set back stops no job for longer than half a minute.
- A job that fails is logged and runs at its next tick.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from data.db.errors import DATABASE_ERRORS, describe_fault
from data.log import get_logger

_log = get_logger("schedule")

WATCH_SECONDS = 30.0

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the table: each minute, or once a day at a wall-clock time in UTC."""

    name: str
    why: str
    daily_at: time | None = None

    @property
    def trigger(self) -> Any:
        """APScheduler's trigger for its ticks."""
        if self.daily_at is None:
            return CronTrigger(second=0, timezone=UTC)
        return CronTrigger(hour=self.daily_at.hour, minute=self.daily_at.minute, timezone=UTC)


# Vietnam is UTC+7 all year: 17:05 UTC is five past midnight there.
JOBS = (
    Job(
        "morning",
        "compose the message of every chat whose province's hour has come; cheap when none is due",
    ),
    Job("accounts", "connect to platforms that were out of reach; end stops whose end has come"),
    Job("ping", "tell an outside monitor once a day that the morning went out"),
    Job("reports", "generate reports that chats asked for and that no process generates"),
    Job("menus", "offer each chat the commands of its role"),
    Job("sqlite_log", "empty SQLite's log of erased words that a command or a reader left there"),
    Job("plan", "plan obligations fifteen months ahead, agencies as of the new day", time(17, 5)),
    Job("confirming", "confirm replies that were undecided for ten working days", time(17, 20)),
    Job("housekeeping", "purge personal data whose retention period is over", time(19, 30)),
)


class Schedule:
    """The jobs, ticking in the running event loop between start() and stop()."""

    def __init__(self, work: Mapping[str, Work], jobs: Sequence[Job] = JOBS) -> None:
        """Add every job of the table with its work, by name; raises KeyError for a missing one."""
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": AsyncIOExecutor()},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in jobs:
            self._scheduler.add_job(
                _guarded, job.trigger, args=(job.name, work[job.name]), id=job.name
            )
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start ticking; call within a running event loop."""
        self._scheduler.start()
        self._watching = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Stop ticking and cancel running jobs, each of which may be cut short."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._watching is not None:
            self._watching.cancel()

    def realign(self, now: datetime) -> None:
        """Recompute next ticks that are further ahead than they can be, because the clock was set back.

        APScheduler alone would wait until the clock is back where it was.
        """
        soon = now + timedelta(seconds=1)  # a job that ticks in this second has begun
        for job in self._scheduler.get_jobs():
            latest = job.trigger.get_next_fire_time(None, soon)
            if job.next_run_time > latest:
                _log.warning("clock.set_back", job=job.id, next=latest.isoformat())
                job.modify(next_run_time=latest)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.realign(datetime.now(UTC))  # APScheduler's own clock


async def _guarded(name: str, work: Work) -> None:
    try:
        await work()
    except Exception as error:
        known = isinstance(error, DATABASE_ERRORS)  # at each tick while the database is down
        _log.error("job.failed", job=name, error=describe_fault(error), exc_info=not known)
