"""Servers of another version, and ones that answer oddly: sends are known by their number, polls keep a pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from data.db.database import Database
from jobs.channel import (
    Attachment,
    Channel,
    FileTooBig,
    ForeignFile,
    Gone,
    OutgoingDocument,
    OutgoingMessage,
    Receipt,
    Rejected,
    Unauthorised,
    Unknown,
)
from jobs.rendering.qr import render_qr
from tests.channels.test_telegram import text_update
from tests.support.outbox_rows import account, attempts, chat, put, sender
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.3)
    await channel.open()
    yield channel
    await channel.close()


STRANGE: list[dict[str, Any]] = [
    {"date": 1_790_000_000_000},  # in milliseconds
    {"date": None, "chat": None},
    {"from": {"id": 4242, "first_name": "Bot"}},  # without is_bot
    {"reply_to_message": {"poll": {"id": "1", "question": "?", "options": []}}},
    {"entities": [{"type": "?"}], "photo": 7, "reply_markup": "none"},
]


@pytest.mark.parametrize("strange", STRANGE)
async def test_whatever_a_server_says_of_a_sent_message_beside_its_number_it_was_sent(
    api: BotApi, channel: TelegramChannel, strange: dict[str, Any]
) -> None:
    api.strange = strange
    picture = render_qr("https://t.me/b?start=AAAAA-BBBBB", send=None)
    report = OutgoingDocument("a.docx", "application/octet-stream", b"PK")
    for number, message in enumerate(
        (
            OutgoingMessage("5", "một"),
            OutgoingMessage("5", "hai", picture=picture),
            OutgoingMessage("5", "ba", document=report),
        ),
        1,
    ):
        assert await channel.send(message) == Receipt(str(number))
    assert await channel.send(OutgoingMessage("5", "sửa", edits="1")) == Receipt("1")


@pytest.mark.parametrize("number", [None, [], {"id": 1}])
async def test_an_answer_without_a_messages_number_leaves_it_unknown(
    api: BotApi, channel: TelegramChannel, number: Any
) -> None:
    api.strange = {"message_id": number}
    with pytest.raises(Unknown):
        await channel.send(OutgoingMessage("5", "một"))


async def test_a_message_that_an_old_server_took_is_sent_once(
    database: Database, api: BotApi, channel: TelegramChannel
) -> None:
    api.strange = STRANGE[2]
    account_id = await account(database)
    message_id = await put(database, account_id, await chat(database, account_id, "5"), "một")
    assert await sender(database, {account_id: channel}).run_until_idle() == {"sent": 1}
    assert await attempts(database, message_id) == ["sent"]
    assert api.texts() == ["một"]


class Scripted:
    """A server that gives each method one answer."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method = head.partition(" HTTP")[0].rpartition("/")[2]
        body = json.dumps(self.answers[method]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()


async def opened(answers: dict[str, Any]) -> tuple[TelegramChannel, asyncio.Server]:
    server = await asyncio.start_server(Scripted(**answers), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return TelegramChannel(TOKEN, base_url=f"http://127.0.0.1:{port}", answer_seconds=5), server


async def test_a_bot_of_which_a_server_tells_only_its_number_opens() -> None:
    channel, server = await opened({"getMe": {"ok": True, "result": {"id": 4242}}})
    await channel.open()
    assert (channel.name, channel.title) == ("4242", None)
    await channel.close()
    server.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"ok": False, "error_code": 401, "description": "Unauthorized"}, Unauthorised),
        ({"ok": False, "error_code": 403, "description": "bot was blocked by the user"}, Gone),
        ({"ok": False, "description": "message is too long"}, Rejected),
        ({"ok": False, "error_code": "?", "description": "chat not found"}, Gone),
        ({"ok": True}, Unknown),
        ({"ok": True, "result": True}, Unknown),
    ],
)
async def test_a_refusal_with_the_status_of_a_success_is_a_refusal(
    answer: dict[str, Any], error: type[Exception]
) -> None:
    channel, server = await opened({"sendMessage": answer})
    try:
        with pytest.raises(error) as caught:
            await channel.send(OutgoingMessage("5", "một"))
        assert type(caught.value) is error
    finally:
        await channel.close()
        server.close()


# ------------------------------------------------------------------ polls keep a pace


