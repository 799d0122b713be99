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
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Evidence, EvidenceContent

MAX_EVIDENCE_BYTES = 10 * 1024 * 1024

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of .doc and .xls alike
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
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
) -> StoredEvidence:
    """Store a file for an obligation; raises EvidenceTooBig, EvidenceTypeNotAllowed."""
    if len(content) > MAX_EVIDENCE_BYTES:
        raise EvidenceTooBig
    mime = detect_mime_type(content)
    if mime is None:
        raise EvidenceTypeNotAllowed
    sha256 = hashlib.sha256(content).hexdigest()
    name = _safe_file_name(name, mime)
    rows = await connection.execute(
        select(Evidence.id, Evidence.name).where(
            Evidence.obligation_id == obligation_id, Evidence.sha256 == sha256
        )
    )
    known = rows.first()
    if known is not None:
        return StoredEvidence(known.id, known.name, mime, len(content), sha256, is_duplicate=True)
    stored = await connection.scalar(
        select(EvidenceContent.sha256).where(EvidenceContent.sha256 == sha256)
    )
    if stored is None:
        await connection.execute(insert(EvidenceContent).values(sha256=sha256, content=content))
    else:  # retention may have deleted the bytes (data/privacy/retention.py)
        await connection.execute(
            update(EvidenceContent).where(EvidenceContent.sha256 == sha256).values(content=content)
        )
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
            kept_at=now,
        )
        .returning(Evidence.id)
    )
    return StoredEvidence(added.scalar_one(), name, mime, len(content), sha256, is_duplicate=False)


async def list_evidence_names(connection: AsyncConnection, obligation_id: int) -> list[str]:
    """Return the names of the files stored for an obligation, oldest first."""
    rows = await connection.scalars(
        select(Evidence.name).where(Evidence.obligation_id == obligation_id).order_by(Evidence.id)
    )
    return list(rows)


def detect_mime_type(content: bytes) -> str | None:
    """Return the allowed type that the bytes show; None for any other."""
    for signature, mime in _SIGNATURES:
        if content.startswith(signature):
            return mime
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(_OLE):
        return _detect_legacy_office(content)
    return _detect_open_xml(content) if content.startswith(b"PK\x03\x04") else None


def _detect_legacy_office(content: bytes) -> str | None:
    """Tell .doc from .xls by the names in the file's directory; None for a file with macros."""

    def holds(name: str) -> bool:
        return name.encode("utf-16-le") in content

    if holds("_VBA_PROJECT"):
        return None
    if holds("WordDocument"):
        return "application/msword"
    return "application/vnd.ms-excel" if holds("Workbook") or holds("Book") else None


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


def _safe_file_name(name: str, mime: str) -> str:
    """Return a name without paths and with the extension of its type."""
    ending = _ENDINGS[mime]
    stem = _CONTROL.sub(" ", name).strip() or "tep"
    if not stem.lower().endswith((f".{ending}", ".jpeg") if ending == "jpg" else f".{ending}"):
        stem = f"{stem[:190]}.{ending}"
    return stem[-200:]
