"""Answering: where a task stands is recorded and said back.

Promises that an answer counts only for what its sender may answer, that every one is said back with the
task, what was understood and what comes next, and that saying it again changes nothing. What needs
somebody's ear as well stands in extending.py and reporting.py, taking back in undoing.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from bot.conversation.context.access import may
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.lists.last_list import ShownList, list_by_message
from bot.conversation.replies.show import build_list_view, find_item_number
from data.progress import dialogs, replies
from data.progress.replies import ObligationNotOpen, ReplyKind
from jobs.channel import Answer, Button
from jobs.planning.rungs import recompute
from jobs.rendering.buttons import item_buttons

EVIDENCE_QUESTION = "evidence"  # what a dialog asks

REPLY_KINDS: dict[str, ReplyKind] = {
    "ack": "acknowledge",
    "doing": "in_progress",
    "not_yet": "not_started",
    "done": "completed",
    "more": "extension",
    "blocked": "blocked",
    "dispute": "dispute",
    "question": "question",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody says of one obligation; verb as in access.ROLES, the rest as far as it was said."""

    verb: str
    percent: int | None = None
    until: date | None = None
    document: str | None = None
    document_on: date | None = None
    note: str | None = None


async def load_for_reply(turn: Turn, verb: str, obligation_id: int) -> VisibleObligation | Answer:
    """Return the obligation if the caller may say this of it, else the answer that refuses."""
    known = (await visible_obligations(turn, [obligation_id])).get(obligation_id)
    if known is None:
        return Answer("unknown_item")
    return reply_refusal(turn, verb, known) or known


def reply_refusal(turn: Turn, verb: str, known: VisibleObligation) -> Answer | None:
    """Return the answer that refuses what the caller may not do; None where it may be done."""
    if may(turn.caller, verb, known.subject):
        return None
    as_group = turn.caller.in_group and may(turn.caller, "ack", known.subject)
    why = "not_enrolled" if as_group else "read_only"
    return Answer(
        "not_allowed", {"why": why, "coordinator": known.row.coordinator_name or "", "command": ""}
    )


async def record_and_recompute(
    turn: Turn, saying: Reply, obligation_id: int, *, adds_to: int | None = None
) -> int | None:
    """Record what was said and reckon the next reminder; None: it had been said. Raises NotOpen."""
    reply_id = await replies.record_reply(
        turn.connection,
        obligation_id=obligation_id,
        said=REPLY_KINDS[saying.verb],
        percent=saying.percent,
        until=saying.until,
        document=saying.document,
        document_on=saying.document_on,
        note=saying.note,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        event_id=turn.event_id,
        now=turn.now,
        today=turn.today,
        workdays=turn.registry.workdays,
        adds_to=adds_to,
    )
    if reply_id is not None:
        await recompute(turn.connection, turn.registry, [obligation_id], today=turn.today)
    return reply_id


async def handle_status(
    turn: Turn, saying: Reply, obligation_id: int, menu: ShownList | None
) -> list[Answer]:
    """Record where a task stands and say so; menu: the item's own menu if the answer came from it.

    A completion without a document's number asks for one, or for a photo, once; nothing waits for it.
    """
    known = await load_for_reply(turn, saying.verb, obligation_id)
    if isinstance(known, Answer):
        return [known]
    try:
        reply_id = await record_and_recompute(turn, saying, obligation_id)
    except ObligationNotOpen as fault:
        return [closed_answer(turn, known, menu, fault.state)]
    asks = saying.verb == "done" and saying.document is None and reply_id is not None
    if asks:
        await dialogs.open_dialog(
            turn.connection,
            chat_id=turn.chat.id,
            person_id=turn.caller.person_id,
            asks=EVIDENCE_QUESTION,
            obligation_id=obligation_id,
            details={"reply_id": reply_id},
            now=turn.now,
        )
    return [await reply_confirmation(turn, saying, known, menu, reply_id, asks_evidence=asks)]


def decision_maker_name(known: VisibleObligation) -> str:
    """Return who decides on an obligation, in words: for the coordinating agency's own the leaders."""
    if known.subject.holder_id == known.subject.coordinator_id:
        return "lãnh đạo"
    return known.row.coordinator_name or ""


