"""A person who says that they retired or moved: what a handover does, and the choice to begin it.

Guarantees:
- Nothing ends and nothing is recorded of a task until a successor uses the code.
- The words are kept; where nobody takes over yet, they go to who follows the agency's plans.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.access import ANSWERING_ROLES
from bot.conversation.context.dialogs import find_open_question, open_question
from bot.conversation.context.scope import agency_names, caller_held_condition
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.reader.dates import asked_until, is_too_far, whens
from bot.conversation.reader.leaving import says_leaving
from bot.conversation.reader.tokens import prepare
from bot.conversation.reader.understand import Understanding
from bot.conversation.replies.questions import notify_of_question
from data.obligations import lists
from data.progress.questions import lock_question, record_question
from data.text import fold
from jobs.channel import Answer, Button

LEAVING_QUESTION = "leaving"
_MAKE_CODE = Button("Tạo mã bàn giao", "go:doi:")
_NOBODY = "Chưa có người nhận"
_MOST_LOOKED_AT = 50  # obligations among which the coordinators to tell are found


async def answer_leaving(turn: Turn, reading: Understanding) -> list[Answer] | None:
    """Say what a handover does, and ask whether to begin it; None where words say no such thing."""
    said = says_leaving(turn.incoming.text)
    if said is None or reading.status is not None or reading.tasks or reading.intent == "extension":
        return None
    if turn.caller.in_group or turn.caller.person_id is None:
        return [Answer("private_only", {"command": "doi"})]
    context: dict[str, object] = {
        "said": said,
        "until": "",
        "agencies": agency_names(turn.caller.enrolments),
        "open": len(await _list_held(turn)),
    }
    if said == "away":
        return [_offer_stand_in(turn, context)]
    agency_ids = turn.caller.agency_ids(*ANSWERING_ROLES)
    if not agency_ids:  # a leader has no coordinator to tell
        return [Answer("leaving", context, ((_MAKE_CODE,),))]
    question_id = await record_question(
        turn.connection,
        obligation_id=None,
        agency_id=agency_ids[0],
        words=turn.incoming.text.strip(),
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        event_id=turn.event_id,
        now=turn.now,
    )
    await open_question(turn, LEAVING_QUESTION, question=question_id)
    buttons = ((_MAKE_CODE,), (Button(_NOBODY, f"vacant:{question_id}"),))
    return [Answer("leaving", context, buttons)]


def _offer_stand_in(turn: Turn, context: dict[str, object]) -> Answer:
    """Offer a code for a stand-in, until the last day of the leave where one is named."""
    found = whens(prepare(turn.incoming.text).bare, turn.today, turn.registry.workdays)
    until = asked_until(found, turn.today)
    if until is None or is_too_far(until, turn.today):
        return Answer("leaving", context)
    action = f"go:doi:nghỉ đến {until.day}/{until.month}/{until.year}"
    button = Button("Tạo mã cho người làm thay", action)
    return Answer("leaving", {**context, "until": until.isoformat()}, ((button,),))


async def find_leaving_choice(turn: Turn) -> str:
    """Return the action of the choice typed under "leaving": its label or number; "" for other words."""
    dialog = await find_open_question(turn)
    if dialog is None or dialog.asks != LEAVING_QUESTION:
        return ""
    typed = fold(turn.incoming.text)
    choices = (
        (fold(_MAKE_CODE.label), _MAKE_CODE.action),
        (fold(_NOBODY), f"vacant:{dialog.details['question']}"),
    )
    for number, (label, action) in enumerate(choices, 1):
        if typed == label or (turn.types_choices and typed == str(number)):
            return action
    return ""


async def take_leaving_choice(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Tell the coordinators where that was chosen by its number or label; None for other words."""
    typed = fold(turn.incoming.text)
    if typed == fold(_NOBODY) or (turn.types_choices and typed == "2"):
        return await tell_of_vacancy(turn, int(dialog.details["question"]))
    return None


async def tell_of_vacancy(turn: Turn, question_id: int) -> list[Answer]:
    """Tell who follows the agency's plans that nobody takes over yet."""
    row = await lock_question(turn.connection, question_id)
    if row is None or row.chat_id != turn.chat.id or row.person_id != turn.caller.person_id:
        return [Answer("unknown_item")]
    visible = await visible_obligations(turn, await _list_held(turn))
    held = [each for each in visible.values() if each.subject.holder_id == row.agency_id]
    notices = await notify_of_question(
        turn, held, question_id, row.note or "", named=False, is_vacancy=True
    )
    names = dict.fromkeys(each.row.coordinator_name or "" for each in held)
    context: dict[str, object] = {
        "said": "vacant",
        "until": "",
        "agencies": agency_names(turn.caller.enrolments),
        "open": len(visible),
        "told": [name for name in names if name] if notices else [],
    }
    return [Answer("leaving", context), *notices]


async def _list_held(turn: Turn) -> list[int]:
    answering = [e for e in turn.caller.enrolments if e.role in ANSWERING_ROLES]
    if not answering:
        return []
    held = await caller_held_condition(turn, answering)
    return await lists.list_current_ids(
        turn.connection, held, today=turn.today, limit=_MOST_LOOKED_AT
    )
