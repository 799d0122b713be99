"""Agencies to name in an urging letter: late beyond their reminders.

Guarantees: the letter leaves out disputed obligations, pending extension requests, proposed dates, phases that
ended before the plan was tracked, bodies outside the People's Committee, and the coordinating agency itself.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import overdue_condition
from data.models import Assignment, Obligation, Plan, ReportDuty, Task
from data.registry.registry import Registry
from data.registry.titles import obligation_title
from data.reports.agency_names import AgencyNames
from data.reports.facts import LateAgency, LateItem, UrgingFacts
from data.reports.gather import load_plan_row
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from data.rules.states import working_days_late

# Working days late from which a letter is due although reminders continue (every five days).
LATE_DAYS = 15


async def load_urging_facts(
    connection: AsyncConnection, registry: Registry, plan_code: str, *, as_of: date
) -> UrgingFacts:
    """Return the agencies that a plan's coordinating agency is to urge as of a day.

    Each holds an overdue obligation whose ladder has no rung left, or that is LATE_DAYS working days late.
    Work without a holder is left out: there is nobody to write to. Raises PlanNotLoaded.
    """
    row = await load_plan_row(connection, registry, plan_code)
    plan, home = registry.plans[plan_code], registry.provinces[row.province]
    names = await AgencyNames.load(connection, home, on=as_of)
    coordinator = names.id_of(coordinator_of(home, plan, on=as_of))
    late: dict[int, list[LateItem]] = {}
    for late_row in await _list_late(connection, row.id, registry, as_of):
        days = working_days_late(late_row.judged_on, today=as_of, workdays=registry.workdays)
        owner = names.owner_label(late_row.agency_id, late_row.kind)
        if days < LATE_DAYS and late_row.remind_on is not None:
            continue
        if not owner.has_holder or owner.holder_id == coordinator:
            continue
        if home.is_outside(names.code(owner.holder_id)):
            continue
        due_on = effective_due(late_row.due_on, late_row.extended_to)
        late.setdefault(owner.holder_id, []).append(
            LateItem(late_row.code, obligation_title(late_row), due_on, days)
        )
    return UrgingFacts(
        province=home.name,
        plan_code=plan_code,
        number=row.number,
        title=row.title,
        issued_on=row.issued_on,
        coordinator=plan.coordinator if coordinator is None else names.name(coordinator),
        as_of=as_of,
        agencies=[LateAgency(names.name(key), late[key]) for key in names.in_order(late)],
    )


async def _list_late(
    connection: AsyncConnection, plan_id: int, registry: Registry, as_of: date
) -> list[Any]:
    """Return a plan's overdue obligations, the longest late first."""
    rows = await connection.execute(
        select(
            Obligation.agency_id,
            Obligation.kind,
            Obligation.code,
            Obligation.period,
            Obligation.due_on,
            Obligation.due_words,
            Obligation.extended_to,
            Obligation.judged_on,
            Obligation.remind_on,
            Task.title.label("task_title"),
            ReportDuty.title.label("duty_title"),
            ReportDuty.frequency,
        )
        .join(Plan, Plan.id == Obligation.plan_id)
        .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(
            Obligation.plan_id == plan_id,
            overdue_condition(registry.workdays.on_or_before(as_of)),
            Obligation.due_proposed.is_(False),
            Obligation.disputed_at.is_(None),
            Obligation.extension_asked_at.is_(None),
            or_(Obligation.kind != "phase_end", Obligation.due_on >= Plan.tracked_from),
        )
        .order_by(Obligation.judged_on, Obligation.id)
    )
    return list(rows)
