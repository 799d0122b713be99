"""An owner that was taken over settles, claims, records and releases nothing: its epoch is over.

Each test holds one comparison of epochs. What else would tell the owners apart (the attempt's number, the
message's state) is made the same.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from data.accounts import leases
from data.accounts.leases import Lease, LeaseLost
from data.db.database import Database
from data.models import Account, Message
from data.outbox import claims, receipts
from data.outbox.receipts import SentMessage
from jobs.channel import (
    Capabilities,
    DeliveryError,
    Gone,
    Receipt,
    Transient,
    Unauthorised,
    Unknown,
)
from jobs.delivery.outcomes import AttemptResult, NotRenderable, Skipped, record_results
from tests.support.outbox_rows import (
    MORNING,
    account,
    attempts,
    chat,
    chats,
    message,
    put,
    row_of_account,
    row_of_chat,
)

LIKE = Capabilities(4096, True, True, True, "html", 3, repeats_unknown=True)


async def take(database: Database, account_id: int) -> Lease:
    async with database.write() as connection:
        lease = await claims.acquire_account(
            connection, account_id, "one", repeats_unknown=True, now=MORNING
        )
    assert lease is not None
    return lease


async def claim(database: Database, lease: Lease, message_id: int) -> Any:
    async with database.write() as connection:
        chat_id = await connection.scalar(select(Message.chat_id).where(Message.id == message_id))
        (row,) = await claims.claim_messages(
            connection, lease, {message_id: chat_id or 0}, now=MORNING
        )
        return row


async def taken_over(database: Database) -> tuple[Lease, Lease, Any]:
    """Return two owners' leases, and a message that both claimed, each as its first attempt."""
    account_id = await account(database)
    (place,) = await chats(database, account_id, 1)
    message_id = await put(database, account_id, place, "một", secret=True)
    old = await take(database, account_id)
    row = await claim(database, old, message_id)
    new = await take(database, account_id)
    async with database.write() as connection:
        values = {"attempts": 0, "repeats": 0}
        await connection.execute(update(Message).values(values))
    again = await claim(database, new, message_id)
    assert (row.id, row.attempts) == (again.id, again.attempts)
    return old, new, row


async def is_still_claimed(database: Database, new: Lease, row: Any) -> None:
    now = await message(database, row.id)
    assert (now.state, now.claim_epoch, now.attempts) == ("claimed", new.epoch, row.attempts)
    assert (now.remote_id, now.context["text"]) == (None, "một")


async def test_a_receipt_of_an_earlier_owner_leaves_the_next_ones_claim_as_it_is(
    database: Database,
) -> None:
    old, new, row = await taken_over(database)
    async with database.write() as connection:
        await receipts.record_sent(connection, old, [SentMessage(row, "r1")], now=MORNING)
    await is_still_claimed(database, new, row)
    assert (await attempts(database, row.id))[-1] == "sent"  # what was tried is written down


@pytest.mark.parametrize(
    "ending",
    [Transient("x"), Unknown("x"), Gone("x"), Unauthorised("x"), Skipped(), NotRenderable("x")],
)
async def test_no_other_ending_of_an_earlier_owner_is_recorded_at_all(
    database: Database, ending: DeliveryError | Skipped | NotRenderable
) -> None:
    old, new, row = await taken_over(database)
    before = await attempts(database, row.id)
    with pytest.raises(LeaseLost):
        async with database.write() as connection:
            await record_results(connection, old, [AttemptResult(row, ending)], LIKE, now=MORNING)
    await is_still_claimed(database, new, row)
    assert await attempts(database, row.id) == before
    assert (await row_of_chat(database, row.chat_id)).state == "living"
    assert (await row_of_account(database, old.account_id)).stopped_at is None


@pytest.mark.parametrize("with_failure", [True, False])
async def test_receipts_with_a_claim_or_a_failure_beside_them_end_with_the_lease(
    database: Database, with_failure: bool
) -> None:
    old, new, row = await taken_over(database)
    place = await chat(database, old.account_id, "other")
    other = await put(database, old.account_id, place, "hai")
    results = [AttemptResult(row, Receipt("r1"))]
    if with_failure:
        results.append(AttemptResult(row, Transient("x")))
    with pytest.raises(LeaseLost):
        async with database.write() as connection:
            await record_results(
                connection,
                old,
                results,
                LIKE,
                now=MORNING,
                claim=None if with_failure else {other: place},
            )
    await is_still_claimed(database, new, row)
    assert (await message(database, other)).state == "pending"


async def test_an_ending_written_by_an_earlier_epoch_changes_no_message(
    database: Database,
) -> None:
    old, new, row = await taken_over(database)
    async with database.write() as connection:
        await claims.record_ending(
            connection, old, row, outcome="unknown", detail="x", at=MORNING, state="uncertain"
        )
    await is_still_claimed(database, new, row)


async def test_an_earlier_owner_releases_none_of_the_next_ones_claims(
    database: Database,
) -> None:
    old, new, row = await taken_over(database)
    async with database.write() as connection:
        assert await claims.release_claims(connection, old, ()) == set()
    await is_still_claimed(database, new, row)


async def test_who_settles_the_dead_leaves_its_own_claims_as_they_are(database: Database) -> None:
    _, new, row = await taken_over(database)
    async with database.write() as connection:
        settled = await claims.settle_dead_claims(
            connection, new, repeats_unknown=True, now=MORNING
        )
    assert settled == (0, 0)
    await is_still_claimed(database, new, row)


async def test_an_earlier_epoch_claims_nothing_though_its_owner_has_the_same_name(
    database: Database,
) -> None:
    old, new, row = await taken_over(database)
    async with database.write() as connection:
        await connection.execute(update(Message).values(state="pending", claim_epoch=None))
    with pytest.raises(LeaseLost):
        await claim(database, old, row.id)
    assert (await claim(database, new, row.id)).id == row.id


@pytest.mark.parametrize("other", ["owner", "account"])
async def test_a_claim_needs_the_right_owner_of_the_right_account(
    database: Database, other: str
) -> None:
    account_id = await account(database)
    second = await account(database, "zalo_bot", "77")
    (place,) = await chats(database, account_id, 1)
    message_id = await put(database, account_id, place, "một")
    lease = await take(database, account_id)
    await take(database, second)
    wrong = (
        Lease(account_id, "two", lease.epoch)
        if other == "owner"
        else Lease(second, lease.owner, lease.epoch)
    )
    async with database.write() as connection:
        try:
            rows = await claims.claim_messages(connection, wrong, {message_id: place}, now=MORNING)
        except LeaseLost:
            rows = []
    assert list(rows) == []
    assert (await message(database, message_id)).state == "pending"


async def test_an_earlier_epoch_neither_holds_lengthens_nor_ends_the_lease(
    database: Database,
) -> None:
    old, new, _ = await taken_over(database)
    async with database.write() as connection:
        with pytest.raises(LeaseLost):
            await leases.lock_lease(connection, old)
        with pytest.raises(LeaseLost):
            await leases.renew_lease(connection, old, now=MORNING)
        await leases.release_lease(connection, old, now=MORNING)
        await leases.lock_lease(connection, new)
        owner = await connection.scalar(select(Account.owner))
    assert owner == "one"
