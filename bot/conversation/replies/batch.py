"""One reply about several tasks: "1 xong, 2 đang làm", "tất cả đang thực hiện, trừ 3: chưa làm".

Guarantees:
- A task is recorded only where its reading is sure; the answer names every other one and asks.
- One "huỷ" takes back the whole reply.
"""

from __future__ import annotations

from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.numbers import list_all_items
from bot.conversation.lists.references import resolve_reference
from bot.conversation.reader.understand import TaskReading, Understanding
from bot.conversation.replies import extension as extension_reply
from bot.conversation.replies import problem as problem_reply
from bot.conversation.replies.colleagues import load_replaced
from bot.conversation.replies.record import (
    Reply,
    add_kept_document,
    record_and_recompute,
    reply_refusal,
    undo_button,
)
from bot.conversation.replies.show import (
    ListView,
    ask_doubtful,
    ask_number,
    ask_with_list,
    build_list_view,
    find_list_to_show,
    no_list_answer,
)
from data.progress.extensions import ExtensionAlreadyOpen, ExtensionCapReached, ExtensionTooLate
from data.progress.replies import ObligationNotOpen, lock_obligations
from data.rules.ladder import UNDATED
from jobs.channel import Answer

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
    """Return the reply that a reading of one task means; None where it is unclear."""
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
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer]:
    """Record the reply about each task, confirm each, and ask about the rest.

    A task that is not in the list stops all of it: the numbers may be another list's.
    """
    chosen: dict[int, TaskReading | None] = {}
    everything: list[TaskReading] = []
    for task in reading.tasks:
        if task.ref in WHOLE_LIST_REFS:
            everything.append(task)
            continue
        meaning = await resolve_reference(turn, shown_list, task.ref)
        if not meaning.is_sure:
            number = int(task.ref) if task.ref.isdecimal() else None
            return [await ask_number(turn, shown_list, meaning, number)]
        (obligation_id,) = meaning.obligation_ids
        contradicted = obligation_id in chosen and chosen[obligation_id] != task
        chosen[obligation_id] = None if contradicted else task
    if everything:
        if shown_list is None:
            return [no_list_answer("no_list")]
        default = everything[0] if len(everything) == 1 else None
        said = reply_from_reading(default) if default is not None else None
        goes_on = said is not None and said.verb in ("doing", "not_yet")
        listed, all_arrived = await list_all_items(turn, shown_list, undated_too=goes_on)
        if not all_arrived and not shown_list.answers_it:
            return [await ask_doubtful(turn, shown_list, None)]
        for _, obligation_id in listed:
            chosen.setdefault(obligation_id, default)
    await lock_obligations(turn.connection, list(chosen))
    visible = await visible_obligations(turn, list(chosen))
    if visible:
        return await _record_each(turn, visible, chosen, shown_list)
    if shown_list is None:
        return [no_list_answer("no_list")]
    return [await ask_with_list(turn, "which", shown_list)]


async def _record_each(
    turn: Turn,
    visible: dict[int, VisibleObligation],
    chosen: dict[int, TaskReading | None],
    shown_list: ShownList | None,
) -> list[Answer]:
    listed, _ = await list_all_items(turn, shown_list)
    numbers = {item: number for number, item in listed}
    recorded: list[dict[str, object]] = []
    left: list[dict[str, object]] = []
    notices: list[Answer] = []
    reply_ids: dict[int, int] = {}
    for position, (obligation_id, each) in enumerate(visible.items(), 1):
        task = chosen[obligation_id]
        reply = reply_from_reading(task) if task is not None else None
        line = each.as_item(turn, numbers.get(obligation_id, position))
        outcome = await _record_one(turn, each, reply)
        if isinstance(outcome, str) or reply is None:
            # "Tất cả …" does not mean tasks that are finished already: ask nothing about them.
            if not (outcome == "closed" and task is not None and task.ref in WHOLE_LIST_REFS):
                left.append({**line, "why": outcome})
            continue
        reply_id, its_notices = outcome
        notices += its_notices
        if reply_id is not None:
            reply_ids[obligation_id] = reply_id
        recorded.append({**line, "verb": reply.verb, "said_percent": reply.percent})
    replaced, told = await load_replaced(turn, reply_ids.values())
    for line in recorded:
        line["replaces"] = replaced.get(int(str(line["id"])))
    last_id = max(reply_ids.values(), default=None)
    answer = ListView({"items": []}, (), ())
    source = await find_list_to_show(turn, shown_list, list(visible))
    if source is not None:
        answer = await build_list_view(turn, source)
        if {line["id"] for line in (*recorded, *left)}.issuperset(answer.items):
            answer.context["items"] = []  # each line is shown already; the numbers stay valid
    context: dict[str, object] = {
        "recorded": recorded,
        "left": left,
        "repeated_answer": last_id is None,
        **answer.context,
    }
    buttons = (*answer.buttons, *undo_button(last_id))
    return [Answer("recorded_several", context, buttons, answer.items), *notices, *told]


async def _record_one(
    turn: Turn, obligation: VisibleObligation, reply: Reply | None
) -> tuple[int | None, list[Answer]] | str:
    """Record one; returns the reply's id with the notices, else why not, as the template names it."""
    if reply is None:
        return "unclear"
    if reply_refusal(turn, reply.verb, obligation) is not None:
        return "not_allowed"
    try:
        if reply.verb == "more":
            return await _extend(turn, obligation, reply)
        if reply.verb == "question":
            return "unclear"
        if reply.verb == "blocked":
            reason = problem_reply.extract_trouble(reply.note)
            if reason is None:
                return "no_reason"
            return await problem_reply.record_and_notify(
                turn, obligation, Reply("blocked", reply.percent, note=reason)
            )
        if reply.verb == "dispute":
            words = reply.note or turn.incoming.text
            return await problem_reply.record_and_notify(
                turn, obligation, Reply("dispute", note=words)
            )
        if obligation.row.state == "submitted" and reply.verb != "done":
            return "closed"  # a reply about one task alone reopens a reported completion
        reply = await add_kept_document(turn, reply, obligation)
        return await record_and_recompute(turn, reply, obligation.id), []
    except ObligationNotOpen:
        return "closed"


async def _extend(
    turn: Turn, obligation: VisibleObligation, reply: Reply
) -> tuple[int | None, list[Answer]] | str:
    if obligation.row.kind == UNDATED:
        return "no_extension"
    reason = extension_reply.extract_extension_reason(reply.note)
    if reply.until is None or extension_reply.find_date_fault(turn, obligation, reply.until):
        return "no_date"
    if reason is None:
        return "no_reason"
    try:
        return await extension_reply.submit_extension_request(
            turn, obligation, until=reply.until, reason=reason
        )
    except (ExtensionAlreadyOpen, ExtensionCapReached, ExtensionTooLate):
        return "no_extension"
