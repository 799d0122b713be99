"""The next rung of an obligation: computed, and computed again after an answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.obligations.batch import ObligationGroup, lock_groups, update_all
from data.registry.registry import Registry
from data.rules.ladder import effective_due, judged_day, was_due_before
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
    ladders = ladders or LadderCache(registry)
    ids_by_change: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    for group, ids in (await lock_groups(connection, list(obligation_ids))).items():
        if group.plan_code in registry.plans:
            change = _changed_columns(group, ladders, today)
            ids_by_change.setdefault(change, []).extend(ids.values())
    rows = [{"ids": ids, **dict(change)} for change, ids in ids_by_change.items() if change]
    await update_all(connection, rows)


def _changed_columns(
    group: ObligationGroup, ladders: LadderCache, today: date
) -> tuple[tuple[str, Any], ...]:
    """Return the columns of a group that are out of date, with their new values."""
    due_on = effective_due(group.due_on, group.extended_to)
    due = ladders.due(group.plan_code, group.kind, due_on)
    step = None
    if group.state in ("open", *ENDED_STATES):
        step = next_group_step(
            group, ladders, kind=group.kind, due_on=due_on, sent=group.sent_rung, today=today
        )
    judged_on = judged_day(due, tracked_from=group.tracked_from)
    new = {"base_on": due.base, "judged_on": judged_on, **step_columns(step)}
    return tuple((name, value) for name, value in new.items() if getattr(group, name) != value)


def next_group_step(
    group: ObligationGroup,
    ladders: LadderCache,
    *,
    kind: str,
    due_on: date,
    sent: int | None,
    today: date,
) -> Step:
    """Return the next rung of a group and its day, or None where no reminder follows.

    kind, due_on, sent: as planned now, which may differ from the group's stored values.
    """
    if was_due_before(kind, due_on, group.tracked_from) and sent is not None:
        return None  # it is asked about once
    return ladders.next_rung(
        group.plan_code,
        kind,
        due_on,
        today=today,
        sent=sent,
        acknowledged_until=group.acknowledged_until,
    )


def step_columns(step: Step) -> dict[str, Any]:
    """Return a step as columns of an obligation."""
    rung, remind_on = step or (None, None)
    return {"rung": rung, "remind_on": remind_on}
