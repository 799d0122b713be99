"""Handing over: one person's enrolments pass to another, are shared with who stands in, or with another
chat of the same person.

Promises that nobody loses a chat before somebody else has come in by the code; that a person cannot
hand over to themselves; and that who handed over what is recorded for good. Never sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.enrolments import ActiveEnrolment, enrol, list_enrolments
from data.models import Decision, Enrolment

HANDOVER, STAND_IN, LINK = "handover", "stand_in", "link"
_MEANWHILE = "người đang giữ vai trò"  # no name: decisions stay, a person may be erased


@dataclass(frozen=True, slots=True)
class Offer:
    """What a code hands over: whose enrolments, which, and whether theirs end."""

    kind: str
    person_id: int
    enrolment_ids: tuple[int, ...]


async def record_offer(
    connection: AsyncConnection,
    *,
    invitation_id: int,
    person_id: int,
    enrolment_ids: Sequence[int],
    kind: str,
    now: datetime,
) -> None:
    """Record what a code hands over, and how: HANDOVER ends the person's own enrolments when it is used."""
    await connection.execute(
        insert(Decision).values(
            kind=kind,
            plan_code="",
            subject=_subject(invitation_id),
            details={"enrolments": list(enrolment_ids)},
            person_id=person_id,
            decided_by=_MEANWHILE,
            decided_at=now,
        )
    )


async def find_offer(connection: AsyncConnection, invitation_id: int) -> Offer | None:
    """Return what a code hands over, or None for a plain invitation."""
    found = await connection.execute(
        select(Decision.kind, Decision.person_id, Decision.details).where(
            Decision.kind.in_((HANDOVER, STAND_IN, LINK)),
            Decision.subject == _subject(invitation_id),
        )
    )
    row = found.first()
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
) -> list[int]:
    """Enrol the taker for everything offered that still lives; end the giver's where it is handed over.

    Returns the taker's enrolments, none where all that was offered had ended meanwhile.
    """
    living = await list_offered_enrolments(connection, offer)
    made = [
        await enrol(
            connection,
            chat_id=chat_id,
            person_id=person_id,
            agency_id=each.agency_id,
            role=each.role,
            may_decide=each.may_decide,
            until_on=until_on,
            now=now,
        )
        for each in living
    ]
    if offer.kind == HANDOVER:
        await connection.execute(
            update(Enrolment)
            .where(Enrolment.id.in_([each.id for each in living]))
            .values(ended_at=now)
        )
    return made


async def list_offered_enrolments(
    connection: AsyncConnection, offer: Offer
) -> list[ActiveEnrolment]:
    """Return what of an offer still lives."""
    return await list_enrolments(connection, Enrolment.id.in_(offer.enrolment_ids))


def _subject(invitation_id: int) -> str:
    return f"invitation:{invitation_id}"
