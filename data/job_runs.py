"""Records of jobs that run once for a subject and a day.

Guarantees:
- Of several processes that begin the same run exactly one goes on; if its transaction fails, another may.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import insert_or_ignore
from data.models import JobRun


async def list_finished_subjects(
    connection: AsyncConnection, job: str, subjects: Iterable[str], run_on: date
) -> set[str]:
    """Return the subjects, of those given, for which a job is done that day; check before beginning."""
    rows = await connection.scalars(
        select(JobRun.subject).where(
            JobRun.job == job, JobRun.subject.in_(list(subjects)), JobRun.run_on == run_on
        )
    )
    return set(rows)


async def record_run(
    connection: AsyncConnection, job: str, subject: str, run_on: date, *, now: datetime
) -> bool:
    """Record that a job is done; returns False where it was recorded already.

    Call at the start of the write transaction that does the job: it waits for another process in its own.
    """
    recorded = await connection.execute(
        insert_or_ignore(connection, JobRun, "job", "subject", "run_on")
        .values(job=job, subject=subject, run_on=run_on, finished_at=now)
        .returning(JobRun.id)
    )
    return recorded.first() is not None
