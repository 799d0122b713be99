"""Answers of agencies for tests of what is made of them: recorded as the conversation does, at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select, update

from data.clock import ZONE, civil_date
from data.db.database import Database
from data.models import Obligation, Person, Reminder
from data.progress import explanations, extensions, replies, submissions, undo
from data.registry.registry import Registry
from data.reports.facts import AgencyLine, ReportFacts
from data.reports.gather import gather_report_facts
from data.reports.lines import stream_agency_lines
from jobs.rendering.items import load_obligation_rows
from tests.support.loaded_province import obligation

PLAN = "dong-10-2026"


def on(month: int, day: int, year: int = 2026, hour: int = 9) -> datetime:
    """Return an instant of a civil date."""
    return datetime(year, month, day, hour, tzinfo=ZONE)


@dataclass(slots=True)
class Said:
    """One plan's agencies, and what they say."""

    database: Database
    registry: Registry
    plan: str = PLAN

    async def owed(self, agency: str, code: str, period: str) -> Any:
        return await obligation(
            self.database, plan=self.plan, agency=agency, code=code, period=period
        )

    async def person(self, name: str) -> int:
        """Let a person be known; returns the id."""
        async with self.database.write() as connection:
            added = await connection.execute(
                insert(Person).values(name=name, created_at=on(1, 5)).returning(Person.id)
            )
            return int(added.scalar_one())

    async def say(
        self, agency: str, code: str, period: str, said: Any, *, at: datetime, **more: Any
    ) -> int:
        """Record an answer of an agency; returns its id."""
        owed = await self.owed(agency, code, period)
        return await self.say_of(owed.id, said, at=at, **more)

    async def say_of(self, obligation_id: int, said: Any, *, at: datetime, **more: Any) -> int:
        """Record an answer of an obligation; returns its id."""
        more.setdefault("person_id", None)
        async with self.database.write() as connection:
            reply = await replies.record_reply(
                connection,
                obligation_id=obligation_id,
                said=said,
                chat_id=None,
                event_id=None,
                now=at,
                today=civil_date(at),
                workdays=self.registry.workdays,
                **more,
            )
        assert reply is not None
        return reply

    async def undo(self, reply_id: int, *, at: datetime) -> None:
        """Take an answer back."""
        async with self.database.write() as connection:
            await undo.undo_reply(
                connection, reply_id=reply_id, person_id=None, chat_id=None, event_id=None, now=at
            )

    async def confirm(self, obligation_id: int, *, at: datetime) -> None:
        """Confirm what was handed in."""
        async with self.database.write() as connection:
            row = (await load_obligation_rows(connection, [obligation_id]))[obligation_id]
            assert await submissions.confirm_submission(
                connection, row, person_id=None, decided_by="Sở Khoa học và Công nghệ", now=at
            )

    async def send_back(self, obligation_id: int, *, at: datetime) -> None:
        """Return what was handed in."""
        async with self.database.write() as connection:
            row = (await load_obligation_rows(connection, [obligation_id]))[obligation_id]
            assert await submissions.return_submission(
                connection, row, reason="thiếu", person_id=None, decided_by="Sở", now=at
            )

    async def explain(self, obligation_id: int, words: str, *, at: datetime) -> None:
        """Ask for an explanation and answer it."""
        async with self.database.write() as connection:
            agency_id = await connection.scalar(
                select(Obligation.agency_id).where(Obligation.id == obligation_id)
            )
            assert agency_id is not None
            asked = await explanations.request_explanation(
                connection,
                obligation_id=obligation_id,
                agency_id=agency_id,
                question="Vì sao chậm?",
                asked_by="Sở Khoa học và Công nghệ",
                person_id=None,
                chat_id=None,
                now=at,
            )
            assert asked is not None
            await explanations.record_explanation(
                connection, asked, words=words, person_id=None, now=at
            )

    async def ask_time(self, obligation_id: int, until: date, reason: str, *, at: datetime) -> None:
        """Ask for a later date."""
        reply_id = await self.say_of(obligation_id, "extension", at=at, until=until, note=reason)
        async with self.database.write() as connection:
            await extensions.request_extension(
                connection,
                obligation_id=obligation_id,
                until=until,
                reason=reason,
                reply_id=reply_id,
                person_id=None,
                chat_id=None,
                now=at,
            )

    async def remind(self, agency: str, code: str, period: str, *, day: date) -> None:
        """Let an agency have been reminded of what it owes."""
        owed = await self.owed(agency, code, period)
        async with self.database.write() as connection:
            await connection.execute(
                insert(Reminder).values(
                    obligation_id=owed.id, due_on=owed.due_on, rung=-5, reminded_on=day
                )
            )

    async def change(self, obligation_id: int, **values: Any) -> None:
        """Set columns of an obligation."""
        async with self.database.write() as connection:
            await connection.execute(
                update(Obligation).where(Obligation.id == obligation_id).values(**values)
            )

    async def facts(self, as_of: date, period: str = "2026") -> ReportFacts:
        """Gather the facts of the plan."""
        async with self.database.read() as connection:
            return await gather_report_facts(
                connection, self.registry, self.plan, period=period, as_of=as_of
            )

    async def lines(self, facts: ReportFacts) -> dict[str, list[AgencyLine]]:
        """Return every task's lines by its code."""
        async with self.database.read() as connection:
            return {
                task.code: lines
                async for task, lines in stream_agency_lines(connection, self.registry, facts)
            }
