"""A province at work, for tests: people who talk with the real service over a messenger.

A script speaks to people alone: who types, who chooses what by its label, what they find in their
chats, when it is morning. A Carrier (tests/support/messengers.py) takes their words to the service and the service's
messages to them; which messenger it is, the script does not know. The service is the one that `bot.app.open_app`
wires, on a file, with a clock that the script moves; its jobs tick when their hour comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any, Protocol

from sqlalchemy import select

from bot.app import App, open_app
from bot.config import Settings
from data.clock import SteppedClock, civil_date, instant_at
from data.models import Message
from jobs.channel import Channel
from jobs.inbox.intake import poll_updates
from jobs.schedule import JOBS

MORNING = time(7, 30)
TYPING = timedelta(minutes=1)  # what it takes to write something, by the stepped clock
_PATIENCE = 30  # seconds, for a busy machine


@dataclass(frozen=True)
class Heard:
    """One message of the service as it stands in a chat; edited: it stands in place of an earlier one.

    choices: what may be chosen, by label, in order; key: the message's number on its messenger.
    """

    at: datetime
    chat: str
    key: str
    text: str
    choices: tuple[str, ...]
    edited: bool

    def says(self, words: str) -> bool:
        """Tell whether it holds some words, in whichever case: headings differ by messenger."""
        return words.casefold() in self.text.casefold()

    def asks(self, words: str) -> bool:
        """Tell whether it holds some words above its weekly part, which asks for nothing."""
        if "tổng hợp tuần." in self.text:
            return False
        return words.casefold() in self.text.partition("Tổng hợp tuần")[0].casefold()


class Carrier(Protocol):
    """Messengers with people on them. groups: the one where people may sit together in a chat, or ""."""

    messengers: Sequence[str]
    groups: str

    @property
    def settings(self) -> dict[str, Any]:
        """Return what an office sets to use them."""

    async def channels(self) -> Sequence[Channel]:
        """Return the service's side of it, open, with no pace to keep: a year has to pass quickly."""

    def address(self, number: int, *, group: bool, on: str) -> str:
        """Return the address of a chat on a messenger."""

    def write(self, person: Person, text: str, *, to: Heard | None) -> None:
        """Have a person write, maybe of a certain message: as a reply, or in words that name what it is of."""

    def choose(self, person: Person, message: Heard, label: str) -> None:
        """Have a person choose what a message offers, in the messenger's own way."""

    def block(self, person: Person) -> None:
        """Have a person's chat refuse every message from now on."""

    async def fetched(self) -> None:
        """Wait until the service has fetched everything that people wrote."""

    def news(self, now: datetime) -> list[Heard]:
        """Return what came into the chats since this was last asked, oldest first."""

    def arrived(self) -> int:
        """Return how many messages came into the chats in all; asserts that its rules were kept."""


@dataclass
class Person:
    """Somebody in one chat, her own or a group's."""

    name: str
    number: int
    chat: str
    title: str  # of the group; "" in her own chat
    messenger: str
    province: ProvinceAtWork = field(repr=False)

    def writes(self, text: str, *, to: Heard | None = None) -> None:
        """Write, and do not wait for the answer; see ProvinceAtWork.settle."""
        self.province.carrier.write(self, text, to=to)

    def taps(self, label: str, of: Heard | None = None) -> None:
        """Choose, and do not wait for the answer; of: by default the last message with that choice."""
        message = of if of is not None else self.offering(label)
        assert label in message.choices, (label, message)
        self.province.carrier.choose(self, message, label)

    def blocks(self) -> None:
        """Refuse every message from now on."""
        self.province.carrier.block(self)

    async def says(self, text: str, *, to: Heard | None = None) -> str:
        """Write; returns the words of the last message that came into the chat."""
        self.writes(text, to=to)
        return await self._answered()

    async def chooses(self, label: str, of: Heard | None = None) -> str:
        """Choose by label; returns the words of the last message that came into the chat."""
        self.taps(label, of)
        return await self._answered()

    async def _answered(self) -> str:
        before = len(self.heard)
        await self.province.settle()
        assert len(self.heard) > before, f"{self.name} hears nothing"
        return self.last.text

    @property
    def heard(self) -> list[Heard]:
        """Return everything that ever came into the chat."""
        return self.province.chats.setdefault(self.chat, [])

    @property
    def last(self) -> Heard:
        return self.heard[-1]

    def offering(self, label: str) -> Heard:
        """Return the last message that offers a choice."""
        return self._latest(lambda heard: label in heard.choices, label)

    def with_words(self, words: str) -> Heard:
        """Return the last message that holds some words."""
        return self._latest(lambda heard: heard.asks(words), words)

    def _latest(self, fits: Callable[[Heard], bool], wanted: str) -> Heard:
        found = next((heard for heard in reversed(self.heard) if fits(heard)), None)
        assert found is not None, (self.name, wanted, self.heard[-1:])
        return found

    def heard_on(self, day: date) -> list[Heard]:
        return [heard for heard in self.heard if civil_date(heard.at) == day]


