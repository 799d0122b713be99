"""Chats: find, create, pause, wake, and follow to a new address."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.enrolments import move_enrolments
from data.models import Chat, ChatAlias


class MessageOrigin(Protocol):
    """Chat and person behind an incoming update; jobs.channel.Incoming fits."""

    @property
    def account_id(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def thread(self) -> str: ...
    @property
    def chat_kind(self) -> Literal["private", "group"]: ...
    @property
    def chat_title(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def sender_name(self) -> str: ...


async def ensure_chat(
    connection: AsyncConnection, incoming: MessageOrigin, *, now: datetime
) -> Row[Any]:
    """Return the chat of an incoming update, created if new; records when it was last heard from.

    A private chat's title is never stored: it is a person's name.
    """
    chat = await find_chat(connection, incoming.account_id, incoming.address, incoming.thread)
    title = incoming.chat_title[:200] if incoming.chat_kind == "group" else ""
    if chat is None:
        added = insert(Chat).values(
            account_id=incoming.account_id,
            address=incoming.address,
            thread=incoming.thread,
            kind=incoming.chat_kind,
            title=title or None,
            last_seen_at=now,
        )
        return (await connection.execute(added.returning(Chat))).one()
    values = {"of": chat.id, "now": now, "titled": title or chat.title}
    return (await connection.execute(_RECORD_SEEN, values)).one()


async def find_chat(
    connection: AsyncConnection, account_id: int, address: str, thread: str = ""
) -> Row[Any] | None:
    """Return the chat at an address, or at one it had before it moved; None where there is none."""
    values = {"account_id": account_id, "address": address, "thread": thread}
    chat = (await connection.execute(_BY_ADDRESS, values)).one_or_none()
    if chat is not None:
        return chat
    return (await connection.execute(_BY_EARLIER_ADDRESS, values)).first()


async def pause_chat(connection: AsyncConnection, chat_id: int, *, why: str, now: datetime) -> None:
    """Pause a chat that blocked the bot, removed it or was deleted; its enrolments stay."""
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat_id, Chat.state == "living")
        .values(state="gone", gone_at=now, gone_why=why)
    )


async def wake_chat(connection: AsyncConnection, chat_id: int) -> None:
    """Let a chat that is heard from again live again."""
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat_id, Chat.state != "living")
        .values(state="living", gone_at=None, gone_why=None)
    )


async def move_chat(connection: AsyncConnection, chat_id: int, new_address: str) -> None:
    """Give a chat its new address (a group that became a supergroup); the old one still finds it.

    Its topics move too; its menu is offered again there. Where another row has the new address already (the
    platform named it first), its enrolments move over and that row is gone.
    """
    chat = (await connection.execute(select(Chat).where(Chat.id == chat_id))).one()
    if chat.address == new_address:
        return
    rows = await connection.execute(
        select(Chat.id, Chat.thread).where(
            Chat.account_id == chat.account_id, Chat.address == chat.address
        )
    )
    for row in rows.all():
        await _vacate_address(connection, chat.account_id, new_address, row.thread, row.id)
        await connection.execute(
            update(Chat).where(Chat.id == row.id).values(address=new_address, menu=None)
        )
    known = await connection.scalar(
        select(ChatAlias.id).where(
            ChatAlias.account_id == chat.account_id, ChatAlias.address == chat.address
        )
    )
    if known is None:
        await connection.execute(
            insert(ChatAlias).values(
                account_id=chat.account_id, address=chat.address, chat_id=chat_id
            )
        )


async def _vacate_address(
    connection: AsyncConnection, account_id: int, address: str, thread: str, to_chat: int
) -> None:
    """Free an address for a chat: the row that has it passes its enrolments on and is gone."""
    occupant = await connection.scalar(
        select(Chat.id).where(
            Chat.account_id == account_id, Chat.address == address, Chat.thread == thread
        )
    )
    if occupant is None or occupant == to_chat:
        return
    await move_enrolments(connection, occupant, to_chat)
    await connection.execute(
        update(Chat)
        .where(Chat.id == occupant)
        .values(address=f"{address}#{occupant}", state="gone", gone_why="gộp vào chat khác")
    )


_BY_ADDRESS = select(Chat).where(
    Chat.account_id == bindparam("account_id"),
    Chat.address == bindparam("address"),
    Chat.thread == bindparam("thread"),
)
_BY_EARLIER_ADDRESS = (
    select(Chat)
    .join(ChatAlias, ChatAlias.chat_id == Chat.id)
    .where(
        ChatAlias.account_id == bindparam("account_id"), ChatAlias.address == bindparam("address")
    )
)
_RECORD_SEEN = (
    update(Chat)
    .where(Chat.id == bindparam("of"))
    .values(last_seen_at=bindparam("now"), title=bindparam("titled"))
    .returning(Chat)
)
