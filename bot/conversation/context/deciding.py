"""Who decides on an obligation: the caller or not, in the role of which agency, and whose chats are asked.

Guarantees:
- Lists and refusals judge by one condition (data/progress/deciders.py); so do the notices that ask for a decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import ColumnElement, false, or_, select

from bot.conversation.context.access import enrolments_for
from bot.conversation.context.turn import Turn, VisibleObligation
from data.contacts import recipients
from data.contacts.enrolments import ActiveEnrolment
from data.contacts.recipients import Recipient
from data.models import Obligation
from data.progress import deciders
from data.progress.deciders import Decider
from jobs.channel import Answer

DecisionAction = Literal["decide", "explain"]


async def caller_decides_condition(
    turn: Turn, action: DecisionAction = "decide"
) -> ColumnElement[bool]:
    """Return the condition on Obligation that the caller decides on it, or may ask to explain it."""
    person_id = turn.caller.person_id
    if person_id is None:
        return false()
    condition = (
        deciders.decidable_condition if action == "decide" else deciders.explainable_condition
    )
    return or_(
        false(),
        *[
            await condition(
                turn.connection,
                turn.holders(enrolled.province),
                enrolled.province,
                Decider(person_id, None if enrolled.role == "leader" else enrolled.agency_id),
            )
            for enrolled in _deciding_enrolments(turn, action)
        ],
    )


async def find_decidable_ids(
    turn: Turn, obligation_ids: Sequence[int], action: DecisionAction = "decide"
) -> set[int]:
    """Return those of some obligations on which the caller decides, or may ask to explain them."""
    if not _deciding_enrolments(turn, action):
        return set()
    condition = await caller_decides_condition(turn, action)
    rows = await turn.connection.scalars(
        select(Obligation.id).where(Obligation.id.in_(obligation_ids), condition)
    )
    return set(rows)


def deciding_role(
    turn: Turn, *, province: str, coordinator_id: int | None, action: DecisionAction = "decide"
) -> ActiveEnrolment:
    """Return the enrolment by which the caller decides in a plan: its coordinator's, else a leader's.

    Raises ValueError for a caller who does not decide there.
    """
    enrolments = [e for e in _deciding_enrolments(turn, action) if e.province == province]
    for enrolled in enrolments:
        if enrolled.role == "coordinator" and enrolled.agency_id == coordinator_id:
            return enrolled
    for enrolled in enrolments:
        if enrolled.role == "leader":
            return enrolled
    raise ValueError("the caller does not decide here")


def decides_somewhere(turn: Turn) -> bool:
    """Tell whether the caller decides on anything here: a coordinator, or a leader with may_decide."""
    return bool(_deciding_enrolments(turn, "decide"))


def role_deciding_on(turn: Turn, obligation: VisibleObligation) -> ActiveEnrolment:
    """Return the enrolment by which the caller decides on an obligation; see deciding_role."""
    row = obligation.row
    return deciding_role(turn, province=row.province, coordinator_id=row.coordinator_id)


async def refuse_decision(turn: Turn, obligation: VisibleObligation) -> Answer:
    """Refuse a decision on an obligation, say whether it is the caller's own request, and name who takes it."""
    is_leaders, askers = await _judge_people(turn, obligation, [turn.caller.person_id or 0])
    context: dict[str, object] = {
        "own": obligation.subject.is_coordinators_own,
        "coordinator": obligation.row.coordinator_name or "",
        "asked": bool(askers) and bool(_deciding_enrolments(turn, "decide")),
        "to_leader": is_leaders,
    }
    return Answer("cannot_decide", context)


def refuse_plan_decision(coordinator: str | None) -> Answer:
    """Refuse a decision on a plan itself, and name the agency that takes it."""
    context: dict[str, object] = {"coordinator": coordinator or ""}
    return Answer("cannot_decide", {**context, "own": False, "asked": False, "to_leader": False})


async def list_decider_chats(turn: Turn, obligation: VisibleObligation) -> list[int]:
    """Return the chats of those who decide on an obligation: coordinators, or leaders; never who asked.

    Where nobody decides, those of the coordinating agency's focal points.
    """
    subject = obligation.subject
    if subject.coordinator_id is None:
        return []
    leaders = await recipients.deciding_leader_recipients(
        turn.connection, subject.province, today=turn.today
    )
    coordinators: list[Recipient] = []
    if not subject.is_coordinators_own:
        coordinators = await recipients.coordinator_recipients(
            turn.connection, subject.coordinator_id, today=turn.today
        )
    people = [to.person_id for to in (*leaders, *coordinators) if to.person_id is not None]
    is_leaders, askers = await _judge_people(turn, obligation, people)
    chosen = [*coordinators, *(leaders if is_leaders else ())]
    chosen = [to for to in chosen if to.person_id not in askers]
    if not chosen and not subject.is_coordinators_own:
        chosen = await recipients.agency_recipients(
            turn.connection, subject.coordinator_id, today=turn.today
        )
    chats = dict.fromkeys(to.chat_id for to in chosen)
    return [chat_id for chat_id in chats if chat_id != turn.chat.id]


async def _judge_people(
    turn: Turn, obligation: VisibleObligation, person_ids: Sequence[int]
) -> tuple[bool, set[int]]:
    """Return whether leaders decide on an obligation, and which of some persons asked for the decision."""
    subject = obligation.subject
    coordinators: Sequence[int] = ()
    if subject.coordinator_id is not None and not subject.is_coordinators_own:
        coordinators = await deciders.list_coordinators(
            turn.connection, subject.coordinator_id, on=turn.today
        )
    conditions = await deciders.own_request_conditions(
        turn.connection,
        turn.holders(subject.province),
        subject.province,
        {*person_ids, *coordinators},
    )
    row = await turn.connection.execute(
        select(Obligation.id, *(each.label(f"p{key}") for key, each in conditions.items())).where(
            Obligation.id == obligation.id
        )
    )
    judged = row.one()._mapping
    askers = {key for key in conditions if judged[f"p{key}"]}
    return askers.issuperset(coordinators), askers.intersection(person_ids)


def _deciding_enrolments(turn: Turn, action: DecisionAction) -> list[ActiveEnrolment]:
    return [
        enrolled
        for enrolled in enrolments_for(turn.caller, action)
        if action == "explain" or enrolled.role == "coordinator" or enrolled.may_decide
    ]
