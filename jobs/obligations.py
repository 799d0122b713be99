"""Obligations made real: what the registry says is owed becomes rows, fifteen months ahead.

Promises that planning twice changes nothing; that an edited file or calendar moves what is not yet
sent and keeps every answer; that what is no longer owed is withdrawn (or superseded, where another
agency owes it now), never deleted. Each row carries its next rung and day, so that a morning reads
only what is due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data import reckoned
from data.decisions import overlay_of
from data.ladder import effective_due
from data.loading import HORIZON
from data.models import Agency, Assignment, Obligation, Plan, ReportDuty, Task
from data.overlay import Overlay
from data.planning import PlannedObligation, followed
from data.registry import Registry
from data.undated import drop_done
from jobs.ladders import Ladders

_CHUNK = 1000
_AT_A_STRETCH = 500  # obligations, before whoever else is at work in the process has a turn
_TOLD = attrgetter("due_on", "due_proposed", "state")
_AS_PLANNED = attrgetter(  # in the order in which they are reckoned below
    "due_on", "due_words", "due_proposed", "base_on", "judged_on", "state", "rung", "remind_on"
)


@dataclass(slots=True)
class Counts:
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
    only: str | None = None,
    ladders: Ladders | None = None,
) -> Counts:
    """Bring the obligations of every plan in line with registry and decisions, up to the horizon.

    only: the code of the one plan to be looked at. ladders: of the registry, where they are kept.
    """
    counts = Counts()
    overlay = await overlay_of(connection)
    ladders = ladders or Ladders(registry)
    which = select(Plan.__table__)
    found = await connection.execute(which if only is None else which.where(Plan.code == only))
    plans = found.all()
    theirs = Agency.province.in_({plan.province for plan in plans})
    bodies = await connection.execute(select(Agency.__table__).where(theirs))
    agencies = {(row.province, row.code): row.id for row in bodies}
    for plan in plans:
        wanted: dict[tuple[str, str, str], PlannedObligation] = {}
        if plan.withdrawn_at is None and plan.code in registry.plans:
            for number, owed in enumerate(_wanted(registry, plan, overlay, today)):
                wanted[owed.code, owed.agency, owed.period] = owed
                if number % _AT_A_STRETCH == 0:
                    await asyncio.sleep(0)
        await _bring_in_line(connection, registry, ladders, plan, wanted, agencies, today, counts)
    return counts


async def recompute(
    connection: AsyncConnection,
    registry: Registry,
    obligation_ids: Iterable[int],
    *,
    today: date,
    ladders: Ladders | None = None,
) -> None:
    """Reckon the next rung of some obligations again, after an answer, an extension or a decision.

    Of two transactions that do it at once, or record an answer, the second goes by what the first left.
    ladders: of the registry, where they are kept.
    """
    ids = list(obligation_ids)
    ladders = ladders or Ladders(registry)
    changes: dict[reckoned.Change, list[int]] = {}
    for each, keys in (await reckoned.held_alike(connection, ids)).items():
        if each.plan_code in registry.plans:
            changes.setdefault(_reckoned(each, ladders, today), []).extend(keys)
    await reckoned.change_alike(connection, changes)


def _reckoned(row: reckoned.Standing, ladders: Ladders, today: date) -> reckoned.Change:
    """Return what is to change of obligations that stand alike."""
    effective = effective_due(row.due_on, row.extended_to)
    due = ladders.due(row.plan_code, row.kind, effective)
    step = _step_of(
        row, ladders, row.plan_code, row.kind, effective, row.told, today, row.tracked_from
    )
    rung, remind_on = step or (None, None)
    new = {"base_on": due.base, "judged_on": due.judged, "rung": rung, "remind_on": remind_on}
    return tuple((name, value) for name, value in new.items() if getattr(row, name) != value)


def _wanted(
    registry: Registry, plan: Any, overlay: Overlay, today: date
) -> Iterable[PlannedObligation]:
    last = today + HORIZON
    if plan.closed_on is not None:
        last = min(last, plan.closed_on)
    return followed(
        registry, plan.code, tracked_from=plan.tracked_from, until=last, overlay=overlay
    )


async def _bring_in_line(
    connection: AsyncConnection,
    registry: Registry,
    ladders: Ladders,
    plan: Any,
    wanted: dict[tuple[str, str, str], PlannedObligation],
    agencies: dict[tuple[str, str], int],
    today: date,
    counts: Counts,
) -> None:
    known = await reckoned.of_plan(connection, plan.id)
    confirmed = [key for key, row in known.items() if row.state == "confirmed"]
    over = drop_done(wanted, registry.plans.get(plan.code), confirmed=confirmed)
    seen = {code for code, _, _ in known}
    sent = await reckoned.told_of_plan(connection, plan.id)
    fresh: list[dict[str, Any]] = []
    changes: list[dict[str, Any]] = []
    for number, (key, owed) in enumerate(wanted.items()):
        if number % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        row = known.get(key)
        if row is None and owed.code in seen and _is_past_report(owed, plan):
            continue  # a moved deadline makes no debt of the years before tracking
        effective = owed.due_on if row is None else effective_due(owed.due_on, row.extended_to)
        due = ladders.due(plan.code, owed.kind, effective)
        values: dict[str, Any] = {
            "due_on": owed.due_on,
            "due_words": owed.due_words,
            "due_proposed": owed.proposed,
            "base_on": due.base,
            "judged_on": due.judged,
        }
        if row is None:
            step = ladders.step(
                plan.code, owed.kind, effective, today=today, sent=None, acknowledged_until=None
            )
            agency_id = agencies[plan.province, owed.agency]
            fresh.append(
                {
                    "plan_id": plan.id,
                    "agency_id": agency_id,
                    "kind": owed.kind,
                    "code": owed.code,
                    "period": owed.period,
                    "state": "open",
                    "rung": step[0] if step else None,
                    "remind_on": step[1] if step else None,
                    **values,
                }
            )
            continue
        values["state"] = _restored(row) if row.state in ("withdrawn", "superseded") else row.state
        step = (
            _step_of(
                row,
                ladders,
                plan.code,
                owed.kind,
                effective,
                sent.get((row.id, effective)),
                today,
                plan.tracked_from,
            )
            if values["state"] == "open"
            else None
        )
        values["rung"], values["remind_on"] = step or (None, None)
        if _TOLD(row) != (owed.due_on, owed.proposed, values["state"]):
            values |= {"revision": row.revision + 1, "revised_on": today}
            changes.append({"key": row.id, **values})
        elif _AS_PLANNED(row) == tuple(values.values()):
            counts.kept += 1
        else:
            changes.append({"key": row.id, **values})
    still_owed = {(code, period) for code, _, period in wanted}
    for key, row in known.items():
        if key in wanted or row.state in ("withdrawn", "superseded", "confirmed"):
            continue
        taken_over = (row.code, row.period) in still_owed and key not in over
        state = "superseded" if taken_over else "withdrawn"
        gone = {"state": state, "rung": None, "remind_on": None}
        revised = {"revision": row.revision + 1, "revised_on": today}
        changes.append({"key": row.id, **gone, **revised})
        counts.withdrawn += 1
    subjects = await _subjects(connection, plan.id) if fresh else {}
    for values in fresh:
        values["duty_id"] = subjects.get((values["code"], None))
        values["assignment_id"] = subjects.get((values["code"], values["agency_id"]))
    for start in range(0, len(fresh), _CHUNK):
        await connection.execute(insert(Obligation), fresh[start : start + _CHUNK])
    counts.added += len(fresh)
    counts.moved += sum(1 for change in changes if "due_on" in change)
    await reckoned.change_each(connection, changes)


def _step_of(
    row: Any,
    ladders: Ladders,
    plan_code: str,
    kind: str,
    effective: date,
    told: int | None,
    today: date,
    tracked_from: date,
) -> tuple[int, date] | None:
    """told: the last rung that was told for the effective due."""
    if row.state not in ("open", "withdrawn", "superseded"):
        return None
    if kind == "phase_end" and effective < tracked_from and told is not None:
        return None  # what ended before it was tracked is asked about once
    return ladders.step(
        plan_code,
        kind,
        effective,
        today=today,
        sent=told,
        acknowledged_until=row.acknowledged_until,
    )


async def _subjects(connection: AsyncConnection, plan_id: int) -> dict[tuple[str, int | None], int]:
    duties = await connection.execute(
        select(ReportDuty.code, ReportDuty.id).where(ReportDuty.plan_id == plan_id)
    )
    subjects: dict[tuple[str, int | None], int] = {(row.code, None): row.id for row in duties}
    rows = await connection.execute(
        select(Task.code, Assignment.agency_id, Assignment.id)
        .join(Task, Task.id == Assignment.task_id)
        .where(Task.plan_id == plan_id)
    )
    subjects.update({(row.code, row.agency_id): row.id for row in rows})
    return subjects


def _restored(row: Any) -> str:
    """Return the state of what comes back: what was answered stays answered."""
    if row.confirmed_at is not None:
        return "confirmed"
    return "submitted" if row.submitted_at is not None else "open"


def _is_past_report(owed: PlannedObligation, plan: Any) -> bool:
    return owed.kind != "phase_end" and bool(owed.due_on < plan.tracked_from)
