"""What a clock that ran ahead has left behind, once it is set back: instants that nobody should wait for.

    known by: an instant of an owner, a message or an update that is still to come
    mended:   messages and retries that were free to go, rests and stops: each comes as much sooner
    kept:     a message put for a later instant, and a reminder of a later day

Guarantees:
- Asking costs as much as what waits for later, not as what is stored.
- What was put before the clock was set back leaves before what is put after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.leases import LEASE_SECONDS
from data.clock import civil_date
from data.models import Account, Chat, InboxEvent, Message

SMALL_STEP = timedelta(seconds=2)  # a smaller step back is waited out
LONGEST_PAUSE = timedelta(minutes=5)  # between two attempts of one message

_LEASE = timedelta(seconds=LEASE_SECONDS)  # an owner writes an instant down more often than that
# A literal: a partial index is used only where its condition stands in the statement itself.
_PENDING = Message.state == literal_column("'pending'")
_SET_SEND_AT = update(Message).where(Message.id == bindparam("of")).values(send_at=bindparam("at"))


async def mend_set_back(
    connection: AsyncConnection, account_id: int, *, by: timedelta, now: datetime
) -> None:
    """Bring an account's instants in line with a clock that was set back by at least so much."""
    rows = await connection.execute(
        select(Message.id, Message.send_at).where(
            Message.account_id == account_id, *_waits_wrongly(now, timedelta())
        )
    )
    if sooner := [{"of": row.id, "at": row.send_at - by - _LEASE} for row in rows]:
        await connection.execute(_SET_SEND_AT, sooner)
    rests: tuple[tuple[Any, Any, Any], ...] = (
        (Account, Account.halted_until, Account.id),
        (Account, Account.stopped_until, Account.id),
        (Chat, Chat.halted_until, Chat.account_id),
    )
    for model, column, key in rests:
        found = await connection.execute(
            select(model.id, column).where(key == account_id, column > now)
        )
        for row in found.all():
            await connection.execute(
                update(model).where(model.id == row.id).values({column: max(row[1] - by, now)})
            )


async def release_misdated(connection: AsyncConnection, account_id: int, *, now: datetime) -> None:
    """Make messages due that no right clock would let wait: put later than now, or resting too long."""
    await connection.execute(
        update(Message)
        .where(Message.account_id == account_id, *_waits_wrongly(now, LONGEST_PAUSE))
        .values(send_at=now)
    )


async def count_misdated(
    connection: AsyncConnection, *, now: datetime, account_id: int | None = None
) -> int:
    """Return how many messages, of one account or all, release_misdated would make due."""
    accounts = select(Account.id) if account_id is None else (account_id,)
    count = await connection.scalar(
        select(func.count()).where(
            Message.account_id.in_(accounts), *_waits_wrongly(now, LONGEST_PAUSE)
        )
    )
    return count or 0


async def latest_instant_ahead(connection: AsyncConnection, *, now: datetime) -> datetime | None:
    """Return the latest instant at which something was sent, received or owned that is still to come.

    On a server leases may keep to another clock than `now`: they do not count.
    """
    columns: tuple[tuple[Any, Any, timedelta], ...] = (
        (Message.account_id, Message.sent_at, timedelta()),
        (InboxEvent.account_id, InboxEvent.received_at, timedelta()),
    )
    if connection.dialect.name == "sqlite":
        columns += ((Account.id, Account.owned_until, _LEASE),)
    found: list[datetime] = []
    account_ids = list(await connection.scalars(select(Account.id)))  # the indexes are by account
    for key, column, after in columns:
        for account_id in account_ids:
            latest = select(func.max(column)).where(
                key == account_id, column > now + SMALL_STEP + after
            )
            instant = await connection.scalar(latest)
            if instant is not None:
                found.append(instant - after)
    return max(found, default=None)


def _waits_wrongly(now: datetime, pause: timedelta) -> tuple[ColumnElement[bool], ...]:
    """Select what was free to go by the clock of its time, or waits longer than a pause for its next try."""
    was_free_to_go = Message.send_at == Message.created_at
    waits_long = and_(Message.attempts > 0, Message.send_at > now + pause)
    is_of_today = or_(Message.broadcast_on.is_(None), Message.broadcast_on <= civil_date(now))
    waits = Message.send_at > now + SMALL_STEP
    return _PENDING, waits, or_(was_free_to_go, waits_long), is_of_today
