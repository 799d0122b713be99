"""Claim messages before they are sent, and record how each attempt ended.

    pending ──claim──▶ claimed ──record──▶ sent │ skipped │ failed │ uncertain
       ▲                  │
       └─ release, retry ─┘        "claimed" means "maybe sent"

Guarantees:
- One owner at a time claims a message; an owner whose lease was taken over can neither claim nor record.
- Every update matches account, epoch and attempt: a message may be rerouted, maybe to another account,
  while it is being sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Row,
    String,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts.leases import Lease, load_account, lock_lease, set_back_since, take_lease
from data.clock import civil_date
from data.log import get_logger
from data.models import Account, Delivery, Message
from data.outbox import receipts
from data.outbox.chat_order import is_held_back
from data.outbox.messages import erase_secrets
from data.outbox.receipts import SentMessage
from data.outbox.set_back import SMALL_STEP, mend_set_back

log = get_logger("delivery")

MAX_REPEATS = 2

# Literals: a partial index is used only where its condition stands in the statement itself.
_PENDING = Message.state == literal_column("'pending'")
_CLAIMED = Message.state == literal_column("'claimed'")


async def acquire_account(
    connection: AsyncConnection,
    account_id: int,
    owner: str,
    *,
    repeats_unknown: bool,
    now: datetime,
    stale_until: datetime | None = None,
) -> Lease | None:
    """Take an account's lease and settle the claims of dead owners; None while another process owns it.

    Where the last owner's clock was ahead of this one, mends what it left behind. stale_until: the end of a
    lease that is known to be nobody's.
    """
    before = await load_account(connection, account_id)
    epoch = await take_lease(connection, account_id, owner, now=now, stale_until=stale_until)
    if epoch is None:
        return None
    by = set_back_since(before, now=now)
    if by > SMALL_STEP:
        log.warning("clock.set_back", account=account_id, seconds=round(by.total_seconds()))
        await mend_set_back(connection, account_id, by=by, now=now)
    lease = Lease(account_id, owner, epoch)
    repeated, parked = await settle_dead_claims(
        connection, lease, repeats_unknown=repeats_unknown, now=now
    )
    if repeated or parked:
        log.warning("claims.of_dead_owner", account=account_id, again=repeated, parked=parked)
    return lease


async def settle_dead_claims(
    connection: AsyncConnection, lease: Lease, *, repeats_unknown: bool, now: datetime
) -> tuple[int, int]:
    """Settle the claims of dead owners; returns how many are sent again and how many were parked.

    Each message may have been sent. It is sent again, marked, at most twice; then, or where the channel does
    not repeat, it is parked as uncertain. It queues behind other chats': a message that kills the process must
    not hold them up. Those of its own chat wait for it.
    """
    dead = and_(
        Message.account_id == lease.account_id, _CLAIMED, Message.claim_epoch != lease.epoch
    )
    claimed = await connection.execute(select(Message.id, Message.attempts).where(dead))
    attempts = [
        {
            "message_id": row.id,
            "attempt": row.attempts,
            # It may have been on its way until the process died: in the windows it counts as sent now.
            "at": now,
            "outcome": "unknown",
            "detail": "the process ended",
        }
        for row in claimed
    ]
    if not attempts:
        return 0, 0
    await connection.execute(insert(Delivery), attempts)
    repeated = 0
    if repeats_unknown:
        updated = await connection.execute(
            update(Message)
            .where(dead, Message.repeats < MAX_REPEATS)
            .values(state="pending", repeats=Message.repeats + 1, claim_epoch=None, send_at=now)
        )
        repeated = updated.rowcount
    parked = await connection.execute(
        update(Message).where(dead).values(state="uncertain", error="the process ended")
    )
    await erase_secrets(connection, [row["message_id"] for row in attempts])
    return repeated, parked.rowcount


async def claim_messages(
    connection: AsyncConnection,
    lease: Lease,
    messages: Mapping[int, int],
    *,
    now: datetime,
    sent: Sequence[SentMessage] = (),
) -> Sequence[Row[Any]]:
    """Claim those of the messages that are still pending, and return them; raises LeaseLost.

    messages: the chat of each when it was chosen. One rerouted since stays pending, because another of its
    new chat may be in flight. A row has the message's columns that sending needs, its chat's address, thread
    and chat_state, is_list, and for a message that is no answer needs_right (people were enrolled in the chat)
    and enrolled_until (the last day of any who are). sent: receipts to record before; on PostgreSQL in the same
    statement.
    """
    parameters = {
        "ids": list(messages),
        "at": now,
        "today": civil_date(now),
        "of": lease.account_id,
        "by": lease.owner,
        "in_epoch": lease.epoch,
    }
    if sent and connection.dialect.name == "postgresql":
        parameters |= receipts.receipt_parameters(lease, sent, now=now)
        rows = (await connection.execute(_RECORD_AND_CLAIM, parameters)).all()
        await receipts.erase_sent_secrets(connection, sent)
    else:
        await receipts.record_sent(connection, lease, sent, now=now)
        rows = (await connection.execute(_CLAIM, parameters)).all()
    if len(rows) < len(messages):
        await lock_lease(connection, lease)  # some were withdrawn meanwhile, or the lease is lost
    rerouted = [row.id for row in rows if row.chat_id != messages[row.id]]
    if rerouted:
        await _release(connection, Message.id.in_(rerouted))
    return [row for row in rows if row.id not in rerouted]


async def release_claims(
    connection: AsyncConnection, lease: Lease, except_ids: Iterable[int]
) -> set[int]:
    """Undo this owner's claims but except_ids, those that it is sending or has sent.

    Returns the claimed messages that are left: those of except_ids that are not recorded yet.
    """
    own_claims = (
        Message.account_id == lease.account_id,
        _CLAIMED,
        Message.claim_epoch == lease.epoch,
    )
    await _release(connection, *own_claims, Message.id.not_in(list(except_ids)))
    return set(await connection.scalars(select(Message.id).where(*own_claims)))


async def _release(connection: AsyncConnection, *claimed: ColumnElement[bool]) -> None:
    await connection.execute(
        update(Message)
        .where(*claimed)
        .values(state="pending", claim_epoch=None, attempts=Message.attempts - 1)
    )


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
    """Record the end of an attempt without a receipt; values: the message's new columns.

    outcome None: nothing was sent (skipped, or not renderable), so no row is added to `delivery`.
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
    """Return the number of a message's attempts with an outcome."""
    count = await connection.scalar(
        select(func.count()).where(Delivery.message_id == message_id, Delivery.outcome == outcome)
    )
    return count or 0


