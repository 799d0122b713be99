"""An edited message: the correction is offered, and recorded only where the sender agrees.

Guarantees:
- An edit records nothing by itself; one that changes nothing is left alone.
- What was decided, answered since, or said longer than a day ago is not corrected; the sender is told.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from bot.conversation.context.buttons import UNNUMBERED
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligation
from bot.conversation.lists.last_list import ShownList, last_shown_list
from bot.conversation.lists.references import resolve_reference
from bot.conversation.reader.understand import Understanding
from bot.conversation.replies.batch import WHOLE_LIST_REFS, reply_from_reading
from bot.conversation.replies.dialogs import is_retraction
from bot.conversation.replies.record import REPLY_KINDS, Reply, handle_status, reply_refusal
from data.inbox import list_same_message
from data.models import Message, StatusReply, TargetValue
from data.progress import replies, undo
from data.progress.replies import PASSED_ON
from data.text import fold
from jobs.channel import Answer, Button

CORRECTION = "correction"  # template
NEW_WORDS = timedelta(minutes=15)  # an edit of what was not recorded counts as typed anew
_ASSENT = re.compile(
    r"(?:(?:da|vang|u|uh|ok|oke|okie|dung|dong y|sua|a|anh|chi|em|roi|di|nhe|giup|em|bot) ?){1,6}"
)
_OFFERED = frozenset({"doing", "not_yet", "done"})  # what an edit may correct an answer to


async def answer_correction(turn: Turn, reading: Understanding) -> list[Answer] | None:
    """Answer an edited message; None where nothing was recorded of it, so that its words count as new."""
    assert turn.incoming.corrects is not None
    events = await list_same_message(
        turn.connection,
        turn.incoming.account_id,
        turn.incoming.address,
        turn.incoming.corrects,
        before=turn.event_id,
        since=turn.now - undo.UNDO_WINDOW,
    )
    is_overheard = turn.caller.in_group and turn.incoming.reply_to is None
    if not events:
        return [] if is_overheard else [_told("too_old")]
    ids = [event.id for event in events]
    recorded = await _list_recorded(turn, ids)
    if turn.incoming.text.startswith("/"):
        return [] if is_overheard else [_told("command")]
    if not recorded:
        if await _gave_target_value(turn, ids):
            return [_told("target")]
        if turn.now - events[0].received_at <= NEW_WORDS:
            return None
        return [] if is_overheard else [_told("not_recorded")]
    if len(recorded) > 1:
        return [_told("several")]
    ((obligation_id, reply),) = recorded.items()
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return [Answer("unknown_item")]
    return await _offer(turn, obligation, reply, reading)


def is_assent(text: str) -> bool:
    """Tell whether words say yes to what was offered, and nothing else: "vâng ạ", "ok em"."""
    return _ASSENT.fullmatch(fold(text)) is not None


async def accept_correction(
    turn: Turn, obligation_id: int, shown_list: ShownList | None
) -> list[Answer]:
    """Record the correction that a message offered, if nothing was said or decided since."""
    offered = await _load_offer(turn, obligation_id, shown_list)
    obligation = await visible_obligation(turn, obligation_id)
    if offered is None or obligation is None:
        return [Answer("unknown_item")]
    last = await replies.find_last_reply(turn.connection, obligation_id)
    if last is None or last.id != offered["reply_id"]:
        return [_told("answered_since", obligation, turn)]
    now = offered["now"]
    refused = reply_refusal(turn, now["verb"], obligation)
    if refused is not None:
        return [refused]
    reply = Reply(
        now["verb"],
        percent=now["percent"],
        document=now["document"] or None,
        document_on=date.fromisoformat(now["document_on"]) if now["document_on"] else None,
        note=now["note"] or None,
    )
    return await handle_status(turn, reply, obligation, None)


async def decline_correction(
    turn: Turn, obligation_id: int, shown_list: ShownList | None
) -> list[Answer]:
    """Leave what was recorded."""
    offered = await _load_offer(turn, obligation_id, shown_list)
    obligation = await visible_obligation(turn, obligation_id)
    if offered is None or obligation is None:
        return [Answer("unknown_item")]
    return [_told("kept", obligation, turn)]


async def _offer(
    turn: Turn, obligation: VisibleObligation, recorded: Any, reading: Understanding
) -> list[Answer]:
    """Offer what an edited message says now of the one task of which it was recorded."""
    reply = await _read_correction(turn, obligation, reading)
    if reply is None or (reply.verb not in _OFFERED and REPLY_KINDS[reply.verb] != recorded.said):
        retracts = is_retraction(turn.incoming.text)
        return [_told("retracts" if retracts else "unclear", obligation, turn)]
    if _says_the_same(reply, recorded):
        return []
    if reply.verb not in _OFFERED:
        return [_told("unclear", obligation, turn)]
    last = await replies.find_last_reply(turn.connection, obligation.id)
    if obligation.row.state not in ("open", "submitted") or _was_returned(obligation, recorded):
        return [_told("decided", obligation, turn)]
    if last is None or last.id != recorded.id:
        return [_told("answered_since", obligation, turn)]
    verbs = {said: verb for verb, said in REPLY_KINDS.items()}
    context: dict[str, object] = {
        "why": "offer",
        "item": obligation.as_item(turn, 0),
        "reply_id": recorded.id,
        "was": {"verb": verbs[recorded.said], "percent": recorded.percent},
        "now": {
            "verb": reply.verb,
            "percent": reply.percent,
            "document": reply.document or "",
            "document_on": reply.document_on.isoformat() if reply.document_on else "",
            "note": reply.note or "",
        },
        **UNNUMBERED,
    }
    choices = (
        Button("Sửa", f"fix:{obligation.id}"),
        Button("Giữ như cũ", f"nofix:{obligation.id}"),
    )
    return [Answer(CORRECTION, context, (choices,), (obligation.id,))]


async def _read_correction(
    turn: Turn, obligation: VisibleObligation, reading: Understanding
) -> Reply | None:
    """Return what the words say now of the same task; None where they say nothing sure of it."""
    if reading.intent == "multi" or len(reading.tasks) > 1:
        return None
    if reading.tasks:
        ref = reading.tasks[0].ref
        if ref in WHOLE_LIST_REFS:
            return None
        meaning = await resolve_reference(turn, await last_shown_list(turn), ref)
        if obligation.id not in meaning.obligation_ids:
            return None
    return reply_from_reading(reading)


def _says_the_same(reply: Reply, recorded: Any) -> bool:
    if REPLY_KINDS[reply.verb] != recorded.said:
        return False
    if reply.verb in ("blocked", "more", "dispute", "question"):
        return bool((reply.note or "") == (recorded.note or "") and reply.until == recorded.until)
    is_new_document = reply.document is not None and reply.document != recorded.document
    return not is_new_document and bool(reply.percent == recorded.percent)


def _was_returned(obligation: VisibleObligation, recorded: Any) -> bool:
    returned_at = obligation.row.returned_at
    return returned_at is not None and returned_at >= recorded.said_at


async def _list_recorded(turn: Turn, event_ids: list[int]) -> dict[int, Any]:
    """Return the last reply that a message gave to each obligation, but what was taken back."""
    rows = await turn.connection.execute(
        select(StatusReply)
        .where(StatusReply.chat_id == turn.chat.id, StatusReply.event_id.in_(event_ids))
        .order_by(StatusReply.id)
    )
    given = {row.obligation_id: row for row in rows if row.said not in ("undo", *PASSED_ON)}
    if not given:
        return {}
    undone = set(
        await turn.connection.scalars(
            select(StatusReply.undoes_id).where(
                StatusReply.undoes_id.in_([row.id for row in given.values()])
            )
        )
    )
    return {key: row for key, row in given.items() if key is not None and row.id not in undone}


async def _gave_target_value(turn: Turn, event_ids: list[int]) -> bool:
    found = await turn.connection.scalar(
        select(TargetValue.id).where(TargetValue.event_id.in_(event_ids)).limit(1)
    )
    return found is not None


async def _load_offer(
    turn: Turn, obligation_id: int, shown_list: ShownList | None
) -> dict[str, Any] | None:
    if shown_list is None or shown_list.only_item != obligation_id:
        return None
    rows = await turn.connection.execute(
        select(Message.template, Message.context).where(Message.id == shown_list.message_id)
    )
    row = rows.one_or_none()
    return row.context if row is not None and row.template == CORRECTION else None


def _told(
    why: str, obligation: VisibleObligation | None = None, turn: Turn | None = None
) -> Answer:
    """Say why nothing is corrected. why: as templates/correction names it."""
    item = obligation.as_item(turn, 0) if obligation is not None and turn is not None else None
    return Answer(CORRECTION, {"why": why, "item": item, "was": None, "now": None})
