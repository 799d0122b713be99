"""What a person was asked in a chat and has not yet answered.

Promises one question at a time for each person in a chat: a new one takes the place of the old, and one
that has expired counts as never asked. Whoever cannot be told (person None) has a question of their own
in a chat. Never reads an answer: bot/conversation/replies/dialogs.py does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Dialog

DIALOG_MINUTES = 30


async def open_dialog(
    connection: AsyncConnection,
    *,
    chat_id: int,
    person_id: int | None,
    asks: str,
    obligation_id: int | None = None,
    details: Mapping[str, Any] | None = None,
    now: datetime,
    minutes: int = DIALOG_MINUTES,
) -> int:
    """Write down that the next words of a person in a chat answer a question; returns its id.

    asks: what is asked, as bot/conversation/replies/dialogs.py names it; details: JSON values that its answer
    needs. An open question of the same person in the same chat is replaced.
    """
    await connection.execute(delete(Dialog).where(_of(chat_id, person_id)))
    added = await connection.execute(
        insert(Dialog)
        .values(
            chat_id=chat_id,
            person_id=person_id,
            asks=asks,
            obligation_id=obligation_id,
            details=dict(details or {}),
            expires_at=now + timedelta(minutes=minutes),
        )
        .returning(Dialog.id)
    )
    made: int = added.scalar_one()
    return made


async def find_open_dialog(
    connection: AsyncConnection, *, chat_id: int, person_id: int | None, now: datetime
) -> Row[Any] | None:
    """Return the open question of a person in a chat, or None where there is none or it has expired."""
    rows = await connection.execute(
        select(Dialog.__table__)
        .where(_of(chat_id, person_id), Dialog.expires_at > now)
        .order_by(Dialog.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def close_dialog(connection: AsyncConnection, dialog_id: int) -> None:
    """Forget a question, answered or ended; one that is gone already is no fault."""
    await connection.execute(delete(Dialog).where(Dialog.id == dialog_id))


async def reopen_dialog(connection: AsyncConnection, dialog: Row[Any]) -> None:
    """Put back a question that was closed and not answered, to expire as before."""
    await connection.execute(
        insert(Dialog).values(
            {name: value for name, value in dialog._mapping.items() if name != "id"}
        )
    )


def _of(chat_id: int, person_id: int | None) -> ColumnElement[bool]:
    # SQL's unique key does not see two nulls as equal, so they are looked up here.
    whose = Dialog.person_id.is_(None) if person_id is None else Dialog.person_id == person_id
    return and_(Dialog.chat_id == chat_id, whose)
