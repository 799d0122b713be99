"""Record which chats were warned of which level of an account's cap.

Guarantees:
- A chat is warned of a level of messages once a month, and of a level of people once, whichever process tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import insert_or_ignore
from data.models import AccountWarning, Agency, Chat, Enrolment

EVER = date.min  # AccountWarning.month_on of a cap that does not restart each month


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
    """Record a warning; returns its id, or None where the chat was warned of that level or a higher one."""
    earlier = await connection.scalar(
        select(AccountWarning.id).where(
            AccountWarning.chat_id == chat_id,
            AccountWarning.account_id == account_id,
            AccountWarning.what == what,
            AccountWarning.month_on == month_on,
            AccountWarning.level >= level,
        )
    )
    if earlier is not None:
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
    """Delete warnings whose message was never sent."""
    await connection.execute(delete(AccountWarning).where(AccountWarning.id.in_(warning_ids)))


async def list_province_accounts(
    connection: AsyncConnection, province: str, *, today: date
) -> set[int]:
    """Return the accounts on which agencies of a province have chats."""
    rows = await connection.scalars(
        select(Chat.account_id)
        .join(Enrolment, Enrolment.chat_id == Chat.id)
        .join(Agency, Agency.id == Enrolment.agency_id)
        .where(Agency.province == province, Enrolment.living(on=today))
        .distinct()
    )
    return set(rows)
