"""Which targets (chỉ tiêu) somebody may answer for, and what is shown of one.

Promises only targets with a figure, of plans that one's agency coordinates or has any work in; and that a
focal point is told what other agencies said of a target only as far as it settles the figure, never who
said it. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select

from bot.conversation.context.access import enrolments_for
from bot.conversation.context.turn import Turn
from data.clock import civil_date
from data.contacts.enrolments import Enrolled
from data.models import Assignment, Obligation, Plan, Task
from data.obligations import lists as owed
from data.targets.indicators import (
    Indicator,
    goals,
    has_figure,
    indicators,
    is_met,
    name_of,
    share,
    unit_of,
)
from data.targets.values import Standing, Value, shown

_BLOCKS = 10
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Answerable:
    """An indicator that an agency may answer for; plan: its row; agency: for whom it would be said."""

    plan: Any
    indicator: Indicator
    agency: Enrolled

    def is_of(self, number: str | None) -> bool:
        """Tell whether its plan has that number ("1331", "1331/KH-UBND"); None: any plan."""
        if number is None:
            return True
        return number.partition("/")[0] == str(self.plan.number).partition("/")[0]


async def answerable(turn: Turn, *, figures: bool = True) -> list[Answerable]:
    """Return what the caller may answer for here; figures False: the targets that have none."""
    found: list[Answerable] = []
    agencies = {enrolled.agency_id: enrolled for enrolled in enrolments_for(turn.caller, "target")}
    for enrolled in agencies.values():
        for plan in await _plans_of(turn, enrolled):
            if plan.code not in turn.registry.plans:
                continue
            found += [
                Answerable(plan, indicator, enrolled)
                for indicator in indicators(turn.registry.plans[plan.code].targets)
                if has_figure(indicator[0]) is figures
            ]
    return found


async def _plans_of(turn: Turn, enrolled: Enrolled) -> Sequence[Any]:
    """Return the living plans that an agency coordinates, or in which it has an assignment or duty."""
    held = turn.holders(enrolled.province).held_by(enrolled.agency_code)
    ids = await turn.agency_ids(enrolled.province, held.owners)
    tasks = [ids[code] for code in sorted(held.tasks) if code in ids]
    owes = select(Obligation.plan_id).where(
        owed.held_by_ids(ids, held), Obligation.state.not_in(("withdrawn", "superseded"))
    )
    assigned = (
        select(Task.plan_id)
        .join(Assignment, Assignment.task_id == Task.id)
        .where(
            Assignment.agency_id.in_(tasks),
            Assignment.withdrawn_at.is_(None),
            Task.withdrawn_at.is_(None),
        )
    )
    rows = await turn.connection.execute(
        select(Plan.id, Plan.code, Plan.number, Plan.coordinator_id)
        .where(
            Plan.province == enrolled.province,
            Plan.withdrawn_at.is_(None),
            or_(Plan.closed_on.is_(None), Plan.closed_on >= turn.today),
            or_(
                Plan.coordinator_id == enrolled.agency_id,
                Plan.id.in_(owes),
                Plan.id.in_(assigned),
            ),
        )
        .order_by(Plan.issued_on.desc(), Plan.id.desc())
    )
    return rows.all()


# ------------------------------------------------------------------ what is shown


def line(group: Sequence[Standing], seen: Collection[int] | None) -> dict[str, Any]:
    """Return what templates show of an indicator.

    seen: the agencies whose words may be shown with their names; None: all.
    """
    targets = [standing.target for standing in group]
    said = {known.id: known for standing in group for known in standing.said}
    counts = {known.id for standing in group for known in standing.of}
    told = [known for known in said.values() if seen is None or known.agency_id in seen]
    told.sort(key=lambda known: (known.id not in counts, -known.year))
    return {
        "codes": [target.code for target in targets],
        "name": name_of(targets[0]),
        "unit": unit_of(targets[0]),
        "goals": [_goal(standing) for standing in group if has_figure(standing.target)],
        "said": [_said(known, known.id in counts) for known in told[:_MOST_NAMES]],
        "more": max(len(told) - _MOST_NAMES, 0) if seen is None else 0,
        "differs": any(standing.differs for standing in group),
    }


def _goal(standing: Standing) -> dict[str, Any]:
    target, value = standing.target, standing.value
    return {
        "year": target.year,
        "comparator": target.comparator,
        "figures": [shown(figure) for figure in goals(target)],
        "value": None if value is None else shown(value),
        "value_year": standing.year,
        "met": None if value is None else is_met(target, value),
        "bar": "" if value is None else bar(share(target, value)),
        "differs": standing.differs,
    }


def _said(known: Value, counts: bool) -> dict[str, Any]:
    return {
        "agency": known.agency,
        "person": known.person,
        "year": known.year,
        "value": shown(known.value),
        "on": civil_date(known.said_at).isoformat(),
        "counts": counts,
    }


def bar(part: Decimal) -> str:
    """Return a share as ten blocks; only the whole fills them all."""
    full = int(part * _BLOCKS)
    return "▓" * full + "░" * (_BLOCKS - full)
