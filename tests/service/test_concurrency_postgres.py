"""On a real PostgreSQL, where many write at once: what processes that meet there make, one makes, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from bot.app import open_app
from bot.config import Settings, list_setting_names
from data import files, job_runs
from data.clock import SteppedClock
from data.db.database import Database
from data.digests import kept_weeks
from data.models import Download, Meta, Obligation, Plan, Reminder, StatusReply
from data.progress.replies import lock_obligations, record_reply
from data.reports import requests as report_requests
from jobs.channel import Channel
from jobs.planning.rungs import recompute
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Seat, Talk, small_registry
from tests.support.loaded_province import counted

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
WEEK = date(2026, 11, 9)


async def meet(
    database: Database, first: Callable[..., Awaitable[Any]], second: Callable[..., Awaitable[Any]]
) -> list[Any]:
    """Return what two transactions see of which the second comes while the first is not committed."""

    async def later() -> Any:
        async with database.write() as connection:
            return await second(connection)

    async with database.write() as connection:
        found = await first(connection)
        waiting = asyncio.create_task(later())
        await asyncio.sleep(0.2)  # long enough to come to where it has to wait
        assert not waiting.done()
    return [found, await waiting]


async def test_a_reader_sees_one_instant_and_writes_nothing(postgres: Database) -> None:
    async with postgres.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(Download)) == 0
        async with postgres.write() as other:
            await files.store_file(other, name="a.png", mime="x", content=b"1", now=NOW)
        assert await connection.scalar(select(func.count()).select_from(Download)) == 0
    with pytest.raises(DBAPIError, match="read-only"):
        async with postgres.read() as connection:
            await connection.execute(delete(Download))
    assert await counted(postgres, Download) == 1


# ------------------------------------------------------------------ processes that meet


@pytest.fixture
def registry_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "registry"
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    texts = {"agencies/dong": PROVINCE.format(slug="dong", name="Đông"), "calendar/2026": CALENDAR}
    for name, text in {**texts, "plans/dong-10-2026": plan}.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


async def test_three_first_starts_at_once_make_one_schema_one_registry_and_one_key(
    bare_postgres: Database,
    registry_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    url = bare_postgres.url.render_as_string(hide_password=False)
    settings = Settings.model_validate({"database_url": url, "registry_dir": registry_folder})

    async def no_account(settings: Settings, *, stopping: asyncio.Event | None) -> list[Channel]:
        return []

    async def start() -> bytes:
        async with open_app(settings, clock=SteppedClock(NOW), connector=no_account) as app:
            return app.links.key

    keys = await asyncio.gather(*(start() for _ in range(3)))
    assert len(set(keys)) == 1
    assert await counted(bare_postgres, Plan) == 1
    assert await counted(bare_postgres, Meta, Meta.key == "link_key") == 1


async def test_the_key_of_links_is_made_once_by_two_who_both_see_none(postgres: Database) -> None:
    first, second = await meet(postgres, files.load_link_key, files.load_link_key)
    assert first == second


async def test_a_week_is_begun_by_one_and_by_another_where_that_one_fails(
    postgres: Database,
) -> None:
    async def begin(connection: Any) -> bool:
        return await kept_weeks.begin_week(connection, "dong", WEEK, now=NOW)

    async def fail(connection: Any) -> bool:
        begun = await begin(connection)
        waiting.append(asyncio.create_task(other()))
        await asyncio.sleep(0.2)
        assert begun
        raise RuntimeError("killed")

    async def other() -> bool:
        async with postgres.write() as connection:
            return await begin(connection)

    waiting: list[asyncio.Task[bool]] = []
    with pytest.raises(RuntimeError, match="killed"):
        async with postgres.write() as connection:
            await fail(connection)
    assert await waiting[0]
    async with postgres.write() as connection:
        assert not await begin(connection)

    async def begin_morning(connection: Any) -> bool:
        return await job_runs.record_run(connection, "morning", "dong", WEEK, now=NOW)

    assert await meet(postgres, begin_morning, begin_morning) == [True, False]


async def test_a_request_is_taken_by_one_of_two_who_chose_the_same(postgres: Database) -> None:
    talk = await Talk(postgres, small_registry(), NOW).begin(
        Seat("8", "dong", "skhcn", "coordinator")
    )
    await talk.say("8", "/baocao 10")

    async def take(connection: Any) -> Any:
        return await report_requests.claim_report_request(connection, now=NOW)

    taken, other = await meet(postgres, take, take)
    assert (taken.attempt, other) == (1, None)


async def test_the_same_answer_given_twice_at_once_counts_once(postgres: Database) -> None:
    talk = await Talk(postgres, small_registry(), NOW).begin()
    owed = await talk.obligation("10/KH-UBND", "stc", "2", "end")

    async def answer(connection: Any) -> int | None:
        return await record_reply(
            connection,
            obligation_id=owed.id,
            said="in_progress",
            percent=40,
            person_id=None,
            chat_id=None,
            event_id=None,
            now=NOW,
            today=NOW.date(),
            workdays=talk.registry.workdays,
        )

    said, again = await meet(postgres, answer, answer)
    assert (said is not None, again) == (True, None)
    assert await counted(postgres, StatusReply) == 1

    async def judge(connection: Any) -> None:
        await lock_obligations(connection, [owed.id])

    assert await meet(postgres, judge, answer) == [None, None]  # waited, and it was said already


async def test_a_rung_reckoned_while_an_answer_is_recorded_goes_by_the_answer(
    postgres: Database,
) -> None:
    talk = await Talk(postgres, small_registry(), NOW).begin()
    owed = await talk.obligation("10/KH-UBND", "stc", "2", "end")
    held = date(2027, 1, 20)

    async def receive(connection: Any) -> None:
        rows = update(Obligation).where(Obligation.id == owed.id)
        await connection.execute(rows.values(acknowledged_until=held))

    async def reckon(connection: Any) -> None:
        told = {"obligation_id": owed.id, "due_on": owed.due_on, "rung": owed.rung}
        await connection.execute(insert(Reminder).values(**told, reminded_on=WEEK))
        await recompute(connection, talk.registry, [owed.id], today=WEEK)

    await meet(postgres, receive, reckon)
    after = await talk.obligation("10/KH-UBND", "stc", "2", "end")
    async with postgres.write() as connection:
        await recompute(connection, talk.registry, [owed.id], today=WEEK)
    alone = await talk.obligation("10/KH-UBND", "stc", "2", "end")
    assert after.acknowledged_until == held
    assert (after.rung, after.remind_on) == (alone.rung, alone.remind_on)
