"""Sends of one account: one attempt, and the claimed messages from claim to record."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Row

from jobs.channel import Channel, DeliveryError, OutgoingMessage, Receipt, Slot, Transient, Unknown
from jobs.delivery.lease import AccountLease
from jobs.delivery.outcomes import AttemptResult, Ending
from jobs.delivery.prepare import NotSent


class SendAttempts:
    """Attempts of one account; no send begins once another process may own the account."""

    def __init__(self, channel: Channel, account_lease: AccountLease) -> None:
        self._channel = channel
        self._account_lease = account_lease
        self._quickest = math.inf  # seconds from start to receipt

    async def send(self, outgoing: OutgoingMessage, slot: Slot) -> Ending:
        """Send once; never raises.

        slot: set to the latest instant at which the platform may have counted the message. Seconds beyond
        the quickest send so far may have passed before it arrived.
        """
        loop = asyncio.get_running_loop()
        slot.at = start = loop.time()
        if not await self._account_lease.holds():  # the process was suspended since the claim
            return Transient("the lease ran out before it was sent")
        ending: Ending
        try:
            ending = await self._channel.send(outgoing)
        except DeliveryError as error:
            ending = error
        except Exception as error:
            ending = Unknown(f"fault of the channel: {type(error).__name__}")
        seconds = loop.time() - start
        self._quickest = min(self._quickest, seconds)
        slot.at = start + seconds - self._quickest
        return ending


class InFlight:
    """The claimed messages of one account, from claim to record.

        start() ──▶ sending ──receipt or error──▶ results ──recorded──▶ remove()
        skip()  ────────────────────────────────────▲

    on_result: called whenever an attempt finishes.
    """

    def __init__(self, attempts: SendAttempts, on_result: Callable[[], None]) -> None:
        self.results: list[AttemptResult] = []
        self._attempts = attempts
        self._on_result = on_result
        self._sending: dict[int, asyncio.Task[None]] = {}
        self._chats: dict[int, int] = {}  # chat by message, from claim to record

    def __len__(self) -> int:
        """Return the number of claimed messages."""
        return len(self._chats)

    @property
    def message_ids(self) -> set[int]:
        """Messages that are being sent, or whose result is not recorded."""
        return {*self._sending, *(result.message.id for result in self.results)}

    def start(self, row: Row[Any], outgoing: OutgoingMessage, slot: Slot) -> None:
        """Start to send a claimed message."""
        self._chats[row.id] = row.chat_id
        self._sending[row.id] = asyncio.create_task(self._send(row, outgoing, slot))

    def skip(self, row: Row[Any], reason: NotSent) -> None:
        """Finish a claimed message that is not sent."""
        self._chats[row.id] = row.chat_id
        self.results.append(AttemptResult(row, reason))

    def remove(self, message_id: int) -> None:
        """Forget a message whose result is recorded."""
        self._chats.pop(message_id, None)

    def blocked_chats(self, finished: Iterable[AttemptResult]) -> set[int]:
        """Return the chats with a claimed message, but those whose message was sent.

        A chat whose message failed stays blocked until the failure is recorded: the retry keeps its place. So
        does one whose retry was sent: what waited for it was not read.
        """
        sent = {
            result.message.id
            for result in finished
            if isinstance(result.ending, Receipt) and result.message.attempts <= 1
        }
        return {chat_id for message_id, chat_id in self._chats.items() if message_id not in sent}

    async def wait_for_others(self, seconds: float) -> None:
        """Where an attempt has finished, wait for the others, at most so long."""
        if self.results and self._sending:
            await asyncio.wait(self._sending.values(), timeout=seconds)

    async def drain(self, seconds: float) -> None:
        """Wait for the sends at most so long, then cancel them."""
        if self._sending:
            _, late = await asyncio.wait(self._sending.values(), timeout=seconds)
            for task in late:
                task.cancel()
            self._sending.clear()

    def abandon(self) -> None:
        """Cancel all sends and forget all messages."""
        for task in self._sending.values():
            task.cancel()
        self._sending.clear()
        self.clear()

    def clear(self) -> None:
        """Forget all results and chats."""
        self.results.clear()
        self._chats.clear()

    async def _send(self, row: Row[Any], outgoing: OutgoingMessage, slot: Slot) -> None:
        ending = await self._attempts.send(outgoing, slot)
        self._sending.pop(row.id, None)
        self.results.append(AttemptResult(row, ending))
        self._on_result()
