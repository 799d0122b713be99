"""Choose the next messages an account may send, in sending order and within rate limits.

Guarantees:
- Answers go before notices, notices before broadcasts, then by send_at; the order within a chat is kept.
- Broadcasts are chosen within sending hours only, and nothing for a chat or account that must rest.
- A clock that is set back delays no message that was free to go before, also after a restart.
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
)
from data.outbox.set_back import SMALL_STEP, count_misdated, mend_set_back, release_misdated
from data.registry.workdays import Workdays
from jobs.channel import Pacing, Slot
from jobs.delivery.sending_hours import next_sending_at

_FIRST_PAGE, _NEXT_PAGES = 100, 1000  # messages read ahead


class Ready(NamedTuple):
    """One message that may go now, and the slot it has taken in the pacing windows."""

    message: WaitingMessage
    slot: Slot


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that may go now."""

    chosen: list[Ready]
    seconds: float  # until another choice may bring more
    paced: bool  # a pacing window holds up a message


class SendQueue:
    """The first messages of one account's queue, read ahead in pages.

    Claims nothing: a chosen message is out of this queue, and read again only after refresh().
    """

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
        self._more = False  # the outbox holds more than was read
        self._stale = True
        self._broadcasts = True  # were read, too: within sending hours
        self._next_at: datetime | None = None  # earliest send_at ahead
        self._stopped = False
        self._silent_until: dict[int | None, datetime] = {}  # by chat; None: the account
        self._last_now: datetime | None = None

    def refresh(self) -> None:
        """Read the outbox anew before the next choice."""
        self._stale = True

    def silence(self, chat_id: int | None, until: datetime) -> None:
        """Let a chat (None: the whole account) rest until an instant; never shortens a rest."""
        self._silent_until[chat_id] = max(until, self._silent_until.get(chat_id, until))

    async def replay_recent_sends(self, now: datetime) -> None:
        """Count the sends of an earlier owner in the pacing windows, as the platform does.

        A send at an instant still to come was dated by a clock since set back: it is none.
        """
        if not self._pacing.longest:
            return
        start = asyncio.get_running_loop().time()
        since = now - timedelta(seconds=self._pacing.longest)
        async with self._database.read() as connection:
            for row in await list_recent_sends(
                connection, self._account_id, since=since, until=now + SMALL_STEP
            ):
                age = max(0.0, (now - row.at).total_seconds())
                self._pacing.take(row.chat_id, group=True, at=start - age)

    async def choose(self, now: datetime, free: int, blocked_chats: set[int]) -> Batch:
        """Choose at most `free` messages, one a chat, none of the blocked chats.

        1. Where the clock was set back, correct the instants that rest on it.
        2. Read the outbox anew where it may have changed: refreshed, a send_at reached, sending hours
           begun or over.
        3. Choose nothing while the account is stopped or silent.
        4. Scan the messages read ahead; read further pages until enough are chosen, the account's
           windows are full, or none is left.
        """
        if self._last_now is not None and self._last_now - now > SMALL_STEP:  # 1
            await self._correct_set_back(now, self._last_now - now)
        self._last_now = now
        if free <= 0:
            return Batch([], math.inf, paced=False)
        opening = next_sending_at(now, self._workdays_source())  # 2
        is_open = opening <= now
        if self._stale or is_open != self._broadcasts or (self._next_at and self._next_at <= now):
            self._broadcasts = is_open
            await self._reload(now)
        changes = [at for at in (opening, self._next_at) if at is not None and at > now]
        silent_until = self._silent_until.get(None, now)  # 3
        if self._stopped or silent_until > now:
            changes += [silent_until] if silent_until > now else []
            return Batch([], _seconds_until_first(changes, now), paced=False)
        chosen: list[Ready] = []
        passed = set(blocked_chats)
        while True:  # 4
            wait, full = self._scan(chosen, free, passed, now, changes)
            if full or len(chosen) >= free or not self._more:
                break
            async with self._database.read() as connection:
                await self._read_page(connection, now, _NEXT_PAGES)
        return Batch(chosen, min(_seconds_until_first(changes, now), wait), paced=wait < math.inf)

    def _scan(
        self,
        chosen: list[Ready],
        free: int,
        passed: set[int],
        now: datetime,
        changes: list[datetime],
    ) -> tuple[float, bool]:
        """Move the messages that may go now from the queue to `chosen`.

        passed: chats whose later messages must wait, extended here. changes: extended by the ends of rests.
        Returns the seconds until a pacing window opens, and whether the account's own windows are full.
        """
        pacing, at = self._pacing, asyncio.get_running_loop().time()
        shortest_wait, full = math.inf, False
        remaining: list[WaitingMessage] = []
        for index, message in enumerate(self._queue):
            if full or len(chosen) >= free:
                remaining += self._queue[index:]
                break
            if message.chat_id in passed:
                remaining.append(message)
                continue
            passed.add(message.chat_id)
            silent_until = max(
                self._silent_until.get(message.chat_id, now), message.halted_until or now
            )
            group, answer = message.chat_kind == "group", message.priority == ANSWER
            wait = pacing.wait(None, group=False, answer=answer, at=at)
            if wait > 0 and not answer:
                full = (
                    True  # even a chat that was never written to must wait: so must all that follow
                )
            else:
                wait = pacing.wait(message.chat_id, group=group, answer=answer, at=at)
            if silent_until > now and not full:
                changes.append(silent_until)
                remaining.append(message)
            elif wait > 0:
                shortest_wait = min(shortest_wait, wait)
                remaining.append(message)
            else:
                slot = pacing.take(message.chat_id, group=group, at=at)
                chosen.append(Ready(message, slot))
        self._queue = remaining
        return shortest_wait, full

    async def _correct_set_back(self, now: datetime, by: timedelta) -> None:
        """Move rests and send_at instants back that a clock ahead of `now` produced."""
        self._silent_until = {chat: until - by for chat, until in self._silent_until.items()}
        async with self._database.write() as connection:
            await mend_set_back(connection, self._account_id, by=by, now=now)
        self._stale = True

    async def _reload(self, now: datetime) -> None:
        self._silent_until = {
            chat: until for chat, until in self._silent_until.items() if until > now
        }
        async with self._database.read() as connection:
            account = await load_send_state(connection, self._account_id, now=now)
            misdated = account.next_at is not None and await count_misdated(
                connection, now=now, account_id=self._account_id
            )
            if not misdated:
                self._queue, self._last_read = [], None
                await self._read_page(connection, now, _FIRST_PAGE)
        if misdated:
            async with self._database.write() as connection:
                await release_misdated(connection, self._account_id, now=now)
            return await self._reload(now)
        self._next_at = account.next_at
        self._stopped = account.stopped_at is not None
        if account.halted_until is not None:
            self.silence(None, account.halted_until)
        self._stale = False
        return None

    async def _read_page(self, connection: AsyncConnection, now: datetime, count: int) -> None:
        page = await list_waiting_messages(
            connection,
            self._account_id,
            now=now,
            broadcasts=self._broadcasts,
            after=self._last_read,
            limit=count,
        )
        self._more = len(page) == count
        if page:
            self._last_read = page[-1]
        self._queue += page


def _seconds_until_first(instants: list[datetime], now: datetime) -> float:
    return min(((instant - now).total_seconds() for instant in instants), default=math.inf)
