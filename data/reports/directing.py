"""What was done in a report's period to direct and urge, and which agencies gave no answer.

Guarantees:
- An agency is silent only where something was due, it was told of it, and it gave no answer of the period.
- Counted by holder; work without one stays under its owner, which is marked as ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import (
    LIVE_STATES,
    Assignment,
    Decision,
    Explanation,
    ExtensionRequest,
    Obligation,
    Plan,
    Reminder,
    ReportDuty,
    StatusReply,
    Task,
)
from data.progress.decisions import standing_condition
from data.registry.titles import obligation_title
from data.reports.agency_names import AgencyNames
from data.reports.facts import DirectingFacts, GrantedExtension
from data.reports.parts import ReportView
from data.rules.ladder import TASK_KINDS


@dataclass(frozen=True, slots=True)
class AnsweringAgencies:
    """silent: names of agencies that owed an answer and gave none, in the official order; and counts of agencies."""

    silent: list[str]
    owners: int
    answering: int


async def load_answering_agencies(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> AnsweringAgencies:
    """Return which agencies answered in the period, and which owed an answer and gave none."""
    kind = Obligation.kind
    is_part = or_(
        and_(kind.in_(TASK_KINDS), Task.withdrawn_at.is_(None), view.part_condition()),
        and_(
            kind.not_in(TASK_KINDS),
            Obligation.period == view.span.period,
            Obligation.state.in_(LIVE_STATES),
        ),
    )
    rows = await connection.execute(
        select(
            Obligation.agency_id,
            kind,
            func.max(case((and_(view.state() == "open", view.asked_condition()), 1), else_=0)),
        )
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(Obligation.plan_id == plan_id, is_part)
        .group_by(Obligation.agency_id, kind)
    )
    answers = await connection.execute(
        select(Obligation.agency_id, kind)
        .join(StatusReply, StatusReply.obligation_id == Obligation.id)
        .where(Obligation.plan_id == plan_id, view.said())
        .distinct()
    )
    owners: set[int] = set()
    owing: set[int] = set()
    ended: dict[int, str] = {}
    for agency_id, kind_of, owes in rows:
        owner = names.owner_label(agency_id, kind_of)
        owners.add(owner.holder_id)
        if owes:
            owing.add(owner.holder_id)
        if not owner.has_holder:
            ended[owner.holder_id] = owner.label
    answering = {names.owner_label(*row).holder_id for row in answers}
    silent = names.in_order(owing - answering)
    return AnsweringAgencies(
        silent=[ended.get(key) or names.printed(key) for key in silent],
        owners=len(owners | answering),
        answering=len(answering),
    )


async def load_directing_facts(
    connection: AsyncConnection,
    plan_id: int,
    view: ReportView,
    names: AgencyNames,
    agencies: AnsweringAgencies,
) -> DirectingFacts:
    """Return what was urged, granted, reassigned and asked to be explained in the period."""
    of_plan = Obligation.plan_id == plan_id
    begins, ends = view.span.begins_at, view.span.ends_at(view.as_of)
    reminders = await connection.scalar(
        select(func.count())
        .select_from(Reminder)
        .join(Obligation, Obligation.id == Reminder.obligation_id)
        .where(of_plan, Reminder.reminded_on.between(view.span.first, view.as_of))
    )
    reassigned = await connection.scalar(
        select(func.count())
        .select_from(Decision)
        .join(Plan, Plan.code == Decision.plan_code)
        .where(
            Plan.id == plan_id,
            Decision.kind == "assign",
            standing_condition(),
            Decision.decided_at >= begins,
            Decision.decided_at < ends,
        )
    )
    asked, given = (
        await connection.execute(
            select(func.count(), func.count(Explanation.answered_at))
            .join(Obligation, Obligation.id == Explanation.obligation_id)
            .where(of_plan, Explanation.asked_at >= begins, Explanation.asked_at < ends)
            .where(Explanation.state != "withdrawn")
        )
    ).one()
    return DirectingFacts(
        reminders=reminders or 0,
        answering=agencies.answering,
        owners=agencies.owners,
        reassigned=reassigned or 0,
        explanations_asked=asked,
        explanations_given=given,
        extensions=await _list_granted(connection, plan_id, view, names),
    )


async def _list_granted(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> list[GrantedExtension]:
    rows = await connection.execute(
        select(
            Obligation.agency_id,
            Obligation.kind,
            Obligation.period,
            Obligation.due_words,
            Task.title.label("task_title"),
            ReportDuty.title.label("duty_title"),
            ReportDuty.frequency,
            ExtensionRequest.granted_until,
            Decision.details,
        )
        .join(Obligation, Obligation.id == ExtensionRequest.obligation_id)
        .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .outerjoin(Decision, Decision.id == ExtensionRequest.decision_id)
        .where(
            Obligation.plan_id == plan_id,
            ExtensionRequest.state == "granted",
            ExtensionRequest.decided_at >= view.span.begins_at,
            ExtensionRequest.decided_at < view.span.ends_at(view.as_of),
        )
        .order_by(ExtensionRequest.decided_at, ExtensionRequest.id)
    )
    return [
        GrantedExtension(
            names.owner_label(row.agency_id, row.kind).label,
            obligation_title(row),
            row.granted_until,
            str((row.details or {}).get("document") or ""),
        )
        for row in rows
    ]
