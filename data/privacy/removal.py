"""Removal: end what a person or group is enrolled for, with all that waits for who is enrolled no more.

Guarantees:
- From the same moment nothing that waits is sent there: pages go on to others of the agency or its coordinators.
- Reports asked for are not made, those made cannot be downloaded again, open questions are closed.
- What only its enrolment opens ends by itself: calendars, codes made, what was passed on.
- Of a shared chat only what is the person's ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts.enrolments import end_enrolments, is_enrolled
from data.files import delete_own_files
from data.models import Dialog, Enrolment, Message
from data.outbox.lost_chats import withdraw_waiting
from data.reports.requests import end_requests


async def remove_person(connection: AsyncConnection, person_id: int, *, now: datetime) -> int:
    """End all enrolments of a person; returns the number of those that lived. Answers stay on record."""
    return await _remove(connection, Enrolment.person_id == person_id, now=now)


async def remove_group(connection: AsyncConnection, chat_id: int, *, now: datetime) -> int:
    """End the enrolments of a group itself, not of its members; returns the number of those that lived."""
    of_group = and_(Enrolment.chat_id == chat_id, Enrolment.person_id.is_(None))
    return await _remove(connection, of_group, now=now)


async def clear_after(
    connection: AsyncConnection, ended: Sequence[Row[Any]], *, now: datetime
) -> None:
    """Clear away what waits for enrolments that have just ended; ended: their rows."""
    by_chat: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in ended:
        by_chat[row.chat_id].append(row)
    for chat_id, rows in by_chat.items():
        await withdraw_waiting(connection, chat_id, rows, now=now)
        if not await is_enrolled(connection, chat_id, today=civil_date(now)):
            await delete_own_files(connection, await _list_files_sent(connection, chat_id))
    persons = {row.person_id for row in ended if row.person_id is not None}
    groups = {row.chat_id for row in ended if row.person_id is None}
    await end_requests(connection, person_ids=persons, chat_ids=groups, now=now)
    await connection.execute(
        delete(Dialog).where(Dialog.person_id.in_(persons) | Dialog.chat_id.in_(groups))
    )


async def _remove(connection: AsyncConnection, condition: Any, *, now: datetime) -> int:
    living = await connection.scalars(
        select(Enrolment.id).where(condition, Enrolment.living(on=civil_date(now)))
    )
    count = len(living.all())
    await clear_after(connection, await end_enrolments(connection, condition, now=now), now=now)
    return count


async def _list_files_sent(connection: AsyncConnection, chat_id: int) -> Collection[int]:
    """Return the downloads of messages to a chat."""
    contexts = await connection.scalars(select(Message.context).where(Message.chat_id == chat_id))
    return {context["attach"] for context in contexts if "attach" in context}
