"""One-use codes that let a chat in.

Promises that a code enrols once, that only its hash is kept, that it expires, that five wrong codes
lock a chat for an hour, and many wrong ones from many chats all chats of their account. Tells what may hold a
code, so that it is not kept either.
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

from data.contacts.enrolments import (
    ActiveEnrolment,
    MessageOrigin,
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
# An account's, in the last hour: with 50 random bits nobody guesses one of a thousand living codes within
# a million years at this pace, while a province's first morning has room for its slips.
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
    """How the use of a code ended; enrolled only where outcome is "enrolled".

    wrong: not a living code (unknown, used, expired: never told which) · locked: too many wrong ones,
    this one was not looked at · private_only: a leader's or a person's handover code in a group, not used
    up · own: somebody's own handover code, not used up · another: a code for one's own second chat, typed where
    somebody else is known, not used up. handed_over: for a handover its kind, and whose.
    """

    outcome: Literal["enrolled", "wrong", "locked", "private_only", "own", "another"]
    enrolled: ActiveEnrolment | None = None
    handed_over: Offer | None = None


def hash_code(code: str) -> str | None:
    """Return the SHA-256 under which a code is kept, or None for what has no code's form.

    Case, spaces and the dash do not matter; O, I and L are read as the digits they look like.
    """
    match = _CODE.match(code)
    if match is None:
        return None
    plain = (match[1] + match[2]).upper().translate(_MISREAD)
    if not set(plain) <= set(_ALPHABET):
        return None
    return hashlib.sha256(plain.encode()).hexdigest()


def find_code(text: str, *, stranger: bool) -> str | None:
    """Return the code in a text: after /start (also a deep link's), or alone.

    Alone it needs its dash, so that two short words are no code; a stranger has nothing else to say
    and may leave it out.
    """
    started = _START.match(text.strip())
    if started is not None:
        return started[1] if hash_code(started[1]) else None
    alone = _DASHED.match(text) is not None or stranger
    return text.strip() if alone and hash_code(text) else None


def may_hold_code(raw: bytes, text: str) -> bool:
    """Tell whether an incoming update may hold a code: typed, or in a message of ours that it quotes."""
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
    """Make a one-use code (XXXXX-XXXXX, 50 random bits) and return it; it is never shown again."""
    _, code = await _make(
        connection,
        agency_id=agency_id,
        role=role,
        may_decide=may_decide,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    return code


async def create_handover_code(
    connection: AsyncConnection,
    *,
    person_id: int,
    until_on: date | None = None,
    kind: str | None = None,
    now: datetime,
) -> tuple[str, list[ActiveEnrolment]]:
    """Make a code that hands a person's enrolments over, or (until_on) lets somebody stand in for them.

    kind: LINK, a code for another chat of the same person's. Nothing changes until somebody uses it.
    Raises ValueError for a person without an enrolment.
    """
    every = await list_person_enrolments(connection, person_id)
    if not every:
        raise ValueError("nothing to hand over")
    first = every[0]
    invitation_id, code = await _make(
        connection,
        agency_id=first.agency_id,
        role=first.role,
        may_decide=first.may_decide,
        until_on=until_on,
        created_at=now,
        expires_at=now + timedelta(days=CODE_DAYS),
    )
    await record_offer(
        connection,
        invitation_id=invitation_id,
        person_id=person_id,
        enrolment_ids=[each.id for each in every],
        kind=kind or (HANDOVER if until_on is None else STAND_IN),
        now=now,
    )
    return code, every


async def _make(connection: AsyncConnection, **values: Any) -> tuple[int, str]:
    plain = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    code = f"{plain[:5]}-{plain[5:]}"
    added = await connection.execute(
        insert(Invitation).values(code_hash=hash_code(code), **values).returning(Invitation.id)
    )
    return int(added.scalar_one()), code


async def redeem(
    connection: AsyncConnection,
    *,
    code: str,
    chat: Row[Any],
    incoming: MessageOrigin,
    now: datetime,
) -> Redemption:
    """Use a code in a chat: enrols the person in a private chat, the group itself in a group.

    A wrong code counts against the chat; the fifth locks it for an hour, in which no code is looked at.
    Two chats that use one code at once: one of them is enrolled.
    """
    if chat.locked_until is not None and now < chat.locked_until:
        return Redemption("locked")
    if await _wrong_of_account(connection, chat.account_id, now=now) >= MAX_WRONG_PER_ACCOUNT:
        return Redemption("locked")
    found = await connection.execute(
        select(Invitation).where(
            Invitation.code_hash == (hash_code(code) or ""),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
    )
    invitation = found.one_or_none()
    if invitation is None or (chat.kind == "private" and not incoming.sender):
        return await _count_wrong(connection, chat, now=now)
    offered = await find_offer(connection, invitation.id)
    if offered is not None and not await list_offered_enrolments(connection, offered):
        return await _count_wrong(connection, chat, now=now)
    if chat.kind == "group" and (invitation.role == "leader" or offered is not None):
        return Redemption("private_only")
    taker = await find_person(connection, incoming.account_id, incoming.sender)
    if offered is not None and offered.person_id == taker:
        return Redemption("own")
    if offered is not None and offered.kind == LINK and taker is not None:
        return Redemption("another")
    taken = await connection.execute(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
        .values(used_at=now, used_chat_id=chat.id)
    )
    if taken.rowcount != 1:
        return await _count_wrong(connection, chat, now=now)
    await connection.execute(
        update(Chat).where(Chat.id == chat.id).values(wrong_codes=0, locked_until=None)
    )
    person_id = None
    if offered is not None and offered.kind == LINK:
        person_id = offered.person_id
        await link_identity(connection, incoming.account_id, incoming.sender, person_id)
    elif chat.kind == "private":
        person_id = await ensure_person(
            connection, incoming.account_id, incoming.sender, incoming.sender_name, now=now
        )
    if offered is not None and person_id is not None:
        enrolment_id, *_ = await accept_offer(
            connection,
            offered,
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
    return Redemption("enrolled", await find_enrolment(connection, enrolment_id), offered)


async def _wrong_of_account(connection: AsyncConnection, account_id: int, *, now: datetime) -> int:
    """Return how many wrong codes came in on an account within the last hour, never too few."""
    locked = Chat.locked_until > now
    tries = await connection.scalar(
        select(
            func.sum(case((locked, MAX_WRONG_CODES + Chat.wrong_codes), else_=Chat.wrong_codes))
        ).where(Chat.account_id == account_id, or_(locked, Chat.last_seen_at > now - LOCKED_FOR))
    )
    return int(tries or 0)


async def _count_wrong(connection: AsyncConnection, chat: Row[Any], *, now: datetime) -> Redemption:
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
