"""The Telegram channel against a real local server: errors that decide, updates read, token hidden."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.http import UPDATE_TYPES
from bot.channels.telegram.refusals import TopicGone, telegram_delivery_error
from jobs.channel import (
    Button,
    DeliveryError,
    FilesForbidden,
    FileTooBig,
    Gone,
    Incoming,
    Moved,
    OutgoingDocument,
    OutgoingMessage,
    RateLimited,
    RawUpdate,
    Rejected,
    TopicClosed,
    Transient,
    Unauthorised,
    Unknown,
    WritingForbidden,
)
from jobs.rendering.qr import render_qr
from tests.support.telegram_server import TOKEN, USERNAME, BotApi

SECRET = TOKEN.partition(":")[2]


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


def refusal(words: str, **parameters: Any) -> bytes:
    return json.dumps({"ok": False, "description": words, "parameters": parameters}).encode()


# ------------------------------------------------------------------ what an answer means


@pytest.mark.parametrize(
    ("code", "payload", "meaning"),
    [
        (400, refusal("Bad Request: can't parse entities"), Rejected),
        (400, refusal("Bad Request: message is too long"), Rejected),
        (400, refusal("Bad Request: BUTTON_DATA_INVALID"), Rejected),
        (400, refusal("Bad Request: MESSAGE_TOO_LONG"), Rejected),
        (400, refusal("Bad Request: chat not found"), Gone),
        (400, refusal("Bad Request: PEER_ID_INVALID"), Gone),
        (400, refusal("Bad Request: CHANNEL_PRIVATE"), Gone),
        (400, refusal("Bad Request: group chat was deactivated"), Gone),
        (400, refusal("Bad Request: message thread not found"), TopicGone),
        (400, refusal("Bad Request: TOPIC_DELETED"), TopicGone),
        (400, refusal("Bad Request: TOPIC_CLOSED"), TopicClosed),
        *[
            (code, refusal(words), meaning)
            for code in (400, 403)
            for words, meaning in (
                ("not enough rights to send photos to the chat", FilesForbidden),
                ("not enough rights to send documents to the chat", FilesForbidden),
                ("Not enough rights to send video notes to the chat", FilesForbidden),
                ("CHAT_SEND_PHOTOS_FORBIDDEN", FilesForbidden),
                ("CHAT_SEND_DOCS_FORBIDDEN", FilesForbidden),
                ("CHAT_SEND_MEDIA_FORBIDDEN", FilesForbidden),
                ("not enough rights to send text messages to the chat", WritingForbidden),
                ("have no rights to send a message", WritingForbidden),
                ("have no write access to the chat", WritingForbidden),
                ("CHAT_WRITE_FORBIDDEN", WritingForbidden),
                ("CHAT_SEND_PLAIN_FORBIDDEN", WritingForbidden),
                ("CHAT_GUEST_SEND_FORBIDDEN", WritingForbidden),
                ("CHAT_RESTRICTED", WritingForbidden),
                ("USER_BANNED_IN_CHANNEL", WritingForbidden),
                ("need administrator rights in the channel chat", WritingForbidden),
                ("CHAT_ADMIN_REQUIRED", WritingForbidden),
            )
        ],
        (403, refusal("Forbidden: bot can't initiate conversation with a user"), Gone),
        (403, refusal("Forbidden: bot can't send messages to bots"), Gone),
        (403, refusal("Forbidden: bot is not a member of the supergroup chat"), Gone),
        (400, refusal("Bad Request: SLOWMODE_WAIT_35"), RateLimited),
        (420, refusal("FLOOD_WAIT_9"), RateLimited),
        (404, refusal("Not Found: method not found"), Rejected),
        (400, refusal("Bad Request: file is too big"), FileTooBig),
        (400, refusal("upgraded to a supergroup chat", migrate_to_chat_id=-1001), Moved),
        (401, refusal("Unauthorized"), Unauthorised),
        (403, refusal("Forbidden: bot was blocked by the user"), Gone),
        (403, refusal("Forbidden: user is deactivated"), Gone),
        (403, refusal("Forbidden: bot was kicked from the group chat"), Gone),
        (404, refusal("Not Found"), Unauthorised),
        (409, refusal("Conflict: terminated by other getUpdates request"), Transient),
        (413, refusal("Request Entity Too Large"), Rejected),
        (429, refusal("Too Many Requests: retry after 9", retry_after=9), RateLimited),
        (429, refusal("Too Many Requests"), RateLimited),
        (500, refusal("Internal Server Error"), Transient),
        (502, b"<html>Bad Gateway</html>", Unknown),
        (504, b"", Unknown),
        (403, b"<html>This site is blocked</html>", Transient),
        (404, b"nginx", Transient),
        (400, b'["no object"]', Transient),
    ],
)
def test_an_answer_means_what_the_server_says_and_not_what_stands_in_between(
    code: int, payload: bytes, meaning: type[DeliveryError]
) -> None:
    assert type(telegram_delivery_error(code, payload)) is meaning


def test_a_wait_and_a_move_carry_what_they_ask_for() -> None:
    wait = telegram_delivery_error(429, refusal("Too Many Requests: retry after 9", retry_after=9))
    assert isinstance(wait, RateLimited)
    assert (wait.retry_after, wait.whole_account) == (9.0, False)
    for code, words, given, seconds in (
        (
            429,
            "Too Many Requests: retry after 9",
            {},
            9.0,
        ),  # an old server leaves the parameter out
        (400, "Bad Request: SLOWMODE_WAIT_35", {}, 35.0),
        (429, "Too Many Requests", {"retry_after": "soon"}, 1.0),
        (429, "Too Many Requests", {"retry_after": 1e300}, 7 * 86400.0),
    ):
        found = telegram_delivery_error(code, refusal(words, **given))
        assert isinstance(found, RateLimited)
        assert found.retry_after == seconds
    moved = telegram_delivery_error(400, refusal("upgraded", migrate_to_chat_id=-1001))
    assert isinstance(moved, Moved)
    assert (moved.new_address, moved.new_thread) == ("-1001", None)


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
        ("blocked", Gone),
        ("not_found", Gone),
        ("migrated", Moved),
        ("no_topic", Moved),
        ("unauthorised", Unauthorised),
        ("bad_request", Rejected),
    ],
)
async def test_every_failure_of_a_send_says_what_to_do_and_hides_the_token(
    api: BotApi,
    channel: TelegramChannel,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    meaning: type[DeliveryError],
) -> None:
    api.misbehave(kind, to=-1001, seconds=3)
    with caplog.at_level(logging.INFO), pytest.raises(meaning) as caught:
        await channel.send(OutgoingMessage("5", "lời", thread="12"))
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error!r} {error}"
        assert "lời" not in str(error)
        error = error.__context__
    assert SECRET not in caplog.text
    assert "lời" not in caplog.text


async def test_a_server_that_cannot_be_reached_took_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    channel = TelegramChannel(TOKEN, base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(Transient) as caught:
        await channel.open()
    assert SECRET not in repr(caught.value)
    assert caught.value.__context__ is None
    await channel.close()


async def test_a_deleted_topic_leads_to_the_forum_itself(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.misbehave("no_topic")
    with pytest.raises(Moved) as caught:
        await channel.send(OutgoingMessage("-1005", "x", thread="12"))
    assert (caught.value.new_address, caught.value.new_thread) == ("-1005", "")


# ------------------------------------------------------------------ opening and sending


@pytest.mark.parametrize("ending", ["", "/", "/bot"])
async def test_the_bot_learns_its_name_at_any_form_of_the_servers_address(
    api: BotApi, ending: str
) -> None:
    channel = TelegramChannel(TOKEN, base_url=api.url + ending)
    await channel.open()
    assert (channel.name, channel.title) == ("4242", f"@{USERNAME}")
    await channel.close()


async def test_a_wrong_token_is_unauthorised_and_not_repeated(api: BotApi) -> None:
    channel = TelegramChannel("4242:wrong-and-so-very-secret", base_url=api.url)
    with pytest.raises(Unauthorised) as caught:
        await channel.open()
    assert "secret" not in f"{caught.value!r}{caught.value.__context__!r}"
    await channel.close()
    assert api.methods() == ["getMe"]


async def test_a_message_carries_markup_buttons_topic_and_what_it_answers(
    api: BotApi, channel: TelegramChannel
) -> None:
    first = await channel.send(OutgoingMessage("-1005", "một"))
    receipt = await channel.send(
        OutgoingMessage(
            "-1005",
            "<b>Kế hoạch</b> 1901 &amp; 131",
            thread="12",
            buttons=((Button("Đã nhận", "ack:7"), Button("Đang thực hiện", "doing:7")),),
            reply_to=first.remote_id,
        )
    )
    taken = api.messages[1]
    assert receipt.remote_id == str(taken.message_id)
    assert (taken.text, taken.html, taken.thread) == ("Kế hoạch 1901 & 131", True, "12")
    assert taken.buttons == ((("Đã nhận", "ack:7"), ("Đang thực hiện", "doing:7")),)
    assert taken.reply_to == api.messages[0].message_id
    asked = api.requests[-1][2]
    assert json.loads(asked["link_preview_options"]) == {"is_disabled": True}
    assert json.loads(asked["reply_parameters"])["allow_sending_without_reply"] is True


async def test_plain_text_is_not_read_as_markup(api: BotApi, channel: TelegramChannel) -> None:
    await channel.send(OutgoingMessage("5", "1 < 2 & 3", plain=True))
    assert (api.messages[0].text, api.messages[0].html) == ("1 < 2 & 3", False)


async def test_an_edit_without_a_change_is_as_good_as_done(
    api: BotApi, channel: TelegramChannel
) -> None:
    remote = (await channel.send(OutgoingMessage("5", "một"))).remote_id
    edited = await channel.send(OutgoingMessage("5", "hai", edits=remote))
    again = await channel.send(OutgoingMessage("5", "hai", edits=remote))
    assert (edited.remote_id, again.remote_id) == (remote, remote)
    assert [taken.text for taken in api.edits] == ["hai"]
    with pytest.raises(Rejected):
        await channel.send(OutgoingMessage("5", "ba", edits="999"))


async def test_a_press_is_acknowledged_and_a_failure_of_that_is_nobodys_trouble(
    api: BotApi, channel: TelegramChannel
) -> None:
    press = Incoming(1, "1", "5", "private", "action", action_id="q1")
    await channel.acknowledge(press, "x" * 300)
    api.misbehave("server_error", method="answerCallbackQuery")
    await channel.acknowledge(press)
    await channel.acknowledge(Incoming(1, "1", "5", "private", "text"))
    assert api.answered_presses == ["q1"]


async def test_webhook_and_commands_are_told_to_the_platform(
    api: BotApi, channel: TelegramChannel
) -> None:
    await channel.set_webhook("https://nhac.example/telegram", secret="s3cret_-")
    assert api.webhook["secret_token"] == "s3cret_-"
    assert json.loads(api.webhook["allowed_updates"]) == UPDATE_TYPES
    await channel.delete_webhook()
    assert api.webhook == {}
    await channel.set_commands([("viec", "Việc cơ quan đang phải làm")])
    assert api.commands == [{"command": "viec", "description": "Việc cơ quan đang phải làm"}]


async def test_typing_is_shown_in_its_topic_and_a_failure_of_that_is_nobodys_trouble(
    api: BotApi, channel: TelegramChannel
) -> None:
    await channel.show_typing(Incoming(1, "1", "-5", "group", "text", thread="12"))
    for kind in ("blocked", "hang", "rate_limited", "server_error"):
        api.misbehave(kind, method="sendChatAction")
        await channel.show_typing(Incoming(1, "1", "5", "private", "text"))
    await channel.show_typing(Incoming(1, "1", "not a number", "private", "text"))
    assert api.typing == [(-5, "12")]


async def test_a_chat_has_commands_of_its_own_until_they_are_taken_away(
    api: BotApi, channel: TelegramChannel
) -> None:
    await channel.offer_menu("-77", [("viec", "việc")])
    assert api.menus == {-77: [{"command": "viec", "description": "việc"}]}
    assert api.commands == []
    await channel.offer_menu("-77", [])
    assert api.menus == {}
    with pytest.raises(Rejected):
        await channel.offer_menu("5", [("Việc", "việc")])


# ------------------------------------------------------------------ fetching


def text_update(text: str, **more: Any) -> dict[str, Any]:
    return {
        "message": {
            "message_id": 3,
            "date": 1_795_000_000,
            "chat": {"id": 5, "type": "private", "first_name": "An"},
            "from": {"id": 5, "is_bot": False, "first_name": "An", "last_name": "Lê"},
            "text": text,
            **more,
        }
    }


async def next_batch(updates: AsyncIterator[list[RawUpdate]]) -> list[RawUpdate]:
    async with asyncio.timeout(10):
        while not (batch := await anext(updates)):
            pass
        return batch


async def test_an_update_is_forgotten_by_the_server_only_when_the_next_is_asked_for(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.webhook = {"url": "https://old.example"}
    first, second = api.push(text_update("một")), api.push(text_update("hai"))
    updates = channel.updates(None)
    batch = await next_batch(updates)
    assert [(one.update_id, one.address) for one in batch] == [
        (str(first), "5"),
        (str(second), "5"),
    ]
    assert api.waiting_updates() == 2  # a crash here loses nothing
    assert api.methods()[-2:] == ["deleteWebhook", "getUpdates"]
    assert api.requests[-1][2]["allowed_updates"] == UPDATE_TYPES
    third = api.push(text_update("ba"))
    assert [one.update_id for one in await next_batch(updates)] == [str(third)]
    assert api.waiting_updates() == 1
    await updates.aclose()  # type: ignore[attr-defined]


async def test_polling_goes_on_after_a_failure_and_ends_where_the_token_is_refused(
    api: BotApi, channel: TelegramChannel
) -> None:
    api.misbehave("garbage", method="getUpdates")
    number = api.push(text_update("một"))
    updates = channel.updates(None)
    assert [one.update_id for one in await next_batch(updates)] == [str(number)]
    assert api.methods().count("getUpdates") == 2
    api.misbehave("unauthorised", method="getUpdates")
    with pytest.raises(Unauthorised) as caught:
        await next_batch(updates)
    assert SECRET not in f"{caught.value!r}{caught.value.__context__!r}"


async def test_an_update_without_a_number_stops_no_other(
    api: BotApi, channel: TelegramChannel
) -> None:
    body = json.dumps({"update_id": 9, "message": "?"}).encode()
    assert channel.split(body) == RawUpdate("9", body, None)
    for bad in (b"", b"[]", b"{}", b'{"update_id": "9"}', b'{"update_id": true}', b"\xff"):
        with pytest.raises(ValueError, match=r".*"):
            channel.split(bad)


# ------------------------------------------------------------------ reading


def read(channel: TelegramChannel, update: dict[str, Any]) -> Incoming | None:
    return channel.parse(1, json.dumps({"update_id": 77, **update}).encode())


def group_update(**more: Any) -> dict[str, Any]:
    chat = {"id": -1005, "type": "supergroup", "title": "Tổ 06", "is_forum": True}
    return text_update("/viec", chat=chat, **more)


async def test_a_private_text_is_read_with_its_sender(channel: TelegramChannel) -> None:
    assert read(channel, text_update("III.1a 60%")) == Incoming(
        account_id=1,
        update_id="77",
        address="5",
        chat_kind="private",
        kind="text",
        sender="5",
        sender_name="An Lê",
        text="III.1a 60%",
        sent_at=datetime.fromtimestamp(1_795_000_000, UTC),
    )


async def test_a_text_in_a_topic_is_read_with_its_topic_and_what_it_answers(
    channel: TelegramChannel,
) -> None:
    answered = {"message_id": 2, "date": 1, "chat": {"id": -1005, "type": "supergroup"}}
    found = read(
        channel,
        group_update(message_thread_id=12, is_topic_message=True, reply_to_message=answered),
    )
    assert found is not None
    assert (found.chat_kind, found.address, found.thread) == ("group", "-1005", "12")
    assert (found.chat_title, found.reply_to) == ("Tổ 06", "2")
    head = {**answered, "forum_topic_created": {"name": "Báo cáo", "icon_color": 1}}
    found = read(channel, group_update(message_thread_id=12, reply_to_message=head))
    assert found is not None
    assert (found.thread, found.reply_to) == ("", None)


@pytest.mark.parametrize(
    "who",
    [
        {"from": {"id": 1087968824, "is_bot": True, "first_name": "Group"}},
        {"sender_chat": {"id": -1005, "type": "supergroup", "title": "Tổ 06"}},
    ],
)
async def test_an_anonymous_administrator_has_no_sender(
    channel: TelegramChannel, who: dict[str, Any]
) -> None:
    found = read(
        channel, group_update(**{"sender_chat": {"id": -1005, "type": "supergroup"}} | who)
    )
    assert found is not None
    assert (found.sender, found.sender_name) == ("", "")


async def test_a_command_is_read_without_our_name_and_anothers_is_left_alone(
    channel: TelegramChannel,
) -> None:
    ours = read(channel, text_update(f"/start@{USERNAME.upper()} ABCDE-FGHIJ"))
    assert ours is not None
    assert ours.text == "/start ABCDE-FGHIJ"
    assert read(channel, text_update("/start@another_bot ABCDE")) is None
    for gap in ("\n", "\u00a0", "\n\n", "\t", "\u3000", "", " "):
        named = read(
            channel, text_update(f"/viec@{USERNAME}{gap}trang 2" if gap else f"/viec@{USERNAME}")
        )
        assert named is not None
        assert named.text == (f"/viec{gap}trang 2" if gap else "/viec")
        assert read(channel, text_update(f"/viec@another_bot{gap}")) is None
    plain = read(channel, text_update("gửi a@b.vn"))
    assert plain is not None
    assert plain.text == "gửi a@b.vn"


async def test_a_press_is_read_with_its_key_its_message_and_what_to_acknowledge(
    channel: TelegramChannel,
) -> None:
    press = {
        "id": "q7",
        "from": {"id": 5, "is_bot": False, "first_name": "An"},
        "chat_instance": "1",
        "data": "ack:7",
        "message": {
            "message_id": 31,
            "date": 1_795_000_000,
            "chat": {"id": -1005, "type": "supergroup", "title": "Tổ 06"},
            "message_thread_id": 12,
            "is_topic_message": True,
        },
    }
    found = read(channel, {"callback_query": press})
    assert found is not None
    assert (found.kind, found.text, found.action_id) == ("action", "ack:7", "q7")
    assert (found.address, found.thread, found.reply_to, found.sender) == (
        "-1005",
        "12",
        "31",
        "5",
    )
    old = {**press, "message": {"message_id": 31, "date": 0, "chat": press["message"]["chat"]}}  # type: ignore[index]
    found = read(channel, {"callback_query": old})
    assert found is not None
    assert (found.reply_to, found.thread) == ("31", "")
    game = {"callback_query": {**press, "game_short_name": "chess", "data": None}}
    assert read(channel, game) is None


def membership(old: str, new: str, **chat: Any) -> dict[str, Any]:
    user = {"id": 4242, "is_bot": True, "first_name": "Nhắc Việc"}

    def member(status: str) -> dict[str, Any]:
        return {"user": user, "status": status, "until_date": 0}

    return {
        "my_chat_member": {
            "chat": {"id": 5, "type": "private", "first_name": "An"} | chat,
            "from": {"id": 5, "is_bot": False, "first_name": "An"},
            "date": 1_795_000_000,
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        }
    }


async def test_being_blocked_kicked_and_let_in_again_is_read(channel: TelegramChannel) -> None:
    group = {"id": -1005, "type": "supergroup", "title": "Tổ 06"}
    for update, kind, words in (
        (membership("member", "kicked"), "gone", "blocked"),
        (membership("kicked", "member"), "back", ""),
        (membership("member", "kicked", **group), "gone", "kicked"),
        (membership("member", "left", **group), "gone", "left"),
        (membership("left", "member", **group), "back", ""),
    ):
        found = read(channel, update)
        assert found is not None
        assert (found.kind, found.text) == (kind, words)
    assert read(channel, membership("member", "member", **group)) is None
    away = membership("member", "restricted", **group)
    away["my_chat_member"]["new_chat_member"] |= {"is_member": False, "can_send_messages": True}
    left = read(channel, away)
    assert left is not None
    assert (left.kind, left.text) == ("gone", "left")


async def test_both_sides_of_a_migration_say_the_same(channel: TelegramChannel) -> None:
    old = {"id": -77, "type": "group", "title": "Tổ"}
    new = {"id": -1005, "type": "supergroup", "title": "Tổ"}
    for update in (
        text_update("", chat=old, migrate_to_chat_id=-1005),
        text_update("", chat=new, migrate_from_chat_id=-77),
    ):
        found = read(channel, update)
        assert found is not None
        assert (found.kind, found.address, found.text) == ("moved", "-77", "-1005")


async def test_an_attachment_is_noted_and_its_caption_read(channel: TelegramChannel) -> None:
    paper = {"file_id": "f", "file_unique_id": "u", "file_name": "bao-cao.docx"}
    found = read(channel, text_update("", document=paper))
    assert found is not None
    assert (found.kind, found.attachments) == ("other", ("document",))
    found = read(channel, text_update("", document=paper, caption="2 xong"))
    assert found is not None
    assert (found.kind, found.text, found.attachments) == ("text", "2 xong", ("document",))


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"message": {"message_id": 3, "date": 1, "chat": {"id": -9, "type": "channel"}}},
        text_update("", new_chat_title="Tên mới"),
        {"edited_channel_post": text_update("sửa")["message"]},
        text_update("xin chào", **{"from": {"id": 9, "is_bot": True, "first_name": "Bot khác"}}),
    ],
)
async def test_what_says_nothing_to_us_is_nothing(
    channel: TelegramChannel, update: dict[str, Any]
) -> None:
    assert read(channel, update) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[1]",
        b'{"update_id": 1, "message": {"text": "no chat"}}',
        b'{"update_id": 1, "message": 5}',
        b'{"update_id": 1, "callback_query": {"id": "1"}}',
        b'{"update_id": 1, "my_chat_member": {"chat": {"id": 1, "type": "private"}}}',
    ],
)
async def test_a_malformed_update_is_told_as_such(channel: TelegramChannel, raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        channel.parse(1, raw)


async def test_a_picture_goes_above_its_text(api: BotApi, channel: TelegramChannel) -> None:
    drawn = render_qr("https://t.me/nhacviec_test_bot?start=AAAAA-BBBBB", send=None)
    receipt = await channel.send(OutgoingMessage("5", "<b>Mã mời</b>", picture=drawn))
    assert api.pictures == [drawn]
    assert api.texts(5) == ["Mã mời"]
    assert receipt.remote_id == str(api.messages[-1].message_id)
    api.misbehave("blocked", method="sendPhoto")
    with pytest.raises(Gone):
        await channel.send(OutgoingMessage("5", "Mã mời", picture=drawn))


async def test_a_file_goes_with_its_text(api: BotApi, channel: TelegramChannel) -> None:
    report = OutgoingDocument("bao-cao.docx", "application/octet-stream", b"PK report")
    receipt = await channel.send(OutgoingMessage("5", "<b>Báo cáo</b>", document=report))
    assert api.documents == [b"PK report"]
    assert api.texts(5) == ["Báo cáo"]
    assert receipt.remote_id == str(api.messages[-1].message_id)
