"""Extension requests: ask, decide, withdraw.

Guarantees:
- At most one open request per obligation, none after the day that is judged.
- No more granted requests than the province allows.
- Only decide_extension moves a date; bot/conversation/context/access.py checks who may ask and decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.db.statements import chunks
from data.models import ExtensionRequest, Obligation
from data.progress.replies import lock_obligation
from data.rules.states import is_done_late, is_never_late

OPEN_EXTENSION_STATES = ("open", "offered")


class ExtensionAlreadyOpen(Exception):
    """An open request exists; show its date, and that it must be withdrawn before another."""

    def __init__(self, request: Row[Any]) -> None:
        super().__init__(request.id)
        self.request = request


class ExtensionCapReached(Exception):
    """The province allows no more extensions; refer the person to the coordinator."""

    def __init__(self, cap: int) -> None:
        super().__init__(cap)
        self.cap = cap


class ExtensionTooLate(Exception):
    """The due date has passed; an extension must be requested before that."""


def granted_count() -> ColumnElement[int]:
    """Return how many requests about an Obligation of the enclosing statement were granted."""
    return (
        select(func.count())
        .where(ExtensionRequest.obligation_id == Obligation.id, ExtensionRequest.state == "granted")
        .correlate(Obligation)
        .scalar_subquery()
    )


async def count_granted(
    connection: AsyncConnection, obligation_ids: Sequence[int]
) -> dict[int, int]:
    """Return how many requests about each of some obligations were granted; none: absent."""
    counts: dict[int, int] = {}
    for ids in chunks(obligation_ids):
        rows = await connection.execute(
            select(ExtensionRequest.obligation_id, func.count())
            .where(ExtensionRequest.obligation_id.in_(ids), ExtensionRequest.state == "granted")
            .group_by(ExtensionRequest.obligation_id)
        )
        counts.update((row[0], row[1]) for row in rows)
    return counts


def is_extendable(obligation: Any, *, granted: int, max_granted: int, today: date) -> bool:
    """Tell whether a later date may still be asked for: there is one, it has not passed, the cap not reached.

    obligation: anything with judged_on; what was due before its plan was tracked has passed.
    """
    if is_never_late(obligation.judged_on) or is_done_late(today, obligation.judged_on):
        return False
    return granted < max_granted


async def check_extension_allowed(
    connection: AsyncConnection, *, obligation_id: int, max_granted: int, today: date
) -> None:
    """Raise ExtensionTooLate, ExtensionAlreadyOpen or ExtensionCapReached, in this order.

    max_granted: how many extensions a province allows for one obligation.
    """
    obligation = await lock_obligation(connection, obligation_id)
    # The day that is judged still counts.
    if is_never_late(obligation.judged_on) or is_done_late(today, obligation.judged_on):
        raise ExtensionTooLate
    request = await find_open_extension(connection, obligation_id)
    if request is not None:
        raise ExtensionAlreadyOpen(request)
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
    """Record an extension request; returns its id. Raises as check_extension_allowed does.

    ValueError: `until` is not after the effective due date; the caller must ask for another date.
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
    """Return an obligation's undecided request, open or offered; None without one."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__).where(
            ExtensionRequest.obligation_id == obligation_id,
            ExtensionRequest.state.in_(OPEN_EXTENSION_STATES),
        )
    )
    return rows.one_or_none()


async def find_extension(connection: AsyncConnection, request_id: int) -> Row[Any] | None:
    """Return one request, or None for an unknown id."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__).where(ExtensionRequest.id == request_id)
    )
    return rows.one_or_none()


async def find_extension_by_reply(connection: AsyncConnection, reply_id: int) -> Row[Any] | None:
    """Return the request that a reply made, or None."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__).where(ExtensionRequest.reply_id == reply_id)
    )
    return rows.one_or_none()


async def lock_extension(connection: AsyncConnection, request_id: int) -> Row[Any] | None:
    """Return one request as it stands while its obligation is locked; None for an unknown id.

    Who decides on it, answers an offer or takes it back locks the same row first.
    """
    request = await find_extension(connection, request_id)
    if request is None:
        return None
    await lock_obligation(connection, request.obligation_id)
    return await find_extension(connection, request_id)


async def withdraw_extension(connection: AsyncConnection, request_id: int) -> None:
    """Withdraw a request unless it was decided."""
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

    offered: `until` is another date, which the agency has yet to accept. Raises ValueError for a decided
    request. Call jobs.planning.rungs.recompute afterwards, in the same transaction.
    """
    await lock_extension(connection, request_id)
    decided: dict[str, Any] = {"state": state, "decided_at": now}
    if state in ("granted", "offered"):
        decided["granted_until"] = until
    if decision_id is not None:
        decided["decision_id"] = decision_id
    changed = await connection.execute(
        update(ExtensionRequest)
        .where(ExtensionRequest.id == request_id, ExtensionRequest.state.in_(OPEN_EXTENSION_STATES))
        .values(decided)
        .returning(ExtensionRequest.obligation_id)
    )
    obligation_id = changed.scalar_one_or_none()
    if obligation_id is None:
        raise ValueError("the request was decided already")
    if state == "offered":
        return
    values: dict[str, Any] = {"extension_asked_at": None}
    if state == "granted":
        # An acknowledgement holds back rungs of the old date only.
        values |= {
            "extended_to": until,
            "acknowledged_until": None,
            "late_told": 0,
            "revision": Obligation.revision + 1,
            "revised_on": civil_date(now),
        }
    await connection.execute(
        update(Obligation).where(Obligation.id == obligation_id).values(values)
    )


async def list_open_extensions(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """Return the open requests about the open obligations of a condition, the soonest due first."""
    rows = await connection.execute(
        select(ExtensionRequest.__table__)
        .join(Obligation, Obligation.id == ExtensionRequest.obligation_id)
        .where(condition, ExtensionRequest.state == "open", Obligation.state == "open")
        .order_by(Obligation.base_on, ExtensionRequest.id)
    )
    return rows.all()
