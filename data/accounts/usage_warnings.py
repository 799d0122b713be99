"""Which chats were told how much of a cap an account has used.

Promises that a chat is told of a level once a month (of people, who do not begin anew, once), however
many processes try, and again where the message that was to tell it never left. Sends nothing itself; runs
within the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import insert_or_ignore
from data.models import AccountWarning, Agency, Chat, Enrolment

EVER = date.min  # AccountWarning.month_on of what does not begin anew each month


async def record_warning(
    connection: AsyncConnection,
    *,
    chat_id: int,
    account_id: int,
    what: str,
    month_on: date,
    level: int,
    now: datetime,
) -> int | None:
    """Note that a chat is told of a level; returns the note's id, None where it knows that or a higher."""
    known = await connection.scalar(
        select(AccountWarning.id).where(
            AccountWarning.chat_id == chat_id,
            AccountWarning.account_id == account_id,
            AccountWarning.what == what,
            AccountWarning.month_on == month_on,
            AccountWarning.level >= level,
        )
    )
    if known is not None:
        return None
    added = await connection.execute(
        insert_or_ignore(
            connection, AccountWarning, "chat_id", "account_id", "what", "month_on", "level"
        )
        .values(
            chat_id=chat_id,
            account_id=account_id,
            what=what,
            month_on=month_on,
            level=level,
            told_at=now,
        )
        .returning(AccountWarning.id)
    )
    return added.scalar_one_or_none()


async def delete_warnings(connection: AsyncConnection, warning_ids: Sequence[int]) -> None:
    """Undo notes whose message never left."""
    await connection.execute(delete(AccountWarning).where(AccountWarning.id.in_(warning_ids)))


async def list_province_accounts(connection: AsyncConnection, province: str) -> set[int]:
    """Return the accounts on which people of a province are enrolled."""
    rows = await connection.scalars(
        select(Chat.account_id)
        .join(Enrolment, Enrolment.chat_id == Chat.id)
        .join(Agency, Agency.id == Enrolment.agency_id)
        .where(Agency.province == province, Enrolment.ended_at.is_(None))
        .distinct()
    )
    return set(rows)
