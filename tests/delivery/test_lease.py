"""The lease of an account as a process has it: what it may do with it, and what ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.channels.local import LocalChannel, make_local_update
from data.accounts import leases
from data.accounts.leases import LEASE_SECONDS, Lease, LeaseLost
from data.clock import SteppedClock
from data.db.database import STANDING_SECONDS, Database
from data.models import InboxEvent
from jobs.channel import OutgoingMessage, RawUpdate, Receipt
from jobs.delivery.dispatcher import Dispatcher
from jobs.delivery.lease import RENEW_SECONDS, AccountLease
from jobs.inbox.intake import poll_while_owned
from tests.support.loaded_province import counted
from tests.support.outbox_rows import (
    MORNING,
    PlainWords,
    account,
    attempts,
    chat,
    message,
    put,
    workdays,
)

RUN_OUT = timedelta(seconds=LEASE_SECONDS)


def test_a_lease_is_taken_over_within_the_half_minute_that_is_promised() -> None:
    # whoever waits looks the instant it runs out; a stalled transaction's locks are gone before
    assert max(LEASE_SECONDS, STANDING_SECONDS) <= 25
    assert RENEW_SECONDS * 3 < LEASE_SECONDS  # two renewals may fail


async def test_it_is_held_until_it_surely_ran_out_and_again_once_it_was_lengthened(
    database: Database,
) -> None:
    clock = SteppedClock(MORNING)
    its = await account(database)
    one, two = (AccountLease(its, name, database, clock) for name in ("một", "hai"))
    assert not await one.holds()
    assert await one.take(repeats_unknown=True) is None
    assert await one.holds()
    assert await two.take(repeats_unknown=True) == RENEW_SECONDS  # and no later than …
    clock.move_to(MORNING + RUN_OUT - timedelta(seconds=1))
    assert await one.holds()
    assert await two.take(repeats_unknown=True) == 1.0  # … the instant it runs out
    clock.move_to(MORNING + RUN_OUT)
    assert not await one.holds()
    await one.renew()  # nobody was faster
    assert await one.holds()
    clock.move_to(MORNING + 2 * RUN_OUT)
    assert await two.take(repeats_unknown=True) is None
    with pytest.raises(LeaseLost):
        await one.renew()
    assert await two.holds()
    two.drop()
    assert not await two.holds()


class Sends(LocalChannel):
    """A local channel that remembers what it was given to send."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[str] = []

    async def send(self, message: OutgoingMessage) -> Receipt:
        self.given.append(message.text)
        return await super().send(message)


class Standing(PlainWords):
    """Words for the finding of which the process stands still longer than its lease runs."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock

    def render(self, content: Any, *arguments: Any, **more: Any) -> OutgoingMessage:
        self._clock.move_to(MORNING + RUN_OUT)
        return super().render(content, *arguments, **more)


async def test_what_was_claimed_before_a_process_stood_still_is_not_sent_by_it_unasked(
    database: Database,
) -> None:
    its = await account(database, "local")
    put_one = await put(database, its, await chat(database, its, "5"), "tin")
    clock, channel = SteppedClock(MORNING), Sends()
    delivery = Dispatcher(database, {its: channel}, Standing(clock), workdays, clock, "một")
    assert await delivery.run_until_idle() == {"transient": 1}
    assert channel.given == []  # another might have sent it by now
    assert (await message(database, put_one)).state == "pending"
    assert await attempts(database, put_one) == ["transient"]
    clock.move_to(MORNING + 2 * RUN_OUT)
    again = Dispatcher(database, {its: channel}, PlainWords(), workdays, clock, "hai")
    assert await again.run_until_idle() == {"sent": 1}
    assert channel.given == ["tin"]


class Fetches(LocalChannel):
    """A channel whose platform forgets what it has handed over, as Zalo's does."""

    def __init__(self) -> None:
        super().__init__()
        self.handed_over = asyncio.Event()

    async def updates(self, offset: int | None) -> AsyncGenerator[list[RawUpdate], None]:
        self.handed_over.set()
        yield [
            make_local_update(
                address="a", chat_kind="private", kind="text", sender="a", text="xin chào"
            )
        ]
        await asyncio.Event().wait()


@pytest.mark.parametrize("why", ["lost", "stopping"])
async def test_what_was_fetched_is_stored_though_polling_must_end(
    database: Database, why: str
) -> None:
    its = await account(database, "local")
    clock, channel = SteppedClock(MORNING), Fetches()
    account_lease = AccountLease(its, "một", database, clock)
    assert await account_lease.take(repeats_unknown=True) is None
    async with database.write():  # what is fetched has to wait for its turn
        polling = asyncio.create_task(
            poll_while_owned(database, channel, its, clock, account_lease, stored=lambda: None)
        )
        await channel.handed_over.wait()
        account_lease.drop() if why == "lost" else polling.cancel()
        await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        while not await counted(database, InboxEvent):
            await asyncio.sleep(0.01)
    polling.cancel()
    await asyncio.wait({polling})


# ------------------------------------------------------------------ on a server


async def told(database: Database, *, alone: bool = False) -> str:
    async with database.write(alone=alone) as connection:
        found = await connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
    return str(found)


@pytest.mark.slow
async def test_a_server_ends_a_transaction_that_stands_still_and_its_locks_with_it(
    postgres: Database,
) -> None:
    assert await told(postgres) == f"{STANDING_SECONDS}s"
    assert await told(postgres, alone=True) == "10min"
    assert await told(postgres) == f"{STANDING_SECONDS}s"
    its = await account(postgres)
    clock = SteppedClock(MORNING)
    halted, other = (AccountLease(its, name, postgres, clock) for name in ("một", "hai"))
    assert await halted.take(repeats_unknown=True) is None
    assert halted.lease == Lease(its, "một", 1)
    clock.move_to(MORNING + RUN_OUT)
    lease = halted.lease

    async def claim_and_stand_still() -> None:
        async with postgres.write() as connection:
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
            await leases.lock_lease(connection, lease)
            async with asyncio.timeout(20):
                assert await other.take(repeats_unknown=True) is None
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError):
        await claim_and_stand_still()
    with pytest.raises(LeaseLost):
        await halted.renew()
