"""Record how attempts ended: the one table of errors and consequences, within the caller's transaction.

    Receipt          sent
    Skipped          skipped; nothing was left to say
    NotRenderable    parked as failed
    Transient        again after a back-off; the chat rests until then
    RateLimited      again when the platform's "wait" is over; the chat or the account rests until then
    Moved            again at the new address, at most three times
    Gone             the chat is paused and its messages are rerouted; the same of a closed topic, and of a
                     chat where the bot may not write
    Rejected         an edit again as a new message, a text again without markup, picture and file; then
                     parked as failed
    Unauthorised     the account stops and its messages are rerouted
    Unknown          again, marked, at most twice; then, or where the channel does not repeat, uncertain

Guarantees:
- Every ending leaves its message in exactly one state and, where it was tried, adds one row to `delivery`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
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
from data.outbox.set_back import LONGEST_PAUSE
from jobs.channel import (
    Capabilities,
    DeliveryError,
    FilesForbidden,
    Gone,
    Moved,
    RateLimited,
    Receipt,
    Rejected,
    TopicClosed,
    Transient,
    Unauthorised,
    Unknown,
    WritingForbidden,
)

MOST_MOVES = 3
LONG_WAIT = 900.0  # seconds of a platform's "wait" from which an account counts as lost


class Skipped(Exception):
    """Nothing is left to say; the message is not sent."""


class NotRenderable(Exception):
    """The message could not be rendered; it alone is parked."""


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

    @property
    def log_fields(self) -> dict[str, Any]:
        """The message's fields in the log."""
        message = self.message
        return {
            "message": message.id,
            "account": message.account_id,
            "chat": message.chat_id,
            "template": message.template,
            "page": f"{message.page}/{message.pages}",
            "attempt": message.attempts,
        }


_WORDS: dict[type, str] = {
    Receipt: "sent",
    Transient: "transient",
    Unknown: "unknown",
    RateLimited: "rate_limited",
    Moved: "moved",
    Gone: "gone",
    TopicClosed: "topic_closed",
    WritingForbidden: "forbidden",
    Rejected: "rejected",
    FilesForbidden: "files_forbidden",
    Unauthorised: "unauthorised",
    Skipped: "skipped",
    NotRenderable: "not_renderable",
}


