"""Take a reply back: "huỷ", or the button under its confirmation.

Guarantees:
- Only one's own reply, one given in this chat, or one that contradicts such a reply is taken back.
- Chats that got a notice of the reply get one of its withdrawal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.notify import coordinator_notices
from bot.conversation.context.turn import Turn, visible_obligation, visible_obligations
from bot.conversation.decisions.common import outcome_context
from bot.conversation.decisions.undo import (
    ask_to_undo_decision,
    find_confirmed_decision,
    find_last_own_decision,
    undo_decision,
)
from bot.conversation.lists.confirmed import list_confirmed_tasks
from bot.conversation.lists.last_list import ShownList
from bot.conversation.replies.colleagues import colleague_notices
from bot.conversation.replies.questions import take_question_back
from bot.conversation.replies.record import reply_refusal
from bot.conversation.replies.show import build_list_view, find_list_to_show
from bot.conversation.targets.record import handle_target_undo
from data.progress import replies, undo
from data.progress.contradictions import find_contradictions
from data.progress.decisions import UNDO
from data.progress.outcomes import find_outcome
from data.progress.questions import find_last_question_in_chat
from data.progress.undo import CannotUndo
from data.targets import values as target_values
from jobs.channel import Answer
from jobs.planning.rungs import recompute
from jobs.rendering.buttons import reminder_buttons

_NOTICE_TEMPLATES = {
    "extension": "notice_extension",
    "blocked": "notice_blocked",
    "dispute": "notice_dispute",
}


async def handle_undo_last(
    turn: Turn, shown_list: ShownList | None, *, of_decision: bool = False
) -> list[Answer]:
    """Take back what the sender last said or decided in this chat within a day, about a task or a target.

    In reply to a confirmation, or to one task, it is what that names. A decision that stands no more lowest in
    the chat is asked about first, unless of_decision: the words name it.
    """
    whose: dict[str, Any] = {
        "chat_id": turn.chat.id,
        "person_id": turn.caller.person_id,
        "since": turn.now - undo.UNDO_WINDOW,
    }
    confirmed = await find_confirmed_decision(turn)
    if confirmed is not None and turn.incoming.reply_to is not None:
        return await undo_decision(turn, confirmed)
    meant = await list_confirmed_tasks(turn)
    if not meant and shown_list is not None and shown_list.answers_it:
        meant = [] if shown_list.only_item is None else [shown_list.only_item]
    reply = await undo.find_last_reply_in_chat(turn.connection, **whose, about=meant)
    if meant and reply is not None and reply.said != "undo":
        return await handle_undo(turn, reply.id, shown_list)
    value = await target_values.find_last_target_value_in_chat(turn.connection, **whose)
    decision = await find_last_own_decision(turn)
    said = max((_order(row) for row in (reply, value) if row is not None), default=None)
    question = None if of_decision else await find_last_question_in_chat(turn.connection, **whose)
    others = [said, None if decision is None else _order_of_decision(decision)]
    if question is not None and all(each is None or _order(question) > each for each in others):
        return await take_question_back(turn, question.id)
    if decision is not None and (
        of_decision or said is None or _order_of_decision(decision) > said
    ):
        if decision.kind == UNDO:
            return [await _refusal(turn, CannotUndo("nothing"))]
        if of_decision or confirmed == decision.id:
            return await undo_decision(turn, decision.id)
        return await ask_to_undo_decision(turn, decision.id)
    if value is not None and (reply is None or _order(value) > _order(reply)):
        if value.undoes_id is None:
            return await handle_target_undo(turn, value.id)
    elif reply is not None and reply.said != "undo":
        return await handle_undo(turn, reply.id, shown_list)
    return [await _refusal(turn, CannotUndo("nothing"))]


async def _refusal(turn: Turn, fault: CannotUndo) -> Answer:
    """Say why a reply is not taken back; where somebody acted on it, who and when."""
    outcome = None
    if fault.obligation_id is not None:
        obligation = await visible_obligation(turn, fault.obligation_id)
        if obligation is not None:
            outcome = await find_outcome(turn.connection, obligation.row, holder=obligation.holder)
    return Answer("cannot_undo", {"why": fault.why, "decided": outcome_context(outcome)})


def _order(row: Any) -> tuple[datetime, int]:
    return row.said_at, row.event_id or 0


def _order_of_decision(row: Any) -> tuple[datetime, int]:
    return row.decided_at, row.details.get("event") or 0


def _is_callers(turn: Turn, reply: Any) -> bool:
    """Tell whether a reply was given in this chat, or by the caller anywhere."""
    person_id = turn.caller.person_id
    return bool(
        reply.chat_id == turn.chat.id or (person_id is not None and reply.person_id == person_id)
    )


async def handle_undo(turn: Turn, reply_id: int, shown_list: ShownList | None) -> list[Answer]:
    """Take back a reply if it is the caller's own, of this chat or says otherwise than such a one."""
    reply = await replies.find_reply(turn.connection, reply_id)
    if reply is None or reply.obligation_id is None:
        return [Answer("unknown_item")]
    obligation = await visible_obligation(turn, reply.obligation_id)
    contradictions = await find_contradictions(turn.connection, [reply_id])
    is_own = _is_callers(turn, reply)
    if obligation is None or not (
        is_own or any(_is_callers(turn, pair.earlier) for pair in contradictions)
    ):
        return [Answer("unknown_item")]
    refused = reply_refusal(turn, "ack" if reply.said == "acknowledge" else "undo", obligation)
    if refused is not None:
        return [refused]
    try:
        undone = await undo.undo_reply(
            turn.connection,
            reply_id=reply_id,
            is_alone=not is_own,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            event_id=turn.event_id,
            now=turn.now,
        )
    except CannotUndo as fault:
        return [await _refusal(turn, fault)]
    ids = [row.obligation_id for row in undone]
    contradictions = await find_contradictions(turn.connection, [row.id for row in undone])
    await recompute(turn.connection, turn.registry, ids, today=turn.today)
    visible = await visible_obligations(turn, ids)
    lines = [
        {**visible[row.obligation_id].as_item(turn, number), "taken_back": row.said}
        for number, row in enumerate(undone, 1)
        if row.obligation_id in visible
    ]
    notices = await colleague_notices(turn, contradictions, withdrawn=True)
    for row in undone:
        template = _NOTICE_TEMPLATES.get(row.said)
        if template is not None and row.obligation_id in visible:
            context = {"withdrawn": True, "until": None, "words": ""}
            notices += await coordinator_notices(
                turn, visible[row.obligation_id], template, context
            )
    return [await _confirm_undo(turn, lines, shown_list), *notices]


async def _confirm_undo(
    turn: Turn, lines: list[dict[str, Any]], shown_list: ShownList | None
) -> Answer:
    """Confirm what was taken back, and show again the list or the choices that the chat shows of it.

    Numbers mean afterwards what they meant before: without such a list there is no new one.
    """
    context: dict[str, object] = {"taken_back": lines, "items": []}
    ids = [line["id"] for line in lines]
    source = await find_list_to_show(turn, shown_list, ids) if lines else None
    items: tuple[int, ...] = ()
    buttons: ButtonRows = ()
    if source is not None:
        view = await build_list_view(turn, source)
        context |= view.context
        items, buttons = view.items, view.buttons
    elif shown_list is not None and shown_list.obligation_ids == ids:
        context |= shown_list.numbers
        items, buttons = tuple(ids), reminder_buttons(0, lines)
    return Answer("undone", context, buttons, items, edits=turn.pressed_message_id)