class ProvinceAtWork:
    """The service at work, and everybody who talks with it."""

    def __init__(self, app: App, clock: SteppedClock, carrier: Carrier, now: datetime) -> None:
        self.app = app
        self.clock = clock
        self.carrier = carrier
        self.now = now
        self.chats: dict[str, list[Heard]] = {}
        self._numbers = count(1001)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, carrier: Carrier, start: datetime, **settings: Any
    ) -> AsyncIterator[ProvinceAtWork]:
        """Start the service at an instant; what people write is fetched until the end."""
        clock = SteppedClock(start)

        async def connecting(
            settings: Settings, *, stopping: asyncio.Event | None
        ) -> Sequence[Channel]:
            return await carrier.channels()

        wanted = Settings.model_validate({**carrier.settings, **settings})
        async with open_app(wanted, clock=clock, connector=connecting) as app:
            at_work = cls(app, clock, carrier, start)
            app.draw = None  # a hundred pictures would take longer than the year
            fetching = [
                asyncio.create_task(
                    poll_updates(
                        app.database, channel, key, clock, stored=lambda: None, is_owned=_always
                    )
                )
                for key, channel in app.accounts.items()
            ]
            try:
                yield at_work
            finally:
                for task in fetching:
                    task.cancel()
                await asyncio.wait(fetching)

    # ---------------------------------------------------------------- people

    def person(self, name: str, *, on: str = "") -> Person:
        """Return somebody new, in her own chat; on: which messenger, by default each in turn."""
        number = next(self._numbers)
        messengers = self.carrier.messengers
        messenger = on or messengers[number % len(messengers)]
        address = self.carrier.address(number, group=False, on=messenger)
        return Person(name, number, address, "", messenger, self)

    def group(self, title: str, *people: Person) -> list[Person]:
        """Return people as they sit in a new group."""
        messenger = self.carrier.groups
        assert all(each.messenger == messenger for each in people)
        address = self.carrier.address(next(self._numbers), group=True, on=messenger)
        return [Person(each.name, each.number, address, title, messenger, self) for each in people]

    # ---------------------------------------------------------------- time

    def move_to(self, day: date, wall: time) -> None:
        """Set the clock to a wall-clock time of the province."""
        self._set(instant_at(day, wall))

    def _set(self, instant: datetime) -> None:
        assert instant >= self.now, "time goes on"
        self.now = instant
        self.clock.move_to(instant)

    async def night(self, day: date) -> None:
        """Pass the night before a day: the jobs that tick once a day, each at its time."""
        nightly = [(job.daily_at, job.name) for job in JOBS if job.daily_at is not None]
        for utc, name in sorted(nightly):
            instant = datetime.combine(day - timedelta(days=1), utc, self.now.tzinfo)
            self._set(max(instant, self.now))
            await self.app.jobs[name]()

    async def morning(self, day: date, wall: time = MORNING) -> list[Heard]:
        """Let the hour of the morning come; returns what came into the chats."""
        self.move_to(day, wall)
        for job in JOBS:
            if job.daily_at is None:
                await self.app.jobs[job.name]()
        return await self._delivered()

    async def settle(self) -> list[Heard]:
        """Let what people wrote be fetched, handled and answered; returns what came into the chats."""
        self._set(self.now + TYPING)
        async with asyncio.timeout(_PATIENCE):
            await self.carrier.fetched()
        await self.app.inbox.handle_pending()
        return await self._delivered()

    async def _delivered(self) -> list[Heard]:
        async with self.app.database.read() as connection:
            waiting = await connection.scalar(
                select(Message.id).where(Message.state == "pending").limit(1)
            )
        if waiting is not None:
            await self.app.delivery.run_until_idle()
        news = []
        for heard in self.carrier.news(self.now):
            self.chats.setdefault(heard.chat, []).append(heard)
            news.append(heard)
        return news


async def _always() -> bool:
    return True
