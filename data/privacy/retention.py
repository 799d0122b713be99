"""What is kept of people, for how long, and letting it go.

Promises that answers, decisions and the values of targets stay for good, as their agency's: what goes is
what names or shows a person beyond them, once its time is over. SECURITY.md states the same periods, and a
test compares the two. Rests on the Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15: data are kept no longer than
what they were taken for asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Text, and_, cast, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.files import FILE_RETENTION
from data.models import (
    Chat,
    Dialog,
    Enrolment,
    Evidence,
    EvidenceContent,
    Identity,
    InboxEvent,
    Invitation,
    Message,
    Person,
)
from data.outbox.messages import BROADCAST
from data.privacy.personal_data import FORGOTTEN, MESSAGE_IS_OVER, erase_chats

RAW_KEPT = timedelta(days=30)
PARKED_KEPT = timedelta(days=90)
CODES_KEPT = timedelta(days=30)
QUESTIONS_KEPT = timedelta(days=1)
WORDS_KEPT = timedelta(days=180)
STRANGERS_KEPT = timedelta(days=90)
PEOPLE_KEPT = timedelta(days=365)
EVIDENCE_KEPT = timedelta(days=1825)

# The same words as in SECURITY.md → how long after it was handled, ended, expired or last heard of.
RETENTION_PERIODS = {
    "raw updates, handled": RAW_KEPT,
    "raw updates that could not be read": PARKED_KEPT,
    "one-use codes nobody used": CODES_KEPT,
    "files made for somebody": FILE_RETENTION,
    "open questions that expired": QUESTIONS_KEPT,
    "the words of our answers and notices": WORDS_KEPT,
    "chats in which nobody was ever enrolled": STRANGERS_KEPT,
    "people and groups without an enrolment": PEOPLE_KEPT,
    "photos and files that bear out an answer": EVIDENCE_KEPT,
}


async def purge_updates(connection: AsyncConnection, *, now: datetime) -> int:
    """Empty updates whose time is over of words, sender and chat; returns how many.

    What was parked stays longer, for the administrator to look at.
    """
    over = or_(
        and_(InboxEvent.state.in_(("done", "refused")), InboxEvent.handled_at < now - RAW_KEPT),
        and_(InboxEvent.state == "parked", InboxEvent.handled_at < now - PARKED_KEPT),
    )
    held = or_(
        InboxEvent.raw != b"", InboxEvent.address.is_not(None), InboxEvent.error.is_not(None)
    )
    gone = await connection.execute(
        update(InboxEvent).where(over, held).values(raw=b"", address=None, error=None)
    )
    return int(gone.rowcount)


async def purge_codes(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete codes that expired unused long ago; returns how many."""
    gone = await connection.execute(
        delete(Invitation).where(
            Invitation.used_at.is_(None), Invitation.expires_at < now - CODES_KEPT
        )
    )
    return int(gone.rowcount)


async def purge_texts(connection: AsyncConnection, *, now: datetime) -> int:
    """Forget questions that expired, and empty answers and notices that are long over.

    Returns of how many. What they repeat of people's words stands in the answers themselves.
    """
    asked = await connection.execute(delete(Dialog).where(Dialog.expires_at < now - QUESTIONS_KEPT))
    old = (Message.created_at < now - WORDS_KEPT, Message.priority < BROADCAST, MESSAGE_IS_OVER)
    said = await connection.execute(
        update(Message).where(*old, cast(Message.context, Text) != "{}").values(context={})
    )
    return int(asked.rowcount) + int(said.rowcount)


async def purge_chats(connection: AsyncConnection, *, now: datetime) -> int:
    """Forget the addresses and titles of chats where nobody was ever enrolled or nobody is any more.

    Returns how many. Who writes again is a stranger in a new chat; private chats of people who were
    enrolled go with the person.
    """
    any_enrolment = exists().where(Enrolment.chat_id == Chat.id)
    recent = exists().where(
        Enrolment.chat_id == Chat.id,
        or_(Enrolment.ended_at.is_(None), Enrolment.ended_at >= now - PEOPLE_KEPT),
    )
    rows = await connection.scalars(
        select(Chat.id).where(
            ~Chat.address.startswith(f"{FORGOTTEN}:"),
            or_(
                and_(~any_enrolment, Chat.last_seen_at < now - STRANGERS_KEPT),
                and_(any_enrolment, ~recent, Chat.kind == "group"),
            ),
        )
    )
    ids = list(rows)
    await erase_chats(connection, ids, now=now)
    return len(ids)


async def list_expired_people(
    connection: AsyncConnection, *, now: datetime, most: int
) -> Sequence[int]:
    """Return people who are still known by name or sender and have not been enrolled for a year."""
    known = or_(Person.name.is_not(None), exists().where(Identity.person_id == Person.id))
    recent = exists().where(
        Enrolment.person_id == Person.id,
        or_(Enrolment.ended_at.is_(None), Enrolment.ended_at >= now - PEOPLE_KEPT),
    )
    rows = await connection.scalars(
        select(Person.id)
        .where(known, ~recent, Person.created_at < now - PEOPLE_KEPT)
        .order_by(Person.id)
        .limit(most)
    )
    return rows.all()


async def purge_evidence(connection: AsyncConnection, *, now: datetime) -> int:
    """Empty photos and files that nobody sent within the period; their name, size and sum stay.

    Returns how many.
    """
    recent = exists().where(
        Evidence.sha256 == EvidenceContent.sha256, Evidence.kept_at >= now - EVIDENCE_KEPT
    )
    gone = await connection.execute(
        update(EvidenceContent)
        .where(~recent, func.length(EvidenceContent.content) > 0)
        .values(content=b"")
    )
    return int(gone.rowcount)
