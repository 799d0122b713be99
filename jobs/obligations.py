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
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.decisions import overlay_of
from data.ladder import effective_due
from data.loading import HORIZON
from data.models import Agency, Assignment, Obligation, Plan, Reminder, ReportDuty, Task
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
    alike: dict[Standing, list[int]] = {}
    for start in range(0, len(ids), _CHUNK):
        rows = await connection.execute(_STANDING, {"ids": ids[start : start + _CHUNK]})
        for key, *standing in rows:
            alike.setdefault(Standing(*standing), []).append(key)
    changes: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for each, keys in alike.items():
        if each.plan_code in registry.plans:
            changes.setdefault(_reckoned(each, ladders, today), []).extend(keys)
    for change, keys in changes.items():
        statement = update(Obligation).where(_SOME).values(dict(change))
        for start in range(0, len(keys) if change else 0, _CHUNK):
            await connection.execute(statement, {"ids": keys[start : start + _CHUNK]})


def _reckoned(row: Standing, ladders: Ladders, today: date) -> tuple[tuple[str, Any], ...]:
    """Return what is to change of obligations that stand alike: (column, value)."""
    effective = effective_due(row.due_on, row.extended_to)
    due = ladders.due(row.plan_code, row.kind, effective)
    step = _step_of(
        row, ladders, row.plan_code, row.kind, effective, row.told, today, row.tracked_from
    )
    rung, remind_on = step or (None, None)
    new = {"base_on": due.base, "judged_on": due.judged, "rung": rung, "remind_on": remind_on}
    return tuple((name, value) for name, value in new.items() if getattr(row, name) != value)


class Standing(NamedTuple):
    """What the next rung of an obligation follows from, and what was reckoned last."""

    state: str
    kind: str
    due_on: date
    extended_to: date | None
    acknowledged_until: date | None
    base_on: date
    judged_on: date
    rung: int | None
    remind_on: date | None
    plan_code: str
    tracked_from: date
    told: int | None  # the last rung for the effective due


_SOME = Obligation.id.in_(bindparam("ids", expanding=True))
_EFFECTIVE = case(
    (Obligation.extended_to > Obligation.due_on, Obligation.extended_to), else_=Obligation.due_on
)
_STANDING = (
    select(
        Obligation.id,
        *(getattr(Obligation, name) for name in Standing._fields[:9]),
        Plan.code,
        Plan.tracked_from,
        select(func.max(Reminder.rung))
        .where(Reminder.obligation_id == Obligation.id, Reminder.due_on == _EFFECTIVE)
        .scalar_subquery(),
    )
    .join(Plan, Plan.id == Obligation.plan_id)
    .where(_SOME)
    .with_for_update(of=Obligation, key_share=True)  # an answer that comes meanwhile is not undone
)


def _wanted(
    registry: Registry, plan: Any, overlay: Overlay, today: date
) -> Iterable[PlannedObligation]:
    last = today + HORIZON
    if plan.closed_on is not None:
        last = min(last, plan.closed_on)
    return followed(
        registry, plan.code, tracked_from=plan.tracked_from, until=last, overlay=overlay
    )


class Stored(NamedTuple):
    """What planning looks at of an obligation as it stands; plain, for every one is looked at each night."""

    id: int
    agency: str
    kind: str
    code: str
    period: str
    due_on: date
    due_words: str
    due_proposed: bool
    extended_to: date | None
    base_on: date
    judged_on: date
    state: str
    acknowledged_until: date | None
    submitted_at: datetime | None
    confirmed_at: datetime | None
    rung: int | None
    remind_on: date | None
    revision: int


async def _stored(connection: AsyncConnection, plan_id: int) -> dict[tuple[str, str, str], Stored]:
    columns = [getattr(Obligation, name) for name in Stored._fields if name != "agency"]
    columns.insert(Stored._fields.index("agency"), Agency.code)
    rows = await connection.execute(
        select(*columns)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(Obligation.plan_id == plan_id)
    )
    stored = [Stored(*row) for row in rows]
    return {(row.code, row.agency, row.period): row for row in stored}


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
    known = await _stored(connection, plan.id)
    confirmed = [key for key, row in known.items() if row.state == "confirmed"]
    over = drop_done(wanted, registry.plans.get(plan.code), confirmed=confirmed)
    seen = {code for code, _, _ in known}
    sent = await _sent(connection, Obligation.plan_id == plan.id)
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
    await _update(connection, changes)


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


async def _sent(connection: AsyncConnection, condition: Any) -> dict[tuple[int, date], int]:
    rows = await connection.execute(
        select(Reminder.obligation_id, Reminder.due_on, func.max(Reminder.rung).label("rung"))
        .join(Obligation, Obligation.id == Reminder.obligation_id)
        .where(condition)
        .group_by(Reminder.obligation_id, Reminder.due_on)
    )
    return {(row.obligation_id, row.due_on): row.rung for row in rows}


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


async def _update(connection: AsyncConnection, changes: list[dict[str, Any]]) -> None:
    by_shape: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for change in changes:
        by_shape.setdefault(tuple(sorted(change)), []).append(change)
    for shape, rows in by_shape.items():
        columns: dict[str, Any] = {
            name: bindparam(f"new_{name}") for name in shape if name != "key"
        }
        statement = (
            update(Obligation.__table__)  # type: ignore[arg-type]
            .where(Obligation.__table__.c.id == bindparam("key"))
            .values(columns)
        )
        values = [
            {("key" if name == "key" else f"new_{name}"): value for name, value in row.items()}
            for row in rows
        ]
        for start in range(0, len(values), _CHUNK):
            await connection.execute(statement, values[start : start + _CHUNK])


def _restored(row: Any) -> str:
    """Return the state of what comes back: what was answered stays answered."""
    if row.confirmed_at is not None:
        return "confirmed"
    return "submitted" if row.submitted_at is not None else "open"


def _is_past_report(owed: PlannedObligation, plan: Any) -> bool:
    return owed.kind != "phase_end" and bool(owed.due_on < plan.tracked_from)
