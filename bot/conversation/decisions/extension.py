"""/giahan: grant or refuse an extension request, or offer another date.

Guarantees:
- A date past the report that the obligation serves is granted or offered only after a warning.
- A later date of a duty that the plan sets needs the number of a document (onward.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, Literal

from bot.conversation.context.buttons import UNNUMBERED, ButtonRows, open_buttons
from bot.conversation.context.deciding import (
    caller_decides_condition,
    find_decidable_ids,
    role_deciding_on,
)
from bot.conversation.context.dialogs import close_open_question, find_open_question
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.common import (
    announce_decision,
    load_for_decision,
    nothing_to_decide,
    open_decision_dialog,
    parse_typed_reason,
    record_callers_decision,
    reopen_decision_dialog,
)
from bot.conversation.decisions.onward import needs_document, summarize_served_report
from bot.conversation.reader.dates import asked_until, is_too_far, whens
from bot.conversation.reader.documents import documents
from bot.conversation.reader.tokens import prepare
from data.progress import decisions, extensions
from jobs.channel import Answer, Button
from jobs.planning.postpone import mark_rungs_told
from jobs.planning.rungs import recompute
from jobs.rendering.dates import full_date

REFUSAL_REASON_QUESTION = "refusal_reason"
OFFERED_DATE_QUESTION = "offered_date"
DECISION_DOCUMENT_QUESTION = "decision_document"
_MOST_LISTED = 10


async def answer_giahan(turn: Turn) -> list[Answer]:
    """Answer /giahan: the extension requests that wait for the caller, the soonest due first."""
    waiting = await extensions.list_open_extensions(
        turn.connection, await caller_decides_condition(turn)
    )
    requests = {row.obligation_id: row for row in waiting[:_MOST_LISTED]}
    obligations = list((await visible_obligations(turn, list(requests))).values())
    if len(obligations) == 1 and len(waiting) == 1:
        one = await ask_extension_decision(turn, obligations[0])
        assert one is not None
        return [one]
    items = [
        {
            **each.as_item(turn, number, holder=each.holder),
            "until": requests[each.id].until.isoformat(),
            "reason": requests[each.id].reason,
        }
        for number, each in enumerate(obligations, 1)
    ]
    return [
        Answer(
            "to_extend",
            {"items": items, "total": len(waiting)},
            buttons=open_buttons(items),
            items=tuple(each.id for each in obligations),
            edits=turn.pressed_message_id,
        )
    ]


def extension_decision_buttons(request_id: int) -> ButtonRows:
    """Return the three choices of a decision on a request."""
    return (
        (Button("Đồng ý", f"grant:{request_id}"), Button("Không đồng ý", f"refuse:{request_id}")),
        (Button("Đề nghị ngày khác", f"offer:{request_id}"),),
    )


async def ask_extension_decision(
    turn: Turn, obligation: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Show a request that waits for the caller, with its choices; None where none waits."""
    request = await extensions.find_open_extension(turn.connection, obligation.id)
    if request is None or request.state != "open" or obligation.row.state != "open":
        return None
    if not await find_decidable_ids(turn, [obligation.id]):
        return None
    return Answer(
        "to_extend_one",
        {
            "item": obligation.as_item(turn, holder=obligation.holder),
            "until": request.until.isoformat(),
            "reason": request.reason,
            **UNNUMBERED,
        },
        buttons=(*extension_decision_buttons(request.id), *back),
        items=(obligation.id,),
        edits=turn.pressed_message_id,
    )


async def grant_extension(turn: Turn, request_id: int) -> list[Answer]:
    """Grant a request, after a warning where its date is past the report that it serves."""
    loaded = await _load_open_request(turn, request_id)
    if isinstance(loaded, Answer):
        return [loaded]
    obligation, request = loaded
    onward = await summarize_served_report(turn, obligation)
    if onward is None or request.until <= onward.due_on:
        return await _grant(turn, obligation, request)
    first, *rest = extension_decision_buttons(request_id)
    anyway = (Button("Vẫn đồng ý", f"grantyes:{request_id}"), *first[1:])
    return [
        Answer(
            "extension_onward",
            {
                "item": obligation.as_item(turn, holder=obligation.holder),
                "until": request.until.isoformat(),
                "onward": onward.title,
                "onward_on": onward.due_on.isoformat(),
                **UNNUMBERED,
            },
            buttons=(anyway, *rest),
            items=(obligation.id,),
            edits=turn.pressed_message_id,
        )
    ]


