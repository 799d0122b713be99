"""Create, move and withdraw obligations, fifteen months ahead.

Guarantees:
- Planning twice changes nothing; no answer is lost, not even one given meanwhile; nothing is deleted.
- A plan is planned by one at a time: its row is locked (data/progress/decisions.py, lock_plan).
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
    ObligationGroups,
    ObligationIdsByAgency,
    group_by_sent_rung,
    insert_all,
    lock_groups,
    read_groups,
    update_all,
)
from data.progress.decisions import load_overrides
from data.registry.registry import Registry
from data.rules.ladder import TASK_KINDS, DueDate, effective_due, judged_day
from data.rules.overrides import Overrides
from data.rules.planning import HORIZON, Occasion, tracked_occasions
from data.rules.undated import drop_done
from jobs.planning.ladder_cache import LadderCache
from jobs.planning.rungs import ENDED_STATES, next_group_step, step_columns

_PAUSE_EVERY = 50  # occasions or groups, after which other tasks of the process get a turn
_ANNOUNCED = attrgetter("due_on", "due_proposed", "state")  # a change of these is a revision
_PLANNED = attrgetter(  # in the order of _planned_values
    "due_on", "due_words", "due_proposed", "base_on", "judged_on", "state", "rung", "remind_on"
)

Wanted = dict[tuple[str, str], dict[int, Occasion]]  # code and period → owner's id → occasion


@dataclass(slots=True)
class PlanningCounts:
    """How many obligations planning added, moved, withdrew and left as they were."""

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
    ladders = ladders or LadderCache(registry)
    query = select(Plan.__table__).order_by(Plan.id).with_for_update(key_share=True)
    if plan_code is not None:
        query = query.where(Plan.code == plan_code)
    plans = (await connection.execute(query)).all()
    overrides = await load_overrides(connection)
    agencies = await _load_agency_ids(connection, {plan.province for plan in plans})
    for plan in plans:
        wanted: Wanted = {}
        if plan.withdrawn_at is None and plan.code in registry.plans:
            ids = agencies[plan.province]
            for number, occasion in enumerate(_occasions(registry, plan, overrides, today)):
                owners = wanted.setdefault((occasion.code, occasion.period), {})
                owners.update((ids[code], occasion) for code in occasion.agencies)
                if number % _PAUSE_EVERY == 0:
                    await asyncio.sleep(0)
        await _bring_in_line(connection, registry, ladders, plan, wanted, today, counts)
    return counts


async def _load_agency_ids(
    connection: AsyncConnection, provinces: Set[str]
) -> dict[str, dict[str, int]]:
    """Return the ids of agencies by province and code."""
    rows = await connection.execute(
        select(Agency.province, Agency.code, Agency.id).where(Agency.province.in_(provinces))
    )
    ids: dict[str, dict[str, int]] = {}
    for province, code, key in rows:
        ids.setdefault(province, {})[code] = key
    return ids


def _occasions(
    registry: Registry, plan: Any, overrides: Overrides, today: date
) -> Iterable[Occasion]:
    last = today + HORIZON
    if plan.closed_on is not None:
        last = min(last, plan.closed_on)
    return tracked_occasions(
        registry, plan.code, tracked_from=plan.tracked_from, until=last, overrides=overrides
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
    """Bring one plan's obligations in line with what is wanted.

    1. Drop later years of undated tasks that are confirmed.
    2. Match each stored obligation with the occasion that is wanted: update it, or end it. Those that change
       are locked and looked at again: somebody may have answered since.
    3. Insert what is wanted and not stored.
    """
    groups = await read_groups(connection, Obligation.plan_id == plan.id)
    confirmed = [
        (group.code, agency, group.period)
        for group, owners in groups.items()
        if group.state == "confirmed"
        for agency in owners
    ]
    done = drop_done(wanted, registry.plans.get(plan.code), confirmed=confirmed)  # 1
    still_owed = {key for key, owners in wanted.items() if owners}
    matches = _take_occasions(groups, wanted)  # 2

    async def changes_of(some: ObligationGroups) -> tuple[list[dict[str, Any]], ...]:
        moves: list[dict[str, Any]] = []
        endings: list[dict[str, Any]] = []
        for number, (group, owners) in enumerate(some.items()):
            if number % _PAUSE_EVERY == 0:
                await asyncio.sleep(0)
            for occasion, matched in _split_by_occasion(owners, matches).items():
                if occasion is not None:
                    ids = list(matched.values())
                    moves += await _updates(connection, group, occasion, ids, ladders, today)
                elif group.state not in (*ENDED_STATES, "confirmed"):
                    endings += _endings(group, matched, still_owed, done, today)
        return moves, endings

    changed = [key for rows in await changes_of(groups) for row in rows for key in row["ids"]]
    if changed:
        moves, endings = await changes_of(await lock_groups(connection, changed))
        await update_all(connection, [*moves, *endings])
        counts.moved += (moved := sum(len(row["ids"]) for row in moves))
        counts.withdrawn += sum(len(row["ids"]) for row in endings)
        counts.kept -= moved
    counts.kept += len(matches)
    stored_codes = {group.code for group in groups}
    missing = [  # 3; a moved deadline makes no debt of the years before tracking
        (occasion, agencies)
        for owners in wanted.values()
        for occasion, agencies in _group_by_occasion(owners).items()
        if not (occasion.code in stored_codes and _is_past_report(occasion, plan))
    ]
    if missing:
        await _add(connection, ladders, plan, missing, today)
        counts.added += sum(len(agencies) for _, agencies in missing)


def _take_occasions(groups: ObligationGroups, wanted: Wanted) -> dict[int, Occasion]:
    """Take the stored owners out of what is wanted; return the occasion of each obligation that has one."""
    taken: dict[int, Occasion] = {}
    for group, owners in groups.items():
        occasions = wanted.get((group.code, group.period), {})
        for agency, key in owners.items():
            if agency in occasions:
                taken[key] = occasions.pop(agency)
    return taken


def _split_by_occasion(
    owners: ObligationIdsByAgency, matches: Mapping[int, Occasion]
) -> dict[Occasion | None, ObligationIdsByAgency]:
    """Return the obligations of a group by their occasion; None: it is wanted no more."""
    split: dict[Occasion | None, ObligationIdsByAgency] = {}
    for agency, key in owners.items():
        split.setdefault(matches.get(key), {})[agency] = key
    return split


def _group_by_occasion(owners: Mapping[int, Occasion]) -> dict[Occasion, list[int]]:
    agencies: dict[Occasion, list[int]] = {}
    for agency in sorted(owners):  # in the order of the index into which they are inserted
        agencies.setdefault(owners[agency], []).append(agency)
    return agencies


async def _updates(
    connection: AsyncConnection,
    group: ObligationGroup,
    occasion: Occasion,
    ids: list[int],
    ladders: LadderCache,
    today: date,
) -> list[dict[str, Any]]:
    """Return the updates by which some obligations of a group become what the occasion says."""
    by_rung: Mapping[int | None, list[int]] = {group.sent_rung: ids}
    if group.due_on != occasion.due_on and group.state in ("open", *ENDED_STATES):
        due_on = effective_due(occasion.due_on, group.extended_to)
        by_rung = await group_by_sent_rung(connection, ids, due_on)
    updates: list[dict[str, Any]] = []
    for sent, some in by_rung.items():
        values = _planned_values(group, occasion, ladders, sent, today)
        if _PLANNED(group) == tuple(values.values()):
            continue
        if _ANNOUNCED(group) != (occasion.due_on, occasion.proposed, values["state"]):
            values["revised_on"] = today
        updates.append({"ids": some, **values})
    return updates


def _planned_values(
    group: ObligationGroup, occasion: Occasion, ladders: LadderCache, sent: int | None, today: date
) -> dict[str, Any]:
    """Return the columns of stored obligations once they are in line."""
    due_on = effective_due(occasion.due_on, group.extended_to)
    state = _restored_state(group) if group.state in ENDED_STATES else group.state
    step = None
    if state == "open":
        step = next_group_step(
            group, ladders, kind=occasion.kind, due_on=due_on, sent=sent, today=today
        )
    due = ladders.due(group.plan_code, occasion.kind, due_on)
    return {
        **_date_columns(occasion, due, group.tracked_from),
        "state": state,
        **step_columns(step),
    }


def _date_columns(occasion: Occasion, due: DueDate, tracked_from: date) -> dict[str, Any]:
    return {
        "due_on": occasion.due_on,
        "due_words": occasion.due_words,
        "due_proposed": occasion.proposed,
        "base_on": due.base,
        "judged_on": judged_day(due, tracked_from=tracked_from),
    }


def _endings(
    group: ObligationGroup,
    owners: ObligationIdsByAgency,
    still_owed: Set[tuple[str, str]],
    done: Set[tuple[str, int, str]],
    today: date,
) -> list[dict[str, Any]]:
    """Return the updates that end obligations: superseded where other agencies owe them now, else withdrawn."""
    ids_by_state: dict[str, list[int]] = {}
    for agency, key in owners.items():
        is_done = (group.code, agency, group.period) in done
        has_other_owner = (group.code, group.period) in still_owed and not is_done
        ids_by_state.setdefault("superseded" if has_other_owner else "withdrawn", []).append(key)
    return [
        {"ids": ids, "state": state, **step_columns(None), "revised_on": today}
        for state, ids in ids_by_state.items()
    ]


async def _add(
    connection: AsyncConnection,
    ladders: LadderCache,
    plan: Any,
    missing: Iterable[tuple[Occasion, list[int]]],
    today: date,
) -> None:
    """Insert the obligations of some occasions, each with the ids of its agencies."""
    duties = await connection.execute(
        select(ReportDuty.code, ReportDuty.id).where(ReportDuty.plan_id == plan.id)
    )
    tasks = await connection.execute(select(Task.code, Task.id).where(Task.plan_id == plan.id))
    duty_ids = {row.code: row.id for row in duties}
    task_ids = {row.code: row.id for row in tasks}
    rows = []
    for occasion, agencies in missing:
        kind, due_on = occasion.kind, occasion.due_on
        due = ladders.due(plan.code, kind, due_on)
        step = ladders.next_rung(
            plan.code, kind, due_on, today=today, sent=None, acknowledged_until=None
        )
        is_task = kind in TASK_KINDS
        rows.append(
            {
                "plan_id": plan.id,
                "duty_id": None if is_task else duty_ids.get(occasion.code),
                "task_id": task_ids.get(occasion.code) if is_task else None,
                "agencies": agencies,
                "kind": kind,
                "code": occasion.code,
                "period": occasion.period,
                "state": "open",
                **_date_columns(occasion, due, plan.tracked_from),
                **step_columns(step),
            }
        )
    await insert_all(connection, rows)


def _restored_state(group: ObligationGroup) -> str:
    """Return the state of obligations that come back; an answered one stays answered."""
    if group.is_confirmed:
        return "confirmed"
    return "submitted" if group.is_submitted else "open"


def _is_past_report(occasion: Occasion, plan: Any) -> bool:
    return occasion.kind != "phase_end" and bool(occasion.due_on < plan.tracked_from)