async def polled(channel: Channel, seconds: float) -> int:
    """Poll for so long; returns how often an answer came."""
    count = 0
    try:
        async with asyncio.timeout(seconds), aclosing(channel.updates(None)) as batches:  # type: ignore[type-var]
            async for _ in batches:
                count += 1
    except TimeoutError:
        pass
    return count


async def test_a_server_that_answers_empty_polls_at_once_is_asked_once_a_second_then_less_often(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.keeps_polls = False
    assert await polled(channel, 3.5) <= 3  # at once, after one second, after two more
    assert api.methods().count("getUpdates") <= 3


async def test_what_comes_in_there_makes_the_pace_brisk_again(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.keeps_polls = False
    heard: list[str] = []
    async with asyncio.timeout(20), aclosing(channel.updates(None)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            heard += [update.update_id for update in batch]
            if len(heard) == 3:
                break
            if len(api.methods()) > 3:
                api.push(text_update("một"))
    asked = [at for at, method, _ in api.requests if method == "getUpdates"]
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert max(gaps) < 3.5
    assert min(gaps[-2:]) < 0.5  # after an update it asks at once


async def test_a_server_that_gives_the_same_updates_for_ever_is_not_asked_in_a_tight_loop(
    api: BotApi, channel: TelegramChannel
) -> None:
    same = [{"update_id": 7, **text_update("một")}]

    async def never_forgets(data: dict[str, Any], at: float) -> Any:
        return same

    api._getUpdates = never_forgets  # type: ignore[method-assign]
    assert await polled(channel, 2.5) <= 4


async def test_a_poll_that_a_server_keeps_open_for_a_while_is_repeated_at_once(
    api: BotApi, channel: TelegramChannel
) -> None:
    async def keeps_briefly(data: dict[str, Any], at: float) -> Any:
        await asyncio.sleep(1.1)
        return []

    api._getUpdates = keeps_briefly  # type: ignore[method-assign]
    assert await polled(channel, 3.5) == 3


# ------------------------------------------------------------------ Zalo's photos and odd polls


async def test_a_photo_at_a_host_that_is_set_is_fetched_and_one_elsewhere_is_told_by_its_host() -> (
    None
):
    async with ZaloApi() as zalo:
        zalo.photos["a.jpg"] = b"\xff\xd8"
        elsewhere = Attachment("https://anh.example.vn/a.jpg?token=riêng")
        channel = ZaloBotChannel(TOKENS[0], base_url=zalo.url)
        assert await channel.fetch(Attachment(f"{zalo.url}/photos/a.jpg"), most=9) == b"\xff\xd8"
        with pytest.raises(FileTooBig):
            await channel.fetch(Attachment(f"{zalo.url}/photos/a.jpg"), most=1)
        with pytest.raises(ForeignFile) as caught:
            await channel.fetch(elsewhere, most=9)
        assert str(caught.value) == "anh.example.vn"
        for address in ("https://zdn.vn.evil.example/a", "http://x.zdn.vn/a", "file:///etc/passwd"):
            with pytest.raises(ForeignFile):
                await channel.fetch(Attachment(address), most=9)
        await channel.close()
        widened = ZaloBotChannel(TOKENS[0], base_url=zalo.url, photo_hosts=("example.vn",))
        with pytest.raises(Exception) as unreachable:  # noqa: PT011
            await widened.fetch(elsewhere, most=9)
        assert not isinstance(unreachable.value, ForeignFile)
        await widened.close()


async def test_a_polled_zalo_update_of_no_known_form_is_kept_and_parked_and_the_next_one_heard() -> (
    None
):
    async with ZaloApi() as zalo:
        channel = ZaloBotChannel(TOKENS[0], base_url=zalo.url, poll_floor=0.0)
        await channel.open()
        zalo.push({"event_name": 7, "message": {}})
        zalo.say("a", "xin chào")
        raws: list[bytes] = []
        async with asyncio.timeout(10), aclosing(channel.updates(None)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                raws += [update.raw for update in batch]
                if len(raws) == 2:
                    break
        with pytest.raises(ValueError, match="event_name"):
            channel.parse(1, raws[0])
        heard = channel.parse(1, raws[1])
        assert heard is not None
        assert heard.text == "xin chào"
        await channel.close()
