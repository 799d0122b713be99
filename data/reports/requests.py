"""Queue of reports requested in chat: new, claimed by a process, done or refused.

Guarantees:
- One process at a time makes a report, and a request is finished once; call within a write transaction.
- A request whose process died is claimed again after CLAIM_DURATION.
- The same request of a chat, repeated while it waits, is one request.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, insert, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Plan, ReportRequest

CLAIM_DURATION = timedelta(minutes=10)  # no report takes so long: the process that claimed it died
MAX_REPORT_ATTEMPTS = 3
MAX_WAITING_REPORTS = 5  # of one person, and in one chat: each is made after the others
_NEW = ReportRequest.state == literal_column("'new'")  # written out, for the partial index


class TooManyReportsWaiting(Exception):
    """The person or the chat waits for as many reports as are allowed; ask to wait for them."""


@dataclass(frozen=True, slots=True)
class ClaimedReportRequest:
    """A request that this process is to make; attempt counts from 1."""

    id: int
    plan_id: int
    plan_code: str
    plan_number: str
    period: str
    form: str
    chat_id: int
    attempt: int


async def request_report(
    connection: AsyncConnection,
    *,
    plan_id: int,
    period: str,
    form: str,
    chat_id: int,
    person_id: int | None,
    now: datetime,
) -> bool:
    """Record a request; returns False where the chat already waits for the same report.

    Raises TooManyReportsWaiting.
    """
    waiting = await connection.scalar(
        select(ReportRequest.id).where(
            _NEW,
            ReportRequest.plan_id == plan_id,
            ReportRequest.period == period,
            ReportRequest.form == form,
            ReportRequest.chat_id == chat_id,
        )
    )
    if waiting is not None:
        return False
    asking = [ReportRequest.chat_id == chat_id]
    if person_id is not None:
        asking.append(ReportRequest.person_id == person_id)
    count = await connection.scalar(
        select(func.count()).select_from(ReportRequest).where(_NEW, or_(*asking))
    )
    if (count or 0) >= MAX_WAITING_REPORTS:
        raise TooManyReportsWaiting
    await connection.execute(
        insert(ReportRequest).values(
            plan_id=plan_id,
            period=period,
            form=form,
            chat_id=chat_id,
            person_id=person_id,
            asked_at=now,
        )
    )
    return True


async def has_waiting_request(connection: AsyncConnection, *, now: datetime) -> bool:
    """Tell whether a request can be claimed; reads without the write lock."""
    request_id = await connection.scalar(
        select(ReportRequest.id).where(_NEW, _claimable_condition(now)).limit(1)
    )
    return request_id is not None


async def claim_report_request(
    connection: AsyncConnection, *, now: datetime
) -> ClaimedReportRequest | None:
    """Claim the oldest request that no process is making; None where there is none."""
    claimable = and_(_NEW, _claimable_condition(now))
    oldest = select(ReportRequest.id).where(claimable).order_by(ReportRequest.id).limit(1)
    claimed = await connection.execute(
        update(ReportRequest)
        # The condition is repeated: of two processes that chose the same row, the second finds it claimed.
        .where(ReportRequest.id == oldest.scalar_subquery(), claimable)
        .values(taken_at=now, attempts=ReportRequest.attempts + 1)
        .returning(ReportRequest.id)
    )
    request_id = claimed.scalar_one_or_none()
    if request_id is None:
        return None
    rows = await connection.execute(
        select(
            ReportRequest.id,
            ReportRequest.plan_id,
            Plan.code,
            Plan.number,
            ReportRequest.period,
            ReportRequest.form,
            ReportRequest.chat_id,
            ReportRequest.attempts,
        )
        .join(Plan, Plan.id == ReportRequest.plan_id)
        .where(ReportRequest.id == request_id)
    )
    return ClaimedReportRequest(*rows.one())


async def finish_report_request(
    connection: AsyncConnection,
    claimed: ClaimedReportRequest,
    state: Literal["done", "refused"],
    *,
    now: datetime,
    why: str | None = None,
) -> bool:
    """Finish a request; returns False, and changes nothing, where another process claimed it since."""
    finished = await connection.execute(
        update(ReportRequest)
        .where(*_still_claimed(claimed))
        .values(state=state, done_at=now, why=why)
    )
    return bool(finished.rowcount)


async def release_report_request(
    connection: AsyncConnection, claimed: ClaimedReportRequest
) -> None:
    """Let a failed request be claimed again at once."""
    await connection.execute(
        update(ReportRequest).where(*_still_claimed(claimed)).values(taken_at=None)
    )


async def end_requests(
    connection: AsyncConnection,
    *,
    person_ids: Collection[int],
    chat_ids: Collection[int],
    now: datetime,
) -> None:
    """Refuse the waiting requests of persons, and those in chats, who are enrolled no more."""
    of_them = or_(ReportRequest.person_id.in_(person_ids), ReportRequest.chat_id.in_(chat_ids))
    await connection.execute(
        update(ReportRequest)
        .where(_NEW, of_them)
        .values(state="refused", done_at=now, why="enrolled no more")
    )


def _still_claimed(claimed: ClaimedReportRequest) -> tuple[ColumnElement[bool], ...]:
    return ReportRequest.id == claimed.id, _NEW, ReportRequest.attempts == claimed.attempt


def _claimable_condition(now: datetime) -> ColumnElement[bool]:
    return or_(
        ReportRequest.taken_at.is_(None),
        ReportRequest.taken_at <= now - CLAIM_DURATION,
        ReportRequest.taken_at > now + CLAIM_DURATION,  # by a clock since set back
    )
