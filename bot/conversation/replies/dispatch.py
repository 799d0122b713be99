"""The way of one reply: a button, typed words or files, to the module that handles it.

Guarantees:
- The bot asks about words that it does not surely understand, and records nothing.
- In a group it records only replies to its own messages.
"""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.context.access import may
from bot.conversation.context.dialogs import close_open_question
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList, find_item, last_shown_list
from bot.conversation.lists.references import (
    is_about_other_agency,
    list_nameable_codes,
    parse_item_number,
    resolve_reference,
)
from bot.conversation.reader.understand import Understanding, understand_reply
from bot.conversation.replies.actions import handle_reply, run_button
from bot.conversation.replies.batch import (
    WHOLE_LIST_REFS,
    handle_several_replies,
    reply_from_reading,
)
from bot.conversation.replies.dialogs import (
    answer_open_question,
    cancel_open_question,
    is_retraction,
)
from bot.conversation.replies.evidence import take_evidence_files
from bot.conversation.replies.explanation import file_typed_explanation, is_explanation
from bot.conversation.replies.problem import handle_list_question
from bot.conversation.replies.record import Reply, handle_reply_to_all
from bot.conversation.replies.show import (
    ask_which_of_several,
    ask_with_list,
    no_list_answer,
    open_item,
)
from bot.conversation.replies.undo import handle_undo_last
from bot.conversation.targets.ask import handle_target_choice
from bot.conversation.targets.dispatch import answer_target_words, gives_target_value
from data.text import fold
from jobs.channel import Answer


async def answer_button(turn: Turn) -> list[Answer]:
    """Answer a button; its id is as untrusted as typed text."""
    chosen = await handle_target_choice(turn)
    if chosen is not None:
        return chosen
    await close_open_question(turn)
    return await run_button(turn, turn.incoming.text, await last_shown_list(turn))


async def answer_text(turn: Turn) -> list[Answer]:
    """Answer typed words.

    In this order: the cancelling of a question, "huỷ", a button's label, the answer to an open question,
    a target's value, free text.
    """
    text = turn.incoming.text
    shown_list = await last_shown_list(turn)
    cancelled = await cancel_open_question(turn, text)
    if cancelled is not None:
        return cancelled
    overheard = _is_overheard(turn, shown_list)
    if not overheard and is_retraction(text):
        return await handle_undo_last(turn, shown_list)
    action = _find_label_action(turn, shown_list)
    if action:
        await close_open_question(turn)
        return await run_button(turn, action, shown_list)
    answers = await answer_open_question(turn)
    if answers is None:
        answers = await answer_target_words(turn, shown_list)
    if answers is not None:
        return answers
    if overheard:
        return await _answer_overheard(turn, shown_list)
    return await _answer_free_text(turn, shown_list)


async def answer_retraction(turn: Turn, words: str) -> list[Answer]:
    """Answer "/huy": as "huỷ", and surely meant for the bot, also in a group; words: those after it."""
    if words:
        text = f"huỷ {words}"
        return await answer_text(replace(turn, incoming=replace(turn.incoming, text=text)))
    cancelled = await cancel_open_question(turn, "huỷ", surely_meant=True)
    return cancelled or await handle_undo_last(turn, await last_shown_list(turn))


async def find_typed_label(turn: Turn) -> str:
    """Return the action of the button whose label was typed, else ""."""
    return _find_label_action(turn, await last_shown_list(turn))


def _find_label_action(turn: Turn, shown_list: ShownList | None) -> str:
    if shown_list is None or shown_list.doubtful or _is_overheard(turn, shown_list):
        return ""
    typed_label = fold(turn.incoming.text)
    labelled = (button for button in shown_list.buttons if not button.label.isdecimal())
    return next((button.action for button in labelled if fold(button.label) == typed_label), "")


def _is_overheard(turn: Turn, shown_list: ShownList | None) -> bool:
    """Tell whether people in a group talk among themselves, and not to the bot."""
    return turn.caller.in_group and (shown_list is None or not shown_list.answers_it)


async def answer_files(turn: Turn) -> list[Answer]:
    """Answer photos and files: first their caption, if it says anything, then keep them."""
    answers: list[Answer] = []
    if turn.incoming.text:
        reading = await _read(turn)
        says = reading.intent != "unclear" or reading.document is not None
        says = says or gives_target_value(turn)
        answers = await answer_text(turn) if says else []
        if any(answer.template.startswith("target_") for answer in answers):
            return [*answers, Answer("evidence_which")]  # a target's value needs no file
    return [*answers, *await take_evidence_files(turn)]


