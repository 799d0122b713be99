"""Evidence of an answer: a document's number, a link, photos and files; asked once, never required.

Guarantees:
- A document belongs to the completion just recorded, and to no other.
- A photo or file is kept for what the words beneath it report, else for one task that is surely meant, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from bot.conversation.context.dialogs import find_open_question
from bot.conversation.context.sent_files import keep_sent_files
from bot.conversation.context.turn import Turn
from bot.conversation.lists.confirmed import list_confirmed_tasks
from bot.conversation.lists.last_list import last_shown_list
from bot.conversation.lists.numbers import list_numbered_items
from bot.conversation.reader.asked_document import AskedDocument, read_asked_document
from bot.conversation.reader.objections import objects_to_figures
from bot.conversation.reader.targets import read_target
from bot.conversation.reader.understand import Understanding, understand_reply
from bot.conversation.replies.record import (
    EVIDENCE_QUESTION,
    Reply,
    confirm_reply,
    load_for_reply,
    record_and_recompute,
)
from data.models import StatusReply
from data.progress import dialogs, evidence, replies
from data.progress.undo import find_last_reply_in_chat
from data.reports.result_words import read_result_words
from jobs.channel import Answer

_LINK = re.compile(r"https?://[^\s<>\"]{4,400}", re.IGNORECASE)
_MOST_TASKS = 5  # that one photo bears out


@dataclass(frozen=True, slots=True)
class _Meant:
    """An obligation that files are for, and the reply just given about it, if any."""

    obligation_id: int
    reply_id: int | None = None


async def take_evidence_document(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Add a document's number and date, a link, or a sentence of result to a completion; None for other words.

    A bare number that the chat shows before an item, or as a choice, means that.
    """
    text = turn.incoming.text
    if read_target(text, today=turn.today) is not None:
        return None  # the document is the source of a target's value
    if objects_to_figures(text):
        return None  # what an objection names bears out no completion
    link = _LINK.search(text)
    result: str | None = None
    document = read_asked_document(text, today=turn.today)
    if document is None:
        reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
        if reading.tasks and link is None:
            return None
        result = read_result_words(text, document=reading.document or "")
        if reading.document is None and link is None and result is None:
            return None
        document = AskedDocument(reading.document or "", reading.document_on)
    elif text.strip().isdecimal() and await _is_shown_number(turn, int(text)):
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
        document=document.number or None,
        document_on=document.on,
        note=text.strip() if result else link[0] if link is not None else None,
    )
    added = await record_and_recompute(turn, reply, obligation.id, adds_to=reply_id)
    shown = replace(reply, note=result or reply.note)
    return await confirm_reply(turn, shown, obligation, None, added, is_addition=True)


async def _is_shown_number(turn: Turn, number: int) -> bool:
    shown_list = await last_shown_list(turn)
    if shown_list is None:
        return False
    if turn.types_choices and shown_list.find_action(number) is not None:
        return True
    return any(item.number == number for item in await list_numbered_items(turn, shown_list))


def only_names_document(turn: Turn) -> AskedDocument | None:
    """Return the document that the words beneath a file name, where they say nothing else."""
    text = turn.incoming.text
    document = read_asked_document(text, today=turn.today)
    if document is not None and not text.strip().isdecimal():
        return document
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    if reading.intent != "unclear" or reading.tasks or reading.document is None:
        return None
    return AskedDocument(reading.document, reading.document_on)


async def take_evidence_files(
    turn: Turn,
    answers: Sequence[Answer] = (),
    document: AskedDocument | None = None,
    *,
    named: int | None = None,
) -> list[Answer]:
    """Keep photos and files for what was just answered, replied to, reported as done, or shown alone.

    answers: those to the words beneath. document, named: what these name, and say nothing of. In a group only
    a reply is meant for the bot. The answer names each file of a refused type or size; a later part of an
    album has none, unless it is refused.
    """
    to_us = not turn.caller.in_group or turn.incoming.reply_to is not None
    begun = await _list_begun(turn) if to_us and not answers and named is None else []
    meant = begun or ([] if named is None else [_Meant(named)])
    if to_us and not meant:
        meant = await _find_meant(turn, answers)
    if not meant or not to_us:
        return [Answer("evidence_which")] if to_us else []
    stored: list[Answer] = []
    for each in meant[:_MOST_TASKS]:
        answer = await _keep_files(turn, each, document, others=len(meant) - 1)
        if answer.template != "evidence_kept":
            return [answer]
        stored.append(answer)
    is_told = bool(begun) and not any(answer.context["refused"] for answer in stored)
    return [] if is_told else stored[:1]


