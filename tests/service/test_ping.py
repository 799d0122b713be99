"""The dead-man's ping: heard of once a day, and only where the morning went out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.config import Settings
from bot.service.logs import redact
from bot.service.ping import MOST_TRIES, Ping
from data.clock import SteppedClock
from data.db.database import Database
from data.models import JobRun, Message
from jobs.morning.run import run_mornings
from tests.support.loaded_province import morning_of
from tests.support.local_server import LocalServer
from tests.support.round_trip import Whole

MONDAY = date(2026, 11, 9)
NOW = morning_of(MONDAY, 7, 31)


class Monitor(LocalServer):
    """What listens for the ping; says what `answers` says, first to last, then 200."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.answers: list[int] = []

    def routes(self) -> list[Route]:
        async def hear(request: Request) -> Response:
            self.heard.append(request.url.path)
            return PlainTextResponse("", status_code=self.answers.pop(0) if self.answers else 200)

        return [Route("/{key}", hear, methods=["GET"])]

    async def answer(self, given: Any, body: bytes, at: float) -> tuple[int, Any]:
        raise NotImplementedError


@pytest.fixture
async def monitor() -> AsyncIterator[Monitor]:
    async with Monitor() as server:
        yield server


@pytest.fixture
async def whole(database: Database) -> Whole:
    begun = await Whole(database, NOW).begin()
    await begun.enrol("7", "stc")
    return begun


def ping(whole: Whole, monitor: Monitor, key: str = "very-secret-key") -> Ping:
    return Ping(whole.database, lambda: whole.registry, whole.clock, f"{monitor.url}/{key}")


async def compose(whole: Whole) -> None:
    result = await run_mornings(whole.database, whole.registry, now=whole.now)
    assert result.messages > 0


def later(whole: Whole, minutes: float) -> None:
    whole.now += timedelta(minutes=minutes)
    whole.clock.move_to(whole.now)


async def test_it_is_heard_once_a_day_after_the_morning_went_out(
    whole: Whole, monitor: Monitor
) -> None:
    one, other = ping(whole, monitor), ping(whole, monitor)
    assert not await one.step()  # nothing was composed
    await compose(whole)
    assert not await one.step()  # nothing has left
    await whole.delivery.run_until_idle()
    assert sorted(await asyncio.gather(one.step(), other.step())) == [False, True]
    for _ in range(3):
        later(whole, 2)
        assert not await one.step()
    assert monitor.heard == ["/very-secret-key"]
    later(whole, 24 * 60)
    await run_mornings(whole.database, whole.registry, now=whole.now)
    await whole.delivery.run_until_idle()
    assert await other.step()
    assert len(monitor.heard) == 2


async def test_a_morning_in_which_nothing_was_due_is_heard_of_too(
    whole: Whole, monitor: Monitor
) -> None:
    async with whole.database.write() as connection:
        for province in whole.registry.provinces:
            values = {"job": "morning", "subject": province, "run_on": MONDAY, "finished_at": NOW}
            await connection.execute(JobRun.__table__.insert().values(values))
    assert await ping(whole, monitor).step()


async def test_of_a_day_off_and_without_an_address_nothing_is_heard(
    whole: Whole, monitor: Monitor
) -> None:
    await compose(whole)
    await whole.delivery.run_until_idle()
    silent = Ping(whole.database, lambda: whole.registry, whole.clock, None)
    assert not await silent.step()
    saturday = SteppedClock(morning_of(date(2026, 11, 14), 9))
    weekend = Ping(whole.database, lambda: whole.registry, saturday, f"{monitor.url}/x")
    assert not await weekend.step()
    assert monitor.heard == []


async def test_where_a_province_had_no_morning_nothing_is_heard(
    whole: Whole, monitor: Monitor
) -> None:
    await compose(whole)
    await whole.delivery.run_until_idle()
    async with whole.database.write() as connection:
        await connection.execute(JobRun.__table__.delete().where(JobRun.subject == "tay"))
    assert not await ping(whole, monitor).step()


async def test_where_all_was_refused_nothing_is_heard(whole: Whole, monitor: Monitor) -> None:
    await compose(whole)
    async with whole.database.write() as connection:
        await connection.execute(update(Message).values(state="failed"))
    assert not await ping(whole, monitor).step()


async def test_a_monitor_that_fails_is_tried_a_few_times_and_logged_without_its_address(
    whole: Whole, monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    await compose(whole)
    await whole.delivery.run_until_idle()
    asking = ping(whole, monitor)
    monitor.answers = [500] * 99
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="nhacviec"):
        for _ in range(MOST_TRIES + 3):
            assert not await asking.step()
            assert not await asking.step()  # the same minute
            later(whole, 1)
    assert len(monitor.heard) == MOST_TRIES
    assert caplog.messages[0] == "ping.failed attempt=1 error=500"
    assert "very-secret-key" not in caplog.text


async def test_after_a_failed_try_the_next_one_is_heard(whole: Whole, monitor: Monitor) -> None:
    await compose(whole)
    await whole.delivery.run_until_idle()
    monitor.answers = [503]
    assert not await ping(whole, monitor).step()
    later(whole, 1)
    assert await ping(whole, monitor).step()
    async with whole.database.read() as connection:
        rows = await connection.scalars(select(JobRun.subject).where(JobRun.job == "ping"))
        assert sorted(rows) == ["1", "2", "done"]


async def test_a_monitor_out_of_reach_costs_nothing_else(whole: Whole) -> None:
    await compose(whole)
    await whole.delivery.run_until_idle()
    nowhere = "http://127.0.0.1:9/x"
    away = Ping(whole.database, lambda: whole.registry, whole.clock, nowhere)
    assert not await away.step()


def test_its_address_is_a_secret() -> None:
    settings = Settings(ping_url="https://hc.example/5f2a-77")
    assert "5f2a" not in repr(settings)
    assert "5f2a" not in redact("GET https://hc.example/5f2a-77 failed", settings)
