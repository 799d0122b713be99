"""Requests for a later date: asked by an agency, decided by whoever may, or withdrawn.

Promises at most one open request an obligation, none after its due date, and no more granted ones than
the province allows. Never moves a date by itself: a decision does. Who may ask and decide is judged in
bot/conversation/context/access.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.models import ExtensionRequest, Obligation
from data.progress.replies import lock_obligation

OPEN_EXTENSION_STATES = ("open", "offered")


class ExtensionAlreadyOpen(Exception):
    """There is an open request; tell its date, and that it must be withdrawn before another."""

    def __init__(self, request: Row[Any]) -> None:
        super().__init__(request.id)
        self.request = request


class ExtensionCapReached(Exception):
    """As many requests were granted as the province allows; send the person to the coordinator."""

    def __init__(self, cap: int) -> None:
        super().__init__(cap)
        self.cap = cap


class ExtensionTooLate(Exception):
    """The due date has gone by; a later date is asked for before it."""


async def check_extension_allowed(
    connection: AsyncConnection, *, obligation_id: int, max_granted: int, today: date
) -> None:
    """Raise what forbids a request: TooLate, AlreadyAsked, CapReached; in this order.

    most: how many a province lets be granted for one obligation. The last day judged on time still counts.
    """
    obligation = await lock_obligation(connection, obligation_id)
    if today > obligation.judged_on:
        raise ExtensionTooLate
    standing = await find_open_extension(connection, obligation_id)
    if standing is not None:
        raise ExtensionAlreadyOpen(standing)
    granted = await connection.scalar(
        select(func.count()).where(
            ExtensionRequest.obligation_id == obligation_id, ExtensionRequest.state == "granted"
        )
    )
    if (granted or 0) >= max_granted:
        raise ExtensionCapReached(max_granted)


async def request_extension(
    connection: AsyncConnection,
    *,
    obligation_id: int,
    until: date,
    reason: str,
    reply_id: int | None,
    person_id: int | None,
    chat_id: int | None,
    now: datetime,
    max_granted: int = 1,
) -> int:
    """Write down a request for a later date; returns its id. Raises as check does.

    ValueError: `until` is not after the effective due date, which the caller has to ask about.
    """
    await check_extension_allowed(
        connection, obligation_id=obligation_id, max_granted=max_granted, today=civil_date(now)
    )
    obligation = await lock_obligation(connection, obligation_id)
    if until <= max(obligation.due_on, obligation.extended_to or obligation.due_on):
        raise ValueError("until must be after the effective due date")
    added = await connection.execute(
        insert(ExtensionRequest)
        .values(
            obligation_id=obligation_id,
            reply_id=reply_id,
            until=until,
            reason=reason,
            state="open",
            asked_at=now,
            person_id=person_id,
            chat_id=chat_id,
        )
        .returning(ExtensionRequest.id)
    )
    made: int = added.scalar_one()
    return made


async def find_open_extension(connection: AsyncConnection, obligation_id: int) -> Row[Any] | None:
    """Return an obligation's request that waits for an answer, of whichever side; None without."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__).where(
            ExtensionRequest.obligation_id == obligation_id,
            ExtensionRequest.state.in_(OPEN_EXTENSION_STATES),
        )
    )
    return rows.one_or_none()


async def find_extension(connection: AsyncConnection, request_id: int) -> Row[Any] | None:
    """Return one request, or None where there is none of that id."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__).where(ExtensionRequest.id == request_id)
    )
    return rows.one_or_none()


async def find_extension_by_reply(connection: AsyncConnection, reply_id: int) -> Row[Any] | None:
    """Return the request that an answer made, or None."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__).where(ExtensionRequest.reply_id == reply_id)
    )
    return rows.one_or_none()


async def withdraw_extension(connection: AsyncConnection, request_id: int) -> None:
    """Withdraw a request that nobody has decided; one that was decided stays as it is."""
    await connection.execute(
        update(ExtensionRequest)
        .where(ExtensionRequest.id == request_id, ExtensionRequest.state.in_(OPEN_EXTENSION_STATES))
        .values(state="withdrawn")
    )


async def decide_extension(
    connection: AsyncConnection,
    request_id: int,
    state: Literal["granted", "refused", "offered", "withdrawn"],
    *,
    until: date | None = None,
    decision_id: int | None,
    now: datetime,
) -> None:
    """Decide a request that is open or offered; granted moves the obligation's date to `until`.

    offered: `until` is the other date, which the agency has yet to take; until then nothing moves.
    ValueError where it was decided already. Call jobs.planning.materialise.recompute afterwards, in the same
    transaction.
    """
    asked = await find_extension(connection, request_id)
    if asked is None or asked.state not in OPEN_EXTENSION_STATES:
        raise ValueError("the request was decided already")
    await connection.execute(
        update(ExtensionRequest)
        .where(ExtensionRequest.id == request_id)
        .values(
            state=state,
            granted_until=until if state in ("granted", "offered") else asked.granted_until,
            decided_at=now,
            decision_id=asked.decision_id if decision_id is None else decision_id,
        )
    )
    if state == "offered":
        return
    values: dict[str, Any] = {"extension_asked_at": None}
    if state == "granted":
        # What holds a rung back was said of the old date.
        values |= {
            "extended_to": until,
            "acknowledged_until": None,
            "late_told": 0,
            "revision": Obligation.revision + 1,
            "revised_on": civil_date(now),
        }
    await connection.execute(
        update(Obligation).where(Obligation.id == asked.obligation_id).values(values)
    )


async def list_open_extensions(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Return the open requests about obligations of which a condition holds, the soonest due first."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__)
        .join(Obligation, Obligation.id == ExtensionRequest.obligation_id)
        .where(condition, ExtensionRequest.state == "open", Obligation.state == "open")
        .order_by(Obligation.base_on, ExtensionRequest.id)
    )
    return rows.all()
