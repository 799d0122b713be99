"""Answering: an answer is recorded, said back, taken back.

Promises that an answer counts only for what its sender may answer, that every one is said back with the
task, what was understood and what comes next, that pressing again changes nothing, and that who decides
on a request hears of it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.conversation import queries
from bot.conversation.access import may
from bot.conversation.listing import listing, number_in
from bot.conversation.menus import Menu, listed
from bot.conversation.turn import Known, Turn, look_up
from data import contacts, progress
from data import undo as taking_back
from data.progress import NotOpen, Said
from data.undo import CannotUndo
from jobs.channel import Answer, Button
from jobs.messages import item_buttons
from jobs.obligations import recompute

SAID: dict[str, Said] = {
    "ack": "acknowledge",
    "doing": "in_progress",
    "done": "completed",
    "more": "extension",
}


async def answer(
    turn: Turn, verb: str, obligation_id: int, menu: Menu | None, *, percent: int | None = None
) -> list[Answer]:
    """Record one answer and say so; menu: the item's own menu if the answer came from it."""
    known = (await look_up(turn, [obligation_id])).get(obligation_id)
    if known is None:
        return [Answer("unknown_item")]
    refusal = _refusal(turn, verb, known)
    if refusal is not None:
        return [refusal]
    line = known.line(turn, number_in(menu, obligation_id))
    if verb == "more" and line["late"]:
        return [Answer("extension_late", {"item": line, "coordinator": known.row.coordinator_name})]
    try:
        reply_id = await progress.record(
            turn.connection,
            obligation_id=obligation_id,
            said=SAID[verb],
            percent=percent,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            event_id=turn.event_id,
            now=turn.now,
            today=turn.today,
            workdays=turn.registry.workdays,
        )
    except NotOpen as fault:
        return [Answer("closed", {"item": line, "state": fault.state})]
    notices = []
    if reply_id is not None:
        await recompute(turn.connection, turn.registry, [obligation_id], today=turn.today)
        if verb == "more":
            notices = await _notices(turn, known, withdrawn=False)
    told = bool(notices) or (verb == "more" and bool(await _listeners(turn, known)))
    echo = await _echo(turn, verb, known, menu, reply_id, told=told)
    return [echo, *notices]


def _refusal(turn: Turn, verb: str, known: Known) -> Answer | None:
    if may(turn.caller, verb, known.subject):
        return None
    as_group = turn.caller.in_group and may(turn.caller, "ack", known.subject)
    why = "not_enrolled" if as_group else "read_only"
    return Answer(
        "not_allowed", {"why": why, "coordinator": known.row.coordinator_name or "", "command": ""}
    )


async def _echo(
    turn: Turn, verb: str, before: Known, menu: Menu | None, reply_id: int | None, *, told: bool
) -> Answer:
    """Say what was understood, and show again what the answer came from: the list, or the four choices."""
    obligation_id = before.row.id
    known = (await look_up(turn, [obligation_id]))[obligation_id]
    context: dict[str, object] = {
        "item": known.line(turn, number_in(menu, obligation_id)),
        "verb": verb,
        "repeated_answer": reply_id is None,
        "corrected": reply_id is not None and before.row.state == "submitted",
        "next_on": _next_morning(turn, known.row.remind_on),
        "coordinator": known.row.coordinator_name or "",
        "told": told,
        "items": [],
    }
    if menu is None:
        return Answer("recorded", context)
    take_back = (Button("Huỷ", f"undo:{reply_id}"),) if reply_id is not None else ()
    shown = await listed(turn, menu.list_id) if menu.list_id is not None else None
    if shown is not None:
        items, ids, buttons = await listing(turn, shown)
        rows = (*buttons, take_back) if take_back else buttons
        return Answer(
            "recorded", {**context, "items": items}, buttons=rows, items=ids, edits=turn.pressed
        )
    # The four choices keep their places and numbers, so that a number never means another one.
    rows = () if verb == "done" else item_buttons(obligation_id)
    rows = (*rows, take_back) if take_back else rows
    return Answer(
        "recorded",
        context,
        buttons=rows,
        items=(obligation_id,) if rows else (),
        edits=turn.pressed,
    )


def _next_morning(turn: Turn, remind_on: date | None) -> str | None:
    """Return the working day on which the next rung goes out; one already come goes tomorrow."""
    if remind_on is None:
        return None
    soonest = max(remind_on, turn.today + timedelta(days=1))
    return turn.registry.workdays.on_or_after(soonest).isoformat()


