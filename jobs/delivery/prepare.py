"""Prepare claimed messages: read their content, render it, or say why one is not sent.

Guarantees:
- The content of several messages is read with one set of statements.
- A message with a fault of its own is parked alone; a fault of the database parks none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.errors import DATABASE_ERRORS
from data.outbox.messages import replace_context
from data.registry.workdays import Workdays
from data.text import utf16_length
from jobs.channel import Capabilities, Gone, OutgoingMessage
from jobs.delivery.outcomes import NotRenderable, Skipped
from jobs.rendering.fitting import is_laid_out_for_more, shorter_contexts
from jobs.rendering.renderer import Content, Renderer


class Unreadable(Exception):
    """Reading a message's content broke the transaction: exclude() the message and begin anew.

    message_id: None where several were read together; then each is read apart.
    """

    def __init__(self, message_id: int | None, detail: str) -> None:
        super().__init__(detail)
        self.message_id = message_id


NotSent = Skipped | Gone | NotRenderable
Prepared = OutgoingMessage | NotSent


class MessagePreparer:
    """The preparation of one account's messages."""

    def __init__(
        self,
        renderer: Renderer,
        capabilities: Capabilities,
        workdays_source: Callable[[], Workdays],
    ) -> None:
        self._renderer = renderer
        self._capabilities = capabilities
        self._workdays_source = workdays_source
        self._unreadable: dict[int, str] = {}  # excluded messages, with the fault
        self._apart = False  # read each message by itself

    async def read(
        self, connection: AsyncConnection, messages: Sequence[Row[Any]], *, today: date
    ) -> list[Content | NotSent]:
        """Return each message's content, or why it is not sent.

        Raises Unreadable where a message's values make a statement fail, and the database's own faults.
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
        self, messages: Sequence[Row[Any]], contents: Sequence[Content | NotSent]
    ) -> list[Prepared]:
        """Render the content of each message; never raises."""
        return [
            content if isinstance(content, NotSent) else self._render(message, content)
            for message, content in zip(messages, contents, strict=True)
        ]

    def exclude(self, fault: Unreadable) -> None:
        """Read that message no more, or (message unknown) each message apart, until reset()."""
        if fault.message_id is None:
            self._apart = True
        else:
            self._unreadable[fault.message_id] = str(fault)

    def reset(self) -> None:
        """Read all messages together again; call when the transaction is committed."""
        self._apart = False
        self._unreadable.clear()

    async def _listed(
        self, connection: AsyncConnection, messages: Sequence[Row[Any]]
    ) -> Mapping[int, Any] | None:
        """Read for all messages together; None where one has a value that cannot be understood."""
        try:
            return await self._renderer.listed(connection, messages)
        except DATABASE_ERRORS:
            raise
        except SQLAlchemyError as error:
            raise Unreadable(None, f"{type(error).__name__}: {error}") from error
        except Exception:
            return None  # then each is read by itself, and only the faulty one is parked

    async def _read(
        self,
        connection: AsyncConnection,
        message: Row[Any],
        listed: Mapping[int, Any] | None,
        today: date,
    ) -> Content | NotSent:
        if message.chat_state == "gone":
            return Gone("the chat was lost before")
        until = message.enrolled_until
        if message.needs_right and (until is None or until < today):
            return Skipped("nobody here is enrolled any more")
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
        if content is None:
            return Skipped("nothing left to say")
        if is_laid_out_for_more(message.context, self._capabilities.max_text):
            return await self._fit(connection, message, content, listed, today)
        return content

    async def _fit(
        self,
        connection: AsyncConnection,
        message: Row[Any],
        content: Content,
        listed: Mapping[int, Any] | None,
        today: date,
    ) -> Content:
        """Show less of a morning that came from a channel with more room; its numbers count for what it shows."""
        unlimited = replace(self._capabilities, max_text=sys.maxsize)
        shorter = shorter_contexts(message.context)
        context: dict[str, Any] | None = None
        while True:
            text = self._renderer.render(
                content, unlimited, repeated=True, plain=message.plain, address=""
            ).text
            if utf16_length(text) <= self._capabilities.max_text:
                break
            context = next(shorter, None)
            if context is None:
                return content  # a single item is too long: it is cut
            less = SimpleNamespace(**{**message._mapping, "context": context})
            content = (
                await self._renderer.content(
                    connection,
                    less,
                    today=today,
                    workdays=self._workdays_source(),
                    listed=listed,
                )
                or content
            )
        if context is not None:
            await replace_context(connection, message.id, context)
        return content

    def _render(self, message: Row[Any], content: Content) -> Prepared:
        edits = message.edits if self._capabilities.edits else None
        try:
            return self._renderer.render(
                content,
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
