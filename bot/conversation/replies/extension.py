"""Extension requests: take the new date, then the reason, then notify the coordinator.

Guarantees:
- Nothing is recorded before date and reason are known.
- A refusal by the rules (too late, one is open, the cap is reached) comes before any question.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.notify import coordinator_notices
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions.extension import extension_decision_buttons
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.dates import asked_until, is_too_far, whens
from bot.conversation.reader.tokens import LONGEST, prepare
from bot.conversation.reader.understand import understand_reply
from bot.conversation.replies.record import (
    Reply,
    closed_answer,
    confirm_reply,
    load_for_reply,
    record_and_recompute,
)
from bot.conversation.replies.show import find_item_number
from data.progress import extensions
from data.progress.extensions import ExtensionAlreadyOpen, ExtensionCapReached, ExtensionTooLate
from data.progress.replies import ObligationNotOpen
from data.rules.ladder import UNDATED, effective_due
from data.text import fold
from jobs.channel import Answer, Button

EXTENSION_DATE_QUESTION = "extension_until"
EXTENSION_REASON_QUESTION = "extension_reason"
_MORE_TIME = re.compile(r"\b(?:them|lui|cham|keo dai)\b.*\b(?:ngay|hom|bua|tuan|thang)\b")
_GIVES_REASON = re.compile(
    r"\b(?:do|vi|boi|tai|ly do|nguyen nhan|cho|doi|thieu|chua co|chua nhan|chua duoc|vuong|kho khan"
    r"|de (?:bo sung|hoan thien|ra soat|tong hop|lay|xin|co)|can them thoi gian)\b"
)


async def handle_extension(
    turn: Turn, reply: Reply, obligation: VisibleObligation, shown_list: ShownList | None
) -> list[Answer]:
    """Take an extension request, and ask for the date or reason that it lacks."""
    refused = await extension_refusal(turn, obligation, shown_list)
    if refused is not None:
        return [refused]
    until = _count_from_due_date(turn, obligation, reply.until)
    return await _continue_request(
        turn,
        obligation,
        until=until,
        reason=extract_extension_reason(reply.note),
        shown_list=shown_list,
    )


async def take_extension_date(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the new date typed; None where the text answers something else."""
    obligation = await load_for_reply(turn, "more", dialog.obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    text = turn.incoming.text
    if _reports_status(turn, text):
        return None
    until = _count_from_due_date(turn, obligation, parse_extension_date(turn, text))
    reason = dialog.details.get("reason") or extract_extension_reason(text)
    if until is None:
        return [await _ask_until(turn, obligation, reason, _why_unread(turn) or "no_date")]
    return await _continue_request(turn, obligation, until=until, reason=reason, shown_list=None)


async def take_extension_reason(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the reason typed; None where the text answers something else."""
    obligation = await load_for_reply(turn, "more", dialog.obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    text = turn.incoming.text
    if _reports_status(turn, text):
        return None
    until = date.fromisoformat(dialog.details["until"])
    reason = text.strip()[:LONGEST] if is_reason(turn, text) else None
    return await _continue_request(turn, obligation, until=until, reason=reason, shown_list=None)


async def submit_extension_request(
    turn: Turn, obligation: VisibleObligation, *, until: date, reason: str
) -> tuple[int | None, list[Answer]]:
    """Record a request with its date and reason; returns the reply's id and the notices.

    Raises ObligationNotOpen, and the errors of data.progress.extensions.request_extension.
    """
    most = turn.registry.provinces[obligation.row.province].file.most_extensions
    await extensions.check_extension_allowed(
        turn.connection, obligation_id=obligation.id, max_granted=most, today=turn.today
    )
    reply = Reply("more", until=until, note=reason)
    reply_id = await record_and_recompute(turn, reply, obligation.id)
    request_id = await extensions.request_extension(
        turn.connection,
        obligation_id=obligation.id,
        until=until,
        reason=reason,
        reply_id=reply_id,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        now=turn.now,
        max_granted=most,
    )
    notices = await coordinator_notices(
        turn,
        obligation,
        "notice_extension",
        {"withdrawn": False, "until": until.isoformat(), "words": reason},
        buttons=extension_decision_buttons(request_id),
    )
    return reply_id, notices


async def extension_refusal(
    turn: Turn, obligation: VisibleObligation, shown_list: ShownList | None
) -> Answer | None:
    """Return the refusal of an extension request by the rules; None where one is allowed."""
    if obligation.row.state != "open":
        return await closed_answer(turn, obligation, shown_list, obligation.row.state)
    context: dict[str, object] = {
        "item": obligation.as_item(turn, find_item_number(shown_list, obligation.id)),
        "coordinator": obligation.row.coordinator_name or "",
        "until": None,
        "words": "",
        "cap": 0,
    }
    if obligation.row.kind == UNDATED:
        return Answer("extension_refused", {**context, "why": "undated"})
    most = turn.registry.provinces[obligation.row.province].file.most_extensions
    try:
        await extensions.check_extension_allowed(
            turn.connection, obligation_id=obligation.id, max_granted=most, today=turn.today
        )
    except ExtensionTooLate:
        return Answer("extension_refused", {**context, "why": "late"})
    except ExtensionAlreadyOpen as fault:
        request = fault.request
        context |= {"until": request.until.isoformat(), "words": request.reason}
        withdraw = Button("Rút đề nghị", f"undo:{request.reply_id}")
        rows = ((withdraw,),) if request.reply_id is not None else ()
        return Answer("extension_refused", {**context, "why": "asked"}, buttons=rows)
    except ExtensionCapReached as fault:
        return Answer("extension_refused", {**context, "why": "cap", "cap": fault.cap})
    return None


def find_date_fault(turn: Turn, obligation: VisibleObligation, until: date) -> str:
    """Return the fault of a date asked for, "not_after" or "too_far"; "" without one."""
    row = obligation.row
    if until <= max(row.due_on, row.extended_to or row.due_on, turn.today):
        return "not_after"
    return "too_far" if is_too_far(until, turn.today) else ""


def parse_extension_date(turn: Turn, text: str) -> date | None:
    """Return the day that words mean ("15/12", "thêm 1 tuần", "hết quý I/2027"), or None."""
    return asked_until(whens(prepare(text).bare, turn.today, turn.registry.workdays), turn.today)


def _why_unread(turn: Turn) -> str:
    """Return "lunar" where the words name a day of the moon's calendar, else ""."""
    found = whens(prepare(turn.incoming.text).bare, turn.today, turn.registry.workdays)
    return "lunar" if any(when.named == "lunar" for when in found) else ""


def _count_from_due_date(
    turn: Turn, obligation: VisibleObligation, until: date | None
) -> date | None:
    """Return the day asked for; "thêm 1 tuần" counts from the due date where it would end before it."""
    due_on = effective_due(obligation.row.due_on, obligation.row.extended_to)
    if until is None or until > due_on or not _MORE_TIME.search(fold(turn.incoming.text)):
        return until
    return asked_until(
        whens(prepare(turn.incoming.text).bare, due_on, turn.registry.workdays), due_on
    )


def extract_extension_reason(text: str | None) -> str | None:
    """Return the words of a request if they give a reason, else None."""
    if text is None or _GIVES_REASON.search(fold(text)) is None:
        return None
    return text.strip()[:LONGEST]


def is_reason(turn: Turn, text: str) -> bool:
    """Tell whether words can be a reason: no mere "vâng", no number, no question."""
    if len(fold(text).replace(" ", "")) < 4 or fold(text).replace(" ", "").isdecimal():
        return False
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    return reading.intent not in ("acknowledge", "question")


def _reports_status(turn: Turn, text: str) -> bool:
    """Tell whether words report a status instead: "2 xong", "xong rồi"."""
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    stated = [task.status for task in reading.tasks] or [reading.status]
    if "completed" in stated:
        return True
    return bool(reading.tasks) and any(
        task.status is not None or task.intent == "acknowledge" for task in reading.tasks
    )


async def _continue_request(
    turn: Turn,
    obligation: VisibleObligation,
    *,
    until: date | None,
    reason: str | None,
    shown_list: ShownList | None,
) -> list[Answer]:
    if until is None:
        return [await _ask_until(turn, obligation, reason, _why_unread(turn))]
    why = find_date_fault(turn, obligation, until)
    if why:
        return [await _ask_until(turn, obligation, reason, why, until)]
    refused = await extension_refusal(turn, obligation, shown_list)
    if refused is not None:
        return [refused]
    if reason is None:
        return [await _ask_reason(turn, obligation, until)]
    try:
        reply_id, notices = await submit_extension_request(
            turn, obligation, until=until, reason=reason
        )
    except ObligationNotOpen as fault:
        return [await closed_answer(turn, obligation, shown_list, fault.state)]
    is_notified = bool(notices) or bool(await list_decider_chats(turn, obligation))
    reply = Reply("more", until=until, note=reason)
    confirmation = await confirm_reply(
        turn, reply, obligation, shown_list, reply_id, is_notified=is_notified
    )
    return [*confirmation, *notices]


async def _ask_until(
    turn: Turn,
    obligation: VisibleObligation,
    reason: str | None,
    why: str,
    until: date | None = None,
) -> Answer:
    await open_question(turn, EXTENSION_DATE_QUESTION, obligation_id=obligation.id, reason=reason)
    return Answer(
        "ask_until",
        {
            "item": obligation.as_item(turn),
            "why": why,
            "until": until.isoformat() if until else None,
            "in_group": turn.caller.in_group,
        },
    )


async def _ask_reason(turn: Turn, obligation: VisibleObligation, until: date) -> Answer:
    obligation_id, until_on = obligation.id, until.isoformat()
    await open_question(
        turn, EXTENSION_REASON_QUESTION, obligation_id=obligation_id, until=until_on
    )
    return Answer(
        "ask_reason",
        {
            "item": obligation.as_item(turn),
            "verb": "more",
            "until": until_on,
            "in_group": turn.caller.in_group,
        },
    )
