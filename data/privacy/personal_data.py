"""Personal data: list what is stored of a person, and erase it.

The rights to see and to have erased come from the Luật Bảo vệ dữ liệu cá nhân 91/2025/QH15.

Guarantees:
- After an erasure no row holds the person's name, sender id, private address or raw updates.
- Replies and decisions stay on record as the agency's, with their notes as they were written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, cast, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.calendars.feeds import end_feeds
from data.contacts.people import load_person
from data.db.database import empty_log_after
from data.db.statements import chunks
from data.files import delete_report_files
from data.models import (
    Account,
    Agency,
    CalendarFeed,
    Chat,
    ChatAlias,
    Decision,
    Dialog,
    DutyForm,
    Enrolment,
    Evidence,
    Explanation,
    ExtensionRequest,
    Identity,
    InboxEvent,
    Message,
    Person,
    ReportRequest,
    StatusReply,
    TargetValue,
    WrongCode,
)
from data.outbox.messages import ANSWER, BROADCAST
from data.privacy.removal import remove_person
from data.progress.submissions import anonymize_confirmations

ERASED = "erased"  # Chat.gone_why, and the start of its address
# The next morning still reads the context of a failed reminder, and of no other ended message.
MESSAGE_IS_OVER = or_(
    Message.state.in_(("sent", "skipped", "uncertain")),
    and_(Message.state == "failed", Message.priority != BROADCAST),
)


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """Numbers of sender ids erased, enrolments ended, private chats erased and raw updates emptied."""

    identities: int
    enrolments: int
    chats: int
    updates: int


async def collect_personal_data(
    connection: AsyncConnection, person_id: int
) -> dict[str, Any] | None:
    """Return everything stored of a person, or None where there is no such person."""
    person = await load_person(connection, person_id)
    if person is None:
        return None
    identities = await connection.execute(
        select(Account.channel, Account.name.label("account"), Identity.sender)
        .join(Account, Account.id == Identity.account_id)
        .where(Identity.person_id == person_id)
        .order_by(Identity.id)
    )
    enrolments = await connection.execute(
        select(
            Agency.province,
            Agency.name.label("agency"),
            Enrolment.role,
            Enrolment.may_decide,
            Enrolment.enrolled_at,
            Enrolment.ended_at,
            Enrolment.until_on,
            Chat.kind.label("chat"),
            Chat.address,
        )
        .join(Agency, Agency.id == Enrolment.agency_id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .where(Enrolment.person_id == person_id)
        .order_by(Enrolment.id)
    )
    replies = await connection.execute(
        select(
            StatusReply.said_at,
            StatusReply.said,
            Agency.name.label("agency"),
            StatusReply.percent,
            StatusReply.until,
            StatusReply.document,
            StatusReply.note,
        )
        .join(Agency, Agency.id == StatusReply.agency_id)
        .where(StatusReply.person_id == person_id)
        .order_by(StatusReply.id)
    )
    chats = await _private_chats(connection, person_id)
    counts = {
        "extension_requests": (ExtensionRequest, ExtensionRequest.person_id),
        "explanations": (Explanation, Explanation.answered_person_id),
        "decisions": (Decision, Decision.person_id),
        "evidence": (Evidence, Evidence.person_id),
        "forms": (DutyForm, DutyForm.person_id),
        "target_values": (TargetValue, TargetValue.person_id),
        "dialogs": (Dialog, Dialog.person_id),
        "calendar_feeds": (CalendarFeed, CalendarFeed.person_id),
        "report_requests": (ReportRequest, ReportRequest.person_id),
    }
    return {
        "person": person.id,
        "name": person.name,
        "created_at": person.created_at,
        "identities": [row._asdict() for row in identities],
        "enrolments": [row._asdict() for row in enrolments],
        "replies": [row._asdict() for row in replies],
        "raw_updates": len(await _raw_updates(connection, person_id)),
        "messages": await _count(connection, Message, Message.chat_id.in_(chats)),
        **{
            name: await _count(connection, table, column == person_id)
            for name, (table, column) in counts.items()
        },
    }


async def erase_chats(
    connection: AsyncConnection, chat_ids: Sequence[int], *, now: datetime
) -> None:
    """Erase the addresses and titles of chats; an update from there creates a new chat."""
    for chat_id in chat_ids:
        await connection.execute(
            update(Chat)
            .where(Chat.id == chat_id)
            .values(
                address=f"{ERASED}:{chat_id}",
                thread="",
                title=None,
                state="gone",
                gone_at=now,
                gone_why=ERASED,
                last_seen_at=None,
            )
        )
    await connection.execute(delete(ChatAlias).where(ChatAlias.chat_id.in_(chat_ids)))


async def erase_person(
    connection: AsyncConnection, person_id: int, *, now: datetime
) -> ErasureResult:
    """Erase a person; replies and decisions stay as their agency's, without a name. Harmless to repeat.

    Private chats are erased, messages that wait there are skipped, report requests end. All stored report files
    are deleted, because any may name the person; they are generated again on request. Group titles that
    contain the name are emptied, until an update brings the title again.
    """
    name = await connection.scalar(select(Person.name).where(Person.id == person_id))
    if name:
        await _erase_name(connection, person_id, name)
    raw = await _raw_updates(connection, person_id)
    for some in chunks(raw):
        await connection.execute(
            update(InboxEvent)
            .where(InboxEvent.id.in_(some))
            .values(raw=b"", address=None, error=None)
        )
    chats = await _private_chats(connection, person_id)
    enrolments = await remove_person(connection, person_id, now=now)
    await end_feeds(connection, person_id=person_id, now=now)
    await delete_report_files(connection)
    await erase_chats(connection, chats, now=now)
    await connection.execute(
        update(Message)
        .where(Message.chat_id.in_(chats), Message.state == "pending")
        .values(state="skipped", error="erased")
    )
    await connection.execute(  # our answers repeat the person's words
        update(Message)
        .where(Message.chat_id.in_(chats), Message.priority == ANSWER, MESSAGE_IS_OVER)
        .values(context={})
    )
    await connection.execute(delete(Dialog).where(Dialog.person_id == person_id))
    senders = select(Identity.sender).where(Identity.person_id == person_id)
    await connection.execute(delete(WrongCode).where(WrongCode.who.in_(senders)))
    identities = await connection.execute(delete(Identity).where(Identity.person_id == person_id))
    await connection.execute(update(Person).where(Person.id == person_id).values(name=None))
    empty_log_after(connection)
    return ErasureResult(int(identities.rowcount), enrolments, len(chats), len(raw))


async def _erase_name(connection: AsyncConnection, person_id: int, name: str) -> None:
    """Erase the copies of a name: in confirmations, in messages that are over, in group titles."""
    await anonymize_confirmations(connection, person_id)
    stored, plain = json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]
    whole_name = re.compile(rf"(?<!\w){re.escape(plain)}(?!\w)", re.IGNORECASE)
    messages = await connection.execute(
        select(Message.id, Message.context).where(
            MESSAGE_IS_OVER, cast(Message.context, Text).icontains(stored, autoescape=True)
        )
    )
    with_name = [
        row.id for row in messages if whole_name.search(json.dumps(row.context, ensure_ascii=False))
    ]
    for part in chunks(with_name):
        await connection.execute(update(Message).where(Message.id.in_(part)).values(context={}))
    titles = await connection.execute(select(Chat.id, Chat.title).where(Chat.title.is_not(None)))
    for row in titles.all():
        if whole_name.search(json.dumps(row.title, ensure_ascii=False)):
            await connection.execute(update(Chat).where(Chat.id == row.id).values(title=None))


async def _private_chats(connection: AsyncConnection, person_id: int) -> list[int]:
    """Return a person's private chats, even those without a living enrolment."""
    rows = await connection.execute(
        select(Chat.id)
        .where(
            Chat.kind == "private",
            or_(
                Chat.id.in_(select(Enrolment.chat_id).where(Enrolment.person_id == person_id)),
                select(Identity.id)
                .where(
                    Identity.person_id == person_id,
                    Identity.account_id == Chat.account_id,
                    Identity.sender == Chat.address,
                )
                .exists(),
            ),
        )
        .order_by(Chat.id)
    )
    return list(rows.scalars())


async def _raw_updates(connection: AsyncConnection, person_id: int) -> list[int]:
    """Return the handled updates that still hold a sender id of the person, in the raw or as address."""
    identities = await connection.execute(
        select(Identity.account_id, Identity.sender).where(Identity.person_id == person_id)
    )
    event_ids: set[int] = set()
    for account_id, sender in identities.all():
        rows = await connection.stream(
            select(InboxEvent.id, InboxEvent.address, InboxEvent.raw).where(
                InboxEvent.account_id == account_id,
                InboxEvent.state != "new",
                or_(InboxEvent.raw != b"", InboxEvent.address == sender),
            )
        )
        async for row in rows:
            if row.address == sender or sender.encode() in row.raw:
                event_ids.add(row.id)
    return sorted(event_ids)


async def _count(connection: AsyncConnection, table: Any, condition: Any) -> int:
    return int(
        await connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
    )
