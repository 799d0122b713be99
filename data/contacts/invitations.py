"""One-use invitation codes: create, look up, redeem; and the limit of wrong ones.

Guarantees:
- A code enrols once, expires, and is stored only as a hash.
- It opens nothing once the right that made it has ended, and nothing lasts longer than that right.
- Five wrong codes within an hour lock their sender, and nobody else, until the first of them is an hour old. Trying
  on changes nothing.

No lock of a whole account is needed against many senders: a hundred tries every second for a year are 3·10⁹ of
1.1·10¹⁵ codes, and find one of a thousand living ones with a chance of 0.3 %.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts.chats import MessageOrigin
from data.contacts.codes import hash_code, make_code
from data.contacts.enrolments import (
    ActiveEnrolment,
    Role,
    earlier_day,
    enrol,
    ensure_person,
    find_enrolment,
    find_person,
    link_identity,
    list_person_enrolments,
)
from data.contacts.handover import (
    HANDOVER,
    LINK,
    STAND_IN,
    Offer,
    accept_offer,
    find_offer,
    list_offered_enrolments,
    record_offer,
)
from data.models import Invitation, WrongCode

CODE_DAYS = 7
MAX_WRONG_CODES = 5
LOCKED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Redemption:
    """Outcome of redeeming a code; enrolled only where it is "enrolled".

    wrong: no living code (unknown, used or expired; the reply does not say which)
    private_only: a leader's code or an offer, typed in a group; not used up
    own: the sender's own offer; not used up
    another: a code for one's own second chat, typed by a person who is known already; not used up

    handed_over: the offer that was redeemed, if the code was one. ended: the rows of the enrolments that it ended.
    """

    outcome: Literal["enrolled", "wrong", "private_only", "own", "another"]
    enrolled: ActiveEnrolment | None = None
    handed_over: Offer | None = None
    ended: tuple[Row[Any], ...] = ()


async def create_invitation(
    connection: AsyncConnection,
    *,
    agency_id: int,
    role: Role,
    may_decide: bool = False,
    made_by_id: int | None = None,
    now: datetime,
    days: int = CODE_DAYS,
) -> str:
    """Create a one-use code (XXXXX-XXXXX) and return it; it cannot be read again.

    made_by_id: the enrolment of the coordinator who makes it; None: made on the command line.
    """
    return await _insert_invitation(
        connection,
        agency_id=agency_id,
        role=role,
        may_decide=may_decide,
        made_by_id=made_by_id,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )


async def create_handover_code(
    connection: AsyncConnection,
    *,
    person_id: int,
    until_on: date | None = None,
    kind: str | None = None,
    now: datetime,
) -> tuple[str, list[ActiveEnrolment]]:
    """Create a code that offers all of a person's enrolments; returns the code and the enrolments.

    until_on: the last day of a stand-in. kind: LINK for another chat of the same person. Nothing changes
    until the code is used. Raises ValueError for a person without an enrolment.
    """
    enrolments = await list_person_enrolments(connection, person_id, today=civil_date(now))
    if not enrolments:
        raise ValueError("nothing to hand over")
    first = enrolments[0]
    offer_id = await record_offer(
        connection,
        person_id=person_id,
        enrolment_ids=[each.id for each in enrolments],
        kind=kind or (HANDOVER if until_on is None else STAND_IN),
        now=now,
    )
    code = await _insert_invitation(
        connection,
        offer_id=offer_id,
        agency_id=first.agency_id,
        role=first.role,
        may_decide=first.may_decide,
        until_on=until_on,
        created_at=now,
        expires_at=now + timedelta(days=CODE_DAYS),
    )
    return code, enrolments


async def _insert_invitation(connection: AsyncConnection, **values: Any) -> str:
    code = make_code()
    await connection.execute(insert(Invitation).values(code_hash=hash_code(code), **values))
    return code


async def load_made_codes(
    connection: AsyncConnection, codes: Collection[str], *, now: datetime
) -> dict[str, bool]:
    """Return those of the codes that were ever made and are stored still, each with whether it may be used."""
    hashes = {hash_code(code): code for code in codes}
    rows = await connection.execute(
        select(Invitation.code_hash, Invitation.used_at, Invitation.expires_at).where(
            Invitation.code_hash.in_([key for key in hashes if key is not None])
        )
    )
    return {hashes[row.code_hash]: row.used_at is None and row.expires_at > now for row in rows}


async def redeem(
    connection: AsyncConnection,
    *,
    code: str,
    chat: Row[Any],
    incoming: MessageOrigin,
    now: datetime,
) -> Redemption:
    """Use a code in a chat: enrols the person in a private chat, the group itself in a group.

    Of two chats that use one code at once, one is enrolled. Ask is_locked before, and count what is wrong
    with record_wrong_code.
    """
    today = civil_date(now)
    rows = await connection.execute(
        select(Invitation).where(
            Invitation.code_hash == (hash_code(code) or ""),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
    )
    invitation = rows.one_or_none()
    if invitation is None or (chat.kind == "private" and not incoming.sender):
        return Redemption("wrong")
    if invitation.until_on is not None and invitation.until_on < today:
        return Redemption("wrong")
    maker: ActiveEnrolment | None = None
    if invitation.made_by_id is not None:
        maker = await find_enrolment(connection, invitation.made_by_id, today=today)
        if maker is None:
            return Redemption("wrong")
    offer = await find_offer(connection, invitation.offer_id)
    if offer is not None and not await list_offered_enrolments(connection, offer, today=today):
        return Redemption("wrong")
    if chat.kind == "group" and (invitation.role == "leader" or offer is not None):
        return Redemption("private_only")
    taker = await find_person(connection, incoming.account_id, incoming.sender)
    if offer is not None and offer.person_id == taker:
        return Redemption("own")
    if offer is not None and offer.kind == LINK and taker is not None:
        return Redemption("another")
    taken = await connection.execute(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
        .values(used_at=now, used_chat_id=chat.id)
    )
    if taken.rowcount != 1:
        return Redemption("wrong")
    await connection.execute(delete(WrongCode).where(*_tries_of(incoming)))
    person_id = None
    if offer is not None and offer.kind == LINK:
        person_id = offer.person_id
        await link_identity(connection, incoming.account_id, incoming.sender, person_id)
    elif chat.kind == "private":
        person_id = await ensure_person(
            connection, incoming.account_id, incoming.sender, incoming.sender_name, now=now
        )
    ended: list[Row[Any]] = []
    if offer is not None and person_id is not None:
        (enrolment_id, *_), ended = await accept_offer(
            connection,
            offer,
            chat_id=chat.id,
            person_id=person_id,
            until_on=invitation.until_on,
            now=now,
        )
    else:
        # A code for the maker's own agency passes its right on; one for another agency gives that agency its own.
        passed_on = maker if maker is not None and maker.agency_id == invitation.agency_id else None
        enrolment_id = await enrol(
            connection,
            chat_id=chat.id,
            person_id=person_id,
            agency_id=invitation.agency_id,
            role=invitation.role,
            may_decide=invitation.may_decide and person_id is not None,
            until_on=earlier_day(invitation.until_on, passed_on.until_on if passed_on else None),
            given_by_id=passed_on.given_by_id if passed_on else None,
            now=now,
        )
    enrolled = await find_enrolment(connection, enrolment_id, today=today)
    return Redemption("enrolled", enrolled, offer, tuple(ended))


async def is_locked(connection: AsyncConnection, incoming: MessageOrigin, *, now: datetime) -> bool:
    """Tell whether a sender is locked by wrong codes; tries by a clock that was ahead do not count."""
    count = await connection.scalar(
        select(func.count()).where(
            *_tries_of(incoming), WrongCode.tried_at > now - LOCKED_FOR, WrongCode.tried_at <= now
        )
    )
    return int(count or 0) >= MAX_WRONG_CODES


async def record_wrong_code(
    connection: AsyncConnection, incoming: MessageOrigin, *, now: datetime
) -> bool:
    """Count a wrong code against its sender; returns whether that locks them."""
    await connection.execute(delete(WrongCode).where(WrongCode.tried_at <= now - LOCKED_FOR))
    await connection.execute(
        insert(WrongCode).values(account_id=incoming.account_id, who=_who(incoming), tried_at=now)
    )
    return await is_locked(connection, incoming, now=now)


def _tries_of(incoming: MessageOrigin) -> tuple[Any, ...]:
    return WrongCode.account_id == incoming.account_id, WrongCode.who == _who(incoming)


def _who(incoming: MessageOrigin) -> str:
    """Return whom a try counts against: the sender in whichever chat; without one the chat, with all its topics."""
    return incoming.sender or f"chat:{incoming.address}"
