"""Nightly purge of personal data, codes and files whose retention is over; see data/privacy/retention.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from data.db.database import Database
from data.files import delete_expired_files
from data.privacy import retention
from data.privacy.personal_data import erase_person

MOST_PEOPLE = 50  # a night: each is a scan of all updates


@dataclass(frozen=True, slots=True)
class CleanupCounts:
    """Numbers of purged updates, codes, files, messages and questions (words), chats, photos and people."""

    updates: int = 0
    codes: int = 0
    files: int = 0
    words: int = 0
    chats: int = 0
    evidence: int = 0
    people: int = 0


async def tidy(database: Database, *, now: datetime) -> CleanupCounts:
    """Purge everything whose retention is over; harmless to repeat and to be cut short."""
    async with database.write() as connection:
        counts = {
            "updates": await retention.purge_updates(connection, now=now),
            "codes": await retention.purge_codes(connection, now=now),
            "files": await delete_expired_files(connection, now=now),
            "words": await retention.purge_texts(connection, now=now),
            "chats": await retention.purge_chats(connection, now=now),
            "evidence": await retention.purge_evidence(connection, now=now),
        }
        people = await retention.list_expired_people(connection, now=now, most=MOST_PEOPLE)
    for person_id in people:
        async with database.write() as connection:
            await erase_person(connection, person_id, now=now)
    return CleanupCounts(**counts, people=len(people))
