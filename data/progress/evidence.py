"""Photos and files attached to replies, as evidence of one obligation.

Guarantees:
- Only types of the allowlist are stored, detected by content and never by name.
- The same bytes are stored once.
- A file is opened only as far as its type requires.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Evidence, EvidenceContent, Obligation
from data.progress.evidence_quota import check_file_quota

MAX_EVIDENCE_BYTES = 10 * 1024 * 1024
_MOST_OF_ALBUM = 50  # rows

HEIC = "image/heic"
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
)
_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .doc and .xls alike
_NOT_KEPT = ("_VBA_PROJECT", "PowerPoint Document", "__nameid_version")  # macros, slides, mails
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    HEIC: "heic",
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f/\\]+")


class EvidenceTooBig(Exception):
    """The file exceeds MAX_EVIDENCE_BYTES; ask for a smaller file or the document's number."""


class EvidenceTypeNotAllowed(Exception):
    """The file's type is not allowed, or it has macros; name the allowed types."""


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """One stored file; is_duplicate: the obligation already had the same bytes."""

    id: int
    name: str
    mime: str
    size: int
    sha256: str
    is_duplicate: bool


async def store_evidence(
    connection: AsyncConnection,
    *,
    obligation_id: int,
    reply_id: int | None,
    name: str,
    content: bytes,
    person_id: int | None,
    chat_id: int | None,
    now: datetime,
    document: str | None = None,
    document_on: date | None = None,
    album: str = "",
) -> StoredEvidence:
    """Store a file for an obligation; raises EvidenceTooBig, EvidenceTypeNotAllowed, EvidenceQuotaReached.

    document, document_on: number and date that were written beneath it. album: the mark of what was sent
    together with it.
    """
    if len(content) > MAX_EVIDENCE_BYTES:
        raise EvidenceTooBig
    mime = detect_mime_type(content, name=name)
    if mime is None:
        raise EvidenceTypeNotAllowed
    sha256 = hashlib.sha256(content).hexdigest()
    name = safe_file_name(name, mime)
    rows = await connection.execute(
        select(Evidence.id, Evidence.name).where(
            Evidence.obligation_id == obligation_id, Evidence.sha256 == sha256
        )
    )
    known = rows.first()
    if known is not None:
        if document is not None:
            await connection.execute(
                update(Evidence)
                .where(Evidence.id == known.id)
                .values(document=document, document_on=document_on)
            )
        return StoredEvidence(known.id, known.name, mime, len(content), sha256, is_duplicate=True)
    await check_file_quota(
        connection,
        obligation_id=obligation_id,
        person_id=person_id,
        chat_id=chat_id,
        size=len(content),
        now=now,
    )
    await keep_bytes(connection, content, sha256)
    added = await connection.execute(
        insert(Evidence)
        .values(
            obligation_id=obligation_id,
            reply_id=reply_id,
            name=name,
            mime=mime,
            size=len(content),
            sha256=sha256,
            person_id=person_id,
            chat_id=chat_id,
            document=document,
            document_on=document_on,
            album=album or None,
            kept_at=now,
        )
        .returning(Evidence.id)
    )
    return StoredEvidence(added.scalar_one(), name, mime, len(content), sha256, is_duplicate=False)


async def keep_bytes(connection: AsyncConnection, content: bytes, sha256: str) -> None:
    """Store the bytes of a file once, also where retention has emptied them (data/privacy/retention.py)."""
    stored = await connection.scalar(
        select(EvidenceContent.sha256).where(EvidenceContent.sha256 == sha256)
    )
    if stored is None:
        await connection.execute(insert(EvidenceContent).values(sha256=sha256, content=content))
    else:
        await connection.execute(
            update(EvidenceContent).where(EvidenceContent.sha256 == sha256).values(content=content)
        )


async def list_evidence_names(connection: AsyncConnection, obligation_id: int) -> list[str]:
    """Return the names of the files stored for an obligation, oldest first."""
    rows = await connection.scalars(
        select(Evidence.name).where(Evidence.obligation_id == obligation_id).order_by(Evidence.id)
    )
    return list(rows)


async def list_evidence(
    connection: AsyncConnection, obligation_id: int, *, most: int, before: int | None = None
) -> Sequence[Any]:
    """Return the latest files of an obligation, oldest first: id, name, mime, size, kept_at, sha256, document.

    before: the id of a file; only what was kept before it.
    """
    rows = await connection.execute(
        select(
            Evidence.id,
            Evidence.name,
            Evidence.mime,
            Evidence.size,
            Evidence.kept_at,
            Evidence.sha256,
            Evidence.document,
        )
        .where(
            Evidence.obligation_id == obligation_id,
            *([] if before is None else [Evidence.id < before]),
        )
        .order_by(Evidence.id.desc())
        .limit(most)
    )
    return list(rows)[::-1]


