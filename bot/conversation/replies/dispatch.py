"""What agencies answer: buttons, their typed equivalents, free text, and taking back.

Promises that what is not surely understood is asked, never recorded; that a number means what was
shown last; and that among people talking in a group nothing is recorded unasked. What each answer does
stands in the module of its verb; what is shown in listing.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.conversation.context.access import may
from bot.conversation.context.turn import Turn
from bot.conversation.decisions import explanation as explanation_decision
from bot.conversation.decisions import table as decision_table
from bot.conversation.lists.last_list import ShownList, find_item, last_shown_list, list_by_message
from bot.conversation.lists.references import (
    is_about_other_agency,
    list_nameable_codes,
    parse_item_number,
    resolve_reference,
)
from bot.conversation.reader.understand import Understanding, understand_reply
from bot.conversation.replies import dialogs
from bot.conversation.replies.batch import (
    WHOLE_LIST_REFS,
    handle_several_replies,
    reply_from_reading,
)
from bot.conversation.replies.evidence import take_evidence_files
from bot.conversation.replies.extension import handle_extension
from bot.conversation.replies.problem import (
    handle_blocked,
    handle_dispute,
    handle_list_question,
    handle_question,
)
from bot.conversation.replies.record import Reply, handle_reply_to_all, handle_status
from bot.conversation.replies.show import (
    ask_which_of_several,
    ask_with_list,
    no_list_answer,
    open_item,
    show_list,
)
from bot.conversation.replies.undo import handle_undo, handle_undo_last
from bot.conversation.targets import dispatch as target_dispatch
from bot.conversation.targets.ask import handle_target_choice
from bot.conversation.targets.record import UNDO_TARGET_VERB, handle_target_undo
from data.text import fold
from jobs.channel import Answer

_LONGEST_KEY = 18  # digits of a row's id

ButtonAction = Callable[[Turn, int, ShownList | None], Awaitable[list[Answer]]]
ReplyAction = Callable[[Turn, Reply, int, ShownList | None], Awaitable[list[Answer]]]

# What can be said of one obligation, by button or in words → what records it.
REPLY_ACTIONS: dict[str, ReplyAction] = {
    "ack": handle_status,
    "doing": handle_status,
    "not_yet": handle_status,
    "done": handle_status,
    "more": handle_extension,
    "blocked": handle_blocked,
    "dispute": handle_dispute,
    "question": handle_question,
}


async def answer_button(turn: Turn) -> list[Answer]:
    """Answer a button: its key is looked up and judged, never trusted."""
    chosen = await handle_target_choice(turn)
    if chosen is not None:
        return chosen
    await dialogs.close_open_question(turn)
    return await _act(turn, turn.incoming.text, await last_shown_list(turn))


async def answer_text(turn: Turn) -> list[Answer]:
    """Answer typed words: the end of a question, a label or number shown, an answer, or free text."""
    text = turn.incoming.text
    menu = await last_shown_list(turn)
    ended = await dialogs.cancel_open_question(turn)
    if ended is not None:
        return ended
    overheard = _is_overheard(turn, menu)
    if not overheard and dialogs.is_retraction(text):
        return await handle_undo_last(turn, menu)
    action = _find_label_action(turn, menu)
    if action:
        await dialogs.close_open_question(turn)
        return await _act(turn, action, menu)
    answers = await dialogs.answer_open_question(turn)
    if answers is None:
        answers = await target_dispatch.answer_target_words(turn, menu)
    if answers is not None:
        return answers
    if overheard:
        return await _answer_overheard(turn, menu)
    return await _answer_free_text(turn, menu)


async def find_typed_label(turn: Turn) -> str:
    """Return the key of the button whose label was typed, of the menu it was typed for; "" without."""
    return _find_label_action(turn, await last_shown_list(turn))


def _find_label_action(turn: Turn, menu: ShownList | None) -> str:
    if menu is None or menu.doubtful or _is_overheard(turn, menu):
        return ""
    typed_label = fold(turn.incoming.text)
    found = (button for button in menu.buttons if not button.label.isdecimal())
    return next((button.action for button in found if fold(button.label) == typed_label), "")


def _is_overheard(turn: Turn, menu: ShownList | None) -> bool:
    """Tell whether the words are among people in a group, and not a reply to a list of ours."""
    return turn.caller.in_group and (menu is None or not menu.answers_it)


async def answer_files(turn: Turn) -> list[Answer]:
    """Answer photos and files: what stands beneath them first, as far as it says something, then keep them."""
    answers: list[Answer] = []
    if turn.incoming.text:
        reading = await _read(turn)
        says = reading.intent != "unclear" or reading.document is not None
        says = says or target_dispatch.gives_target_value(turn)
        answers = await answer_text(turn) if says else []
        if any(answer.template.startswith("target_") for answer in answers):
            return [*answers, Answer("evidence_which")]  # a target's figure needs no file
    return [*answers, *await take_evidence_files(turn)]


async def _answer_overheard(turn: Turn, menu: ShownList | None) -> list[Answer]:
    """Answer people who talk among themselves: only a number opens an item, nothing is recorded."""
    if menu is None:
        return []
    number = parse_item_number(turn.incoming.text)
    if number is None:
        tasks = (await _read(turn)).tasks
        number = int(tasks[0].ref) if len(tasks) == 1 and tasks[0].ref.isdecimal() else None
    obligation_id = await find_item(turn, menu, number) if number is not None else None
    return [] if obligation_id is None else await open_item(turn, obligation_id, menu)


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


async def _answer_free_text(turn: Turn, menu: ShownList | None) -> list[Answer]:
    number = parse_item_number(turn.incoming.text)
    if menu is not None and menu.doubtful and not await _names_its_task(turn):
        return [await ask_with_list(turn, "doubtful", menu, number)]
    if number is not None and menu is not None:
        choice = menu.find_action(number)
        if choice is not None:
            return await _act(turn, choice, menu)
        obligation_id = await find_item(turn, menu, number)
        if obligation_id is None:
            return [await ask_with_list(turn, "no_number", menu, number)]
        return await open_item(turn, obligation_id, menu)
    reading = await _read(turn)
    wanted = menu.explanation_id if menu is not None else None
    if wanted is not None and explanation_decision.is_explanation(reading):
        return await explanation_decision.file_typed_explanation(turn, wanted)
    if reading.intent == "multi":
        return await _answer_several(turn, reading, menu)
    if reading.tasks:
        return await _answer_named_task(turn, reading, menu)
    if menu is None:
        return [no_list_answer("no_list", number)]
    saying = reply_from_reading(reading)
    if menu.only_item is not None:
        if saying is None:
            return await open_item(turn, menu.only_item, menu, not_understood=True)
        return await REPLY_ACTIONS[saying.verb](turn, saying, menu.only_item, menu)
    if saying is not None and saying.verb == "question":
        return await handle_list_question(turn, menu)
    if saying is not None and not may(turn.caller, saying.verb):
        return [Answer("not_allowed", {"why": "read_only", "coordinator": "", "command": ""})]
    return [await ask_with_list(turn, "not_understood" if saying is None else "which", menu, None)]


async def _names_its_task(turn: Turn) -> bool:
    """Tell whether words name what they are about by its code, and not by a number or not at all."""
    tasks = (await _read(turn)).tasks
    return bool(tasks) and not any(
        task.ref.isdecimal() or task.ref in WHOLE_LIST_REFS for task in tasks
    )


async def _answer_several(
    turn: Turn, reading: Understanding, menu: ShownList | None
) -> list[Answer]:
    refs = {(task.ref, task.intent) for task in reading.tasks}
    if refs == {("all", "acknowledge")} and menu is not None:
        if menu.only_item is not None:
            return await handle_status(turn, Reply("ack"), menu.only_item, menu)
        return await handle_reply_to_all(turn, "ack", menu)
    return await handle_several_replies(turn, reading, menu)


async def _answer_named_task(
    turn: Turn, reading: Understanding, menu: ShownList | None
) -> list[Answer]:
    """Answer words that name one task by its number or code."""
    ref = reading.tasks[0].ref
    ids = await resolve_reference(turn, menu, ref)
    if len(ids) > 1:
        return await ask_which_of_several(turn, ids)
    if not ids and menu is None:
        number = int(ref) if ref.isdecimal() else None
        return [no_list_answer("no_list", number)]
    if not ids and menu is not None:
        if not ref.isdecimal():
            return [await ask_with_list(turn, "no_code", menu, None)]
        return [await ask_with_list(turn, "no_number", menu, int(ref))]
    (obligation_id,) = ids
    saying = reply_from_reading(reading)
    if saying is None:
        asks = fold(ref) != fold(turn.incoming.text)  # a code alone opens its task
        return await open_item(turn, obligation_id, menu, not_understood=asks)
    about = menu if menu is not None and obligation_id == menu.only_item else None
    return await REPLY_ACTIONS[saying.verb](turn, saying, obligation_id, about)


# ------------------------------------------------------------------ buttons


def _reply_action(verb: str) -> ButtonAction:
    async def say(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
        about = menu if menu is not None and menu.only_item == key else None
        return await REPLY_ACTIONS[verb](turn, Reply(verb), key, about)

    return say


async def _show_previous_list(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
    shown = await list_by_message(turn, key)
    return [await show_list(turn, shown)] if shown else [Answer("unknown_item")]


def _reply_to_all_action(verb: str) -> ButtonAction:
    async def say(turn: Turn, key: int, menu: ShownList | None) -> list[Answer]:
        shown = await list_by_message(turn, key) if key else menu
        return await handle_reply_to_all(turn, verb, shown) if shown else [Answer("unknown_item")]

    return say


# A button's verb → what it does with the row's id that stands behind it.
BUTTON_ACTIONS: dict[str, ButtonAction] = {
    "open": open_item,
    "back": _show_previous_list,
    "ackall": _reply_to_all_action("ack"),
    "doingall": _reply_to_all_action("doing"),
    "undo": handle_undo,
    UNDO_TARGET_VERB: handle_target_undo,
    **{
        verb: _reply_action(verb) for verb in ("ack", "doing", "done", "more", "not_yet", "blocked")
    },
    **decision_table.DECISION_BUTTON_ACTIONS,
}


async def _act(turn: Turn, action: str, menu: ShownList | None) -> list[Answer]:
    verb, _, argument = action.partition(":")
    act = BUTTON_ACTIONS.get(verb)
    if act is None or not argument.isdecimal() or len(argument) > _LONGEST_KEY:
        return [Answer("unknown_item")]
    return await act(turn, int(argument), menu)
