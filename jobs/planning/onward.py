"""The report that a report serves: what whoever receives it owes next.

Promises that nothing is guessed: a duty whose receivers owe no later report serves none. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import LIVE_STATES, Obligation, Plan
from data.obligations import lists
from data.registry.registry import Registry
from data.registry.schema import ReportDutyEntry
from data.registry.titles import report_title
from data.rules.ladder import TASK_KINDS, effective_due
from data.rules.owners import receivers_of
from jobs.rendering.items import load_obligation_rows


@dataclass(frozen=True, slots=True)
class OnwardObligation:
    """The report that a duty serves: its row (jobs.rendering.items), what it is called, its effective due date."""

    row: Any
    title: str
    due_on: date


def find_duty(registry: Registry, plan_code: str, code: str) -> ReportDutyEntry | None:
    """Return a report duty as its plan's file has it; None for a task, or what a file dropped."""
    plan = registry.plans.get(plan_code)
    duties = plan.report_duties if plan is not None else []
    return next((duty for duty in duties if duty.code == code), None)


async def find_onward_obligation(
    connection: AsyncConnection,
    registry: Registry,
    *,
    plan_code: str,
    code: str,
    due_on: date,
    today: date,
) -> OnwardObligation | None:
    """Return what an occurrence of a duty serves: the next report owed by whom it is sent to or through.

    due_on: the occurrence's, by the document.
    """
    duty = find_duty(registry, plan_code, code)
    if duty is None:
        return None
    plan = registry.plans[plan_code]
    home = registry.provinces[plan.province]
    codes = receivers_of(home, plan, duty, on=today)
    ids = (await lists.find_agency_ids(connection, plan.province, codes)).values()
    rows = await connection.execute(
        select(Obligation.id)
        .join(Plan, Plan.id == Obligation.plan_id)
        .where(
            Plan.code == plan_code,
            Obligation.agency_id.in_(sorted(ids)),
            Obligation.kind.not_in(TASK_KINDS),
            Obligation.due_on >= due_on,
            Obligation.state.in_(LIVE_STATES),
        )
        .order_by(Obligation.due_on, Obligation.id)
        .limit(1)
    )
    onward_id = rows.scalar_one_or_none()
    if onward_id is None:
        return None
    found = (await load_obligation_rows(connection, [onward_id]))[onward_id]
    title = report_title(found.frequency or "", found.duty_title or "", found.period)
    return OnwardObligation(found, title, effective_due(found.due_on, found.extended_to))
