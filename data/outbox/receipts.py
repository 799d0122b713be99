"""Record messages that the platform accepted.

PostgreSQL records them in the statement that claims the next messages, because each statement costs a network
round trip. SQLite has no statement that writes to several tables.

Guarantees:
- An owner whose lease was taken over changes no message; only its attempt is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    Integer,
    Row,
    String,
    bindparam,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.leases import Lease
from data.models import Chat, Delivery, Message
from data.outbox.messages import erase_secrets


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message that the platform accepted; message: a row of claim_messages()."""

    message: Row[Any]
    remote_id: str


async def record_sent(
    connection: AsyncConnection, lease: Lease, sent: Sequence[SentMessage], *, now: datetime
) -> None:
    """Record messages that the platform accepted, at most one a chat.

    A list becomes its chat's last list: numbers typed there refer to it.
    """
    if not sent:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(_RECORD, receipt_parameters(lease, sent, now=now))
    else:
        shared = {"account": lease.account_id, "epoch": lease.epoch, "at": now}
        rows = [_row(one) | shared for one in sent]
        await connection.execute(_SENT, rows)
        await connection.execute(_ATTEMPT, rows)
        if lists := [row for row in rows if row["is_list"]]:
            await connection.execute(_LAST_LIST, lists)
    await erase_sent_secrets(connection, sent)


async def erase_sent_secrets(connection: AsyncConnection, sent: Sequence[SentMessage]) -> None:
    """Empty the secret ones among messages that were sent."""
    if secrets := [one.message.id for one in sent if one.message.secret]:
        await erase_secrets(connection, secrets)


def receipt_parameters(
    lease: Lease, sent: Sequence[SentMessage], *, now: datetime
) -> dict[str, Any]:
    """Return the parameters of a statement that contains RECEIPT_CTES."""
    return {
        "rows": [_row(one) for one in sent],
        "count": len(sent),
        "account": lease.account_id,
        "epoch": lease.epoch,
        "at": now,
    }


def _row(one: SentMessage) -> dict[str, Any]:
    return {
        "of": one.message.id,
        "remote": one.remote_id,
        "attempt": one.message.attempts,
        "chat": one.message.chat_id,
        "is_list": one.message.is_list,
    }


def _is_claimed(of: Any, attempt: Any) -> tuple[Any, ...]:
    return (
        Message.id == of,
        Message.state == literal_column("'claimed'"),  # a literal, for the partial index
        Message.account_id == bindparam("account"),
        Message.claim_epoch == bindparam("epoch"),
        Message.attempts == attempt,
    )


def _as_sent(remote: Any) -> dict[str, Any]:
    return {"state": "sent", "sent_at": bindparam("at"), "remote_id": remote, "error": None}


_SENT = (
    update(Message)
    .where(*_is_claimed(bindparam("of"), bindparam("attempt")))
    .values(_as_sent(bindparam("remote")))
)
_ATTEMPT = insert(Delivery).values(
    message_id=bindparam("of"), attempt=bindparam("attempt"), at=bindparam("at"), outcome="sent"
)
_LAST_LIST = (
    update(Chat).where(Chat.id == bindparam("chat")).values(last_menu_message_id=bindparam("of"))
)


def _receipt_ctes() -> tuple[CTE, ...]:
    """Return SQLite's three statements as parts of one."""
    rows = (
        func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
        .table_valued(
            column("of", BigInteger),
            column("remote", String),
            column("attempt", Integer),
            column("chat", BigInteger),
            column("is_list", Boolean),
        )
        .render_derived(name="rows", with_types=True)
    )
    # Without the limit PostgreSQL plans for a hundred rows, and reads whole tables.
    receipt = select(rows).limit(bindparam("count")).cte("given").c
    sent = (
        update(Message)
        .where(*_is_claimed(receipt.of, receipt.attempt))
        .values(_as_sent(receipt.remote))
    )
    at = bindparam("at", type_=Delivery.at.type)
    attempts = insert(Delivery).from_select(
        ["message_id", "attempt", "at", "outcome"],
        select(receipt.of, receipt.attempt, at, literal("sent")),
    )
    lists = (
        update(Chat)
        .where(Chat.id == receipt.chat, receipt.is_list)
        .values(last_menu_message_id=receipt.of)
    )
    return sent.cte("sent"), attempts.cte("attempts"), lists.cte("lists")


RECEIPT_CTES = _receipt_ctes()  # PostgreSQL alone; added to another statement
_RECORD = select(literal(1)).add_cte(*RECEIPT_CTES)
