"""Reports that chats ask for: made one at a time, each answered where it was asked.

Promises that a request is made once however many processes run, that its answer stands in the outbox in
the transaction that ends it, and that one which fails three times is refused in words. A letter that
urges goes to who asked for it and to nobody else.
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
from data.files import store_file
from data.log import get_logger
from data.models import Chat
from data.outbox import messages as outbox
from data.registry.registry import Registry
from data.registry.titles import period_name
from data.reports import requests as report_requests
from data.reports.facts import MOST_LINES, ReportFacts, UrgingFacts
from data.reports.requests import MAX_REPORT_ATTEMPTS, ClaimedReportRequest
from jobs.reports.make import ReportFile, ReportRefusal, make_report

log = get_logger("reports")

READY, REFUSED = "report_ready", "report_refused"  # templates
_MOST_NAMED = 8
_FAILED = (
    "Chương trình gặp lỗi khi soạn và đã thử ba lần. Xin báo quản trị xem nhật ký,"
    " hoặc soạn bằng dòng lệnh «nhacviec report»."
)


class ReportWorker:
    """Makes what chats asked for, one at a time.

    registry: where the one in use is had from. answered: called once an answer stands in the outbox.
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
        """Look for requests now; call after one may have been written down."""
        self._woken.set()

    async def run(self) -> None:
        """Make reports whenever woken, until cancelled; what is cut short is taken again later."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.step()
            except Exception as error:  # the next wake or minute tries again
                log.exception("reports.held_up", error=type(error).__name__)

    async def step(self) -> int:
        """Make every report that waits; returns how many were ended. Harmless beside other processes."""
        ended = 0
        while True:
            async with self._database.read() as connection:
                waits = await report_requests.has_waiting_request(
                    connection, now=await self._clock.now()
                )
            if not waits:
                return ended
            async with self._database.write() as connection:
                taken = await report_requests.claim_report_request(
                    connection, now=await self._clock.now()
                )
            if taken is None:
                return ended
            ended += await self._make(taken)

    async def _make(self, taken: ClaimedReportRequest) -> bool:
        as_of = civil_date(await self._clock.now())
        made: ReportFile | ReportRefusal
        if taken.attempt > MAX_REPORT_ATTEMPTS:
            made = ReportRefusal(_FAILED)
        else:
            try:
                made = await make_report(
                    self._database,
                    self._registry(),
                    taken.plan_code,
                    period=taken.period,
                    form=taken.form,
                    as_of=as_of,
                )
            except Exception as error:
                log.exception("report.failed", report=taken.id, error=type(error).__name__)
                if taken.attempt < MAX_REPORT_ATTEMPTS:
                    async with self._database.write() as connection:
                        await report_requests.release_report_request(connection, taken)
                    return False
                made = ReportRefusal(_FAILED)
        async with self._database.write() as connection:
            ended = await _answer(connection, taken, made, as_of, now=await self._clock.now())
        if ended:
            self._answered()
        return ended


async def _answer(
    connection: AsyncConnection,
    taken: ClaimedReportRequest,
    made: ReportFile | ReportRefusal,
    as_of: date,
    *,
    now: datetime,
) -> bool:
    """End a request and put its answer; False where another process ended or took it."""
    refused = isinstance(made, ReportRefusal)
    why = made.reason if isinstance(made, ReportRefusal) else None
    if not await report_requests.finish_report_request(
        connection, taken, "refused" if refused else "done", now=now, why=why
    ):
        return False
    found = await connection.execute(select(Chat.account_id).where(Chat.id == taken.chat_id))
    context: dict[str, Any] = {
        "plan_code": taken.plan_code,
        "number": taken.plan_number,
        "period": period_name(taken.period),
        "period_code": taken.period,
        "form": taken.form,
        "as_of": as_of.isoformat(),
    }
    if isinstance(made, ReportRefusal):
        context["reason"] = made.reason
    else:
        context["attach"] = await store_file(
            connection, name=made.name, mime=made.mime, content=made.content, now=now
        )
        context |= _summary_context(made.facts)
    await outbox.enqueue(
        connection,
        account_id=found.scalar_one(),
        chat_id=taken.chat_id,
        template=REFUSED if refused else READY,
        context=context,
        priority=outbox.ANSWER,
        now=now,
        dedupe_key=f"report:{taken.id}",
    )
    return True


def _summary_context(facts: ReportFacts | UrgingFacts) -> dict[str, Any]:
    """Return what the message says of a report beside the file itself."""
    if isinstance(facts, UrgingFacts):
        agencies = [agency.agency for agency in facts.agencies]
        return {"agencies": agencies, "items": sum(len(each.items) for each in facts.agencies)}
    figures = facts.figures
    return {
        "tasks": {
            "total": figures.total,
            "done_on_time": figures.done_on_time,
            "done_late": figures.done_late,
            "open_on_time": figures.open_on_time,
            "open_late": figures.open_late,
            "waiting": figures.waiting,
        },
        "silent": list(facts.silent[:_MOST_NAMED]),
        "silent_more": max(len(facts.silent) - _MOST_NAMED, 0),
        "is_estimate": facts.is_estimate,
        "is_short": facts.lines > MOST_LINES,
    }
