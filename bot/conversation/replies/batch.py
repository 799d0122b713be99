"""Several tasks answered in one go: "1 xong, 2 đang làm", "tất cả đang thực hiện, trừ 3: chưa làm".

Promises that each task is recorded only where what was said of it is sure, that every one is said back,
and that what could not be recorded is named and asked about. One "huỷ" takes all of it back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.lists.last_list import ShownList, list_by_message
from bot.conversation.lists.references import list_all_items, resolve_reference
from bot.conversation.reader.understand import TaskReading, Understanding
from bot.conversation.replies import extension as extension_reply
from bot.conversation.replies import problem as problem_reply
from bot.conversation.replies import record as reply_record
from bot.conversation.replies.record import Reply
from bot.conversation.replies.show import ask_with_list, build_list_view, no_list_answer
from data.progress.extensions import ExtensionAlreadyOpen, ExtensionCapReached, ExtensionTooLate
from data.progress.replies import ObligationNotOpen
from data.rules.ladder import UNDATED
from jobs.channel import Answer, Button

WHOLE_LIST_REFS = ("all", "rest")

VERBS_BY_READING = {
    "completed": "done",
    "in_progress": "doing",
    "not_started": "not_yet",
    "blocked": "blocked",
    "acknowledge": "ack",
    "extension": "more",
    "dispute": "dispute",
    "question": "question",
}


def reply_from_reading(reading: Understanding | TaskReading) -> Reply | None:
    """Return what a reading says of one task; None where it is unclear."""
    verb = VERBS_BY_READING.get(reading.status or reading.intent)
    if verb is None:
        return None
    return Reply(
        verb,
        percent=reading.percent if verb in ("doing", "blocked") else None,
        until=reading.until if verb == "more" else None,
        document=getattr(reading, "document", None) if verb in ("doing", "done") else None,
        document_on=getattr(reading, "document_on", None) if verb in ("doing", "done") else None,
        note=reading.note,
    )


async def handle_several_replies(
    turn: Turn, reading: Understanding, menu: ShownList | None
) -> list[Answer]:
    """Record what a reply says of several tasks, say each back, and ask about the rest.

    Where one of the tasks named is not in the list, nothing is recorded: the numbers may be another
    list's.
    """
    chosen: dict[int, TaskReading | None] = {}
    everything: list[TaskReading] = []
    for task in reading.tasks:
        if task.ref in WHOLE_LIST_REFS:
            everything.append(task)
            continue
        ids = await resolve_reference(turn, menu, task.ref)
        if len(ids) != 1:
            return await _not_found(turn, menu, task.ref)
        contradicted = ids[0] in chosen and chosen[ids[0]] != task
        chosen[ids[0]] = None if contradicted else task
    if everything:
        if menu is None:
            return [no_list_answer("no_list")]
        default = everything[0] if len(everything) == 1 else None
        # Said in reply to one page, it is said of that page.
        meant = list(menu.items) if menu.answers_it else await list_all_items(turn, menu)
        for _, obligation_id in meant:
            chosen.setdefault(obligation_id, default)
    known = await visible_obligations(turn, list(chosen))
    if not known:
        return await _not_found(turn, menu, "")
    return await _record_each(turn, known, chosen, menu)


async def _not_found(turn: Turn, menu: ShownList | None, ref: str) -> list[Answer]:
    if menu is None:
        return [no_list_answer("no_list")]
    if ref.isdecimal():
        return [await ask_with_list(turn, "no_number", menu, int(ref))]
    return [await ask_with_list(turn, "which" if not ref else "no_code", menu, None)]


async def _record_each(
    turn: Turn,
    known: dict[int, VisibleObligation],
    chosen: dict[int, TaskReading | None],
    menu: ShownList | None,
) -> list[Answer]:
    numbers = {obligation_id: number for number, obligation_id in await list_all_items(turn, menu)}
    recorded: list[dict[str, object]] = []
    left: list[dict[str, object]] = []
    told: list[Answer] = []
    last: int | None = None
    for position, (obligation_id, entry) in enumerate(known.items(), 1):
        task = chosen[obligation_id]
        saying = reply_from_reading(task) if task is not None else None
        line = entry.as_item(turn, numbers.get(obligation_id, position))
        done = await _record_one(turn, entry, saying)
        if isinstance(done, str) or saying is None:
            # "Tất cả …" is not said of what is finished already: nothing is left to ask there.
            if not (done == "closed" and task is not None and task.ref in WHOLE_LIST_REFS):
                left.append({**line, "why": done})
            continue
        reply_id, notices = done
        told += notices
        last = reply_id or last
        recorded.append({**line, "verb": saying.verb, "said_percent": saying.percent})
    again: dict[str, Any] = {"items": []}
    ids: tuple[int, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    source = await _find_list_to_show(turn, menu, known)
    if source is not None:
        again, ids, buttons = await build_list_view(turn, source)
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


async def _find_list_to_show(
    turn: Turn, menu: ShownList | None, answered: Collection[int]
) -> ShownList | None:
    """Return the list to show again: the one answered, and none that the answer is not about."""
    if menu is not None and menu.list_id is not None:
        menu = await list_by_message(turn, menu.list_id) or menu
    about = menu is not None and any(item in answered for _, item in menu.items)
    return menu if about else None


async def _record_one(
    turn: Turn, known: VisibleObligation, saying: Reply | None
) -> tuple[int | None, list[Answer]] | str:
    """Record one; returns the reply's id with the notices, or why it was not recorded."""
    if saying is None:
        return "unclear"
    if reply_record.reply_refusal(turn, saying.verb, known) is not None:
        return "not_allowed"
    try:
        if saying.verb == "more":
            return await _extend(turn, known, saying)
        if saying.verb == "question":
            return "unclear"
        if saying.verb == "blocked":
            reason = problem_reply.extract_trouble(saying.note)
            if reason is None:
                return "no_reason"
            return await problem_reply.record_and_notify(
                turn, known, Reply("blocked", saying.percent, note=reason)
            )
        if saying.verb == "dispute":
            words = saying.note or turn.incoming.text
            return await problem_reply.record_and_notify(turn, known, Reply("dispute", note=words))
        if known.row.state == "submitted" and saying.verb != "done":
            return "closed"  # to reopen what was reported as done is said of that one alone
        return await reply_record.record_and_recompute(turn, saying, known.row.id), []
    except ObligationNotOpen:
        return "closed"


async def _extend(
    turn: Turn, known: VisibleObligation, saying: Reply
) -> tuple[int | None, list[Answer]] | str:
    if known.row.kind == UNDATED:
        return "no_extension"
    reason = extension_reply.extract_extension_reason(saying.note)
    if saying.until is None or extension_reply.find_date_fault(turn, known, saying.until):
        return "no_date"
    if reason is None:
        return "no_reason"
    try:
        return await extension_reply.submit_extension_request(
            turn, known, until=saying.until, reason=reason
        )
    except (ExtensionAlreadyOpen, ExtensionCapReached, ExtensionTooLate):
        return "no_extension"
