"""The table of jobs, and what makes it tick.

Promises that a job never overlaps itself, that ticks missed while it ran or while the machine slept
become one, that a machine's clock which is set back stops no job for longer than half a minute, and that a
job that fails is logged and runs at its next tick. Holds no deadline: the database is the schedule; a job
looks there for what is due. The only place that knows APScheduler.
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
        """APScheduler's form of when it ticks."""
        if self.daily_at is None:
            return CronTrigger(second=0, timezone=UTC)
        return CronTrigger(hour=self.daily_at.hour, minute=self.daily_at.minute, timezone=UTC)


# Vietnam is UTC+7 all year: 17:05 UTC is five past midnight there.
JOBS = (
    Job(
        "morning", "the reminders of every province whose hour has come; cheap when nothing is due"
    ),
    Job("digest", "the weekly digest of every province whose morning was composed; once a week"),
    Job("accounts", "platforms that were out of reach, accounts whose rest is over"),
    Job("ping", "an outside monitor hears once a day that the morning went out"),
    Job("reports", "reports that chats asked for and that no process makes"),
    Job("menus", "each chat is offered the commands of its role"),
    Job("plan", "obligations fifteen months ahead, agencies as of the new day", time(17, 5)),
    Job("confirming", "what nobody decided on for ten working days is confirmed", time(17, 20)),
    Job("housekeeping", "what is no longer needed of people's words is let go", time(19, 30)),
)


class Schedule:
    """The jobs, ticking in the running event loop between start() and stop()."""

    def __init__(self, work: Mapping[str, Work], jobs: Sequence[Job] = JOBS) -> None:
        """Take the work of every job of the table by its name; raises KeyError for a missing one."""
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
        """Begin to tick; call within a running event loop."""
        self._scheduler.start()
        self._watching = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Stop ticking and cancel what runs: every job is safe to be cut short."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        if self._watching is not None:
            self._watching.cancel()

    def realign(self, now: datetime) -> None:
        """Reckon the next ticks anew where they lie further ahead than they can: the clock was set back.

        The scheduler alone would wait until the clock says again what it said before. Changes nothing else.
        """
        soon = now + timedelta(seconds=1)  # what ticks in this second has begun
        for job in self._scheduler.get_jobs():
            latest = job.trigger.get_next_fire_time(None, soon)
            if job.next_run_time > latest:
                _log.warning("clock.set_back", job=job.id, next=latest.isoformat())
                job.modify(next_run_time=latest)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            self.realign(datetime.now(UTC))  # as the scheduler itself tells the time


async def _guarded(name: str, work: Work) -> None:
    try:
        await work()
    except Exception as error:
        known = isinstance(error, DATABASE_ERRORS)  # each tick anew while a database is away
        _log.error("job.failed", job=name, error=describe_fault(error), exc_info=not known)