@dataclass(frozen=True, slots=True)
class Outage:
    """Why an account can send no more, and until when; None: until an administrator mends it."""

    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Rest of a chat, or of the whole account, until an instant."""

    until: datetime
    whole_account: bool


def retry_delay(attempts: int) -> float:
    """Return the seconds until the next attempt: doubling from 1 to 300, times a random 0.5 to 1."""
    longest = LONGEST_PAUSE.total_seconds()
    return float(min(longest, 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0))  # noqa: S311


async def record_unsent(
    connection: AsyncConnection,
    lease: Lease,
    result: AttemptResult,
    capabilities: Capabilities,
    *,
    now: datetime,
) -> Cooldown | None:
    """Record an ending other than a receipt; returns the rest that it asks for, if any."""
    message, error = result.message, result.ending
    values: dict[str, Any] = {"state": "pending", "claim_epoch": None}
    cooldown: Cooldown | None = None
    outage: Outage | None = None
    detail = str(error)[:500]
    if isinstance(error, Skipped):
        values = {"state": "skipped", "error": detail or None}
    elif isinstance(error, NotRenderable):
        values = {"state": "failed", "error": detail}
    elif isinstance(error, Transient):
        until = now + timedelta(seconds=retry_delay(message.attempts))
        values |= {"send_at": until, "error": detail}
        cooldown = Cooldown(until, whole_account=False)  # keeps the order within the chat
    elif isinstance(error, RateLimited):
        until = now + timedelta(seconds=error.retry_after)
        whole = error.whole_account
        await leases.pause_sending(
            connection,
            until=until,
            account_id=message.account_id if whole else None,
            chat_id=None if whole else message.chat_id,
        )
        cooldown = Cooldown(until, whole_account=whole)
        if whole:
            outage = await _find_outage(connection, message, error, capabilities, now=now)
    elif isinstance(error, Moved):
        values = await _follow(connection, message, error, now, values)
    elif isinstance(error, Gone):
        values = {}  # chat_lost() reroutes or ends it with the others of the chat
    elif isinstance(error, Rejected):
        values = _simplify_retry(message, values, detail)
    elif isinstance(error, Unauthorised):
        outage = Outage(REFUSED, None)
    elif not capabilities.repeats_unknown or message.repeats >= claims.MAX_REPEATS:
        values = {"state": "uncertain", "error": detail}
    else:
        values |= {"repeats": message.repeats + 1, "send_at": now, "error": detail}
    was_tried = not isinstance(error, Skipped | NotRenderable)
    await claims.record_ending(
        connection,
        lease,
        message,
        outcome=result.outcome if was_tried else None,
        detail=detail,
        at=now,
        **values,
    )
    if isinstance(error, Gone):
        why = f"{result.outcome}: {detail}"
        await lost_chats.chat_lost(connection, message.chat_id, why=why, now=now)
    if outage is not None:  # once this message is pending again, to be rerouted with the others
        await account_lost(
            connection,
            message.account_id,
            why=outage.reason,
            detail=detail,
            until=outage.until,
            now=now,
        )
    return cooldown


async def _find_outage(
    connection: AsyncConnection,
    message: Row[Any],
    error: RateLimited,
    capabilities: Capabilities,
    *,
    now: datetime,
) -> Outage | None:
    """Return the outage that a platform's "wait" for the whole account means; None for a short wait.

    A platform may refuse a spent month in the same words as haste, so our own count tells them apart. It may
    count sent messages alone, or received ones too: where only both together reach the cap, it is tried daily.
    """
    cap = capabilities.monthly_messages
    today = civil_date(now)
    if cap is not None:
        month = await load_month_usage(connection, message.account_id, today=today)
        if month.sent >= cap:
            next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
            return Outage(SPENT, instant_at(next_month, time.min))
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
    claim: Mapping[int, int] | None = None,
) -> tuple[list[Cooldown | None], Sequence[Row[Any]]]:
    """Record results, then claim messages; returns each result's cooldown and the rows claimed.

    claim: the messages to claim, each with the chat it had when it was chosen.
    Receipts are recorded together, on PostgreSQL in the statement that claims. Raises LeaseLost.
    """
    sent = [
        SentMessage(result.message, result.ending.remote_id)
        for result in results
        if isinstance(result.ending, Receipt)
    ]
    if len(sent) < len(results):
        await leases.lock_lease(connection, lease)
    cooldowns = [
        None
        if isinstance(result.ending, Receipt)
        else await record_unsent(connection, lease, result, capabilities, now=now)
        for result in results
    ]
    if claim:
        rows = await claims.claim_messages(connection, lease, claim, now=now, sent=sent)
        return cooldowns, rows
    await record_sent(connection, lease, sent, now=now)
    return cooldowns, []


def _simplify_retry(message: Row[Any], values: dict[str, Any], detail: str) -> dict[str, Any]:
    """Return the values for a simpler retry: an edit as a new message, a text without markup; else failed."""
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
    """Follow the chat to its new address, unless it has moved too often or not at all."""
    unmoved = error.new_address == message.address and error.new_thread in (None, message.thread)
    if unmoved or await claims.count_attempts(connection, message.id, "moved") >= MOST_MOVES:
        return {"state": "failed", "error": str(error)[:500]}
    if error.new_thread is None:
        await lost_chats.follow_moved_chat(connection, message.chat_id, error.new_address)
        return values
    return {**values, "chat_id": await lost_chats.topic_lost(connection, message.chat_id, now=now)}