async def keep_for_named_task(turn: Turn, reading: Understanding, named: int) -> list[Answer]:
    """Keep files for a task that the words beneath name, with the document's number that these give."""
    document = None
    if reading.document is not None:
        document = AskedDocument(reading.document, reading.document_on)
    return await take_evidence_files(turn, document=document, named=named)


async def _keep_files(
    turn: Turn, meant: _Meant, document: AskedDocument | None, *, others: int
) -> Answer:
    obligation = await load_for_reply(turn, "done", meant.obligation_id)
    if isinstance(obligation, Answer):
        return obligation
    number, day = document if document is not None else (None, None)

    async def keep(name: str, content: bytes) -> dict[str, object]:
        piece = await evidence.store_evidence(
            turn.connection,
            obligation_id=meant.obligation_id,
            reply_id=meant.reply_id,
            name=name,
            content=content,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            now=turn.now,
            document=number,
            document_on=day,
            album=turn.incoming.album,
        )
        return {"name": piece.name, "repeated": piece.is_duplicate}

    kept, refused = await keep_sent_files(turn, keep)
    context: dict[str, object] = {
        "item": obligation.as_item(turn),
        "others": others,
        "kept": kept,
        "refused": refused,
        "document": number or "",
        "document_on": _iso(day),
        "done": obligation.row.state in ("submitted", "confirmed"),
        "most": evidence.MAX_EVIDENCE_BYTES // (1024 * 1024),
    }
    return Answer("evidence_kept", context)


async def _list_begun(turn: Turn) -> list[_Meant]:
    """Return what earlier parts of this album were kept for."""
    if not turn.incoming.album:
        return []
    tasks = await evidence.list_album_tasks(turn.connection, turn.chat.id, turn.incoming.album)
    return [_Meant(obligation_id, reply_id) for obligation_id, reply_id in tasks]


async def _find_meant(turn: Turn, answers: Sequence[Answer]) -> list[_Meant]:
    """Return the obligations that files are for: those that the words beneath spoke of go first."""
    spoken = [key for answer in answers for key in _spoken_of(answer)]
    if spoken:
        given = await _list_own_replies(turn, turn.event_id)
        return [_Meant(key, given.get(key)) for key in dict.fromkeys(spoken)]
    if any(answer.template == "ask" for answer in answers):
        return []  # the words spoke of a task that is not surely known
    confirmed = await list_confirmed_tasks(turn)
    if len(confirmed) > 1:
        return [_Meant(key) for key in confirmed]
    shown_list = await last_shown_list(turn)
    if shown_list is not None and shown_list.answers_it and shown_list.only_item is not None:
        return [_Meant(shown_list.only_item)]
    dialog = await find_open_question(turn)
    if dialog is not None and dialog.asks == EVIDENCE_QUESTION:
        return [_Meant(dialog.obligation_id, dialog.details["reply_id"])]
    if shown_list is not None and not shown_list.doubtful and shown_list.only_item is not None:
        return [_Meant(shown_list.only_item)]
    last = await find_last_reply_in_chat(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        since=turn.now - timedelta(minutes=dialogs.DIALOG_MINUTES),
    )
    if last is None or last.said != "completed" or last.obligation_id is None:
        return []
    together = await _list_own_replies(turn, last.event_id)
    return [_Meant(key, reply) for key, reply in together.items()] or [
        _Meant(last.obligation_id, last.id)
    ]


def _spoken_of(answer: Answer) -> list[int]:
    """Return the obligations that an answer recorded something of, or that take no replies any more."""
    lines: list[Any] = []
    if answer.template in ("recorded", "closed"):
        lines = [answer.context["item"]]
    elif answer.template == "recorded_several":
        recorded = answer.context["recorded"]
        lines = recorded if isinstance(recorded, list) else []
    return [int(line["id"]) for line in lines]


async def _list_own_replies(turn: Turn, event_id: int | None) -> dict[int, int]:
    """Return the reply that a message gave to each obligation."""
    if event_id is None:
        return {}
    rows = await turn.connection.execute(
        select(StatusReply.obligation_id, StatusReply.id)
        .where(StatusReply.chat_id == turn.chat.id, StatusReply.event_id == event_id)
        .order_by(StatusReply.id)
    )
    return {row.obligation_id: row.id for row in rows if row.obligation_id is not None}


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
