"""The table of jobs, and the housekeeping it calls for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from data.clock import ZONE
from data.db.database import Database
from data.models import Account, Agency, InboxEvent, Invitation
from jobs.housekeeping import CleanupCounts, tidy
from jobs.schedule import JOBS, Job, Schedule

NOW = datetime(2026, 11, 9, 0, 30, tzinfo=UTC)


async def nothing() -> None:
    """Do nothing, as a job."""


def test_every_job_of_the_table_needs_its_work() -> None:
    with pytest.raises(KeyError):
        Schedule({"morning": nothing})


def test_the_morning_is_looked_at_each_minute() -> None:
    trigger = next(job for job in JOBS if job.name == "morning").trigger
    at = datetime(2026, 11, 9, 0, 29, 30, tzinfo=UTC)
    first = trigger.get_next_fire_time(None, at)
    assert first == datetime(2026, 11, 9, 0, 30, tzinfo=UTC)
    assert trigger.get_next_fire_time(first, first + timedelta(seconds=1)) == first + timedelta(
        minutes=1
    )


def test_obligations_are_planned_when_a_new_day_begins_in_vietnam() -> None:
    trigger = next(job for job in JOBS if job.name == "plan").trigger
    fires = trigger.get_next_fire_time(None, datetime(2026, 11, 9, 10, 0, tzinfo=UTC))
    assert fires.astimezone(ZONE) == datetime(2026, 11, 10, 0, 5, tzinfo=ZONE)


class EachSecond(Job):
    """A job that ticks each second."""

    @property
    def trigger(self) -> IntervalTrigger:
        return IntervalTrigger(seconds=1)


@pytest.mark.slow
async def test_a_job_that_fails_ends_neither_itself_nor_the_others() -> None:
    failed, worked = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def failing() -> None:
        failed.release()
        raise RuntimeError("no")

    async def working() -> None:
        worked.release()

    jobs = (EachSecond("failing", ""), EachSecond("working", ""))
    schedule = Schedule({"failing": failing, "working": working}, jobs)
    schedule.start()
    try:
        async with asyncio.timeout(10):
            for tick in (failed, worked, failed, worked):
                await tick.acquire()
    finally:
        schedule.stop()


@pytest.mark.slow
async def test_a_job_without_its_database_is_told_in_a_line_and_a_fault_of_ours_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def unreached() -> None:
        raise OperationalError("SELECT 1", None, ConnectionError("connection refused"))

    async def faulty() -> None:
        raise KeyError("agency")

    def told() -> dict[str, object]:
        ours = [record for record in caplog.records if record.name == "nhacviec.schedule"]
        return {record.getMessage().split()[1]: record.exc_info for record in ours}

    jobs = (EachSecond("unreached", ""), EachSecond("faulty", ""))
    schedule = Schedule({"unreached": unreached, "faulty": faulty}, jobs)
    schedule.start()
    try:
        async with asyncio.timeout(10):
            while len(told()) < 2:
                await asyncio.sleep(0.01)
    finally:
        schedule.stop()
    assert not told()["job=unreached"]
    assert told()["job=faulty"]


def next_ticks(schedule: Schedule) -> dict[str, datetime]:
    return {job.id: job.next_run_time for job in schedule._scheduler.get_jobs()}


async def test_a_clock_that_is_set_back_stops_no_job() -> None:
    schedule = Schedule(dict.fromkeys((job.name for job in JOBS), nothing))
    schedule.start()
    try:
        now = datetime.now(UTC)
        usual = next_ticks(schedule)
        for seconds in (0, 1, 30, 3600, 86400):  # also where it goes on, or jumps ahead
            schedule.realign(now + timedelta(seconds=seconds))
        ticks = next_ticks(schedule)
        assert all(ticks[name] >= usual[name] for name in usual)  # a minute may have passed
        for back in (timedelta(hours=1), timedelta(days=1)):
            schedule.realign(now - back)
            for job in JOBS:
                longest = timedelta(minutes=1) if job.daily_at is None else timedelta(days=1)
                ahead = next_ticks(schedule)[job.name] - (now - back)
                assert timedelta() < ahead <= longest + timedelta(seconds=1), job.name
    finally:
        schedule.stop()


async def test_stopping_twice_is_harmless() -> None:
    schedule = Schedule(dict.fromkeys((job.name for job in JOBS), nothing))
    schedule.start()
    schedule.stop()
    schedule.stop()


async def test_raw_updates_and_unused_codes_go_after_a_month_and_all_else_stays(
    database: Database,
) -> None:
    old, recent = NOW - timedelta(days=31), NOW - timedelta(days=29)
    async with database.write() as connection:
        await connection.execute(insert(Account).values(id=1, channel="local", name="test"))
        await connection.execute(
            insert(Agency).values(
                id=1, province="gia-lai", code="x", name="X", short="X", kind="department",
                position=0, folded="x",
            )
        )  # fmt: skip
        await connection.execute(
            insert(InboxEvent),
            [
                {"account_id": 1, "update_id": name, "raw": b"words", "received_at": at,
                 "state": state, "handled_at": at}
                for name, at, state in (
                    ("old", old, "done"), ("recent", recent, "done"), ("parked", old, "parked"),
                )
            ],
        )  # fmt: skip
        await connection.execute(
            insert(Invitation),
            [
                {"code_hash": name, "agency_id": 1, "role": "focal", "created_at": at,
                 "expires_at": at, "used_at": used}
                for name, at, used in (
                    ("old", old, None), ("recent", recent, None), ("used", old, old),
                )
            ],
        )  # fmt: skip
    assert await tidy(database, now=NOW) == CleanupCounts(updates=1, codes=1)
    assert await tidy(database, now=NOW) == CleanupCounts()
    async with database.read() as connection:
        rows = await connection.execute(select(InboxEvent.update_id, InboxEvent.raw))
        raw = {row.update_id: row.raw for row in rows}
        codes = set(await connection.scalars(select(Invitation.code_hash)))
    assert raw == {"old": b"", "recent": b"words", "parked": b"words"}
    assert codes == {"recent", "used"}
