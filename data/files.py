"""Files made for people, kept until they expire.

Promises that a file is had only while it is kept, and that its name never holds a folder. Who may have
it is decided by whoever hands out its id or address; see jobs/rendering/links.py.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import insert_or_ignore
from data.models import Download, Meta

FILE_RETENTION = timedelta(days=30)
PNG = "image/png"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ICS = "text/calendar"
_UNFIT = re.compile(r"[^\w.-]+")
_LINK_KEY = "link_key"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it was kept."""

    id: int
    name: str
    mime: str
    content: bytes
    expires_at: datetime


async def store_file(
    connection: AsyncConnection,
    *,
    name: str,
    mime: str,
    content: bytes,
    now: datetime,
    retention: timedelta = FILE_RETENTION,
) -> int:
    """Keep a file; returns its id. What does not belong into a file's name becomes "-"."""
    added = await connection.execute(
        insert(Download)
        .values(
            name=_UNFIT.sub("-", name).strip("-.")[-120:] or "tep",
            mime=mime,
            content=content,
            made_at=now,
            expires_at=now + retention,
        )
        .returning(Download.id)
    )
    return int(added.scalar_one())


async def load_file(connection: AsyncConnection, download_id: int) -> StoredFile | None:
    """Return a file, or None where there is none or it was let go."""
    row = (
        await connection.execute(
            select(
                Download.id, Download.name, Download.mime, Download.content, Download.expires_at
            ).where(Download.id == download_id)
        )
    ).first()
    return StoredFile(*row) if row is not None else None


async def delete_expired_files(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete the files that have expired; returns how many."""
    gone = await connection.execute(delete(Download).where(Download.expires_at <= now))
    return gone.rowcount


async def delete_report_files(connection: AsyncConnection) -> int:
    """Delete all Word and Excel files, which may name people; returns how many. They can be made anew."""
    gone = await connection.execute(delete(Download).where(Download.mime.in_((DOCX, XLSX))))
    return gone.rowcount


async def load_link_key(connection: AsyncConnection) -> bytes:
    """Return the key that signs addresses of our web side; made once, and the same for every process.

    Call within a write transaction. Of two first starts at once the later one waits, and has the other's.
    """
    stored = select(Meta.value).where(Meta.key == _LINK_KEY)
    known = await connection.scalar(stored)
    if known is None:
        await connection.execute(
            insert_or_ignore(connection, Meta, "key").values(
                key=_LINK_KEY, value=secrets.token_hex(32)
            )
        )
        known = (await connection.execute(stored)).scalar_one()
    return bytes.fromhex(known)
