"""Send the messages of one account: claim what may go now, send it, record the results.

    pending ──choose, claim──▶ claimed ──send──▶ result ──record──▶ sent, pending again, or parked
    (outbox)                   (outbox)          (memory)           (outbox)

Guarantees:
- At most `in_flight` messages of the account are claimed, one a chat, in order within a chat, and each only
  when it may be sent at once.
- No transaction is open while the network is used.
- A process that lost the account sends nothing more and records nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from data.accounts import leases
from data.accounts.leases import Lease, LeaseLost
from data.clock import Clock, civil_date
from data.db.database import Database
from data.db.errors import DatabaseUnusable, describe_fault
from data.log import get_logger
from data.outbox import claims
from data.registry.workdays import Workdays
from jobs.channel import Channel, DeliveryError, OutgoingMessage, Receipt, Unauthorised
from jobs.delivery.in_flight import InFlight, SendAttempts
from jobs.delivery.lease import RENEW_SECONDS, AccountLease
from jobs.delivery.outcomes import AttemptResult, Cooldown, record_results
from jobs.delivery.prepare import MessagePreparer, Unreadable
from jobs.delivery.queue import Batch, Ready, SendQueue
from jobs.rendering.renderer import Renderer

log = get_logger("delivery")

_POLL_SECONDS = 1.0  # on a server, for what another process put, which may be an answer
_RECEIPT_WAIT = 0.01  # seconds that the first receipt of a round waits for the others
_DRAIN_SECONDS = 10.0  # for the messages in flight when the sender stops
_LONGEST_SILENCE = 60.0  # seconds without a send after many failures in a row


@dataclass(frozen=True, slots=True)
class RoundResult:
    """When another round is worthwhile, and whether the account has work."""

    seconds: float  # until something may change
    busy: bool  # a message is in flight, or held up by a pacing window and nothing else
    paced: bool = False  # a message is held up by a pacing window


class AccountSender:
    """The send loop of one account."""

    def __init__(
        self,
        account_id: int,
        channel: Channel,
        *,
        database: Database,
        renderer: Renderer,
        workdays_source: Callable[[], Workdays],
        clock: Clock,
        account_lease: AccountLease,
    ) -> None:
        self.counts: Counter[str] = Counter()  # results by outcome
        self._account_id = account_id
        self._channel = channel
        self._database = database
        self._clock = clock
        self._account_lease = account_lease
        self._preparer = MessagePreparer(renderer, channel.capabilities, workdays_source)
        self._queue = SendQueue(account_id, channel.pacing, database, workdays_source)
        self._woken = asyncio.Event()
        self._in_flight = InFlight(SendAttempts(channel, account_lease), self._woken.set)
        self._in_doubt = False  # the last transaction failed, maybe in its commit
        self._stopping = False
        self._poll_seconds = RENEW_SECONDS if database.is_sqlite else _POLL_SECONDS
        self._poll_at = 0.0
        self._failures = 0  # in a row: of the network, or the platform's "wait"

    async def run(self) -> None:
        """Run rounds until stop() or cancellation; then drain the messages in flight and release the lease."""
        backoff = 1.0
        try:
            while not self._stopping:
                try:
                    if self._account_lease.lease is None and (wait := await self._take_lease()):
                        await self._sleep(wait)
                        continue
                    result = await self._run_round()
                    backoff = 1.0
                    await self._sleep(result.seconds)
                    await self._gather_receipts(result)
                except LeaseLost:
                    self._abandon_lease()
                except Exception as error:
                    known = isinstance(error, DatabaseUnusable | SQLAlchemyError)
                    about = {"account": self._account_id, "error": describe_fault(error)}
                    log.error("delivery.held_up", **about, exc_info=not known)
                    await self._sleep_through(backoff)
                    backoff = min(backoff * 2, 30.0)
        finally:
            await self._finish()

    async def run_until_idle(self) -> Counter[str]:
        """Send what may be sent now, waiting for pacing windows alone; see Dispatcher.run_until_idle."""
        self.counts.clear()
        self._queue.refresh()
        if await self._take_lease():
            return Counter(not_owned=1)
        try:
            while (result := await self._run_round()).busy and not self._stopping:
                await self._sleep(result.seconds)
                await self._gather_receipts(result)
        except LeaseLost:
            self._abandon_lease()
        finally:
            await self._finish()
        return self.counts

    def wake(self) -> None:
        """Start a round now: a message was put into the outbox, or the clock was moved."""
        self._queue.refresh()
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more; run() ends when the messages in flight are recorded."""
        self._stopping = True
        self._woken.set()

    async def _sleep(self, seconds: float) -> None:
        """Sleep until woken, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, self._poll_seconds)):
                await self._woken.wait()
        self._woken.clear()

    async def _sleep_through(self, seconds: float) -> None:
        """Sleep so long even where woken, but no longer than until stop()."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._stopping and loop.time() < until:
            await self._sleep(until - loop.time())

    async def _gather_receipts(self, result: RoundResult) -> None:
        """After the first receipt wait for the others, to record them all in one transaction.

        Not where a window is about to open: a late send there delays every send after it.
        """
        if not result.paced:
            await self._in_flight.wait_for_others(_RECEIPT_WAIT)

    async def _take_lease(self) -> float | None:
        """Take the account; returns the seconds until a retry where another process owns it."""
        wait = await self._account_lease.take(
            repeats_unknown=self._channel.capabilities.repeats_unknown
        )
        if wait is None:
            await self._queue.replay_recent_sends(await self._clock.now())
            self._queue.refresh()
        return wait

    def _abandon_lease(self) -> None:
        """Forget all claimed messages: the new owner settles them."""
        log.error("account.taken_over", account=self._account_id)
        self._account_lease.drop()
        self._in_flight.abandon()

    async def _finish(self) -> None:
        """Drain the messages in flight, record them and release the lease; best effort."""
        lease = self._account_lease.lease
        self._account_lease.drop()
        await self._in_flight.drain(_DRAIN_SECONDS)
        if lease is None:
            return
        results = self._in_flight.results
        try:
            now = await self._clock.now()
            async with self._database.write() as connection:
                cooldowns, _ = await record_results(
                    connection, lease, results, self._channel.capabilities, now=now
                )
                await leases.release_lease(connection, lease, now=await self._account_lease.now())
            self._apply_results(results, cooldowns, now)
        except (LeaseLost, DatabaseUnusable, SQLAlchemyError) as error:
            about = {"account": self._account_id, "error": type(error).__name__}
            log.warning("lease.not_given_back", **about)
        self._in_flight.clear()

    async def _run_round(self) -> RoundResult:
        """Record finished attempts, claim the messages that may go now, start to send them.

        1. Renew the lease; LeaseLost ends the round.
        2. Every second (SQLite: every five) read the queue anew, for messages that another process put.
        3. Resolve the last transaction, where it failed and may yet have been committed.
        4. Choose the messages to claim. None while a refusal waits to be recorded: it may stop the account.
        5. In one transaction record the results, claim the chosen messages and read their content.
           Where that fails for one message's content, begin anew without it.
        6. Render the messages while the transaction commits.
        7. Forget the recorded results and start to send the rendered messages.
        8. Say when to come again: at once where an attempt failed, was a retry or finished meanwhile (each
           may free a slot or a chat), else when the queue expects a change.
        """
        loop = asyncio.get_running_loop()
        now = await self._clock.now()
        lease = self._account_lease.lease
        assert lease is not None
        await self._account_lease.renew()  # 1
        if loop.time() >= self._poll_at:  # 2
            self._poll_at = loop.time() + self._poll_seconds
            self._queue.refresh()
        if self._in_doubt:  # 3
            await self._resolve_doubt(lease)
        finished = list(self._in_flight.results)
        batch = await self._choose(now, finished)  # 4
        until = loop.time() + batch.seconds
        if batch.chosen or finished:
            try:
                await self._record_and_claim(lease, finished, batch.chosen, now)  # 5-7
            except Unreadable as fault:
                self._preparer.exclude(fault)
                return RoundResult(0.0, busy=True)
        again = bool(self._in_flight.results) or any(  # 8
            not isinstance(result.ending, Receipt) or result.message.attempts > 1
            for result in finished
        )
        seconds = 0.0 if again else max(0.0, until - loop.time())
        busy = again or len(self._in_flight) > 0 or batch.paced
        return RoundResult(seconds, busy=busy, paced=batch.paced)

    async def _choose(self, now: datetime, finished: list[AttemptResult]) -> Batch:
        """Choose the messages to claim in the transaction that records the finished ones."""
        if self._stopping or any(isinstance(one.ending, DeliveryError) for one in finished):
            return Batch([], math.inf, paced=False)
        free = self._channel.capabilities.in_flight - len(self._in_flight) + len(finished)
        return await self._queue.choose(now, free, self._in_flight.blocked_chats(finished))

    async def _record_and_claim(
        self, lease: Lease, finished: list[AttemptResult], chosen: list[Ready], now: datetime
    ) -> None:
        """Carry out steps 5 to 7 of a round; raises Unreadable and LeaseLost."""
        slots = {ready.message.id: ready.slot for ready in chosen}
        chats = {ready.message.id: ready.message.chat_id for ready in chosen}
        capabilities = self._channel.capabilities
        self._in_doubt = True
        async with self._database.write() as connection:  # 5
            cooldowns, rows = await record_results(
                connection, lease, finished, capabilities, now=now, claim=chats
            )
            contents = await self._preparer.read(connection, rows, today=civil_date(now))
            rendering = asyncio.create_task(self._preparer.prepare(rows, contents))  # 6
        prepared = await rendering
        self._in_doubt = False
        self._preparer.reset()
        del self._in_flight.results[: len(finished)]  # 7
        self._apply_results(finished, cooldowns, now)
        if len(rows) < len(chosen):
            self._queue.refresh()  # some were withdrawn, or rerouted, since they were read
        for row, outgoing in zip(rows, prepared, strict=True):
            if isinstance(outgoing, OutgoingMessage):
                self._in_flight.start(row, outgoing, slots[row.id])
            else:
                self._in_flight.skip(row, outgoing)

    async def _resolve_doubt(self, lease: Lease) -> None:
        """Find out what the failed transaction did: undo its claims, and keep results it did not record."""
        message_ids = self._in_flight.message_ids
        async with self._database.write() as connection:
            unrecorded = await claims.release_claims(connection, lease, message_ids)
        results = self._in_flight.results
        recorded = [result for result in results if result.message.id not in unrecorded]
        self._in_flight.results = [one for one in results if one.message.id in unrecorded]
        self._apply_results(recorded, [None] * len(recorded), await self._clock.now())
        self._in_doubt = False
        self._queue.refresh()

    def _apply_results(
        self, recorded: list[AttemptResult], cooldowns: list[Cooldown | None], now: datetime
    ) -> None:
        """Log and count recorded results, and silence the chats or the account that must rest."""
        for result, cooldown in zip(recorded, cooldowns, strict=True):
            message = result.message
            self._in_flight.remove(message.id)
            self.counts[result.outcome] += 1
            remote = result.ending.remote_id if isinstance(result.ending, Receipt) else None
            log.info("message.ended", **result.log_fields, outcome=result.outcome, remote=remote)
            if remote is not None:
                self._failures = 0
                if message.attempts > 1:  # it may have held up others of its chat
                    self._queue.refresh()
                continue
            self._queue.refresh()
            if isinstance(result.ending, Unauthorised):
                log.error("account.refused", account=self._account_id)
            if cooldown is None:
                continue
            self._queue.silence(None if cooldown.whole_account else message.chat_id, cooldown.until)
            self._failures += 1
            excess = self._failures - self._channel.capabilities.in_flight
            if excess >= 0:  # so many chats in a row: the network or the platform is at fault
                seconds = min(_LONGEST_SILENCE, 2.0 ** min(excess, 8))
                self._queue.silence(None, now + timedelta(seconds=seconds))
