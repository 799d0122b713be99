"""Disputes settled: an item that is said to be another's stays with its agency, or goes elsewhere.

Promises that only who may decide does, that the agency hears why, and that a report is never given to who
owes it already: two would become one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import may
from bot.conversation.context.pages import ButtonRows
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions.assignment import assign_agency, find_living_agencies
from bot.conversation.decisions.common import (
    deciding_agency,
    decision_confirmation,
    decision_notices,
    load_for_decision,
    open_decision_dialog,
    parse_typed_reason,
    reopen_decision_dialog,
)
from bot.conversation.lists.last_list import ShownList
from data.models import LIVE_STATES, Agency, Obligation
from data.progress import decisions
from data.rules.ladder import UNDATED
from jobs.channel import Answer, Button
from jobs.planning.rungs import recompute

KEEP_REASON_QUESTION = "keep_reason"
NEW_AGENCY_QUESTION = "give_to"


async def ask_dispute_decision(
    turn: Turn, known: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Return a disputed item with its choices, to who decides on it; None: nobody disputes it."""
    if known.row.disputed_at is None or known.row.state != "open":
        return None
    if not may(turn.caller, "decide", known.subject):
        return None
    key = known.row.id
    choices = (
        Button("Giao cơ quan khác", f"giveto:{key}"),
        Button("Vẫn giao như cũ", f"keep:{key}"),
    )
    context: dict[str, object] = {"item": {**known.as_item(turn, 1), "holder": known.holder}}
    return Answer(
        "to_settle", context, buttons=(choices, *back), items=(key,), edits=turn.pressed_message_id
    )


async def handle_keep(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Ask for the reason for which a disputed item stays with its agency."""
    known = await load_for_decision(turn, key)
    if isinstance(known, Answer):
        return [known]
    if known.row.disputed_at is None or known.row.state != "open":
        return [_nothing_to_settle(turn, known)]
    return [await open_decision_dialog(turn, KEEP_REASON_QUESTION, known)]


async def take_keep_reason(turn: Turn, dialog: Any) -> list[Answer]:
    """Leave a disputed item with its agency, for the reason typed."""
    reason = parse_typed_reason(turn)
    if reason is None:
        return await reopen_decision_dialog(turn, dialog, "reason")
    known = await load_for_decision(turn, dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    if not await decisions.reject_dispute(
        turn.connection,
        known.row,
        reason=reason,
        person_id=turn.caller.person_id,
        decided_by=deciding_agency(turn),
        now=turn.now,
    ):
        return [_nothing_to_settle(turn, known)]
    await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    notices = await decision_notices(turn, [known], "kept", reason=reason)
    return [await decision_confirmation(turn, known, "kept", reason=reason), *notices]


def _nothing_to_settle(turn: Turn, known: VisibleObligation) -> Answer:
    context = {"item": known.as_item(turn, 1), "state": known.row.state, "about": "dispute"}
    return Answer("nothing_to_decide", context)


async def handle_give_to(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Ask to which agency an item goes instead."""
    known = await load_for_decision(turn, key)
    if isinstance(known, Answer):
        return [known]
    if known.row.state != "open":
        return [_nothing_to_settle(turn, known)]
    return [await open_decision_dialog(turn, NEW_AGENCY_QUESTION, known)]


async def take_new_agency(turn: Turn, dialog: Any) -> list[Answer]:
    """Give an item to the agency typed, in place of the one that has it."""
    known = await load_for_decision(turn, dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    if known.row.state != "open":
        return [_nothing_to_settle(turn, known)]
    found = find_living_agencies(turn, known.row.province, turn.incoming.text)
    if len(found) != 1:
        return await reopen_decision_dialog(
            turn, dialog, "agency", found=[entry.name for entry in found[:6]]
        )
    if found[0].code in (known.holder_code, known.row.owner_code):
        return await reopen_decision_dialog(turn, dialog, "same")
    if await _owes_it_already(turn, known, found[0].code):
        return await reopen_decision_dialog(turn, dialog, "owes", found=[found[0].name])
    # A report is taken over from this one on; a task as a whole, from today or its question's day.
    since = turn.today if known.row.kind == "phase_end" else known.row.due_on
    if known.row.kind == UNDATED:
        since = min(since, turn.today)
    return await assign_agency(
        turn,
        known.row.plan_code,
        known.row.plan_id,
        known.row.province,
        known.row.code,
        found[0],
        replaces=known.row.owner_code,
        since=since,
        before=[known],
    )


async def _owes_it_already(turn: Turn, known: VisibleObligation, code: str) -> bool:
    """Tell whether an agency owes the same thing for the same period in its own name."""
    row = known.row
    found = await turn.connection.scalar(
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
    return found is not None
