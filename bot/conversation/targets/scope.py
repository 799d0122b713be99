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
from data.contacts.enrolments import ActiveEnrolment
from data.models import Assignment, Obligation, Plan, Task
from data.obligations import lists
from data.targets.indicators import (
    Indicator,
    goal_numbers,
    group_by_indicator,
    has_figure,
    is_met,
    short_target_name,
    target_completion,
    unit_of,
)
from data.targets.numbers import format_vietnamese_number
from data.targets.values import ReportedValue, TargetStatus

_BLOCKS = 10
_MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class AnswerableTarget:
    """An indicator that an agency may answer for; plan: its row; agency: for whom it would be said."""

    plan: Any
    indicator: Indicator
    agency: ActiveEnrolment

    def is_of_plan(self, number: str | None) -> bool:
        """Tell whether its plan has that number ("1331", "1331/KH-UBND"); None: any plan."""
        if number is None:
            return True
        return number.partition("/")[0] == str(self.plan.number).partition("/")[0]


async def list_answerable_targets(
    turn: Turn, *, with_figure: bool = True
) -> list[AnswerableTarget]:
    """Return what the caller may answer for here; figures False: the targets that have none."""
    found: list[AnswerableTarget] = []
    agencies = {enrolled.agency_id: enrolled for enrolled in enrolments_for(turn.caller, "target")}
    for enrolled in agencies.values():
        for plan in await _plans_of(turn, enrolled):
            if plan.code not in turn.registry.plans:
                continue
            found += [
                AnswerableTarget(plan, indicator, enrolled)
                for indicator in group_by_indicator(turn.registry.plans[plan.code].targets)
                if has_figure(indicator[0]) is with_figure
            ]
    return found


async def _plans_of(turn: Turn, enrolled: ActiveEnrolment) -> Sequence[Any]:
    """Return the living plans that an agency coordinates, or in which it has an assignment or duty."""
    held = turn.holders(enrolled.province).owners_held_by(enrolled.agency_code)
    ids = await turn.agency_ids(enrolled.province, held.owners)
    tasks = [ids[code] for code in sorted(held.tasks) if code in ids]
    owes = select(Obligation.plan_id).where(
        lists.held_condition_by_ids(ids, held), Obligation.state.not_in(("withdrawn", "superseded"))
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


def target_line(group: Sequence[TargetStatus], seen: Collection[int] | None) -> dict[str, Any]:
    """Return what templates show of an indicator.

    seen: the agencies whose words may be shown with their names; None: all.
    """
    targets = [standing.target for standing in group]
    said = {known.id: known for standing in group for known in standing.reported}
    counts = {known.id for standing in group for known in standing.of}
    told = [known for known in said.values() if seen is None or known.agency_id in seen]
    told.sort(key=lambda known: (known.id not in counts, -known.year))
    return {
        "codes": [target.code for target in targets],
        "name": short_target_name(targets[0]),
        "unit": unit_of(targets[0]),
        "goals": [_goal(standing) for standing in group if has_figure(standing.target)],
        "said": [_said(known, known.id in counts) for known in told[:_MOST_NAMES]],
        "more": max(len(told) - _MOST_NAMES, 0) if seen is None else 0,
        "differs": any(standing.has_conflict for standing in group),
    }


def _goal(standing: TargetStatus) -> dict[str, Any]:
    target, value = standing.target, standing.value
    return {
        "year": target.year,
        "comparator": target.comparator,
        "figures": [format_vietnamese_number(figure) for figure in goal_numbers(target)],
        "value": None if value is None else format_vietnamese_number(value),
        "value_year": standing.year,
        "met": None if value is None else is_met(target, value),
        "bar": "" if value is None else progress_bar(target_completion(target, value)),
        "differs": standing.has_conflict,
    }


def _said(known: ReportedValue, counts: bool) -> dict[str, Any]:
    return {
        "agency": known.agency,
        "person": known.person,
        "year": known.year,
        "value": format_vietnamese_number(known.value),
        "on": civil_date(known.said_at).isoformat(),
        "counts": counts,
    }


def progress_bar(part: Decimal) -> str:
    """Return a share as ten blocks; only the whole fills them all."""
    full = int(part * _BLOCKS)
    return "▓" * full + "░" * (_BLOCKS - full)
