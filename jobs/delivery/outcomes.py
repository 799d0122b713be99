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
from data.accounts.usage import month_of
from data.clock import at, civil_date
from data.outbox import claims
from data.outbox import lost_chats as reach
from data.outbox.lost_accounts import LIMITED, REFUSED, SPENT, account_lost
from data.outbox.receipts import Sent, record_sent
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
class Ended:
    """One claimed message and how its attempt ended."""

    message: Row[Any]
    ending: Ending

    @property
    def word(self) -> str:
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
class Lost:
    """An account that can send no more, until an instant or (None) until it is mended."""

    why: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Who is to be silent until an instant: the chat, or the whole account."""

    until: datetime
    account: bool


def pause_after(attempts: int) -> float:
    """Return the seconds until a message may be tried again: doubling from 1 to 300, with jitter."""
    return float(min(LONGEST_PAUSE, 2.0 ** min(attempts - 1, 16)) * random.uniform(0.5, 1.0))  # noqa: S311


async def settle(
    connection: AsyncConnection,
    lease: Lease,
    ended: Ended,
    capabilities: Capabilities,
    *,
    now: datetime,
) -> Pause | None:
    """Record an ending other than a receipt; returns who must be silent from now on, if anybody."""
    message, error = ended.message, ended.ending
    values: dict[str, Any] = {"state": "pending", "claim_epoch": None}
    pause: Pause | None = None
    lost: Lost | None = None
    detail = str(error)[:500]
    if isinstance(error, Skipped):
        values = {"state": "skipped", "error": detail or None}
    elif isinstance(error, NotRenderable):
        values = {"state": "failed", "error": detail}
    elif isinstance(error, Transient):
        until = now + timedelta(seconds=pause_after(message.attempts))
        values |= {"send_at": until, "error": detail}
        pause = Pause(until, account=False)  # what follows in the chat keeps its place behind it
    elif isinstance(error, RateLimited):
        until = now + timedelta(seconds=error.retry_after)
        whole = error.whole_account
        await leases.halt(
            connection,
            until=until,
            account_id=message.account_id if whole else None,
            chat_id=None if whole else message.chat_id,
        )
        pause = Pause(until, account=whole)
        if whole:
            lost = await _rest(connection, message, error, capabilities, now=now)
    elif isinstance(error, Moved):
        values = await _follow(connection, message, error, now, values)
    elif isinstance(error, Gone):
        values = {}  # the message goes the way of everything that waits in the chat
    elif isinstance(error, Rejected):
        values = _more_plainly(message, values, detail)
    elif isinstance(error, Unauthorised):
        lost = Lost(REFUSED, None)
    elif not capabilities.repeats_unknown or message.repeats >= claims.MOST_REPEATS:
        values = {"state": "uncertain", "error": detail}
    else:
        values |= {"repeats": message.repeats + 1, "send_at": now, "error": detail}
    tried = not isinstance(error, Skipped | NotRenderable)
    await claims.settle(
        connection,
        lease,
        message,
        outcome=ended.word if tried else None,
        detail=detail,
        at=now,
        **values,
    )
    if isinstance(error, Gone):
        await reach.gone(connection, message.chat_id, why=detail, now=now)
    if lost is not None:  # after its own message is settled, which goes on elsewhere with the rest
        await account_lost(
            connection, message.account_id, why=lost.why, detail=detail, until=lost.until, now=now
        )
    return pause


async def _rest(
    connection: AsyncConnection,
    message: Row[Any],
    error: RateLimited,
    capabilities: Capabilities,
    *,
    now: datetime,
) -> Lost | None:
    """Return why an account that was told to wait is given up for so long; None for a short wait.

    A platform that does not tell a spent month from a hurried second is told apart by our own count.
    Where only both ways together reach the cap it may count just one: then it is tried again each day.
    """
    cap = capabilities.monthly_messages
    today = civil_date(now)
    if cap is not None:
        month = await month_of(connection, message.account_id, today=today)
        if month.sent >= cap:
            return Lost(
                SPENT, at((today.replace(day=1) + timedelta(days=32)).replace(day=1), time.min)
            )
        if month.used >= cap:
            return Lost(SPENT, at(today + timedelta(days=1), time.min))
    if error.retry_after < LONG_WAIT:
        return None
    return Lost(LIMITED, now + timedelta(seconds=error.retry_after))


async def record(
    connection: AsyncConnection,
    lease: Lease,
    ended: Sequence[Ended],
    capabilities: Capabilities,
    *,
    now: datetime,
    then_claim: Sequence[int] = (),
) -> tuple[list[Pause | None], Sequence[Row[Any]]]:
    """Record endings, those with a receipt at once; returns each one's Pause. Raises LeaseLost.

    then_claim: messages to be claimed after that; returned are those that were (data.outbox.claims.claim).
    """
    sent = [
        Sent(one.message, one.ending.remote_id) for one in ended if isinstance(one.ending, Receipt)
    ]
    if len(sent) < len(ended):
        await leases.hold(connection, lease)
    pauses = [
        None
        if isinstance(one.ending, Receipt)
        else await settle(connection, lease, one, capabilities, now=now)
        for one in ended
    ]
    if then_claim:
        return pauses, await claims.claim(connection, lease, then_claim, now=now, sent=sent)
    await record_sent(connection, lease, sent, now=now)
    return pauses, []


def _more_plainly(message: Row[Any], values: dict[str, Any], detail: str) -> dict[str, Any]:
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
    if same or await claims.times(connection, message.id, "moved") >= MOST_MOVES:
        return {"state": "failed", "error": str(error)[:500]}
    if error.new_thread is None:
        await reach.moved(connection, message.chat_id, error.new_address)
        return values
    return {**values, "chat_id": await reach.topic_gone(connection, message.chat_id, now=now)}