# Literal SQL: in RETURNING for SQLite, SQLAlchemy leaves out the tables' names.
_ITS_CHAT = "FROM chat WHERE chat.id = message.chat_id"
_ADDRESS = literal_column(f"(SELECT chat.address {_ITS_CHAT})", String)
_THREAD = literal_column(f"(SELECT chat.thread {_ITS_CHAT})", String)
_CHAT_STATE = literal_column(f"(SELECT chat.state {_ITS_CHAT})", String)
_IS_LIST = literal_column(
    "EXISTS (SELECT 1 FROM message_item WHERE message_item.message_id = message.id)", Boolean
)
_NEEDS_RIGHT = literal_column(
    "(message.priority > 0 AND EXISTS"
    " (SELECT 1 FROM enrolment WHERE enrolment.chat_id = message.chat_id))",
    Boolean,
)
_ENROLLED_UNTIL = literal_column(
    "(SELECT max(coalesce(enrolment.until_on, '9999-12-31')) FROM enrolment"
    " WHERE enrolment.chat_id = message.chat_id AND enrolment.ended_at IS NULL)",
    Date,
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
        # Since it was read, it may have been rerouted, or the machine may have slept over night.
        Message.account_id == bindparam("of"),
        or_(Message.broadcast_on.is_(None), Message.broadcast_on >= bindparam("today")),
        _PENDING,
        not_(is_held_back(now="at", today="today")),
        # PostgreSQL locks the account's row, so that no new owner comes in between.
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
        _NEEDS_RIGHT.label("needs_right"),
        _ENROLLED_UNTIL.label("enrolled_until"),
    )
)
_RECORD_AND_CLAIM = _CLAIM.add_cte(*receipts.RECEIPT_CTES)
