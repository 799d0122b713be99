"""Several tasks answered in one go: "1 xong, 2 đang làm", "tất cả đang thực hiện, trừ 3: chưa làm".

Promises that each task is recorded only where what was said of it is sure, that every one is said back,
and that what could not be recorded is named and asked about. One "huỷ" takes all of it back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.conversation.context.turn import Known, Turn, look_up
from bot.conversation.lists.last_list import Menu, listed
from bot.conversation.lists.references import named, whole_list
from bot.conversation.reader.understand import TaskReading, Understanding
from bot.conversation.replies import extension as extending
from bot.conversation.replies import problem as reporting
from bot.conversation.replies import record as answering
from bot.conversation.replies.record import Saying
from bot.conversation.replies.show import ask_again, listing, nothing_listed
from data.progress.extensions import AlreadyAsked, CapReached, TooLate
from data.progress.replies import NotOpen
from data.rules.ladder import UNDATED
from jobs.channel import Answer, Button

EVERY = ("all", "rest")

VERBS = {
    "completed": "done",
    "in_progress": "doing",
    "not_started": "not_yet",
    "blocked": "blocked",
    "acknowledge": "ack",
    "extension": "more",
    "dispute": "dispute",
    "question": "question",
}


def saying_of(reading: Understanding | TaskReading) -> Saying | None:
    """Return what a reading says of one task; None where it is unclear."""
    verb = VERBS.get(reading.status or reading.intent)
    if verb is None:
        return None
    return Saying(
        verb,
        percent=reading.percent if verb in ("doing", "blocked") else None,
        until=reading.until if verb == "more" else None,
        document=getattr(reading, "document", None) if verb in ("doing", "done") else None,
        document_on=getattr(reading, "document_on", None) if verb in ("doing", "done") else None,
        note=reading.note,
    )


async def answer_several(turn: Turn, reading: Understanding, menu: Menu | None) -> list[Answer]:
    """Record what a reply says of several tasks, say each back, and ask about the rest.

    Where one of the tasks named is not in the list, nothing is recorded: the numbers may be another
    list's.
    """
    chosen: dict[int, TaskReading | None] = {}
    everything: list[TaskReading] = []
    for task in reading.tasks:
        if task.ref in EVERY:
            everything.append(task)
            continue
        ids = await named(turn, menu, task.ref)
        if len(ids) != 1:
            return await _not_found(turn, menu, task.ref)
        contradicted = ids[0] in chosen and chosen[ids[0]] != task
        chosen[ids[0]] = None if contradicted else task
    if everything:
        if menu is None:
            return [nothing_listed("no_list")]
        default = everything[0] if len(everything) == 1 else None
        # Said in reply to one page, it is said of that page.
        meant = list(menu.items) if menu.answers_it else await whole_list(turn, menu)
        for _, obligation_id in meant:
            chosen.setdefault(obligation_id, default)
    known = await look_up(turn, list(chosen))
    if not known:
        return await _not_found(turn, menu, "")
    return await _record_each(turn, known, chosen, menu)


async def _not_found(turn: Turn, menu: Menu | None, ref: str) -> list[Answer]:
    if menu is None:
        return [nothing_listed("no_list")]
    if ref.isdecimal():
        return [await ask_again(turn, "no_number", menu, int(ref))]
    return [await ask_again(turn, "which" if not ref else "no_code", menu, None)]


async def _record_each(
    turn: Turn, known: dict[int, Known], chosen: dict[int, TaskReading | None], menu: Menu | None
) -> list[Answer]:
    numbers = {obligation_id: number for number, obligation_id in await whole_list(turn, menu)}
    recorded: list[dict[str, object]] = []
    left: list[dict[str, object]] = []
    told: list[Answer] = []
    last: int | None = None
    for position, (obligation_id, entry) in enumerate(known.items(), 1):
        task = chosen[obligation_id]
        saying = saying_of(task) if task is not None else None
        line = entry.line(turn, numbers.get(obligation_id, position))
        done = await _record_one(turn, entry, saying)
        if isinstance(done, str) or saying is None:
            # "Tất cả …" is not said of what is finished already: nothing is left to ask there.
            if not (done == "closed" and task is not None and task.ref in EVERY):
                left.append({**line, "why": done})
            continue
        reply_id, notices = done
        told += notices
        last = reply_id or last
        recorded.append({**line, "verb": saying.verb, "said_percent": saying.percent})
    again: dict[str, Any] = {"items": []}
    ids: tuple[int, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    source = await _source(turn, menu, known)
    if source is not None:
        again, ids, buttons = await listing(turn, source)
        told_of = {line["id"] for line in (*recorded, *left)}
        if told_of.issuperset(ids):
            again["items"] = []  # every line of it stands above; its numbers hold all the same
    if last is not None:
        buttons = (*buttons, (Button("Huỷ", f"undo:{last}"),))
    context: dict[str, object] = {
        "recorded": recorded,
        "left": left,
        "repeated_answer": last is None,
        **again,
    }
    return [Answer("recorded_several", context, buttons=buttons, items=ids), *told]


async def _source(turn: Turn, menu: Menu | None, answered: Collection[int]) -> Menu | None:
    """Return the list to show again: the one answered, and none that the answer is not about."""
    if menu is not None and menu.list_id is not None:
        menu = await listed(turn, menu.list_id) or menu
    about = menu is not None and any(item in answered for _, item in menu.items)
    return menu if about else None


async def _record_one(
    turn: Turn, known: Known, saying: Saying | None
) -> tuple[int | None, list[Answer]] | str:
    """Record one; returns the reply's id with the notices, or why it was not recorded."""
    if saying is None:
        return "unclear"
    if answering.refusal(turn, saying.verb, known) is not None:
        return "not_allowed"
    try:
        if saying.verb == "more":
            return await _extend(turn, known, saying)
        if saying.verb == "question":
            return "unclear"
        if saying.verb == "blocked":
            reason = reporting.trouble_in(saying.note)
            if reason is None:
                return "no_reason"
            return await reporting.tell(turn, known, Saying("blocked", saying.percent, note=reason))
        if saying.verb == "dispute":
            words = saying.note or turn.incoming.text
            return await reporting.tell(turn, known, Saying("dispute", note=words))
        if known.row.state == "submitted" and saying.verb != "done":
            return "closed"  # to reopen what was reported as done is said of that one alone
        return await answering.record(turn, saying, known.row.id), []
    except NotOpen:
        return "closed"


async def _extend(
    turn: Turn, known: Known, saying: Saying
) -> tuple[int | None, list[Answer]] | str:
    if known.row.kind == UNDATED:
        return "no_extension"
    reason = extending.reason_in(saying.note)
    if saying.until is None or extending.misfit(turn, known, saying.until):
        return "no_date"
    if reason is None:
        return "no_reason"
    try:
        return await extending.ask_for(turn, known, until=saying.until, reason=reason)
    except (AlreadyAsked, CapReached, TooLate):
        return "no_extension"
