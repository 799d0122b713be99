"""Claims on messages of the outbox, and the records of how each attempt ended.

Promises that a message is claimed by one owner at a time and that an owner whose lease was taken over
can neither claim nor record: every change carries account, epoch and attempt, for a message whose chat is
lost goes on in another, maybe at another account, while its owner still sends. "Claimed" means "maybe sent".
Never opens a transaction and never sends: callers do both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Row,
    String,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.leases import Lease, lock_lease, take_lease
from data.clock import civil_date
from data.log import get_logger
from data.models import Account, Delivery, Message
from data.outbox import receipts
from data.outbox.messages import erase_secrets
from data.outbox.receipts import SentMessage

log = get_logger("delivery")

MAX_REPEATS = 2

# Written out, for a partial index is used only where the condition stands in the statement itself.
_PENDING = Message.state == literal_column("'pending'")
_CLAIMED = Message.state == literal_column("'claimed'")


async def acquire_account(
    connection: AsyncConnection,
    account_id: int,
    owner: str,
    *,
    repeats_unknown: bool,
    now: datetime,
) -> Lease | None:
    """Take an account's lease and settle what dead owners had claimed; None while another owns it."""
    epoch = await take_lease(connection, account_id, owner, now=now)
    if epoch is None:
        return None
    lease = Lease(account_id, owner, epoch)
    again, parked = await settle_dead_claims(
        connection, lease, repeats_unknown=repeats_unknown, now=now
    )
    if again or parked:
        log.warning("claims.of_dead_owner", account=account_id, again=again, parked=parked)
    return lease


async def settle_dead_claims(
    connection: AsyncConnection, lease: Lease, *, repeats_unknown: bool, now: datetime
) -> tuple[int, int]:
    """Settle what dead owners had claimed; returns how many go again and how many were parked.

    Each may have been sent: it goes again, marked, at most twice; then, or where the channel does not
    repeat, it is uncertain and shown. It goes behind what waits already: one that brings the process
    down must not hold up the others.
    """
    dead = and_(
        Message.account_id == lease.account_id, _CLAIMED, Message.claim_epoch != lease.epoch
    )
    found = await connection.execute(
        select(Message.id, Message.attempts, Message.claimed_at).where(dead)
    )
    attempts = [
        {
            "message_id": row.id,
            "attempt": row.attempts,
            "at": row.claimed_at or now,
            "outcome": "unknown",
            "detail": "the process ended",
        }
        for row in found
    ]
    if not attempts:
        return 0, 0
    await connection.execute(insert(Delivery), attempts)
    again = 0
    if repeats_unknown:
        repeated = await connection.execute(
            update(Message)
            .where(dead, Message.repeats < MAX_REPEATS)
            .values(state="pending", repeats=Message.repeats + 1, claim_epoch=None, send_at=now)
        )
        again = repeated.rowcount
    parked = await connection.execute(
        update(Message).where(dead).values(state="uncertain", error="the process ended")
    )
    await erase_secrets(connection, [row["message_id"] for row in attempts])
    return again, parked.rowcount


async def claim_messages(
    connection: AsyncConnection,
    lease: Lease,
    message_ids: Sequence[int],
    *,
    now: datetime,
    sent: Sequence[SentMessage] = (),
) -> Sequence[Row[Any]]:
    """Claim those of the messages that are still pending, and return them; raises LeaseLost.

    A row has what sending needs of the message, its chat's address, thread and chat_state, and is_list.
    sent: what is recorded with it, see data.outbox.receipts.record_sent.
    """
    given = {
        "ids": message_ids,
        "at": now,
        "today": civil_date(now),
        "of": lease.account_id,
        "by": lease.owner,
        "in_epoch": lease.epoch,
    }
    if sent and connection.dialect.name == "postgresql":
        given |= receipts.receipt_parameters(lease, sent, now=now)
        rows = (await connection.execute(_RECORD_AND_CLAIM, given)).all()
        await receipts.erase_sent_secrets(connection, sent)
    else:
        await receipts.record_sent(connection, lease, sent, now=now)
        rows = (await connection.execute(_CLAIM, given)).all()
    if len(rows) < len(message_ids):
        await lock_lease(connection, lease)  # some were taken back, or the account was
    return rows


