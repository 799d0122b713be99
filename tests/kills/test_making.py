"""Killed without warning while a report or a digest is made: nothing lost, nothing told twice."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data.clock import SteppedClock
from data.db.database import Database
from data.digests import kept_weeks
from data.models import Download, JobRun, Message, ReportRequest, WeekFacts
from data.reports.requests import CLAIM_DURATION
from jobs.morning.run import run_mornings
from jobs.reports.requests import ReportWorker
from tests.support.conversations import WITH_BUTTONS, Seat, Talk, small_registry
from tests.support.loaded_province import load_world, morning_of, open_chats

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 16)
PATIENCE = 60  # seconds, for a busy machine
CAN = {1: WITH_BUTTONS}


@pytest.fixture(params=["database", "postgres"])
def either(request: pytest.FixtureRequest) -> Any:
    """An empty database, on a file and on a server."""
    return request.getfixturevalue(request.param)


async def killed(database: Database, what: str, where: str, *, now: datetime) -> None:
    """Let a process do its work up to a point, and kill it there."""
    url = database.url.render_as_string(hide_password=False)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.stalling_process", url, now.isoformat(), what, where),
        cwd=Path(__file__).parents[2],
        stdout=PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            assert (await process.stdout.readline()).decode().strip() == where
    finally:
        process.kill()
        await process.wait()


@dataclass
class Asked:
    """A coordinator who asked for one report."""

    talk: Talk

    async def step(self, now: datetime) -> int:
        """Let another process look for work at an instant; returns how many requests it ended."""
        return await ReportWorker(self.talk.database, small_registry, SteppedClock(now)).step()

    async def request(self) -> tuple[str, int]:
        async with self.talk.database.read() as connection:
            row = (await connection.execute(select(ReportRequest))).one()
        return row.state, row.attempts

    async def told(self) -> list[tuple[str, str | None]]:
        """Return what was answered, and of a refusal its reason."""
        async with self.talk.database.read() as connection:
            rows = await connection.execute(
                select(Message).where(Message.template.in_(("report_ready", "report_refused")))
            )
            return [(row.template, row.context.get("reason")) for row in rows]


@pytest.fixture
async def asked(either: Database) -> Asked:
    seat = Seat("theo-doi", "dong", "skhcn", "coordinator")
    talk = await Talk(either, small_registry(), now=NOW).begin(seat)
    await talk.say("theo-doi", "/baocao 10")
    return Asked(talk)


async def counted(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("where", ["drawing", "INSERT INTO download", "INSERT INTO message"])
async def test_a_report_whose_process_is_killed_is_made_by_another_after_ten_minutes_and_told_once(
    asked: Asked, where: str
) -> None:
    database = asked.talk.database
    await killed(database, "report", where, now=NOW)
    assert await asked.request() == ("new", 1)
    assert (await asked.told(), await counted(database, Download)) == ([], 0)
    assert await asked.step(NOW + CLAIM_DURATION - timedelta(seconds=1)) == 0
    assert await asked.step(NOW + CLAIM_DURATION) == 1
    assert await asked.request() == ("done", 2)
    assert await asked.told() == [("report_ready", None)]
    assert await counted(database, Download) == 2  # the report, and its notes
    assert await asked.step(NOW + 3 * CLAIM_DURATION) == 0


async def test_a_report_that_kills_three_processes_is_refused_in_words(asked: Asked) -> None:
    for attempt in range(3):
        await killed(asked.talk.database, "report", "drawing", now=NOW + attempt * CLAIM_DURATION)
        assert await asked.request() == ("new", attempt + 1)
    assert await asked.step(NOW + 3 * CLAIM_DURATION) == 1
    assert (await asked.request())[0] == "refused"
    ((template, reason),) = await asked.told()
    assert template == "report_refused"
    assert "đã thử ba lần" in str(reason)
    assert await counted(asked.talk.database, Download) == 0
    assert await asked.step(NOW + 9 * CLAIM_DURATION) == 0


@pytest.mark.parametrize("where", ["INSERT INTO week_facts", "INSERT INTO message"])
async def test_a_morning_whose_process_is_killed_is_made_whole_by_the_next_and_sent_once(
    either: Database, where: str
) -> None:
    registry, now = small_registry(), morning_of(MONDAY)
    await load_world(either, registry, now=morning_of(date(2026, 11, 2)))
    chats = await open_chats(either, now=now, province="dong", only={"stc", "sxd"})
    await killed(either, "morning", where, now=now)
    assert (await counted(either, Message), await counted(either, WeekFacts)) == (0, 0)
    async with either.read() as connection:
        assert await kept_weeks.list_provinces_begun(connection, MONDAY) == set()
    results = [await run_mornings(either, registry, now=now, capabilities=CAN) for _ in range(2)]
    assert [sorted(result.provinces) for result in results] == [["dong", "tay"], []]
    async with either.read() as connection:
        told = await connection.scalars(select(Message.chat_id).order_by(Message.chat_id))
        kept = await kept_weeks.load_week_facts(connection, "dong", MONDAY)
        runs = await connection.scalar(
            select(func.count()).select_from(JobRun).where(JobRun.job == kept_weeks.DIGEST_JOB)
        )
    assert list(told) == sorted(chats.values())
    assert {("agency", "stc"), ("agency", "sxd"), ("province", "")} <= kept.keys()
    assert runs == 2
