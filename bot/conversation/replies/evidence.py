"""The document or file that bears out a completion: asked for once, never forced.

Promises that a document's number belongs to the completion just recorded, and to no other; and that a
photo or file is kept for one task that is surely meant, or not at all.
"""

from __future__ import annotations

import re
from typing import Any

from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import last_shown_list
from bot.conversation.reader import targets as reply_targets
from bot.conversation.reader.understand import understand_reply
from bot.conversation.replies import record as reply_record
from bot.conversation.replies.record import Reply, load_for_reply
from data.progress import dialogs, evidence, replies
from data.text import fold
from jobs.channel import Answer

_LINK = re.compile(r"https?://[^\s<>\"]{4,400}", re.IGNORECASE)


async def take_evidence_document(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Add a document's number and date, or a link to it, to a completion; None where neither is named."""
    text = turn.incoming.text
    if reply_targets.read_target(text, today=turn.today) is not None:
        return None  # the document is where a target's figure is from
    link = _LINK.search(text)
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    if reading.document is None and fold(text).startswith("so "):
        text = f"báo cáo {text.strip()}"  # "số 123"
        reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    if (reading.document is None and link is None) or (reading.tasks and link is None):
        return None
    known = await load_for_reply(turn, "done", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    last = await replies.find_last_reply(turn.connection, known.row.id)
    reply_id = dialog.details["reply_id"]
    if known.row.state != "submitted" or last is None or last.id != reply_id:
        return None  # somebody answered again
    saying = Reply(
        "done",
        document=reading.document,
        document_on=reading.document_on,
        note=link[0] if link is not None else None,
    )
    added = await reply_record.record_and_recompute(turn, saying, known.row.id, adds_to=reply_id)
    return [
        await reply_record.reply_confirmation(turn, saying, known, None, added, is_addition=True)
    ]


async def take_evidence_files(turn: Turn) -> list[Answer]:
    """Keep photos and files for the task that was replied to, just reported as done, or shown alone.

    In a group only a reply is meant for us. What is of no kept type or too big is told, and the rest kept.
    """
    to_us = not turn.caller.in_group or turn.incoming.reply_to is not None
    obligation_id, reply_id = await _find_evidence_obligation(turn) if to_us else (None, None)
    if obligation_id is None:
        return [Answer("evidence_which")] if to_us else []
    known = await load_for_reply(turn, "done", obligation_id)
    if isinstance(known, Answer):
        return [known]
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
        "item": known.as_item(turn, 1),
        "kept": kept,
        "refused": refused,
        "done": known.row.state in ("submitted", "confirmed"),
        "most": evidence.MAX_EVIDENCE_BYTES // (1024 * 1024),
    }
    return [Answer("evidence_kept", context)]


async def _find_evidence_obligation(turn: Turn) -> tuple[int | None, int | None]:
    """Return the obligation that files are for, and the answer they bear out, if one was just given."""
    menu = await last_shown_list(turn)
    if menu is not None and menu.answers_it and menu.only_item is not None:
        return menu.only_item, None
    dialog = await dialogs.find_open_dialog(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
    if dialog is not None and dialog.asks == reply_record.EVIDENCE_QUESTION:
        return dialog.obligation_id, dialog.details["reply_id"]
    return (menu.only_item if menu is not None else None), None
