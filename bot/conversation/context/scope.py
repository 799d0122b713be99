"""What a caller may see, as conditions of SQL: the plans followed, and what is in hand.

Promises nothing that access.may would refuse to open, so that counts and pages can be taken in the
database; what is listed still passes look_up. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select

from bot.conversation.context.turn import Turn
from data.contacts.enrolments import ActiveEnrolment
from data.figures import tasks as task_figures
from data.models import Assignment, Obligation, ReportDuty, Task
from data.obligations import lists


@dataclass(frozen=True, slots=True)
class CallerScope:
    """plans: those followed, by id, latest first; held: obligations in the caller's own hands.

    owner_ids: the agencies whose tasks are in the caller's own hands.
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
        mine = self.own_tasks()
        return or_(Task.plan_id.in_(self.plans), mine) if self.plans else mine

    def own_tasks(self) -> ColumnElement[bool]:
        """Return the condition on Task that it is in the caller's own hands."""
        on_it = select(Assignment.task_id).where(
            Assignment.agency_id.in_(self.owner_ids), Assignment.withdrawn_at.is_(None)
        )
        return Task.id.in_(on_it) if self.owner_ids else false()

    def duties(self) -> ColumnElement[bool]:
        """Return the condition on ReportDuty that the caller may see it."""
        mine = ReportDuty.id.in_(
            select(Obligation.duty_id).where(self.held, Obligation.duty_id.is_not(None))
        )
        return or_(ReportDuty.plan_id.in_(self.plans), mine) if self.plans else mine

    def limit_to_plans(self, plan_ids: Iterable[int]) -> CallerScope:
        """Return the scope cut down to some plans."""
        wanted = set(plan_ids)
        return replace(
            self,
            plans={key: plan for key, plan in self.plans.items() if key in wanted},
            held=self.held & Obligation.plan_id.in_(wanted),
        )


async def load_scope(turn: Turn, roles: frozenset[str] | None = None) -> CallerScope:
    """Return what the caller may see here; roles: counting only enrolments in these."""
    here = [e for e in turn.caller.enrolments if roles is None or e.role in roles]
    own = [enrolled for enrolled in here if enrolled.role != "leader"]
    return CallerScope(
        plans={plan.id: plan for plan in await list_followed_plans(turn, here)},
        held=await caller_held_condition(turn, own) if own else false(),
        owner_ids=tuple(await owner_ids(turn, own)),
    )


async def list_followed_plans(turn: Turn, enrolments: Iterable[ActiveEnrolment]) -> list[Any]:
    """Return the plans followed, latest first: a leader all of the province, a coordinator its own."""
    found: dict[int, Any] = {}
    for enrolled in enrolments:
        if enrolled.role == "focal":
            continue
        coordinators = None if enrolled.role == "leader" else [enrolled.agency_id]
        for plan in await task_figures.list_active_plans(
            turn.connection, enrolled.province, coordinator_ids=coordinators, today=turn.today
        ):
            found[plan.id] = plan
    return sorted(found.values(), key=lambda plan: (plan.issued_on, plan.id), reverse=True)


async def caller_held_condition(
    turn: Turn, enrolments: Iterable[ActiveEnrolment]
) -> ColumnElement[bool]:
    """Return the condition on Obligation that the agencies enrolled for have it in hand."""
    conditions = [
        await agency_held_condition(turn, province, code)
        for province, code in sorted({(e.province, e.agency_code) for e in enrolments})
    ]
    return or_(*conditions) if conditions else false()


async def agency_held_condition(turn: Turn, province: str, code: str) -> ColumnElement[bool]:
    """Return the condition on Obligation that an agency has it in hand today."""
    held = turn.holders(province).owners_held_by(code)
    return lists.held_condition_by_ids(await turn.agency_ids(province, held.owners), held)


async def owner_ids(turn: Turn, enrolments: Iterable[ActiveEnrolment]) -> list[int]:
    """Return the agencies whose tasks the agencies enrolled for have in hand."""
    ids: set[int] = set()
    for province, code in {(e.province, e.agency_code) for e in enrolments}:
        owners = turn.holders(province).owners_held_by(code).tasks
        ids.update((await turn.agency_ids(province, owners)).values())
    return sorted(ids)
