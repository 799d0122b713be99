"""How an attempt ended, and what that decides: the one table of errors and consequences.

Promises that every ending leaves its message in exactly one state and, unless it was never tried, one
line in `delivery`; and that what is parked says why. Runs within the caller's transaction.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import leases
from data.accounts.leases import Lease
from data.accounts.usage import load_month_usage
from data.clock import civil_date, instant_at
from data.outbox import claims, lost_chats
from data.outbox.lost_accounts import LIMITED, REFUSED, SPENT, account_lost
from data.outbox.receipts import SentMessage, record_sent
from jobs.channel import (
    Capabilities,
    DeliveryError,
    Gone,
    Moved,
    RateLimited,
    Receipt,
    Rejected,
    Transient,
    Unauthorised,
    Unknown,
)

LONGEST_PAUSE = 300.0  # seconds between two attempts of one message
MOST_MOVES = 3
LONG_WAIT = (
    900.0  # seconds for which a whole account is told to wait, and others carry its messages
)


class Skipped(Exception):
    """Nothing is left to say; the message is not sent."""


class NotRenderable(Exception):
    """The message could not be put into words; it alone is parked."""


Ending = Receipt | DeliveryError | Skipped | NotRenderable


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """One claimed message and how its attempt ended."""

    message: Row[Any]
    ending: Ending

    @property
    def outcome(self) -> str:
        """The ending in one word, for the log and the `delivery` table."""
        return _WORDS.get(type(self.ending), "unknown")


_WORDS: dict[type, str] = {
    Receipt: "sent",
    Transient: "transient",
    Unknown: "unknown",
    RateLimited: "rate_limited",
    Moved: "moved",
    Gone: "gone",
    Rejected: "rejected",
    Unauthorised: "unauthorised",
    Skipped: "skipped",
    NotRenderable: "not_renderable",
}


@dataclass(frozen=True, slots=True)
class Outage:
    """An account that can send no more, until an instant or (None) until it is mended."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Who is to be silent until an instant: the chat, or the whole account."""

    until: datetime
    whole_account: bool


def retry_delay(attempts: int) -> float:
    """Return the seconds until a message may be tried again: doubling from 1 to 300, with jitter."""
    return float(min(LONGEST_PAUSE, 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0))  # noqa: S311


async def record_unsent(
    connection: AsyncConnection,
    lease: Lease,
    result: AttemptResult,
    capabilities: Capabilities,
    *,
    now: datetime,
) -> Cooldown | None:
    """Record an ending other than a receipt; returns who must be silent from now on, if anybody."""
    message, error = result.message, result.ending
    values: dict[str, Any] = {"state": "pending", "claim_epoch": None}
    pause: Cooldown | None = None
    lost: Outage | None = None
    detail = str(error)[:500]
    if isinstance(error, Skipped):
        values = {"state": "skipped", "error": detail or None}
    elif isinstance(error, NotRenderable):
        values = {"state": "failed", "error": detail}
    elif isinstance(error, Transient):
        until = now + timedelta(seconds=retry_delay(message.attempts))
        values |= {"send_at": until, "error": detail}
        pause = Cooldown(
            until, whole_account=False
        )  # what follows in the chat keeps its place behind it
    elif isinstance(error, RateLimited):
        until = now + timedelta(seconds=error.retry_after)
        whole = error.whole_account
        await leases.pause_sending(
            connection,
            until=until,
            account_id=message.account_id if whole else None,
            chat_id=None if whole else message.chat_id,
        )
        pause = Cooldown(until, whole_account=whole)
        if whole:
            lost = await _find_outage(connection, message, error, capabilities, now=now)
    elif isinstance(error, Moved):
        values = await _follow(connection, message, error, now, values)
    elif isinstance(error, Gone):
        values = {}  # the message goes the way of everything that waits in the chat
    elif isinstance(error, Rejected):
        values = _simplify_retry(message, values, detail)
    elif isinstance(error, Unauthorised):
        lost = Outage(REFUSED, None)
    elif not capabilities.repeats_unknown or message.repeats >= claims.MAX_REPEATS:
        values = {"state": "uncertain", "error": detail}
    else:
        values |= {"repeats": message.repeats + 1, "send_at": now, "error": detail}
    tried = not isinstance(error, Skipped | NotRenderable)
    await claims.record_ending(
        connection,
        lease,
        message,
        outcome=result.outcome if tried else None,
        detail=detail,
        at=now,
        **values,
    )
    if isinstance(error, Gone):
        await lost_chats.chat_lost(connection, message.chat_id, why=detail, now=now)
    if lost is not None:  # after its own message is settled, which goes on elsewhere with the rest
        await account_lost(
            connection,
            message.account_id,
            why=lost.reason,
            detail=detail,
            until=lost.until,
            now=now,
        )
    return pause


