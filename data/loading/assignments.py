"""Bring the assignments of tasks in line with the files and with decisions.

Guarantees: an unchanged row is not written; a row no longer wanted is withdrawn, never deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import chunks
from data.loading.upsert import update_rows
from data.models import Agency, Assignment, Task
from data.registry.registry import Registry
from data.rules.overrides import Overrides
from data.rules.planning import HORIZON, PlannedAssignment, plan_assignments

_Key = tuple[int, int]  # a task, an agency


async def load_assignments(
    connection: AsyncConnection,
    registry: Registry,
    plans: Mapping[str, int],
    *,
    overrides: Overrides,
    now: datetime,
    today: date,
) -> None:
    """Bring the assignments of loaded plans in line; plans: the ids of their rows by code."""
    wanted = await _plan_wanted(connection, registry, plans, overrides, today + HORIZON)
    rows = await connection.execute(
        select(
            Assignment.id,
            Assignment.task_id,
            Assignment.agency_id,
            Assignment.valid_from,
            Assignment.valid_until,
            Assignment.needs_decision,
            Assignment.withdrawn_at.is_not(None),
        )
        .join(Task, Task.id == Assignment.task_id)
        .where(Task.plan_id.in_(plans.values()))
    )
    changed: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for key, task_id, agency_id, *stored, is_withdrawn in rows.all():
        item = wanted.pop((task_id, agency_id), None)
        if item is None:
            if not is_withdrawn:
                gone.append({"row_id": key, "withdrawn_at": now})
        elif is_withdrawn or stored != [item.since, item.until, item.needs_decision]:
            changed.append({"row_id": key, **_values(item)})
    await update_rows(connection, Assignment, changed)
    await update_rows(connection, Assignment, gone)
    fresh = [
        {"task_id": task_id, "agency_id": agency_id, **_values(item)}
        for (task_id, agency_id), item in wanted.items()
    ]
    for part in chunks(fresh):
        await connection.execute(insert(Assignment), part)


async def _plan_wanted(
    connection: AsyncConnection,
    registry: Registry,
    plans: Mapping[str, int],
    overrides: Overrides,
    until: date,
) -> dict[_Key, PlannedAssignment]:
    """Return the assignments that should exist, by the ids of task and agency."""
    rows = await connection.execute(
        select(Task.plan_id, Task.code, Task.id).where(Task.plan_id.in_(plans.values()))
    )
    task_ids = {(plan_id, code): key for plan_id, code, key in rows.all()}
    provinces = {registry.plans[code].province for code in plans}
    agency_rows = await connection.execute(
        select(Agency.province, Agency.code, Agency.id).where(Agency.province.in_(provinces))
    )
    agencies = {(province, code): key for province, code, key in agency_rows.all()}
    wanted: dict[_Key, PlannedAssignment] = {}
    for plan_code, plan_id in plans.items():
        plan = registry.plans[plan_code]
        home = registry.provinces[plan.province]
        by_leads: dict[Any, list[PlannedAssignment]] = {}  # many tasks have the same leads
        for task in plan.tasks:
            assigned = overrides.of(plan_code, task.code)
            leads = (*task.leads, *assigned)
            if leads not in by_leads:
                by_leads[leads] = plan_assignments(home, plan, task, until=until, assigned=assigned)
            for item in by_leads[leads]:
                wanted[task_ids[plan_id, task.code], agencies[home.code, item.agency]] = item
    return wanted


def _values(item: PlannedAssignment) -> dict[str, Any]:
    return {
        "valid_from": item.since,
        "valid_until": item.until,
        "needs_decision": item.needs_decision,
        "withdrawn_at": None,
    }
