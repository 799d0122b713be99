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
    """The report that the coordinating agency owes for a period: to whom, in the document's words, by when."""

    receiver: str
    due_on: date | None


async def load_report_destination(
    connection: AsyncConnection, plan_id: int, home: Province, plan: PlanFile, view: ReportView
) -> ReportDestination:
    """Return whom a consolidated report goes to and by when; due_on None: nothing is owed for the period.

    The receiver is that of the coordinating agency's own duty, else that of a report handed in through
    it; "" where the document names neither.
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
    # In a third or fifth year two are owed; the report of the year is the one that comes each year.
    owed = sorted(
        (duty for duty in own if duty.code in due), key=lambda duty: duty.frequency[:5] == "every"
    )
    if owed:
        return ReportDestination(owed[0].to, due[owed[0].code])
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
    """Return who handed in each periodic report that agencies owe for the period, in the plan's order."""
    found: dict[str, list[Any]] = {}
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
        found.setdefault(row.code, []).append(row)
    return [_facts(code, parts, view, names) for code, parts in found.items()]


def agency_duties(home: Province, plan: PlanFile) -> list[ReportDutyEntry]:
    """Return the periodic reports that agencies owe, without the coordinating agency's own."""
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
        missing=[named.label for named in sorted(missing, key=lambda n: (n.position, n.label))],
    )
