"""The Zalo channel against a real local server: errors that decide, updates read, token hidden."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.pacing import PacingLimits
from bot.channels.zalo.channel import ZaloBotChannel
from bot.channels.zalo.http import raw_update_from_zalo, zalo_delivery_error
from bot.channels.zalo.updates import incoming_from_zalo
from jobs.channel import (
    Attachment,
    DeliveryError,
    Gone,
    Incoming,
    OutgoingMessage,
    RateLimited,
    RawUpdate,
    Rejected,
    Transient,
    Unauthorised,
    Unknown,
)
from tests.support.zalo_server import TOKENS, ZaloApi

TOKEN = TOKENS[0]
SECRET = TOKEN.partition(":")[2]
BOT = ZaloApi.bot_id(TOKEN)


@pytest.fixture
async def api() -> AsyncIterator[ZaloApi]:
    async with ZaloApi() as api:
        yield api


def channel_of(api: ZaloApi) -> ZaloBotChannel:
    return ZaloBotChannel(
        TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.3, poll_floor=0.05
    )


@pytest.fixture
async def channel(api: ZaloApi) -> AsyncIterator[ZaloBotChannel]:
    channel = channel_of(api)
    await channel.open()
    yield channel
    await channel.close()


# ------------------------------------------------------------------ sending


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (400, Rejected),
        (401, Unauthorised),
        (403, Transient),  # documented as "Internal server error"
        (404, Rejected),
        (408, Unknown),
        (410, Gone),
        (413, Rejected),
        (422, Gone),
        (426, Transient),
        (429, RateLimited),
        (500, Transient),
    ],
)
def test_a_refusal_means_what_the_platform_documents_or_was_seen_to_mean(
    code: int, meaning: type[DeliveryError]
) -> None:
    assert type(zalo_delivery_error(code, "words")) is meaning


@pytest.mark.parametrize("real_statuses", [False, True])
@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("rate_limited", RateLimited),
        ("server_error", Transient),
        ("portal", Transient),
        ("garbage", Unknown),
        ("bad_gateway", Unknown),
        ("hang", Unknown),
        ("dropped", Unknown),
        ("lost", Unknown),
        ("timed_out", Unknown),
        ("blocked", Gone),
        ("not_permitted", Gone),
        ("unauthorised", Unauthorised),
        ("bad_request", Rejected),
    ],
)
async def test_every_failure_of_a_send_says_what_to_do_and_hides_the_token(
    api: ZaloApi,
    channel: ZaloBotChannel,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    meaning: type[DeliveryError],
    real_statuses: bool,
) -> None:
    api.real_statuses = real_statuses
    api.misbehave(kind)
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError) as caught:
        await channel.send(OutgoingMessage("u1", "lời"))
    assert type(caught.value) is meaning
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {error}"
        assert "lời" not in str(error)
        error = error.__context__
    assert SECRET not in caplog.text
    assert "lời" not in caplog.text


async def test_a_server_out_of_reach_is_transient() -> None:
    channel = ZaloBotChannel(TOKEN, base_url="http://127.0.0.1:9", limits=PacingLimits())
    with pytest.raises(Transient):
        await channel.send(OutgoingMessage("u1", "lời"))
    await channel.close()


async def test_each_429_in_a_row_lets_the_whole_bot_rest_twice_as_long(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    api.misbehave("rate_limited", times=3)
    rests = []
    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            await channel.send(OutgoingMessage("u1", "lời"))
        assert caught.value.whole_account
        rests.append(caught.value.retry_after)
    assert rests == [60.0, 120.0, 240.0]
    await channel.send(OutgoingMessage("u1", "lời"))
    api.misbehave("rate_limited")
    with pytest.raises(RateLimited) as caught:
        await channel.send(OutgoingMessage("u1", "lời"))
    assert caught.value.retry_after == 60.0


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 2000, True),
        ("a" * 2001, False),
        ("😀" * 1000, True),
        ("😀" * 1000 + "a", False),
        ("e\u0302\u0301" * 2000, True),  # ế, decomposed: composed before it is counted and sent
    ],
)
async def test_a_text_ends_at_2000_utf_16_units_after_composing(
    api: ZaloApi, channel: ZaloBotChannel, text: str, fits: bool
) -> None:
    if fits:
        receipt = await channel.send(OutgoingMessage("u1", text))
        assert receipt.remote_id == api.messages[-1].message_id
    else:
        with pytest.raises(Rejected):
            await channel.send(OutgoingMessage("u1", text))
        assert api.messages == []


async def test_words_go_out_as_they_are_and_nothing_else_with_them(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    await channel.send(OutgoingMessage("u1", "**a** <b> _c_ {red}d{/red}", reply_to="z1"))
    (_, method, data) = api.requests[-1]
    assert (method, data) == (
        "sendMessage",
        {"chat_id": "u1", "text": "**a** <b> _c_ {red}d{/red}"},
    )


async def test_the_bot_is_known_by_its_tokens_number_and_opened_by_the_platforms_id(
    channel: ZaloBotChannel,
) -> None:
    assert (channel.name, channel.title) == ("7001", "Bot Nhắc Việc 1")
    assert channel.link == f"https://bot.zaloplatforms.com/bots/{BOT}"


async def test_nothing_is_set_at_the_platform_by_opening(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    assert api.methods() == ["getMe"]


# ------------------------------------------------------------------ polling


async def take(channel: ZaloBotChannel, count: int) -> list[RawUpdate]:
    found: list[RawUpdate] = []
    async with asyncio.timeout(10), aclosing(channel.updates(None)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            found += batch
            if len(found) >= count:
                return found
    raise AssertionError("the poll ended")


async def test_updates_come_one_a_poll_in_order(api: ZaloApi, channel: ZaloBotChannel) -> None:
    for words in ("một", "hai", "ba"):
        api.say("u1", words)
    said = [channel.parse(1, update.raw) for update in await take(channel, 3)]
    assert [each.text for each in said if each] == ["một", "hai", "ba"]


async def test_what_comes_back_with_every_poll_has_the_same_id_and_is_asked_for_slowly(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    api.consumes = False
    api.say("u1", "một")
    found = await take(channel, 4)
    assert len({update.update_id for update in found}) == 1
    polls = [at for at, method, _ in api.requests if method == "getUpdates"]
    assert polls[-1] - polls[0] >= 0.1  # four polls, three floors; a busy machine only adds


async def test_nothing_is_polled_while_a_webhook_is_set_and_it_is_not_taken_away(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    api.webhooks[BOT] = {"url": "https://tinh.gov.vn/zalo/1"}
    api.say("u1", "một")
    polling = asyncio.create_task(take(channel, 1))
    await asyncio.sleep(0.2)
    assert set(api.methods()) == {"getMe", "getWebhookInfo"}
    api.webhooks[BOT] = {"url": ""}  # the administrator took it away
    (update,) = await polling
    assert update.address == "u1"


async def test_an_idle_poll_is_no_fault(api: ZaloApi, channel: ZaloBotChannel) -> None:
    api.misbehave("timed_out", method="getUpdates", times=1)
    api.say("u1", "mất")
    api.say("u1", "còn")
    (update,) = await take(channel, 1)
    heard = channel.parse(1, update.raw)
    assert heard is not None
    assert heard.text == "còn"


async def test_a_poll_goes_on_after_faults_and_ends_with_a_refused_token(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    for kind in ("server_error", "garbage", "dropped", "bad_request"):
        api.misbehave(kind, method="getUpdates")
    api.say("u1", "một")
    assert len(await take(channel, 1)) == 1
    asked = [data["timeout"] for _, method, data in api.requests if method == "getUpdates"]
    assert asked[-1] == "30"  # refused as a number, it is asked for as a string
    api.revoked.add(TOKEN)
    with pytest.raises(Unauthorised):
        await take(channel, 1)


# ------------------------------------------------------------------ reading


def event(name: str = "message.text.received", **more: Any) -> dict[str, Any]:
    return {
        "event_name": name,
        "message": {
            "from": {"id": "6ede9afa66b88fe6d6a9", "display_name": "Ted", "is_bot": False},
            "chat": {"id": "6ede9afa66b88fe6d6a9", "chat_type": "PRIVATE"},
            "message_id": "2d758cb5e222177a4e35",
            "date": 1750316131602,
            **more,
        },
    }


def read(given: Any) -> Incoming | None:
    return incoming_from_zalo(7, given, BOT)


@pytest.mark.parametrize("enveloped", [False, True])
def test_a_text_is_read_flat_and_enveloped(enveloped: bool) -> None:
    given = event(text="Xin chào")
    read_in = read({"ok": True, "result": given} if enveloped else given)
    assert read_in == Incoming(
        account_id=7,
        update_id=raw_update_from_zalo(given).update_id,
        address="6ede9afa66b88fe6d6a9",
        chat_kind="private",
        kind="text",
        sender="6ede9afa66b88fe6d6a9",
        sender_name="Ted",
        text="Xin chào",
        sent_at=datetime(2025, 6, 19, 6, 55, 31, 602000, UTC),
    )


def test_a_messages_id_counts_with_its_chat() -> None:
    def named(address: str, key: str, **more: Any) -> str:
        given = event(chat={"id": address, "chat_type": "PRIVATE"}, message_id=key, **more)
        return raw_update_from_zalo(given).update_id

    first = named("an", "1", text="một")
    assert named("an", "1", text="hai") == first  # the same again, whatever came with it
    names = {named(*each) for each in (("an", "1"), ("binh", "1"), ("an", "11"), ("an1", "1"))}
    assert (len(names), first in names) == (4, True)
    assert all(len(name) <= 80 for name in names)
    assert len(named("a" * 78, "b" * 78)) <= 80


@pytest.mark.parametrize("key", ["photo", "photo_url"])
def test_a_photo_is_read_under_either_name(key: str) -> None:
    photo = "https://f20-zpc.zdn.vn/1.jpg"
    read_in = read(event("message.image.received", caption="đã xong", **{key: photo}))
    assert read_in is not None
    assert (read_in.kind, read_in.text) == ("text", "đã xong")
    assert read_in.files == (Attachment(photo, "anh.jpg"),)
    alone = read(event("message.image.received", **{key: photo}))
    assert alone is not None
    assert (alone.kind, len(alone.files)) == ("other", 1)


@pytest.mark.parametrize("kind", ["sticker", "voice", "unsupported"])
def test_what_is_no_text_is_known_as_such(kind: str) -> None:
    read_in = read(event(f"message.{kind}.received"))
    assert read_in is not None
    assert (read_in.kind, read_in.attachments, read_in.files) == ("other", (kind,), ())


@pytest.mark.parametrize(
    "given",
    [
        event("message.reaction.received", text="a"),
        event("user.followed"),
        event(text="a", **{"from": {"id": BOT, "is_bot": False}}),
        event(text="a", **{"from": {"id": "x", "is_bot": True}}),
        event(text="a", chat={"id": "g1", "chat_type": "GROUP"}),
    ],
)
def test_unknown_events_the_bots_own_words_and_groups_say_nothing_to_us(given: Any) -> None:
    assert read(given) is None


@pytest.mark.parametrize(
    "given",
    [[], {}, {"event_name": 5}, {"event_name": "message.text.received"}, event(chat=None),
     event(chat={}), event(**{"from": {}, "chat": {"id": "a"}}), {"ok": True, "result": []}, "a", 7, None],
)  # fmt: skip
def test_a_malformed_update_is_told_as_such(given: Any) -> None:
    with pytest.raises(ValueError, match=r"update|message|event"):
        read(given)


@pytest.mark.parametrize("date", ["x", -1, None, True, 10**30, {}])
def test_a_strange_date_costs_the_date_alone(date: Any) -> None:
    read_in = read(event(text="a", date=date))
    assert read_in is not None
    assert (read_in.text, read_in.sent_at) == ("a", None)


def test_an_update_without_an_id_is_known_by_what_it_holds() -> None:
    given = event(text="a", message_id="")
    first, again = raw_update_from_zalo(given), raw_update_from_zalo(given)
    assert first.update_id == again.update_id
    assert first.update_id.startswith("h:")
    assert len(first.update_id) <= 80
    assert raw_update_from_zalo(event(text="b", message_id="")).update_id != first.update_id


def test_a_webhook_body_that_is_no_update_is_refused() -> None:
    for body in (b"", b"[]", b"{}", b'{"ok": true}', b"\xff"):
        with pytest.raises(ValueError, match=r"update|Expecting|codec"):
            ZaloBotChannel(TOKEN).split(body)


# ------------------------------------------------------------------ photos


async def test_a_photo_is_fetched_up_to_its_size_limit(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    api.photos["1.jpg"] = b"x" * 1000
    photo = Attachment(f"{api.url}/photos/1.jpg")
    assert await channel.fetch(photo, most=1000) == b"x" * 1000
    with pytest.raises(Rejected):
        await channel.fetch(photo, most=999)
    with pytest.raises(Transient):
        await channel.fetch(Attachment(f"{api.url}/photos/2.jpg"), most=1000)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "https://evil.example/zdn.vn",
        "https://zdn.vn.evil.example/1.jpg",
        "http://f20-zpc.zdn.vn/1.jpg",
        "file:///etc/passwd",
        "notazdn.vn",
    ],
)
async def test_a_photo_is_fetched_from_the_platform_and_from_nowhere_else(
    channel: ZaloBotChannel, url: str
) -> None:
    with pytest.raises(Rejected):
        await channel.fetch(Attachment(url), most=1000)


# ------------------------------------------------------------------ webhooks


async def test_a_webhook_is_set_shown_tested_and_taken_away(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    assert await channel.webhook() == ""  # never set: the platform answers 404
    told = await channel.set_webhook("https://tinh.gov.vn/zalo/1", secret="x" * 64)
    assert told["verification"]["outcome"] == "webhook.ok"
    assert await channel.webhook() == "https://tinh.gov.vn/zalo/1"
    assert (await channel.test_webhook())["ok"] is True
    await channel.delete_webhook()
    assert await channel.webhook() == ""


async def test_a_picture_is_sent_by_its_public_address_with_the_text_under_it(
    api: ZaloApi, channel: ZaloBotChannel
) -> None:
    address = "https://nhacviec.test/tep/1-2-abc/bieu-do.png"
    receipt = await channel.send(OutgoingMessage("c1", "Biểu đồ tuần", picture_url=address))
    (taken,) = api.messages
    assert (taken.photo, taken.text, taken.message_id) == (
        address,
        "Biểu đồ tuần",
        receipt.remote_id,
    )
