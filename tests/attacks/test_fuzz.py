"""Whatever comes in is read or refused: no crash, no hang, whichever reader it meets.

Bounded and the same each time; NHACVIEC_FUZZ=20000 looks further by hand.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bot.conversation
import data
from bot.channels.local import LocalChannel
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from bot.conversation.context.pages import parse_page
from bot.conversation.reader.understand import understand_reply
from data.contacts.codes import find_codes, hash_code, may_hold_code
from data.inbox import holds_secret
from data.progress.evidence import detect_mime_type
from data.registry.workdays import Workdays
from data.secrecy import is_marked_secret
from data.sheets.phrases import read_day, read_deadline, read_frequency, read_period
from data.sheets.row_keys import parse_row_key
from data.sheets.workbook import neutralize_formula
from data.text import escape_invisible, fold, strip_invisible
from jobs.channel import Incoming
from jobs.rendering.links import Links
from tests.support.conversations import small_registry
from tests.support.telegram_server import TOKEN
from tests.support.zalo_server import TOKENS

pytestmark = pytest.mark.slow

TODAY = date(2026, 11, 9)
EXAMPLES = int(os.environ.get("NHACVIEC_FUZZ", "60"))
LONGEST = 4096  # what a messenger lets through
SECONDS = 2.0  # of processor time, for one input; the slowest takes a third of it

bounded = settings(
    max_examples=EXAMPLES,
    derandomize="NHACVIEC_FUZZ" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PIECES = st.sampled_from(
    ["xong", "chưa", "không", "đã", "1", "2", "3-5", "III.1a", "BC.1", "tất cả", "trừ", "60%", "hạn",
     "gia hạn đến", "5/12", "30/2/2026", "31/12/9999", "ngày", "tháng", "năm", "thứ Sáu", "tuần sau",
     "quý IV", "12/BC-SKHCN", "nếu", "dự kiến", "đạt", "chỉ tiêu", ",", ".", ";", "\n", ":", "-", "–",
     "…", "²", "٣", "⅓", "0", "99999999999999999999", "trang", "/viec", "trang 99999", "vướng", "vì",
     "\u202e", "\x00", "đ", "d", "\u0301", "Ẹ", "ð", "\U0001f44d\U0001f3fd", "😀", "\ud800"]
)  # fmt: skip
WORDS = st.one_of(
    st.text(max_size=80),
    st.lists(PIECES, max_size=25).map(" ".join),
    st.lists(PIECES, max_size=25).map("".join),
    st.tuples(PIECES, st.integers(1, LONGEST)).map(lambda each: (each[0] * each[1])[:LONGEST]),
)


class Refusal(ValueError):
    """What a reader says of words that it does not take; a UnicodeError is none, but a crash."""


def refusing(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def reading(text: str) -> Any:
        try:
            return read(text)
        except UnicodeError:
            raise
        except ValueError as error:
            raise Refusal(str(error)) from error

    return reading


READERS: dict[str, Callable[[str], Any]] = {
    "understand": lambda text: understand_reply(
        text, today=TODAY, codes=("III.1a", "BC.1", "1", "2"), workdays=Workdays()
    ),
    "day": read_day,
    "deadline": lambda text: read_deadline(text, "annual"),
    "frequency": read_frequency,
    "period": read_period,
    "code": lambda text: (
        hash_code(text),
        find_codes(text, stranger=True),
        find_codes(text, stranger=False),
    ),
    "may hold a code": lambda text: may_hold_code(text.encode("utf-8", "replace"), text),
    "page": parse_page,
    "secrecy": is_marked_secret,
    "secrecy, raw": lambda text: holds_secret(text.encode("utf-8", "replace")),
    "fold": fold,
    "unseen": lambda text: (
        escape_invisible(text),
        strip_invisible(text),
        neutralize_formula(text),
    ),
    "key of a row": parse_row_key,
    "address": lambda text: (
        Links(None, b"k").read_file_token(text, now=datetime(2026, 1, 1, tzinfo=UTC)),
        Links(None, b"k").read_calendar_token(text),
    ),
    "type of a file": lambda text: detect_mime_type(text.encode("utf-8", "replace")),
}


@pytest.mark.parametrize("reader", list(READERS))
@bounded
@given(text=WORDS)
def test_whatever_is_typed_is_read_or_refused_soon(reader: str, text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(Refusal):  # said to whoever typed it
        refusing(READERS[reader])(text)
    assert time.process_time() - began < SECONDS, ascii(text[:200])


# ------------------------------------------------------------------ raw updates

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
              st.sampled_from(["private", "group", "5", -(2**63), 2**70, 1e400, "text", "\ud800"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["id", "chat", "from", "text", "message", "type", "date", "title",
                             "event_name", "result", "update_id", "photo", "document", "data",
                             "callback_query", "my_chat_member", "reply_to_message", "files", "kind"]),
            inner, max_size=5,
        ),
    ),
    max_leaves=12,
)  # fmt: skip
GENUINE: dict[str, dict[str, Any]] = {
    "telegram": {"update_id": 7, "message": {
        "message_id": 9, "date": 1_790_000_000, "text": "xong", "chat": {"id": 5, "type": "private"},
        "from": {"id": 5, "is_bot": False, "first_name": "Lan"}}},
    "zalo_bot": {"event_name": "message.text.received", "message": {
        "message_id": "m1", "date": 1_790_000_000_000, "text": "xong",
        "chat": {"id": "5", "chat_type": "PRIVATE"}, "from": {"id": "5", "display_name": "Lan"}}},
    "local": {"update_id": "u", "address": "5", "chat_kind": "private", "kind": "text", "text": "x"},
}  # fmt: skip
CHANNELS: dict[str, Any] = {
    "telegram": TelegramChannel(TOKEN), "zalo_bot": ZaloBotChannel(TOKENS[0]), "local": LocalChannel()
}  # fmt: skip


@st.composite
def changed(draw: st.DrawFn, genuine: dict[str, Any]) -> Any:
    """Return a genuine update with one or two of its values in any depth replaced or taken out."""
    given_update = json.loads(json.dumps(genuine))
    for _ in range(draw(st.integers(1, 2))):
        place = given_update
        while True:
            keys = sorted(key for key in place if isinstance(place, dict))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.booleans()):
                place[key] = draw(JSON)
            else:
                del place[key]
            break
    return given_update


@pytest.mark.parametrize("name", list(CHANNELS))
@bounded
@given(content=st.data())
def test_whatever_a_webhook_brings_is_read_or_parked(name: str, content: st.DataObject) -> None:
    if content.draw(st.integers(0, 9)) == 0:
        raw = content.draw(st.binary(max_size=60))
    else:
        update = content.draw(st.one_of(JSON, changed(GENUINE[name])))
        raw = json.dumps(update).encode()
    channel = CHANNELS[name]
    for read in (channel.split, lambda body: channel.parse(1, body)):
        try:
            found = read(raw)
        except ValueError:
            continue
        if isinstance(found, Incoming):
            assert isinstance(found.text, str)
            assert isinstance(found.address, str)
            assert isinstance(found.sender, str)


@pytest.mark.parametrize("name", list(CHANNELS))
def test_an_update_within_itself_ten_thousand_times_is_parked(name: str) -> None:
    for raw in (b"[" * 100_000, b'{"message":' * 50_000, b'{"a":1' + b"0" * 100_000 + b"}"):
        for read in (CHANNELS[name].split, lambda body: CHANNELS[name].parse(1, body)):
            with pytest.raises(ValueError):  # noqa: PT011 - the port's word for what is no update
                read(raw)
        holds_secret(raw)


# ------------------------------------------------------------------ patterns


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield every pattern that stands in a module of the conversation or of data, once."""
    seen: set[str] = set()
    for package in (bot.conversation, data):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if found.name.startswith("data.migrations"):
                continue
            module: ModuleType = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern) and value.pattern not in seen:
                    seen.add(value.pattern)
                    yield f"{found.name}.{name}", value


