"""Handover offers: a code gives a person's enrolments to a successor, a stand-in or another own chat.

Guarantees:
- The giver's enrolments end only when the taker has used the code.
- What the taker gets ends when the giver's ends: on its last day, and a stand-in's with the giver's itself.
- Every offer stays on record as a decision, without a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts.enrolments import (
    ActiveEnrolment,
    earlier_day,
    end_enrolments,
    enrol,
    list_enrolments,
)
from data.models import Decision, Enrolment

HANDOVER, STAND_IN, LINK = "handover", "stand_in", "link"
_DECIDED_BY = "người đang giữ vai trò"  # no name: decisions stay, a person may be erased


@dataclass(frozen=True, slots=True)
class Offer:
    """Enrolments that a code offers, and the person who offers them; kind HANDOVER: theirs end."""

    kind: str
    person_id: int
    enrolment_ids: tuple[int, ...]


async def record_offer(
    connection: AsyncConnection,
    *,
    person_id: int,
    enrolment_ids: Sequence[int],
    kind: str,
    now: datetime,
) -> int:
    """Record an offer, and return its id for the invitation; kind: HANDOVER, STAND_IN or LINK."""
    added = await connection.execute(
        insert(Decision)
        .values(
            kind=kind,
            plan_code="",
            subject="",
            details={"enrolments": list(enrolment_ids)},
            person_id=person_id,
            decided_by=_DECIDED_BY,
            decided_at=now,
        )
        .returning(Decision.id)
    )
    return int(added.scalar_one())


async def find_offer(connection: AsyncConnection, offer_id: int | None) -> Offer | None:
    """Return the offer that an invitation names, or None for a plain one."""
    rows = await connection.execute(
        select(Decision.kind, Decision.person_id, Decision.details).where(
            Decision.id == offer_id, Decision.kind.in_((HANDOVER, STAND_IN, LINK))
        )
    )
    row = rows.first()
    if row is None or row.person_id is None:
        return None
    return Offer(row.kind, row.person_id, tuple(row.details["enrolments"]))


async def accept_offer(
    connection: AsyncConnection,
    offer: Offer,
    *,
    chat_id: int,
    person_id: int,
    until_on: date | None,
    now: datetime,
) -> tuple[list[int], list[Row[Any]]]:
    """Enrol the taker for every offered enrolment that still lives; a HANDOVER ends the giver's.

    until_on: the last day of a stand-in. Returns the taker's enrolments, none where all that were offered
    have ended, and the rows of those that ended.
    """
    living = await list_offered_enrolments(connection, offer, today=civil_date(now))
    taken = [
        await enrol(
            connection,
            chat_id=chat_id,
            person_id=person_id,
            agency_id=each.agency_id,
            role=each.role,
            may_decide=each.may_decide,
            until_on=earlier_day(until_on, each.until_on),
            given_by_id=each.id if offer.kind == STAND_IN else each.given_by_id,
            now=now,
        )
        for each in living
    ]
    if offer.kind != HANDOVER:
        return taken, []
    given = Enrolment.id.in_([each.id for each in living])
    return taken, await end_enrolments(connection, given, now=now)


async def list_offered_enrolments(
    connection: AsyncConnection, offer: Offer, *, today: date
) -> list[ActiveEnrolment]:
    """Return the enrolments of an offer that still live, locked: nobody ends them before the taker has them."""
    of_offer = Enrolment.id.in_(offer.enrolment_ids)
    await connection.execute(
        select(Enrolment.id).where(of_offer).order_by(Enrolment.id).with_for_update(key_share=True)
    )
    return await list_enrolments(connection, of_offer, today=today)