def closed_answer(
    turn: Turn, known: VisibleObligation, menu: ShownList | None, state: str
) -> Answer:
    """Return the answer for what takes no answers any more."""
    return Answer(
        "closed",
        {"item": known.as_item(turn, find_item_number(menu, known.row.id)), "state": state},
    )


async def reply_confirmation(
    turn: Turn,
    saying: Reply,
    before: VisibleObligation,
    menu: ShownList | None,
    reply_id: int | None,
    *,
    is_notified: bool = False,
    asks_evidence: bool = False,
    is_addition: bool = False,
) -> Answer:
    """Say what was understood, and show again what the answer came from: the list, or the four choices.

    adds: it only adds to the answer before (a document's number).
    """
    obligation_id = before.row.id
    known = (await visible_obligations(turn, [obligation_id]))[obligation_id]
    context: dict[str, object] = {
        "item": known.as_item(turn, find_item_number(menu, obligation_id)),
        "verb": saying.verb,
        "until": saying.until.isoformat() if saying.until else None,
        "document": saying.document or "",
        "document_on": saying.document_on.isoformat() if saying.document_on else None,
        "note": saying.note or "",
        "repeated_answer": reply_id is None,
        "corrected": not is_addition and reply_id is not None and before.row.state == "submitted",
        "adds": is_addition,
        "next_on": _next_morning(turn, known.row.remind_on),
        "coordinator": decision_maker_name(known),
        "told": is_notified,
        "asks_evidence": asks_evidence and not turn.incoming.files,
        "in_group": turn.caller.in_group,
        "items": [],
    }
    if menu is None:
        return Answer("recorded", context)
    take_back = (Button("Huỷ", f"undo:{reply_id}"),) if reply_id is not None else ()
    shown = await list_by_message(turn, menu.list_id) if menu.list_id is not None else None
    if shown is not None:
        again, ids, buttons = await build_list_view(turn, shown)
        rows = (*buttons, take_back) if take_back else buttons
        return Answer(
            "recorded", {**context, **again}, buttons=rows, items=ids, edits=turn.pressed_message_id
        )
    # The four choices keep their places and numbers, so that a number never means another one.
    rows = () if saying.verb == "done" else item_buttons(obligation_id, known.row.kind)
    rows = (*rows, take_back) if take_back else rows
    return Answer(
        "recorded",
        context,
        buttons=rows,
        items=(obligation_id,) if rows else (),
        edits=turn.pressed_message_id,
    )


def _next_morning(turn: Turn, remind_on: date | None) -> str | None:
    """Return the working day on which the next rung goes out; one already come goes tomorrow."""
    if remind_on is None:
        return None
    soonest = max(remind_on, turn.today + timedelta(days=1))
    return turn.registry.workdays.on_or_after(soonest).isoformat()


async def handle_reply_to_all(turn: Turn, verb: str, menu: ShownList) -> list[Answer]:
    """Say one thing of whatever in a list is open and the caller's to answer: "ack" or "doing"."""
    known = await visible_obligations(turn, [obligation_id for _, obligation_id in menu.items])
    reply_id: int | None = None
    answered = 0
    for obligation_id, entry in known.items():
        if entry.row.state != "open" or not may(turn.caller, verb, entry.subject):
            continue
        answered += 1
        reply_id = await record_and_recompute(turn, Reply(verb), obligation_id) or reply_id
    if not answered:
        still_open = [entry for entry in known.values() if entry.row.state == "open"]
        refused = reply_refusal(turn, verb, still_open[0]) if still_open else None
        return [refused or Answer("unknown_item")]
    again, ids, buttons = await build_list_view(turn, menu)
    if reply_id is not None:
        buttons = (*buttons, (Button("Huỷ", f"undo:{reply_id}"),))
    context = {
        "verb": verb,
        "count": answered,
        "repeated_answer": reply_id is None,
        **again,
    }
    return [
        Answer("recorded_all", context, buttons=buttons, items=ids, edits=turn.pressed_message_id)
    ]