async def grant_extension_after_warning(turn: Turn, request_id: int) -> list[Answer]:
    """Grant a request although its date is past the report that it serves."""
    loaded = await _load_open_request(turn, request_id)
    return [loaded] if isinstance(loaded, Answer) else await _grant(turn, *loaded)


async def _grant(turn: Turn, obligation: VisibleObligation, request: Any) -> list[Answer]:
    if needs_document(turn, obligation):
        details = {"request": request.id, "until": request.until.isoformat(), "then": "granted"}
        return [await open_decision_dialog(turn, DECISION_DOCUMENT_QUESTION, obligation, **details)]
    return await _record_decision(turn, obligation, request, "granted", until=request.until)


async def decide_by_document(turn: Turn, dialog: Any) -> list[Answer]:
    """Grant the request, or offer the date, by the document whose number was typed."""
    text = prepare(turn.incoming.text)
    numbers = documents(text.bare, text.shown)
    if not numbers:
        return await reopen_decision_dialog(turn, dialog, "document")
    loaded = await _load_open_request(turn, dialog.details["request"])
    if isinstance(loaded, Answer):
        return [loaded]
    dated = whens(text.bare, turn.today, turn.registry.workdays)
    issued_on = next((when.latest for when in dated if when.latest), None)
    document = numbers[0].number
    if issued_on is not None:
        document += f" ngày {full_date(issued_on)}"
    until = date.fromisoformat(dialog.details["until"])
    state: Literal["granted", "offered"] = dialog.details["then"]
    return await _record_decision(turn, *loaded, state, until=until, document=document)


async def ask_refusal_reason(turn: Turn, request_id: int) -> list[Answer]:
    """Ask why a request is refused."""
    return await _ask_about_request(turn, request_id, REFUSAL_REASON_QUESTION)


async def refuse_extension(turn: Turn, dialog: Any) -> list[Answer]:
    """Refuse a request with the reason typed."""
    if parse_typed_reason(turn) is None:
        return await reopen_decision_dialog(turn, dialog, "reason")
    return await refuse_for_reason(turn, dialog.details["request"], turn.incoming.text)


async def refuse_for_reason(turn: Turn, request_id: int, typed: str) -> list[Answer]:
    """Refuse a request with the reason typed beside its number; asks for one that is missing or too short."""
    reason = parse_typed_reason(turn, typed)
    if reason is None:
        return await ask_refusal_reason(turn, request_id)
    loaded = await _load_open_request(turn, request_id)
    if isinstance(loaded, Answer):
        return [loaded]
    return await _record_decision(turn, *loaded, "refused", reason=reason)


async def ask_offered_date(turn: Turn, request_id: int) -> list[Answer]:
    """Ask which other date is offered."""
    return await _ask_about_request(turn, request_id, OFFERED_DATE_QUESTION)


async def decide_until(turn: Turn, request: Any, typed: str) -> list[Answer] | None:
    """Grant a request where the date typed is the one asked for, else offer that date; None for no date."""
    text = prepare(typed)
    until = asked_until(whens(text.bare, turn.today, turn.registry.workdays), turn.today)
    if until is None:
        return None
    if until == request.until:
        return await grant_extension(turn, request.id)
    asked = await ask_offered_date(turn, request.id)
    dialog = await find_open_question(turn)
    if dialog is None or dialog.asks != OFFERED_DATE_QUESTION:
        return asked
    await close_open_question(turn)
    return await offer_other_date(
        replace(turn, incoming=replace(turn.incoming, text=typed)), dialog
    )


