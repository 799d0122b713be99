"""Asking for more time: the new date, then the reason, then whoever decides hears of it.

Promises that nothing is recorded before both are known, that the date is a real one after the due date,
and that what the rules forbid (too late, asked already, granted as often as may be) is told before
anything is asked.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from bot.conversation.context.notify import listeners, notices
from bot.conversation.context.turn import Known, Turn, look_up
from bot.conversation.lists.last_list import Menu
from bot.conversation.reader.dates import asked_until, whens
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.understand import understand
from bot.conversation.replies import record as answering
from bot.conversation.replies.record import Saying, allowed
from bot.conversation.replies.show import number_in
from data.progress import dialogs, extensions
from data.progress.extensions import AlreadyAsked, CapReached, TooLate
from data.progress.replies import NotOpen
from data.rules.ladder import UNDATED, effective_due
from data.text import fold
from jobs.channel import Answer, Button

UNTIL = "extension_until"
REASON = "extension_reason"

LONGEST_REASON = 500  # characters
_FARTHEST = timedelta(days=366 * 5)  # what lies beyond is a slip of the finger
_MORE_TIME = re.compile(r"\b(?:them|lui|cham|keo dai)\b.*\b(?:ngay|hom|bua|tuan|thang)\b")
_GIVES_REASON = re.compile(
    r"\b(?:do|vi|boi|tai|ly do|nguyen nhan|cho|doi|thieu|chua co|chua nhan|chua duoc|vuong|kho khan"
    r"|de (?:bo sung|hoan thien|ra soat|tong hop|lay|xin|co)|can them thoi gian)\b"
)


async def extension(
    turn: Turn, saying: Saying, obligation_id: int, menu: Menu | None
) -> list[Answer]:
    """Take a request for more time as far as it was said, and ask for what is missing."""
    known = await allowed(turn, "more", obligation_id)
    if isinstance(known, Answer):
        return [known]
    refused = await refusal(turn, known, number_in(menu, obligation_id))
    if refused is not None:
        return [refused]
    until = _after_the_due_date(turn, known, saying.until)
    return await _go_on(turn, known, until=until, reason=reason_in(saying.note), menu=menu)


async def until_given(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the new date as typed; None where the text answers something else."""
    known = await allowed(turn, "more", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    text = turn.incoming.text
    if _speaks_of_a_state(turn, text):
        return None
    until = _after_the_due_date(turn, known, day_in(turn, text))
    reason = dialog.details.get("reason") or reason_in(text)
    if until is None:
        return [await _ask_until(turn, known, reason, "no_date")]
    return await _go_on(turn, known, until=until, reason=reason, menu=None)


async def reason_given(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the reason as typed; None where the text answers something else."""
    known = await allowed(turn, "more", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    text = turn.incoming.text
    if _speaks_of_a_state(turn, text):
        return None
    until = date.fromisoformat(dialog.details["until"])
    reason = text.strip()[:LONGEST_REASON] if is_reason(turn, text) else None
    return await _go_on(turn, known, until=until, reason=reason, menu=None)


async def ask_for(
    turn: Turn, known: Known, *, until: date, reason: str
) -> tuple[int | None, list[Answer]]:
    """Record a request whose date and reason are known; returns the reply's id and the notices.

    Raises NotOpen, and what data.progress.extensions.request raises.
    """
    most = turn.registry.provinces[known.row.province].file.most_extensions
    await extensions.check(turn.connection, obligation_id=known.row.id, most=most, today=turn.today)
    saying = Saying("more", until=until, note=reason)
    reply_id = await answering.record(turn, saying, known.row.id)
    request_id = await extensions.request(
        turn.connection,
        obligation_id=known.row.id,
        until=until,
        reason=reason,
        reply_id=reply_id,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        now=turn.now,
        most=most,
    )
    buttons = (
        (Button("Đồng ý", f"grant:{request_id}"), Button("Không đồng ý", f"refuse:{request_id}")),
        (Button("Đề nghị ngày khác", f"offer:{request_id}"),),
    )
    context = {"withdrawn": False, "until": until.isoformat(), "words": reason}
    told = await notices(turn, known, "notice_extension", context, buttons=buttons)
    return reply_id, told


async def refusal(turn: Turn, known: Known, number: int) -> Answer | None:
    """Return the answer that tells why no more time can be asked for; None where it can."""
    if known.row.state != "open":
        return Answer("closed", {"item": known.line(turn, number), "state": known.row.state})
    context: dict[str, object] = {
        "item": known.line(turn, number),
        "coordinator": known.row.coordinator_name or "",
        "until": None,
        "words": "",
        "cap": 0,
    }
    if known.row.kind == UNDATED:
        return Answer("extension_refused", {**context, "why": "undated"})
    most = turn.registry.provinces[known.row.province].file.most_extensions
    try:
        await extensions.check(
            turn.connection, obligation_id=known.row.id, most=most, today=turn.today
        )
    except TooLate:
        return Answer("extension_refused", {**context, "why": "late"})
    except AlreadyAsked as fault:
        asked = fault.request
        context = {**context, "until": asked.until.isoformat(), "words": asked.reason}
        take_back = Button("Rút đề nghị", f"undo:{asked.reply_id}")
        rows = ((take_back,),) if asked.reply_id is not None else ()
        return Answer("extension_refused", {**context, "why": "asked"}, buttons=rows)
    except CapReached as fault:
        return Answer("extension_refused", {**context, "why": "cap", "cap": fault.cap})
    return None


def misfit(turn: Turn, known: Known, until: date) -> str:
    """Return why a date cannot be asked for: "not_after", "too_far", or "" where it can."""
    if until <= max(known.row.due_on, known.row.extended_to or known.row.due_on, turn.today):
        return "not_after"
    return "too_far" if until > turn.today + _FARTHEST else ""


def day_in(turn: Turn, text: str) -> date | None:
    """Return the day that typed words mean ("15/12", "thêm 1 tuần", "hết quý I/2027"), or None."""
    return asked_until(whens(plain(text), turn.today, turn.registry.workdays), turn.today)


def _after_the_due_date(turn: Turn, known: Known, until: date | None) -> date | None:
    """Return the day asked for; "thêm 1 tuần" that would end before the due date counts from that one."""
    due_on = effective_due(known.row.due_on, known.row.extended_to)
    if until is None or until > due_on or not _MORE_TIME.search(fold(turn.incoming.text)):
        return until
    return asked_until(whens(plain(turn.incoming.text), due_on, turn.registry.workdays), due_on)


def reason_in(text: str | None) -> str | None:
    """Return the words of a request if they give a reason, else None."""
    if text is None or _GIVES_REASON.search(fold(text)) is None:
        return None
    return text.strip()[:LONGEST_REASON]


def is_reason(turn: Turn, text: str) -> bool:
    """Tell whether typed words can be a reason: not a mere "vâng", a number or a question."""
    if len(fold(text).replace(" ", "")) < 4 or fold(text).replace(" ", "").isdecimal():
        return False
    reading = understand(text, today=turn.today, workdays=turn.registry.workdays)
    return reading.intent not in ("acknowledge", "question")


def _speaks_of_a_state(turn: Turn, text: str) -> bool:
    """Tell whether words answer for a task instead: "2 xong", "xong rồi"."""
    reading = understand(text, today=turn.today, workdays=turn.registry.workdays)
    stated = [task.status for task in reading.tasks] or [reading.status]
    if "completed" in stated:
        return True
    return bool(reading.tasks) and any(
        task.status is not None or task.intent == "acknowledge" for task in reading.tasks
    )


async def _go_on(
    turn: Turn, known: Known, *, until: date | None, reason: str | None, menu: Menu | None
) -> list[Answer]:
    if until is None:
        return [await _ask_until(turn, known, reason, "")]
    why = misfit(turn, known, until)
    if why:
        return [await _ask_until(turn, known, reason, why, until)]
    refused = await refusal(turn, known, number_in(menu, known.row.id))
    if refused is not None:
        return [refused]
    if reason is None:
        return [await _ask_reason(turn, known, until)]
    try:
        reply_id, told = await ask_for(turn, known, until=until, reason=reason)
    except NotOpen as fault:
        return [answering.closed(turn, known, menu, fault.state)]
    heard = bool(told) or bool(await listeners(turn, known))
    saying = Saying("more", until=until, note=reason)
    return [await answering.echo(turn, saying, known, menu, reply_id, told=heard), *told]


async def _ask_until(
    turn: Turn, known: Known, reason: str | None, why: str, until: date | None = None
) -> Answer:
    await _ask(turn, known, UNTIL, {"reason": reason})
    return Answer(
        "ask_until",
        {
            "item": known.line(turn, 1),
            "why": why,
            "until": until.isoformat() if until else None,
            "in_group": turn.caller.in_group,
        },
    )


async def _ask_reason(turn: Turn, known: Known, until: date) -> Answer:
    await _ask(turn, known, REASON, {"until": until.isoformat()})
    return Answer(
        "ask_reason",
        {
            "item": (await look_up(turn, [known.row.id]))[known.row.id].line(turn, 1),
            "verb": "more",
            "until": until.isoformat(),
            "in_group": turn.caller.in_group,
        },
    )


async def _ask(turn: Turn, known: Known, asks: str, details: dict[str, Any]) -> None:
    await dialogs.ask(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        asks=asks,
        obligation_id=known.row.id,
        details=details,
        now=turn.now,
    )
