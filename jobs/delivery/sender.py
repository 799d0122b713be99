"""The line of one account: claims what may go now, sends it, records how each attempt ended.

Promises that at most `in_flight` messages of the account are claimed, one a chat, in order within a
chat; that a message is claimed only when it may be sent at once; that each ending is recorded as soon as
it is known; and that no transaction is open while the network is used. Stops at once where another
process took the account over, and begins no send once another may have (jobs.delivery.lease).
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from data.accounts import leases
from data.accounts.leases import Lease
from data.clock import Clock, civil_date
from data.db.database import Database, DatabaseUnusable, words_of
from data.log import journal
from data.outbox import claims
from data.registry.workdays import Workdays
from jobs.channel import Channel, DeliveryError, OutgoingMessage, Receipt, Slot, Unauthorised
from jobs.delivery.attempt import Attempts
from jobs.delivery.lease import RENEW_SECONDS, LeaseLost, Tenure
from jobs.delivery.outcomes import Ended, Pause, record
from jobs.delivery.prepare import Renderer, Unreadable, Wording
from jobs.delivery.queue import Ahead, Choice, Chosen

log = journal("delivery")

_SHARED_LOOK = 1.0  # seconds between looks for what another process put, which may be an answer
_TOGETHER = 0.01  # seconds that an answer waits for the others in flight before it is recorded
_LAST_SECONDS = 10.0  # for what is in flight when the line stops
_LONGEST_HUSH = 60.0  # seconds of silence after many failures in a row


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a turn left behind: seconds until something may change, and whether only pacing holds it up."""

    seconds: float
    busy: bool  # something is in flight, or waits for a window and nothing else
    paced: bool = False  # something waits for a window


