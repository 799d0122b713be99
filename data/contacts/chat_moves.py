"""A chat's new address.

Promises that a chat that moved keeps its row, its enrolments and its history, and that its old address
still finds it.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.enrolments import enrol, list_enrolments
from data.models import Chat, ChatAlias, Enrolment


async def move_chat(connection: AsyncConnection, chat_id: int, new_address: str) -> None:
    """Give a chat its new address (a group that became a supergroup); the old one still finds it.

    Topics of the same chat move with it; a menu has to be offered anew there. Where a row already stands
    at the new address (the platform told us of it first), its enrolments are moved over and it gives way.
    """
    chat = (await connection.execute(select(Chat).where(Chat.id == chat_id))).one()
    if chat.address == new_address:
        return
    rows = await connection.execute(
        select(Chat.id, Chat.thread).where(
            Chat.account_id == chat.account_id, Chat.address == chat.address
        )
    )
    for key, thread in rows.all():
        await _yield_address(connection, chat.account_id, new_address, thread, key)
        await connection.execute(
            update(Chat).where(Chat.id == key).values(address=new_address, menu=None)
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


async def _yield_address(
    connection: AsyncConnection, account_id: int, address: str, thread: str, to_chat: int
) -> None:
    stands = await connection.scalar(
        select(Chat.id).where(
            Chat.account_id == account_id, Chat.address == address, Chat.thread == thread
        )
    )
    if stands is None or stands == to_chat:
        return
    for enrolled in await list_enrolments(connection, Enrolment.chat_id == stands):
        when = await connection.scalar(
            select(Enrolment.enrolled_at).where(Enrolment.id == enrolled.id)
        )
        assert when is not None
        await enrol(
            connection,
            chat_id=to_chat,
            person_id=enrolled.person_id,
            agency_id=enrolled.agency_id,
            role=enrolled.role,
            may_decide=enrolled.may_decide,
            now=when,
        )
        await connection.execute(
            update(Enrolment).where(Enrolment.id == enrolled.id).values(ended_at=when)
        )
    await connection.execute(
        update(Chat)
        .where(Chat.id == stands)
        .values(address=f"{address}#{stands}", state="gone", gone_why="gộp vào chat khác")
    )
