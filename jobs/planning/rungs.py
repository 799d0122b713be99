"""The next rung of an obligation: computed, and computed again after an answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.obligations.batch import (
    ColumnChange,
    ObligationGroup,
    ReminderState,
    lock_groups,
    update_groups,
)
from data.registry.registry import Registry
from data.rules.ladder import effective_due
from jobs.planning.ladder_cache import LadderCache

ENDED_STATES = ("withdrawn", "superseded")

Step = tuple[int, date] | None


async def recompute(
    connection: AsyncConnection,
    registry: Registry,
    obligation_ids: Iterable[int],
    *,
    today: date,
    ladders: LadderCache | None = None,
) -> None:
    """Compute the next rung of these obligations again, after an answer, an extension or a decision.

    The rows are locked: of two transactions at once, the second reads what the first wrote.
    """
    ids = list(obligation_ids)
    ladders = ladders or LadderCache(registry)
    changes: dict[ColumnChange, list[int]] = {}
    for each, keys in (await lock_groups(connection, ids)).items():
        if each.plan_code in registry.plans:
            changes.setdefault(_reminder_change(each, ladders, today), []).extend(keys)
    await update_groups(connection, changes)


def _reminder_change(row: ReminderState, ladders: LadderCache, today: date) -> ColumnChange:
    """Return what is to change of obligations that stand alike."""
    effective = effective_due(row.due_on, row.extended_to)
    due = ladders.due(row.plan_code, row.kind, effective)
    step = None
    if row.state in ("open", *ENDED_STATES):
        step = next_step(
            row, ladders, row.plan_code, row.tracked_from, row.kind, effective, row.told, today
        )
    new = {"base_on": due.base, "judged_on": due.judged, **step_columns(step)}
    return tuple((name, value) for name, value in new.items() if getattr(row, name) != value)


def next_step(
    row: ObligationGroup | ReminderState,
    ladders: LadderCache,
    plan_code: str,
    tracked_from: date,
    kind: str,
    effective: date,
    told: int | None,
    today: date,
) -> Step:
    """Return the next rung and its day, or None where nothing more is to be said."""
    if kind == "phase_end" and effective < tracked_from and told is not None:
        return None  # what ended before it was tracked is asked about once
    return ladders.next_rung(
        plan_code,
        kind,
        effective,
        today=today,
        sent=told,
        acknowledged_until=row.acknowledged_until,
    )


def step_columns(step: Step) -> dict[str, Any]:
    """Return a step as columns of an obligation."""
    rung, remind_on = step or (None, None)
    return {"rung": rung, "remind_on": remind_on}
