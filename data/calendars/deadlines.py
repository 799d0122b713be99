"""Deadlines within a date range: an agency's own, and the reports it awaits as coordinator.

Guarantees: withdrawn and superseded obligations are included, so that a calendar can cancel their entries.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import LIVE_STATES, Obligation, Plan, ReportDuty
from data.obligations.lists import count_if
from data.rules.ladder import UNDATED

# A period's date may have moved; its cancelled rows keep the earlier date and still count.
_MOST_MOVED = timedelta(days=366)
_EVERY_STATE = (*LIVE_STATES, "withdrawn", "superseded")


@dataclass(frozen=True, slots=True)
class AwaitedReport:
    """One occurrence of a report duty, with its reports counted.

    expected 0: it is cancelled. revision: the highest of its obligations, so that it never decreases.
    """

    duty_id: int
    period: str
    plan_number: str
    plan_issued_on: date
    code: str
    title: str
    frequency: str
    clause: str
    due_on: date
    due_words: str
    proposed: bool
    expected: int
    received: int
    confirmed: int
    extended: int
    revision: int
    revised_on: date | None


async def list_obligation_ids_due_between(
    connection: AsyncConnection, condition: ColumnElement[bool], *, since: date, until: date
) -> list[int]:
    """Return the ids of dated obligations of any state with an effective due date in since..until, by date.

    condition: see data.obligations.lists.held_condition_by_ids.
    """
    rows = await connection.execute(
        select(Obligation.id)
        .where(
            condition,
            Obligation.kind != UNDATED,
            Obligation.state.in_(_EVERY_STATE),  # the index by agency, state and due date needs it
            Obligation.due_on <= until,
            or_(Obligation.due_on >= since, Obligation.extended_to >= since),
        )
        .order_by(Obligation.due_on, Obligation.id)
    )
    return list(rows.scalars())


async def list_awaited_reports(
    connection: AsyncConnection,
    coordinator_id: int,
    *,
    own_ids: Collection[int],
    since: date,
    until: date,
) -> list[AwaitedReport]:
    """Return the reports due in since..until that other agencies owe under the plans an agency coordinates.

    own_ids: the owners whose work the coordinator handles itself.
    """
    duties = select(ReportDuty.id).join(Plan).where(Plan.coordinator_id == coordinator_id)
    live = Obligation.state.in_(LIVE_STATES)
    rows = await connection.execute(
        select(
            Obligation.duty_id,
            Obligation.period,
            func.max(Plan.number).label("plan_number"),
            func.max(Plan.issued_on).label("plan_issued_on"),
            func.max(ReportDuty.code).label("code"),
            func.max(ReportDuty.title).label("title"),
            func.max(ReportDuty.frequency).label("frequency"),
            func.max(ReportDuty.clause).label("clause"),
            # Live obligations share one date; without any, the last date of the cancelled ones.
            func.coalesce(
                func.max(case((live, Obligation.due_on))), func.max(Obligation.due_on)
            ).label("due_on"),
            func.max(Obligation.due_words).label("due_words"),
            count_if(and_(live, Obligation.due_proposed.is_(True))).label("proposed"),
            count_if(live).label("expected"),
            count_if(Obligation.state.in_(("submitted", "confirmed"))).label("received"),
            count_if(Obligation.state == "confirmed").label("confirmed"),
            count_if(and_(live, Obligation.extended_to > Obligation.due_on)).label("extended"),
            func.max(Obligation.revision).label("revision"),
            func.max(Obligation.revised_on).label("revised_on"),
        )
        .join(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .join(Plan, Plan.id == Obligation.plan_id)
        .where(
            Obligation.duty_id.in_(duties),
            Obligation.due_on.between(since - _MOST_MOVED, until + _MOST_MOVED),
        )
        .group_by(Obligation.duty_id, Obligation.period)
        .having(count_if(Obligation.agency_id.not_in(sorted(own_ids))) > 0)
    )
    reports = [
        AwaitedReport(**{**row._mapping, "proposed": bool(row.proposed)})
        for row in rows
        if since <= row.due_on <= until
    ]
    return sorted(reports, key=lambda each: (each.due_on, each.duty_id, each.period))
