"""Ten days down, started again at any hour: each chat hears once what is still true, within sending hours."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.channels.local import LocalChannel
from data.clock import SteppedClock, civil_date
from data.db.database import Database
from data.models import Account, Chat, Message, MessageItem, Obligation
from jobs.channel import OutgoingMessage, Receipt
from jobs.delivery.dispatcher import Dispatcher
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.morning.run import run_mornings
from jobs.planning.materialise import materialise
from tests.support.conversations import RENDERER, WITH_BUTTONS, small_registry
from tests.support.loaded_province import load_world, morning_of, open_chats

LAST = date(
    2026, 11, 6
)  # a Friday: report BC.1 is due on Saturday 14/11, and judged on Monday 16/11
CAN = {1: WITH_BUTTONS}


class Remembering(LocalChannel):
    """A channel that remembers when it sent which words where, by the clock."""

    def __init__(self, clock: SteppedClock) -> None:
        super().__init__("test")
        self._clock = clock
        self.sent: list[tuple[datetime, str, str]] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        self.sent.append((await self._clock.now(), message.address, message.text))
        return await super().send(message)


class Office:
    """Đông at work on a stepped clock, with every job that speaks to chats."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.registry = small_registry()
        self.clock = SteppedClock(morning_of(date(2026, 11, 2)))
        self.channel = Remembering(self.clock)

    async def begin(self) -> None:
        now = await self.clock.now()
        await load_world(self.database, self.registry, now=now)
        wanted = {"focal": {"stc", "sxd"}, "coordinator": {"skhcn"}, "leader": {"ubnd"}}
        for role, only in wanted.items():
            await open_chats(self.database, now=now, province="dong", role=role, only=only)
        async with self.database.read() as connection:
            assert list(await connection.scalars(select(Account.id))) == [1]
        self.delivery = Dispatcher(
            self.database,
            {1: self.channel},
            RENDERER,
            lambda: self.registry.workdays,
            self.clock,
            owner="tests",
        )

    async def at(self, now: datetime) -> None:
        """Do what a start, or a minute, does at an instant."""
        self.clock.move_to(now)
        async with self.database.write() as connection:
            await materialise(connection, self.registry, today=civil_date(now))
        await run_mornings(self.database, self.registry, now=now, capabilities=CAN)
        await self.delivery.run_until_idle()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "first"),
    [
        (morning_of(date(2026, 11, 17), 3, 0), date(2026, 11, 17)),
        (morning_of(date(2026, 11, 17), 10, 12), date(2026, 11, 17)),
        (morning_of(date(2026, 11, 14), 17, 45), date(2026, 11, 16)),  # a Saturday
        (morning_of(date(2026, 11, 16), 17, 45), date(2026, 11, 17)),
        (morning_of(date(2026, 11, 23), 18, 0), date(2026, 11, 25)),  # 24/11 is a day off
    ],
)
async def test_after_ten_days_down_a_chat_hears_once_what_is_true_within_sending_hours(
    database: Database, start: datetime, first: date
) -> None:
    office = Office(database)
    await office.begin()
    for day in (2, 3, 4, 5, 6):
        await office.at(morning_of(date(2026, 11, day)))
    before = len(office.channel.sent)
    # It is started, and goes on until the evening of the first day on which one may write.
    marks = [(6, 59), (7, 0), (7, 29), (7, 30), (7, 31), (12, 0), (17, 29), (17, 31), (20, 0)]
    later = [start + timedelta(hours=hours) for hours in (1, 12, 24, 36)]
    for at in sorted({start, *later, *(morning_of(first, *mark) for mark in marks)}):
        if start <= at <= morning_of(first, 20, 0):
            await office.at(at)
    heard = office.channel.sent[before:]
    async with database.read() as connection:
        rows = await connection.execute(
            select(Chat.address, Message.template, Message.id)
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.state == "sent", Message.sent_at >= start)
        )
        messages = rows.all()
        told = await connection.execute(
            select(Chat.address, Obligation.id, MessageItem.rung)
            .join(MessageItem, MessageItem.obligation_id == Obligation.id)
            .join(Message, Message.id == MessageItem.message_id)
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.state == "sent", Message.sent_at >= start, Obligation.code == "BC.1")
        )
        lines = told.all()
    kinds = Counter((row.address, row.template) for row in messages)
    chats = {row.address for row in messages}
    escalated = sum("Quá hạn, chưa có kết quả" in text for _, _, text in heard)
    print(
        f"down from {LAST} to {start:%d/%m %H:%M}: chats {len(chats)}, messages {len(heard)},"
        f" {dict(Counter(row.template for row in messages))}, escalated {escalated},"
        f" first at {heard[0][0].astimezone(start.tzinfo):%d/%m %H:%M}"
    )
    assert len(heard) == len(messages)
    for moment, _, _ in heard:
        assert is_within_sending_hours(moment, office.registry.workdays), moment
        assert civil_date(moment) == first
    assert set(kinds.values()) == {1}  # one message a chat, with what there is of the week
    assert {template for _, template in kinds} == {"reminder"}
    # Of the rungs that were missed only the latest is told, once.
    assert len(lines) == len({(row.address, row.id) for row in lines}) > 0
    assert escalated == 0  # who was not told beforehand is told first