async def count_earlier_files(
    connection: AsyncConnection, obligation_id: int, evidence_id: int
) -> int:
    """Return how many files of an obligation were kept before one of them."""
    count = await connection.scalar(
        select(func.count()).where(
            Evidence.obligation_id == obligation_id, Evidence.id < evidence_id
        )
    )
    return int(count or 0)


async def find_obligation_of_file(connection: AsyncConnection, evidence_id: int) -> int | None:
    """Return the obligation that a file was kept for; None for an unknown id."""
    return await connection.scalar(select(Evidence.obligation_id).where(Evidence.id == evidence_id))


async def count_evidence(
    connection: AsyncConnection, condition: ColumnElement[bool], *, most: int = 50
) -> dict[int, int]:
    """Return how many files are kept for each obligation of a condition that has any, the latest file's first."""
    rows = await connection.execute(
        select(Evidence.obligation_id, func.count())
        .join(Obligation, Obligation.id == Evidence.obligation_id)
        .where(condition)
        .group_by(Evidence.obligation_id)
        .order_by(func.max(Evidence.id).desc())
        .limit(most)
    )
    return {row[0]: int(row[1]) for row in rows}


async def list_album_tasks(
    connection: AsyncConnection, chat_id: int, album: str
) -> list[tuple[int, int | None]]:
    """Return (obligation id, reply id) that the earlier parts of an album were kept for."""
    rows = await connection.execute(
        select(Evidence.obligation_id, Evidence.reply_id)
        .where(Evidence.chat_id == chat_id, Evidence.album == album)
        .order_by(Evidence.id.desc())
        .limit(_MOST_OF_ALBUM)
    )
    return list(dict.fromkeys((row.obligation_id, row.reply_id) for row in rows))


async def load_evidence_content(connection: AsyncConnection, sha256: str) -> bytes | None:
    """Return the bytes of a file; None once retention has deleted them."""
    content = await connection.scalar(
        select(EvidenceContent.content).where(EvidenceContent.sha256 == sha256)
    )
    return content or None  # retention empties the row


async def find_evidence_document(
    connection: AsyncConnection, obligation_id: int, *, since: datetime | None
) -> tuple[str, date | None] | None:
    """Return the document written beneath the latest file of an obligation that has one.

    since: when the obligation was last returned; what was kept before was not enough.
    """
    rows = await connection.execute(
        select(Evidence.document, Evidence.document_on)
        .where(
            Evidence.obligation_id == obligation_id,
            Evidence.document.is_not(None),
            *([] if since is None else [Evidence.kept_at > since]),
        )
        .order_by(Evidence.id.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return None if row is None else (str(row.document), row.document_on)


def detect_mime_type(content: bytes, *, name: str = "") -> str | None:
    """Return the allowed type that the bytes show; None for any other.

    name: tells .doc from .xls where an old Office file's own directory does not.
    """
    for signature, mime in _SIGNATURES:
        if content.startswith(signature):
            return mime
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF:
        return HEIC
    if content.startswith(_OLE):
        return _detect_legacy_office(content, name.lower())
    return _detect_open_xml(content) if content.startswith(b"PK\x03\x04") else None


def _detect_legacy_office(content: bytes, name: str) -> str | None:
    """Tell .doc from .xls by the names in the file's directory; None for a file with macros or another's."""

    def holds(entry: str) -> bool:
        return entry.encode("utf-16-le") in content

    if any(map(holds, _NOT_KEPT)):
        return None
    if holds("WordDocument"):
        return "application/msword"
    if holds("Workbook") or holds("Book"):
        return "application/vnd.ms-excel"
    endings = {".doc": "application/msword", ".xls": "application/vnd.ms-excel"}
    return endings.get(name[-4:])


def _detect_open_xml(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return None
    if "[Content_Types].xml" not in names or any(n.endswith("vbaProject.bin") for n in names):
        return None
    if "word/document.xml" in names:
        return f"{_OFFICE}.wordprocessingml.document"
    return f"{_OFFICE}.spreadsheetml.sheet" if "xl/workbook.xml" in names else None


def safe_file_name(name: str, mime: str) -> str:
    """Return a name without folders and with the extension of its type."""
    ending = _ENDINGS[mime]
    stem = _CONTROL.sub(" ", name).strip() or "tep"
    if not stem.lower().endswith((f".{ending}", ".jpeg") if ending == "jpg" else f".{ending}"):
        stem = f"{stem[:190]}.{ending}"
    return stem[-200:]
