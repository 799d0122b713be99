"""What every channel promises, one list for all: sends, refusals, silence, strange words, strange updates.

Each platform is a real local HTTP server that keeps its documented rules; what is the same for all is
asserted here, what is a platform's own in its own test.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.channels import MESSENGERS
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from data.db.database import Database
from data.models import Account, InboxEvent
from jobs.channel import (
    Channel,
    DeliveryError,
    Gone,
    OutgoingMessage,
    RateLimited,
    RawUpdate,
    Rejected,
    Transient,
    Unauthorised,
    Unknown,
)
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from jobs.rendering.renderer import Content
from tests.support.conversations import RENDERER
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

pytestmark = pytest.mark.slow  # real servers

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
CHAT = "5"


@dataclass
class Platform:
    """One platform as the list needs it: its server, our channel to it, and a person who writes."""

    api: Any
    channel: Channel
    secret: str  # the token's secret half
    say: Callable[[str], dict[str, Any]]  # returns an update as the platform sends it
    elsewhere: Callable[[], Channel]  # a channel to a server that is not there


async def telegram() -> AsyncIterator[Platform]:
    async with BotApi() as api:
        channel = TelegramChannel(
            TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.3
        )
        await channel.open()

        def say(text: str) -> dict[str, Any]:
            sender = {"id": 5, "is_bot": False, "first_name": "Lan"}
            chat = {"id": 5, "type": "private", "first_name": "Lan"}
            message = {"message_id": 9, "date": 1_790_000_000, "from": sender, "chat": chat}
            return {"update_id": 7001, "message": {**message, "text": text}}

        def elsewhere() -> Channel:
            return TelegramChannel(TOKEN, base_url="http://127.0.0.1:9", limits=PacingLimits())

        yield Platform(api, channel, TOKEN.partition(":")[2], say, elsewhere)
        await channel.close()


async def zalo_bot() -> AsyncIterator[Platform]:
    async with ZaloApi() as api:
        channel = ZaloBotChannel(
            TOKENS[0], base_url=api.url, limits=PacingLimits(), answer_seconds=0.3
        )
        await channel.open()

        def say(text: str) -> dict[str, Any]:
            return api.message(CHAT, "message.text.received", text=text)

        def elsewhere() -> Channel:
            return ZaloBotChannel(TOKENS[0], base_url="http://127.0.0.1:9", limits=PacingLimits())

        yield Platform(api, channel, TOKENS[0].partition(":")[2], say, elsewhere)
        await channel.close()


PLATFORMS = {"telegram": telegram, "zalo_bot": zalo_bot}


@pytest.fixture(params=PLATFORMS)
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    async with aclosing(PLATFORMS[request.param]()) as opened:  # type: ignore[type-var]
        async for platform in opened:
            yield platform


def test_the_list_covers_every_channel_that_leaves_this_computer() -> None:
    assert set(PLATFORMS) == set(MESSENGERS)


# ------------------------------------------------------------------ sending


async def test_a_message_is_taken_and_its_receipt_names_it(platform: Platform) -> None:
    receipt = await platform.channel.send(OutgoingMessage(CHAT, "Kính gửi"))
    assert receipt.remote_id == str(platform.api.messages[-1].message_id)
    assert platform.api.texts() == ["Kính gửi"]


FAULTS: dict[str, type[DeliveryError]] = {
    "blocked": Gone,
    "unauthorised": Unauthorised,
    "bad_request": Rejected,
    "server_error": Transient,
    "portal": Transient,
    "rate_limited": RateLimited,
    "garbage": Unknown,
    "bad_gateway": Unknown,
    "hang": Unknown,
    "dropped": Unknown,
    "lost": Unknown,
}


@pytest.mark.parametrize("kind", FAULTS)
async def test_every_failure_tells_what_to_do_next_once_and_hides_token_and_words(
    platform: Platform, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    platform.api.misbehave(kind)
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError) as caught:
        await platform.channel.send(OutgoingMessage(CHAT, "lời riêng"))
    assert type(caught.value) is FAULTS[kind]
    error: BaseException | None = caught.value
    while error is not None:
        assert platform.secret not in f"{error!r} {error}"
        assert "lời riêng" not in str(error)
        error = error.__context__
    assert platform.secret not in caplog.text
    assert "lời riêng" not in caplog.text
    assert platform.api.methods().count("sendMessage") == 1


async def test_a_platform_that_cannot_be_reached_got_nothing(platform: Platform) -> None:
    channel = platform.elsewhere()
    with pytest.raises(Transient):
        await channel.send(OutgoingMessage(CHAT, "lời"))
    await channel.close()


async def test_a_wait_is_at_least_a_second(platform: Platform) -> None:
    platform.api.misbehave("rate_limited")
    with pytest.raises(RateLimited) as caught:
        await platform.channel.send(OutgoingMessage(CHAT, "lời"))
    assert caught.value.retry_after >= 1


@pytest.mark.parametrize("words", ["<b>đậm</b> & [a](b)", "**a** _b_ `c` {red}d{/red}", "😀 ế"])
async def test_peoples_words_arrive_as_they_were_typed(platform: Platform, words: str) -> None:
    context = {
        "words": words,
        "named": False,
        "agency": words,
        "item": {},
        "question": 37,
        "parts": 1,
    }
    context |= {"vacancy": False, "objection": False}
    content = Content("notice_question", context, ())
    out = RENDERER.render(
        content, platform.channel.capabilities, repeated=False, plain=False, address=CHAT
    )
    await platform.channel.send(out)
    assert words in platform.api.texts()[-1]


async def test_the_longest_text_is_taken_and_a_longer_one_refused(platform: Platform) -> None:
    most = platform.channel.capabilities.max_text
    await platform.channel.send(OutgoingMessage(CHAT, "a" * most, plain=True))
    with pytest.raises(Rejected):
        await platform.channel.send(OutgoingMessage(CHAT, "a" * (most + 1), plain=True))


# ------------------------------------------------------------------ receiving


def raw(platform: Platform, given: Any) -> RawUpdate:
    return platform.channel.split(json.dumps(given).encode())


async def account_of(database: Database) -> int:
    async with database.write() as connection:
        added = await connection.execute(
            insert(Account).values(channel="telegram", name="x").returning(Account.id)
        )
        return int(added.scalar_one())


class Clock:
    async def now(self) -> datetime:
        return NOW


async def test_an_update_that_comes_twice_is_handled_once(
    platform: Platform, database: Database
) -> None:
    account_id = await account_of(database)
    update = raw(platform, platform.say("xin chào"))
    heard: list[str] = []

    async def handle(connection: Any, incoming: Any, *, event_id: int, now: datetime) -> list[Any]:
        heard.append(incoming.text)
        return []

    inbox = Inbox(database, {account_id: platform.channel}, handle, Clock())
    for _ in range(2):
        await store_updates(database, account_id, [update, update], now=NOW)
        await inbox.handle_pending()
    assert heard == ["xin chào"]


async def test_a_malformed_update_is_parked_and_the_next_one_is_handled(
    platform: Platform, database: Database
) -> None:
    account_id = await account_of(database)
    good = raw(platform, platform.say("xin chào"))
    broken = RawUpdate("broken", b'{"message": 5, "event_name": 7}', CHAT)
    heard: list[str] = []

    async def handle(connection: Any, incoming: Any, *, event_id: int, now: datetime) -> list[Any]:
        heard.append(incoming.text)
        return []

    inbox = Inbox(database, {account_id: platform.channel}, handle, Clock())
    await store_updates(database, account_id, [broken, good], now=NOW)
    await inbox.handle_pending()
    assert heard == ["xin chào"]
    async with database.read() as connection:
        states = await connection.scalars(select(InboxEvent.state).order_by(InboxEvent.id))
        assert list(states) == ["parked", "done"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"a"', b"\xff\xfe", b"{}"])
def test_a_body_that_is_no_update_is_told_as_such(body: bytes) -> None:
    for make in (
        lambda: TelegramChannel(TOKEN, base_url="http://127.0.0.1:9"),
        lambda: ZaloBotChannel(TOKENS[0], base_url="http://127.0.0.1:9"),
    ):
        with pytest.raises(ValueError, match=r"."):
            make().split(body)


async def test_what_a_person_says_comes_in_by_the_poll(platform: Platform) -> None:
    platform.api.push(platform.say("xin chào"))
    async with asyncio.timeout(10), aclosing(platform.channel.updates(None)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            incoming = platform.channel.parse(1, batch[0].raw)
            break
    assert incoming is not None
    assert (incoming.text, incoming.address, incoming.chat_kind) == ("xin chào", CHAT, "private")
    assert incoming.sent_at is not None
    assert incoming.sent_at.date() == date(2026, 9, 21)
