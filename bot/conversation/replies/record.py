"""Status replies: record one, compute the next reminder, confirm it to the sender.

Guarantees:
- A reply counts only for an obligation that its sender may answer.
- The confirmation names the task, the reply as understood, and the next step.
- The same reply again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.conversation.context.access import may
from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.turn import (
    Turn,
    VisibleObligation,
    visible_obligation,
    visible_obligations,
)
from bot.conversation.decisions.common import outcome_context
from bot.conversation.lists.last_list import ShownList
from bot.conversation.replies.colleagues import load_replaced
from bot.conversation.replies.show import (
    build_list_view,
    find_item_number,
    find_list_to_show,
)
from data.progress import evidence, replies
from data.progress.outcomes import find_outcome
from data.progress.replies import ObligationNotOpen, ReplyKind
from data.rules.ladder import held_until
from jobs.channel import Answer, Button
from jobs.planning.rungs import recompute

EVIDENCE_QUESTION = "evidence"

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
    """A reply about one obligation. verb: a key of access.ROLES_BY_ACTION; the rest None if not given.

    until: of "more" the day asked for, of "ack" the day from which to be reminded again.
    """

    verb: str
    percent: int | None = None
    until: date | None = None
    document: str | None = None
    document_on: date | None = None
    note: str | None = None


async def load_for_reply(turn: Turn, verb: str, obligation_id: int) -> VisibleObligation | Answer:
    """Return the obligation if the caller may give this reply to it, else the refusal.

    It stays locked until the turn ends, so that what is read of it holds.
    """
    await replies.lock_obligations(turn.connection, [obligation_id])
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return Answer("unknown_item")
    return reply_refusal(turn, verb, obligation) or obligation


def reply_refusal(turn: Turn, verb: str, obligation: VisibleObligation) -> Answer | None:
    """Return the refusal of a reply; None where the caller may give it."""
    if may(turn.caller, verb, obligation.subject):
        return None
    as_group = turn.caller.in_group and may(turn.caller, "ack", obligation.subject)
    why = "not_enrolled" if as_group else "read_only"
    return Answer(
        "not_allowed",
        {"why": why, "coordinator": obligation.row.coordinator_name or "", "command": ""},
    )


async def record_and_recompute(
    turn: Turn, reply: Reply, obligation_id: int, *, adds_to: int | None = None
) -> int | None:
    """Record a reply and compute the next reminder; returns its id, None for a repeat.

    Raises ObligationNotOpen.
    """
    reply_id = await replies.record_reply(
        turn.connection,
        obligation_id=obligation_id,
        said=REPLY_KINDS[reply.verb],
        percent=reply.percent,
        until=reply.until,
        document=reply.document,
        document_on=reply.document_on,
        note=reply.note,
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


async def add_kept_document(turn: Turn, reply: Reply, obligation: VisibleObligation) -> Reply:
    """Return a completion with the document that was written beneath a kept file, if it names none itself."""
    if reply.verb != "done" or reply.document is not None or obligation.row.state != "open":
        return reply
    kept = await evidence.find_evidence_document(
        turn.connection, obligation.id, since=obligation.row.returned_at
    )
    return reply if kept is None else replace(reply, document=kept[0], document_on=kept[1])


async def handle_status(
    turn: Turn, reply: Reply, obligation: VisibleObligation, shown_list: ShownList | None
) -> list[Answer]:
    """Record a status and confirm it. shown_list: the item's own message if the reply came from it.

    A completion without a document's number asks for one, or for a photo, once; nothing waits for it.
    """
    reply = await add_kept_document(turn, reply, obligation)
    try:
        reply_id = await record_and_recompute(turn, reply, obligation.id)
    except ObligationNotOpen as fault:
        return [await closed_answer(turn, obligation, shown_list, fault.state)]
    asks = reply.verb == "done" and reply.document is None and reply_id is not None
    if asks:
        await open_question(turn, EVIDENCE_QUESTION, obligation_id=obligation.id, reply_id=reply_id)
    return await confirm_reply(turn, reply, obligation, shown_list, reply_id, asks_evidence=asks)


def decision_maker_name(obligation: VisibleObligation) -> str:
    """Return the Vietnamese name of the agency, or "lãnh đạo", that decides on an obligation."""
    own = obligation.subject.is_coordinators_own
    return "lãnh đạo" if own else obligation.row.coordinator_name or ""


async def closed_answer(
    turn: Turn, obligation: VisibleObligation, shown_list: ShownList | None, state: str
) -> Answer:
    """Say that an obligation takes no replies any more, and who decided on it when."""
    item = obligation.as_item(turn, find_item_number(shown_list, obligation.id))
    outcome = await find_outcome(turn.connection, obligation.row, holder=obligation.holder)
    context: dict[str, object] = {"item": item, "state": state}
    return Answer("closed", {**context, "decided": outcome_context(outcome)})


def undo_button(reply_id: int | None) -> ButtonRows:
    """Return the row that takes a reply back; none for a repeat, which has no id."""
    return () if reply_id is None else ((Button("Huỷ", f"undo:{reply_id}"),),)


async def confirm_reply(
    turn: Turn,
    reply: Reply,
    before: VisibleObligation,
    shown_list: ShownList | None,
    reply_id: int | None,
    *,
    is_notified: bool = False,
    asks_evidence: bool = False,
    is_addition: bool = False,
) -> list[Answer]:
    """Confirm a reply as understood, show again where it came from, and tell a colleague who said otherwise.

    is_addition: it only adds a document's number to the reply before.
    """
    obligation_id = before.id
    replaced, notices = await load_replaced(turn, [] if reply_id is None else [reply_id])
    obligation = (await visible_obligations(turn, [obligation_id]))[obligation_id]
    context: dict[str, object] = {
        "item": obligation.as_item(turn, find_item_number(shown_list, obligation_id)),
        "verb": reply.verb,
        "until": reply.until.isoformat() if reply.until else None,
        "document": reply.document or "",
        "document_on": reply.document_on.isoformat() if reply.document_on else None,
        "note": reply.note or "",
        "repeated_answer": reply_id is None,
        "corrected": not is_addition and reply_id is not None and before.row.state == "submitted",
        "adds": is_addition,
        "replaces": replaced.get(obligation_id),
        "next_on": _next_morning(turn, obligation.row.remind_on),
        "capped": reply.until is not None and _is_capped(turn, reply.until),
        "coordinator": decision_maker_name(obligation),
        "told": is_notified,
        "asks_evidence": asks_evidence and not turn.incoming.files,
        "in_group": turn.caller.in_group,
        "items": [],
    }
    if shown_list is None:
        return [Answer("recorded", context), *notices]
    undo = undo_button(reply_id)
    source = await find_list_to_show(turn, shown_list, [obligation_id])
    if source is not None:
        view = await build_list_view(turn, source)
        context |= view.context
        rows, ids = view.buttons, view.items
    else:
        # The four choices keep their places, so that a typed number always means the same one.
        rows = () if reply.verb == "done" else obligation.choices(turn)
        ids = (obligation_id,) if rows or undo else ()
        context |= shown_list.numbers
    buttons = (*rows, *undo)
    return [
        Answer("recorded", context, buttons=buttons, items=ids, edits=turn.pressed_message_id),
        *notices,
    ]


def _is_capped(turn: Turn, remind_on: date) -> bool:
    """Tell whether a day asked for lies beyond what an acknowledgement holds back."""
    workdays = turn.registry.workdays
    return held_until(turn.today, workdays) < remind_on - timedelta(days=1)


def _next_morning(turn: Turn, remind_on: date | None) -> str | None:
    """Return the working day of the next reminder, tomorrow at the earliest."""
    if remind_on is None:
        return None
    soonest = max(remind_on, turn.today + timedelta(days=1))
    return turn.registry.workdays.on_or_after(soonest).isoformat()


async def handle_reply_to_all(
    turn: Turn,
    verb: str,
    shown_list: ShownList,
    obligation_ids: Sequence[int],
    *,
    until: date | None = None,
) -> list[Answer]:
    """Record "ack" or "doing" for every open item that the caller may answer, and show the list again.

    obligation_ids: those of the list, or of all pages of its morning. until: the day from which to be reminded again.
    """
    await replies.lock_obligations(turn.connection, obligation_ids)
    visible = await visible_obligations(turn, obligation_ids)
    open_ones = [each for each in visible.values() if each.row.state == "open"]
    answerable = [each for each in open_ones if may(turn.caller, verb, each.subject)]
    if not answerable:
        refusal = reply_refusal(turn, verb, open_ones[0]) if open_ones else None
        return [refusal or Answer("unknown_item")]
    made = [
        await record_and_recompute(turn, Reply(verb, until=until), each.id) for each in answerable
    ]
    reply_ids = [reply_id for reply_id in made if reply_id is not None]
    replaced, notices = await load_replaced(turn, reply_ids)
    view = await build_list_view(turn, shown_list)
    context = {
        "verb": verb,
        "count": len(answerable),
        "until": until.isoformat() if until else None,
        "capped": until is not None and _is_capped(turn, until),
        "repeated_answer": not reply_ids,
        "replaced": [
            {**each.as_item(turn), "replaces": replaced[each.id]}
            for each in answerable
            if each.id in replaced
        ],
        **view.context,
    }
    return [
        Answer(
            "recorded_all",
            context,
            buttons=(*view.buttons, *undo_button(reply_ids[-1] if reply_ids else None)),
            items=view.items,
            edits=turn.pressed_message_id,
        ),
        *notices,
    ]
