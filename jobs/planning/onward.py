"""Find the report that a report serves: the next one that its receiver owes. Reads only.

A duty whose receivers owe no later report serves none.
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
    """The report that a duty serves: its row (jobs.rendering.items), title and effective due date."""

    row: Any
    title: str
    due_on: date


def find_duty(registry: Registry, plan_code: str, code: str) -> ReportDutyEntry | None:
    """Return a report duty of a plan's file; None for a task, or a code that the file no longer has."""
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
    """Return the next report owed by the agencies to which, or through which, an occurrence is sent.

    due_on: the occurrence's due date by the document.
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
    row = (await load_obligation_rows(connection, [onward_id]))[onward_id]
    title = report_title(row.frequency or "", row.duty_title or "", row.period)
    return OnwardObligation(row, title, effective_due(row.due_on, row.extended_to))
