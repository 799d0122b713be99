"""Collect the facts of a consolidated report from the answers of agencies.

Guarantees:
- Nothing is filled in: an agency without an answer in the period gave none; an undone answer is none.
- Each task is counted once.
- A past period counts as of its end.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Plan
from data.registry.registry import Registry
from data.reports.agency_names import AgencyNames
from data.reports.directing import load_answering_agencies, load_directing_facts
from data.reports.facts import PeriodFigures, ReportFacts, count_period
from data.reports.parts import ReportView
from data.reports.period import previous_period, span_of
from data.reports.quotes import list_difficulties, list_proposals
from data.reports.source_reports import load_duty_facts, load_report_destination
from data.reports.tally import count_tasks, group_sections, load_task_facts
from data.rules.owners import coordinator_of
from data.targets.statuses import load_target_facts


class PlanNotLoaded(LookupError):
    """The database has no such plan, or it was withdrawn."""


async def gather_report_facts(
    connection: AsyncConnection, registry: Registry, plan_code: str, *, period: str, as_of: date
) -> ReportFacts:
    """Return the facts of a plan's report for a period ("2026", "2026-H1", "2026-Q4") as of a day.

    Only answers within the period and by that day count; a period that is over counts as of its last day.
    as_of must not be in the future. Raises PlanNotLoaded, and ValueError for an unknown period. Check
    find_sum_errors before drawing the facts.
    """
    row = await load_plan_row(connection, registry, plan_code)
    plan, home = registry.plans[plan_code], registry.provinces[row.province]
    view = ReportView.of(period, as_of, workdays=registry.workdays)
    names = await AgencyNames.load(connection, home, on=view.as_of)
    coordinator = names.id_of(coordinator_of(home, plan, on=as_of))
    tasks = await load_task_facts(connection, plan, row.id, view)
    onward = await load_report_destination(connection, row.id, home, plan, view)
    agencies = await load_answering_agencies(connection, row.id, view, names)
    return ReportFacts(
        province=home.name,
        plan_code=plan_code,
        number=row.number,
        title=row.title,
        issued_on=row.issued_on,
        period=period,
        coordinator=plan.coordinator if coordinator is None else names.name(coordinator),
        receiver=onward.receiver,
        due_on=onward.due_on,
        as_of=view.as_of,
        is_estimate=view.as_of < view.span.closes,
        sections=group_sections(tasks),
        figures=count_tasks(tasks),
        lines=sum(task.parts.total for task in tasks),
        silent=agencies.silent,
        duties=await load_duty_facts(connection, row.id, home, plan, view, names),
        difficulties=await list_difficulties(connection, row.id, view, names),
        proposals=await list_proposals(connection, row.id, view, names),
        targets=await load_target_facts(connection, plan, row.id, coordinator, before=view.after),
        made_on=as_of,
        tracked_from=row.tracked_from,
        directing=await load_directing_facts(connection, row.id, view, names, agencies),
        previous=await _load_previous(connection, registry, row, period),
    )


async def load_plan_row(connection: AsyncConnection, registry: Registry, plan_code: str) -> Any:
    """Return a plan's row; raises PlanNotLoaded."""
    rows = await connection.execute(
        select(Plan).where(Plan.code == plan_code, Plan.withdrawn_at.is_(None))
    )
    row = rows.one_or_none()
    if row is None or plan_code not in registry.plans:
        raise PlanNotLoaded(plan_code)
    return row


async def _load_previous(
    connection: AsyncConnection, registry: Registry, plan: Any, period: str
) -> PeriodFigures | None:
    """Return the figures at the end of the period before; None where the plan was not tracked then."""
    before = previous_period(period)
    last = span_of(before).last
    if last < max(plan.tracked_from, plan.issued_on):
        return None
    view = ReportView.of(before, last, workdays=registry.workdays)
    tasks = await load_task_facts(connection, registry.plans[plan.code], plan.id, view)
    return count_period(before, tasks, count_tasks(tasks))
