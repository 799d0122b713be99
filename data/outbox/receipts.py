"""What the platform took: the records of messages that were sent.

Promises that an owner whose lease was taken over changes no message: of one that a new owner has settled
only the attempt is written down. PostgreSQL, which each statement reaches over a network, does all of it as
part of the statement that claims what goes next; SQLite knows none that writes to several tables. Never opens
a transaction.
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
    """One message that the platform took."""

    message: Row[Any]  # as data.outbox.claims.claim_messages() gave it
    remote_id: str


async def record_sent(
    connection: AsyncConnection, lease: Lease, done: Sequence[SentMessage], *, now: datetime
) -> None:
    """Record messages that the platform took, at most one a chat; see the module.

    The numbers of a list that was sent are what its chat means from now on.
    """
    if not done:
        return
    if connection.dialect.name == "postgresql":
        await connection.execute(_RECORD, receipt_parameters(lease, done, now=now))
    else:
        shared = {"account": lease.account_id, "epoch": lease.epoch, "at": now}
        rows = [_row(one) | shared for one in done]
        await connection.execute(_SENT, rows)
        await connection.execute(_ATTEMPT, rows)
        if lists := [row for row in rows if row["is_list"]]:
            await connection.execute(_LAST_LIST, lists)
    await erase_sent_secrets(connection, done)


async def erase_sent_secrets(connection: AsyncConnection, done: Sequence[SentMessage]) -> None:
    """Empty the secrets among messages that were sent."""
    if secrets := [one.message.id for one in done if one.message.secret]:
        await erase_secrets(connection, secrets)


def receipt_parameters(
    lease: Lease, done: Sequence[SentMessage], *, now: datetime
) -> dict[str, Any]:
    """Return what a statement with RECORDS in it is to be given for them."""
    return {
        "rows": [_row(one) for one in done],
        "count": len(done),
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


# ------------------------------------------------------------------ statements, made once


def _is_claimed(of: Any, attempt: Any) -> tuple[Any, ...]:
    return (
        Message.id == of,
        Message.state == literal_column("'claimed'"),  # written out, see data.outbox.messages
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


def _records() -> tuple[CTE, ...]:
    """Return what SQLite does in three statements, as parts of one."""
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
    # The limit is for the planner, which takes them for a hundred and would read whole tables.
    given = select(rows).limit(bindparam("count")).cte("given")
    its = given.c
    sent = update(Message).where(*_is_claimed(its.of, its.attempt)).values(_as_sent(its.remote))
    at = bindparam("at", type_=Delivery.at.type)
    attempts = insert(Delivery).from_select(
        ["message_id", "attempt", "at", "outcome"],
        select(its.of, its.attempt, at, literal("sent")),
    )
    lists = update(Chat).where(Chat.id == its.chat, its.is_list).values(last_menu_message_id=its.of)
    return sent.cte("sent"), attempts.cte("attempts"), lists.cte("lists")


RECEIPT_CTES = _records()  # for PostgreSQL, to be added to another statement
_RECORD = select(literal(1)).add_cte(*RECEIPT_CTES)
