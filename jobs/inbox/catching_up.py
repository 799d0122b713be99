"""Many messages of one person at once, as after a time without the bot: handled in order, answered as one.

Guarantees:
- Each message has its effect in a transaction of its own, together with an answer that is held back.
- The held answers make way for one; where the process dies before, they leave by themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from data.outbox.messages import withdraw_held
from jobs.channel import Answer, Incoming
from jobs.inbox.albums import Lane
from jobs.inbox.effects import queue_answers

HELD = timedelta(seconds=15)
_SEVERAL = 4  # messages that wait together


class Summarise(Protocol):
    """Return what remains to be said, of the answers to several messages of one chat."""

    def __call__(
        self,
        connection: AsyncConnection,
        incoming: Incoming,
        answers: Sequence[Answer],
        *,
        event_ids: Sequence[int],
        now: datetime,
    ) -> Awaitable[list[Answer]]: ...


@dataclass(slots=True)
class HeldAnswers:
    """The answers of one chat that are held back, with the events that they answer."""

    event_ids: list[int] = field(default_factory=list)
    message_ids: list[int] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def add(
        self, event_id: int, answers: Sequence[Answer], message_ids: Sequence[int | None]
    ) -> None:
        """Note the answers to one event, with the message of each."""
        self.event_ids.append(event_id)
        for answer, message_id in zip(answers, message_ids, strict=True):
            if answer.to_chat is None and message_id is not None:
                self.answers.append(answer)
                self.message_ids.append(message_id)


def wait_together(lane: Lane) -> bool:
    """Tell whether a chat's events are one person's words, and so many that they are answered as one.

    Presses are answered where they were made.
    """
    private = all(incoming.chat_kind == "private" for _, incoming in lane)
    spoken = [incoming for _, incoming in lane if incoming.kind in ("text", "other")]
    return private and len(spoken) >= _SEVERAL


async def answer_as_one(
    connection: AsyncConnection,
    incoming: Incoming,
    held: HeldAnswers,
    summarise: Summarise,
    *,
    now: datetime,
) -> None:
    """Put what remains to be said in place of the held answers."""
    answers = await summarise(connection, incoming, held.answers, event_ids=held.event_ids, now=now)
    await withdraw_held(connection, held.message_ids, now=now)
    await queue_answers(connection, incoming, answers, now)
