"""Answers that change an answer: remind me later, "nhầm, …", "số đúng là 15/BC-STC".

Guarantees:
- A snooze is an acknowledgement: it holds rungs back no longer than any, and never rung −1.
- A correction alone completes nothing: it adds a document to a completion that stands, or asks what is so now.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from bot.conversation.context.buttons import UNNUMBERED
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.numbers import list_all_items, resolve_number
from bot.conversation.lists.references import resolve_reference
from bot.conversation.reader.snooze import Snooze, read_snooze
from bot.conversation.reader.understand import Understanding, understand_reply
from bot.conversation.replies.batch import reply_from_reading
from bot.conversation.replies.correction import CORRECTION
from bot.conversation.replies.record import (
    REPLY_KINDS,
    Reply,
    handle_reply_to_all,
    handle_status,
    load_for_reply,
    undo_button,
)
from bot.conversation.replies.show import ask_doubtful, ask_number, no_list_answer
from data.progress import undo
from data.rules.ladder import held_until
from data.text import fold
from jobs.channel import Answer

_WRONG = re.compile(
    r"(?:(?:da|em|anh|chi|a|ah|ui|o|oi|xin loi|sr|toi|minh|vua) )*"
    r"(?:(?:dinh chinh|nham|ghi nham|go nham|nhan nham|bao nham|gui nham|bam nham|lon|sai|ghi sai"
    r"|bao sai|sua lai)"
    r"(?: (?:roi|a|nhe|nha|anh|chi|la|day|lai|so|viec|mat|oi))*)(?: |$)"
)
_RIGHT_NUMBER = re.compile(
    r"\b(?:dinh chinh|so dung|so van ban dung|so bao cao dung|sua (?:lai )?(?:so|thanh)|nham so"
    r"|ghi nham|go nham|moi dung"
    r"|la dung|sai so|so moi|doi so)\b"
)


async def answer_snooze(turn: Turn, shown_list: ShownList | None) -> list[Answer] | None:
    """Record that reminders come later, of the items named, the one shown, or all; None for other words."""
    wish = read_snooze(turn.incoming.text, today=turn.today, workdays=turn.registry.workdays)
    if wish is None:
        return None
    if shown_list is None:
        return [no_list_answer("no_list")]
    if shown_list.doubtful and not wish.numbers:
        return [await ask_doubtful(turn, shown_list, None)]
    until = wish.on or held_until(turn.today, turn.registry.workdays) + timedelta(days=1)
    if wish.numbers:
        return await _snooze_numbers(turn, wish, until, shown_list)
    if shown_list.only_item is not None:
        obligation = await load_for_reply(turn, "ack", shown_list.only_item)
        if isinstance(obligation, Answer):
            return [obligation]
        return await handle_status(turn, Reply("ack", until=until), obligation, shown_list)
    pairs, all_arrived = await list_all_items(turn, shown_list)
    if not all_arrived and not shown_list.answers_it:
        return [await ask_doubtful(turn, shown_list, None)]
    return await handle_reply_to_all(
        turn, "ack", shown_list, [key for _, key in pairs], until=until
    )


async def answer_typed_correction(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer] | None:
    """Correct the last answer given here, or the one to the task named; None for words that correct nothing.

    1. A document's number replaces the one of a completion that stands.
    2. A state that is no completion is recorded.
    3. Else it is asked what is so now; what was recorded stays until then.
    """
    folded = fold(turn.incoming.text)
    wrong = _WRONG.match(folded)
    gives_number = reading.document is not None and _RIGHT_NUMBER.search(folded) is not None
    if wrong is None and not gives_number:
        return None
    if reading.status is not None and not reading.tasks and wrong is None:
        return None
    found = await _find_corrected(turn, reading, shown_list)
    if found is None:
        return None
    obligation, recorded = found
    stands = obligation.row.state == "submitted"
    if gives_number and stands and _says_no_state(reading):  # 1
        reply = Reply("done", document=reading.document, document_on=reading.document_on)
        return await handle_status(turn, reply, obligation, None)
    said = reply_from_reading(_reread(turn, reading))
    if said is not None and said.verb in ("doing", "not_yet", "blocked"):  # 2
        return None if reading.tasks else await _record(turn, said, obligation)
    return [_ask_again(turn, obligation, recorded)]  # 3


async def _snooze_numbers(
    turn: Turn, wish: Snooze, until: date, shown_list: ShownList
) -> list[Answer]:
    answers: list[Answer] = []
    for number in wish.numbers:
        meaning = await resolve_number(turn, shown_list, number)
        if not meaning.is_sure:
            return [await ask_number(turn, shown_list, meaning, number)]
        obligation = await load_for_reply(turn, "ack", meaning.obligation_ids[0])
        if isinstance(obligation, Answer):
            return [obligation]
        answers += await handle_status(turn, Reply("ack", until=until), obligation, None)
    return answers


async def _find_corrected(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> tuple[VisibleObligation, Any] | None:
    """Return the obligation whose answer is corrected, and that answer, given here within a day."""
    about: list[int] = []
    if reading.tasks:
        meaning = await resolve_reference(turn, shown_list, reading.tasks[0].ref)
        if not meaning.is_sure:
            return None
        about = meaning.obligation_ids
    elif shown_list is not None and shown_list.answers_it and shown_list.only_item is not None:
        about = [shown_list.only_item]
    recorded = await undo.find_last_reply_in_chat(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        since=turn.now - undo.UNDO_WINDOW,
        about=about,
    )
    if recorded is None or recorded.said == "undo" or recorded.obligation_id is None:
        return None
    obligation = await load_for_reply(turn, "done", recorded.obligation_id)
    return None if isinstance(obligation, Answer) else (obligation, recorded)


async def _record(turn: Turn, reply: Reply, obligation: VisibleObligation) -> list[Answer] | None:
    if reply.verb == "blocked":
        return None  # its reason is asked for where trouble is reported
    return await handle_status(turn, reply, obligation, None)


def _reread(turn: Turn, reading: Understanding) -> Understanding:
    """Return what the words say after "nhầm", never a completion."""
    folded = turn.incoming.text
    match = re.match(r"[^,.;:\n]{0,40}[,.;:\n]\s*(.+)", folded, re.DOTALL)
    if match is None or reading.tasks:
        return reading
    after = understand_reply(match[1], today=turn.today, workdays=turn.registry.workdays)
    return reading if after.status == "completed" or after.intent == "unclear" else after


def _says_no_state(reading: Understanding) -> bool:
    return reading.status in (None, "completed") and all(
        task.status in (None, "completed") for task in reading.tasks
    )


def _ask_again(turn: Turn, obligation: VisibleObligation, recorded: Any) -> Answer:
    """Ask what is so now of an answered task, with its choices; what was recorded stands until then."""
    verbs = {said: verb for verb, said in REPLY_KINDS.items()}
    context: dict[str, object] = {
        "why": "asked",
        "item": obligation.as_item(turn, 0),
        "was": {"verb": verbs[recorded.said], "percent": recorded.percent},
        "now": None,
        **UNNUMBERED,
    }
    buttons = (*obligation.choices(turn), *undo_button(recorded.id))
    return Answer(CORRECTION, context, buttons, (obligation.id,))