async def _answer_overheard(turn: Turn, shown_list: ShownList | None) -> list[Answer]:
    """Answer people in a group who talk among themselves: only a number opens an item."""
    if shown_list is None:
        return []
    number = parse_item_number(turn.incoming.text)
    if number is None:
        tasks = (await _read(turn)).tasks
        number = int(tasks[0].ref) if len(tasks) == 1 and tasks[0].ref.isdecimal() else None
    obligation_id = await find_item(turn, shown_list, number) if number is not None else None
    return [] if obligation_id is None else await open_item(turn, obligation_id, shown_list)


async def _read(turn: Turn) -> Understanding:
    text = turn.incoming.text
    reading = understand_reply(
        text,
        today=turn.today,
        codes=await list_nameable_codes(turn),
        workdays=turn.registry.workdays,
    )
    if is_about_other_agency(turn, text):
        return Understanding("unclear", note=reading.note)
    return reading


async def _answer_free_text(turn: Turn, shown_list: ShownList | None) -> list[Answer]:
    number = parse_item_number(turn.incoming.text)
    if shown_list is not None and shown_list.doubtful and not await _names_its_task(turn):
        return [await ask_with_list(turn, "doubtful", shown_list, number)]
    if number is not None and shown_list is not None:
        choice = shown_list.find_action(number)
        if choice is not None:
            return await run_button(turn, choice, shown_list)
        obligation_id = await find_item(turn, shown_list, number)
        if obligation_id is None:
            return [await ask_with_list(turn, "no_number", shown_list, number)]
        return await open_item(turn, obligation_id, shown_list)
    reading = await _read(turn)
    explanation_id = shown_list.explanation_id if shown_list is not None else None
    if explanation_id is not None and is_explanation(reading):
        return await file_typed_explanation(turn, explanation_id)
    if reading.intent == "multi":
        return await _answer_several(turn, reading, shown_list)
    if reading.tasks:
        return await _answer_named_task(turn, reading, shown_list)
    if shown_list is None:
        return [no_list_answer("no_list", number)]
    reply = reply_from_reading(reading)
    if shown_list.only_item is not None:
        if reply is None:
            return await open_item(turn, shown_list.only_item, shown_list, not_understood=True)
        return await handle_reply(turn, reply, shown_list.only_item, shown_list)
    if reply is not None and reply.verb == "question":
        return await handle_list_question(turn, shown_list)
    if reply is not None and not may(turn.caller, reply.verb):
        return [Answer("not_allowed", {"why": "read_only", "coordinator": "", "command": ""})]
    why = "not_understood" if reply is None else "which"
    return [await ask_with_list(turn, why, shown_list)]


async def _names_its_task(turn: Turn) -> bool:
    """Tell whether words name their tasks by codes alone, with no list number."""
    tasks = (await _read(turn)).tasks
    return bool(tasks) and not any(
        task.ref.isdecimal() or task.ref in WHOLE_LIST_REFS for task in tasks
    )


async def _answer_several(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer]:
    refs = {(task.ref, task.intent) for task in reading.tasks}
    if refs == {("all", "acknowledge")} and shown_list is not None:
        if shown_list.only_item is not None:
            return await handle_reply(turn, Reply("ack"), shown_list.only_item, shown_list)
        return await handle_reply_to_all(turn, "ack", shown_list)
    return await handle_several_replies(turn, reading, shown_list)


async def _answer_named_task(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer]:
    """Answer words that name one task by its number or code."""
    ref = reading.tasks[0].ref
    ids = await resolve_reference(turn, shown_list, ref)
    if len(ids) > 1:
        return await ask_which_of_several(turn, ids)
    if not ids:
        number = int(ref) if ref.isdecimal() else None
        if shown_list is None:
            return [no_list_answer("no_list", number)]
        why = "no_code" if number is None else "no_number"
        return [await ask_with_list(turn, why, shown_list, number)]
    (obligation_id,) = ids
    reply = reply_from_reading(reading)
    if reply is None:
        asks = fold(ref) != fold(turn.incoming.text)  # a code alone opens its task
        return await open_item(turn, obligation_id, shown_list, not_understood=asks)
    about = shown_list if shown_list is not None and obligation_id == shown_list.only_item else None
    return await handle_reply(turn, reply, obligation_id, about)
