"""Create, move and withdraw obligations, fifteen months ahead.

Guarantees: planning twice changes nothing; no answer is lost; nothing is deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Obligation, Plan, ReportDuty, Task
from data.obligations.batch import (
    ObligationGroup,
    ObligationIdsByAgency,
    find_last_rungs,
    insert_all,
    read_groups,
    update_all,
)
from data.progress.decisions import load_overrides
from data.registry.registry import Registry
from data.rules.ladder import TASK_KINDS, DueDate, effective_due
from data.rules.overrides import Overrides
from data.rules.planning import HORIZON, Occasion, tracked_occasions
from data.rules.undated import drop_done
from jobs.planning.ladder_cache import LadderCache
from jobs.planning.rungs import ENDED_STATES, next_step, step_columns

_AT_A_STRETCH = 50  # occasions, before whoever else is at work in the process has a turn
_TOLD = attrgetter("due_on", "due_proposed", "state")
_AS_PLANNED = attrgetter(  # in the order in which they are reckoned below
    "due_on", "due_words", "due_proposed", "base_on", "judged_on", "state", "rung", "remind_on"
)

Wanted = dict[tuple[str, str], dict[int, Occasion]]  # by code and period: who owes it, and how


@dataclass(slots=True)
class PlanningCounts:
    """What planning did to obligations."""

    added: int = 0
    moved: int = 0
    withdrawn: int = 0
    kept: int = 0


async def materialise(
    connection: AsyncConnection,
    registry: Registry,
    *,
    today: date,
    plan_code: str | None = None,
    ladders: LadderCache | None = None,
) -> PlanningCounts:
    """Bring the obligations of every plan in line with registry and decisions, up to the horizon.

    plan_code: plan this one alone.
    """
    counts = PlanningCounts()
    overlay = await load_overrides(connection)
    ladders = ladders or LadderCache(registry)
    which = select(Plan.__table__)
    found = await connection.execute(
        which if plan_code is None else which.where(Plan.code == plan_code)
    )
    plans = found.all()
    theirs = Agency.province.in_({plan.province for plan in plans})
    bodies = await connection.execute(select(Agency.province, Agency.code, Agency.id).where(theirs))
    agencies: dict[str, dict[str, int]] = {}
    for province, code, key in bodies:
        agencies.setdefault(province, {})[code] = key
    for plan in plans:
        wanted: Wanted = {}
        if plan.withdrawn_at is None and plan.code in registry.plans:
            ids = agencies[plan.province]
            for number, owed in enumerate(_wanted(registry, plan, overlay, today)):
                owners = wanted.setdefault((owed.code, owed.period), {})
                owners.update((ids[code], owed) for code in owed.agencies)
                if number % _AT_A_STRETCH == 0:
                    await asyncio.sleep(0)
        await _bring_in_line(connection, registry, ladders, plan, wanted, today, counts)
    return counts


def _wanted(registry: Registry, plan: Any, overlay: Overrides, today: date) -> Iterable[Occasion]:
    last = today + HORIZON
    if plan.closed_on is not None:
        last = min(last, plan.closed_on)
    return tracked_occasions(
        registry, plan.code, tracked_from=plan.tracked_from, until=last, overrides=overlay
    )


async def _bring_in_line(
    connection: AsyncConnection,
    registry: Registry,
    ladders: LadderCache,
    plan: Any,
    wanted: Wanted,
    today: date,
    counts: PlanningCounts,
) -> None:
    known = await read_groups(connection, Obligation.plan_id == plan.id)
    confirmed = [
        (row.code, agency, row.period)
        for row, owners in known.items()
        if row.state == "confirmed"
        for agency in owners
    ]
    over = drop_done(wanted, registry.plans.get(plan.code), confirmed=confirmed)
    still_owed = {key for key, owners in wanted.items() if owners}
    changes: list[dict[str, Any]] = []
    for number, (row, owners) in enumerate(known.items()):
        if number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        for owed, theirs in _by_occasion(row, owners, wanted).items():
            if owed is not None:
                ids = list(theirs.values())
                for told, same in (await _group_by_rung_told(connection, row, owed, ids)).items():
                    values = _planned_values(row, owed, ladders, plan, told, today)
                    if _AS_PLANNED(row) == tuple(values.values()):
                        counts.kept += len(same)
                        continue
                    counts.moved += len(same)
                    if _TOLD(row) != (owed.due_on, owed.proposed, values["state"]):
                        values["revised_on"] = today
                    changes.append({"ids": same, **values})
            elif row.state not in (*ENDED_STATES, "confirmed"):
                changes += _ending_changes(row, theirs, still_owed, over, today)
                counts.withdrawn += len(theirs)
    await update_all(connection, changes)
    seen = {row.code for row in known}
    fresh = []
    for left in wanted.values():
        for owed, new in _group_by_occasion(left).items():
            if owed.code in seen and _is_past_report(owed, plan):
                continue  # a moved deadline makes no debt of the years before tracking
            fresh.append((owed, new))
            counts.added += len(new)
    if fresh:
        await _add(connection, ladders, plan, fresh, today)


def _by_occasion(
    row: ObligationGroup, owners: ObligationIdsByAgency, wanted: Wanted
) -> dict[Occasion | None, ObligationIdsByAgency]:
    """Take what these owe out of what is wanted; return the obligations by what they now are, if anything."""
    theirs = wanted.get((row.code, row.period), {})
    found: dict[Occasion | None, ObligationIdsByAgency] = {}
    for agency, key in owners.items():
        found.setdefault(theirs.pop(agency, None), {})[agency] = key
    return found


def _group_by_occasion(owners: Mapping[int, Occasion]) -> dict[Occasion, list[int]]:
    found: dict[Occasion, list[int]] = {}
    for agency in sorted(owners):  # databases like rows in the order of their indexes
        found.setdefault(owners[agency], []).append(agency)
    return found


async def _group_by_rung_told(
    connection: AsyncConnection, row: ObligationGroup, owed: Occasion, ids: list[int]
) -> Mapping[int | None, list[int]]:
    """Return the obligations by the last rung that was sent for the date they now have."""
    if row.due_on == owed.due_on or row.state not in ("open", *ENDED_STATES):
        return {row.told: ids}
    return await find_last_rungs(connection, ids, effective_due(owed.due_on, row.extended_to))


def _planned_values(
    row: ObligationGroup,
    owed: Occasion,
    ladders: LadderCache,
    plan: Any,
    told: int | None,
    today: date,
) -> dict[str, Any]:
    """Return what stored obligations say once they are in line."""
    effective = effective_due(owed.due_on, row.extended_to)
    due = ladders.due(plan.code, owed.kind, effective)
    state = _restored_state(row) if row.state in ENDED_STATES else row.state
    step = None
    if state == "open":
        step = next_step(
            row, ladders, plan.code, plan.tracked_from, owed.kind, effective, told, today
        )
    return {**_dates(owed, due), "state": state, **step_columns(step)}


def _dates(owed: Occasion, due: DueDate) -> dict[str, Any]:
    return {
        "due_on": owed.due_on,
        "due_words": owed.due_words,
        "due_proposed": owed.proposed,
        "base_on": due.base,
        "judged_on": due.judged,
    }


def _ending_changes(
    row: ObligationGroup,
    owners: ObligationIdsByAgency,
    still_owed: Set[tuple[str, str]],
    over: Set[tuple[str, int, str]],
    today: date,
) -> list[dict[str, Any]]:
    """Return the changes that end obligations: those that others owe now, and those that nobody does."""
    ends: dict[str, list[int]] = {}
    for agency, key in owners.items():
        is_over = (row.code, agency, row.period) in over
        taken_over = (row.code, row.period) in still_owed and not is_over
        ends.setdefault("superseded" if taken_over else "withdrawn", []).append(key)
    return [
        {"ids": ids, "state": state, **step_columns(None), "revised_on": today}
        for state, ids in ends.items()
    ]


async def _add(
    connection: AsyncConnection,
    ladders: LadderCache,
    plan: Any,
    fresh: Iterable[tuple[Occasion, list[int]]],
    today: date,
) -> None:
    duties = await connection.execute(
        select(ReportDuty.code, ReportDuty.id).where(ReportDuty.plan_id == plan.id)
    )
    tasks = await connection.execute(select(Task.code, Task.id).where(Task.plan_id == plan.id))
    duty_ids = {row.code: row.id for row in duties}
    task_ids = {row.code: row.id for row in tasks}
    rows = []
    for owed, agencies in fresh:
        due = ladders.due(plan.code, owed.kind, owed.due_on)
        step = ladders.next_rung(
            plan.code, owed.kind, owed.due_on, today=today, sent=None, acknowledged_until=None
        )
        is_task = owed.kind in TASK_KINDS
        rows.append(
            {
                "plan_id": plan.id,
                "duty_id": None if is_task else duty_ids.get(owed.code),
                "task_id": task_ids.get(owed.code) if is_task else None,
                "agencies": agencies,
                "kind": owed.kind,
                "code": owed.code,
                "period": owed.period,
                "state": "open",
                **_dates(owed, due),
                **step_columns(step),
            }
        )
    await insert_all(connection, rows)


def _restored_state(row: ObligationGroup) -> str:
    """Return the state of what comes back: what was answered stays answered."""
    if row.is_confirmed:
        return "confirmed"
    return "submitted" if row.is_submitted else "open"


def _is_past_report(owed: Occasion, plan: Any) -> bool:
    return owed.kind != "phase_end" and bool(owed.due_on < plan.tracked_from)