async def acknowledge_all(turn: Turn, menu: Menu) -> list[Answer]:
    """Acknowledge whatever in a list is open and the caller's to acknowledge."""
    known = await look_up(turn, [obligation_id for _, obligation_id in menu.items])
    recorded: list[int] = []
    reply_id: int | None = None
    received = 0
    for obligation_id, entry in known.items():
        if entry.row.state != "open" or not may(turn.caller, "ack", entry.subject):
            continue
        received += 1
        made = await progress.record(
            turn.connection,
            obligation_id=obligation_id,
            said="acknowledge",
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            event_id=turn.event_id,
            now=turn.now,
            today=turn.today,
            workdays=turn.registry.workdays,
        )
        if made is not None:
            recorded.append(obligation_id)
            reply_id = made
    if not received:
        return [Answer("unknown_item")]
    await recompute(turn.connection, turn.registry, recorded, today=turn.today)
    items, ids, buttons = await listing(turn, menu)
    if reply_id is not None:
        buttons = (*buttons, (Button("Huỷ", f"undo:{reply_id}"),))
    context = {"count": received, "repeated_answer": not recorded, "items": items}
    return [Answer("recorded_all", context, buttons=buttons, items=ids, edits=turn.pressed)]


# ------------------------------------------------------------------ taking back


async def undo_last(turn: Turn, menu: Menu | None) -> list[Answer]:
    """Take back the last answer of this person in this chat, of the last 24 hours."""
    reply = await taking_back.last_reply(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        since=turn.now - taking_back.UNDO_FOR,
    )
    if reply is None:
        return [Answer("cannot_undo", {"why": "nothing"})]
    return await undo(turn, reply.id, menu)


async def undo(turn: Turn, reply_id: int, menu: Menu | None) -> list[Answer]:
    """Take back one's own answer, or one given in this chat, if the caller may answer there."""
    reply = await progress.reply_of(turn.connection, reply_id)
    if reply is None or reply.obligation_id is None:
        return [Answer("unknown_item")]
    known = (await look_up(turn, [reply.obligation_id])).get(reply.obligation_id)
    ours = reply.chat_id == turn.chat.id or (
        reply.person_id is not None and reply.person_id == turn.caller.person_id
    )
    if known is None or not ours:
        return [Answer("unknown_item")]
    refusal = _refusal(turn, "ack" if reply.said == "acknowledge" else "undo", known)
    if refusal is not None:
        return [refusal]
    try:
        undone = await taking_back.undo(
            turn.connection,
            reply_id=reply_id,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            event_id=turn.event_id,
            now=turn.now,
        )
    except CannotUndo as fault:
        return [Answer("cannot_undo", {"why": fault.why})]
    ids = [row.obligation_id for row in undone]
    await recompute(turn.connection, turn.registry, ids, today=turn.today)
    known_now = await look_up(turn, ids)
    lines = [
        {**known_now[row.obligation_id].line(turn, number), "taken_back": row.said}
        for number, row in enumerate(undone, 1)
        if row.obligation_id in known_now
    ]
    notices: list[Answer] = []
    for row in undone:
        if row.said == "extension" and row.obligation_id in known_now:
            notices += await _notices(turn, known_now[row.obligation_id], withdrawn=True)
    context: dict[str, object] = {"taken_back": lines, "items": []}
    shown = menu
    if menu is not None and menu.list_id is not None:
        shown = await listed(turn, menu.list_id)
    if shown is not None and shown.only is None:
        items, shown_ids, buttons = await listing(turn, shown)
        context["items"] = items
    else:
        shown_ids, buttons = tuple(line["id"] for line in lines), queries.list_buttons(lines)
    return [
        Answer("undone", context, buttons=buttons, items=shown_ids, edits=turn.pressed),
        *notices,
    ]


# ------------------------------------------------------------------ telling the coordinator


async def _listeners(turn: Turn, known: Known) -> Sequence[int]:
    """Return the chats that decide on a request: the coordinator's, or for its own the leaders'."""
    subject = known.subject
    if subject.coordinator_id is None:
        return []
    if subject.holder_id == subject.coordinator_id:
        found = await contacts.deciding_leader_chats(turn.connection, subject.province)
    else:
        found = await contacts.coordinator_chats(turn.connection, subject.coordinator_id)
        found = found or await contacts.living_chats(turn.connection, subject.coordinator_id)
    return [place.chat_id for place in found if place.chat_id != turn.chat.id]


async def _notices(turn: Turn, known: Known, *, withdrawn: bool) -> list[Answer]:
    context: dict[str, object] = {
        "item": {**known.line(turn, 1), "holder": known.holder},
        "agency": known.holder,
        "withdrawn": withdrawn,
    }
    return [
        Answer("notice_extension", context, to_chat=chat_id)
        for chat_id in await _listeners(turn, known)
    ]
