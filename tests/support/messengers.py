"""The messengers that carry a province's talk in tests: Telegram and Zalo, each over a real local server.

Each has its people do what they would do there: on Telegram a button is pressed and a message replied
to; on Zalo, which has neither, people type what a message tells them to type.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from typing import Any

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.capabilities import MOST_TEXT
from bot.channels.zalo.channel import ZaloBotChannel
from jobs.channel import Channel
from tests.support import telegram_server, zalo_server
from tests.support.province import Heard, Person
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

_RESULTS = ("Đã nhận", "Đang thực hiện", "Đã hoàn thành")


class OverTelegram:
    """Telegram, by a local server that speaks its Bot API: a choice is a button that is pressed."""

    messengers = ("telegram",)
    groups = "telegram"

    def __init__(self, api: BotApi) -> None:
        self._api = api
        self._told = self._edited = 0
        self._ids = count(500_000)
        self._buttons: dict[str, dict[str, str]] = {}  # by message: label → key

    @property
    def settings(self) -> dict[str, Any]:
        return {"telegram_token": TOKEN, "telegram_base_url": self._api.url}

    async def channels(self) -> Sequence[Channel]:
        channel = TelegramChannel(TOKEN, base_url=self._api.url, limits=PacingLimits())
        await channel.open()
        return [channel]

    def address(self, number: int, *, group: bool, on: str) -> str:
        return f"-100{number}" if group else str(number)

    def write(self, person: Person, text: str, *, to: Heard | None) -> None:
        message = {**self._head(person), "message_id": next(self._ids), "text": text}
        if to is not None:
            head = {"message_id": int(to.key), "date": 1_790_000_000, "text": to.text[:100]}
            message["reply_to_message"] = {**head, "chat": message["chat"]}
        self._api.push({"message": message})

    def choose(self, person: Person, message: Heard, label: str) -> None:
        head = self._head(person)
        shown = {"message_id": int(message.key), "date": 1_790_000_000, "chat": head["chat"]}
        press = {
            "id": f"press{next(self._ids)}",
            "from": head["from"],
            "chat_instance": "1",
            "data": self._buttons[message.key][label],
            "message": {**shown, "text": message.text[:100]},
        }
        self._api.push({"callback_query": press})

    def block(self, person: Person) -> None:
        self._api.misbehave("blocked", chat=int(person.chat), times=1_000_000)

    async def fetched(self) -> None:
        while self._api.waiting_updates():
            await asyncio.sleep(0.002)

    def news(self, now: datetime) -> list[Heard]:
        fresh = [(one, False) for one in self._api.messages[self._told :]]
        fresh += [(one, True) for one in self._api.edits[self._edited :]]
        self._told, self._edited = len(self._api.messages), len(self._api.edits)
        return [
            self._heard(one, edited, now)
            for one, edited in sorted(fresh, key=lambda each: each[0].at)
        ]

    def arrived(self) -> int:
        methods = self._api.methods()
        sent = len(self._api.messages) + len(self._api.edits)
        assert methods.count("answerCallbackQuery") == len(self._api.answered_presses)
        assert methods.count("getUpdates") < 2 * sent
        return sent

    def _heard(self, taken: telegram_server.Taken, edited: bool, now: datetime) -> Heard:
        key = str(taken.message_id)
        buttons = {label: data for row in taken.buttons for label, data in row}
        self._buttons[key] = buttons
        return Heard(now, str(taken.chat), key, taken.text, tuple(buttons), edited)

    def _head(self, person: Person) -> dict[str, Any]:
        who = {"id": person.number, "is_bot": False, "first_name": person.name}
        chat: dict[str, Any] = {
            "id": int(person.chat),
            "type": "private",
            "first_name": person.name,
        }
        if person.title:
            chat = {"id": int(person.chat), "type": "supergroup", "title": person.title}
        return {"date": 1_790_000_000, "chat": chat, "from": who}


class OverZalo:
    """Zalo, by a local server that speaks its Bot Platform: people type what a message tells them to.

    They are spread over bots by turns. What is said of an earlier message names its item: there are no
    replies. What is chosen is typed as the number before it, as its item's number, or in its own words.
    """

    messengers = ("zalo",)
    groups = ""

    def __init__(self, api: ZaloApi, *, bots: int = 2) -> None:
        self._api = api
        self._tokens = TOKENS[:bots]
        self._told = 0
        self._bots: dict[str, str] = {}  # by chat: the token of its bot
        self._ends: dict[str, Heard] = {}  # by chat: its last message

    @property
    def settings(self) -> dict[str, Any]:
        return {"zalo_bot_tokens": ",".join(self._tokens), "zalo_bot_base_url": self._api.url}

    async def channels(self) -> Sequence[Channel]:
        channels = [
            ZaloBotChannel(token, base_url=self._api.url, limits=PacingLimits(), poll_floor=0.0)
            for token in self._tokens
        ]
        for channel in channels:
            await channel.open()
        return channels

    def address(self, number: int, *, group: bool, on: str) -> str:
        assert not group, "people meet in no groups here"
        return f"zalo{number}"

    def write(self, person: Person, text: str, *, to: Heard | None) -> None:
        by_turns = self._tokens[len(self._bots) % len(self._tokens)]
        token = self._bots.setdefault(person.chat, by_turns)
        said = text if to is None else self._of(to, text)
        self._api.say(person.chat, said, token=token, name=person.name)

    def choose(self, person: Person, message: Heard, label: str) -> None:
        legend = _legend(message.text)
        typed = label.lower()
        if label in legend and self._ends[message.chat].key == message.key:
            typed = str(legend.index(label) + 1)
        self.write(person, typed, to=message)

    def block(self, person: Person) -> None:
        self._api.gone.add(person.chat)

    async def fetched(self) -> None:
        while not self._api.at_rest(self._tokens):
            await asyncio.sleep(0.002)

    def news(self, now: datetime) -> list[Heard]:
        fresh = self._api.messages[self._told :]
        self._told += len(fresh)
        news = [_heard(one, now) for one in fresh]
        self._ends.update({heard.chat: heard for heard in news})
        return news

    def arrived(self) -> int:
        assert "setWebhook" not in self._api.methods()
        for text in self._api.texts():
            assert len(text.encode("utf-16-le")) // 2 <= MOST_TEXT
        return len(self._api.messages)

    def _of(self, message: Heard, text: str) -> str:
        """Return words as somebody says them of a message: the item of an earlier one is named.

        By its number among the pages of one morning, else by its plan and code.
        """
        last = self._ends[message.chat]
        items = _items(message.text)
        number = re.match(r"(\d+) ", text)
        if last.key == message.key or (number is None and len(items) != 1):
            return text
        if last.at == message.at:
            return text if number else f"{next(iter(items))}: {text}"
        if number:
            return f"{items[number[1]]} {text[number.end() :]}"
        return f"{next(iter(items.values()))} {text}"


class OverBoth:
    """People on Telegram and people on Zalo, of one province."""

    groups = OverTelegram.groups

    def __init__(self, telegram: OverTelegram, zalo: OverZalo) -> None:
        self._by: dict[str, OverTelegram | OverZalo] = {"telegram": telegram, "zalo": zalo}
        self.messengers = tuple(self._by)

    @property
    def settings(self) -> dict[str, Any]:
        return {key: value for each in self._by.values() for key, value in each.settings.items()}

    async def channels(self) -> Sequence[Channel]:
        return [channel for each in self._by.values() for channel in await each.channels()]

    def address(self, number: int, *, group: bool, on: str) -> str:
        return self._by[on].address(number, group=group, on=on)

    def write(self, person: Person, text: str, *, to: Heard | None) -> None:
        self._by[person.messenger].write(person, text, to=to)

    def choose(self, person: Person, message: Heard, label: str) -> None:
        self._by[person.messenger].choose(person, message, label)

    def block(self, person: Person) -> None:
        self._by[person.messenger].block(person)

    async def fetched(self) -> None:
        for each in self._by.values():
            await each.fetched()

    def news(self, now: datetime) -> list[Heard]:
        return [heard for each in self._by.values() for heard in each.news(now)]

    def arrived(self) -> int:
        return sum(each.arrived() for each in self._by.values())


def _heard(taken: zalo_server.Taken, now: datetime) -> Heard:
    numbers = re.findall(r"^(\d+)\. ", taken.text, re.MULTILINE)
    quoted = [words.partition(",")[0] for words in re.findall("“([^”]+)”", taken.text)]
    words = [each[:1].upper() + each[1:] for each in quoted]
    # A page with one item of several asks for its number and a result, in words.
    results = _RESULTS if "số của nhiệm vụ và kết quả" in taken.text and len(numbers) == 1 else ()
    choices = tuple(dict.fromkeys((*_legend(taken.text), *results, *numbers, *words)))
    return Heard(now, taken.chat, taken.message_id, taken.text, choices, edited=False)


def _legend(text: str) -> list[str]:
    """Return the choices that are told by number: "Trả lời bằng số: 1 Đã nhận · 2 Đang thực hiện"."""
    line = re.search(r"^Trả lời bằng số: (.+)$", text, re.MULTILINE)
    return [part.partition(" ")[2] for part in line[1].split(" · ")] if line else []


def _items(text: str) -> dict[str, str]:
    """Return the items that a message lists, by number: the plan's number and the code."""
    plan, items = "", {}
    for line in text.splitlines():
        heading = re.match(r"Kế hoạch (\d+)/", line)
        plan = heading[1] if heading else plan
        item = re.match(r"(\d+)\. .*?\[([^\]]+)\](?:, Kế hoạch (\d+)/)?", line)
        if item:
            items[item[1]] = f"{item[3] or plan} {item[2]}".strip()
    return items
