"""Read the evidence sheet of one agency and month (Nghị định 335/2025/NĐ-CP, Điều 14): what it owed and did.

Guarantees:
- The first deadline stays, whatever was granted later; every date that passed before the end is named.
- A month that is over counts as of its last day; what changed since is told apart, with its date.
- What was due before its plan was tracked is left out: it is no lateness.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.models import LIVE_STATES, Agency, Assignment, Obligation, Plan, ReportDuty, Task
from data.registry.province import Province
from data.registry.registry import Registry
from data.registry.titles import obligation_title, task_name
from data.reports.evidence_events import EvidenceEvents, load_evidence_events
from data.reports.evidence_facts import EvidenceFacts, EvidenceLine
from data.reports.parts import ReportView
from data.reports.period import Span, end_of_day
from data.rules.holders import Holders
from data.rules.ladder import TASK_KINDS, UNDATED, compute_due_date
from data.rules.states import is_done_late, working_days_late


def month_span(month: date) -> Span:
    """Return the days of the month that a day is in."""
    first = month.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    last = following - timedelta(days=1)
    return Span(f"{first:%Y-%m}", first=first, last=last, closes=last)


async def load_evidence_facts(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    agency: str,
    *,
    month: date,
    today: date,
) -> EvidenceFacts:
    """Return an agency's evidence of a month, over all its plans. agency: its code.

    Counts what fell due in the month, what was open through it, and what was answered or done in it.
    """
    home = registry.provinces[province]
    span = month_span(month)
    as_of = min(span.last, today)
    rows = await _load_rows(connection, home, agency, registry, span, as_of)
    events = await load_evidence_events(
        connection, [row.id for row in rows], until=end_of_day(as_of)
    )
    writer = _EvidenceWriter(registry, home, agency, span, as_of)
    lines = [
        writer.line(row, of_row)
        for row in rows
        if writer.belongs(row, of_row := events.get(row.id, EvidenceEvents()))
    ]
    lines.sort(key=lambda line: (line.due_on is None, line.due_on or date.max, line.title))
    return EvidenceFacts(
        province=home.name,
        agency=home.agencies[agency].name,
        month=span.first,
        as_of=as_of,
        made_on=today,
        lines=lines,
    )


async def _load_rows(
    connection: AsyncConnection,
    home: Province,
    agency: str,
    registry: Registry,
    span: Span,
    as_of: date,
) -> list[Any]:
    view = ReportView(span, as_of, registry.workdays.on_or_before(as_of))
    rows = await connection.execute(
        select(
            Obligation.id,
            Obligation.kind,
            Obligation.code,
            Obligation.period,
            Obligation.due_on,
            Obligation.due_words,
            Obligation.judged_on,
            Obligation.done_on,
            Obligation.confirmed_at,
            Obligation.confirmed_by,
            view.official_state().label("official"),
            view.state().label("stored"),
            Plan.code.label("plan_code"),
            Plan.number,
            Plan.issued_on,
            Task.title.label("task_title"),
            ReportDuty.title.label("duty_title"),
            ReportDuty.frequency,
            ReportDuty.clause,
            Agency.code.label("owner_code"),
            Agency.name.label("owner_name"),
        )
        .join(Plan, Plan.id == Obligation.plan_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(
            Plan.province == home.code,
            Plan.withdrawn_at.is_(None),
            Plan.tracked_from <= as_of,
            Obligation.state.in_(LIVE_STATES),
            Obligation.due_proposed.is_(False),
            func.coalesce(Obligation.extended_to, Obligation.due_on) >= Plan.tracked_from,
            _held_by(home, agency, as_of),
            or_(Obligation.kind != UNDATED, Obligation.period == str(span.year)),
        )
    )
    return list(rows)


def _held_by(home: Province, agency: str, on: date) -> ColumnElement[bool]:
    owners = Holders(home, on=on).owners_held_by(agency)
    is_task = Obligation.kind.in_(TASK_KINDS)
    return and_(
        Agency.province == home.code,
        or_(
            and_(is_task, Agency.code.in_(owners.tasks)),
            and_(~is_task, Agency.code.in_(owners.reports)),
        ),
    )


class _EvidenceWriter:
    """Makes the lines of one month."""

    def __init__(
        self, registry: Registry, home: Province, agency: str, span: Span, as_of: date
    ) -> None:
        self._registry = registry
        self._home = home
        self._agency = agency
        self._span = span
        self._as_of = as_of

    def belongs(self, row: Any, events: EvidenceEvents) -> bool:
        """Tell whether something counts in the month: due, done or answered in it, or open through it."""
        first = self._span.first
        done_on = row.done_on if row.stored != "open" else None
        if done_on is not None and done_on < first:
            return False  # of an earlier month
        if done_on is not None or any(day >= first for day in events.answered_on):
            return True
        if row.kind == UNDATED:
            return False
        starts = row.due_on <= self._span.last
        return starts or row.kind in TASK_KINDS

    def line(self, row: Any, events: EvidenceEvents) -> EvidenceLine:
        """Return the line of an obligation."""
        plan = self._registry.plans.get(row.plan_code)
        entry = next((task for task in plan.tasks if task.code == row.code), None) if plan else None
        named = entry is not None and row.task_title is not None
        is_open = row.stored == "open"
        confirmed = row.stored == "confirmed"
        undated = row.kind == UNDATED
        title = task_name(entry) if named and entry else obligation_title(row)
        if row.owner_code != self._agency:
            title += f" (tiếp nhận nhiệm vụ của {row.owner_name})"
        clause = row.clause or f"mục {row.code}"
        return EvidenceLine(
            title=title,
            given_by=f"Kế hoạch số {row.number} ngày {row.issued_on:%d/%m/%Y}, {clause}",
            code=row.code,
            kind=row.kind,
            due_on=None if undated else row.due_on,
            state=row.official,
            waiting=row.stored == "submitted",
            days_late=self._days_late(row, events),
            extended_to=events.granted[-1] if events.granted else None,
            extension_document=events.document,
            told_done_on=None if is_open else events.told_done_on,
            done_on=None if is_open else row.done_on,
            document=None if is_open else events.result_document,
            document_on=None if is_open else events.result_document_on,
            result=None if is_open else events.result,
            confirmed_on=civil_date(row.confirmed_at) if confirmed and row.confirmed_at else None,
            confirmed_by=row.confirmed_by if confirmed else None,
            missed=() if undated else self._missed(row, events),
            returned=events.returned,
            explained_on=events.explained_on,
            explanation=events.explanation,
            cause=events.cause,
            cause_by=events.cause_by,
            objections=events.objections,
            corrections=events.corrections,
        )

    def _judged(self, day: date, kind: Any) -> date:
        strictly = self._home.file.judged_strictly
        return compute_due_date(day, self._registry.workdays, strictly=strictly, kind=kind).judged

    def _missed(self, row: Any, events: EvidenceEvents) -> Sequence[date]:
        """Return the first deadline and those granted since, as far as each passed before the end."""
        until = row.done_on if row.stored != "open" and row.done_on else self._as_of
        dates = list(dict.fromkeys([row.due_on, *events.granted]))
        return [day for day in dates if is_done_late(until, self._judged(day, row.kind))]

    def _days_late(self, row: Any, events: EvidenceEvents) -> int:
        if row.official not in ("open_late", "done_late"):
            return 0
        until = row.done_on if row.stored != "open" and row.done_on else self._as_of
        due_on = max([row.due_on, *events.granted])
        judged = self._judged(due_on, row.kind)
        return working_days_late(judged, today=until, workdays=self._registry.workdays)
