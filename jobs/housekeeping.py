"""Letting go of what is no longer needed.

Promises to keep every answer, decision and message: what goes is the raw form of updates handled long
ago (people's words and names as the platform sent them), codes that expired unused, and files made for
somebody whose time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update

from data.database import Database
from data.downloads import let_go
from data.models import InboxEvent, Invitation

RAW_KEPT = timedelta(days=30)
CODES_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many raw updates, codes and files were let go."""

    updates: int
    codes: int
    files: int


async def tidy(database: Database, *, now: datetime) -> Tidied:
    """Let go of raw updates handled, and codes expired, more than a month ago, and of expired files.

    Harmless to repeat.
    """
    async with database.write() as connection:
        updates = await connection.execute(
            update(InboxEvent)
            .where(
                InboxEvent.state == "done",
                InboxEvent.handled_at < now - RAW_KEPT,
                InboxEvent.raw != b"",
            )
            .values(raw=b"")
        )
        codes = await connection.execute(
            delete(Invitation).where(
                Invitation.used_at.is_(None), Invitation.expires_at < now - CODES_KEPT
            )
        )
        files = await let_go(connection, now=now)
        return Tidied(updates.rowcount, codes.rowcount, files)
