"""Deciding on what was said to be done: it is confirmed, or returned with a reason.

Promises that only who may decide does, that each decision is written down once, that the agency hears of
it, and that what is returned is open again with its reminders.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import may
from bot.conversation.context.pages import ButtonRows, clamp_page, page_size, parse_page
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import (
    caller_decides_condition,
    deciding_agency,
    decision_confirmation,
    decision_notices,
    item_number_buttons,
    load_for_decision,
    open_decision_dialog,
    parse_typed_reason,
    reopen_decision_dialog,
)
from bot.conversation.lists.last_list import ShownList
from data.clock import civil_date
from data.models import StatusReply
from data.progress import decisions, evidence
from jobs.channel import Answer, Button
from jobs.planning.rungs import recompute

RETURN_REASON_QUESTION = "return_reason"
COMPLETIONS_A_PAGE = 10


async def answer_xacnhan(turn: Turn) -> list[Answer]:
    """Answer /xacnhan: what was said to be done and waits for the caller, longest waiting first."""
    return await show_waiting_page(turn, parse_page(turn.words)[1])


async def show_waiting_page(turn: Turn, page: int) -> list[Answer]:
    """Return a page of what waits to be confirmed; a page beyond the last is the last."""
    if not may(turn.caller, "xacnhan"):
        return [Answer("unknown_item")]
    ids = await decisions.list_submitted_ids(turn.connection, await caller_decides_condition(turn))
    shown = clamp_page(len(ids), page, page_size(turn.max_length, COMPLETIONS_A_PAGE))
    page, pages = shown.number, shown.count
    found = await visible_obligations(turn, ids[shown.offset : shown.offset + shown.size])
    known = [entry for entry in found.values() if may(turn.caller, "decide", entry.subject)]
    if len(known) == 1 and pages == 1:
        one = await ask_completion_decision(turn, known[0])
        assert one is not None
        return [one]
    buttons: ButtonRows = ()
    if known:
        buttons = (
            *item_number_buttons([entry.row.id for entry in known]),
            (Button("Xác nhận tất cả", "confirmall:0"),),
        )
    steps = []
    if page > 1:
        steps.append(Button("◀ Trang trước", f"waiting:{page - 1}"))
    if page < pages:
        steps.append(Button("Trang sau ▶", f"waiting:{page + 1}"))
    context = {
        "items": [entry.as_item(turn, number) for number, entry in enumerate(known, 1)],
        "total": len(ids),
        "page": page,
        "pages": pages,
    }
    return [
        Answer(
            "to_confirm",
            context,
            buttons=(*buttons, tuple(steps)) if steps else buttons,
            items=tuple(entry.row.id for entry in known),
            edits=turn.pressed_message_id,
        )
    ]


# ------------------------------------------------------------------ one item that waits


async def ask_completion_decision(
    turn: Turn, known: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Return what an item asks of the caller who decides on it, with its choices; None: nothing.

    back: the way back to the list it was opened from.
    """
    if known.row.state != "submitted" or not may(turn.caller, "decide", known.subject):
        return None
    obligation_id = known.row.id
    said = await turn.connection.execute(
        select(StatusReply)
        .where(StatusReply.obligation_id == obligation_id, StatusReply.said == "completed")
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    reply = said.one_or_none()
    context: dict[str, object] = {
        "item": {**known.as_item(turn, 1), "holder": known.holder},
        "submitted_on": civil_date(known.row.submitted_at).isoformat(),
        "done_on": known.row.done_on.isoformat() if known.row.done_on else "",
        "on_time": known.row.done_on is None or known.row.done_on <= known.row.judged_on,
        "document": (reply.document or "") if reply is not None else "",
        "note": (reply.note or "") if reply is not None else "",
        "files": await evidence.list_evidence_names(turn.connection, obligation_id),
    }
    choices = (
        Button("Xác nhận", f"confirm:{obligation_id}"),
        Button("Trả lại", f"return:{obligation_id}"),
    )
    return Answer(
        "to_confirm_one",
        context,
        buttons=(choices, *back),
        items=(obligation_id,),
        edits=turn.pressed_message_id,
    )


async def handle_confirm(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Confirm one completion and tell its agency."""
    known = await load_for_decision(turn, key)
    if isinstance(known, Answer):
        return [known]
    if not await decisions.confirm_submission(
        turn.connection,
        known.row,
        person_id=turn.caller.person_id,
        decided_by=deciding_agency(turn),
        now=turn.now,
    ):
        return [_nothing_to_confirm(turn, known)]
    left = len(
        await decisions.list_submitted_ids(turn.connection, await caller_decides_condition(turn))
    )
    echo = await decision_confirmation(turn, known, "confirmed", waiting=left)
    if left:
        more = ((Button("Việc chờ xác nhận tiếp theo", "waiting:1"),),)
        echo = Answer(echo.template, echo.context, buttons=more, edits=echo.edits)
    return [echo, *await decision_notices(turn, [known], "confirmed")]


def _nothing_to_confirm(turn: Turn, known: VisibleObligation) -> Answer:
    return Answer(
        "nothing_to_decide",
        {"item": known.as_item(turn, 1), "state": known.row.state, "about": "done"},
    )


async def handle_confirm_all(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Confirm every completion of a list that the caller decides on, and tell each agency once."""
    if menu is None:
        return [Answer("unknown_item")]
    found = await visible_obligations(turn, [obligation_id for _, obligation_id in menu.items])
    by = deciding_agency(turn)
    confirmed = [
        known
        for known in found.values()
        if may(turn.caller, "decide", known.subject)
        and await decisions.confirm_submission(
            turn.connection,
            known.row,
            person_id=turn.caller.person_id,
            decided_by=by,
            now=turn.now,
        )
    ]
    if not confirmed:
        return [Answer("unknown_item")]
    left = len(
        await decisions.list_submitted_ids(turn.connection, await caller_decides_condition(turn))
    )
    agencies = list(dict.fromkeys(known.holder for known in confirmed))
    context = {"count": len(confirmed), "agencies": agencies, "waiting": left}
    more = ((Button("Việc chờ xác nhận tiếp theo", "waiting:1"),),) if left else ()
    return [
        Answer("confirmed_all", context, buttons=more, edits=turn.pressed_message_id),
        *await decision_notices(turn, confirmed, "confirmed"),
    ]


async def handle_return(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Ask for the reason for which a completion is returned."""
    known = await load_for_decision(turn, key)
    if isinstance(known, Answer):
        return [known]
    if known.row.state != "submitted":
        return [_nothing_to_confirm(turn, known)]
    return [await open_decision_dialog(turn, RETURN_REASON_QUESTION, known)]


async def take_return_reason(turn: Turn, dialog: Any) -> list[Answer]:
    """Return a completion for the reason typed, and tell its agency; it is open again."""
    reason = parse_typed_reason(turn)
    if reason is None:
        return await reopen_decision_dialog(turn, dialog, "reason")
    known = await load_for_decision(turn, dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    if not await decisions.return_submission(
        turn.connection,
        known.row,
        reason=reason,
        person_id=turn.caller.person_id,
        decided_by=deciding_agency(turn),
        now=turn.now,
    ):
        return [_nothing_to_confirm(turn, known)]
    await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    notices = await decision_notices(
        turn,
        list((await visible_obligations(turn, [known.row.id])).values()),
        "returned",
        reason=reason,
    )
    return [await decision_confirmation(turn, known, "returned", reason=reason), *notices]