async def offer_other_date(turn: Turn, dialog: Any) -> list[Answer]:
    """Offer the date typed, after a warning where it is past the report that the duty serves."""
    text = prepare(turn.incoming.text)
    until = asked_until(whens(text.bare, turn.today, turn.registry.workdays), turn.today)
    if until is None or is_too_far(until, turn.today):
        return await reopen_decision_dialog(turn, dialog, "date")
    loaded = await _load_open_request(turn, dialog.details["request"])
    if isinstance(loaded, Answer):
        return [loaded]
    obligation, request = loaded
    row = obligation.row
    if until <= max(row.due_on, row.extended_to or row.due_on, turn.today):
        return await reopen_decision_dialog(turn, dialog, "early")
    onward = await summarize_served_report(turn, obligation)
    details = {"request": request.id, "until": until.isoformat()}
    warned = dialog.details.get("until") == details["until"]
    if onward is not None and until > onward.due_on and not warned:
        details |= {"onward": onward.title, "onward_on": onward.due_on.isoformat()}
        return [
            await open_decision_dialog(
                turn, OFFERED_DATE_QUESTION, obligation, again="onward", **details
            )
        ]
    if needs_document(turn, obligation):
        details["then"] = "offered"
        return [await open_decision_dialog(turn, DECISION_DOCUMENT_QUESTION, obligation, **details)]
    return await _record_decision(turn, obligation, request, "offered", until=until)


async def _ask_about_request(turn: Turn, request_id: int, question: str) -> list[Answer]:
    loaded = await _load_open_request(turn, request_id)
    if isinstance(loaded, Answer):
        return [loaded]
    return [await open_decision_dialog(turn, question, loaded[0], request=request_id)]


async def _load_open_request(turn: Turn, request_id: int) -> tuple[VisibleObligation, Any] | Answer:
    request = await extensions.lock_extension(turn.connection, request_id)
    if request is None:
        return Answer("unknown_item")
    obligation = await load_for_decision(turn, request.obligation_id)
    if isinstance(obligation, Answer):
        return obligation
    if request.state != "open" or obligation.row.state != "open":
        return await request_closed_answer(turn, obligation, request)
    return obligation, request


async def request_closed_answer(turn: Turn, obligation: VisibleObligation, request: Any) -> Answer:
    """Say that a request no longer waits for a decision or an answer, and what became of it."""
    about = "extension_done" if obligation.row.state == "submitted" else "extension"
    return await nothing_to_decide(turn, obligation, about, request=request)


async def _record_decision(
    turn: Turn,
    obligation: VisibleObligation,
    request: Any,
    state: Literal["granted", "refused", "offered"],
    *,
    until: date | None = None,
    reason: str = "",
    document: str = "",
) -> list[Answer]:
    row = obligation.row
    words = {"reason": reason, "document": document, "until": until.isoformat() if until else ""}
    asked = {"request": request.id, "asked": request.until.isoformat()}
    decision_id = await record_callers_decision(
        turn,
        f"extension_{state}",
        plan_code=row.plan_code,
        subject=row.code,
        details={**decisions.decision_details(row), **asked, **words},
        decided_by=role_deciding_on(turn, obligation).agency,
    )
    await extensions.decide_extension(
        turn.connection, request.id, state, until=until, decision_id=decision_id, now=turn.now
    )
    await recompute(turn.connection, turn.registry, [row.id], today=turn.today)
    choices: ButtonRows = ()
    if state == "offered":
        take = Button("Nhận ngày này", f"take:{request.id}")
        choices = ((take, Button("Giữ hạn cũ", f"leave:{request.id}")),)
    what = "extended" if state == "granted" else state
    confirmation, *notices = await announce_decision(
        turn, obligation, what, choices=choices, **words
    )
    if state == "granted" and notices:
        # The notice told the new date: the rungs whose days have come need no reminder.
        await mark_rungs_told(turn.connection, turn.registry, row.id, today=turn.today)
    return [confirmation, *notices]
