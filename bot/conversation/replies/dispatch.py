"""What agencies answer: buttons, their typed equivalents, free text, and taking back.

Promises that what is not surely understood is asked, never recorded; that a number means what was
shown last; and that among people talking in a group nothing is recorded unasked. What each answer does
stands in the module of its verb; what is shown in listing.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.conversation.context.access import may
from bot.conversation.context.turn import Turn
from bot.conversation.decisions import explanation as explaining
from bot.conversation.decisions import table as verdicts
from bot.conversation.lists.last_list import Menu, item_at, listed, menu_of
from bot.conversation.lists.references import bare_number, codes_in_hand, is_of_another, named
from bot.conversation.reader.understand import Understanding, understand
from bot.conversation.replies import dialogs
from bot.conversation.replies.batch import EVERY, answer_several, saying_of
from bot.conversation.replies.evidence import files_given
from bot.conversation.replies.extension import extension
from bot.conversation.replies.problem import blocked, dispute, question, question_of_list
from bot.conversation.replies.record import Saying, answer, answer_all
from bot.conversation.replies.show import (
    ask_again,
    nothing_listed,
    open_item,
    show_list,
    show_several,
)
from bot.conversation.replies.undo import undo, undo_last
from bot.conversation.targets import dispatch as targets
from bot.conversation.targets.ask import picked
from bot.conversation.targets.record import TAKE_BACK, take_back
from data.text import fold
from jobs.channel import Answer

_LONGEST_KEY = 18  # digits of a row's id

Verb = Callable[[Turn, int, Menu | None], Awaitable[list[Answer]]]
SayingVerb = Callable[[Turn, Saying, int, Menu | None], Awaitable[list[Answer]]]

# What can be said of one obligation, by button or in words → what records it.
SAYINGS: dict[str, SayingVerb] = {
    "ack": answer,
    "doing": answer,
    "not_yet": answer,
    "done": answer,
    "more": extension,
    "blocked": blocked,
    "dispute": dispute,
    "question": question,
}


async def pressed(turn: Turn) -> list[Answer]:
    """Answer a button: its key is looked up and judged, never trusted."""
    chosen = await picked(turn)
    if chosen is not None:
        return chosen
    await dialogs.forget(turn)
    return await _act(turn, turn.incoming.text, await menu_of(turn))


async def typed(turn: Turn) -> list[Answer]:
    """Answer typed words: the end of a question, a label or number shown, an answer, or free text."""
    text = turn.incoming.text
    menu = await menu_of(turn)
    ended = await dialogs.ended(turn)
    if ended is not None:
        return ended
    overheard = _is_overheard(turn, menu)
    if not overheard and dialogs.takes_back(text):
        return await undo_last(turn, menu)
    action = _labelled(turn, menu)
    if action:
        await dialogs.forget(turn)
        return await _act(turn, action, menu)
    answers = await dialogs.answered(turn)
    if answers is None:
        answers = await targets.said(turn, menu)
    if answers is not None:
        return answers
    if overheard:
        return await _overheard(turn, menu)
    return await _freely(turn, menu)


async def label_typed(turn: Turn) -> str:
    """Return the key of the button whose label was typed, of the menu it was typed for; "" without."""
    return _labelled(turn, await menu_of(turn))


def _labelled(turn: Turn, menu: Menu | None) -> str:
    if menu is None or menu.doubtful or _is_overheard(turn, menu):
        return ""
    typed_label = fold(turn.incoming.text)
    found = (button for button in menu.buttons if not button.label.isdecimal())
    return next((button.action for button in found if fold(button.label) == typed_label), "")


def _is_overheard(turn: Turn, menu: Menu | None) -> bool:
    """Tell whether the words are among people in a group, and not a reply to a list of ours."""
    return turn.caller.in_group and (menu is None or not menu.answers_it)


async def with_files(turn: Turn) -> list[Answer]:
    """Answer photos and files: what stands beneath them first, as far as it says something, then keep them."""
    answers: list[Answer] = []
    if turn.incoming.text:
        reading = await _read(turn)
        says = reading.intent != "unclear" or reading.document is not None
        says = says or targets.speaks_of_one(turn)
        answers = await typed(turn) if says else []
        if any(answer.template.startswith("target_") for answer in answers):
            return [*answers, Answer("evidence_which")]  # a target's figure needs no file
    return [*answers, *await files_given(turn)]


async def _overheard(turn: Turn, menu: Menu | None) -> list[Answer]:
    """Answer people who talk among themselves: only a number opens an item, nothing is recorded."""
    if menu is None:
        return []
    number = bare_number(turn.incoming.text)
    if number is None:
        tasks = (await _read(turn)).tasks
        number = int(tasks[0].ref) if len(tasks) == 1 and tasks[0].ref.isdecimal() else None
    obligation_id = await item_at(turn, menu, number) if number is not None else None
    return [] if obligation_id is None else await open_item(turn, obligation_id, menu)


async def _read(turn: Turn) -> Understanding:
    text = turn.incoming.text
    reading = understand(
        text,
        today=turn.today,
        codes=await codes_in_hand(turn),
        workdays=turn.registry.workdays,
    )
    if is_of_another(turn, text):
        return Understanding("unclear", note=reading.note)
    return reading


async def _freely(turn: Turn, menu: Menu | None) -> list[Answer]:
    number = bare_number(turn.incoming.text)
    if menu is not None and menu.doubtful and not await _names_its_task(turn):
        return [await ask_again(turn, "doubtful", menu, number)]
    if number is not None and menu is not None:
        choice = menu.choice(number)
        if choice is not None:
            return await _act(turn, choice, menu)
        obligation_id = await item_at(turn, menu, number)
        if obligation_id is None:
            return [await ask_again(turn, "no_number", menu, number)]
        return await open_item(turn, obligation_id, menu)
    reading = await _read(turn)
    wanted = menu.explanation if menu is not None else None
    if wanted is not None and explaining.is_explanation(reading):
        return await explaining.file_words(turn, wanted)
    if reading.intent == "multi":
        return await _several(turn, reading, menu)
    if reading.tasks:
        return await _of_named(turn, reading, menu)
    if menu is None:
        return [nothing_listed("no_list", number)]
    saying = saying_of(reading)
    if menu.only is not None:
        if saying is None:
            return await open_item(turn, menu.only, menu, not_understood=True)
        return await SAYINGS[saying.verb](turn, saying, menu.only, menu)
    if saying is not None and saying.verb == "question":
        return await question_of_list(turn, menu)
    if saying is not None and not may(turn.caller, saying.verb):
        return [Answer("not_allowed", {"why": "read_only", "coordinator": "", "command": ""})]
    return [await ask_again(turn, "not_understood" if saying is None else "which", menu, None)]


async def _names_its_task(turn: Turn) -> bool:
    """Tell whether words name what they are about by its code, and not by a number or not at all."""
    tasks = (await _read(turn)).tasks
    return bool(tasks) and not any(task.ref.isdecimal() or task.ref in EVERY for task in tasks)


async def _several(turn: Turn, reading: Understanding, menu: Menu | None) -> list[Answer]:
    refs = {(task.ref, task.intent) for task in reading.tasks}
    if refs == {("all", "acknowledge")} and menu is not None:
        if menu.only is not None:
            return await answer(turn, Saying("ack"), menu.only, menu)
        return await answer_all(turn, "ack", menu)
    return await answer_several(turn, reading, menu)


async def _of_named(turn: Turn, reading: Understanding, menu: Menu | None) -> list[Answer]:
    """Answer words that name one task by its number or code."""
    ref = reading.tasks[0].ref
    ids = await named(turn, menu, ref)
    if len(ids) > 1:
        return await show_several(turn, ids)
    if not ids and menu is None:
        number = int(ref) if ref.isdecimal() else None
        return [nothing_listed("no_list", number)]
    if not ids and menu is not None:
        if not ref.isdecimal():
            return [await ask_again(turn, "no_code", menu, None)]
        return [await ask_again(turn, "no_number", menu, int(ref))]
    (obligation_id,) = ids
    saying = saying_of(reading)
    if saying is None:
        asks = fold(ref) != fold(turn.incoming.text)  # a code alone opens its task
        return await open_item(turn, obligation_id, menu, not_understood=asks)
    about = menu if menu is not None and obligation_id == menu.only else None
    return await SAYINGS[saying.verb](turn, saying, obligation_id, about)


# ------------------------------------------------------------------ buttons


def _says(verb: str) -> Verb:
    async def say(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
        about = menu if menu is not None and menu.only == key else None
        return await SAYINGS[verb](turn, Saying(verb), key, about)

    return say


async def _back(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
    shown = await listed(turn, key)
    return [await show_list(turn, shown)] if shown else [Answer("unknown_item")]


def _says_of_all(verb: str) -> Verb:
    async def say(turn: Turn, key: int, menu: Menu | None) -> list[Answer]:
        shown = await listed(turn, key) if key else menu
        return await answer_all(turn, verb, shown) if shown else [Answer("unknown_item")]

    return say


# A button's verb → what it does with the row's id that stands behind it.
VERBS: dict[str, Verb] = {
    "open": open_item,
    "back": _back,
    "ackall": _says_of_all("ack"),
    "doingall": _says_of_all("doing"),
    "undo": undo,
    TAKE_BACK: take_back,
    **{verb: _says(verb) for verb in ("ack", "doing", "done", "more", "not_yet", "blocked")},
    **verdicts.VERBS,
}


async def _act(turn: Turn, action: str, menu: Menu | None) -> list[Answer]:
    verb, _, argument = action.partition(":")
    act = VERBS.get(verb)
    if act is None or not argument.isdecimal() or len(argument) > _LONGEST_KEY:
        return [Answer("unknown_item")]
    return await act(turn, int(argument), menu)
