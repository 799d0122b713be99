"""Agencies to name in an urging letter: late beyond their reminders.

Guarantees: the letter names only what an agency was told of and what is late since the plan is tracked. It
leaves out disputed obligations, pending extension requests, proposed dates, bodies outside the People's
Committee, and the coordinating agency itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import overdue_condition
from data.models import Assignment, Obligation, Plan, Reminder, ReportDuty, Task
from data.registry.registry import Registry
from data.registry.titles import obligation_title, task_name
from data.reports.agency_names import AgencyNames
from data.reports.gather import load_plan_row
from data.rules.ladder import effective_due
from data.rules.owners import coordinator_of
from data.rules.states import working_days_late

# Working days late from which a letter is due although reminders continue (every five days).
LATE_DAYS = 15
ANSWER_DAYS = 5  # working days given to answer the letter


@dataclass(frozen=True, slots=True)
class LateItem:
    """One obligation that an agency is late with; told: how often it was reminded of it."""

    code: str
    title: str
    due_on: date  # the effective due date
    days_late: int  # working days
    told: int


@dataclass(frozen=True, slots=True)
class LateAgency:
    """An agency to be urged, and what it is late with, the longest late first."""

    agency: str  # full name
    items: Sequence[LateItem]


@dataclass(frozen=True, slots=True)
class UrgingFacts:
    """The draft of an urging letter (công văn đôn đốc), drawn up in the name of the coordinator.

    agencies: in the official order. late_days: the working days from which they are named. below: overdue,
    but not named since they are late by less; answer_by: a day five working days on, which a person checks.
    """

    province: str  # "Gia Lai"
    plan_code: str
    number: str
    title: str
    issued_on: date
    coordinator: str
    as_of: date
    agencies: Sequence[LateAgency]
    late_days: int = LATE_DAYS
    below: int = 0
    answer_by: date | None = None


async def load_urging_facts(
    connection: AsyncConnection,
    registry: Registry,
    plan_code: str,
    *,
    as_of: date,
    late_days: int = LATE_DAYS,
) -> UrgingFacts:
    """Return the agencies that a plan's coordinating agency is to urge as of a day.

    Each holds an overdue obligation whose ladder has no rung left, or that is late_days working days late.
    Work without a holder is left out: there is nobody to write to. Raises PlanNotLoaded.
    """
    row = await load_plan_row(connection, registry, plan_code)
    plan, home = registry.plans[plan_code], registry.provinces[row.province]
    names = await AgencyNames.load(connection, home, on=as_of)
    coordinator = names.id_of(coordinator_of(home, plan, on=as_of))
    late: dict[int, list[LateItem]] = {}
    below = 0
    task_names = {task.code: task_name(task) for task in plan.tasks}
    for late_row in await _list_late(connection, row.id, registry, as_of):
        days = working_days_late(late_row.judged_on, today=as_of, workdays=registry.workdays)
        owner = names.owner_label(late_row.agency_id, late_row.kind)
        if not owner.has_holder or owner.holder_id == coordinator:
            continue
        if home.is_outside(names.code(owner.holder_id)):
            continue
        if days < late_days and late_row.remind_on is not None:
            below += 1
            continue
        due_on = effective_due(late_row.due_on, late_row.extended_to)
        title = obligation_title(late_row)
        if late_row.task_title is not None:
            title = task_names.get(late_row.code, title)
        late.setdefault(owner.holder_id, []).append(
            LateItem(late_row.code, title, due_on, days, late_row.told)
        )
    return UrgingFacts(
        province=home.name,
        plan_code=plan_code,
        number=row.number,
        title=row.title,
        issued_on=row.issued_on,
        coordinator=plan.coordinator if coordinator is None else names.name(coordinator),
        as_of=as_of,
        agencies=[LateAgency(names.printed(key), late[key]) for key in names.in_order(late)],
        late_days=late_days,
        below=below,
        answer_by=registry.workdays.add(as_of, ANSWER_DAYS),
    )


async def _list_late(
    connection: AsyncConnection, plan_id: int, registry: Registry, as_of: date
) -> list[Any]:
    """Return a plan's overdue obligations that were told to their agencies, the longest late first."""
    told = (
        select(func.count())
        .where(Reminder.obligation_id == Obligation.id, Reminder.reminded_on <= as_of)
        .correlate(Obligation)
        .scalar_subquery()
    )
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
            told.label("told"),
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
            Obligation.due_on >= Plan.tracked_from,
            told > 0,
        )
        .order_by(Obligation.judged_on, Obligation.id)
    )
    return list(rows)
