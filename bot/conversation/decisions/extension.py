"""Decide on extension requests: grant, refuse, or offer another date."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from bot.conversation.context.access import may
from bot.conversation.context.notify import list_chats_to_notify
from bot.conversation.context.pages import ButtonRows
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
from bot.conversation.decisions.onward import needs_document, summarize_served_report
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.dates import asked_until, whens
from bot.conversation.reader.documents import documents
from bot.conversation.reader.tokens import prepare
from data.progress import decisions, extensions
from jobs.channel import Answer, Button
from jobs.planning.postpone import mark_rungs_told
from jobs.planning.rungs import recompute

REFUSAL_REASON_QUESTION = "refusal_reason"
OFFERED_DATE_QUESTION = "offered_date"
DECISION_DOCUMENT_QUESTION = "decision_document"
MOST_LISTED = 10


async def answer_giahan(turn: Turn) -> list[Answer]:
    """Answer /giahan: the requests that wait for the caller, the soonest due first."""
    waiting = await extensions.list_open_extensions(
        turn.connection, await caller_decides_condition(turn)
    )
    asked = {row.obligation_id: row for row in waiting[:MOST_LISTED]}
    found = await visible_obligations(turn, list(asked))
    known = [entry for entry in found.values() if may(turn.caller, "decide", entry.subject)]
    if len(known) == 1 and len(waiting) == 1:
        one = await ask_extension_decision(turn, known[0])
        assert one is not None
        return [one]
    items = [
        {
            **entry.as_item(turn, number),
            "until": asked[entry.row.id].until.isoformat(),
            "reason": asked[entry.row.id].reason,
            "holder": entry.holder,
        }
        for number, entry in enumerate(known, 1)
    ]
    ids = tuple(entry.row.id for entry in known)
    context: dict[str, object] = {"items": items, "total": len(waiting)}
    return [
        Answer(
            "to_extend",
            context,
            buttons=item_number_buttons(ids),
            items=ids,
            edits=turn.pressed_message_id,
        )
    ]


def request_decision_buttons(request_id: int) -> ButtonRows:
    """Return the three choices of who decides on a request."""
    return (
        (Button("Đồng ý", f"grant:{request_id}"), Button("Không đồng ý", f"refuse:{request_id}")),
        (Button("Đề nghị ngày khác", f"offer:{request_id}"),),
    )


async def ask_extension_decision(
    turn: Turn, known: VisibleObligation, *, back: ButtonRows = ()
) -> Answer | None:
    """Return a request about an item with its choices, to who decides on it; None: there is none."""
    request = await extensions.find_open_extension(turn.connection, known.row.id)
    if request is None or request.state != "open" or known.row.state != "open":
        return None
    if not may(turn.caller, "decide", known.subject):
        return None
    return Answer(
        "to_extend_one",
        {
            "item": {**known.as_item(turn, 1), "holder": known.holder},
            "until": request.until.isoformat(),
            "reason": request.reason,
        },
        buttons=(*request_decision_buttons(request.id), *back),
        items=(known.row.id,),
        edits=turn.pressed_message_id,
    )


async def handle_grant(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Grant a request, after a warning where its date is past the report that it serves."""
    found = await _load_open_request(turn, key)
    if isinstance(found, Answer):
        return [found]
    known, request = found
    onward = await summarize_served_report(turn, known)
    if onward is None or request.until <= onward.due_on:
        return await _grant(turn, known, request)
    first, *rest = request_decision_buttons(key)
    context = {
        "item": {**known.as_item(turn, 1), "holder": known.holder},
        "until": request.until.isoformat(),
        "onward": onward.title,
        "onward_on": onward.due_on.isoformat(),
    }
    anyway = (Button("Vẫn đồng ý", f"grantyes:{key}"), *first[1:])
    ids = (known.row.id,)
    return [
        Answer(
            "extension_onward", context, (anyway, *rest), items=ids, edits=turn.pressed_message_id
        )
    ]