class Line:
    """One account's way out; see the module."""

    def __init__(
        self,
        account_id: int,
        channel: Channel,
        *,
        database: Database,
        renderer: Renderer,
        workdays_source: Callable[[], Workdays],
        clock: Clock,
        tenure: Tenure,
    ) -> None:
        self._account_id = account_id
        self._channel = channel
        self._database = database
        self._wording = Wording(renderer, channel.capabilities, workdays_source)
        self._clock = clock
        self._tenure = tenure
        self._look_seconds = RENEW_SECONDS if database.is_sqlite else _SHARED_LOOK
        self._look_at = 0.0
        self._woken = asyncio.Event()
        self._closing = False
        self._ahead = Ahead(account_id, channel.pacing, database, workdays_source)
        self._attempts = Attempts(channel, tenure)
        # in hand
        self._in_doubt = False  # the last transaction failed: was it done?
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._chats: dict[int, int] = {}  # message -> its chat, from claim to record
        self._ended: list[Ended] = []
        self._failures = 0  # in a row, of the network or by the platform's "wait"
        self.counts: Counter[str] = Counter()

    # -------------------------------------------------------------- the two ways to work

    async def run(self) -> None:
        """Work until stop() or cancellation; then wait a while for what is in flight, and let go."""
        pause = 1.0
        try:
            while not self._closing:
                try:
                    if self._tenure.lease is None and (wait := await self._take_over()):
                        await self._sleep(wait)
                        continue
                    outlook = await self._turn()
                    pause = 1.0
                    await self._sleep(outlook.seconds)
                    await self._gather(outlook)
                except LeaseLost:
                    self._lost()
                except Exception as error:
                    known = isinstance(error, DatabaseUnusable | SQLAlchemyError)
                    about = {"account": self._account_id, "error": words_of(error)}
                    log.error("delivery.held_up", **about, exc_info=not known)
                    await self._rest(pause)
                    pause = min(pause * 2, 30.0)
        finally:
            await self._finish()

    async def run_until_idle(self) -> Counter[str]:
        """Send what may be sent now, wait for windows of pacing only, let go; see Delivery."""
        self.counts.clear()
        self._ahead.refresh()
        if await self._take_over():
            return Counter(not_owned=1)
        try:
            while (outlook := await self._turn()).busy and not self._closing:
                await self._sleep(outlook.seconds)
                await self._gather(outlook)
        except LeaseLost:
            self._lost()
        finally:
            await self._finish()
        return self.counts

    def wake(self) -> None:
        """Look again now: something was put into the outbox, or the clock was moved."""
        self._ahead.refresh()
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more; run() ends when what is in flight is recorded."""
        self._closing = True
        self._woken.set()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, self._look_seconds)):
                await self._woken.wait()
        self._woken.clear()

    async def _gather(self, outlook: Outlook) -> None:
        """Where one answer came, wait a moment for the others: a transaction records them all.

        Not where a window is about to open: who comes late there lags behind for as long as all are paced.
        """
        if self._ended and self._sending and not outlook.paced:
            await asyncio.wait(self._sending.values(), timeout=_TOGETHER)

    async def _rest(self, seconds: float) -> None:
        """Wait so long whoever wakes, but no longer than until stop()."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._closing and loop.time() < until:
            await self._sleep(until - loop.time())

    # -------------------------------------------------------------- the lease

    async def _take_over(self) -> float | None:
        """Take the account; returns the seconds after which to try again where another process has it."""
        wait = await self._tenure.take(repeats_unknown=self._channel.capabilities.repeats_unknown)
        if wait is None:
            await self._ahead.recall(await self._clock.now())
            self._ahead.refresh()
        return wait

    def _lost(self) -> None:
        """Forget everything in hand: the new owner settles it."""
        log.error("account.taken_over", account=self._account_id)
        self._tenure.end()
        self._ended.clear()
        self._chats.clear()
        for task in self._sending.values():
            task.cancel()
        self._sending.clear()

    async def _finish(self) -> None:
        """Wait for what is in flight, record it and give the lease back; best effort."""
        lease = self._tenure.lease
        self._tenure.end()
        if self._sending:
            _, late = await asyncio.wait(self._sending.values(), timeout=_LAST_SECONDS)
            for task in late:
                task.cancel()
            self._sending.clear()
        if lease is None:
            return
        capabilities = self._channel.capabilities
        try:
            now = await self._clock.now()
            async with self._database.write() as connection:
                pauses, _ = await record(connection, lease, self._ended, capabilities, now=now)
                await leases.release(connection, lease, now=await self._tenure.now())
            self._note(self._ended, pauses, now)
        except (LeaseLost, DatabaseUnusable, SQLAlchemyError) as error:
            why = type(error).__name__
            log.warning("lease.not_given_back", account=self._account_id, error=why)
        self._ended.clear()
        self._chats.clear()

    # -------------------------------------------------------------- one turn

    async def _turn(self) -> Outlook:
        """Record what ended, claim what may go, start to send it."""
        lease = self._tenure.lease
        assert lease is not None
        now = await self._clock.now()
        await self._tenure.renew()
        if (at := asyncio.get_running_loop().time()) >= self._look_at:
            self._look_at = at + self._look_seconds
            self._ahead.refresh()
        if self._in_doubt:
            await self._make_sure(lease)
        ended = list(self._ended)
        choice = await self._choose(now, ended)
        until = asyncio.get_running_loop().time() + choice.seconds
        if choice.chosen or ended:
            try:
                await self._record_and_claim(lease, ended, choice.chosen, now)
            except Unreadable as fault:  # begin anew, without reading for that one
                self._wording.spare(fault)
                return Outlook(0.0, busy=True)
        # What an ending changed, or what ended meanwhile, may let something go at once.
        again = bool(self._ended) or any(not isinstance(one.ending, Receipt) for one in ended)
        seconds = 0.0 if again else max(0.0, until - asyncio.get_running_loop().time())
        busy = again or bool(self._chats) or choice.paced
        return Outlook(seconds, busy=busy, paced=choice.paced)

    async def _record_and_claim(
        self, lease: Lease, ended: list[Ended], chosen: list[Chosen], now: datetime
    ) -> None:
        """Do both in one transaction, then send."""
        slots = {one.message.id: one.slot for one in chosen}
        capabilities = self._channel.capabilities
        self._in_doubt = True
        async with self._database.write() as connection:
            pauses, rows = await record(
                connection, lease, ended, capabilities, now=now, then_claim=[*slots]
            )
            read = await self._wording.read(connection, rows, today=civil_date(now))
            wording = asyncio.create_task(self._wording.words(rows, read))  # beside the commit
        words = await wording
        self._in_doubt = False
        self._wording.forget()
        del self._ended[: len(ended)]
        self._note(ended, pauses, now)
        if len(rows) < len(chosen):
            self._ahead.refresh()  # some were taken back
        for row, said in zip(rows, words, strict=True):
            self._chats[row.id] = row.chat_id
            if isinstance(said, OutgoingMessage):
                self._sending[row.id] = asyncio.create_task(self._send(row, said, slots[row.id]))
            else:
                self._ended.append(Ended(row, said))

    async def _make_sure(self, lease: Lease) -> None:
        """After a transaction that failed, maybe in its commit: what was claimed in it goes back, and what
        it recorded after all is not recorded twice."""
        in_hand = {*self._sending, *(one.message.id for one in self._ended)}
        async with self._database.write() as connection:
            left = await claims.unclaim(connection, lease, in_hand)
        recorded = [one for one in self._ended if one.message.id not in left]
        self._ended = [one for one in self._ended if one.message.id in left]
        self._note(recorded, [None] * len(recorded), await self._clock.now())
        self._in_doubt = False
        self._ahead.refresh()

    async def _choose(self, now: datetime, ended: list[Ended]) -> Choice:
        """Pick what is claimed in the same transaction that records what ended."""
        # A refusal may silence the whole account: it is recorded before anything else is chosen.
        if self._closing or any(isinstance(one.ending, DeliveryError) for one in ended):
            return Choice([], math.inf, paced=False)
        sent = {one.message.id for one in ended if isinstance(one.ending, Receipt)}
        passed = {chat for message, chat in self._chats.items() if message not in sent}
        free = self._channel.capabilities.in_flight - len(self._chats) + len(ended)
        return await self._ahead.choose(now, free, passed)

    def _note(self, ended: list[Ended], pauses: list[Pause | None], now: datetime) -> None:
        """Draw from recorded endings what concerns the next turns; one line in the log for each."""
        for one, pause in zip(ended, pauses, strict=True):
            message = one.message
            self._chats.pop(message.id, None)
            self.counts[one.word] += 1
            remote = one.ending.remote_id if isinstance(one.ending, Receipt) else None
            log.info("message.ended", **_of(message), outcome=one.word, remote=remote)
            if remote is not None:
                self._failures = 0
                continue
            self._ahead.refresh()
            if isinstance(one.ending, Unauthorised):
                log.error("account.refused", account=self._account_id)
            if pause is None:
                continue
            self._ahead.silence(None if pause.account else message.chat_id, pause.until)
            self._failures += 1
            beyond = self._failures - self._channel.capabilities.in_flight
            if beyond >= 0:  # as many chats in a row: the fault is not the chats'
                seconds = min(_LONGEST_HUSH, 2.0 ** min(beyond, 8))
                self._ahead.silence(None, now + timedelta(seconds=seconds))

    # -------------------------------------------------------------- sending

    async def _send(self, row: Row[Any], outgoing: OutgoingMessage, slot: Slot) -> None:
        ending = await self._attempts.make(outgoing, slot)
        self._sending.pop(row.id, None)
        self._ended.append(Ended(row, ending))
        self._woken.set()


def _of(message: Row[Any]) -> dict[str, Any]:
    return {
        "message": message.id,
        "account": message.account_id,
        "chat": message.chat_id,
        "template": message.template,
        "page": f"{message.page}/{message.pages}",
        "attempt": message.attempts,
    }
