"""Who is to be urged in writing: agencies late beyond what reminders do.

Promises nobody who has a say in the delay yet: what is disputed, what more time is asked for, a date that
nobody confirmed, a phase that ended before the plan was tracked, bodies outside the People's Committee
(they are never escalated), and the coordinating agency itself are left out. Reads only.
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

# Working days late from which on a letter is due though reminders still go out (every five days).
LATE_DAYS = 15


async def load_urging_facts(
    connection: AsyncConnection, registry: Registry, plan_code: str, *, as_of: date
) -> UrgingFacts:
    """Return whom a plan's coordinating agency is to urge as of a day; no agencies where nobody is.

    Late beyond the ladder is an open report or phase end whose ladder has no rung left, or that is
    LATE_DAYS working days late. Counted by who has the work in hand; what nobody took over is left out,
    for there is nobody to write to. Raises consolidated.NoPlan.
    """
    row = await load_plan_row(connection, registry, plan_code)
    plan, home = registry.plans[plan_code], registry.provinces[row.province]
    names = await AgencyNames.load(connection, home, on=as_of)
    coordinator = names.id_of(coordinator_of(home, plan, on=as_of))
    late: dict[int, list[LateItem]] = {}
    for owed in await _late(connection, row.id, registry, as_of):
        days = working_days_late(owed.judged_on, today=as_of, workdays=registry.workdays)
        named = names.owner_label(owed.agency_id, owed.kind)
        if days < LATE_DAYS and owed.remind_on is not None:
            continue
        if not named.has_holder or named.holder_id == coordinator:
            continue
        if home.is_outside(names.code(named.holder_id)):
            continue
        due_on = effective_due(owed.due_on, owed.extended_to)
        late.setdefault(named.holder_id, []).append(
            LateItem(owed.code, obligation_title(owed), due_on, days)
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


async def _late(
    connection: AsyncConnection, plan_id: int, registry: Registry, as_of: date
) -> list[Any]:
    """Return what is late of a plan and nobody disputes, the longest late first."""
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