async def handle_grant_anyway(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Grant a request whose date is past the report it serves, after the warning."""
    found = await _load_open_request(turn, key)
    return [found] if isinstance(found, Answer) else await _grant(turn, *found)


async def _grant(turn: Turn, known: VisibleObligation, request: Any) -> list[Answer]:
    if needs_document(turn, known):
        details = {"request": request.id, "until": request.until.isoformat(), "then": "granted"}
        return [await open_decision_dialog(turn, DECISION_DOCUMENT_QUESTION, known, **details)]
    return await _record_decision(turn, known, request, "granted", until=request.until)


async def take_decision_document(turn: Turn, dialog: Any) -> list[Answer]:
    """Grant, or offer, by the document whose number was typed."""
    text = prepare(turn.incoming.text)
    numbers = documents(text.bare, text.shown)
    if not numbers:
        return await reopen_decision_dialog(turn, dialog, "document")
    found = await _load_open_request(turn, dialog.details["request"])
    if isinstance(found, Answer):
        return [found]
    dated = whens(text.bare, turn.today, turn.registry.workdays)
    issued_on = next((when.latest for when in dated if when.latest), None)
    document = numbers[0].number
    if issued_on is not None:
        document += f" ngày {issued_on.day}/{issued_on.month}/{issued_on.year}"
    until = date.fromisoformat(dialog.details["until"])
    state: Literal["granted", "offered"] = dialog.details["then"]
    return await _record_decision(turn, *found, state, until=until, document=document)


async def handle_refuse(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Ask for the reason of a refusal."""
    found = await _load_open_request(turn, key)
    if isinstance(found, Answer):
        return [found]
    return [await open_decision_dialog(turn, REFUSAL_REASON_QUESTION, found[0], request=key)]


async def take_refusal_reason(turn: Turn, dialog: Any) -> list[Answer]:
    """Refuse a request for the reason typed."""
    reason = parse_typed_reason(turn)
    if reason is None:
        return await reopen_decision_dialog(turn, dialog, "reason")
    found = await _load_open_request(turn, dialog.details["request"])
    if isinstance(found, Answer):
        return [found]
    return await _record_decision(turn, *found, "refused", reason=reason)


async def handle_offer(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Ask for the other date to be offered."""
    found = await _load_open_request(turn, key)
    if isinstance(found, Answer):
        return [found]
    return [await open_decision_dialog(turn, OFFERED_DATE_QUESTION, found[0], request=key)]


async def take_offered_date(turn: Turn, dialog: Any) -> list[Answer]:
    """Offer the date typed; one past the report that it serves is warned of first."""
    text = prepare(turn.incoming.text)
    until = asked_until(whens(text.bare, turn.today, turn.registry.workdays), turn.today)
    if until is None:
        return await reopen_decision_dialog(turn, dialog, "date")
    found = await _load_open_request(turn, dialog.details["request"])
    if isinstance(found, Answer):
        return [found]
    known, request = found
    if until <= max(known.row.due_on, known.row.extended_to or known.row.due_on, turn.today):
        return await reopen_decision_dialog(turn, dialog, "early")
    onward = await summarize_served_report(turn, known)
    details = {"request": request.id, "until": until.isoformat()}
    warned = dialog.details.get("until") == details["until"]
    if onward is not None and until > onward.due_on and not warned:
        more = {"onward": onward.title, "onward_on": onward.due_on.isoformat()}
        return [
            await open_decision_dialog(
                turn, OFFERED_DATE_QUESTION, known, again="onward", **details, **more
            )
        ]
    if needs_document(turn, known):
        return [
            await open_decision_dialog(
                turn, DECISION_DOCUMENT_QUESTION, known, **details, then="offered"
            )
        ]
    return await _record_decision(turn, known, request, "offered", until=until)


async def handle_accept_offer(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Take the date that was offered: it counts from now on."""
    return await _answer_offer(turn, key, "granted")


async def handle_decline_offer(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    """Leave the date that was offered: the old one stays."""
    return await _answer_offer(turn, key, "withdrawn")


async def _answer_offer(
    turn: Turn, key: int, state: Literal["granted", "withdrawn"]
) -> list[Answer]:
    request = await extensions.find_extension(turn.connection, key)
    found = await visible_obligations(turn, [request.obligation_id]) if request is not None else {}
    if request is None or not found:
        return [Answer("unknown_item")]
    known = found[request.obligation_id]
    if not may(turn.caller, "more", known.subject):
        who = known.row.coordinator_name or ""
        return [Answer("not_allowed", {"why": "read_only", "coordinator": who, "command": ""})]
    if request.state != "offered" or known.row.state != "open":
        return [_nothing_to_decide(turn, known)]
    await extensions.decide_extension(
        turn.connection, key, state, until=request.granted_until, decision_id=None, now=turn.now
    )
    if state == "granted":
        await mark_rungs_told(turn.connection, turn.registry, known.row.id, today=turn.today)
    else:
        await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    now = (await visible_obligations(turn, [known.row.id]))[known.row.id]
    context: dict[str, object] = {
        "taken": state == "granted",
        "agency": known.holder,
        "item": {**now.as_item(turn, 1), "holder": ""},
        "until": request.granted_until.isoformat(),
        "notice": False,
    }
    return [
        Answer("offer_answered", context, edits=turn.pressed_message_id),
        *(
            Answer("offer_answered", {**context, "notice": True}, to_chat=chat_id)
            for chat_id in await list_chats_to_notify(turn, known)
        ),
    ]


async def _load_open_request(turn: Turn, key: int) -> tuple[VisibleObligation, Any] | Answer:
    request = await extensions.find_extension(turn.connection, key)
    if request is None:
        return Answer("unknown_item")
    known = await load_for_decision(turn, request.obligation_id)
    if isinstance(known, Answer):
        return known
    if request.state != "open" or known.row.state != "open":
        return _nothing_to_decide(turn, known)
    return known, request


def _nothing_to_decide(turn: Turn, known: VisibleObligation) -> Answer:
    about = "extension_done" if known.row.state == "submitted" else "extension"
    context = {"item": known.as_item(turn, 1), "state": known.row.state, "about": about}
    return Answer("nothing_to_decide", context)


async def _record_decision(
    turn: Turn,
    known: VisibleObligation,
    request: Any,
    state: Literal["granted", "refused", "offered"],
    *,
    until: date | None = None,
    reason: str = "",
    document: str = "",
) -> list[Answer]:
    words = {"reason": reason, "document": document, "until": until.isoformat() if until else ""}
    decision_id = await decisions.record_decision(
        turn.connection,
        f"extension_{state}",
        plan_code=known.row.plan_code,
        subject=known.row.code,
        details={
            **decisions.decision_details(known.row),
            "request": request.id,
            "asked": request.until.isoformat(),
            **words,
        },
        person_id=turn.caller.person_id,
        decided_by=deciding_agency(turn),
        now=turn.now,
    )
    await extensions.decide_extension(
        turn.connection, request.id, state, until=until, decision_id=decision_id, now=turn.now
    )
    await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    now = (await visible_obligations(turn, [known.row.id]))[known.row.id]
    taking: ButtonRows = ()
    if state == "offered":
        yes = Button("Nhận ngày này", f"take:{request.id}")
        taking = ((yes, Button("Giữ hạn cũ", f"leave:{request.id}")),)
    what = "extended" if state == "granted" else state
    notices = await decision_notices(turn, [now], what, buttons=taking, **words)
    if state == "granted" and notices:
        await mark_rungs_told(turn.connection, turn.registry, known.row.id, today=turn.today)
    return [await decision_confirmation(turn, now, what, **words), *notices]