STRETCHES = (
    "a",
    "1",
    " ",
    "\n",
    "-",
    "1/",
    "a ",
    "1, ",
    "và ",
    "ngày 1 ",
    "12/BC-A ",
    "1.",
    "aA1-",
    "không ",
)


def test_no_pattern_takes_long_over_any_long_stretch() -> None:
    slow = []
    for name, pattern in patterns():
        for stretch in STRETCHES:
            text = (stretch * LONGEST)[:LONGEST]
            began = time.process_time()
            pattern.match(f"{text}!")
            if name not in MATCHED_WHOLE:
                pattern.search(f"{text}!")
            if time.process_time() - began > SECONDS:
                slow.append((name, stretch))
    assert slow == []


# Used with match or fullmatch alone: a search would begin anew at each letter.
MATCHED_WHOLE = {"bot.conversation.context.pages._PAGE", "bot.conversation.reader.targets._LEAD"}


@pytest.mark.parametrize(
    "words", [" " * 4_000_000, "a," * 50_000, "và " * 100_000, "a" * 1_000_000]
)
def test_no_list_of_bodies_in_a_plan_takes_long(words: str) -> None:
    province = small_registry().provinces["dong"]
    began = time.process_time()
    found = province.resolve_all(f"Sở {words} Tài chính")
    assert bool(found) is words.isspace()
    assert time.process_time() - began < SECONDS
