"""What an account may send next: reads ahead in the outbox and asks pacing before anything is claimed.

Promises sending order (answers, notices, broadcasts; then by time), order within a chat, silence where
the platform asked for it, that broadcasts are looked at within sending hours only, and that a clock which
is set back holds up nothing that was due by it. Claims nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import Database
from data.outbox.messages import ANSWER
from data.outbox.queue import (
    WaitingMessage,
    list_recent_sends,
    list_waiting_messages,
    load_send_state,
    reset_send_times,
)
from data.registry.workdays import Workdays
from jobs.channel import Pacing, Slot
from jobs.delivery.sending_hours import next_sending_at

_FIRST_PAGE, _NEXT_PAGES = 100, 1000  # messages read ahead
_SET_BACK = timedelta(seconds=2)  # at least; less is waited out


class Ready(NamedTuple):
    """One message that may go now, and its place in the windows."""

    message: WaitingMessage
    slot: Slot


@dataclass(frozen=True, slots=True)
class Batch:
    """What may go at once; seconds until another look is worth it; paced: a window holds something up."""

    chosen: list[Ready]
    seconds: float
    paced: bool


class SendQueue:
    """The head of one account's queue; see the module."""

    def __init__(
        self,
        account_id: int,
        pacing: Pacing,
        database: Database,
        workdays_source: Callable[[], Workdays],
    ) -> None:
        self._account_id = account_id
        self._pacing = pacing
        self._database = database
        self._workdays_source = workdays_source
        self._queue: list[WaitingMessage] = []
        self._last_read: WaitingMessage | None = None
        self._more = False  # the outbox holds more than the queue
        self._stale = True
        self._open = True
        self._next_at: datetime | None = None
        self._stopped = False
        self._silent: dict[int | None, datetime] = {}  # by chat; None: the account
        self._seen: datetime | None = None  # the last instant that was told here

    def refresh(self) -> None:
        """Read anew before the next choice."""
        self._stale = True

    def silence(self, chat_id: int | None, until: datetime) -> None:
        """Let a chat (None: the whole account) rest until an instant; never shortens a rest."""
        self._silent[chat_id] = max(until, self._silent.get(chat_id, until))

    async def replay_recent_sends(self, now: datetime) -> None:
        """Tell pacing of the sends of an owner before, as the platform still counts them."""
        if not self._pacing.longest:
            return
        start = asyncio.get_running_loop().time()
        since = now - timedelta(seconds=self._pacing.longest)
        async with self._database.read() as connection:
            for row in await list_recent_sends(connection, self._account_id, since=since):
                age = (now - row.at).total_seconds()
                self._pacing.take(row.chat_id, group=True, at=start - age)

    async def choose(self, now: datetime, free: int, passed: set[int]) -> Batch:
        """Pick at most `free` messages that may go at once, one a chat, none of the chats in `passed`."""
        if self._seen is not None and self._seen - now > _SET_BACK:
            await self._set_back(now, self._seen - now)
        self._seen = now
        if free <= 0:
            return Batch([], math.inf, paced=False)
        opening = next_sending_at(now, self._workdays_source())
        if (
            self._stale
            or (opening <= now) != self._open
            or (self._next_at and self._next_at <= now)
        ):
            self._open = opening <= now
            await self._reload(now)
        changes = [at for at in (opening, self._next_at) if at is not None and at > now]
        rest = self._silent.get(None, now)
        if self._stopped or rest > now:
            changes += [rest] if rest > now else []
            return Batch([], _soonest(changes, now), paced=False)
        chosen: list[Ready] = []
        passed = set(passed)
        while True:
            wait, full = self._scan(chosen, free, passed, now, changes)
            if full or len(chosen) >= free or not self._more:
                break
            async with self._database.read() as connection:
                await self._read_on(connection, now, _NEXT_PAGES)
        return Batch(chosen, min(_soonest(changes, now), wait), paced=wait < math.inf)

    def _scan(
        self,
        chosen: list[Ready],
        free: int,
        passed: set[int],
        now: datetime,
        changes: list[datetime],
    ) -> tuple[float, bool]:
        """Move what may go to `chosen`; returns seconds by pacing, and whether the account is full."""
        pacing, at = self._pacing, asyncio.get_running_loop().time()
        soonest, full = math.inf, False
        kept: list[WaitingMessage] = []
        for index, one in enumerate(self._queue):
            if full or len(chosen) >= free:
                kept += self._queue[index:]
                break
            if one.chat_id in passed:
                kept.append(one)
                continue
            passed.add(one.chat_id)
            rest = max(self._silent.get(one.chat_id, now), one.halted_until or now)
            group, answer = one.chat_kind == "group", one.priority == ANSWER
            wait = pacing.wait(None, group=False, answer=answer, at=at)
            if wait > 0 and not answer:
                full = True  # where a chat never written to must wait, all that follow must
            else:
                wait = pacing.wait(one.chat_id, group=group, answer=answer, at=at)
            if rest > now and not full:
                changes.append(rest)
                kept.append(one)
            elif wait > 0:
                soonest = min(soonest, wait)
                kept.append(one)
            else:
                chosen.append(Ready(one, pacing.take(one.chat_id, group=group, at=at)))
        self._queue = kept
        return soonest, full

    async def _set_back(self, now: datetime, by: timedelta) -> None:
        """Reckon anew what was reckoned by a clock that has been set back since."""
        self._silent = {chat: until - by for chat, until in self._silent.items()}
        async with self._database.write() as connection:
            await reset_send_times(connection, self._account_id, now=now)
        self._stale = True

    async def _reload(self, now: datetime) -> None:
        self._silent = {chat: until for chat, until in self._silent.items() if until > now}
        async with self._database.read() as connection:
            account = await load_send_state(connection, self._account_id, now=now)
            self._queue, self._last_read = [], None
            await self._read_on(connection, now, _FIRST_PAGE)
        self._next_at = account.next_at
        self._stopped = account.stopped_at is not None
        if account.halted_until is not None:
            self.silence(None, account.halted_until)
        self._stale = False

    async def _read_on(self, connection: AsyncConnection, now: datetime, count: int) -> None:
        page = await list_waiting_messages(
            connection,
            self._account_id,
            now=now,
            broadcasts=self._open,
            after=self._last_read,
            limit=count,
        )
        self._more = len(page) == count
        if page:
            self._last_read = page[-1]
        self._queue += page


def _soonest(instants: list[datetime], now: datetime) -> float:
    return min(((instant - now).total_seconds() for instant in instants), default=math.inf)
