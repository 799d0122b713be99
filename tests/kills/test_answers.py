"""Killed at every step that one update takes: handled once all the same, and answered."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from bot.cli.doctor.finding import CheckContext
from bot.cli.doctor.stored import check_failures
from bot.config import Settings
from data.accounts.leases import LEASE_SECONDS
from data.db.database import Database
from data.models import Delivery, InboxEvent, Message, StatusReply
from data.registry.workdays import Workdays
from tests.support.kill_setup import (
    PATIENCE,
    Mortal,
    Platform,
    copies,
    leap,
    mortals,
    press,
    setting_for,
    without_news_of_colleagues,
)
from tests.support.prepared_databases import FIRST_ASKER, MORNING, Prepared, theirs
from tests.support.start_steps import STORING, Birth
from tests.support.telegram_server import BotApi

pytestmark = pytest.mark.slow

MOST_STEPS = 150
# On the way of an update, in this order: each is surely a place of death, besides every step by its number,
# whose order is not the same each time.
WAY = (
    STORING,
    "UPDATE inbox_event",
    "INSERT INTO status_reply",
    "INSERT INTO message",
    "commit",
    "to be sent",
    "sent",
    "INSERT INTO delivery",
)


async def answered(database: Database, asker: int) -> bool:
    """Tell whether all is done that an update of a chat asks for."""
    async with database.read() as connection:
        event = await connection.scalar(
            select(InboxEvent.state).where(InboxEvent.address == str(FIRST_ASKER + asker))
        )
        waiting = await connection.scalar(
            select(func.count()).where(Message.state.in_(("pending", "claimed")))
        )
    return event == "done" and not waiting


async def end_of(database: Database, process: Mortal, asker: int) -> bool:
    """Wait until the process has killed itself, or all is done; tells which."""
    async with asyncio.timeout(PATIENCE):
        while not process.ended.done():
            if await answered(database, asker):
                return False
            await asyncio.sleep(0.01)
    return True


@pytest.mark.parametrize("by", ["poll", "webhook"])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_an_update_is_handled_once_whatever_step_its_process_is_killed_at(
    prepared: Prepared, kind: str, by: str
) -> None:
    database = await prepared.copy(kind, askers=MOST_STEPS + len(WAY))
    obligation_id = await theirs(database)
    places: list[str] = []
    async with BotApi() as api:
        setting = setting_for(database, api, webhook=by == "webhook")
        platform = Platform(api, setting, 1, random.Random(1))
        async with mortals(setting) as forks:
            bringing = asyncio.create_task(platform.bring(press(0, obligation_id)))
            await forks.ready
            deaths = [Birth(die_at=1, only=place) for place in WAY]
            deaths += [Birth(die_at=step) for step in range(1, MOST_STEPS)]
            for number, death in enumerate(deaths, 1):
                dying = await forks.spawn(replace(death, since=str(platform.next)))
                assert not await end_of(database, dying, number - 1)  # what the last one left
                await bringing
                bringing = asyncio.create_task(platform.bring(press(number, obligation_id)))
                if not await end_of(database, dying, number):
                    break
                places += dying.places
                leap(setting, LEASE_SECONDS)
            await bringing
            await dying.kill()
        await platform.client.aclose()
        texts = {number: api.texts(FIRST_ASKER + number) for number in range(len(places) + 2)}
    async with database.read() as connection:
        said = Counter((await connection.scalars(select(StatusReply.event_id))).all())
        events = Counter((await connection.scalars(select(InboxEvent.state))).all())
        put = Counter(
            (
                await connection.scalars(
                    select(Message.chat_id).where(Message.template == "recorded")
                )
            ).all()
        )
    await database.dispose()
    twice = [number for number, seen in texts.items() if len(seen) == 2]
    print(
        f"{kind}, {by}: killed at {len(places)} steps of an update: handled once {len(said)} of"
        f" {len(texts)}, answered once {len(texts) - len(twice)}, twice and marked {len(twice)}"
    )
    assert places[: len(WAY)] == list(WAY)
    assert len(places) > 2 * len(WAY)
    assert events == {"done": len(texts)}
    assert (len(said), set(said.values())) == (len(texts), {1})
    assert (len(put), set(put.values())) == (len(texts), {1})
    for seen in texts.values():
        count, unmarked = copies(seen)
        assert 1 <= count <= 2
        assert unmarked <= 1
        assert all("Đã ghi nhận" in text for text in without_news_of_colleagues(seen))
    by_place = dict(zip(WAY, list(texts.values())[1:], strict=False))
    assert {place: copies(seen) for place, seen in by_place.items()} == {
        **dict.fromkeys(WAY, (1, 1)),
        "to be sent": (1, 0),  # it might have been
        "sent": (2, 1),
        "INSERT INTO delivery": (2, 1),
    }


async def test_what_is_unknown_after_two_repeats_is_parked_and_the_doctor_tells(
    prepared: Prepared,
) -> None:
    database = await prepared.copy("sqlite", readers=1)
    async with BotApi() as api:
        setting = setting_for(database, api, lives=0)
        async with mortals(setting) as forks:
            await forks.ready
            for _ in range(3):
                dying = await forks.spawn(Birth(die_at=1, only="sent"))
                assert await dying.ended == -signal.SIGKILL
                leap(setting, LEASE_SECONDS)
            last = await forks.spawn(Birth())
            async with asyncio.timeout(PATIENCE):
                while not await counted_uncertain(database):
                    await asyncio.sleep(0.02)
            await last.kill()
        seen = api.texts()
    async with database.read() as connection:
        case = CheckContext(Settings(), MORNING, Workdays(), None, (), ())
        (finding,) = await check_failures(connection, case)
        outcomes = (await connection.scalars(select(Delivery.outcome))).all()
    await database.dispose()
    assert copies(seen) == (3, 1)
    assert list(outcomes) == ["unknown"] * 3
    assert finding.level == "warn"
    assert "1 tin không rõ đã đến chưa, không gửi lại" in finding.found


async def counted_uncertain(database: Database) -> int:
    async with database.read() as connection:
        return (
            await connection.scalar(select(func.count()).where(Message.state == "uncertain")) or 0
        )
