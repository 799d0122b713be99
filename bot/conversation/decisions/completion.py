"""/xacnhan: confirm a completion that an agency reported, or return it with a reason.

Guarantees:
- Each decision is recorded once, and the agency gets a notice of it.
- A returned obligation is open again, with its reminders.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import DECIDING_ROLES, may
from bot.conversation.context.buttons import (
    UNNUMBERED,
    ButtonRows,
    evidence_button,
    open_buttons,
)
from bot.conversation.context.deciding import (
    caller_decides_condition,
    decides_somewhere,
    find_decidable_ids,
    role_deciding_on,
)
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.preview import Deed, do_or_preview
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import (
    Turn,
    VisibleObligation,
    visible_obligation,
    visible_obligations,
)
from bot.conversation.decisions.common import (
    callers_origin,
    decide_for_reason,
    decide_with_reason,
    decision_confirmation,
    decision_notices,
    load_for_decision,
    nothing_to_decide,
    open_decision_dialog,
    outcome_context,
    parse_typed_reason,
    undo_buttons,
)
from bot.conversation.decisions.deeds import deed_on_obligations
from bot.conversation.lists.last_list import last_shown_list
from data.clock import civil_date
from data.models import StatusReply
from data.progress import evidence, submissions
from data.progress.outcomes import find_outcome
from data.progress.replies import lock_obligations
from data.rules.states import is_done_late
from data.text import fold
from jobs.channel import Answer, Button

RETURN_REASON_QUESTION = "return_reason"
COMPLETIONS_A_PAGE = 10
_MOST_SHOWN = 7
_ALL = re.compile(r"tat ca(?P<ids>(?: \d{1,18})*)")
_NEXT_COMPLETIONS: ButtonRows = ((Button("Nhiệm vụ chờ xác nhận tiếp theo", "go:xacnhan:"),),)


async def answer_xacnhan(turn: Turn) -> list[Answer]:
    """Answer /xacnhan: completions that wait for the caller, longest waiting first.

    "/xacnhan tất cả" confirms all of them, after a preview; ids after it: these alone.
    """
    every = _ALL.fullmatch(fold(turn.words))
    if every is not None:
        ids = [int(key) for key in every["ids"].split()]
        return await (confirm_or_preview(turn, ids) if ids else confirm_all_waiting(turn))
    return await show_waiting_completions(turn, parse_page(turn.words)[1])


async def show_waiting_completions(turn: Turn, page: int) -> list[Answer]:
    """Return a page of completions that wait for the caller; a page beyond the last is the last."""
    if not may(turn.caller, "xacnhan"):
        return [Answer("unknown_item")]
    ids = await submissions.list_submitted_ids(
        turn.connection, await caller_decides_condition(turn)
    )
    if not ids:
        return [await _nothing_waits(turn)]
    at = clamp_page(len(ids), page, page_size(turn.max_length, COMPLETIONS_A_PAGE))
    shown = await visible_obligations(turn, ids[at.offset : at.offset + at.size])
    waiting = list(shown.values())
    if len(waiting) == 1 and at.count == 1:
        one = await ask_completion_decision(turn, waiting[0])
        assert one is not None
        return [one]
    items = [each.as_item(turn, number) for number, each in enumerate(waiting, 1)]
    buttons = (*open_buttons(items), (Button("Xác nhận tất cả", "confirmall:0"),))
    steps = []
    if at.number > 1:
        steps.append(Button("◀ Trang trước", f"waiting:{at.number - 1}"))
    if at.number < at.count:
        steps.append(Button("Trang sau ▶", f"waiting:{at.number + 1}"))
    return [
        Answer(
            "to_confirm",
            {**at.context(), "items": items, "total": len(ids), "may": True, "elsewhere": []},
            buttons=(*buttons, tuple(steps)) if steps else buttons,
            items=tuple(each.id for each in waiting),
            edits=turn.pressed_message_id,
        )
    ]


async def ask_completion_decision(
    turn: Turn, obligation: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Show a completion that waits for the caller, with its two choices; None where none waits.

    back: the way back to the list it was opened from.
    """
    row = obligation.row
    if row.state != "submitted" or not await find_decidable_ids(turn, [row.id]):
        return None
    replies = await turn.connection.execute(
        select(StatusReply)
        .where(StatusReply.obligation_id == row.id, StatusReply.said == "completed")
        .order_by(StatusReply.id.desc())
        .limit(1)
    )
    reply = replies.one_or_none()
    files = await evidence.list_evidence_names(turn.connection, row.id)
    context: dict[str, object] = {
        "item": obligation.as_item(turn, holder=obligation.holder),
        "submitted_on": civil_date(row.submitted_at).isoformat(),
        "done_on": row.done_on.isoformat() if row.done_on else "",
        "on_time": not is_done_late(row.done_on, row.judged_on),
        "document": (reply.document or "") if reply is not None else "",
        "note": (reply.note or "") if reply is not None else "",
        "files": files,
        **UNNUMBERED,
    }
    choices = (Button("Xác nhận", f"confirm:{row.id}"), Button("Trả lại", f"return:{row.id}"))
    return Answer(
        "to_confirm_one",
        context,
        buttons=(choices, *evidence_button(row.id, len(files)), *back),
        items=(row.id,),
        edits=turn.pressed_message_id,
    )


