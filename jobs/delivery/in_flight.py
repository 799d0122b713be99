"""Messages that this process has claimed: being sent, or finished and not recorded yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Row

from jobs.channel import OutgoingMessage, Receipt, Slot
from jobs.delivery.attempt import SendAttempts
from jobs.delivery.outcomes import AttemptResult
from jobs.delivery.prepare import NotSent


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

        A chat whose message failed stays blocked until the failure is recorded: the retry keeps its place.
        """
        sent = {result.message.id for result in finished if isinstance(result.ending, Receipt)}
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
