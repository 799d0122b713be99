"""Letting go of what is no longer needed.

Promises to keep every answer and decision: what goes is what names or shows a person beyond them, codes that
expired unused, and files made for somebody, each when its time is over; see data/privacy/retention.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from data.db.database import Database
from data.files import let_go
from data.privacy import retention
from data.privacy.personal_data import erase

MOST_PEOPLE = 50  # a night: each is a look through all updates


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many raw updates, codes, files, messages and questions, chats, photos and people were let go."""

    updates: int = 0
    codes: int = 0
    files: int = 0
    words: int = 0
    chats: int = 0
    evidence: int = 0
    people: int = 0


async def tidy(database: Database, *, now: datetime) -> Tidied:
    """Let go of everything whose time is over.

    Harmless to repeat, and to be cut short: each person is a transaction of its own.
    """
    async with database.write() as connection:
        tidied = {
            "updates": await retention.let_go_of_updates(connection, now=now),
            "codes": await retention.let_go_of_codes(connection, now=now),
            "files": await let_go(connection, now=now),
            "words": await retention.let_go_of_words(connection, now=now),
            "chats": await retention.let_go_of_chats(connection, now=now),
            "evidence": await retention.let_go_of_evidence(connection, now=now),
        }
        people = await retention.people_to_let_go(connection, now=now, most=MOST_PEOPLE)
    for person_id in people:
        async with database.write() as connection:
            await erase(connection, person_id, now=now)
    return Tidied(**tidied, people=len(people))
