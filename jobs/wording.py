"""From a claimed message to what a channel sends, or to why it is not sent.

Promises that a message with a fault of its own is told from a fault of the database: the first is
parked alone, the second is nobody's and is tried again. Declares what it needs of a renderer.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from data.database import FAULTS as DATABASE_FAULTS
from data.workdays import Workdays
from jobs.channel import Capabilities, Gone, OutgoingMessage
from jobs.outcomes import NotRenderable, Skipped


class Renderer(Protocol):
    """What puts a message into words; jobs.messages.Renderer is one."""

    async def content(
        self, connection: AsyncConnection, message: Any, *, today: date, workdays: Workdays
    ) -> Any | None:
        """Return what the message says today, or None where nothing is left to say."""

    def render(
        self,
        content: Any,
        capabilities: Capabilities,
        *,
        repeated: bool,
        plain: bool,
        address: str,
        thread: str = "",
        edits: str | None = None,
        reply_to: str | None = None,
    ) -> OutgoingMessage:
        """Give the content the form of a channel."""


class Unreadable(Exception):
    """Reading for one message spoilt the transaction: begin anew, without reading for that one."""

    def __init__(self, message_id: int, words: str) -> None:
        super().__init__(words)
        self.message_id = message_id


async def put_into_words(
    connection: AsyncConnection,
    message: Row[Any],
    *,
    renderer: Renderer,
    capabilities: Capabilities,
    today: date,
    workdays: Workdays,
) -> OutgoingMessage | Skipped | Gone | NotRenderable:
    """Return what is to be sent, or how the message ends without being sent.

    Raises Unreadable for a message whose reading the database refuses, and the database's own faults.
    """
    if message.chat_state == "gone":
        return Gone("the chat was lost before")
    edits = message.edits if capabilities.edits else None
    try:
        content = await renderer.content(connection, message, today=today, workdays=workdays)
        if content is None:
            return Skipped("nothing left to say")
        return renderer.render(
            content,
            capabilities,
            repeated=message.repeats > 0 and edits is None,  # an edit leaves no second copy
            plain=message.plain,
            address=message.address,
            thread=message.thread,
            edits=edits,
            reply_to=message.reply_to,
        )
    except DATABASE_FAULTS:
        raise  # the database's fault, not the message's
    except SQLAlchemyError as error:
        raise Unreadable(message.id, f"{type(error).__name__}: {error}") from error
    except Exception as error:
        return NotRenderable(f"{type(error).__name__}: {error}")
