"""Files made for people, stored until they expire; jobs/rendering/links.py decides who may have one."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
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
_NOT_FILE_NAME = re.compile(r"[^\w.-]+")
_LINK_KEY = "link_key"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A stored file."""

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
    """Store a file; returns its id. Characters that no file name should have become "-"."""
    added = await connection.execute(
        insert(Download)
        .values(
            name=_NOT_FILE_NAME.sub("-", name).strip("-.")[-120:] or "tep",
            mime=mime,
            content=content,
            made_at=now,
            expires_at=now + retention,
        )
        .returning(Download.id)
    )
    return int(added.scalar_one())


async def load_file(connection: AsyncConnection, download_id: int) -> StoredFile | None:
    """Return a file, or None where there is none (any more)."""
    rows = await connection.execute(
        select(
            Download.id, Download.name, Download.mime, Download.content, Download.expires_at
        ).where(Download.id == download_id)
    )
    row = rows.first()
    return StoredFile(*row) if row is not None else None


async def delete_expired_files(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete the files that have expired; returns their number."""
    deleted = await connection.execute(delete(Download).where(Download.expires_at <= now))
    return deleted.rowcount


async def delete_own_files(connection: AsyncConnection, download_ids: Collection[int]) -> None:
    """Delete those of the files that were made for one chat; pictures are shown in several."""
    await connection.execute(
        delete(Download).where(Download.id.in_(download_ids), Download.mime != PNG)
    )


async def delete_report_files(connection: AsyncConnection) -> int:
    """Delete all Word and Excel files, which may name people; returns their number."""
    deleted = await connection.execute(delete(Download).where(Download.mime.in_((DOCX, XLSX))))
    return deleted.rowcount


async def load_link_key(connection: AsyncConnection) -> bytes:
    """Return the key that signs addresses of our web side; created once, the same for every process.

    Call in a write transaction: of two first starts the later one waits, and has the key of the other.
    """
    stored = select(Meta.value).where(Meta.key == _LINK_KEY)
    key = await connection.scalar(stored)
    if key is None:
        await connection.execute(
            insert_or_ignore(connection, Meta, "key").values(
                key=_LINK_KEY, value=secrets.token_hex(32)
            )
        )
        key = (await connection.execute(stored)).scalar_one()
    return bytes.fromhex(key)
