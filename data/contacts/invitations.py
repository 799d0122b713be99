"""One-use invitation codes: create, recognise in a text, redeem.

Guarantees:
- A code enrols once, expires, and is stored only as a hash.
- Five wrong codes lock a chat for an hour; 200 in an hour lock all chats of an account.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, case, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.chats import MessageOrigin
from data.contacts.enrolments import (
    ActiveEnrolment,
    Role,
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
from data.models import Chat, Invitation

CODE_DAYS = 7
MAX_WRONG_CODES = 5
# Wrong codes of an account in the last hour. At this pace, guessing one of a thousand living codes of 50
# random bits takes a million years; a province's first morning has room for its typing errors.
MAX_WRONG_PER_ACCOUNT = 200
LOCKED_FOR = timedelta(hours=1)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base32 without the letters taken for digits
_MISREAD = str.maketrans("OIL", "011")
_CODE = re.compile(r"^\s*([0-9A-Z]{5})\s*[-–—‑_ ]?\s*([0-9A-Z]{5})\s*$", re.IGNORECASE)

_START = re.compile(r"^/start(?:@\w+)?\s+(\S.*)$", re.IGNORECASE | re.DOTALL)
_DASHED = re.compile(r"^\s*[0-9A-Za-z]{5}\s*[-–—‑]\s*[0-9A-Za-z]{5}\s*$")
_WITHIN = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{5}-[0-9A-Za-z]{5}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Redemption:
    """Outcome of redeeming a code; enrolled only where it is "enrolled".

    wrong: no living code (unknown, used or expired; the reply does not say which)
    locked: too many wrong codes; this one was not looked at
    private_only: a leader's code or an offer, typed in a group; not used up
    own: the sender's own offer; not used up
    another: a code for one's own second chat, typed by a person who is known already; not used up

    handed_over: the offer that was redeemed, if the code was one.
    """

    outcome: Literal["enrolled", "wrong", "locked", "private_only", "own", "another"]
    enrolled: ActiveEnrolment | None = None
    handed_over: Offer | None = None


def hash_code(code: str) -> str | None:
    """Return the SHA-256 by which a code is stored, or None for a text that has no code's form.

    Case, spaces and the dash do not matter; O, I and L count as the digits they look like.
    """
    match = _CODE.match(code)
    if match is None:
        return None
    plain = (match[1] + match[2]).upper().translate(_MISREAD)
    if not set(plain) <= set(_ALPHABET):
        return None
    return hashlib.sha256(plain.encode()).hexdigest()


def find_code(text: str, *, stranger: bool) -> str | None:
    """Return the code in a text: after /start (as a deep link sends it), or alone.

    Alone it needs its dash, so that two short words are no code; a stranger may leave the dash out.
    """
    start = _START.match(text.strip())
    if start is not None:
        return start[1] if hash_code(start[1]) else None
    is_alone = _DASHED.match(text) is not None or stranger
    return text.strip() if is_alone and hash_code(text) else None


def may_hold_code(raw: bytes, text: str) -> bool:
    """Tell whether an update may hold a code (typed, or in a message of ours that it quotes)."""
    return find_code(text, stranger=True) is not None or bool(
        _WITHIN.search(raw.decode("utf-8", "replace"))
    )


async def create_invitation(
    connection: AsyncConnection,
    *,
    agency_id: int,
    role: Role,
    may_decide: bool = False,
    now: datetime,
    days: int = CODE_DAYS,
) -> str:
    """Create a one-use code (XXXXX-XXXXX, 50 random bits) and return it; it cannot be read again."""
    return await _insert_invitation(
        connection,
        agency_id=agency_id,
        role=role,
        may_decide=may_decide,
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
    enrolments = await list_person_enrolments(connection, person_id)
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
    plain = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    code = f"{plain[:5]}-{plain[5:]}"
    await connection.execute(insert(Invitation).values(code_hash=hash_code(code), **values))
    return code


async def redeem(
    connection: AsyncConnection,
    *,
    code: str,
    chat: Row[Any],
    incoming: MessageOrigin,
    now: datetime,
) -> Redemption:
    """Use a code in a chat: enrols the person in a private chat, the group itself in a group.

    A wrong code counts against the chat; the fifth locks it for an hour. Of two chats that use one code at
    once, one is enrolled.
    """
    if chat.locked_until is not None and now < chat.locked_until:
        return Redemption("locked")
    if await _count_account_wrong(connection, chat.account_id, now=now) >= MAX_WRONG_PER_ACCOUNT:
        return Redemption("locked")
    rows = await connection.execute(
        select(Invitation).where(
            Invitation.code_hash == (hash_code(code) or ""),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
    )
    invitation = rows.one_or_none()
    if invitation is None or (chat.kind == "private" and not incoming.sender):
        return await _record_wrong(connection, chat, now=now)
    offer = await find_offer(connection, invitation.offer_id)
    if offer is not None and not await list_offered_enrolments(connection, offer):
        return await _record_wrong(connection, chat, now=now)
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
        return await _record_wrong(connection, chat, now=now)
    await connection.execute(
        update(Chat).where(Chat.id == chat.id).values(wrong_codes=0, locked_until=None)
    )
    person_id = None
    if offer is not None and offer.kind == LINK:
        person_id = offer.person_id
        await link_identity(connection, incoming.account_id, incoming.sender, person_id)
    elif chat.kind == "private":
        person_id = await ensure_person(
            connection, incoming.account_id, incoming.sender, incoming.sender_name, now=now
        )
    if offer is not None and person_id is not None:
        enrolment_id, *_ = await accept_offer(
            connection,
            offer,
            chat_id=chat.id,
            person_id=person_id,
            until_on=invitation.until_on,
            now=now,
        )
    else:
        enrolment_id = await enrol(
            connection,
            chat_id=chat.id,
            person_id=person_id,
            agency_id=invitation.agency_id,
            role=invitation.role,
            may_decide=invitation.may_decide and person_id is not None,
            until_on=invitation.until_on,
            now=now,
        )
    return Redemption("enrolled", await find_enrolment(connection, enrolment_id), offer)


async def _count_account_wrong(
    connection: AsyncConnection, account_id: int, *, now: datetime
) -> int:
    """Return the number of wrong codes on an account within the last hour, never too low."""
    locked = Chat.locked_until > now
    tries = await connection.scalar(
        select(
            func.sum(case((locked, MAX_WRONG_CODES + Chat.wrong_codes), else_=Chat.wrong_codes))
        ).where(Chat.account_id == account_id, or_(locked, Chat.last_seen_at > now - LOCKED_FOR))
    )
    return int(tries or 0)


async def _record_wrong(
    connection: AsyncConnection, chat: Row[Any], *, now: datetime
) -> Redemption:
    wrong = chat.wrong_codes + 1
    locks = wrong >= MAX_WRONG_CODES
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat.id)
        .values(
            wrong_codes=0 if locks else wrong,
            locked_until=now + LOCKED_FOR if locks else None,
        )
    )
    return Redemption("locked" if locks else "wrong")