async def _find_outage(
    connection: AsyncConnection,
    message: Row[Any],
    error: RateLimited,
    capabilities: Capabilities,
    *,
    now: datetime,
) -> Outage | None:
    """Return why an account that was told to wait is given up for so long; None for a short wait.

    A platform that does not tell a spent month from a hurried second is told apart by our own count.
    Where only both ways together reach the cap it may count just one: then it is tried again each day.
    """
    cap = capabilities.monthly_messages
    today = civil_date(now)
    if cap is not None:
        month = await load_month_usage(connection, message.account_id, today=today)
        if month.sent >= cap:
            return Outage(
                SPENT,
                instant_at((today.replace(day=1) + timedelta(days=32)).replace(day=1), time.min),
            )
        if month.used >= cap:
            return Outage(SPENT, instant_at(today + timedelta(days=1), time.min))
    if error.retry_after < LONG_WAIT:
        return None
    return Outage(LIMITED, now + timedelta(seconds=error.retry_after))


async def record_results(
    connection: AsyncConnection,
    lease: Lease,
    results: Sequence[AttemptResult],
    capabilities: Capabilities,
    *,
    now: datetime,
    claim_ids: Sequence[int] = (),
) -> tuple[list[Cooldown | None], Sequence[Row[Any]]]:
    """Record endings, those with a receipt at once; returns each one's Pause. Raises LeaseLost.

    then_claim: messages to be claimed after that; returned are those that were (data.outbox.claims.claim_messages).
    """
    sent = [
        SentMessage(one.message, one.ending.remote_id)
        for one in results
        if isinstance(one.ending, Receipt)
    ]
    if len(sent) < len(results):
        await leases.lock_lease(connection, lease)
    pauses = [
        None
        if isinstance(one.ending, Receipt)
        else await record_unsent(connection, lease, one, capabilities, now=now)
        for one in results
    ]
    if claim_ids:
        return pauses, await claims.claim_messages(connection, lease, claim_ids, now=now, sent=sent)
    await record_sent(connection, lease, sent, now=now)
    return pauses, []


def _simplify_retry(message: Row[Any], values: dict[str, Any], detail: str) -> dict[str, Any]:
    """A refused edit is sent anew, a refused text without markup; what is refused then is parked."""
    if message.edits is not None:
        return {**values, "edits": None, "error": detail}
    if not message.plain:
        return {**values, "plain": True, "error": detail}
    return {"state": "failed", "error": detail}


async def _follow(
    connection: AsyncConnection,
    message: Row[Any],
    error: Moved,
    now: datetime,
    values: dict[str, Any],
) -> dict[str, Any]:
    """Follow the chat and send there, unless it leads in circles."""
    same = error.new_address == message.address and error.new_thread in (None, message.thread)
    if same or await claims.count_attempts(connection, message.id, "moved") >= MOST_MOVES:
        return {"state": "failed", "error": str(error)[:500]}
    if error.new_thread is None:
        await lost_chats.follow_moved_chat(connection, message.chat_id, error.new_address)
        return values
    return {**values, "chat_id": await lost_chats.topic_lost(connection, message.chat_id, now=now)}
