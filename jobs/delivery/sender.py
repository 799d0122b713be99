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
from data.accounts.leases import Lease, LeaseLost
from data.clock import Clock, civil_date
from data.db.database import Database
from data.db.errors import DatabaseUnusable, describe_fault
from data.log import get_logger
from data.outbox import claims
from data.registry.workdays import Workdays
from jobs.channel import Channel, DeliveryError, OutgoingMessage, Receipt, Slot, Unauthorised
from jobs.delivery.attempt import SendAttempts
from jobs.delivery.lease import RENEW_SECONDS, AccountLease
from jobs.delivery.outcomes import AttemptResult, Cooldown, record_results
from jobs.delivery.prepare import MessagePreparer, MessageRenderer, Unreadable
from jobs.delivery.queue import Batch, Ready, SendQueue

log = get_logger("delivery")

_SHARED_LOOK = 1.0  # seconds between looks for what another process put, which may be an answer
_TOGETHER = 0.01  # seconds that an answer waits for the others in flight before it is recorded
_LAST_SECONDS = 10.0  # for what is in flight when the line stops
_LONGEST_HUSH = 60.0  # seconds of silence after many failures in a row


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a turn left behind: seconds until something may change, and whether only pacing holds it up."""

    seconds: float
    busy: bool  # something is in flight, or waits for a window and nothing else
    paced: bool = False  # something waits for a window


class AccountSender:
    """One account's way out; see the module."""

    def __init__(
        self,
        account_id: int,
        channel: Channel,
        *,
        database: Database,
        renderer: MessageRenderer,
        workdays_source: Callable[[], Workdays],
        clock: Clock,
        account_lease: AccountLease,
    ) -> None:
        self._account_id = account_id
        self._channel = channel
        self._database = database
        self._preparer = MessagePreparer(renderer, channel.capabilities, workdays_source)
        self._clock = clock
        self._account_lease = account_lease
        self._look_seconds = RENEW_SECONDS if database.is_sqlite else _SHARED_LOOK
        self._look_at = 0.0
        self._woken = asyncio.Event()
        self._closing = False
        self._queue = SendQueue(account_id, channel.pacing, database, workdays_source)
        self._attempts = SendAttempts(channel, account_lease)
        # in hand
        self._in_doubt = False  # the last transaction failed: was it done?
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._chats: dict[int, int] = {}  # message -> its chat, from claim to record
        self._results: list[AttemptResult] = []
        self._failures = 0  # in a row, of the network or by the platform's "wait"
        self.counts: Counter[str] = Counter()

    # -------------------------------------------------------------- the two ways to work

    async def run(self) -> None:
        """Work until stop() or cancellation; then wait a while for what is in flight, and let go."""
        pause = 1.0
        try:
            while not self._closing:
                try:
                    if self._account_lease.lease is None and (wait := await self._take_over()):
                        await self._sleep(wait)
                        continue
                    outlook = await self._run_round()
                    pause = 1.0
                    await self._sleep(outlook.seconds)
                    await self._wait_for_receipts(outlook)
                except LeaseLost:
                    self._abandon_lease()
                except Exception as error:
                    known = isinstance(error, DatabaseUnusable | SQLAlchemyError)
                    about = {"account": self._account_id, "error": describe_fault(error)}
                    log.error("delivery.held_up", **about, exc_info=not known)
                    await self._rest(pause)
                    pause = min(pause * 2, 30.0)
        finally:
            await self._finish()

    async def run_until_idle(self) -> Counter[str]:
        """Send what may be sent now, wait for windows of pacing only, let go; see Delivery."""
        self.counts.clear()
        self._queue.refresh()
        if await self._take_over():
            return Counter(not_owned=1)
        try:
            while (outlook := await self._run_round()).busy and not self._closing:
                await self._sleep(outlook.seconds)
                await self._wait_for_receipts(outlook)
        except LeaseLost:
            self._abandon_lease()
        finally:
            await self._finish()
        return self.counts

    def wake(self) -> None:
        """Look again now: something was put into the outbox, or the clock was moved."""
        self._queue.refresh()
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

    async def _wait_for_receipts(self, result: RoundResult) -> None:
        """Where one answer came, wait a moment for the others: a transaction records them all.

        Not where a window is about to open: who comes late there lags behind for as long as all are paced.
        """
        if self._results and self._sending and not result.paced:
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
        wait = await self._account_lease.take(
            repeats_unknown=self._channel.capabilities.repeats_unknown
        )
        if wait is None:
            await self._queue.replay_recent_sends(await self._clock.now())
            self._queue.refresh()
        return wait

    def _abandon_lease(self) -> None:
        """Forget everything in hand: the new owner settles it."""
        log.error("account.taken_over", account=self._account_id)
        self._account_lease.drop()
        self._results.clear()
        self._chats.clear()
        for task in self._sending.values():
            task.cancel()
        self._sending.clear()

    async def _finish(self) -> None:
        """Wait for what is in flight, record it and give the lease back; best effort."""
        lease = self._account_lease.lease
        self._account_lease.drop()
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
                pauses, _ = await record_results(
                    connection, lease, self._results, capabilities, now=now
                )
                await leases.release_lease(connection, lease, now=await self._account_lease.now())
            self._apply_results(self._results, pauses, now)
        except (LeaseLost, DatabaseUnusable, SQLAlchemyError) as error:
            why = type(error).__name__
            log.warning("lease.not_given_back", account=self._account_id, error=why)
        self._results.clear()
        self._chats.clear()

    # -------------------------------------------------------------- one turn

    async def _run_round(self) -> RoundResult:
        """Record what ended, claim what may go, start to send it."""
        lease = self._account_lease.lease
        assert lease is not None
        now = await self._clock.now()
        await self._account_lease.renew()
        if (at := asyncio.get_running_loop().time()) >= self._look_at:
            self._look_at = at + self._look_seconds
            self._queue.refresh()
        if self._in_doubt:
            await self._resolve_doubt(lease)
        ended = list(self._results)
        choice = await self._choose(now, ended)
        until = asyncio.get_running_loop().time() + choice.seconds
        if choice.chosen or ended:
            try:
                await self._record_and_claim(lease, ended, choice.chosen, now)
            except Unreadable as fault:  # begin anew, without reading for that one
                self._preparer.exclude(fault)
                return RoundResult(0.0, busy=True)
        # What an ending changed, or what ended meanwhile, may let something go at once.
        again = bool(self._results) or any(not isinstance(one.ending, Receipt) for one in ended)
        seconds = 0.0 if again else max(0.0, until - asyncio.get_running_loop().time())
        busy = again or bool(self._chats) or choice.paced
        return RoundResult(seconds, busy=busy, paced=choice.paced)

    async def _record_and_claim(
        self, lease: Lease, ended: list[AttemptResult], chosen: list[Ready], now: datetime
    ) -> None:
        """Do both in one transaction, then send."""
        slots = {one.message.id: one.slot for one in chosen}
        capabilities = self._channel.capabilities
        self._in_doubt = True
        async with self._database.write() as connection:
            pauses, rows = await record_results(
                connection, lease, ended, capabilities, now=now, claim_ids=[*slots]
            )
            read = await self._preparer.read(connection, rows, today=civil_date(now))
            wording = asyncio.create_task(self._preparer.prepare(rows, read))  # beside the commit
        words = await wording
        self._in_doubt = False
        self._preparer.reset()
        del self._results[: len(ended)]
        self._apply_results(ended, pauses, now)
        if len(rows) < len(chosen):
            self._queue.refresh()  # some were taken back
        for row, said in zip(rows, words, strict=True):
            self._chats[row.id] = row.chat_id
            if isinstance(said, OutgoingMessage):
                self._sending[row.id] = asyncio.create_task(self._send(row, said, slots[row.id]))
            else:
                self._results.append(AttemptResult(row, said))

    async def _resolve_doubt(self, lease: Lease) -> None:
        """After a transaction that failed, maybe in its commit: what was claimed in it goes back, and what
        it recorded after all is not recorded twice."""
        in_hand = {*self._sending, *(one.message.id for one in self._results)}
        async with self._database.write() as connection:
            left = await claims.release_claims(connection, lease, in_hand)
        recorded = [one for one in self._results if one.message.id not in left]
        self._results = [one for one in self._results if one.message.id in left]
        self._apply_results(recorded, [None] * len(recorded), await self._clock.now())
        self._in_doubt = False
        self._queue.refresh()

    async def _choose(self, now: datetime, ended: list[AttemptResult]) -> Batch:
        """Pick what is claimed in the same transaction that records what ended."""
        # A refusal may silence the whole account: it is recorded before anything else is chosen.
        if self._closing or any(isinstance(one.ending, DeliveryError) for one in ended):
            return Batch([], math.inf, paced=False)
        sent = {one.message.id for one in ended if isinstance(one.ending, Receipt)}
        passed = {chat for message, chat in self._chats.items() if message not in sent}
        free = self._channel.capabilities.in_flight - len(self._chats) + len(ended)
        return await self._queue.choose(now, free, passed)

    def _apply_results(
        self, ended: list[AttemptResult], pauses: list[Cooldown | None], now: datetime
    ) -> None:
        """Draw from recorded endings what concerns the next turns; one line in the log for each."""
        for one, pause in zip(ended, pauses, strict=True):
            message = one.message
            self._chats.pop(message.id, None)
            self.counts[one.outcome] += 1
            remote = one.ending.remote_id if isinstance(one.ending, Receipt) else None
            log.info("message.ended", **_of(message), outcome=one.outcome, remote=remote)
            if remote is not None:
                self._failures = 0
                continue
            self._queue.refresh()
            if isinstance(one.ending, Unauthorised):
                log.error("account.refused", account=self._account_id)
            if pause is None:
                continue
            self._queue.silence(None if pause.whole_account else message.chat_id, pause.until)
            self._failures += 1
            beyond = self._failures - self._channel.capabilities.in_flight
            if beyond >= 0:  # as many chats in a row: the fault is not the chats'
                seconds = min(_LONGEST_HUSH, 2.0 ** min(beyond, 8))
                self._queue.silence(None, now + timedelta(seconds=seconds))

    # -------------------------------------------------------------- sending

    async def _send(self, row: Row[Any], outgoing: OutgoingMessage, slot: Slot) -> None:
        ending = await self._attempts.send(outgoing, slot)
        self._sending.pop(row.id, None)
        self._results.append(AttemptResult(row, ending))
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
