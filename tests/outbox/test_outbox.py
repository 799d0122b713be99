"""The outbox and its claims: one owner at a time, nothing twice, order, and indexes in use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import leases
from data.accounts.leases import Lease, LeaseLost
from data.db.database import Database
from data.models import Account, Message, MessageItem, Obligation
from data.outbox import claims, receipts
from data.outbox import messages as outbox
from data.outbox.queue import list_waiting_messages, load_send_state
from data.registry.registry import Registry
from tests.support.loaded_province import load_world
from tests.support.outbox_rows import (
    MORNING,
    account,
    attempts,
    broadcast,
    chat,
    chats,
    message,
    put,
    row_of_account,
    row_of_chat,
)


async def owned(database: Database, account_id: int, owner: str = "one") -> Lease:
    async with database.write() as connection:
        taken = await claims.acquire_account(
            connection, account_id, owner, repeats_unknown=True, now=MORNING
        )
    assert taken is not None
    return taken


async def as_chosen(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, int]:
    rows = await connection.execute(select(Message.id, Message.chat_id).where(Message.id.in_(ids)))
    return {row.id: row.chat_id for row in rows}


async def claimed(
    database: Database,
    held: Lease,
    *ids: int,
    now: datetime = MORNING,
    sent: Sequence[receipts.SentMessage] = (),
) -> list[int]:
    async with database.write() as connection:
        rows = await claims.claim_messages(
            connection, held, await as_chosen(connection, ids), now=now, sent=sent
        )
        return sorted(row.id for row in rows)


async def test_what_was_put_with_a_key_is_not_put_twice(database: Database) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    first = await put(database, account_id, chat_id, "một", dedupe_key="k")
    async with database.write() as connection:
        again = await outbox.enqueue(
            connection,
            account_id=account_id,
            chat_id=chat_id,
            template="words",
            context={},
            priority=2,
            now=MORNING,
            dedupe_key="k",
        )
    assert again is None
    assert (await message(database, first)).context["text"] == "một"
    assert await put(database, account_id, chat_id, "không khoá") != await put(
        database, account_id, chat_id, "không khoá"
    )


async def test_items_keep_the_numbers_they_were_given(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=MORNING)
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    async with database.read() as connection:
        ids = list((await connection.execute(select(Obligation.id).limit(3))).scalars())
    message_id = await put(
        database, account_id, chat_id, "x", items=[(ids[2], -5), (ids[0], None), (ids[1], 0)]
    )
    async with database.read() as connection:
        rows = await connection.execute(
            select(MessageItem.position, MessageItem.obligation_id, MessageItem.rung)
            .where(MessageItem.message_id == message_id)
            .order_by(MessageItem.position)
        )
        assert [tuple(row) for row in rows] == [
            (1, ids[2], -5),
            (2, ids[0], None),
            (3, ids[1], 0),
        ]


async def test_a_second_owner_waits_until_the_lease_runs_out(database: Database) -> None:
    account_id = await account(database)
    async with database.write() as connection:
        assert await leases.take_lease(connection, account_id, "one", now=MORNING) == 1
        assert await leases.take_lease(connection, account_id, "two", now=MORNING) is None
        later = MORNING + timedelta(seconds=19)
        assert await leases.take_lease(connection, account_id, "two", now=later) is None
        await leases.renew_lease(connection, Lease(account_id, "one", 1), now=later)
        last = later + timedelta(seconds=20)
        assert await leases.take_lease(connection, account_id, "two", now=last) == 2
        with pytest.raises(LeaseLost):
            await leases.renew_lease(connection, Lease(account_id, "one", 1), now=last)


async def test_the_same_owner_takes_over_at_once_and_a_released_lease_is_free(
    database: Database,
) -> None:
    account_id = await account(database)
    async with database.write() as connection:
        assert await leases.take_lease(connection, account_id, "one", now=MORNING) == 1
        assert await leases.take_lease(connection, account_id, "one", now=MORNING) == 2
        await leases.release_lease(
            connection, Lease(account_id, "one", 1), now=MORNING
        )  # an older epoch's
        assert await leases.take_lease(connection, account_id, "two", now=MORNING) is None
        await leases.release_lease(connection, Lease(account_id, "one", 2), now=MORNING)
        assert await leases.take_lease(connection, account_id, "two", now=MORNING) == 3


async def test_an_owner_that_lost_its_lease_can_neither_claim_nor_record(
    database: Database,
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    first = await put(database, account_id, chat_id, "một")
    second = await put(database, account_id, await chat(database, account_id, "6"), "hai")
    old = await owned(database, account_id)
    async with database.write() as connection:
        (row,) = await claims.claim_messages(
            connection, old, await as_chosen(connection, [first]), now=MORNING
        )
    new = await owned(database, account_id)
    with pytest.raises(LeaseLost):
        await claimed(database, old, second)
    async with database.write() as connection:
        await receipts.record_sent(connection, old, [receipts.SentMessage(row, "99")], now=MORNING)
    assert (await message(database, first)).state == "pending"
    assert await claimed(database, new, first, second) == [first, second]


async def test_what_was_taken_back_meanwhile_is_not_claimed(database: Database) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    first = await put(database, account_id, chat_id, "một")
    second = await put(database, account_id, chat_id, "hai")
    held = await owned(database, account_id)
    async with database.write() as connection:
        await connection.execute(update(Message).where(Message.id == first).values(state="skipped"))
    assert await claimed(database, held, first, second) == [second]


async def test_claims_of_a_dead_owner_go_again_twice_and_are_then_parked(
    database: Database,
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    message_id = await put(database, account_id, chat_id, "một")
    for repeats in (1, 2):
        assert await claimed(database, await owned(database, account_id), message_id)
        await owned(database, account_id)
        row = await message(database, message_id)
        assert (row.state, row.repeats) == ("pending", repeats)
    assert await claimed(database, await owned(database, account_id), message_id)
    await owned(database, account_id)
    row = await message(database, message_id)
    assert (row.state, row.error) == ("uncertain", "the process ended")
    assert await attempts(database, message_id) == ["unknown"] * 3


async def test_where_repeating_costs_too_much_a_dead_owners_claim_is_parked_at_once(
    database: Database,
) -> None:
    account_id = await account(database, "zalo_bot")
    chat_id = await chat(database, account_id, "5")
    message_id = await put(database, account_id, chat_id, "một")
    assert await claimed(database, await owned(database, account_id), message_id)
    async with database.write() as connection:
        await claims.acquire_account(
            connection, account_id, "one", repeats_unknown=False, now=MORNING
        )
    assert (await message(database, message_id)).state == "uncertain"


async def test_a_claim_that_was_surely_not_sent_goes_back_as_it_was(database: Database) -> None:
    account_id = await account(database)
    ids = await broadcast(database, account_id, await chats(database, account_id, 3))
    held = await owned(database, account_id)
    await claimed(database, held, *ids)
    async with database.write() as connection:
        await claims.release_claims(connection, held, ids[:1])
    states = [await message(database, message_id) for message_id in ids]
    assert [(row.state, row.attempts) for row in states] == [
        ("claimed", 1),
        ("pending", 0),
        ("pending", 0),
    ]


async def test_answers_stand_before_notices_and_both_before_broadcasts(database: Database) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    tin = [
        await put(database, account_id, chat_id, "x", priority=priority)
        for priority in (2, 1, 0, 2, 0)
    ]
    late = MORNING + timedelta(seconds=1)
    await put(database, account_id, chat_id, "mai", priority=0, send_at=late)
    async with database.read() as connection:

        async def order(*, broadcasts: bool) -> list[int]:
            rows = await list_waiting_messages(
                connection, account_id, now=MORNING, broadcasts=broadcasts, limit=100
            )
            return [row.id for row in rows]

        assert await order(broadcasts=True) == [tin[2], tin[4], tin[1], tin[0], tin[3]]
        assert await order(broadcasts=False) == [tin[2], tin[4], tin[1]]
        outlook = await load_send_state(connection, account_id, now=MORNING)
        assert tuple(outlook) == (None, None, late)
        page = await list_waiting_messages(
            connection, account_id, now=MORNING, broadcasts=True, limit=2
        )
        rest = await list_waiting_messages(
            connection, account_id, now=MORNING, broadcasts=True, after=page[-1], limit=9
        )
        assert [row.id for row in rest] == [tin[1], tin[0], tin[3]]


@pytest.mark.sqlite  # whose planner needs no rows to choose an index
async def test_looking_and_reclaiming_use_their_indexes(database: Database) -> None:
    account_id = await account(database)
    held = await owned(database, account_id)
    statements: list[tuple[str, object]] = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    async with database.write() as connection:
        await list_waiting_messages(connection, account_id, now=MORNING, broadcasts=True, limit=10)
        await load_send_state(connection, account_id, now=MORNING)
        await claims.settle_dead_claims(connection, held, repeats_unknown=True, now=MORNING)
    plans = []
    async with database.read() as connection:
        for statement, parameters in statements[-3:]:
            plan = await connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {statement}",
                tuple(parameters),  # type: ignore[arg-type]
            )
            plans.append(" ".join(row[-1] for row in plan))
    assert "ix_message_outbox" in plans[0]
    assert "TEMP B-TREE" not in plans[0]
    assert "ix_message_outbox" in plans[1]
    assert "ix_message_claimed" in plans[2]


async def test_the_latest_list_that_was_sent_is_what_a_chats_numbers_mean(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=MORNING)
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    async with database.read() as connection:
        obligation_id = (await connection.execute(select(Obligation.id).limit(1))).scalar_one()
    listed = await put(database, account_id, chat_id, "x", items=[(obligation_id, None)])
    plain = await put(database, account_id, chat_id, "y")
    held = await owned(database, account_id)
    for message_id in (listed, plain):
        async with database.write() as connection:
            (row,) = await claims.claim_messages(
                connection, held, await as_chosen(connection, [message_id]), now=MORNING
            )
            await receipts.record_sent(
                connection, held, [receipts.SentMessage(row, str(message_id))], now=MORNING
            )
    assert (await row_of_chat(database, chat_id)).last_menu_message_id == listed
    sent = await message(database, plain)
    assert (sent.state, sent.remote_id, sent.sent_at) == ("sent", str(plain), MORNING)


async def test_what_was_sent_is_recorded_with_the_claim_of_what_goes_next(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=MORNING)
    account_id = await account(database)
    near, far = await chat(database, account_id, "5"), await chat(database, account_id, "6")
    async with database.read() as connection:
        obligation_id = (await connection.execute(select(Obligation.id).limit(1))).scalar_one()
    ids = [
        await put(database, account_id, near, "một", items=[(obligation_id, None)]),
        await put(database, account_id, far, "mã", secret=True),
        await put(database, account_id, near, "ba"),
    ]
    held = await owned(database, account_id)
    async with database.write() as connection:
        rows = await claims.claim_messages(
            connection, held, await as_chosen(connection, ids[:2]), now=MORNING
        )
        sent = [receipts.SentMessage(row, f"r{row.id}") for row in rows]
        (claimed_next,) = await claims.claim_messages(
            connection, held, await as_chosen(connection, ids[2:]), now=MORNING, sent=sent
        )
    assert claimed_next.id == ids[2]
    listed, secret, after = [await message(database, one) for one in ids]
    assert [one.state for one in (listed, secret, after)] == ["sent", "sent", "claimed"]
    assert (listed.remote_id, listed.sent_at) == (f"r{ids[0]}", MORNING)
    assert secret.context == {}
    assert await attempts(database, ids[0]) == ["sent"]
    assert (await row_of_chat(database, near)).last_menu_message_id == ids[0]
    assert (await row_of_chat(database, far)).last_menu_message_id is None


async def test_where_the_account_was_lost_nothing_is_recorded_with_a_claim(
    database: Database,
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    ids = [await put(database, account_id, chat_id, words) for words in ("một", "hai")]
    old = await owned(database, account_id)
    async with database.write() as connection:
        (row,) = await claims.claim_messages(
            connection, old, await as_chosen(connection, ids[:1]), now=MORNING
        )
    await owned(database, account_id)
    sent = [receipts.SentMessage(row, "r1")]
    with pytest.raises(LeaseLost):
        await claimed(database, old, *ids[1:], sent=sent)
    assert [(await message(database, one)).state for one in ids] == ["pending", "pending"]
    assert await attempts(database, ids[0]) == ["unknown"]


async def test_an_account_that_was_opened_again_is_no_longer_stopped(database: Database) -> None:
    account_id = await account(database)
    async with database.write() as connection:
        await leases.stop_account(connection, account_id, why="401 Unauthorized", now=MORNING)
    assert (await row_of_account(database, account_id)).stopped_why == "401 Unauthorized"
    assert await account(database) == account_id
    assert (await row_of_account(database, account_id)).stopped_at is None
    async with database.read() as connection:
        count = await connection.execute(select(Account.id))
        assert len(count.all()) == 1


# ------------------------------------------------------------------ what goes on at another account


async def carried_to_another_account(database: Database) -> tuple[Lease, Lease, int]:
    """Two accounts of the same epoch, and a message of the first that went on at the second."""
    here, there = await account(database), await account(database, "zalo_bot", "77")
    first, second = await owned(database, here), await owned(database, there)
    assert first.epoch == second.epoch
    message_id = await put(database, here, await chat(database, here, "5"), "một")
    return first, second, message_id


async def carry(database: Database, second: Lease, message_id: int) -> None:
    there = await chat(database, second.account_id, "6")
    async with database.write() as connection:
        await connection.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(account_id=second.account_id, chat_id=there, state="pending", claim_epoch=None)
        )


async def test_what_went_on_at_another_account_is_not_claimed_here(database: Database) -> None:
    first, second, message_id = await carried_to_another_account(database)
    await carry(database, second, message_id)
    assert await claimed(database, first, message_id) == []
    assert await claimed(database, second, message_id) == [message_id]


@pytest.mark.parametrize("is_sent", [True, False])
async def test_an_attempt_that_ends_late_leaves_the_next_one_as_it_is(
    database: Database, is_sent: bool
) -> None:
    first, second, message_id = await carried_to_another_account(database)
    async with database.write() as connection:
        (row,) = await claims.claim_messages(
            connection, first, await as_chosen(connection, [message_id]), now=MORNING
        )
    await carry(database, second, message_id)
    assert await claimed(database, second, message_id) == [message_id]
    async with database.write() as connection:
        if is_sent:
            await receipts.record_sent(
                connection, first, [receipts.SentMessage(row, "r1")], now=MORNING
            )
        else:
            await claims.record_ending(
                connection,
                first,
                row,
                outcome="transient",
                detail="busy",
                at=MORNING,
                state="pending",
                claim_epoch=None,
            )
    now = await message(database, message_id)
    assert (now.state, now.account_id, now.attempts) == ("claimed", second.account_id, 2)
    assert await attempts(database, message_id) == ["sent" if is_sent else "transient"]


async def test_a_broadcast_read_ahead_before_the_night_is_not_claimed_after_it(
    database: Database,
) -> None:
    held = await owned(database, await account(database))
    chat_id = await chat(database, held.account_id, "5")
    day = {"broadcast_on": date(2026, 11, 23), "priority": outbox.BROADCAST}
    message_id = await put(database, held.account_id, chat_id, "một", **day)
    morrow = MORNING + timedelta(days=1)
    assert await claimed(database, held, message_id, now=morrow) == []
    assert await claimed(database, held, message_id) == [message_id]


async def test_a_message_rerouted_since_it_was_chosen_is_not_claimed(database: Database) -> None:
    account_id = await account(database)
    old, new = [await chat(database, account_id, name) for name in ("cũ", "mới")]
    first, second = [
        await put(database, account_id, each, text) for each, text in ((old, "1"), (new, "2"))
    ]
    held = await owned(database, account_id)
    chosen = {first: old, second: new}
    async with database.write() as connection:
        await connection.execute(update(Message).where(Message.id == first).values(chat_id=new))
    async with database.write() as connection:
        rows = await claims.claim_messages(connection, held, chosen, now=MORNING)
    assert [row.id for row in rows] == [second]
    left = await message(database, first)
    assert (left.state, left.claim_epoch, left.attempts) == ("pending", None, 0)
