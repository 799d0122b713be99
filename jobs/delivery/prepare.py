"""From claimed messages to what a channel sends, or to why one is not sent.

Promises that what several say is read in one look, and that a message with a fault of its own is told from
a fault of the database: the first is parked alone, the second is nobody's and is tried again. Declares what
it needs of a renderer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.errors import DATABASE_ERRORS
from data.registry.workdays import Workdays
from jobs.channel import Capabilities, Gone, OutgoingMessage
from jobs.delivery.outcomes import NotRenderable, Skipped


class MessageRenderer(Protocol):
    """What puts a message into words; jobs.rendering.renderer.Renderer is one."""

    async def listed(
        self, connection: AsyncConnection, messages: Sequence[Any]
    ) -> Mapping[int, Any]:
        """Read in one look what content() needs of each message."""

    async def content(
        self,
        connection: AsyncConnection,
        message: Any,
        *,
        today: date,
        workdays: Workdays,
        listed: Mapping[int, Any] | None = None,
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
    """Reading for messages spoilt the transaction: begin anew, without reading for that one.

    message_id: None where several were read for in one look; begin anew and read for each apart.
    """

    def __init__(self, message_id: int | None, words: str) -> None:
        super().__init__(words)
        self.message_id = message_id


NotSent = Skipped | Gone | NotRenderable
Prepared = OutgoingMessage | NotSent


@dataclass(frozen=True, slots=True)
class LoadedContent:
    """What a message says, as its renderer read it."""

    content: Any


class MessagePreparer:
    """How the messages of one account are put into words; see the module."""

    def __init__(
        self,
        renderer: MessageRenderer,
        capabilities: Capabilities,
        workdays_source: Callable[[], Workdays],
    ) -> None:
        self._renderer = renderer
        self._capabilities = capabilities
        self._workdays_source = workdays_source
        self._unreadable: dict[int, str] = {}  # messages that are not read for, with why
        self._apart = False  # read for each message by itself

    async def read(
        self, connection: AsyncConnection, messages: Sequence[Row[Any]], *, today: date
    ) -> list[LoadedContent | NotSent]:
        """Return of each message what it says, or how it ends without being sent.

        Raises Unreadable for what the database refuses to read (then spare() it and begin anew), and the
        database's own faults.
        """
        listed = None
        if not self._apart:
            readable = [one for one in messages if one.id not in self._unreadable]
            listed = await self._listed(connection, readable)
        return [
            NotRenderable(self._unreadable[message.id])
            if message.id in self._unreadable
            else await self._read(connection, message, listed, today)
            for message in messages
        ]

    async def prepare(
        self, messages: Sequence[Row[Any]], read: Sequence[LoadedContent | NotSent]
    ) -> list[Prepared]:
        """Put into words what was read of each message; never raises."""
        return [
            self._word(message, said) if isinstance(said, LoadedContent) else said
            for message, said in zip(messages, read, strict=True)
        ]

    def exclude(self, fault: Unreadable) -> None:
        """Read no more for that message, or (where nobody knows which) for each apart; until forget()."""
        if fault.message_id is None:
            self._apart = True
        else:
            self._unreadable[fault.message_id] = str(fault)

    def reset(self) -> None:
        """Read for all again; call when the transaction is committed."""
        self._apart = False
        self._unreadable.clear()

    async def _listed(
        self, connection: AsyncConnection, messages: Sequence[Row[Any]]
    ) -> Mapping[int, Any] | None:
        """Read for all in one look; None where a value of one cannot be understood."""
        try:
            return await self._renderer.listed(connection, messages)
        except DATABASE_ERRORS:
            raise
        except SQLAlchemyError as error:
            raise Unreadable(None, f"{type(error).__name__}: {error}") from error
        except Exception:
            return None  # then each is read for by itself, and only that one is parked

    async def _read(
        self,
        connection: AsyncConnection,
        message: Row[Any],
        listed: Mapping[int, Any] | None,
        today: date,
    ) -> LoadedContent | NotSent:
        if message.chat_state == "gone":
            return Gone("the chat was lost before")
        try:
            content = await self._renderer.content(
                connection, message, today=today, workdays=self._workdays_source(), listed=listed
            )
        except DATABASE_ERRORS:
            raise  # the database's fault, not the message's
        except SQLAlchemyError as error:
            raise Unreadable(message.id, f"{type(error).__name__}: {error}") from error
        except Exception as error:
            return NotRenderable(f"{type(error).__name__}: {error}")
        return Skipped("nothing left to say") if content is None else LoadedContent(content)

    def _word(self, message: Row[Any], said: LoadedContent) -> Prepared:
        edits = message.edits if self._capabilities.edits else None
        try:
            return self._renderer.render(
                said.content,
                self._capabilities,
                repeated=message.repeats > 0 and edits is None,  # an edit leaves no second copy
                plain=message.plain,
                address=message.address,
                thread=message.thread,
                edits=edits,
                reply_to=message.reply_to,
            )
        except Exception as error:
            return NotRenderable(f"{type(error).__name__}: {error}")
