"""Deciding on requests for a later date: granted, refused, or another date offered.

Promises that a date set by the provincial plan moves only with the number of the document that allows
it, that a date past the report it serves is warned of first, and that the agency is told each time.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from bot.conversation.context.access import may
from bot.conversation.context.notify import listeners
from bot.conversation.context.pages import Rows
from bot.conversation.context.turn import Known, Turn, look_up
from bot.conversation.decisions.common import (
    ask,
    ask_anew,
    decided,
    decided_by_caller,
    decider,
    judged,
    number_rows,
    reason_in,
    told,
)
from bot.conversation.decisions.onward import needs_document, onward_of
from bot.conversation.lists.last_list import Menu
from bot.conversation.reader.dates import asked_until, whens
from bot.conversation.reader.documents import documents
from bot.conversation.reader.tokens import prepare
from data.progress import decisions, extensions
from jobs.channel import Answer, Button
from jobs.planning.materialise import recompute
from jobs.planning.postpone import pass_over

REFUSAL = "refusal_reason"
OFFER = "offered_date"
DOCUMENT = "decision_document"
MOST_LISTED = 10


async def giahan(turn: Turn) -> list[Answer]:
    """Answer /giahan: the requests that wait for the caller, the soonest due first."""
    waiting = await extensions.waiting(turn.connection, await decided_by_caller(turn))
    asked = {row.obligation_id: row for row in waiting[:MOST_LISTED]}
    found = await look_up(turn, list(asked))
    known = [entry for entry in found.values() if may(turn.caller, "decide", entry.subject)]
    if len(known) == 1 and len(waiting) == 1:
        one = await to_decide(turn, known[0])
        assert one is not None
        return [one]
    items = [
        {
            **entry.line(turn, number),
            "until": asked[entry.row.id].until.isoformat(),
            "reason": asked[entry.row.id].reason,
            "holder": entry.holder,
        }
        for number, entry in enumerate(known, 1)
    ]
    ids = tuple(entry.row.id for entry in known)
    context: dict[str, object] = {"items": items, "total": len(waiting)}
    return [Answer("to_extend", context, buttons=number_rows(ids), items=ids, edits=turn.pressed)]


def choices(request_id: int) -> Rows:
    """Return the three choices of who decides on a request."""
    return (
        (Button("Đồng ý", f"grant:{request_id}"), Button("Không đồng ý", f"refuse:{request_id}")),
        (Button("Đề nghị ngày khác", f"offer:{request_id}"),),
    )


async def to_decide(turn: Turn, known: Known, *, back: Rows = ()) -> Answer | None:
    """Return a request about an item with its choices, to who decides on it; None: there is none."""
    request = await extensions.open_of(turn.connection, known.row.id)
    if request is None or request.state != "open" or known.row.state != "open":
        return None
    if not may(turn.caller, "decide", known.subject):
        return None
    return Answer(
        "to_extend_one",
        {
            "item": {**known.line(turn, 1), "holder": known.holder},
            "until": request.until.isoformat(),
            "reason": request.reason,
        },
        buttons=(*choices(request.id), *back),
        items=(known.row.id,),
        edits=turn.pressed,
    )


# ------------------------------------------------------------------ granting


async def grant(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Grant a request, after a warning where its date is past the report that it serves."""
    found = await _asked(turn, key)
    if isinstance(found, Answer):
        return [found]
    known, request = found
    onward = await onward_of(turn, known)
    if onward is None or request.until <= onward.due_on:
        return await _grant(turn, known, request)
    first, *rest = choices(key)
    context = {
        "item": {**known.line(turn, 1), "holder": known.holder},
        "until": request.until.isoformat(),
        "onward": onward.title,
        "onward_on": onward.due_on.isoformat(),
    }
    anyway = (Button("Vẫn đồng ý", f"grantyes:{key}"), *first[1:])
    ids = (known.row.id,)
    return [Answer("extension_onward", context, (anyway, *rest), items=ids, edits=turn.pressed)]


