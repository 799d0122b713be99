"""Within a chat what was put first leaves first, whatever became of the attempts to send it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from data.accounts.leases import Lease
from data.clock import civil_date
from data.db.database import Database
from data.models import Message
from data.outbox import claims
from data.outbox.chat_order import MOST_HOLDING_ATTEMPTS
from data.outbox.messages import ANSWER, BROADCAST, NOTICE
from data.outbox.queue import list_waiting_messages
from tests.support.outbox_rows import MORNING, account, chat, put

SOON = MORNING + timedelta(minutes=4)


async def listed(database: Database, account_id: int, *, seconds: float = 0) -> list[int]:
    async with database.read() as connection:
        rows = await list_waiting_messages(
            connection,
            account_id,
            now=MORNING + timedelta(seconds=seconds),
            broadcasts=True,
            limit=100,
        )
    return [row.id for row in rows]


async def set_message(database: Database, message_id: int, **values: object) -> None:
    async with database.write() as connection:
        await connection.execute(update(Message).where(Message.id == message_id).values(values))


async def pages(database: Database, **more: object) -> tuple[int, list[int]]:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    return account_id, [
        await put(database, account_id, chat_id, text, **more)  # type: ignore[arg-type]
        for text in ("một", "hai", "ba")
    ]


@pytest.mark.parametrize("priority", [ANSWER, NOTICE, BROADCAST])
async def test_what_must_be_tried_again_holds_up_what_was_put_after_it(
    database: Database, priority: int
) -> None:
    account_id, (first, second, third) = await pages(database, priority=priority)
    await set_message(database, first, attempts=1, send_at=SOON)
    assert await listed(database, account_id) == []
    assert await listed(database, account_id, seconds=240) == [first]  # and alone: then the others
    await set_message(database, first, state="sent")
    assert await listed(database, account_id) == [second, third]


@pytest.mark.parametrize("state", ["sent", "uncertain", "failed", "skipped"])
async def test_what_has_ended_holds_up_nothing(database: Database, state: str) -> None:
    account_id, (first, second, third) = await pages(database)
    await set_message(database, first, attempts=3, send_at=SOON, state=state)
    assert await listed(database, account_id) == [second, third]


async def test_another_chat_another_priority_and_an_earlier_message_are_not_held_up(
    database: Database,
) -> None:
    account_id, (first, second, third) = await pages(database)
    elsewhere = await put(database, account_id, await chat(database, account_id, "6"), "bốn")
    notice = await put(database, account_id, 1, "tin", priority=NOTICE)
    await set_message(database, second, attempts=1, send_at=SOON)
    assert await listed(database, account_id) == [first, elsewhere, notice]
    assert third not in await listed(database, account_id)


async def test_a_message_for_later_holds_up_nothing_until_it_was_tried(database: Database) -> None:
    account_id, (first, second, third) = await pages(database)
    await set_message(database, first, send_at=SOON)
    assert await listed(database, account_id) == [second, third]


async def test_what_was_never_taken_for_an_hour_no_longer_silences_its_chat(
    database: Database,
) -> None:
    account_id, (first, second, third) = await pages(database)
    await set_message(database, first, attempts=MOST_HOLDING_ATTEMPTS, send_at=SOON)
    assert await listed(database, account_id) == []
    await set_message(database, first, attempts=MOST_HOLDING_ATTEMPTS + 1)
    assert await listed(database, account_id) == [second, third]
    # where it is due itself it goes before them all the same
    assert await listed(database, account_id, seconds=240) == [first]


async def test_a_broadcast_of_an_earlier_morning_that_was_never_taken_holds_up_no_later_one(
    database: Database,
) -> None:
    today = civil_date(MORNING)
    account_id, (first, second, third) = await pages(
        database, priority=BROADCAST, broadcast_on=today
    )
    yesterday = today - timedelta(days=1)
    await set_message(database, first, attempts=4, send_at=SOON, broadcast_on=yesterday)
    assert await listed(database, account_id) == [second, third]


async def claim(database: Database, lease: Lease, ids: Sequence[int]) -> list[int]:
    async with database.write() as connection:
        found = await connection.execute(
            select(Message.id, Message.chat_id).where(Message.id.in_(ids))
        )
        chosen = {row.id: row.chat_id for row in found}
        rows = await claims.claim_messages(connection, lease, chosen, now=MORNING)
    return [row.id for row in rows]


async def test_the_claim_itself_keeps_the_order_whatever_was_chosen_before(
    database: Database,
) -> None:
    account_id, (first, second, _) = await pages(database)
    async with database.write() as connection:
        lease = await claims.acquire_account(
            connection, account_id, "one", repeats_unknown=True, now=MORNING
        )
    assert lease is not None
    await set_message(database, first, attempts=1, send_at=SOON)
    assert await claim(database, lease, [second]) == []
    await set_message(database, first, send_at=MORNING)
    assert await claim(database, lease, [second]) == []
    assert await claim(database, lease, [first]) == [first]


async def test_after_a_death_in_mid_send_a_chats_messages_go_on_in_order(
    database: Database,
) -> None:
    account_id, (first, second, third) = await pages(database)
    async with database.write() as connection:
        lease = await claims.acquire_account(
            connection, account_id, "one", repeats_unknown=True, now=MORNING
        )
    assert lease is not None
    assert await listed(database, account_id) == [first, second, third]
    assert await claim(database, lease, [first]) == [first]
    async with database.write() as connection:
        await claims.acquire_account(
            connection,
            account_id,
            "one",
            repeats_unknown=True,
            now=MORNING + timedelta(seconds=1),
        )
    assert await listed(database, account_id, seconds=1) == [first]


@pytest.mark.sqlite  # whose planner needs no rows to choose an index
async def test_asking_for_the_order_costs_a_look_into_the_index_of_retries(
    database: Database,
) -> None:
    account_id, _ = await pages(database)
    statements: list[tuple[str, object]] = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    await listed(database, account_id)
    event.remove(database.engine.sync_engine, "before_cursor_execute", _note)
    statement, parameters = next(each for each in statements if "earlier" in each[0])
    async with database.read() as connection:
        rows = await connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {statement}",
            tuple(parameters),  # type: ignore[arg-type]
        )
        plan = [row[-1] for row in rows]
    assert any("USING INDEX ix_message_retried" in step for step in plan), plan
    assert not any("TEMP B-TREE" in step or "SCAN" in step for step in plan), plan
