"""The question that a person was asked in a chat and has not yet answered.

Guarantees: one open question per person and chat; a new one replaces the old. Unknown senders (person None)
share one.
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
    """Record that the next words of a person in a chat answer a question; returns its id.

    asks: a name of bot/conversation/replies/dialogs.py; details: JSON values that the answer needs.
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
    """Return the open question of a person in a chat; None without one, or once it expired."""
    rows = await connection.execute(
        select(Dialog.__table__)
        .where(_of(chat_id, person_id), Dialog.expires_at > now)
        .order_by(Dialog.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


async def close_dialog(connection: AsyncConnection, dialog_id: int) -> None:
    """Delete a question, if it still exists."""
    await connection.execute(delete(Dialog).where(Dialog.id == dialog_id))


async def take_dialog(
    connection: AsyncConnection,
    dialog_id: int,
    *,
    chat_id: int,
    person_id: int | None,
    asks: str,
    now: datetime,
) -> dict[str, Any] | None:
    """Delete a person's open question in a chat and return its details; None where it is open no more.

    Of two who take it at once one gets it.
    """
    taken = await connection.execute(
        delete(Dialog)
        .where(Dialog.id == dialog_id, _of(chat_id, person_id))
        .where(Dialog.asks == asks, Dialog.expires_at > now)
        .returning(Dialog.details)
    )
    details: dict[str, Any] | None = taken.scalar_one_or_none()
    return details


async def reopen_dialog(connection: AsyncConnection, dialog: Row[Any]) -> None:
    """Insert a closed question again, to expire as before."""
    await connection.execute(
        insert(Dialog).values(
            {name: value for name, value in dialog._mapping.items() if name != "id"}
        )
    )


def _of(chat_id: int, person_id: int | None) -> ColumnElement[bool]:
    # A unique key does not treat two nulls as equal, hence the lookup.
    same_person = Dialog.person_id.is_(None) if person_id is None else Dialog.person_id == person_id
    return and_(Dialog.chat_id == chat_id, same_person)
