"""Steps that every decision shares: load, ask for a reason, record, confirm, notify.

Guarantees:
- Only a caller who decides on it (context/deciding.py) does, under their name and the agency of that role.
- The agency gets a notice in its own chats.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.conversation.context.buttons import UNNUMBERED, ButtonRows
from bot.conversation.context.deciding import (
    find_decidable_ids,
    refuse_decision,
    role_deciding_on,
)
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligation
from data.clock import civil_date, civil_time
from data.contacts.recipients import agency_recipients, coordinator_recipients
from data.progress import decisions, outcomes
from data.progress.decision_undo import Origin, find_last_decision, undo_details
from data.progress.outcomes import Outcome
from data.progress.replies import lock_obligations
from jobs.channel import Answer, Button
from jobs.planning.rungs import recompute

DecisionDialogHandler = Callable[[Turn, Any], Awaitable[list[Answer]]]

UNDO_DECISION_VERB = "undecide"

_LONGEST_REASON = 4000  # characters
_SHORTEST_REASON = 3  # characters


async def load_for_decision(turn: Turn, obligation_id: int) -> VisibleObligation | Answer:
    """Return an obligation that the caller may decide on, else the refusal.

    It stays locked until the turn ends: of two who decide at once, the second sees what the first did.
    """
    await lock_obligations(turn.connection, [obligation_id])
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return Answer("unknown_item")
    if not await find_decidable_ids(turn, [obligation_id]):
        return await refuse_decision(turn, obligation)
    return obligation


async def nothing_to_decide(
    turn: Turn, obligation: VisibleObligation, about: str, *, request: Any = None
) -> Answer:
    """Say that a decision came too late, and what was decided, by whom and when.

    about: as templates/nothing_to_decide names it. request: the extension request in question, if any.
    """
    holder = obligation.holder
    outcome = None
    if request is not None:
        outcome = await outcomes.find_request_outcome(turn.connection, request, holder=holder)
    if outcome is None:
        outcome = await outcomes.find_outcome(turn.connection, obligation.row, holder=holder)
    context: dict[str, object] = {
        "item": obligation.as_item(turn),
        "state": obligation.row.state,
        "about": about,
        "decided": outcome_context(outcome),
    }
    return Answer("nothing_to_decide", context)


def outcome_context(outcome: Outcome | None) -> dict[str, str] | None:
    """Return an outcome as templates/_parts/outcome shows it; None without one."""
    if outcome is None:
        return None
    return {
        "what": outcome.what,
        "by": outcome.by,
        "time": f"{civil_time(outcome.at):%H:%M}",
        "on": civil_date(outcome.at).isoformat(),
        "until": outcome.until.isoformat() if outcome.until else "",
    }


async def open_decision_dialog(
    turn: Turn, asks: str, obligation: VisibleObligation, *, again: str = "", **details: Any
) -> Answer:
    """Ask the caller for words that a decision needs; the next ones typed here are the answer.

    again: the fault of the words just typed, as templates/ask_decision names it.
    """
    await open_question(turn, asks, obligation_id=obligation.id, **details)
    context: dict[str, object] = {
        "asks": asks,
        "again": again,
        "in_group": turn.caller.in_group,
        "item": obligation.as_item(turn),
        "until": "",
        "onward": "",
        "onward_on": "",
        "found": [],
    }
    return Answer("ask_decision", {**context, **details})


async def reopen_decision_dialog(turn: Turn, dialog: Any, again: str, **more: Any) -> list[Answer]:
    """Ask again for words that were not understood."""
    obligation = await visible_obligation(turn, dialog.obligation_id)
    if obligation is None:
        return [Answer("unknown_item")]
    details = {**dialog.details, **more}
    return [await open_decision_dialog(turn, dialog.asks, obligation, again=again, **details)]


def parse_typed_reason(turn: Turn, typed: str | None = None) -> str | None:
    """Return the reason typed, or None where it is too short; by default the whole text is the reason."""
    words = " ".join((turn.incoming.text if typed is None else typed).split())[:_LONGEST_REASON]
    return words if len(words) >= _SHORTEST_REASON else None


async def decide_with_reason(
    turn: Turn, dialog: Any, record: Callable[..., Awaitable[bool]], what: str, *, about: str
) -> list[Answer]:
    """Take the reason typed, record the decision with it, and tell both sides.

    record: writes the decision down; False where it comes too late (data.progress.decisions). what: as
    templates/decided names it. about: as templates/nothing_to_decide names it.
    """
    reason = parse_typed_reason(turn)
    if reason is None:
        return await reopen_decision_dialog(turn, dialog, "reason")
    return await decide_for_reason(turn, dialog.obligation_id, reason, record, what, about=about)


async def decide_for_reason(
    turn: Turn,
    obligation_id: int,
    reason: str,
    record: Callable[..., Awaitable[bool]],
    what: str,
    *,
    about: str,
) -> list[Answer]:
    """Record a decision on an obligation with its reason, and tell both sides; see decide_with_reason."""
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    if not await record(
        turn.connection,
        obligation.row,
        reason=reason,
        person_id=turn.caller.person_id,
        decided_by=role_deciding_on(turn, obligation).agency,
        now=turn.now,
        origin=callers_origin(turn),
    ):
        return [await nothing_to_decide(turn, obligation, about)]
    await recompute(turn.connection, turn.registry, [obligation.id], today=turn.today)
    return await announce_decision(turn, obligation, what, reason=reason)


async def record_callers_decision(
    turn: Turn,
    kind: str,
    *,
    plan_code: str,
    subject: str,
    details: Mapping[str, Any],
    decided_by: str,
) -> int:
    """Write down a decision under the caller's name; returns its id. decided_by: see deciding_role.

    Call before what it changes: its undoing puts that back.
    """
    undoing = await undo_details(turn.connection, callers_origin(turn), details.get("obligation"))
    return await decisions.record_decision(
        turn.connection,
        kind,
        plan_code=plan_code,
        subject=subject,
        details={**details, **undoing},
        person_id=turn.caller.person_id,
        decided_by=decided_by,
        now=turn.now,
    )


def callers_origin(turn: Turn) -> Origin:
    """Return where the caller decides."""
    return Origin(turn.chat.id, turn.event_id)


def undo_decision_button(decision_id: int) -> ButtonRows:
    """Return the row that undoes a decision."""
    return ((Button("Huỷ quyết định", f"{UNDO_DECISION_VERB}:{decision_id}"),),)


async def undo_buttons(turn: Turn) -> ButtonRows:
    """Return the row that undoes what the caller just decided; none where nothing was."""
    last = await find_last_decision(
        turn.connection, person_id=turn.caller.person_id, chat_id=turn.chat.id, since=turn.now
    )
    return () if last is None or last.kind == decisions.UNDO else undo_decision_button(last.id)


async def announce_decision(
    turn: Turn,
    obligation: VisibleObligation,
    what: str,
    *,
    choices: ButtonRows = (),
    **details: Any,
) -> list[Answer]:
    """Confirm a decision to the caller, and notify the agency; choices: the buttons of its notice."""
    now = await visible_obligation(turn, obligation.id) or obligation
    return [
        await decision_confirmation(turn, now, what, **details),
        *await decision_notices(turn, [now], what, choices=choices, **details),
    ]


async def decision_confirmation(
    turn: Turn,
    obligation: VisibleObligation,
    what: str,
    *,
    buttons: ButtonRows = (),
    **details: Any,
) -> Answer:
    """Return the confirmation of a decision to the caller. what: as templates/decided names it."""
    context: dict[str, object] = {
        "what": what,
        "item": obligation.as_item(turn),
        "agency": obligation.holder,
        "told": bool(await list_other_agency_chats(turn, obligation.subject.holder_id)),
        "reason": "",
        "until": "",
        "document": "",
        "waiting": 0,
    }
    buttons = (*buttons, *await undo_buttons(turn))
    return Answer("decided", {**context, **details}, buttons, edits=turn.pressed_message_id)


async def decision_notices(
    turn: Turn,
    obligations: Sequence[VisibleObligation],
    what: str,
    *,
    choices: ButtonRows = (),
    **details: Any,
) -> list[Answer]:
    """Return one notice of a decision for each chat of the agencies that hold the obligations.

    A notice with choices lists its obligations as items, so that people may type a choice's number.
    """
    by_holder: dict[int | None, list[VisibleObligation]] = {}
    for each in obligations:
        by_holder.setdefault(each.subject.holder_id, []).append(each)
    notices: list[Answer] = []
    for holder_id, entries in by_holder.items():
        own = entries[0].subject.is_coordinators_own
        coordinator = entries[0].row.coordinator_name or "cơ quan theo dõi"
        context: dict[str, object] = {
            "what": what,
            "agency": entries[0].holder,
            "items": [each.as_item(turn, n, holder="") for n, each in enumerate(entries, 1)],
            "by": "lãnh đạo" if own else coordinator,
            "reason": "",
            "until": "",
            "document": "",
            **(UNNUMBERED if len(entries) == 1 else {}),
            **details,
        }
        ids = tuple(each.id for each in entries) if choices else ()
        notices.extend(
            Answer("notice_decision", context, choices, items=ids, to_chat=chat_id)
            for chat_id in await list_other_agency_chats(turn, holder_id, own=own)
        )
    return notices


async def list_other_agency_chats(
    turn: Turn, agency_id: int | None, *, own: bool = False
) -> list[int]:
    """Return the chats of an agency's focal points, or without any its coordinators, except this chat.

    own: a decision on the coordinating agency's own work goes to its focal points and its coordinators.
    """
    if agency_id is None:
        return []
    recipients = await agency_recipients(turn.connection, agency_id, today=turn.today)
    if own or not recipients:
        coordinators = await coordinator_recipients(turn.connection, agency_id, today=turn.today)
        recipients = [*recipients, *coordinators]
    chats = dict.fromkeys(to.chat_id for to in recipients)
    return [chat_id for chat_id in chats if chat_id != turn.chat.id]
