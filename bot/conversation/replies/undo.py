"""Taking an answer back: "huỷ", or the button under what was said back.

Promises that only one's own answer, or one given in this chat, is taken back, and that who was told of it
hears of that too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.conversation.context.notify import coordinator_notices
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.lists.last_list import ShownList, list_by_message
from bot.conversation.queries import tasks as tasks_query
from bot.conversation.replies.record import reply_refusal
from bot.conversation.replies.show import build_list_view
from bot.conversation.targets.record import handle_target_undo
from data.progress import replies, undo
from data.progress.undo import CannotUndo
from data.targets import values as target_values
from jobs.channel import Answer
from jobs.planning.rungs import recompute

_NOTICE_TEMPLATES = {
    "extension": "notice_extension",
    "blocked": "notice_blocked",
    "dispute": "notice_dispute",
}


async def handle_undo_last(turn: Turn, menu: ShownList | None) -> list[Answer]:
    """Take back what this person said last in this chat, of the last 24 hours: of a task or of a target."""
    whose: dict[str, Any] = {
        "chat_id": turn.chat.id,
        "person_id": turn.caller.person_id,
        "since": turn.now - undo.UNDO_WINDOW,
    }
    reply = await undo.find_last_reply_in_chat(turn.connection, **whose)
    value = await target_values.find_last_target_value_in_chat(turn.connection, **whose)
    if value is not None and (reply is None or _order(value) > _order(reply)):
        if value.undoes_id is None:
            return await handle_target_undo(turn, value.id)
    elif reply is not None and reply.said != "undo":
        return await handle_undo(turn, reply.id, menu)
    return [Answer("cannot_undo", {"why": "nothing"})]


def _order(row: Any) -> tuple[datetime, int]:
    return row.said_at, row.event_id or 0


async def handle_undo(turn: Turn, reply_id: int, menu: ShownList | None) -> list[Answer]:
    """Take back one's own answer, or one given in this chat, if the caller may answer there."""
    reply = await replies.find_reply(turn.connection, reply_id)
    if reply is None or reply.obligation_id is None:
        return [Answer("unknown_item")]
    known = (await visible_obligations(turn, [reply.obligation_id])).get(reply.obligation_id)
    ours = reply.chat_id == turn.chat.id or (
        reply.person_id is not None and reply.person_id == turn.caller.person_id
    )
    if known is None or not ours:
        return [Answer("unknown_item")]
    refused = reply_refusal(turn, "ack" if reply.said == "acknowledge" else "undo", known)
    if refused is not None:
        return [refused]
    try:
        undone = await undo.undo_reply(
            turn.connection,
            reply_id=reply_id,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            event_id=turn.event_id,
            now=turn.now,
        )
    except CannotUndo as fault:
        return [Answer("cannot_undo", {"why": fault.why})]
    ids = [row.obligation_id for row in undone]
    await recompute(turn.connection, turn.registry, ids, today=turn.today)
    known_now = await visible_obligations(turn, ids)
    lines = [
        {**known_now[row.obligation_id].as_item(turn, number), "taken_back": row.said}
        for number, row in enumerate(undone, 1)
        if row.obligation_id in known_now
    ]
    told: list[Answer] = []
    for row in undone:
        template = _NOTICE_TEMPLATES.get(row.said)
        if template is not None and row.obligation_id in known_now:
            context = {"withdrawn": True, "until": None, "words": ""}
            told += await coordinator_notices(turn, known_now[row.obligation_id], template, context)
    context_back: dict[str, object] = {"taken_back": lines, "items": []}
    shown = menu
    if menu is not None and menu.list_id is not None:
        shown = await list_by_message(turn, menu.list_id)
    about = shown is not None and any(item in ids for _, item in shown.items)
    if shown is not None and about and (shown.only_item is None or shown.is_page):
        again, shown_ids, buttons = await build_list_view(turn, shown)
        context_back |= again
    else:
        shown_ids, buttons = tuple(line["id"] for line in lines), tasks_query.list_buttons(lines)
    return [
        Answer(
            "undone", context_back, buttons=buttons, items=shown_ids, edits=turn.pressed_message_id
        ),
        *told,
    ]
