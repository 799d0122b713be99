"""What an answer or a decision makes to be reckoned anew of obligations: read and written many at once.

Promises that those which stand alike are one, and that what is read to be changed is held until the caller's
write transaction ends, so that an answer recorded meanwhile is not undone. Decides nothing; planning, which
looks at all of a plan, reads and writes by data/alike.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Obligation, Plan, Reminder

_CHUNK = 1000
Change = tuple[tuple[str, Any], ...]  # (column, value)


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
    told: int | None  # the last rung of which people were told for the effective due


async def held_alike(
    connection: AsyncConnection, obligation_ids: Sequence[int]
) -> dict[Standing, list[int]]:
    """Return how some obligations stand, each way once, with those that stand so; they are held."""
    alike: dict[Standing, list[int]] = {}
    for start in range(0, len(obligation_ids), _CHUNK):
        rows = await connection.execute(_STANDING, {"ids": obligation_ids[start : start + _CHUNK]})
        for key, *standing in rows:
            alike.setdefault(Standing(*standing), []).append(key)
    return alike


async def change_alike(
    connection: AsyncConnection, changes: Mapping[Change, Sequence[int]]
) -> None:
    """Make each change to all its obligations; an empty one is none."""
    for change, keys in changes.items():
        statement = update(Obligation).where(_SOME).values(dict(change))
        for start in range(0, len(keys) if change else 0, _CHUNK):
            await connection.execute(statement, {"ids": keys[start : start + _CHUNK]})


# ------------------------------------------------------------------ statements, made once

_SOME = Obligation.id.in_(bindparam("ids", expanding=True))
_EFFECTIVE = case(
    (Obligation.extended_to > Obligation.due_on, Obligation.extended_to), else_=Obligation.due_on
)
_STANDING = (
    select(
        Obligation.id,
        Obligation.state,
        Obligation.kind,
        Obligation.due_on,
        Obligation.extended_to,
        Obligation.acknowledged_until,
        Obligation.base_on,
        Obligation.judged_on,
        Obligation.rung,
        Obligation.remind_on,
        Plan.code,
        Plan.tracked_from,
        select(func.max(Reminder.rung))
        .where(Reminder.obligation_id == Obligation.id, Reminder.due_on == _EFFECTIVE)
        .scalar_subquery(),
    )
    .join(Plan, Plan.id == Obligation.plan_id)
    .where(_SOME)
    .order_by(Obligation.id)  # in which they are held, whoever holds them
    .with_for_update(of=Obligation, key_share=True)
)