async def release_claims(
    connection: AsyncConnection, lease: Lease, except_ids: Iterable[int]
) -> set[int]:
    """Give back what this owner claimed and surely did not send: all but the messages in hand.

    Returns those in hand whose ending is not recorded yet.
    """
    mine = (
        Message.account_id == lease.account_id,
        _CLAIMED,
        Message.claim_epoch == lease.epoch,
    )
    await connection.execute(
        update(Message)
        .where(*mine, Message.id.not_in(list(except_ids)))
        .values(state="pending", claim_epoch=None, attempts=Message.attempts - 1)
    )
    return set(await connection.scalars(select(Message.id).where(*mine)))


async def record_ending(
    connection: AsyncConnection,
    lease: Lease,
    message: Row[Any],
    *,
    outcome: str | None,
    detail: str,
    at: datetime,
    **values: Any,
) -> None:
    """Record how an attempt ended that brought no receipt; values: the message's new columns.

    outcome None: nothing was sent (skipped, or not renderable), so no attempt is written down.
    """
    if values:
        await connection.execute(
            update(Message)
            .where(
                Message.id == message.id,
                _CLAIMED,
                Message.account_id == lease.account_id,
                Message.claim_epoch == lease.epoch,
                Message.attempts == message.attempts,
            )
            .values(values)
        )
    if message.secret:
        await erase_secrets(connection, [message.id])
    if outcome is not None:
        await connection.execute(
            insert(Delivery).values(
                message_id=message.id,
                attempt=message.attempts,
                at=at,
                outcome=outcome,
                detail=detail,
            )
        )


async def count_attempts(connection: AsyncConnection, message_id: int, outcome: str) -> int:
    """Return how many attempts of a message ended so."""
    counted = await connection.scalar(
        select(func.count()).where(Delivery.message_id == message_id, Delivery.outcome == outcome)
    )
    return counted or 0


# ------------------------------------------------------------------ statements, made once


# Written out, for SQLAlchemy leaves the tables' names out of what SQLite is to return.
_ITS_CHAT = "FROM chat WHERE chat.id = message.chat_id"
_ADDRESS = literal_column(f"(SELECT chat.address {_ITS_CHAT})", String)
_THREAD = literal_column(f"(SELECT chat.thread {_ITS_CHAT})", String)
_CHAT_STATE = literal_column(f"(SELECT chat.state {_ITS_CHAT})", String)
_IS_LIST = literal_column(
    "EXISTS (SELECT 1 FROM message_item WHERE message_item.message_id = message.id)", Boolean
)
_SENDING_COLUMNS = (
    Message.id, Message.account_id, Message.chat_id, Message.template, Message.context,
    Message.buttons, Message.page, Message.pages, Message.secret, Message.reply_to, Message.edits,
    Message.attempts, Message.repeats, Message.plain,
)  # fmt: skip
_CLAIM = (
    update(Message)
    .where(
        Message.id.in_(bindparam("ids", expanding=True)),
        # It may have gone on at another account since it was read, or the machine slept over night.
        Message.account_id == bindparam("of"),
        or_(Message.broadcast_on.is_(None), Message.broadcast_on >= bindparam("today")),
        _PENDING,
        # locks the account's row on PostgreSQL, so that no new owner can come in between
        exists(
            select(Account.id)
            .where(
                Account.id == bindparam("of"),
                Account.owner == bindparam("by"),
                Account.epoch == bindparam("in_epoch"),
            )
            .with_for_update(read=True)
        ),
    )
    .values(
        state="claimed",
        claim_epoch=bindparam("in_epoch"),
        claimed_at=bindparam("at"),
        attempts=Message.attempts + 1,
    )
    .returning(
        *_SENDING_COLUMNS,
        _ADDRESS.label("address"),
        _THREAD.label("thread"),
        _CHAT_STATE.label("chat_state"),
        _IS_LIST.label("is_list"),
    )
)
_RECORD_AND_CLAIM = _CLAIM.add_cte(*receipts.RECEIPT_CTES)
