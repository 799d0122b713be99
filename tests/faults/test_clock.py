"""A clock that jumps back and forth, a machine that sleeps for a day, a Tết week: each thing is said once.

Five weeks of a province pass on a clock that is set an hour or a day back or ahead now and then, and once
more on one that goes on as it should. What was said in the end must be the same.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.channels.local import LocalChannel
from data.clock import Clock, SteppedClock, civil_date
from data.db.database import Database
from data.models import Chat, Message, MessageItem
from data.registry.registry import Registry
from jobs.channel import Channel, OutgoingMessage, Receipt
from jobs.delivery.dispatcher import Dispatcher
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.morning.run import run_mornings
from jobs.planning.materialise import materialise
from tests.support.conversations import PLAN, PROVINCE, RENDERER, WITH_BUTTONS
from tests.support.loaded_province import load_world, morning_of, open_chats
from tests.support.outbox_rows import MORNING, account, broadcast, chats, sender, workdays

BEGIN, END = date(2026, 2, 2), date(2026, 3, 6)
TET = tuple(date(2026, 2, 14) + timedelta(days=number) for number in range(9))
# A report is due on 18/2, in the middle of Tết: its last working day before is 13/2, it is judged on 23/2.
HOLIDAYS = ", ".join(f"{{date: {day}, reason: Tết}}" for day in TET[2:7])
CALENDAR = f"year: 2026\nconfirmed: true\nsource: thông báo\ndays_off: [{HOLIDAYS}]\n"


@cache
def registry() -> Registry:
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    plan = plan.replace("month: 11, day: 15", "month: 2, day: 19").replace(
        "15 tháng 11", "19 tháng 2"
    )
    texts = {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": plan,
        "calendar/2026.yaml": CALENDAR,
    }
    return Registry.from_texts(texts)


class Remembering(LocalChannel):
    """A channel that remembers when it was asked to send, by the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.sent: list[tuple[datetime, str]] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        self.sent.append((await self._clock.now(), message.address))
        return await super().send(message)


@dataclass
class Told:
    """What a province was told: how often each rung of each item in each chat, and when."""

    rungs: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    latest: dict[tuple[str, int], int] = field(default_factory=dict)
    weeks: Counter[tuple[str, str]] = field(default_factory=Counter)  # weekly parts
    mornings: Counter[tuple[str, date]] = field(default_factory=Counter)
    instants: list[datetime] = field(default_factory=list)


def straight() -> Iterator[datetime]:
    for number in range((END - BEGIN).days + 1):
        yield morning_of(BEGIN + timedelta(days=number))


# A day's instants, in hours and minutes after midnight of a day so many days ahead.
DAYS = (
    ((0, 7, 30), (0, 6, 35), (0, 7, 35)),  # set back an hour, and an hour ahead again
    ((0, 7, 30), (0, 8, 40), (0, 7, 40)),
    ((0, 7, 30), (-1, 7, 45), (0, 7, 50)),  # set back a day
    ((1, 7, 35), (0, 7, 35), (0, 13, 0)),  # a day ahead, and back
    ((1, 17, 45), (0, 17, 29), (0, 17, 31)),
    ((0, 3, 0), (0, 17, 45)),  # asleep in between: nobody is told that day
    (),  # asleep all day
)


def jumping(seed: int) -> Iterator[datetime]:
    """Go on by days, on each of which the clock is set or the machine sleeps; end as one should."""
    chance = random.Random(seed)
    for number in range((END - BEGIN).days):
        for ahead, hour, minute in chance.choice(DAYS):
            yield morning_of(BEGIN + timedelta(days=number + ahead), hour, minute)
    yield morning_of(END)


