"""Updates from servers nobody here wrote: what is not used may be anything, what is used is never misread.

Every part of recorded updates is taken away, or replaced by something strange. The same comes out, or less of
what stood in that part, or the update is malformed for a stated reason.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from jobs.channel import Attachment, Channel, Incoming
from tests.support.telegram_server import TOKEN
from tests.support.zalo_server import TOKENS

Path = tuple[Any, ...]
PLACE = {"id": -1005, "type": "supergroup", "title": "Tổ 06", "is_forum": True}
HOME = {"id": 5, "type": "private", "first_name": "An"}
WHO = {"id": 5, "is_bot": False, "first_name": "An", "last_name": "Lê"}
BOT = {"id": 4242, "is_bot": True, "first_name": "Nhắc Việc"}
HEAD = {"message_id": 31, "date": 1_795_000_000, "chat": PLACE, "from": WHO}
IN_TOPIC = {"message_thread_id": 12, "is_topic_message": True}
# As an old server writes a poll: without the fields that today's library demands.
OLD_POLL = {"id": "1", "question": "Họp?", "options": [{"text": "Có"}], "is_closed": False}
ANSWERED = {
    "message_id": 7,
    "date": 1_795_000_000_000,
    "chat": PLACE,
    "from": BOT,
    "text": "1. Báo cáo",
}
SIZES = [
    {"file_id": "small", "file_unique_id": "a", "width": 90, "height": 60, "file_size": 9},
    {"file_id": "big", "file_unique_id": "b", "width": 900, "height": 600, "file_size": 99},
]
PAPER = {"file_id": "f", "file_unique_id": "u", "file_name": "bao-cao.docx", "file_size": 77}
MEMBER = {"user": BOT, "status": "member", "until_date": 0}
KICKED = {"user": BOT, "status": "kicked", "until_date": 0}

TELEGRAM: dict[str, dict[str, Any]] = {
    "reply": {"message": {**HEAD, **IN_TOPIC, "text": "1 xong", "reply_to_message": ANSWERED,
                          "entities": [{"type": "bold", "offset": 0, "length": 1}]}},
    "private": {"message": {**HEAD, "chat": HOME, "text": "/viec", "link_preview_options": {}}},
    "files": {"message": {**HEAD, "photo": SIZES, "document": PAPER, "caption": "2 xong"}},
    "press": {"callback_query": {"id": "q7", "from": WHO, "chat_instance": "1", "data": "ack:7",
                                 "message": {**HEAD, **IN_TOPIC, "text": "danh sách"}}},
    "lost": {"my_chat_member": {"chat": PLACE, "from": WHO, "date": 1_795_000_000,
                                "old_chat_member": MEMBER, "new_chat_member": KICKED}},
    "moved": {"message": {**HEAD, "migrate_to_chat_id": -100_500}},
    "reopened": {"message": {**HEAD, **IN_TOPIC, "forum_topic_reopened": {}}},
}  # fmt: skip
ZALO: dict[str, dict[str, Any]] = {
    kind: {
        "event_name": f"message.{kind}.received",
        "message": {
            "from": {"id": "6ede9afa", "display_name": "Ted", "is_bot": False},
            "chat": {"id": "6ede9afa", "chat_type": "PRIVATE"},
            "message_id": "2d758cb5e222177a4e35",
            "date": 1_750_316_131_602,
            "message_type": "CHAT_MESSAGE",
            **more,
        },
    }
    for kind, more in (
        ("text", {"text": "Xin chào"}),
        ("image", {"photo": "https://f20-zpc.zdn.vn/1.jpg", "caption": "đã xong"}),
        ("sticker", {"sticker": "s", "url": "https://x.zdn.vn/s"}),
    )
}

# What each used part tells: what of an Incoming may be less where it cannot be read. All else is unused.
TOLD_BY: dict[str, tuple[str, ...]] = {
    "date": ("sent_at",),
    "title": ("chat_title",),
    "first_name": ("sender_name",),
    "last_name": ("sender_name",),
    "display_name": ("sender_name",),
    "from": ("sender_name", "sender"),  # where nobody is named: an anonymous administrator
    "photo": ("files", "attachments", "kind"),
    "document": ("files", "attachments", "kind"),
    "caption": ("text", "kind"),
    "text": ("text", "kind"),
    "is_topic_message": ("thread",),  # only where it is missing: the General part has no such mark
    "reply_to_message": ("reply_to",),  # only where it is missing
    "event_name": ("kind",),
    "migrate_to_chat_id": ("kind",),
    "forum_topic_reopened": ("kind",),
    "id": ("action_id",),  # of a press
}
NEEDED_WHERE_PRESENT = {
    "reply_to_message", "text", "caption", "data", "is_topic_message", "message_thread_id",
    "migrate_to_chat_id", "message_id", "status", "id", "chat", "message", "callback_query",
    "my_chat_member", "old_chat_member", "new_chat_member", "update_id", "from", "event_name",
    "chat_type",
}  # fmt: skip


def channels() -> dict[str, Channel]:
    zalo = ZaloBotChannel(TOKENS[0], base_url="http://127.0.0.1:9")
    return {"telegram": TelegramChannel(TOKEN, base_url="http://127.0.0.1:9"), "zalo": zalo}


CHANNELS = channels()
CASES = [
    *[("telegram", {"update_id": 77, **update}) for update in TELEGRAM.values()],
    *[("zalo", update) for update in ZALO.values()],
]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def parse(kind: str, update: Any) -> Incoming | None:
    return CHANNELS[kind].parse(1, json.dumps(update).encode())


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*at, key)
        if isinstance(part, dict | list):
            yield from paths(part, (*at, key))


def changed(update: dict[str, Any], path: Path, change: Callable[[Any, Any], None]) -> Any:
    found = copy.deepcopy(update)
    inner: Any = found
    for key in path[:-1]:
        inner = inner[key]
    change(inner, path[-1])
    return found


def judge(kind: str, update: dict[str, Any], path: Path, spoilt: Any) -> None:
    """Say that the spoilt update is read as the whole one, but for what the path told."""
    whole = parse(kind, update)
    assert whole is not None
    names = {part for part in path if isinstance(part, str)}
    try:
        found = parse(kind, spoilt)
    except ValueError:
        assert names & NEEDED_WHERE_PRESENT, f"{path} is not needed"
        return
    may_lack = {name for part in names for name in TOLD_BY.get(part, ())}
    if found is None:  # nothing was said, or it was said by a bot or in a channel
        assert may_lack & {"kind"} or len(path) == 1 or path[-1] in ("type", "is_bot"), path
        return
    for field in fields(Incoming):
        one, other = getattr(whole, field.name), getattr(found, field.name)
        if one == other:
            continue
        if field.name in ("update_id", "address", "chat_kind"):
            assert (field.name, kind) == ("update_id", "zalo") or path[-1] in ("id", "type"), path
            continue
        assert field.name in may_lack, f"{path}: {field.name} was {one!r} and is {other!r}"


@pytest.mark.parametrize(("kind", "update"), CASES)
def test_whatever_part_is_missing_the_rest_is_read_or_the_update_is_malformed(
    kind: str, update: dict[str, Any]
) -> None:
    for path in paths(update):
        judge(kind, update, path, changed(update, path, lambda inner, key: inner.pop(key)))


@settings(max_examples=600)
@given(st.sampled_from(CASES), st.data())
def test_whatever_part_is_strange_the_rest_is_read_or_the_update_is_malformed(
    case: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    kind, update = case
    path = data.draw(st.sampled_from(list(paths(update))))
    junk = data.draw(JUNK)

    def put_junk(inner: Any, key: Any) -> None:
        inner[key] = junk

    wanted = [each for each in [path] if not _is_another_truth(each, junk)]
    for each in wanted:
        judge(kind, update, each, changed(update, each, put_junk))


def _is_another_truth(path: Path, junk: Any) -> bool:
    """Tell whether the junk is a right value that says something else: another number, other words."""
    is_id = path[-1] in ("id", "message_id", "message_thread_id", "migrate_to_chat_id", "update_id")
    if is_id:
        return isinstance(junk, int | str) and not isinstance(junk, bool)
    if path[-1] in ("status", "type", "chat_type", "event_name", "data", "file_id", "photo"):
        return isinstance(junk, str)
    if path[-1] in ("forum_topic_created", "game_short_name", "width", "height", "file_size"):
        return True
    if path[-1] in ("date", "is_topic_message", "is_bot", "caption", "text", "file_name"):
        return isinstance(junk, bool | int | float | str)
    return path[-1] in ("title", "first_name", "last_name", "display_name") and isinstance(
        junk, str
    )


# ------------------------------------------------------------------ what was seen on real servers


def read(update: dict[str, Any]) -> Incoming:
    found = parse("telegram", {"update_id": 77, **update})
    assert found is not None
    return found


def test_a_command_in_reply_to_a_poll_of_an_older_server_is_a_command() -> None:
    poll = {"message_id": 9, "date": 1, "chat": PLACE, "poll": OLD_POLL}
    found = read({"message": {**HEAD, "text": "/viec", "reply_to_message": poll}})
    assert (found.kind, found.text, found.reply_to, found.sender) == ("text", "/viec", "9", "5")


@pytest.mark.parametrize("date", [1_795_000_000, 1_795_000_000_000, 1_795_000_000.0])
def test_a_date_in_milliseconds_is_the_same_instant(date: float) -> None:
    found = read({"message": {**HEAD, "text": "xong", "date": date}})
    assert found.sent_at == datetime.fromtimestamp(1_795_000_000, UTC)


@pytest.mark.parametrize("date", ["x", None, True, -1, [], 1e300, 10**30])
def test_a_strange_date_costs_the_date_alone(date: Any) -> None:
    found = read({"message": {**HEAD, "text": "xong", "date": date}})
    assert (found.text, found.sent_at) == ("xong", None)


@pytest.mark.parametrize(
    "who", [{"id": 5, "first_name": "An"}, {"id": 5}, {"id": 5, "is_bot": None, "username": 7}]
)
def test_a_sender_without_is_bot_is_a_person(who: dict[str, Any]) -> None:
    found = read({"message": {**HEAD, "from": who, "text": "xong"}})
    assert (found.sender, found.text) == ("5", "xong")


def test_in_a_private_chat_either_id_names_the_person() -> None:
    assert read({"message": {**HEAD, "chat": HOME, "from": None, "text": "xong"}}).sender == "5"
    press = {"id": "q", "data": "ack:7", "message": {**HEAD, "chat": HOME}, "from": {"id": "?"}}
    assert read({"callback_query": press}).sender == "5"


def test_a_chat_of_no_told_kind_is_known_by_the_sign_of_its_number() -> None:
    for number, kind in ((5, "private"), (-1005, "group")):
        assert read({"message": {**HEAD, "chat": {"id": number}, "text": "a"}}).chat_kind == kind


def test_a_reply_to_a_message_that_cannot_be_named_is_never_read_as_no_reply() -> None:
    for answered in ({"text": "1. Báo cáo"}, {"message_id": "7"}, "7", []):
        with pytest.raises(ValueError, match=r"message_id|reply_to_message"):
            read({"message": {**HEAD, "text": "1 xong", "reply_to_message": answered}})


def test_a_topics_head_is_known_by_its_number_too() -> None:
    head = {"message_id": 12, "date": 1, "chat": PLACE}
    found = read({"message": {**HEAD, **IN_TOPIC, "text": "a", "reply_to_message": head}})
    assert (found.thread, found.reply_to) == ("12", None)


def test_a_photo_or_file_that_cannot_be_read_is_told_as_lost() -> None:
    found = read({"message": {**HEAD, "photo": [{"width": 9}], "document": {"file_name": "a.pdf"}}})
    assert found.files == (
        Attachment("", "anh.jpg", fault="lost"),
        Attachment("", "a.pdf", fault="lost"),
    )
    image = copy.deepcopy(ZALO["image"])
    del image["message"]["photo"]
    lost = parse("zalo", image)
    assert lost is not None
    assert lost.files == (Attachment("", "anh.jpg", fault="lost"),)


def test_a_zalo_message_with_numbers_for_ids_is_read() -> None:
    update = copy.deepcopy(ZALO["text"])
    update["message"] |= {"message_id": 7, "from": {"id": 9}, "chat": {"id": 9}}
    found = parse("zalo", update)
    assert found is not None
    assert (found.address, found.sender, found.text) == ("9", "9", "Xin chào")
