"""Read an account's pending messages in sending order.

Guarantees:
- Reading costs as much as what waits, not as what is stored: the partial indexes are used.
- A message is left out while an earlier one of its chat is to be tried again (chat_order.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, literal_column, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.models import Account, Chat, Delivery, Message
from data.outbox.chat_order import is_held_back
from data.outbox.messages import BROADCAST, NOTICE

# A literal: a partial index is used only where its condition stands in the statement itself.
_PENDING = Message.state == literal_column("'pending'")


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """One pending message whose send_at has come, with its chat."""

    id: int
    chat_id: int
    priority: int
    send_at: datetime
    chat_kind: str
    halted_until: datetime | None  # of its chat


async def list_waiting_messages(
    connection: AsyncConnection,
    account_id: int,
    *,
    now: datetime,
    broadcasts: bool,
    after: WaitingMessage | None = None,
    limit: int,
) -> list[WaitingMessage]:
    """Return a page of messages whose send_at has come: answers, notices, broadcasts; then by send_at.

    after: the last one of the page before. broadcasts False: outside sending hours.
    """
    query = _WAITING if after is None else _WAITING_AFTER
    values: dict[str, Any] = {
        "account_id": account_id,
        "now": now,
        "today": civil_date(now),
        "last": BROADCAST if broadcasts else NOTICE,
        "count": limit,
    }
    if after is not None:
        values |= {"priority": after.priority, "send_at": after.send_at, "id": after.id}
    return [WaitingMessage(*row) for row in await connection.execute(query, values)]


async def load_send_state(
    connection: AsyncConnection, account_id: int, *, now: datetime
) -> Row[*tuple[Any, ...]]:
    """Return stopped_at, halted_until and next_at of an account, which must exist.

    next_at: the earliest send_at still ahead, or None.
    """
    return (await connection.execute(_SEND_STATE, {"account_id": account_id, "now": now})).one()


async def list_recent_sends(
    connection: AsyncConnection, account_id: int, *, since: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Return chat_id and at of the attempts between two instants (at most 2000), oldest first."""
    latest = (
        select(Delivery.message_id, Delivery.at).order_by(Delivery.id.desc()).limit(2000).subquery()
    )
    rows = await connection.execute(
        select(Message.chat_id, latest.c.at)
        .join(Message, Message.id == latest.c.message_id)
        .where(Message.account_id == account_id, latest.c.at > since, latest.c.at <= until)
        .order_by(latest.c.at)
    )
    return rows.all()


_ORDER = (Message.priority, Message.send_at, Message.id)
_WAITING = (
    select(
        Message.id, Message.chat_id, Message.priority, Message.send_at, Chat.kind, Chat.halted_until
    )
    .join(Chat, Chat.id == Message.chat_id)
    .where(
        Message.account_id == bindparam("account_id"),
        _PENDING,
        Message.priority <= bindparam("last"),
        # A broadcast of an earlier morning is not sent late: the next morning's replaces it.
        or_(Message.broadcast_on.is_(None), Message.broadcast_on >= bindparam("today")),
        Message.send_at <= bindparam("now"),
        not_(is_held_back(now="now", today="today")),
    )
    .order_by(*_ORDER)
    .limit(bindparam("count"))
)
_WAITING_AFTER = _WAITING.where(
    tuple_(*_ORDER)
    > tuple_(
        bindparam("priority", type_=Message.priority.type),
        bindparam("send_at", type_=Message.send_at.type),
        bindparam("id", type_=Message.id.type),
    )
)
_NEXT_AT = select(func.min(Message.send_at)).where(
    Message.account_id == bindparam("account_id"), _PENDING, Message.send_at > bindparam("now")
)
_SEND_STATE = select(
    Account.stopped_at, Account.halted_until, _NEXT_AT.scalar_subquery().label("next_at")
).where(Account.id == bindparam("account_id"))
