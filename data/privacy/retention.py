"""Retention periods of personal data, and the purge of what has exceeded them.

The Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15 lets data be stored no longer than their purpose asks. SECURITY.md
states the same periods; a test compares them.

Guarantees:
- Replies, decisions and target values are never purged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.files import FILE_RETENTION
from data.models import (
    Chat,
    Dialog,
    DutyForm,
    Enrolment,
    Evidence,
    EvidenceContent,
    Identity,
    InboxEvent,
    Invitation,
    Message,
    Person,
    WrongCode,
)
from data.outbox.messages import BROADCAST
from data.privacy.personal_data import ERASED, MESSAGE_IS_OVER, erase_chats

RAW_RETENTION = timedelta(days=30)
PARKED_RETENTION = timedelta(days=90)
CODE_RETENTION = timedelta(days=30)
QUESTION_RETENTION = timedelta(days=1)
WRONG_CODE_RETENTION = timedelta(days=1)
TEXT_RETENTION = timedelta(days=180)
STRANGER_RETENTION = timedelta(days=90)
PEOPLE_RETENTION = timedelta(days=365)
EVIDENCE_RETENTION = timedelta(days=1825)

# By the words of SECURITY.md: the time after handling, end, expiry or last update.
RETENTION_PERIODS = {
    "raw updates, handled": RAW_RETENTION,
    "raw updates that could not be read": PARKED_RETENTION,
    "one-use codes nobody used": CODE_RETENTION,
    "who tried a wrong code": WRONG_CODE_RETENTION,
    "files made for somebody": FILE_RETENTION,
    "open questions that expired": QUESTION_RETENTION,
    "the words of our answers and notices": TEXT_RETENTION,
    "chats in which nobody was ever enrolled": STRANGER_RETENTION,
    "people and groups without an enrolment": PEOPLE_RETENTION,
    "photos and files that bear out an answer": EVIDENCE_RETENTION,
}


async def purge_updates(connection: AsyncConnection, *, now: datetime) -> int:
    """Empty old updates of words, sender and chat; returns their number.

    Parked ones stay longer, for the administrator to look at.
    """
    is_old = or_(
        and_(
            InboxEvent.state.in_(("done", "refused")), InboxEvent.handled_at < now - RAW_RETENTION
        ),
        and_(InboxEvent.state == "parked", InboxEvent.handled_at < now - PARKED_RETENTION),
    )
    has_data = or_(
        InboxEvent.raw != b"", InboxEvent.address.is_not(None), InboxEvent.error.is_not(None)
    )
    emptied = await connection.execute(
        update(InboxEvent).where(is_old, has_data).values(raw=b"", address=None, error=None)
    )
    return int(emptied.rowcount)


async def purge_codes(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete old codes that expired unused, and old tries of wrong ones; returns the number of the codes."""
    await connection.execute(
        delete(WrongCode).where(WrongCode.tried_at < now - WRONG_CODE_RETENTION)
    )
    deleted = await connection.execute(
        delete(Invitation).where(
            Invitation.used_at.is_(None), Invitation.expires_at < now - CODE_RETENTION
        )
    )
    return int(deleted.rowcount)


async def purge_texts(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete expired questions, and empty old answers and notices; returns the number of both."""
    dialogs = await connection.execute(
        delete(Dialog).where(Dialog.expires_at < now - QUESTION_RETENTION)
    )
    is_old = (
        Message.created_at < now - TEXT_RETENTION,
        Message.priority < BROADCAST,
        MESSAGE_IS_OVER,
    )
    messages = await connection.execute(
        update(Message).where(*is_old, cast(Message.context, Text) != "{}").values(context={})
    )
    return int(dialogs.rowcount) + int(messages.rowcount)


async def purge_chats(connection: AsyncConnection, *, now: datetime) -> int:
    """Erase old chats without an enrolment, and old groups whose enrolments ended; returns their number.

    Private chats of people who were enrolled are erased with the person.
    """
    any_enrolment = exists().where(Enrolment.chat_id == Chat.id)
    recent = exists().where(
        Enrolment.chat_id == Chat.id,
        _lived_since(now - PEOPLE_RETENTION),
    )
    rows = await connection.scalars(
        select(Chat.id).where(
            ~Chat.address.startswith(f"{ERASED}:"),
            or_(
                and_(~any_enrolment, Chat.last_seen_at < now - STRANGER_RETENTION),
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
    """Return at most so many people with a name or sender id who have not been enrolled for a year."""
    is_known = or_(Person.name.is_not(None), exists().where(Identity.person_id == Person.id))
    recent = exists().where(
        Enrolment.person_id == Person.id,
        _lived_since(now - PEOPLE_RETENTION),
    )
    rows = await connection.scalars(
        select(Person.id)
        .where(is_known, ~recent, Person.created_at < now - PEOPLE_RETENTION)
        .order_by(Person.id)
        .limit(most)
    )
    return rows.all()


async def purge_evidence(connection: AsyncConnection, *, now: datetime) -> int:
    """Empty photos and files that were not received within the period; returns their number.

    Name, size and hash stay. A form counts from its removal.
    """
    recent = exists().where(
        Evidence.sha256 == EvidenceContent.sha256, Evidence.kept_at >= now - EVIDENCE_RETENTION
    )
    of_form = exists().where(
        DutyForm.sha256 == EvidenceContent.sha256,
        or_(DutyForm.removed_at.is_(None), DutyForm.removed_at >= now - EVIDENCE_RETENTION),
    )
    emptied = await connection.execute(
        update(EvidenceContent)
        .where(~recent, ~of_form, func.length(EvidenceContent.content) > 0)
        .values(content=b"")
    )
    return int(emptied.rowcount)


def _lived_since(since: datetime) -> ColumnElement[bool]:
    """Return the condition that an enrolment lived at some time since an instant."""
    return or_(Enrolment.living(on=civil_date(since)), Enrolment.ended_at >= since)
