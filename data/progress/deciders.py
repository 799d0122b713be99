"""Who decides on an obligation, as SQL conditions that checks and lists share.

Guarantees:
- A coordinator decides on what others owe in its plans, a leader on what the coordinating agency owes itself.
- Nobody decides on their own request: not the person who asked, in whatever chat, nor one who answers for the
  agency that asked, or did so since it asked.
- Where that leaves a plan no coordinator, the leaders decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.clock import instant_at
from data.models import Agency, Enrolment, ExtensionRequest, Obligation, Plan, StatusReply
from data.obligations.lists import held_condition
from data.progress.extensions import OPEN_EXTENSION_STATES
from data.rules.holders import HeldOwners, Holders

_ASKING = ("completed", "extension", "dispute")  # replies that a decision answers
_ANSWERING_ROLES = ("focal", "coordinator")


@dataclass(frozen=True, slots=True)
class Decider:
    """A person in a role that decides: the coordinator of an agency, or (coordinator_id None) a leader."""

    person_id: int
    coordinator_id: int | None


async def decidable_condition(
    connection: AsyncConnection, holders: Holders, province: str, decider: Decider
) -> ColumnElement[bool]:
    """Return the condition on Obligation that a decider decides on it."""
    return await _condition(connection, holders, province, decider, is_explanation=False)


async def explainable_condition(
    connection: AsyncConnection, holders: Holders, province: str, decider: Decider
) -> ColumnElement[bool]:
    """Return the condition on Obligation that a decider may ask its agency for an explanation.

    A coordinator may ask others, every leader may ask everybody, and nobody the agency they answer for.
    """
    return await _condition(connection, holders, province, decider, is_explanation=True)


async def _condition(
    connection: AsyncConnection,
    holders: Holders,
    province: str,
    decider: Decider,
    *,
    is_explanation: bool,
) -> ColumnElement[bool]:
    plans = await _list_coordinated_plans(connection, province, decider.coordinator_id)
    parts: list[ColumnElement[bool]] = []
    for agency_id, (code, plan_ids) in plans.items():
        own = await _own_condition(connection, holders, province, code)
        if decider.coordinator_id is not None:
            decides = ~own
        elif is_explanation:
            decides = true()
        else:
            people = await list_coordinators(connection, agency_id, on=holders.on)
            requests = await own_request_conditions(connection, holders, province, people)
            decides = or_(own, and_(true(), *requests.values()))
        parts.append(and_(Obligation.plan_id.in_(plan_ids), decides))
    mine = await own_request_conditions(connection, holders, province, [decider.person_id])
    return and_(or_(false(), *parts), ~mine[decider.person_id])


async def list_coordinators(
    connection: AsyncConnection, agency_id: int, *, on: date
) -> Sequence[int]:
    """Return the persons who are coordinators of an agency on a day."""
    rows = await connection.scalars(
        select(Enrolment.person_id)
        .where(
            Enrolment.agency_id == agency_id,
            Enrolment.role == "coordinator",
            Enrolment.person_id.is_not(None),
            Enrolment.living(on=on),
        )
        .distinct()
    )
    return [person_id for person_id in rows if person_id is not None]


async def own_request_conditions(
    connection: AsyncConnection, holders: Holders, province: str, person_ids: Collection[int]
) -> dict[int, ColumnElement[bool]]:
    """Return, by person, the condition on Obligation that what is to be decided on it is their own request."""
    rows = await connection.execute(
        select(Enrolment, Agency.code)
        .join(Agency, Agency.id == Enrolment.agency_id)
        .where(
            Enrolment.person_id.in_(person_ids),
            Enrolment.role.in_(_ANSWERING_ROLES),
            Agency.province == province,
        )
        .order_by(Enrolment.id)
    )
    conditions = {person_id: [_asked_condition(person_id)] for person_id in person_ids}
    for row in rows.all():
        held = await held_condition(connection, province, holders.owners_held_by(row.code))
        answers = or_(held, Obligation.agency_id == row.agency_id)
        conditions[row.person_id].append(and_(answers, _pending_at(_end_of(row, holders.on))))
    return {person_id: or_(*parts) for person_id, parts in conditions.items()}


def _asked_condition(person_id: int) -> ColumnElement[bool]:
    """Return the condition on Obligation that a person asked for a decision, and did not take it back."""
    undoing = aliased(StatusReply)
    undone = exists().where(
        undoing.undoes_id == StatusReply.id, undoing.obligation_id == StatusReply.obligation_id
    )
    replied = exists().where(
        StatusReply.obligation_id == Obligation.id,
        StatusReply.person_id == person_id,
        StatusReply.said.in_(_ASKING),
        ~undone.correlate(StatusReply),
    )
    requested = exists().where(
        ExtensionRequest.obligation_id == Obligation.id,
        ExtensionRequest.person_id == person_id,
        ExtensionRequest.state.in_(OPEN_EXTENSION_STATES),
    )
    return or_(replied.correlate(Obligation), requested.correlate(Obligation))


def _end_of(enrolment: Any, today: date) -> datetime | None:
    """Return the instant at which an enrolment ended; None: it lives."""
    until_on = enrolment.until_on
    if until_on is None or until_on >= today:
        return cast("datetime | None", enrolment.ended_at)
    last = instant_at(until_on + timedelta(days=1), time())
    return last if enrolment.ended_at is None else min(last, enrolment.ended_at)


def _pending_at(ended_at: datetime | None) -> ColumnElement[bool]:
    """Return the condition on Obligation that something waited when an enrolment ended; None: it lives."""
    if ended_at is None:
        return true()
    asked_at = (Obligation.submitted_at, Obligation.extension_asked_at, Obligation.disputed_at)
    # A comparison with null is neither true nor false, and so is its negation.
    return or_(*(and_(at.is_not(None), at <= ended_at) for at in asked_at))


async def _own_condition(
    connection: AsyncConnection, holders: Holders, province: str, code: str
) -> ColumnElement[bool]:
    """Return the condition on Obligation that the coordinating agency holds it, as it does what nobody holds."""
    held, orphans = holders.owners_held_by(code), holders.owners_without_holder()
    owners = HeldOwners(held.reports | orphans.reports, held.tasks | orphans.tasks)
    return await held_condition(connection, province, owners)


async def _list_coordinated_plans(
    connection: AsyncConnection, province: str, coordinator_id: int | None
) -> dict[int, tuple[str, list[int]]]:
    """Return the code and the plans of each coordinating agency of a province, or of one."""
    statement = (
        select(Agency.id, Agency.code, Plan.id.label("plan_id"))
        .join(Agency, Agency.id == Plan.coordinator_id)
        .where(Plan.province == province, Plan.withdrawn_at.is_(None))
    )
    if coordinator_id is not None:
        statement = statement.where(Plan.coordinator_id == coordinator_id)
    plans: dict[int, tuple[str, list[int]]] = {}
    for row in await connection.execute(statement):
        plans.setdefault(row.id, (row.code, []))[1].append(row.plan_id)
    return plans
