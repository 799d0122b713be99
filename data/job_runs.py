"""Jobs that happen once for a subject and a day, however many processes try.

Promises that of several who begin the same one exactly one goes on, on whichever database; where its
transaction fails, another may. Decides nothing about when a job is due.
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
    """Return those of some subjects for which a job is done that day; for looking before beginning."""
    rows = await connection.scalars(
        select(JobRun.subject).where(
            JobRun.job == job, JobRun.subject.in_(list(subjects)), JobRun.run_on == run_on
        )
    )
    return set(rows)


async def record_run(
    connection: AsyncConnection, job: str, subject: str, run_on: date, *, now: datetime
) -> bool:
    """Note that a job is done; returns False, and notes nothing, where it was already.

    Call at the start of the write transaction that does it. Where another process is in its own, this
    waits for its end.
    """
    noted = await connection.execute(
        insert_or_ignore(connection, JobRun, "job", "subject", "run_on")
        .values(job=job, subject=subject, run_on=run_on, finished_at=now)
        .returning(JobRun.id)
    )
    return noted.first() is not None