async def grant_anyway(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Grant a request whose date is past the report it serves, after the warning."""
    found = await _asked(turn, key)
    return [found] if isinstance(found, Answer) else await _grant(turn, *found)


async def _grant(turn: Turn, known: Known, request: Any) -> list[Answer]:
    if needs_document(turn, known):
        details = {"request": request.id, "until": request.until.isoformat(), "then": "granted"}
        return [await ask(turn, DOCUMENT, known, **details)]
    return await _settle(turn, known, request, "granted", until=request.until)


async def document_given(turn: Turn, dialog: Any) -> list[Answer]:
    """Grant, or offer, by the document whose number was typed."""
    text = prepare(turn.incoming.text)
    numbers = documents(text.bare, text.shown)
    if not numbers:
        return await ask_anew(turn, dialog, "document")
    found = await _asked(turn, dialog.details["request"])
    if isinstance(found, Answer):
        return [found]
    dated = whens(text.bare, turn.today, turn.registry.workdays)
    issued_on = next((when.latest for when in dated if when.latest), None)
    document = numbers[0].number
    if issued_on is not None:
        document += f" ngày {issued_on.day}/{issued_on.month}/{issued_on.year}"
    until = date.fromisoformat(dialog.details["until"])
    state: Literal["granted", "offered"] = dialog.details["then"]
    return await _settle(turn, *found, state, until=until, document=document)


# ------------------------------------------------------------------ refusing, another date


async def refuse(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Ask for the reason of a refusal."""
    found = await _asked(turn, key)
    if isinstance(found, Answer):
        return [found]
    return [await ask(turn, REFUSAL, found[0], request=key)]


async def refusal_given(turn: Turn, dialog: Any) -> list[Answer]:
    """Refuse a request for the reason typed."""
    reason = reason_in(turn)
    if reason is None:
        return await ask_anew(turn, dialog, "reason")
    found = await _asked(turn, dialog.details["request"])
    if isinstance(found, Answer):
        return [found]
    return await _settle(turn, *found, "refused", reason=reason)


async def offer(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Ask for the other date to be offered."""
    found = await _asked(turn, key)
    if isinstance(found, Answer):
        return [found]
    return [await ask(turn, OFFER, found[0], request=key)]


async def date_given(turn: Turn, dialog: Any) -> list[Answer]:
    """Offer the date typed; one past the report that it serves is warned of first."""
    text = prepare(turn.incoming.text)
    until = asked_until(whens(text.bare, turn.today, turn.registry.workdays), turn.today)
    if until is None:
        return await ask_anew(turn, dialog, "date")
    found = await _asked(turn, dialog.details["request"])
    if isinstance(found, Answer):
        return [found]
    known, request = found
    if until <= max(known.row.due_on, known.row.extended_to or known.row.due_on, turn.today):
        return await ask_anew(turn, dialog, "early")
    onward = await onward_of(turn, known)
    details = {"request": request.id, "until": until.isoformat()}
    warned = dialog.details.get("until") == details["until"]
    if onward is not None and until > onward.due_on and not warned:
        more = {"onward": onward.title, "onward_on": onward.due_on.isoformat()}
        return [await ask(turn, OFFER, known, again="onward", **details, **more)]
    if needs_document(turn, known):
        return [await ask(turn, DOCUMENT, known, **details, then="offered")]
    return await _settle(turn, known, request, "offered", until=until)


async def take(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Take the date that was offered: it counts from now on."""
    return await _answer_offer(turn, key, "granted")


async def leave(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    """Leave the date that was offered: the old one stays."""
    return await _answer_offer(turn, key, "withdrawn")


async def _answer_offer(
    turn: Turn, key: int, state: Literal["granted", "withdrawn"]
) -> list[Answer]:
    request = await extensions.request_of(turn.connection, key)
    found = await look_up(turn, [request.obligation_id]) if request is not None else {}
    if request is None or not found:
        return [Answer("unknown_item")]
    known = found[request.obligation_id]
    if not may(turn.caller, "more", known.subject):
        who = known.row.coordinator_name or ""
        return [Answer("not_allowed", {"why": "read_only", "coordinator": who, "command": ""})]
    if request.state != "offered" or known.row.state != "open":
        return [_moot(turn, known)]
    await extensions.decide(
        turn.connection, key, state, until=request.granted_until, decision_id=None, now=turn.now
    )
    if state == "granted":
        await pass_over(turn.connection, turn.registry, known.row.id, today=turn.today)
    else:
        await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    now = (await look_up(turn, [known.row.id]))[known.row.id]
    context: dict[str, object] = {
        "taken": state == "granted",
        "agency": known.holder,
        "item": {**now.line(turn, 1), "holder": ""},
        "until": request.granted_until.isoformat(),
        "notice": False,
    }
    return [
        Answer("offer_answered", context, edits=turn.pressed),
        *(
            Answer("offer_answered", {**context, "notice": True}, to_chat=chat_id)
            for chat_id in await listeners(turn, known)
        ),
    ]


# ------------------------------------------------------------------ inside


async def _asked(turn: Turn, key: int) -> tuple[Known, Any] | Answer:
    request = await extensions.request_of(turn.connection, key)
    if request is None:
        return Answer("unknown_item")
    known = await judged(turn, request.obligation_id)
    if isinstance(known, Answer):
        return known
    if request.state != "open" or known.row.state != "open":
        return _moot(turn, known)
    return known, request


def _moot(turn: Turn, known: Known) -> Answer:
    about = "extension_done" if known.row.state == "submitted" else "extension"
    context = {"item": known.line(turn, 1), "state": known.row.state, "about": about}
    return Answer("nothing_to_decide", context)


async def _settle(
    turn: Turn,
    known: Known,
    request: Any,
    state: Literal["granted", "refused", "offered"],
    *,
    until: date | None = None,
    reason: str = "",
    document: str = "",
) -> list[Answer]:
    words = {"reason": reason, "document": document, "until": until.isoformat() if until else ""}
    decision_id = await decisions.decide(
        turn.connection,
        f"extension_{state}",
        plan_code=known.row.plan_code,
        subject=known.row.code,
        details={
            **decisions.about(known.row),
            "request": request.id,
            "asked": request.until.isoformat(),
            **words,
        },
        person_id=turn.caller.person_id,
        decided_by=decider(turn),
        now=turn.now,
    )
    await extensions.decide(
        turn.connection, request.id, state, until=until, decision_id=decision_id, now=turn.now
    )
    await recompute(turn.connection, turn.registry, [known.row.id], today=turn.today)
    now = (await look_up(turn, [known.row.id]))[known.row.id]
    taking: Rows = ()
    if state == "offered":
        yes = Button("Nhận ngày này", f"take:{request.id}")
        taking = ((yes, Button("Giữ hạn cũ", f"leave:{request.id}")),)
    what = "extended" if state == "granted" else state
    notices = await told(turn, [now], what, buttons=taking, **words)
    if state == "granted" and notices:
        await pass_over(turn.connection, turn.registry, known.row.id, today=turn.today)
    return [await decided(turn, now, what, **words), *notices]
