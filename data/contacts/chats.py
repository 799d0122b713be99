"""Chats: find, create, pause, wake, and follow to a new address."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, Protocol

from sqlalchemy import Row, bindparam, case, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.enrolments import move_enrolments
from data.models import Agency, Chat, ChatAlias, Enrolment, Message


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
    """Pause a chat that blocked the bot, silenced it, removed it or was deleted; its enrolments stay.

    Where nothing arrived there since it was lost before, it is the same loss, of the same day.
    """
    arrived = exists().where(Message.chat_id == Chat.id, Message.sent_at > Chat.gone_at)
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat_id, Chat.state == "living")
        .values(
            state="gone",
            gone_at=case((or_(Chat.gone_at.is_(None), arrived), now), else_=Chat.gone_at),
            gone_why=why,
        )
    )


async def list_lost_chats(
    connection: AsyncConnection, *, today: date
) -> Sequence[Row[int, str, str | None]]:
    """Return id, agency and why (gone_why) of the lost chats in which people are still enrolled.

    A chat of several agencies comes once for each.
    """
    rows = await connection.execute(
        select(Chat.id, Agency.name.label("agency"), Chat.gone_why.label("why"))
        .join(Enrolment, Enrolment.chat_id == Chat.id)
        .join(Agency, Agency.id == Enrolment.agency_id)
        .where(Chat.state == "gone", Enrolment.living(on=today))
        .order_by(Agency.province, Agency.position)
    )
    return rows.all()


async def wake_chat(connection: AsyncConnection, chat_id: int) -> None:
    """Let a chat that is heard from again live again; when it was lost stays known."""
    await connection.execute(
        update(Chat).where(Chat.id == chat_id, Chat.state != "living").values(state="living")
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
