"""The caller's view as SQL conditions: plans followed, obligations and tasks held.

Guarantees:
- Selects nothing that access.may() would refuse to open, so that PostgreSQL or SQLite may count and page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select

from bot.conversation.context.turn import Turn
from data.contacts.enrolments import ActiveEnrolment
from data.figures.plans import list_active_plans
from data.models import Assignment, Obligation, ReportDuty, Task
from data.obligations import lists


@dataclass(frozen=True, slots=True)
class CallerScope:
    """The caller's view.

    plans: those followed, by id, latest first. held: condition on Obligation that the caller's agencies
    hold it. owner_ids: the agencies whose tasks they hold.
    """

    plans: dict[int, Any]
    held: ColumnElement[bool]
    owner_ids: tuple[int, ...]

    @property
    def follows(self) -> bool:
        """Tell whether the caller follows whole plans, as a coordinator or leader."""
        return bool(self.plans)

    def obligations(self) -> ColumnElement[bool]:
        """Return the condition on Obligation that the caller may see it."""
        return or_(Obligation.plan_id.in_(self.plans), self.held) if self.plans else self.held

    def tasks(self) -> ColumnElement[bool]:
        """Return the condition on Task that the caller may see it."""
        own = self.own_tasks()
        return or_(Task.plan_id.in_(self.plans), own) if self.plans else own

    def own_tasks(self) -> ColumnElement[bool]:
        """Return the condition on Task that the caller's agencies hold it."""
        assigned = select(Assignment.task_id).where(
            Assignment.agency_id.in_(self.owner_ids), Assignment.withdrawn_at.is_(None)
        )
        return Task.id.in_(assigned) if self.owner_ids else false()

    def duties(self) -> ColumnElement[bool]:
        """Return the condition on ReportDuty that the caller may see it."""
        own = ReportDuty.id.in_(
            select(Obligation.duty_id).where(self.held, Obligation.duty_id.is_not(None))
        )
        return or_(ReportDuty.plan_id.in_(self.plans), own) if self.plans else own

    def limit_to_plans(self, plan_ids: Iterable[int]) -> CallerScope:
        """Return the scope within some plans."""
        wanted = set(plan_ids)
        return replace(
            self,
            plans={key: plan for key, plan in self.plans.items() if key in wanted},
            held=self.held & Obligation.plan_id.in_(wanted),
        )


async def load_scope(turn: Turn, roles: frozenset[str] | None = None) -> CallerScope:
    """Return the caller's view in this chat; roles: by enrolments in these alone."""
    enrolments = [e for e in turn.caller.enrolments if roles is None or e.role in roles]
    own = [enrolled for enrolled in enrolments if enrolled.role != "leader"]
    return CallerScope(
        plans={plan.id: plan for plan in await list_followed_plans(turn, enrolments)},
        held=await caller_held_condition(turn, own) if own else false(),
        owner_ids=tuple(await owner_ids(turn, own)),
    )


async def list_followed_plans(turn: Turn, enrolments: Iterable[ActiveEnrolment]) -> list[Any]:
    """Return the plans followed, latest first: a leader's whole province, a coordinator's own plans."""
    found: dict[int, Any] = {}
    for enrolled in enrolments:
        if enrolled.role == "focal":
            continue
        coordinators = None if enrolled.role == "leader" else [enrolled.agency_id]
        for plan in await list_active_plans(
            turn.connection, enrolled.province, coordinator_ids=coordinators, today=turn.today
        ):
            found[plan.id] = plan
    return sorted(found.values(), key=lambda plan: (plan.issued_on, plan.id), reverse=True)


async def caller_held_condition(
    turn: Turn, enrolments: Iterable[ActiveEnrolment]
) -> ColumnElement[bool]:
    """Return the condition on Obligation that an enrolled agency holds it today."""
    conditions = [
        await agency_held_condition(turn, province, code)
        for province, code in sorted({(e.province, e.agency_code) for e in enrolments})
    ]
    return or_(*conditions) if conditions else false()


async def agency_held_condition(turn: Turn, province: str, code: str) -> ColumnElement[bool]:
    """Return the condition on Obligation that an agency holds it today."""
    held = turn.holders(province).owners_held_by(code)
    return lists.held_condition_by_ids(await turn.agency_ids(province, held.owners), held)


async def owner_ids(turn: Turn, enrolments: Iterable[ActiveEnrolment]) -> list[int]:
    """Return the ids of the agencies whose tasks the enrolled agencies hold today."""
    ids: set[int] = set()
    for province, code in {(e.province, e.agency_code) for e in enrolments}:
        owners = turn.holders(province).owners_held_by(code).tasks
        ids.update((await turn.agency_ids(province, owners)).values())
    return sorted(ids)


def agency_names(enrolments: Iterable[ActiveEnrolment]) -> list[str]:
    """Return the names of the enrolled agencies, each once."""
    return list(dict.fromkeys(enrolled.agency for enrolled in enrolments))
