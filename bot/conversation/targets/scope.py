"""The targets (chỉ tiêu) that a caller may answer for.

Guarantees:
- Only targets of plans that the caller's agency coordinates or has work in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from bot.conversation.context.access import enrolments_for
from bot.conversation.context.turn import Turn
from data.contacts.enrolments import ActiveEnrolment
from data.models import Assignment, Obligation, Plan, Task
from data.obligations import lists
from data.targets.indicators import Indicator, group_by_indicator, has_figure


@dataclass(frozen=True, slots=True)
class AnswerableTarget:
    """An indicator that an agency may answer for. plan: its row. agency: the caller's enrolment."""

    plan: Any
    indicator: Indicator
    agency: ActiveEnrolment

    def is_of_plan(self, number: str | None) -> bool:
        """Tell whether its plan has this number ("1331", "1331/KH-UBND"); None fits any plan."""
        if number is None:
            return True
        return number.partition("/")[0] == str(self.plan.number).partition("/")[0]


async def list_answerable_targets(
    turn: Turn, *, with_figure: bool = True
) -> list[AnswerableTarget]:
    """Return the targets that the caller may answer for here; with_figure False: those without figures."""
    targets: list[AnswerableTarget] = []
    agencies = {enrolled.agency_id: enrolled for enrolled in enrolments_for(turn.caller, "target")}
    for enrolled in agencies.values():
        for plan in await _list_plans(turn, enrolled):
            if plan.code not in turn.registry.plans:
                continue
            targets += [
                AnswerableTarget(plan, indicator, enrolled)
                for indicator in group_by_indicator(turn.registry.plans[plan.code].targets)
                if has_figure(indicator[0]) is with_figure
            ]
    return targets


async def _list_plans(turn: Turn, enrolled: ActiveEnrolment) -> Sequence[Any]:
    """Return the active plans that an agency coordinates, or holds an assignment or obligation of."""
    held = turn.holders(enrolled.province).owners_held_by(enrolled.agency_code)
    ids = await turn.agency_ids(enrolled.province, held.owners)
    tasks = [ids[code] for code in sorted(held.tasks) if code in ids]
    obliged = select(Obligation.plan_id).where(
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
                Plan.id.in_(obliged),
                Plan.id.in_(assigned),
            ),
        )
        .order_by(Plan.issued_on.desc(), Plan.id.desc())
    )
    return rows.all()
