"""How many files, and how many bytes, a person and an agency may have kept in a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Evidence, Obligation

_DAY = timedelta(days=1)


class EvidenceQuotaReached(Exception):
    """The person or the agency had as much kept within a day as is allowed; ask for a link or a number."""


@dataclass(frozen=True, slots=True)
class FileQuota:
    """What may be kept within a day."""

    files: int
    bytes: int


# A report of one agency has some dozen photos at most; ten people may send theirs on one day.
OF_A_PERSON = FileQuota(files=60, bytes=200_000_000)
OF_AN_AGENCY = FileQuota(files=300, bytes=1_000_000_000)


async def check_file_quota(
    connection: AsyncConnection,
    *,
    obligation_id: int | None = None,
    person_id: int | None,
    chat_id: int | None,
    size: int,
    now: datetime,
) -> None:
    """Raise EvidenceQuotaReached where one more file of `size` bytes is too much for a day.

    A person counts over all their chats. A chat counts for itself too, so that somebody without a name does.
    """
    sender = [Evidence.chat_id == chat_id]
    if person_id is not None:
        sender.append(Evidence.person_id == person_id)
    await _check(connection, or_(*sender), OF_A_PERSON, size, now)
    if obligation_id is not None:
        owner = select(Obligation.agency_id).where(Obligation.id == obligation_id)
        of_agency = Evidence.obligation_id.in_(
            select(Obligation.id).where(Obligation.agency_id == owner.scalar_subquery())
        )
        await _check(connection, of_agency, OF_AN_AGENCY, size, now)


async def _check(
    connection: AsyncConnection,
    whose: ColumnElement[bool],
    most: FileQuota,
    size: int,
    now: datetime,
) -> None:
    rows = await connection.execute(
        select(func.count(), func.coalesce(func.sum(Evidence.size), 0)).where(
            Evidence.kept_at > now - _DAY, whose
        )
    )
    files, kept = rows.one()
    if files + 1 > most.files or int(kept) + size > most.bytes:
        raise EvidenceQuotaReached
