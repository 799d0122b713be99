"""Rights that ended and people who were erased since a backup; both stay so when it is restored.

Guarantees:
- Rights only shrink: what the replaced database took from somebody does not come back with the backup.
- A row is the same in both files only where more than its number says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from data.db.database import Database
from data.files import PNG
from data.privacy.personal_data import erase_person

# The backup is "main", the database that it replaces is "present". In one that grew from the backup a number
# means the same row; else an instant that was written with the row must be the same as well.
SAME_ENROLMENTS = (
    "main.enrolment AS m JOIN present.enrolment AS p ON p.id = m.id AND p.chat_id = m.chat_id"
    " AND p.agency_id = m.agency_id AND p.role = m.role AND p.person_id IS m.person_id"
    " AND (:continues OR p.enrolled_at = m.enrolled_at)"
)
ERASED_PERSONS = (
    "SELECT m.id FROM main.person AS m JOIN present.person AS p"
    " ON p.id = m.id AND p.created_at = m.created_at"
    " WHERE p.name IS NULL AND NOT EXISTS (SELECT 1 FROM present.identity WHERE person_id = p.id)"
    " AND (m.name IS NOT NULL OR EXISTS (SELECT 1 FROM main.identity WHERE person_id = m.id))"
)


def end_again(file: sqlite3.Connection, *, continues: bool) -> None:
    """End enrolments, codes and calendars of a copy of a backup as they ended in the attached "present".

    continues: the present database grew from the backup.
    """
    values = {"continues": continues}
    file.execute(
        "UPDATE main.enrolment SET ended_at = coalesce(enrolment.ended_at, changed.ended_at),"  # noqa: S608
        " may_decide = min(enrolment.may_decide, changed.may_decide),"
        " until_on = CASE WHEN changed.until_on < coalesce(enrolment.until_on, '9999-12-31')"
        " THEN changed.until_on ELSE enrolment.until_on END"
        f" FROM (SELECT p.* FROM {SAME_ENROLMENTS}) AS changed WHERE enrolment.id = changed.id",
        values,
    )
    file.execute(
        "UPDATE main.invitation SET used_at = p.used_at,"
        " used_chat_id = (SELECT id FROM main.chat WHERE id = p.used_chat_id),"
        " expires_at = min(invitation.expires_at, p.expires_at)"
        " FROM present.invitation AS p WHERE p.code_hash = invitation.code_hash"
        " AND invitation.used_at IS NULL"
    )
    file.execute(
        "DELETE FROM main.invitation WHERE :continues AND used_at IS NULL"
        " AND code_hash NOT IN (SELECT code_hash FROM present.invitation)",
        values,
    )
    file.execute(
        "UPDATE main.calendar_feed SET ended_at = p.ended_at FROM present.calendar_feed AS p"
        " WHERE p.id = calendar_feed.id AND p.made_at = calendar_feed.made_at"
        " AND calendar_feed.ended_at IS NULL"
    )


def drop_files(file: sqlite3.Connection, *, continues: bool) -> None:
    """Delete files made for people that the replaced database no longer has; all, where nobody can tell.

    Their addresses stand in chats that may be left since. Reports are made again on request.
    """
    kept = " AND id NOT IN (SELECT id FROM present.download)" if continues else ""
    file.execute(f"DELETE FROM main.download WHERE mime <> ?{kept}", (PNG,))  # noqa: S608


async def erase_again(copy: Path, person_ids: Sequence[int], *, now: datetime) -> None:
    """Erase persons from a copy of a backup, at the newest schema."""
    database = Database(f"sqlite+aiosqlite:///{copy}")
    try:
        async with database.write() as connection:
            for person_id in person_ids:
                await erase_person(connection, person_id, now=now)
    finally:
        await database.dispose()
