"""A clock that ran ahead is set back and the service starts again: nothing waits for the wrong time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.channels.local import LocalChannel
from bot.channels.pacing import PacingLimits, SlidingWindows, Window
from bot.channels.telegram.channel import TelegramChannel
from bot.web.health import check_health
from data.accounts import leases
from data.accounts.leases import LEASE_SECONDS
from data.clock import SteppedClock, civil_date
from data.db.database import Database
from data.models import Account, Chat, Delivery, InboxEvent, Message
from data.outbox import claims
from data.outbox.messages import BROADCAST
from data.outbox.set_back import LONGEST_PAUSE, count_misdated, latest_instant_ahead
from jobs.channel import Channel, RateLimited
from jobs.delivery.lease import AccountLease
from jobs.delivery.queue import SendQueue
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
    sender,
    workdays,
)
from tests.support.telegram_server import TOKEN, BotApi

AHEAD = MORNING + timedelta(hours=6)  # what the clock showed before it was set right


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def telegram(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.3)
    await channel.open()
    yield channel
    await channel.close()


async def killed_at(database: Database, account_id: int, instant: datetime) -> None:
    """Let a process own the account at an instant, and die."""
    async with database.write() as connection:
        assert await leases.take_lease(connection, account_id, "tests", now=instant)


async def run_at(
    database: Database, channels: dict[int, Channel], instant: datetime, owner: str = "tests"
) -> dict[str, int]:
    delivery = sender(database, channels, clock=SteppedClock(instant), owner=owner)
    return dict(await delivery.run_until_idle())


async def test_answers_of_a_clock_that_was_ahead_go_out_at_once_and_before_later_ones(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    await killed_at(database, account_id, AHEAD)
    for text in ("một", "hai"):
        await put(database, account_id, chat_id, text, now=AHEAD)
    await put(database, account_id, chat_id, "ba", now=MORNING)
    assert await run_at(database, {account_id: telegram}, MORNING) == {"sent": 3}
    assert api.texts() == ["một", "hai", "ba"]


@pytest.mark.parametrize("pause", [timedelta(seconds=1), LONGEST_PAUSE])
async def test_a_retry_put_off_by_a_clock_that_was_ahead_is_due(
    database: Database, api: BotApi, telegram: TelegramChannel, pause: timedelta
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    late = await put(database, account_id, chat_id, "một", now=MORNING - timedelta(days=1))
    await killed_at(database, account_id, AHEAD)
    async with database.write() as connection:
        values = {"attempts": 9, "send_at": AHEAD + pause}
        await connection.execute(update(Message).where(Message.id == late).values(values))
    later = MORNING + LONGEST_PAUSE
    await run_at(database, {account_id: telegram}, MORNING)
    await run_at(database, {account_id: telegram}, later)
    assert api.texts() == ["một"]


async def test_a_retry_that_rests_rightly_goes_on_resting_after_a_restart(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    await killed_at(database, account_id, MORNING)
    rests = await put(database, account_id, chat_id, "một", now=MORNING - timedelta(hours=1))
    async with database.write() as connection:
        values = {"attempts": 9, "send_at": MORNING + timedelta(minutes=4)}
        await connection.execute(update(Message).where(Message.id == rests).values(values))
    assert await run_at(database, {account_id: telegram}, MORNING) == {}
    assert (await message(database, rests)).send_at == MORNING + timedelta(minutes=4)


async def test_rests_that_a_platform_asked_for_end_as_much_sooner(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    slow, other = await chats(database, account_id, 2)
    await broadcast(database, account_id, [slow, other])
    async with database.write() as connection:
        await connection.execute(
            update(Chat).where(Chat.id == slow).values(halted_until=AHEAD + timedelta(seconds=30))
        )
        await connection.execute(update(Account).values(halted_until=AHEAD + timedelta(seconds=10)))
    await killed_at(database, account_id, AHEAD)
    channels: dict[int, Channel] = {account_id: telegram}
    assert await run_at(database, channels, MORNING) == {}
    assert (await row_of_account(database, account_id)).halted_until == MORNING + timedelta(
        seconds=10
    )
    assert (await row_of_chat(database, slow)).halted_until == MORNING + timedelta(seconds=30)
    assert await run_at(database, channels, MORNING + timedelta(seconds=10)) == {"sent": 1}
    assert await run_at(database, channels, MORNING + timedelta(seconds=30)) == {"sent": 1}


async def test_an_account_that_rests_until_an_instant_resumes_as_much_sooner(
    database: Database,
) -> None:
    account_id = await account(database)
    await killed_at(database, account_id, AHEAD)
    async with database.write() as connection:
        until = AHEAD + timedelta(hours=1)
        await leases.stop_account(connection, account_id, why="limited", now=AHEAD, until=until)
        await claims.acquire_account(
            connection, account_id, "tests", repeats_unknown=True, now=MORNING
        )
        assert await leases.resume_accounts(connection, now=MORNING + timedelta(minutes=59)) == 0
        assert await leases.resume_accounts(connection, now=MORNING + timedelta(hours=1)) == 1


async def test_sends_at_an_instant_still_to_come_are_no_sends_in_the_windows(
    database: Database,
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "-5", kind="group")
    sent = [await put(database, account_id, chat_id, f"{number}") for number in range(25)]
    async with database.write() as connection:
        rows = [
            {"message_id": key, "attempt": 1, "at": AHEAD, "outcome": "sent"} for key in sent[5:]
        ]
        near = MORNING - timedelta(milliseconds=300)
        rows += [
            {"message_id": key, "attempt": 1, "at": near, "outcome": "sent"} for key in sent[:5]
        ]
        await connection.execute(insert(Delivery), rows)
    limits = PacingLimits(account=(Window(6, 1.0),), group=(Window(19, 60.0),))
    windows = SlidingWindows(limits)
    queue = SendQueue(account_id, windows, database, workdays)
    await queue.replay_recent_sends(MORNING)
    at = asyncio.get_running_loop().time()
    assert windows.wait(chat_id, group=True, answer=True, at=at) == 0
    windows.take(chat_id, group=True, at=at)
    assert 0.5 < windows.wait(chat_id, group=True, answer=True, at=at) <= 0.75  # the five count


async def test_what_is_for_later_or_for_a_later_day_still_waits(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    await killed_at(database, account_id, AHEAD + timedelta(days=1))
    at_noon = MORNING + timedelta(hours=4)
    await put(database, account_id, chat_id, "trưa", send_at=at_noon)
    tomorrow = {"priority": BROADCAST, "broadcast_on": civil_date(MORNING) + timedelta(days=1)}
    morning = MORNING + timedelta(days=1)
    await put(database, account_id, chat_id, "mai", now=morning, **tomorrow)
    channels: dict[int, Channel] = {account_id: telegram}
    assert await run_at(database, channels, MORNING) == {}
    assert await run_at(database, channels, at_noon) == {"sent": 1}
    assert await run_at(database, channels, morning) == {"sent": 1}
    assert api.texts() == ["trưa", "mai"]


async def test_an_answer_dated_ahead_by_no_owner_goes_out_all_the_same(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    await put(database, account_id, chat_id, "một", now=AHEAD)  # no process owned the account then
    async with database.read() as connection:
        assert await count_misdated(connection, now=MORNING) == 1
    assert await run_at(database, {account_id: telegram}, MORNING) == {"sent": 1}


async def test_a_running_service_that_sees_the_clock_set_back_shortens_a_chats_rest(
    database: Database,
) -> None:
    account_id = await account(database, "local")
    chat_id = await chat(database, account_id, "a")
    await put(database, account_id, chat_id, "một")

    class Waits(LocalChannel):
        """A channel that asks once to wait."""

        asked = False

        async def send(self, message: Any) -> Any:
            if not self.asked:
                self.asked = True
                raise RateLimited("wait", retry_after=30)
            return await super().send(message)

    clock = SteppedClock(AHEAD)
    delivery = sender(database, {account_id: Waits()}, clock=clock)
    assert await delivery.run_until_idle() == {"rate_limited": 1}
    clock.move_to(MORNING)
    assert await delivery.run_until_idle() == {}
    clock.move_to(MORNING + timedelta(seconds=31))
    assert await delivery.run_until_idle() == {"sent": 1}


# ------------------------------------------------------------------ a dead owner's lease


async def test_a_lease_that_nobody_renews_is_taken_though_it_runs_for_hours_by_the_clock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await account(database)
    await killed_at(database, account_id, AHEAD)  # by a process of another name
    loop, passed = asyncio.get_running_loop(), 0.0
    started = loop.time()
    monkeypatch.setattr(loop, "time", lambda: started + passed)
    waiting = AccountLease(account_id, "mới", database, SteppedClock(MORNING))
    assert await waiting.take(repeats_unknown=True) is not None
    passed = LEASE_SECONDS - 1
    assert await waiting.take(repeats_unknown=True) is not None
    passed = LEASE_SECONDS + 1
    assert await waiting.take(repeats_unknown=True) is None


async def test_a_lease_that_is_renewed_is_never_taken_however_far_ahead_its_owners_clock_is(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = await account(database)
    owner = AccountLease(account_id, "chủ", database, ahead := SteppedClock(AHEAD))
    assert await owner.take(repeats_unknown=True) is None
    loop, passed = asyncio.get_running_loop(), 0.0
    started = loop.time()
    monkeypatch.setattr(loop, "time", lambda: started + passed)
    waiting = AccountLease(account_id, "mới", database, SteppedClock(MORNING))
    for _ in range(10):
        passed += 6
        ahead.move_to(AHEAD + timedelta(seconds=passed))
        await owner.renew()
        assert await waiting.take(repeats_unknown=True) is not None


# ------------------------------------------------------------------ it is told


async def test_health_tells_that_the_clock_was_set_back_and_is_bad_while_anything_waits_for_it(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    await put(database, account_id, chat_id, "một", now=AHEAD)
    await run_at(database, {account_id: telegram}, AHEAD)
    await killed_at(database, account_id, AHEAD)
    waits = await put(database, account_id, chat_id, "hai", now=AHEAD)
    found = await check_health(database, now=MORNING)
    assert found["ok"] is False
    assert found["clock"] == "đồng hồ đã bị chỉnh lùi; 1 tin đang chờ theo giờ cũ."
    if database.is_sqlite:  # its owner is dead, whatever it wrote down
        assert found["accounts"][0]["owned"] is False
    await run_at(database, {account_id: telegram}, MORNING)
    assert (await message(database, waits)).state == "sent"
    async with database.write() as connection:
        await leases.take_lease(connection, account_id, "tests", now=MORNING)
    found = await check_health(database, now=MORNING)
    assert (found["ok"], found["clock"]) == (True, "đồng hồ đã bị chỉnh lùi.")
    async with database.write() as connection:
        await leases.take_lease(connection, account_id, "tests", now=AHEAD)
    assert (await check_health(database, now=AHEAD))["clock"] == "ok"


async def test_an_instant_ahead_is_found_wherever_one_is_written(database: Database) -> None:
    account_id = await account(database)

    async def ahead() -> datetime | None:
        async with database.read() as connection:
            return await latest_instant_ahead(connection, now=MORNING)

    assert await ahead() is None
    await killed_at(database, account_id, MORNING + timedelta(seconds=1))
    assert await ahead() is None  # two machines' clocks are never quite one
    async with database.write() as connection:
        event = {"account_id": account_id, "update_id": "1", "raw": b""}
        await connection.execute(insert(InboxEvent).values(**event, received_at=AHEAD))
    assert await ahead() == AHEAD
    await killed_at(database, account_id, AHEAD + timedelta(hours=1))
    if database.is_sqlite:  # on a server leases keep to the server's clock
        assert await ahead() == AHEAD + timedelta(hours=1)


async def test_in_flight_of_a_dead_owner_counts_as_sent_when_the_next_one_takes_over(
    database: Database,
) -> None:
    account_id = await account(database)
    ids = await broadcast(database, account_id, places := await chats(database, account_id, 3))
    async with database.write() as connection:
        lease = await claims.acquire_account(
            connection, account_id, "tests", repeats_unknown=True, now=MORNING
        )
        assert lease is not None
        chosen = dict(zip(ids, places, strict=True))
        await claims.claim_messages(connection, lease, chosen, now=MORNING)
    later = MORNING + timedelta(seconds=1.5)  # they may have been on their way until then
    async with database.write() as connection:
        await claims.acquire_account(
            connection, account_id, "tests", repeats_unknown=True, now=later
        )
    assert await attempts(database, ids[0]) == ["unknown"]
    windows = SlidingWindows(PacingLimits(account=(Window(3, 1.0),)))
    queue = SendQueue(account_id, windows, database, workdays)
    await queue.replay_recent_sends(later)
    at = asyncio.get_running_loop().time()
    assert 0.5 < windows.wait(places[0], group=False, answer=True, at=at) <= 1.0
    async with database.read() as connection:
        at_instants = await connection.scalars(select(Delivery.at).distinct())
        assert list(at_instants) == [later]
