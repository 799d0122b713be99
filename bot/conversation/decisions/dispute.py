"""Disputes: leave a disputed obligation with its agency, or give it, or one that nobody holds, to another.

Guarantees:
- The agency gets the reason.
- A report never goes to an agency that already owes it: the two would become one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.conversation.context.buttons import UNNUMBERED, ButtonRows
from bot.conversation.context.deciding import find_decidable_ids, refuse_plan_decision
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligation
from bot.conversation.decisions.assignment import assign_agency, find_living_agencies
from bot.conversation.decisions.common import (
    decide_with_reason,
    load_for_decision,
    nothing_to_decide,
    open_decision_dialog,
    reopen_decision_dialog,
)
from data.models import LIVE_STATES, Agency, Obligation
from data.progress import decisions, submissions
from data.progress.replies import lock_obligations
from data.rules.ladder import UNDATED
from jobs.channel import Answer, Button

KEEP_REASON_QUESTION = "keep_reason"
NEW_AGENCY_QUESTION = "give_to"


def dispute_decision_buttons(obligation_id: int) -> ButtonRows:
    """Return the two choices of a decision on a dispute."""
    give = Button("Giao cơ quan khác", f"giveto:{obligation_id}")
    return ((give, Button("Vẫn giao như cũ", f"keep:{obligation_id}")),)


async def ask_dispute_decision(
    turn: Turn, obligation: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Show a disputed obligation with its choices; None where there is no dispute for the caller."""
    row = obligation.row
    if row.disputed_at is None or row.state != "open":
        return None
    if not await find_decidable_ids(turn, [row.id]):
        return None
    return Answer(
        "to_settle",
        {"item": obligation.as_item(turn, holder=obligation.holder), **UNNUMBERED},
        buttons=(*dispute_decision_buttons(row.id), *back),
        items=(row.id,),
        edits=turn.pressed_message_id,
    )


async def ask_keep_reason(turn: Turn, obligation_id: int) -> list[Answer]:
    """Ask why a disputed obligation stays with its agency."""
    obligation = await _load_disputed(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    return [await open_decision_dialog(turn, KEEP_REASON_QUESTION, obligation)]


async def keep_with_agency(turn: Turn, dialog: Any) -> list[Answer]:
    """Leave a disputed obligation with its agency, with the reason typed."""
    return await decide_with_reason(
        turn, dialog, submissions.reject_dispute, "kept", about="dispute"
    )


async def ask_new_agency(turn: Turn, obligation_id: int) -> list[Answer]:
    """Ask which agency takes an obligation over."""
    obligation = await _load_to_give(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    return [await open_decision_dialog(turn, NEW_AGENCY_QUESTION, obligation)]


async def give_to_agency(turn: Turn, dialog: Any) -> list[Answer]:
    """Give an obligation to the agency typed, in place of the present one."""
    plan_id = await turn.connection.scalar(
        select(Obligation.plan_id).where(Obligation.id == dialog.obligation_id)
    )
    await decisions.lock_plan(turn.connection, plan_id or 0)
    obligation = await _load_to_give(turn, dialog.obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    row = obligation.row
    agencies = find_living_agencies(turn, row.province, turn.incoming.text)
    if len(agencies) != 1:
        names = [entry.name for entry in agencies[:6]]
        return await reopen_decision_dialog(turn, dialog, "agency", found=names)
    agency = agencies[0]
    if agency.code in (obligation.holder_code, row.owner_code):
        return await reopen_decision_dialog(turn, dialog, "same")
    if await _owes_it_already(turn, row, agency.code):
        return await reopen_decision_dialog(turn, dialog, "owes", found=[agency.name])
    # A report passes over from this period on; a task as a whole, from today or its question's day.
    since = turn.today if row.kind == "phase_end" else row.due_on
    if row.kind == UNDATED:
        since = min(since, turn.today)
    return await assign_agency(
        turn,
        row.plan_code,
        row.plan_id,
        row.province,
        row.coordinator_id,
        row.code,
        agency,
        replaces=row.owner_code,
        since=since,
        before=[obligation],
    )


async def _load_to_give(turn: Turn, obligation_id: int) -> VisibleObligation | Answer:
    """Return an obligation that waits for an agency: it is disputed, or nobody holds it."""
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None or obligation.holder_code is not None:
        return await _load_disputed(turn, obligation_id)
    await lock_obligations(turn.connection, [obligation_id])
    obligation = await visible_obligation(turn, obligation_id)
    assert obligation is not None
    if not obligation.may_be_assigned(turn):
        return refuse_plan_decision(obligation.row.coordinator_name)
    if obligation.row.state != "open":
        return await nothing_to_decide(turn, obligation, "dispute")
    return obligation


async def _load_disputed(turn: Turn, obligation_id: int) -> VisibleObligation | Answer:
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return obligation
    if obligation.row.disputed_at is not None and obligation.row.state == "open":
        return obligation
    return await nothing_to_decide(turn, obligation, "dispute")


async def _owes_it_already(turn: Turn, row: Any, code: str) -> bool:
    """Tell whether an agency owes the same thing for the same period in its own name."""
    own_id = await turn.connection.scalar(
        select(Obligation.id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.plan_id == row.plan_id,
            Obligation.code == row.code,
            Obligation.period == row.period,
            Obligation.state.in_(LIVE_STATES),
            Agency.province == row.province,
            Agency.code == code,
        )
    )
    return own_id is not None
