"""Processes that share one inbox on a real PostgreSQL: each update once, a chat's in order, nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.local import LocalChannel, make_local_update
from data import inbox as data_inbox
from data.clock import SteppedClock
from data.db.database import Database
from data.models import InboxEvent, Message, Meta
from jobs.channel import Answer, Incoming, RawUpdate
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.service.test_concurrency_postgres import meet
from tests.support.loaded_province import counted
from tests.support.outbox_rows import MORNING, account, chat

pytestmark = pytest.mark.slow


class Reader:
    """A handler of one process, that writes down what it did and stands still where it is told to."""

    def __init__(self, name: str, *, stands_at: str = "") -> None:
        self._name = name
        self._stands_at = stands_at
        self.stands, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def __call__(
        self, connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> list[Answer]:
        if incoming.text == self._stands_at:
            self.stands.set()
            await self.may_go_on.wait()
        noted = f"{incoming.address}:{incoming.text} {self._name}"
        await connection.execute(insert(Meta).values(key=f"{event_id:06}", value=noted))
        return [Answer("words", {"text": incoming.text})]


def typed(address: str, text: str) -> RawUpdate:
    return make_local_update(
        address=address, chat_kind="private", kind="text", sender=address, text=text
    )


async def noted(database: Database) -> list[str]:
    async with database.read() as connection:
        rows = await connection.scalars(
            select(Meta.value).where(Meta.key.like("0%")).order_by(Meta.key)
        )
        return list(rows)


@pytest.fixture
async def local(postgres: Database) -> int:
    account_id = await account(postgres, "local")
    for address in ("a", "b"):
        await chat(postgres, account_id, address)
    return account_id


@pytest.fixture
async def other(postgres: Database) -> AsyncIterator[Database]:
    """The same database as another process has it."""
    database = Database(postgres.url.render_as_string(hide_password=False))
    yield database
    await database.dispose()


def inbox_of(database: Database, local: int, reader: Reader) -> Inbox:
    return Inbox(database, {local: LocalChannel()}, reader, SteppedClock(MORNING))


async def test_what_another_process_is_at_waits_with_all_that_follows_it_in_its_chat_and_nothing_else(
    postgres: Database, other: Database, local: int
) -> None:
    batch = [typed("a", "1"), typed("a", "2"), typed("b", "1"), typed("a", "3")]
    await store_updates(postgres, local, batch[:1], now=MORNING)
    one, two = Reader("một", stands_at="1"), Reader("hai")
    first, second = inbox_of(postgres, local, one), inbox_of(other, local, two)
    handling = asyncio.create_task(first.handle_pending())
    await one.stands.wait()
    await store_updates(other, local, batch[1:], now=MORNING)
    async with asyncio.timeout(10):  # it does not wait for the one that stands still
        assert await second.handle_pending() == 1
    assert await noted(other) == ["b:1 hai"]
    one.may_go_on.set()
    assert await handling == 3
    assert await noted(other) == ["a:1 một", "a:2 một", "b:1 hai", "a:3 một"]
    assert await counted(postgres, Message) == 4
    assert await second.handle_pending() == 0


async def test_what_a_process_was_at_when_it_died_is_taken_up_by_another_in_its_place(
    postgres: Database, other: Database, local: int
) -> None:
    await store_updates(postgres, local, [typed("a", "1"), typed("a", "2")], now=MORNING)
    one, two = Reader("một", stands_at="1"), Reader("hai")
    handling = asyncio.create_task(inbox_of(postgres, local, one).handle_pending())
    await one.stands.wait()
    handling.cancel()  # its transaction ends as that of a dead process does
    await asyncio.wait({handling})
    assert await inbox_of(other, local, two).handle_pending() == 2
    assert await noted(other) == ["a:1 hai", "a:2 hai"]


async def test_two_readers_of_the_same_events_handle_each_once_and_each_chat_in_order(
    postgres: Database, other: Database, local: int
) -> None:
    batch = [typed(address, str(number)) for number in range(15) for address in ("a", "b")]
    await store_updates(postgres, local, batch, now=MORNING)
    inboxes = [inbox_of(each, local, Reader("x")) for each in (postgres, other)]
    while await counted(postgres, InboxEvent, InboxEvent.state == "new"):
        await asyncio.gather(*(inbox.handle_pending() for inbox in inboxes))
    for address in ("a", "b"):
        async with postgres.read() as connection:
            rows = await connection.scalars(
                select(Message.context["text"].as_string())
                .where(Message.chat_id == (1 if address == "a" else 2))
                .order_by(Message.id)
            )
            assert list(rows) == [str(number) for number in range(15)]
    assert len(await noted(postgres)) == 30


async def test_of_one_chat_a_later_update_is_not_seen_before_an_earlier_one_that_is_being_stored(
    postgres: Database, other: Database, local: int
) -> None:
    async def keep(connection: Any, *updates: RawUpdate) -> None:
        await data_inbox.record_updates(connection, local, updates, now=MORNING)

    async def first(connection: Any) -> None:
        await keep(connection, typed("a", "1"))
        async with asyncio.timeout(10):  # of another chat it may
            await store_updates(other, local, [typed("b", "1")], now=MORNING)

    await meet(postgres, first, lambda connection: keep(connection, typed("a", "2")))
    async with postgres.read() as connection:
        rows = await connection.scalars(
            select(InboxEvent.id).where(InboxEvent.address == "a").order_by(InboxEvent.id)
        )
        assert len(list(rows)) == 2
    assert await inbox_of(postgres, local, Reader("x")).handle_pending() == 3
    assert [words for words in await noted(postgres) if words[0] == "a"] == ["a:1 x", "a:2 x"]


async def test_batches_that_hold_the_same_chats_in_another_order_do_not_lock_each_other_out(
    postgres: Database, other: Database, local: int
) -> None:
    addresses = [f"c{number}" for number in range(41)]
    there = [typed(address, "đi") for address in addresses]
    back = [typed(address, "về") for address in reversed(addresses)]
    async with postgres.write() as connection:  # of the one in the middle, both have to wait
        await data_inbox.record_updates(connection, local, [typed("c20", "giữa")], now=MORNING)
        both = ((postgres, there), (other, back))
        storing = [
            asyncio.create_task(store_updates(each, local, batch, now=MORNING))
            for each, batch in both
        ]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in storing)
    await asyncio.gather(*storing)
    assert await counted(postgres, InboxEvent) == 83
