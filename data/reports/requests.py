"""Reports that somebody asked for in a chat: waiting, taken by a process, done or refused.

Promises that a request is made by one process at a time and ended once, however many look for work; that
one whose process died is taken again; and that the same thing asked twice while it is being made is one
request. Call within a write transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, insert, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Plan, ReportRequest

CLAIM_DURATION = timedelta(minutes=10)  # no report takes so long; whoever took it has died
MAX_REPORT_ATTEMPTS = 3
_NEW = ReportRequest.state == literal_column("'new'")  # written out, for the partial index


@dataclass(frozen=True, slots=True)
class ClaimedReportRequest:
    """A request that this process is to make. attempt: which one it is, from 1."""

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
    """Write a request down; returns False where the chat waits for just this one already."""
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
    """Tell whether there is a request that nobody makes; a look, without the write lock."""
    found = await connection.scalar(
        select(ReportRequest.id).where(_NEW, _claimable_condition(now)).limit(1)
    )
    return found is not None


async def claim_report_request(
    connection: AsyncConnection, *, now: datetime
) -> ClaimedReportRequest | None:
    """Take the oldest request that nobody makes; None where there is none."""
    free = _claimable_condition(now)
    oldest = select(ReportRequest.id).where(_NEW, free).order_by(ReportRequest.id).limit(1)
    taken = await connection.execute(
        update(ReportRequest)
        # The conditions stand again outside: of two that chose the same row, the second finds it taken.
        .where(ReportRequest.id == oldest.scalar_subquery(), and_(_NEW, free))
        .values(taken_at=now, attempts=ReportRequest.attempts + 1)
        .returning(ReportRequest.id)
    )
    request_id = taken.scalar_one_or_none()
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
    taken: ClaimedReportRequest,
    state: Literal["done", "refused"],
    *,
    now: datetime,
    why: str | None = None,
) -> bool:
    """End a request; returns False, and changes nothing, where another process took it over meanwhile."""
    ended = await connection.execute(
        update(ReportRequest)
        .where(ReportRequest.id == taken.id, _NEW, ReportRequest.attempts == taken.attempt)
        .values(state=state, done_at=now, why=why)
    )
    return bool(ended.rowcount)


async def release_report_request(connection: AsyncConnection, taken: ClaimedReportRequest) -> None:
    """Let a request be taken again at once: making it failed."""
    await connection.execute(
        update(ReportRequest)
        .where(ReportRequest.id == taken.id, _NEW, ReportRequest.attempts == taken.attempt)
        .values(taken_at=None)
    )


async def end_person_requests(
    connection: AsyncConnection, person_id: int, *, now: datetime
) -> None:
    """End what a person waits for: nobody is there to be given it."""
    await connection.execute(
        update(ReportRequest)
        .where(_NEW, ReportRequest.person_id == person_id)
        .values(state="refused", done_at=now, why="erased")
    )


def _claimable_condition(now: datetime) -> ColumnElement[bool]:
    return or_(ReportRequest.taken_at.is_(None), ReportRequest.taken_at <= now - CLAIM_DURATION)
