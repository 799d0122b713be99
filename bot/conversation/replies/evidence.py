"""Evidence of a completion: a document's number, a link, photos and files; asked once, never required.

Guarantees:
- A document belongs to the completion just recorded, and to no other.
- A photo or file is kept for one task that is surely meant, or not at all.
"""

from __future__ import annotations

import re
from typing import Any

from bot.conversation.context.dialogs import find_open_question
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import last_shown_list
from bot.conversation.reader.targets import read_target
from bot.conversation.reader.understand import understand_reply
from bot.conversation.replies.record import (
    EVIDENCE_QUESTION,
    Reply,
    confirm_reply,
    load_for_reply,
    record_and_recompute,
)
from data.progress import evidence, replies
from data.text import fold
from jobs.channel import Answer

_LINK = re.compile(r"https?://[^\s<>\"]{4,400}", re.IGNORECASE)


async def take_evidence_document(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Add a document's number and date, or a link, to a completion; None where the words name neither."""
    text = turn.incoming.text
    if read_target(text, today=turn.today) is not None:
        return None  # the document is the source of a target's value
    link = _LINK.search(text)
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    if reading.document is None and fold(text).startswith("so "):
        text = f"báo cáo {text.strip()}"  # "số 123"
        reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    if (reading.document is None and link is None) or (reading.tasks and link is None):
        return None
    obligation = await load_for_reply(turn, "done", dialog.obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    last = await replies.find_last_reply(turn.connection, obligation.id)
    reply_id = dialog.details["reply_id"]
    if obligation.row.state != "submitted" or last is None or last.id != reply_id:
        return None  # a later reply came
    reply = Reply(
        "done",
        document=reading.document,
        document_on=reading.document_on,
        note=link[0] if link is not None else None,
    )
    added = await record_and_recompute(turn, reply, obligation.id, adds_to=reply_id)
    return await confirm_reply(turn, reply, obligation, None, added, is_addition=True)


async def take_evidence_files(turn: Turn) -> list[Answer]:
    """Keep photos and files for the task that was replied to, just reported as done, or shown alone.

    In a group only a reply is meant for the bot. The answer names each file of a refused type or size.
    """
    to_us = not turn.caller.in_group or turn.incoming.reply_to is not None
    obligation_id, reply_id = await _find_evidence_obligation(turn) if to_us else (None, None)
    if obligation_id is None:
        return [Answer("evidence_which")] if to_us else []
    obligation = await load_for_reply(turn, "done", obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    kept: list[dict[str, object]] = []
    refused: list[dict[str, object]] = []
    for file in turn.incoming.files:
        name = file.name[:80] or "tệp"
        if file.content is None:
            refused.append({"name": name, "why": file.fault or "lost"})
            continue
        try:
            piece = await evidence.store_evidence(
                turn.connection,
                obligation_id=obligation_id,
                reply_id=reply_id,
                name=file.name,
                content=file.content,
                person_id=turn.caller.person_id,
                chat_id=turn.chat.id,
                now=turn.now,
            )
        except evidence.EvidenceTooBig:
            refused.append({"name": name, "why": "too_big"})
        except evidence.EvidenceTypeNotAllowed:
            refused.append({"name": name, "why": "not_allowed"})
        else:
            kept.append({"name": piece.name, "repeated": piece.is_duplicate})
    context: dict[str, object] = {
        "item": obligation.as_item(turn),
        "kept": kept,
        "refused": refused,
        "done": obligation.row.state in ("submitted", "confirmed"),
        "most": evidence.MAX_EVIDENCE_BYTES // (1024 * 1024),
    }
    return [Answer("evidence_kept", context)]


async def _find_evidence_obligation(turn: Turn) -> tuple[int | None, int | None]:
    """Return the obligation that files are for, and the reply just given about it, if any."""
    shown_list = await last_shown_list(turn)
    if shown_list is not None and shown_list.answers_it and shown_list.only_item is not None:
        return shown_list.only_item, None
    dialog = await find_open_question(turn)
    if dialog is not None and dialog.asks == EVIDENCE_QUESTION:
        return dialog.obligation_id, dialog.details["reply_id"]
    return (shown_list.only_item if shown_list is not None else None), None
