"""One-use codes that let a chat in.

Promises that a code enrols once, that only its hash is kept, that it expires, and that five wrong codes
lock a chat for an hour.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts import Enrolled, Role, Sender, enrol, enrolment_of, know_person
from data.models import Chat, Invitation

CODE_DAYS = 7
WRONG_CODES = 5
LOCKED_FOR = timedelta(hours=1)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # base32 without the letters taken for digits
_MISREAD = str.maketrans("OIL", "011")
_CODE = re.compile(r"^\s*([0-9A-Z]{5})\s*[-–—‑_ ]?\s*([0-9A-Z]{5})\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redemption:
    """How the use of a code ended; enrolled only where outcome is "enrolled".

    wrong: not a living code (unknown, used, expired: never told which) · locked: too many wrong ones,
    this one was not looked at · private_only: a leader's code in a group, not used up.
    """

    outcome: Literal["enrolled", "wrong", "locked", "private_only"]
    enrolled: Enrolled | None = None


def hash_of(code: str) -> str | None:
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


async def invite(
    connection: AsyncConnection,
    *,
    agency_id: int,
    role: Role,
    may_decide: bool = False,
    now: datetime,
    days: int = CODE_DAYS,
) -> str:
    """Make a one-use code (XXXXX-XXXXX, 50 random bits) and return it; it is never shown again."""
    plain = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    code = f"{plain[:5]}-{plain[5:]}"
    await connection.execute(
        insert(Invitation).values(
            code_hash=hash_of(code),
            agency_id=agency_id,
            role=role,
            may_decide=may_decide,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    return code


async def redeem(
    connection: AsyncConnection, *, code: str, chat: Row[Any], incoming: Sender, now: datetime
) -> Redemption:
    """Use a code in a chat: enrols the person in a private chat, the group itself in a group.

    A wrong code counts against the chat; the fifth locks it for an hour, in which no code is looked at.
    Two chats that use one code at once: one of them is enrolled.
    """
    if chat.locked_until is not None and now < chat.locked_until:
        return Redemption("locked")
    found = await connection.execute(
        select(Invitation).where(
            Invitation.code_hash == (hash_of(code) or ""),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
    )
    invitation = found.one_or_none()
    if invitation is None or (chat.kind == "private" and not incoming.sender):
        return await _count_wrong(connection, chat, now=now)
    if chat.kind == "group" and invitation.role == "leader":
        return Redemption("private_only")
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
    if chat.kind == "private":
        person_id = await know_person(
            connection, incoming.account_id, incoming.sender, incoming.sender_name, now=now
        )
    enrolment_id = await enrol(
        connection,
        chat_id=chat.id,
        person_id=person_id,
        agency_id=invitation.agency_id,
        role=invitation.role,
        may_decide=invitation.may_decide and person_id is not None,
        now=now,
    )
    return Redemption("enrolled", await enrolment_of(connection, enrolment_id))


async def _count_wrong(connection: AsyncConnection, chat: Row[Any], *, now: datetime) -> Redemption:
    wrong = chat.wrong_codes + 1
    locks = wrong >= WRONG_CODES
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat.id)
        .values(
            wrong_codes=0 if locks else wrong,
            locked_until=now + LOCKED_FOR if locks else None,
        )
    )
    return Redemption("locked" if locks else "wrong")
