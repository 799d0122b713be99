"""Disputes settled: an item that is said to be another's stays with its agency, or goes elsewhere.

Promises that only who may decide does, that the agency hears why, and that a report is never given to who
owes it already: two would become one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import may
from bot.conversation.context.pages import Rows
from bot.conversation.context.turn import Known, Turn
from bot.conversation.decisions.assignment import assign, living
from bot.conversation.decisions.common import (
    ask,
    ask_anew,
    decided,
    decider,
    judged,
    reason_in,
    told,
)
from bot.conversation.lists.last_list import Menu
from data.models import LIVE_STATES, Agency, Obligation
from data.progress import decisions
from data.rules.ladder import UNDATED
from jobs.channel import Answer, Button
from jobs.planning.materialise import recompute

KEEP = "keep_reason"
GIVE = "give_to"


async def to_decide(turn: Turn, known: Known, *, back: Rows = ()) -> Answer | None:
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
    context: dict[str, object] = {"item": {**known.line(turn, 1), "holder": known.holder}}
    return Answer("to_settle", context, buttons=(choices, *back), items=(key,), edits=turn.pressed)


async def keep(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Ask for the reason for which a disputed item stays with its agency."""
    known = await judged(turn, key)
    if isinstance(known, Answer):
        return [known]
    if known.row.disputed_at is None or known.row.state != "open":
        return [_undisputed(turn, known)]
    return [await ask(turn, KEEP, known)]


async def keep_reason_given(turn: Turn, dialog: Any) -> list[Answer]:
    """Leave a disputed item with its agency, for the reason typed."""
    reason = reason_in(turn)
    if reason is None:
        return await ask_anew(turn, dialog, "reason")
    known = await judged(turn, dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    if not await decisions.keep(
        turn.connection,
        known.row,
        reason=reason,
        person_id=turn.caller.person_id,
        decided_by=decider(turn),
        now=turn.now,
    ):
        return [_undisputed(turn, known)]
    await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    notices = await told(turn, [known], "kept", reason=reason)
    return [await decided(turn, known, "kept", reason=reason), *notices]


def _undisputed(turn: Turn, known: Known) -> Answer:
    context = {"item": known.line(turn, 1), "state": known.row.state, "about": "dispute"}
    return Answer("nothing_to_decide", context)


async def give_to(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Ask to which agency an item goes instead."""
    known = await judged(turn, key)
    if isinstance(known, Answer):
        return [known]
    if known.row.state != "open":
        return [_undisputed(turn, known)]
    return [await ask(turn, GIVE, known)]


async def agency_given(turn: Turn, dialog: Any) -> list[Answer]:
    """Give an item to the agency typed, in place of the one that has it."""
    known = await judged(turn, dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    if known.row.state != "open":
        return [_undisputed(turn, known)]
    found = living(turn, known.row.province, turn.incoming.text)
    if len(found) != 1:
        return await ask_anew(turn, dialog, "agency", found=[entry.name for entry in found[:6]])
    if found[0].code in (known.holder_code, known.row.owner_code):
        return await ask_anew(turn, dialog, "same")
    if await _owes_it_already(turn, known, found[0].code):
        return await ask_anew(turn, dialog, "owes", found=[found[0].name])
    # A report is taken over from this one on; a task as a whole, from today or its question's day.
    since = turn.today if known.row.kind == "phase_end" else known.row.due_on
    if known.row.kind == UNDATED:
        since = min(since, turn.today)
    return await assign(
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


async def _owes_it_already(turn: Turn, known: Known, code: str) -> bool:
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
