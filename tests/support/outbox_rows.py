"""Accounts, chats and messages for the tests of delivery, and a small renderer of their own."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import DataError
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.leases import ensure_account
from data.clock import ZONE, SteppedClock
from data.db.database import Database
from data.models import Account, Chat, Delivery, Message
from data.outbox import messages as outbox
from data.registry.workdays import Workdays
from jobs.channel import Button, Capabilities, Channel, OutgoingMessage
from jobs.delivery.dispatcher import Dispatcher as Sender

MORNING = datetime(2026, 11, 23, 7, 30, tzinfo=ZONE)  # a Monday that is worked


class PlainWords:
    """Says context["text"]; nothing for "nothing".

    Cannot say "unsayable"; nor read "unreadable" (the database refuses) or "garbled" (no such value).
    """

    async def listed(self, connection: AsyncConnection, messages: Sequence[Any]) -> dict[int, Any]:
        for message in messages:
            self._read(message)
        return {message.id: message for message in messages}

    async def content(
        self,
        connection: AsyncConnection,
        message: Any,
        *,
        today: date,
        workdays: Workdays,
        listed: Mapping[int, Any] | None = None,
    ) -> Any | None:
        if message.template == "nothing":
            return None
        if listed is None:
            self._read(message)
        return message

    def _read(self, message: Any) -> None:
        if message.template == "unreadable":
            raise DataError("SELECT a value that cannot be read", None, ValueError("no date"))
        if message.template == "garbled":
            raise ValueError("no date")

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
        if content.template == "unsayable":
            raise KeyError("a name that the template wants")
        text = content.context["text"] + (" (gửi lại)" if repeated else "")
        is_html = capabilities.markup == "html" and not plain
        if is_html and not content.context.get("raw"):
            text = html.escape(text)
        return OutgoingMessage(
            address=address,
            text=text,
            thread=thread,
            buttons=tuple(tuple(Button(*button) for button in row) for row in content.buttons),
            plain=not is_html,
            reply_to=reply_to,
            edits=edits,
        )


def workdays() -> Workdays:
    return Workdays()


async def account(database: Database, channel: str = "telegram", name: str = "4242") -> int:
    async with database.write() as connection:
        return await ensure_account(connection, channel=channel, name=name)


async def chat(
    database: Database, account_id: int, address: str, *, kind: str = "private", **more: Any
) -> int:
    async with database.write() as connection:
        added = await connection.execute(
            insert(Chat)
            .values(account_id=account_id, address=address, kind=kind, **more)
            .returning(Chat.id)
        )
        return added.scalar_one()


async def put(
    database: Database,
    account_id: int,
    chat_id: int,
    text: str,
    *,
    now: datetime = MORNING,
    priority: int = outbox.ANSWER,
    template: str = "words",
    raw: bool = False,
    **more: Any,
) -> int:
    async with database.write() as connection:
        message_id = await outbox.enqueue(
            connection,
            account_id=account_id,
            chat_id=chat_id,
            template=template,
            context={"text": text, "raw": raw},
            priority=priority,
            now=now,
            **more,
        )
    assert message_id is not None
    return message_id


async def broadcast(
    database: Database, account_id: int, chats: Sequence[int], *, now: datetime = MORNING
) -> list[int]:
    """Put one broadcast message a chat, "tin N" with N the message's place."""
    rows = [
        {
            "account_id": account_id,
            "chat_id": chat_id,
            "priority": outbox.BROADCAST,
            "template": "words",
            "context": {"text": f"tin {number}"},
            "buttons": [],
            "created_at": now,
            "send_at": now,
        }
        for number, chat_id in enumerate(chats)
    ]
    async with database.write() as connection:
        added = await connection.execute(
            insert(Message).returning(Message.id, sort_by_parameter_order=True), rows
        )
        return list(added.scalars())


async def chats(database: Database, account_id: int, count: int) -> list[int]:
    async with database.write() as connection:
        added = await connection.execute(
            insert(Chat).returning(Chat.id, sort_by_parameter_order=True),
            [
                {"account_id": account_id, "address": str(1_000_000 + number), "kind": "private"}
                for number in range(count)
            ],
        )
        return list(added.scalars())


async def message(database: Database, message_id: int) -> Any:
    async with database.read() as connection:
        found = await connection.execute(select(Message.__table__).where(Message.id == message_id))
        return found.one()


async def row_of_chat(database: Database, chat_id: int) -> Any:
    async with database.read() as connection:
        return (await connection.execute(select(Chat.__table__).where(Chat.id == chat_id))).one()


async def row_of_account(database: Database, account_id: int) -> Any:
    async with database.read() as connection:
        found = await connection.execute(select(Account.__table__).where(Account.id == account_id))
        return found.one()


async def attempts(database: Database, message_id: int) -> list[str]:
    async with database.read() as connection:
        found = await connection.execute(
            select(Delivery.outcome).where(Delivery.message_id == message_id).order_by(Delivery.id)
        )
        return list(found.scalars())


def sender(
    database: Database,
    channels: dict[int, Channel],
    *,
    clock: Any = None,
    owner: str = "tests",
) -> Sender:
    return Sender(
        database,
        channels,
        PlainWords(),
        workdays,
        clock if clock is not None else SteppedClock(MORNING),
        owner,
    )