async def lived(file: Path, instants: Iterable[datetime]) -> Told:
    """Let a province live through the instants, in their order; returns what it was told."""
    database = Database(f"sqlite+aiosqlite:///{file}")
    begin = morning_of(BEGIN, 6, 0)
    await load_world(database, registry(), now=begin)
    for role, only in (("focal", {"stc", "sxd"}), ("coordinator", {"skhcn"}), ("leader", {"ubnd"})):
        await open_chats(database, now=begin, role=role, only=only)
    account_id = await account(database, "local", "test")
    clock = SteppedClock(begin)
    channel = Remembering(clock)
    channels: dict[int, Channel] = {account_id: channel}
    delivery = Dispatcher(
        database, channels, RENDERER, lambda: registry().workdays, clock, owner="tests"
    )
    planned: date | None = None
    for now in instants:
        clock.move_to(now)
        if planned != civil_date(now):
            planned = civil_date(now)
            async with database.write() as connection:
                await materialise(connection, registry(), today=planned)
        capabilities = {account_id: WITH_BUTTONS}
        await run_mornings(database, registry(), now=now, capabilities=capabilities)
        await delivery.run_until_idle()
    told = Told(instants=[at for at, _ in channel.sent])
    async with database.read() as connection:
        rows = await connection.execute(
            select(Chat.address, MessageItem.obligation_id, MessageItem.rung)
            .join(Message, Message.id == MessageItem.message_id)
            .join(Chat, Chat.id == Message.chat_id)
            .where(
                Message.state == "sent",
                Message.template == "reminder",
                MessageItem.rung.is_not(None),
            )
        )
        for address, owed, step in rows:
            rung = int(step or 0)
            told.rungs[address, owed, rung] += 1
            told.latest[address, owed] = max(rung, told.latest.get((address, owed), rung))
        sent = await connection.execute(
            select(Message.__table__, Chat.address)
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.state == "sent")
        )
        for row in sent:
            told.mornings[row.address, row.broadcast_on] += 1
            week = row.context.get("week")
            if week and not row.address.startswith("focal"):  # agencies read the rest of it above
                told.weeks[row.address, week["week_on"]] += 1
    await database.dispose()
    return told


@pytest.mark.slow
async def test_on_a_clock_that_jumps_each_thing_is_said_once_within_hours_and_nothing_is_lost(
    tmp_path: Path, migrated: Path
) -> None:
    ways: dict[str, Iterable[datetime]] = {
        "straight": straight(),
        "jumping": jumping(2026),
    }
    found: dict[str, Told] = {}
    for name, instants in ways.items():
        file = tmp_path / f"{name}.db"
        shutil.copy(migrated, file)
        found[name] = await lived(file, instants)
        told = found[name]
        assert max(told.rungs.values()) == 1, told.rungs.most_common(3)
        assert max(told.mornings.values()) == 1, told.mornings.most_common(3)
        for at in told.instants:
            assert is_within_sending_hours(at, registry().workdays), at
            assert civil_date(at) not in TET
    right = found.pop("straight")
    for name, told in found.items():
        print(
            f"{name}: messages {len(told.instants)} ({len(right.instants)} on a clock that goes on),"
            f" rungs {len(told.rungs)} of {len(right.rungs)}, twice 0, outside sending hours 0,"
            f" in Tết 0, last rungs lost {len(right.latest.keys() - told.latest.keys())}"
        )
        assert told.latest == right.latest  # of each item the last rung was told
        assert told.weeks == right.weeks


class SetClock:
    """A clock that goes on, and that is set; ahead: by how much it is wrong."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.ahead = timedelta()

    async def now(self) -> datetime:
        return MORNING + timedelta(seconds=time.monotonic() - self._began) + self.ahead


@pytest.mark.slow
async def test_a_broadcast_goes_on_while_the_clock_is_set_and_rests_outside_sending_hours(
    database: Database,
) -> None:
    account_id = await account(database, "local", "test")
    await broadcast(database, account_id, await chats(database, account_id, 200))
    clock = SetClock()
    channel = Remembering(clock)
    delivery = sender(database, {account_id: channel}, clock=clock)
    running = asyncio.create_task(delivery.run())

    async def at_least(count: int) -> None:
        async with asyncio.timeout(120):
            while len(channel.sent) < count:
                await asyncio.sleep(0.002)

    await at_least(20)
    clock.ahead = timedelta(days=2)  # it slept; Tuesday is a day off, but here none is known
    await at_least(60)
    clock.ahead = timedelta(hours=1)
    await at_least(100)
    clock.ahead = timedelta(hours=12)  # in the evening
    await asyncio.sleep(0.5)
    evening = len(channel.sent)
    delivery.wake()
    await asyncio.sleep(0.5)
    rested = len(channel.sent) == evening
    clock.ahead = timedelta(minutes=1)
    delivery.wake()
    await at_least(200)
    delivery.stop()
    await running
    places = Counter(address for _, address in channel.sent)
    late = sum(not is_within_sending_hours(at, workdays()) for at, _ in channel.sent)
    print(
        f"set in mid-broadcast: chats 200, lost {200 - len(places)},"
        f" repeats {len(channel.sent) - len(places)}, in the evening {late}"
    )
    assert set(places.values()) == {1}
    assert len(places) == 200
    assert rested
    assert late <= 1  # what was in flight
