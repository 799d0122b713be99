"""Make the reports that chats ask for, one at a time, and answer in the asking chat.

Guarantees:
- A request is finished once, however many processes run.
- The transaction that finishes it puts the answer into the outbox.
- A request that fails three times is refused with a message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import Clock, civil_date
from data.db.database import Database
from data.files import XLSX, store_file
from data.log import get_logger
from data.models import Chat
from data.outbox import messages as outbox
from data.registry.registry import Registry
from data.registry.titles import period_name
from data.reports import requests as report_requests
from data.reports.facts import MOST_LINES
from data.reports.late_agencies import LATE_DAYS, UrgingFacts
from data.reports.requests import MAX_REPORT_ATTEMPTS, ClaimedReportRequest
from jobs.reports.make import URGING, ReportFile, ReportRefusal, make_report

log = get_logger("reports")

READY, REFUSED, NOTES = "report_ready", "report_refused", "report_notes"  # templates
_MOST_NAMED = 8
_FAILED = (
    "Chương trình gặp lỗi khi soạn và đã thử ba lần. Đề nghị báo quản trị xem nhật ký,"
    " hoặc soạn bằng dòng lệnh «nhacviec report»."
)


class ReportWorker:
    """Makes requested reports, one at a time.

    registry: returns the registry in use. answered: called after an answer is in the outbox.
    """

    def __init__(
        self,
        database: Database,
        registry: Callable[[], Registry],
        clock: Clock,
        *,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._answered = answered
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for requests now; call after one may have been stored."""
        self._woken.set()

    async def run(self) -> None:
        """Make reports at each wake, until cancelled; an interrupted request is claimed again later."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.step()
            except Exception as error:  # the next wake or minute tries again
                log.exception("reports.held_up", error=type(error).__name__)

    async def step(self) -> int:
        """Make every waiting report; return the number finished. Safe beside other processes."""
        ended = 0
        while True:
            async with self._database.read() as connection:
                is_waiting = await report_requests.has_waiting_request(
                    connection, now=await self._clock.now()
                )
            if not is_waiting:
                return ended
            async with self._database.write() as connection:
                request = await report_requests.claim_report_request(
                    connection, now=await self._clock.now()
                )
            if request is None:
                return ended
            ended += await self._make(request)

    async def _make(self, request: ClaimedReportRequest) -> bool:
        as_of = civil_date(await self._clock.now())
        report: ReportFile | ReportRefusal
        if request.attempt > MAX_REPORT_ATTEMPTS:
            report = ReportRefusal(_FAILED)
        else:
            try:
                report = await make_report(
                    self._database,
                    self._registry(),
                    request.plan_code,
                    period=request.period,
                    form=request.form,
                    as_of=as_of,
                    late_days=_late_days(request),
                )
            except Exception as error:
                log.exception("report.failed", report=request.id, error=type(error).__name__)
                if request.attempt < MAX_REPORT_ATTEMPTS:
                    async with self._database.write() as connection:
                        await report_requests.release_report_request(connection, request)
                    return False
                report = ReportRefusal(_FAILED)
        async with self._database.write() as connection:
            ended = await _answer(connection, request, report, as_of, now=await self._clock.now())
        if ended:
            self._answered()
        return ended


async def _answer(
    connection: AsyncConnection,
    request: ClaimedReportRequest,
    report: ReportFile | ReportRefusal,
    as_of: date,
    *,
    now: datetime,
) -> bool:
    """Finish a request and enqueue its answer; False where another process finished or claimed it."""
    refused = isinstance(report, ReportRefusal)
    why = report.reason if isinstance(report, ReportRefusal) else None
    if not await report_requests.finish_report_request(
        connection, request, "refused" if refused else "done", now=now, why=why
    ):
        return False
    accounts = await connection.execute(select(Chat.account_id).where(Chat.id == request.chat_id))
    context: dict[str, Any] = {
        "plan_code": request.plan_code,
        "number": request.plan_number,
        "period": "" if request.form == URGING else period_name(request.period),
        "period_code": request.period,
        "form": request.form,
        "as_of": as_of.isoformat(),
    }
    if isinstance(report, ReportRefusal):
        context["reason"] = report.reason
    else:
        context["attach"] = await store_file(
            connection, name=report.name, mime=report.mime, content=report.content, now=now
        )
        context |= _summary_context(report)
    account_id = accounts.scalar_one()
    await outbox.enqueue(
        connection,
        account_id=account_id,
        chat_id=request.chat_id,
        template=REFUSED if refused else READY,
        context=context,
        priority=outbox.ANSWER,
        now=now,
        dedupe_key=f"report:{request.id}",
    )
    if isinstance(report, ReportFile) and report.notes is not None:
        attached = await store_file(
            connection, name=report.notes_name, mime=XLSX, content=report.notes, now=now
        )
        told = {key: context[key] for key in ("plan_code", "number", "period", "period_code")}
        await outbox.enqueue(
            connection,
            account_id=account_id,
            chat_id=request.chat_id,
            template=NOTES,
            context={**told, "blanks": len(report.blanks), "attach": attached},
            priority=outbox.ANSWER,
            now=now,
            dedupe_key=f"report-notes:{request.id}",
        )
    return True


def _late_days(request: ClaimedReportRequest) -> int:
    days = request.period
    return int(days) if request.form == URGING and days.isdigit() and len(days) <= 3 else LATE_DAYS


def _summary_context(report: ReportFile) -> dict[str, Any]:
    """Return the values of the message that goes with a report."""
    facts, blanks = report.facts, len(report.blanks)
    if isinstance(facts, UrgingFacts):
        agencies = [agency.agency for agency in facts.agencies]
        return {
            "agencies": agencies,
            "items": sum(len(each.items) for each in facts.agencies),
            "late_days": facts.late_days,
            "blanks": blanks,
        }
    now = facts.current
    return {
        "tasks": facts.figures.as_json(),
        "undated": now.undated,
        "ended_before": now.ended_before,
        "silent": list(facts.silent[:_MOST_NAMED]),
        "silent_more": max(len(facts.silent) - _MOST_NAMED, 0),
        "is_estimate": facts.is_estimate,
        "is_short": facts.lines > MOST_LINES,
        "blanks": blanks,
    }
