"""Make one report file: read the facts in one transaction, draw in a thread.

Guarantees: a report whose sums do not reconcile is refused with the reason; nothing is sent or stored.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from data.db.database import Database
from data.files import DOCX, XLSX
from data.registry.registry import Registry
from data.registry.titles import period_name
from data.reports.facts import MOST_LINES, AgencyLine, ReportFacts, TaskFacts
from data.reports.gather import PlanNotLoaded, gather_report_facts
from data.reports.late_agencies import LATE_DAYS, UrgingFacts, load_urging_facts
from data.reports.lines import stream_agency_lines
from data.reports.period import span_of

WORD, SHEET, URGING = "docx", "xlsx", "urging"  # ReportRequest.form
Progress = Callable[[int, int], None]
_Lines = AsyncIterator[tuple[TaskFacts, list[AgencyLine]]]


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A finished file and its facts; a spreadsheet of several plans has the facts of the first.

    blanks: what a document leaves for a person to write or check. notes: the spreadsheet that goes with a
    report, of what it rests on.
    """

    name: str
    mime: str
    content: bytes
    facts: ReportFacts | UrgingFacts
    blanks: Sequence[str] = ()
    notes: bytes | None = None

    @property
    def notes_name(self) -> str:
        """Return the name of the notes' file."""
        return notes_name(self.name)


def notes_name(report_name: str) -> str:
    """Return the name of the notes of a report's file: "bao-cao.docx" has "bao-cao-doi-soat.xlsx"."""
    return f"{report_name.rsplit('.', 1)[0]}-doi-soat.xlsx"


@dataclass(frozen=True, slots=True)
class ReportRefusal:
    """The reason for no report, in Vietnamese sentences for the reader who asked."""

    reason: str


class DrawingStopped(Exception):
    """The process ends during a drawing, which stops at its next task."""


async def make_report(
    database: Database,
    registry: Registry,
    plan_codes: str | Sequence[str],
    *,
    period: str,
    form: str,
    as_of: date,
    late_days: int = LATE_DAYS,
    progress: Progress | None = None,
) -> ReportFile | ReportRefusal:
    """Make a report of a plan (a spreadsheet: of several) for a period, as of today or an earlier day.

    form: "docx", "xlsx" or "urging" (a draft that ignores the period, of what is late by late_days). A
    document tells results of agencies up to MOST_LINES, beyond that counts alone. Another thread calls
    progress with (tasks drawn, tasks). Raises ValueError for an unknown period.
    """
    codes = [plan_codes] if isinstance(plan_codes, str) else list(plan_codes)
    if form != URGING and as_of < span_of(period).first:
        return ReportRefusal(f"Kỳ {period_name(period)} chưa bắt đầu nên chưa có gì để tổng hợp.")
    # Imported here: the Word libraries stay out of an idle process.
    from jobs.reports.docx import UnreconciledReport

    try:
        if form == URGING:
            return await _urging(database, registry, codes[0], as_of, late_days)
        if form == WORD:
            return await _document(database, registry, codes[0], period, as_of, progress)
        return await _sheet(database, registry, codes, period, as_of, progress)
    except UnreconciledReport as refused:
        return ReportRefusal(str(refused))
    except PlanNotLoaded as fault:
        return ReportRefusal(f"Kế hoạch {fault.args[0]} chưa được nạp hoặc không còn theo dõi.")


async def _document(
    database: Database,
    registry: Registry,
    plan_code: str,
    period: str,
    as_of: date,
    progress: Progress | None,
) -> ReportFile:
    from jobs.reports.docx import report_docx
    from jobs.reports.notes import report_notes

    async with database.read() as connection:
        facts = await gather_report_facts(
            connection, registry, plan_code, period=period, as_of=as_of
        )
        lines = None
        if facts.lines <= MOST_LINES:
            lines = [each async for each in stream_agency_lines(connection, registry, facts)]
    document = await _draw_in_thread(report_docx, facts, lines, progress=progress)
    notes = await asyncio.to_thread(report_notes, facts, lines, document.blanks)
    name = f"bao-cao-{plan_code}-{period}.docx"
    return ReportFile(name, DOCX, document.content, facts, document.blanks, notes)


async def _sheet(
    database: Database,
    registry: Registry,
    plan_codes: Sequence[str],
    period: str,
    as_of: date,
    progress: Progress | None,
) -> ReportFile:
    from jobs.reports.xlsx import report_xlsx

    loop = asyncio.get_running_loop()
    plans = []
    async with database.read() as connection:
        for code in plan_codes:
            facts = await gather_report_facts(
                connection, registry, code, period=period, as_of=as_of
            )
            plans.append(
                (facts, _pull_lines(loop, stream_agency_lines(connection, registry, facts)))
            )
        content = await _draw_in_thread(report_xlsx, plans, progress=progress)
    name = plan_codes[0] if len(plan_codes) == 1 else f"{len(plan_codes)}-ke-hoach"
    return ReportFile(f"bao-cao-{name}-{period}.xlsx", XLSX, content, plans[0][0])


async def _urging(
    database: Database, registry: Registry, plan_code: str, as_of: date, late_days: int
) -> ReportFile:
    from jobs.reports.docx import urging_docx

    async with database.read() as connection:
        facts = await load_urging_facts(
            connection, registry, plan_code, as_of=as_of, late_days=late_days
        )
    letter = await asyncio.to_thread(urging_docx, facts)
    name = f"don-doc-{plan_code}-{as_of.isoformat()}.docx"
    return ReportFile(name, DOCX, letter.content, facts, letter.blanks)


async def _draw_in_thread(draw: Callable[..., Any], *facts: Any, progress: Progress | None) -> Any:
    """Draw in a thread; after a cancellation the thread ends at its next task."""
    ending = threading.Event()

    def report_progress(done: int, total: int) -> None:
        if ending.is_set():
            raise DrawingStopped
        if progress is not None:
            progress(done, total)

    try:
        return await asyncio.to_thread(draw, *facts, progress=report_progress)
    finally:
        ending.set()


def _pull_lines(
    loop: asyncio.AbstractEventLoop, lines: _Lines
) -> Iterator[tuple[TaskFacts, list[AgencyLine]]]:
    """Yield to a thread the lines read in the loop, one task at a time, so that memory stays flat."""

    async def read_next() -> tuple[TaskFacts, list[AgencyLine]] | None:
        return await anext(lines, None)

    while (each := asyncio.run_coroutine_threadsafe(read_next(), loop).result()) is not None:
        yield each
