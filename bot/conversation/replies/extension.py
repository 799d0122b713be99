"""Asking for more time: the new date, then the reason, then whoever decides hears of it.

Promises that nothing is recorded before both are known, that the date is a real one after the due date,
and that what the rules forbid (too late, asked already, granted as often as may be) is told before
anything is asked.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from bot.conversation.context.notify import coordinator_notices, list_chats_to_notify
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.dates import asked_until, whens
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.understand import understand_reply
from bot.conversation.replies import record as reply_record
from bot.conversation.replies.record import Reply, load_for_reply
from bot.conversation.replies.show import find_item_number
from data.progress import dialogs, extensions
from data.progress.extensions import ExtensionAlreadyOpen, ExtensionCapReached, ExtensionTooLate
from data.progress.replies import ObligationNotOpen
from data.rules.ladder import UNDATED, effective_due
from data.text import fold
from jobs.channel import Answer, Button

EXTENSION_DATE_QUESTION = "extension_until"
EXTENSION_REASON_QUESTION = "extension_reason"

LONGEST_REASON = 500  # characters
_FARTHEST = timedelta(days=366 * 5)  # what lies beyond is a slip of the finger
_MORE_TIME = re.compile(r"\b(?:them|lui|cham|keo dai)\b.*\b(?:ngay|hom|bua|tuan|thang)\b")
_GIVES_REASON = re.compile(
    r"\b(?:do|vi|boi|tai|ly do|nguyen nhan|cho|doi|thieu|chua co|chua nhan|chua duoc|vuong|kho khan"
    r"|de (?:bo sung|hoan thien|ra soat|tong hop|lay|xin|co)|can them thoi gian)\b"
)


async def handle_extension(
    turn: Turn, saying: Reply, obligation_id: int, menu: ShownList | None
) -> list[Answer]:
    """Take a request for more time as far as it was said, and ask for what is missing."""
    known = await load_for_reply(turn, "more", obligation_id)
    if isinstance(known, Answer):
        return [known]
    refused = await extension_refusal(turn, known, find_item_number(menu, obligation_id))
    if refused is not None:
        return [refused]
    until = _count_from_due_date(turn, known, saying.until)
    return await _continue_request(
        turn, known, until=until, reason=extract_extension_reason(saying.note), menu=menu
    )


async def take_extension_date(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the new date as typed; None where the text answers something else."""
    known = await load_for_reply(turn, "more", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    text = turn.incoming.text
    if _speaks_of_a_state(turn, text):
        return None
    until = _count_from_due_date(turn, known, parse_extension_date(turn, text))
    reason = dialog.details.get("reason") or extract_extension_reason(text)
    if until is None:
        return [await _ask_until(turn, known, reason, "no_date")]
    return await _continue_request(turn, known, until=until, reason=reason, menu=None)


async def take_extension_reason(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the reason as typed; None where the text answers something else."""
    known = await load_for_reply(turn, "more", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    text = turn.incoming.text
    if _speaks_of_a_state(turn, text):
        return None
    until = date.fromisoformat(dialog.details["until"])
    reason = text.strip()[:LONGEST_REASON] if is_reason(turn, text) else None
    return await _continue_request(turn, known, until=until, reason=reason, menu=None)


async def submit_extension_request(
    turn: Turn, known: VisibleObligation, *, until: date, reason: str
) -> tuple[int | None, list[Answer]]:
    """Record a request whose date and reason are known; returns the reply's id and the notices.

    Raises NotOpen, and what data.progress.extensions.request_extension raises.
    """
    most = turn.registry.provinces[known.row.province].file.most_extensions
    await extensions.check_extension_allowed(
        turn.connection, obligation_id=known.row.id, max_granted=most, today=turn.today
    )
    saying = Reply("more", until=until, note=reason)
    reply_id = await reply_record.record_and_recompute(turn, saying, known.row.id)
    request_id = await extensions.request_extension(
        turn.connection,
        obligation_id=known.row.id,
        until=until,
        reason=reason,
        reply_id=reply_id,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        now=turn.now,
        max_granted=most,
    )
    buttons = (
        (Button("Đồng ý", f"grant:{request_id}"), Button("Không đồng ý", f"refuse:{request_id}")),
        (Button("Đề nghị ngày khác", f"offer:{request_id}"),),
    )
    context = {"withdrawn": False, "until": until.isoformat(), "words": reason}
    told = await coordinator_notices(turn, known, "notice_extension", context, buttons=buttons)
    return reply_id, told


async def extension_refusal(turn: Turn, known: VisibleObligation, number: int) -> Answer | None:
    """Return the answer that tells why no more time can be asked for; None where it can."""
    if known.row.state != "open":
        return Answer("closed", {"item": known.as_item(turn, number), "state": known.row.state})
    context: dict[str, object] = {
        "item": known.as_item(turn, number),
        "coordinator": known.row.coordinator_name or "",
        "until": None,
        "words": "",
        "cap": 0,
    }
    if known.row.kind == UNDATED:
        return Answer("extension_refused", {**context, "why": "undated"})
    most = turn.registry.provinces[known.row.province].file.most_extensions
    try:
        await extensions.check_extension_allowed(
            turn.connection, obligation_id=known.row.id, max_granted=most, today=turn.today
        )
    except ExtensionTooLate:
        return Answer("extension_refused", {**context, "why": "late"})
    except ExtensionAlreadyOpen as fault:
        asked = fault.request
        context = {**context, "until": asked.until.isoformat(), "words": asked.reason}
        take_back = Button("Rút đề nghị", f"undo:{asked.reply_id}")
        rows = ((take_back,),) if asked.reply_id is not None else ()
        return Answer("extension_refused", {**context, "why": "asked"}, buttons=rows)
    except ExtensionCapReached as fault:
        return Answer("extension_refused", {**context, "why": "cap", "cap": fault.cap})
    return None


def find_date_fault(turn: Turn, known: VisibleObligation, until: date) -> str:
    """Return why a date cannot be asked for: "not_after", "too_far", or "" where it can."""
    if until <= max(known.row.due_on, known.row.extended_to or known.row.due_on, turn.today):
        return "not_after"
    return "too_far" if until > turn.today + _FARTHEST else ""


def parse_extension_date(turn: Turn, text: str) -> date | None:
    """Return the day that typed words mean ("15/12", "thêm 1 tuần", "hết quý I/2027"), or None."""
    return asked_until(whens(plain(text), turn.today, turn.registry.workdays), turn.today)


def _count_from_due_date(turn: Turn, known: VisibleObligation, until: date | None) -> date | None:
    """Return the day asked for; "thêm 1 tuần" that would end before the due date counts from that one."""
    due_on = effective_due(known.row.due_on, known.row.extended_to)
    if until is None or until > due_on or not _MORE_TIME.search(fold(turn.incoming.text)):
        return until
    return asked_until(whens(plain(turn.incoming.text), due_on, turn.registry.workdays), due_on)


def extract_extension_reason(text: str | None) -> str | None:
    """Return the words of a request if they give a reason, else None."""
    if text is None or _GIVES_REASON.search(fold(text)) is None:
        return None
    return text.strip()[:LONGEST_REASON]


def is_reason(turn: Turn, text: str) -> bool:
    """Tell whether typed words can be a reason: not a mere "vâng", a number or a question."""
    if len(fold(text).replace(" ", "")) < 4 or fold(text).replace(" ", "").isdecimal():
        return False
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    return reading.intent not in ("acknowledge", "question")


def _speaks_of_a_state(turn: Turn, text: str) -> bool:
    """Tell whether words answer for a task instead: "2 xong", "xong rồi"."""
    reading = understand_reply(text, today=turn.today, workdays=turn.registry.workdays)
    stated = [task.status for task in reading.tasks] or [reading.status]
    if "completed" in stated:
        return True
    return bool(reading.tasks) and any(
        task.status is not None or task.intent == "acknowledge" for task in reading.tasks
    )


async def _continue_request(
    turn: Turn,
    known: VisibleObligation,
    *,
    until: date | None,
    reason: str | None,
    menu: ShownList | None,
) -> list[Answer]:
    if until is None:
        return [await _ask_until(turn, known, reason, "")]
    why = find_date_fault(turn, known, until)
    if why:
        return [await _ask_until(turn, known, reason, why, until)]
    refused = await extension_refusal(turn, known, find_item_number(menu, known.row.id))
    if refused is not None:
        return [refused]
    if reason is None:
        return [await _ask_reason(turn, known, until)]
    try:
        reply_id, told = await submit_extension_request(turn, known, until=until, reason=reason)
    except ObligationNotOpen as fault:
        return [reply_record.closed_answer(turn, known, menu, fault.state)]
    heard = bool(told) or bool(await list_chats_to_notify(turn, known))
    saying = Reply("more", until=until, note=reason)
    return [
        await reply_record.reply_confirmation(
            turn, saying, known, menu, reply_id, is_notified=heard
        ),
        *told,
    ]


async def _ask_until(
    turn: Turn, known: VisibleObligation, reason: str | None, why: str, until: date | None = None
) -> Answer:
    await _ask(turn, known, EXTENSION_DATE_QUESTION, {"reason": reason})
    return Answer(
        "ask_until",
        {
            "item": known.as_item(turn, 1),
            "why": why,
            "until": until.isoformat() if until else None,
            "in_group": turn.caller.in_group,
        },
    )


async def _ask_reason(turn: Turn, known: VisibleObligation, until: date) -> Answer:
    await _ask(turn, known, EXTENSION_REASON_QUESTION, {"until": until.isoformat()})
    return Answer(
        "ask_reason",
        {
            "item": (await visible_obligations(turn, [known.row.id]))[known.row.id].as_item(
                turn, 1
            ),
            "verb": "more",
            "until": until.isoformat(),
            "in_group": turn.caller.in_group,
        },
    )


async def _ask(turn: Turn, known: VisibleObligation, asks: str, details: dict[str, Any]) -> None:
    await dialogs.open_dialog(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        asks=asks,
        obligation_id=known.row.id,
        details=details,
        now=turn.now,
    )
