"""Pages, answers and edits of one chat arrive in their order on a platform that fails in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from data.clock import SteppedClock
from data.db.database import Database
from data.outbox.messages import ANSWER, BROADCAST
from tests.support.outbox_rows import MORNING, account, attempts, chat, chats, message, put, sender
from tests.support.telegram_server import TOKEN, BotApi

AGAIN = " (gửi lại)"


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


@pytest.mark.parametrize("priority", [ANSWER, BROADCAST])
@pytest.mark.parametrize(
    ("kinds", "arrived"),
    [
        (["server_error"], ["1", "2", "3"]),
        (["portal", "server_error", "portal"], ["1", "2", "3"]),
        (["rate_limited"], ["1", "2", "3"]),
        (["lost"], ["1", f"1{AGAIN}", "2", "3"]),
        (["hang"], [f"1{AGAIN}", "2", "3"]),
        (["dropped", "garbage"], [f"1{AGAIN}", "2", "3"]),
        (["server_error", "lost"], ["1", f"1{AGAIN}", "2", "3"]),
        (["hang"] * 3, ["2", "3"]),  # parked: nothing waits for it any more
        (["bad_request"], ["1", "2", "3"]),
    ],
)
async def test_whatever_happens_to_the_first_of_a_chat_the_others_wait_for_it(
    database: Database,
    api: BotApi,
    telegram: TelegramChannel,
    kinds: list[str],
    arrived: list[str],
    priority: int,
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    put_at = MORNING - timedelta(minutes=1)
    first = await put(database, account_id, chat_id, "1", priority=priority, now=put_at)
    for text in ("2", "3"):
        await put(database, account_id, chat_id, text, priority=priority, now=put_at)
    for kind in kinds:
        api.misbehave(kind, chat=5, seconds=2, words="Bad Request: can't parse entities")
    clock = SteppedClock(MORNING)
    for _ in range(40):  # each round a process of its own: nothing is remembered but what is stored
        await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
        clock.move_to(await clock.now() + timedelta(seconds=1))
        if len(await attempts(database, first)) == len(kinds):
            assert not {"2", "3"} & set(api.texts()) or kinds == ["hang"] * 3
    assert api.texts() == arrived


async def test_one_process_goes_on_with_a_chat_as_soon_as_its_retry_has_gone(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    for text in ("1", "2", "3"):
        await put(database, account_id, chat_id, text)
    api.misbehave("server_error", chat=5)
    clock = SteppedClock(MORNING)
    delivery = sender(database, {account_id: telegram}, clock=clock)
    assert await delivery.run_until_idle() == {"transient": 1}
    clock.move_to(MORNING + timedelta(seconds=2))
    assert await delivery.run_until_idle() == {"sent": 3}
    assert api.texts() == ["1", "2", "3"]


async def test_of_two_presses_the_last_one_shows_in_the_end(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    shown = await put(database, account_id, chat_id, "danh sách")
    clock = SteppedClock(MORNING)
    await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
    remote = (await message(database, shown)).remote_id
    for text in ("việc 1", "việc 2"):
        await put(database, account_id, chat_id, text, edits=remote)
    for kind in ("server_error", "lost"):
        api.misbehave(kind, method="editMessageText")
    for _ in range(9):
        await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
        clock.move_to(await clock.now() + timedelta(seconds=1))
    assert [taken.text for taken in api.edits] == ["việc 1", "việc 2"]


async def test_a_chat_that_waits_delays_no_other_and_an_answer_goes_before_its_pages(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    slow, other = await chats(database, account_id, 2)
    for text in ("trang 1", "trang 2"):
        await put(database, account_id, slow, text, priority=BROADCAST)
    await put(database, account_id, other, "khác", priority=BROADCAST)
    api.misbehave("server_error", chat=1_000_000)
    clock = SteppedClock(MORNING)
    await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
    assert api.texts() == ["khác"]
    await put(database, account_id, slow, "đáp")
    clock.move_to(MORNING + timedelta(seconds=1))
    await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
    assert api.texts() == ["khác", "đáp", "trang 1", "trang 2"]


async def test_on_a_platform_that_is_down_for_long_pages_still_arrive_in_order(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    places = await chats(database, account_id, 4)
    for text in ("1", "2", "3"):
        for place in places:
            await put(database, account_id, place, text, priority=BROADCAST)
    outage = api.misbehave("server_error", times=10_000)
    clock = SteppedClock(MORNING)
    for _ in range(90):
        await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
        clock.move_to(await clock.now() + timedelta(seconds=20))
    outage.times = 0
    for _ in range(20):
        await sender(database, {account_id: telegram}, clock=clock).run_until_idle()
        clock.move_to(await clock.now() + timedelta(seconds=60))
    for number in range(4):
        assert api.texts(1_000_000 + number) == ["1", "2", "3"]
