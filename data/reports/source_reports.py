"""Agency reports that feed a consolidated report, and its own destination and due date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import LIVE_STATES, Obligation, ReportDuty
from data.registry.province import Province
from data.registry.schema import PlanFile, ReportDutyEntry
from data.registry.titles import report_title
from data.reports.agency_names import AgencyNames
from data.reports.facts import ReportDutyFacts
from data.reports.parts import ReportView
from data.rules.owners import is_coordinators_own

_NOT_PERIODIC = ("one_off", "ad_hoc")
_REPORT = "report"
_LATE_STATES = ("done_late", "open_late")


@dataclass(frozen=True, slots=True)
class ReportDestination:
    """The coordinating agency's own report for a period; receiver: in the words of the plan."""

    receiver: str
    due_on: date | None


async def load_report_destination(
    connection: AsyncConnection, plan_id: int, home: Province, plan: PlanFile, view: ReportView
) -> ReportDestination:
    """Return the receiver and due date of a consolidated report; due_on None: none is due for the period.

    The receiver is that of the coordinating agency's own duty, else that of a report submitted through it;
    "" where the plan names neither.
    """
    own = [
        duty
        for duty in plan.report_duties
        if is_coordinators_own(home, plan, duty) and duty.frequency != "one_off"
    ]
    rows = await connection.execute(
        select(
            ReportDuty.code,
            func.max(func.coalesce(Obligation.extended_to, Obligation.due_on)).label("due_on"),
        )
        .join(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .where(
            Obligation.plan_id == plan_id,
            Obligation.period == view.span.period,
            Obligation.state.in_(LIVE_STATES),
            ReportDuty.code.in_([duty.code for duty in own]),
        )
        .group_by(ReportDuty.code)
    )
    due = {row.code: row.due_on for row in rows}
    # In every third or fifth year two reports are due; the annual one comes first.
    due_duties = sorted(
        (duty for duty in own if duty.code in due), key=lambda duty: duty.frequency[:5] == "every"
    )
    if due_duties:
        return ReportDestination(due_duties[0].to, due[due_duties[0].code])
    through = [duty for duty in plan.report_duties if duty.via is not None]
    periodic = sorted(own, key=lambda duty: duty.frequency in _NOT_PERIODIC)
    return ReportDestination(next((duty.to for duty in (*periodic, *through)), ""), None)


async def load_duty_facts(
    connection: AsyncConnection,
    plan_id: int,
    home: Province,
    plan: PlanFile,
    view: ReportView,
    names: AgencyNames,
) -> list[ReportDutyFacts]:
    """Return the agency reports received of each periodic duty for the period, in the plan's order."""
    by_duty: dict[str, list[Any]] = {}
    duties = {duty.code: duty for duty in agency_duties(home, plan)}
    rows = await connection.execute(
        select(
            ReportDuty.code,
            ReportDuty.title,
            ReportDuty.frequency,
            Obligation.agency_id,
            Obligation.due_on,
            Obligation.extended_to,
            view.state().label("stored_state"),
            view.official_state().label("state"),
        )
        .join(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .where(
            Obligation.plan_id == plan_id,
            Obligation.period == view.span.period,
            Obligation.state.in_(LIVE_STATES),
            ReportDuty.code.in_(duties),
            ReportDuty.withdrawn_at.is_(None),
        )
        .order_by(ReportDuty.position)
    )
    for row in rows:
        by_duty.setdefault(row.code, []).append(row)
    return [_facts(code, parts, view, names) for code, parts in by_duty.items()]


def agency_duties(home: Province, plan: PlanFile) -> list[ReportDutyEntry]:
    """Return the periodic duties of agencies, without the coordinating agency's own."""
    return [
        duty
        for duty in plan.report_duties
        if duty.frequency not in _NOT_PERIODIC and not is_coordinators_own(home, plan, duty)
    ]


def _facts(
    code: str, parts: Sequence[Any], view: ReportView, names: AgencyNames
) -> ReportDutyFacts:
    missing = [
        names.owner_label(row.agency_id, _REPORT) for row in parts if row.stored_state == "open"
    ]
    return ReportDutyFacts(
        code=code,
        title=report_title(parts[0].frequency, parts[0].title, view.span.period),
        due_on=min(row.due_on for row in parts),
        expected=len(parts),
        received=len(parts) - len(missing),
        late=sum(row.stored_state != "open" and row.state in _LATE_STATES for row in parts),
        missing=[owner.label for owner in sorted(missing, key=lambda o: (o.position, o.label))],
        is_due=min(row.due_on for row in parts) <= view.as_of,
    )