async def confirm_completion(turn: Turn, obligation_id: int) -> list[Answer]:
    """Confirm one completion, and notify its agency."""
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    if not await _confirm(turn, obligation):
        return [await nothing_to_decide(turn, obligation, "done")]
    left = await _count_waiting(turn)
    now = await visible_obligation(turn, obligation_id) or obligation
    buttons = _NEXT_COMPLETIONS if left else ()
    return [
        await decision_confirmation(turn, now, "confirmed", buttons=buttons, waiting=left),
        *await decision_notices(turn, [obligation], "confirmed"),
    ]


async def confirm_listed_completions(turn: Turn, key: int) -> list[Answer]:
    """Confirm every completion of a list that the caller decides on, after a preview where there are several."""
    shown_list = await last_shown_list(turn)
    if shown_list is None:
        return [Answer("unknown_item")]
    return await confirm_or_preview(turn, shown_list.obligation_ids)


async def confirm_all_waiting(turn: Turn) -> list[Answer]:
    """Confirm every completion that waits for the caller, after a preview where there are several."""
    condition = await caller_decides_condition(turn)
    return await confirm_or_preview(
        turn, await submissions.list_submitted_ids(turn.connection, condition)
    )


async def confirm_or_preview(turn: Turn, ids: Sequence[int]) -> list[Answer]:
    """Confirm those of some completions that the caller decides on, after a preview where there are several."""

    async def confirm() -> Deed | list[Answer]:
        return await _confirm_all(turn, ids)

    words = f"tất cả {' '.join(map(str, ids))}"
    return await do_or_preview(turn, "xacnhan", confirm, words=words)


async def _confirm_all(turn: Turn, ids: Sequence[int]) -> Deed | list[Answer]:
    """Confirm those completions that the caller decides on; one notice for each agency.

    The answer names those that somebody decided on since the list was shown.
    """
    await lock_obligations(turn.connection, ids)
    visible = await visible_obligations(turn, ids)
    decidable = await find_decidable_ids(turn, list(visible))
    confirmed: list[VisibleObligation] = []
    before: list[dict[str, Any]] = []
    for each in visible.values():
        if each.id not in decidable:
            continue
        if await _confirm(turn, each):
            confirmed.append(each)
        else:
            outcome = await find_outcome(turn.connection, each.row, holder=each.holder)
            before.append({**each.as_item(turn), "decided": outcome_context(outcome)})
    if not confirmed and not before:
        return [await _nothing_waits(turn)]
    left = await _count_waiting(turn)
    agencies = list(dict.fromkeys(each.holder for each in confirmed))
    context: dict[str, object] = {
        "count": len(confirmed),
        "agencies": agencies,
        "silent": [],
        "waiting": left,
        "before": before,
    }
    buttons: ButtonRows = _NEXT_COMPLETIONS if left else ()
    if not confirmed:
        return [Answer("confirmed_all", context, buttons=buttons)]
    buttons = (*buttons, *await undo_buttons(turn))
    answers = [Answer("confirmed_all", context, buttons=buttons)]
    answers += await decision_notices(turn, confirmed, "confirmed")
    shown = [each.as_item(turn, holder=each.holder) for each in confirmed[:_MOST_SHOWN]]
    deed = await deed_on_obligations(
        turn,
        "confirm",
        {"count": len(confirmed), "items": shown},
        confirmed,
        answers,
        [[each.id, each.row.submitted_at, each.row.done_on] for each in confirmed],
        sends=False,
        is_small=len(confirmed) == 1,
    )
    context["silent"] = list(deed.silent)
    return deed


async def ask_return_reason(turn: Turn, obligation_id: int) -> list[Answer]:
    """Ask why a completion is returned."""
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    if obligation.row.state != "submitted":
        return [await nothing_to_decide(turn, obligation, "done")]
    return [await open_decision_dialog(turn, RETURN_REASON_QUESTION, obligation)]


async def return_for_reason(turn: Turn, obligation_id: int, typed: str) -> list[Answer]:
    """Return a completion with the reason typed beside its number; asks for one that is missing or too short."""
    reason = parse_typed_reason(turn, typed)
    if reason is None:
        return await ask_return_reason(turn, obligation_id)
    return await decide_for_reason(
        turn, obligation_id, reason, submissions.return_submission, "returned", about="done"
    )


async def return_completion(turn: Turn, dialog: Any) -> list[Answer]:
    """Return a completion with the reason typed, and notify its agency; the obligation is open again."""
    return await decide_with_reason(
        turn, dialog, submissions.return_submission, "returned", about="done"
    )


async def _confirm(turn: Turn, obligation: VisibleObligation) -> bool:
    return await submissions.confirm_submission(
        turn.connection,
        obligation.row,
        person_id=turn.caller.person_id,
        decided_by=role_deciding_on(turn, obligation).agency,
        now=turn.now,
        origin=callers_origin(turn),
    )


async def _nothing_waits(turn: Turn) -> Answer:
    """Say that nothing waits for the caller; to one without the right to confirm, whose it is."""
    scope = await load_scope(turn, DECIDING_ROLES)
    elsewhere = await submissions.count_submitted(turn.connection, list(scope.plans))
    return Answer(
        "to_confirm",
        {
            **clamp_page(0, 1, COMPLETIONS_A_PAGE).context(),
            "items": [],
            "total": 0,
            "may": decides_somewhere(turn),
            "elsewhere": elsewhere,
        },
        edits=turn.pressed_message_id,
    )


async def _count_waiting(turn: Turn) -> int:
    condition = await caller_decides_condition(turn)
    return len(await submissions.list_submitted_ids(turn.connection, condition))
