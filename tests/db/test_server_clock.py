"""The database server's clock: one time for all processes, however wrong their own clocks are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from data.clock import SystemClock
from data.db.database import Database
from data.db.server_clock import SYNC_SECONDS, DatabaseClock, clock_for, seconds_since_boot

pytestmark = pytest.mark.slow
CLOSE = timedelta(seconds=60)  # this machine is the server, too, and may be busy


class Local:
    """The clocks of a machine whose wall clock is wrong; both move when they are told to."""

    def __init__(self) -> None:
        self.elapsed, self.wall = 1000.0, 0.0

    def pass_by(self, seconds: float) -> None:
        self.elapsed += seconds
        self.wall += seconds


def looks(database: Database) -> list[str]:
    """Return the list to which every statement is added that is executed from now on."""
    found: list[str] = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "clock_timestamp" in statement:
            found.append(statement)

    return found


def clock_on(database: Database, local: Local) -> DatabaseClock:
    return DatabaseClock(database, elapsed=lambda: local.elapsed, wall=lambda: local.wall)


async def test_the_server_decides_and_is_asked_once_however_many_ask_the_clock(
    postgres: Database,
) -> None:
    asked, local = looks(postgres), Local()
    clock = clock_on(postgres, local)  # by its own clock it is 1970
    before = datetime.now(UTC)
    told = await asyncio.gather(*(clock.now() for _ in range(50)))
    assert len(set(told)) == 1
    assert before - CLOSE < told[0] < datetime.now(UTC) + CLOSE
    local.pass_by(SYNC_SECONDS - 1)
    assert await clock.now() == told[0] + timedelta(seconds=SYNC_SECONDS - 1)
    assert len(asked) == 1


async def test_it_is_looked_at_again_every_so_often_and_when_the_machines_clock_was_set(
    postgres: Database,
) -> None:
    asked, local = looks(postgres), Local()
    clock = clock_on(postgres, local)
    await clock.now()
    local.pass_by(3600)  # a clock that runs wildly fast
    assert abs(await clock.now() - datetime.now(UTC)) < CLOSE
    assert len(asked) == 2
    local.wall += 3600  # set forward
    local.elapsed += 5
    assert abs(await clock.now() - datetime.now(UTC)) < CLOSE
    assert len(asked) == 3
    local.wall -= 7200
    await clock.now()
    await clock.now()
    assert len(asked) == 4


async def test_while_the_server_is_silent_what_was_kept_goes_on(
    server: Any, postgres: Database
) -> None:
    asked, local = looks(postgres), Local()
    clock = clock_on(postgres, local)
    first = await clock.now()
    name = postgres.url.database
    server.psql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false;")
    server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';")
    with pytest.raises(DBAPIError):
        await clock_on(postgres, local).now()  # never reached: nothing to go by
    asked.clear()
    local.pass_by(SYNC_SECONDS)
    assert await clock.now() == first + timedelta(seconds=SYNC_SECONDS)
    server.psql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true;")
    local.pass_by(4.0)
    assert await clock.now() == first + timedelta(
        seconds=SYNC_SECONDS + 4
    )  # not asked at each call
    local.pass_by(1.0)
    assert abs(await clock.now() - datetime.now(UTC)) < CLOSE
    assert len(asked) == 1


async def test_an_answer_that_took_too_long_to_tell_the_time_is_not_gone_by(
    postgres: Database,
) -> None:
    local = Local()
    clock = clock_on(postgres, local)
    await clock.now()

    @event.listens_for(postgres.engine.sync_engine, "after_cursor_execute")
    def _(*_more: object) -> None:
        local.pass_by(60)  # this process stood still while it was told

    local.pass_by(SYNC_SECONDS)
    before = await clock.now()
    assert await clock.now() == before
    assert before > datetime.now(UTC) + timedelta(minutes=3)  # the kept time and what has passed


async def test_a_file_has_the_machines_clock_and_a_server_its_own(
    database: Database, postgres: Database
) -> None:
    assert isinstance(clock_for(database), SystemClock)
    assert isinstance(clock_for(postgres), DatabaseClock)
    before = seconds_since_boot()
    await asyncio.sleep(0.01)
    assert seconds_since_boot() > before
