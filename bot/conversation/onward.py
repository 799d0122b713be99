"""What a later date would touch: the report that a duty serves, and who set the date.

Promises that nothing is guessed: a duty whose receivers owe no later report serves none. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from bot.conversation.turn import Known, Turn
from data import owed
from data.ladder import TASK_KINDS, effective_due
from data.models import Obligation
from data.owners import receivers_of
from data.planfile import ReportDutyEntry
from data.progress import LIVE_STATES
from data.titles import report_title
from jobs.items import obligation_rows


@dataclass(frozen=True, slots=True)
class Onward:
    """The report that a duty serves: what it is called and its effective due date."""

    title: str
    due_on: date


def needs_document(turn: Turn, known: Known) -> bool:
    """Tell whether a later date wants a document: one that the plan sets, for what is not owed to us.

    A report owed to the agency that decides is its own to grant; so is a date that nobody set, or that
    it set itself by opening an ad-hoc duty (DESIGN §7).
    """
    row = known.row
    if row.due_proposed or row.frequency == "ad_hoc":
        return False
    duty = _duty(turn, known)
    if duty is None:
        return True
    home = turn.registry.provinces[row.province]
    receivers = {
        home.main_successor(entry.code, turn.today)
        for entry in home.resolve_all(duty.to)
        if entry.code in home.agencies
    }
    deciding = {e.agency_code for e in turn.caller.here if e.role in ("coordinator", "leader")}
    return not receivers & deciding


async def onward_of(turn: Turn, known: Known) -> Onward | None:
    """Return the report an obligation serves: the next one owed by whom it is sent to or through."""
    duty = _duty(turn, known)
    if duty is None:
        return None
    row = known.row
    home = turn.registry.provinces[row.province]
    plan = turn.registry.plans[row.plan_code]
    codes = receivers_of(home, plan, duty, on=turn.today)
    ids = (await owed.agency_ids(turn.connection, row.province, codes)).values()
    rows = await turn.connection.execute(
        select(Obligation.id)
        .where(
            Obligation.plan_id == row.plan_id,
            Obligation.agency_id.in_(sorted(ids)),
            Obligation.kind.not_in(TASK_KINDS),
            Obligation.due_on >= row.due_on,
            Obligation.state.in_(LIVE_STATES),
        )
        .order_by(Obligation.due_on, Obligation.id)
        .limit(1)
    )
    onward_id = rows.scalar_one_or_none()
    if onward_id is None:
        return None
    found = (await obligation_rows(turn.connection, [onward_id]))[onward_id]
    title = report_title(found.frequency or "", found.duty_title or "", found.period)
    return Onward(f"{title} ({found.owner_name})", effective_due(found.due_on, found.extended_to))


def _duty(turn: Turn, known: Known) -> ReportDutyEntry | None:
    plan = turn.registry.plans.get(known.row.plan_code)
    duties = plan.report_duties if plan is not None else []
    return next((duty for duty in duties if duty.code == known.row.code), None)
