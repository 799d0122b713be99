"""The way of one reply: a button, typed words or files, to the module that handles it.

Guarantees:
- The bot asks about words that it does not surely understand, and records nothing.
- In a group it records only replies to its own messages.
"""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.context.access import may
from bot.conversation.context.dialogs import close_open_question, find_open_question
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.answer_files import answer_question_by_files
from bot.conversation.decisions.forms import take_form_file
from bot.conversation.decisions.question import answer_by_reply, ask_answer
from bot.conversation.lists.last_list import ShownList, last_shown_list
from bot.conversation.lists.menus import asks_beyond_menu
from bot.conversation.lists.numbers import list_all_items, resolve_number
from bot.conversation.lists.references import (
    is_about_other_agency,
    list_nameable_codes,
    list_titles,
    parse_item_number,
    resolve_reference,
)
from bot.conversation.reader.copied import is_copied, without_titles
from bot.conversation.reader.tokens import LONGEST
from bot.conversation.reader.understand import Understanding, understand_reply
from bot.conversation.replies.actions import handle_reply, run_button
from bot.conversation.replies.asides import answer_aside
from bot.conversation.replies.batch import (
    WHOLE_LIST_REFS,
    handle_several_replies,
    reply_from_reading,
)
from bot.conversation.replies.content import answer_content_request, parse_content_request
from bot.conversation.replies.correction import accept_correction, answer_correction, is_assent
from bot.conversation.replies.dialogs import (
    answer_open_question,
    cancel_open_question,
    is_retraction,
)
from bot.conversation.replies.evidence import (
    keep_for_named_task,
    only_names_document,
    take_evidence_files,
)
from bot.conversation.replies.explanation import file_typed_explanation, is_explanation
from bot.conversation.replies.following import asks_for_following, show_following
from bot.conversation.replies.labels import find_label_action, is_overheard
from bot.conversation.replies.opening import answer_file_request
from bot.conversation.replies.questions import handle_list_question
from bot.conversation.replies.record import EVIDENCE_QUESTION, Reply, handle_reply_to_all
from bot.conversation.replies.show import (
    ask_doubtful,
    ask_number,
    ask_with_list,
    no_list_answer,
    open_item,
)
from bot.conversation.replies.undo import handle_undo_last
from bot.conversation.replies.verdicts import answer_verdict
from bot.conversation.targets.ask import handle_target_choice
from bot.conversation.targets.dispatch import answer_target_words, gives_target_value
from data.text import fold
from jobs.channel import Answer

_UNDO_DECISION = "huy quyet dinh"


async def answer_button(turn: Turn) -> list[Answer]:
    """Answer a button; its id is as untrusted as typed text."""
    chosen = await handle_target_choice(turn)
    if chosen is not None:
        return chosen
    await close_open_question(turn)
    return await run_button(turn, turn.incoming.text, await last_shown_list(turn))


async def answer_text(turn: Turn) -> list[Answer]:
    """Answer typed words.

    In this order: the cancelling of a question, "huỷ", "xem tiếp", "nd 2", "mẫu 2", "minh chứng 2", a button's
    label, the answer to an open question, a verdict on completions, a target's value, free text.
    """
    text = turn.incoming.text
    shown_list = await last_shown_list(turn)
    cancelled = await cancel_open_question(turn, text)
    if cancelled is not None:
        return cancelled
    answered = None if is_retraction(text) else await answer_by_reply(turn)
    if answered is not None:
        return answered
    overheard = is_overheard(turn, shown_list)
    if not overheard and is_retraction(text):
        return await handle_undo_last(turn, shown_list)
    if not overheard and fold(text) == _UNDO_DECISION:
        return await handle_undo_last(turn, shown_list, of_decision=True)
    if await asks_beyond_menu(turn):
        return [no_list_answer("ended")]
    if shown_list is not None and not overheard and asks_for_following(text):
        await close_open_question(turn)
        return await show_following(turn, shown_list.origin_id, shown_list)
    asked = None if overheard else parse_content_request(text)
    if asked is not None:
        await close_open_question(turn)
        return await answer_content_request(turn, asked, shown_list)
    if not overheard and (opened := await answer_file_request(turn, text, shown_list)) is not None:
        await close_open_question(turn)
        return opened
    action = find_label_action(turn, shown_list)
    if action:
        await close_open_question(turn)
        return await run_button(turn, action, shown_list)
    answers = await answer_open_question(turn)
    if answers is None and not overheard:
        answers = await answer_verdict(turn, shown_list)
    if answers is None and not is_copied(text):
        answers = await answer_target_words(turn, shown_list)
    if answers is not None:
        return answers
    if overheard:
        return await _answer_overheard(turn, shown_list)
    return await _answer_free_text(turn, shown_list)


async def answer_retraction(turn: Turn, words: str) -> list[Answer]:
    """Answer "/huy": as "huỷ", and surely meant for the bot, also in a group; words: those after it."""
    text = f"huỷ {words}"
    if words and not is_retraction(text):
        answers = await answer_text(replace(turn, incoming=replace(turn.incoming, text=text)))
        shown_list = await last_shown_list(turn)
        if answers or shown_list is None:
            return answers or [no_list_answer("no_list")]
        return [await ask_with_list(turn, "not_understood", shown_list)]
    cancelled = await cancel_open_question(turn, "huỷ", surely_meant=True)
    return cancelled or await handle_undo_last(turn, await last_shown_list(turn))


async def answer_edited(turn: Turn) -> list[Answer]:
    """Answer an edited message: offer the correction, or take words of which nothing was recorded as new."""
    reading = await _read(turn, await last_shown_list(turn))
    answers = await answer_correction(turn, reading)
    return await answer_text(turn) if answers is None else answers


async def answer_files(turn: Turn) -> list[Answer]:
    """Answer photos and files: first the words beneath, if they say anything, then keep them.

    A document's number alone answers the question for one, or is kept with the file.
    """
    if (answered := await answer_question_by_files(turn)) is not None:
        return answered
    if (attached := await take_form_file(turn)) is not None:
        return attached
    if not turn.incoming.text:
        return await take_evidence_files(turn)
    dialog = await find_open_question(turn)
    asked = dialog is not None and dialog.asks == EVIDENCE_QUESTION
    document = only_names_document(turn)
    if document is not None and not asked:
        return await take_evidence_files(turn, document=document)
    shown_list = await last_shown_list(turn)
    reading = await _read(turn, shown_list)
    if reading.intent == "unclear" and not asked:
        named = await _find_named_task(turn, reading, shown_list)
        if named is not None:
            return await keep_for_named_task(turn, reading, named)
    says = reading.intent != "unclear" or reading.document is not None
    says = says or gives_target_value(turn) or asked
    answers = await answer_text(turn) if says else []
    if any(answer.template.startswith("target_") for answer in answers):
        return [*answers, Answer("evidence_which")]  # a target's value needs no file
    return [*answers, *await take_evidence_files(turn, answers)]


async def _find_named_task(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> int | None:
    """Return the one task that words name and report nothing of ("4", "ảnh việc 4", "BC.1"), if it is sure."""
    number = parse_item_number(turn.incoming.text)
    refs = [task.ref for task in reading.tasks] if number is None else [str(number)]
    if len(refs) != 1 or refs[0] in WHOLE_LIST_REFS:
        return None
    meaning = await resolve_reference(turn, shown_list, refs[0])
    return meaning.obligation_ids[0] if meaning.is_sure else None


async def _answer_overheard(turn: Turn, shown_list: ShownList | None) -> list[Answer]:
    """Answer people in a group who talk among themselves: only a number opens an item."""
    if shown_list is None:
        return []
    number = await _typed_number(turn, shown_list)
    if number is None:
        return []
    meaning = await resolve_number(turn, shown_list, number)
    return await open_item(turn, meaning.obligation_ids[0], shown_list) if meaning.is_sure else []


async def _typed_number(turn: Turn, shown_list: ShownList) -> int | None:
    """Return the number of the one item that words name ("2", "2 xong"), or None."""
    number = parse_item_number(turn.incoming.text)
    if number is not None:
        return number
    tasks = (await _read(turn, shown_list)).tasks
    return int(tasks[0].ref) if len(tasks) == 1 and tasks[0].ref.isdecimal() else None


async def _read(turn: Turn, shown_list: ShownList | None) -> Understanding:
    """Read the words typed; what is copied from the bot's own messages is not said."""
    text = turn.incoming.text
    if is_copied(text):
        return Understanding("unclear", note=text[:LONGEST])
    reading = understand_reply(
        without_titles(text, await list_titles(turn, shown_list, text)),
        today=turn.today,
        codes=await list_nameable_codes(turn),
        workdays=turn.registry.workdays,
    )
    if is_about_other_agency(turn, text):
        return Understanding("unclear", note=reading.note)
    return reading


async def _answer_free_text(turn: Turn, shown_list: ShownList | None) -> list[Answer]:
    number = parse_item_number(turn.incoming.text)
    reading = await _read(turn, shown_list)
    said = number is None and not is_copied(turn.incoming.text)
    if said and (told := await answer_aside(turn, reading, shown_list)):
        return told
    if (
        shown_list is not None
        and shown_list.doubtful
        and not await _names_its_task(turn, shown_list)
    ):
        return [await ask_doubtful(turn, shown_list, await _typed_number(turn, shown_list))]
    if number is not None and shown_list is not None:
        return await _answer_number(turn, number, shown_list)
    explanation_id = shown_list.explanation_id if shown_list is not None else None
    if explanation_id is not None and is_explanation(reading):
        return await file_typed_explanation(turn, explanation_id)
    if reading.intent == "multi":
        return await _answer_several(turn, reading, shown_list)
    if reading.tasks:
        return await _answer_named_task(turn, reading, shown_list)
    if shown_list is None:
        follows = "focal" not in turn.caller.roles()
        return [no_list_answer("no_list", number, follows=follows)]
    reply = reply_from_reading(reading)
    if shown_list.only_item is not None:
        if reply is not None and reply.verb == "ack" and shown_list.find_row("fix") is not None:
            if is_assent(turn.incoming.text):
                return await accept_correction(turn, shown_list.only_item, shown_list)
            reply = None  # "đã nhận" answers no question of yes or no
        if reply is None and (question_id := shown_list.find_row("answer")) is not None:
            return await ask_answer(turn, question_id)
        if reply is None:
            return await open_item(turn, shown_list.only_item, shown_list, not_understood=True)
        return await handle_reply(turn, reply, shown_list.only_item, shown_list)
    if reply is not None and reply.verb == "question":
        return await handle_list_question(turn, shown_list)
    if reply is not None and not may(turn.caller, reply.verb):
        return [Answer("not_allowed", {"why": "read_only", "coordinator": "", "command": ""})]
    why = "not_understood" if reply is None else "which"
    return [await ask_with_list(turn, why, shown_list)]


async def _answer_number(turn: Turn, number: int, shown_list: ShownList) -> list[Answer]:
    """Answer a bare number: a choice where choices are shown as numbers, else an item to look at."""
    choice = shown_list.find_explained(number)
    if choice is None and turn.types_choices:
        choice = shown_list.find_action(number)
    if choice is not None:
        return await run_button(turn, choice, shown_list)
    meaning = await resolve_number(turn, shown_list, number)
    if meaning.is_sure:
        return await open_item(turn, meaning.obligation_ids[0], shown_list)
    if not meaning.obligation_ids and shown_list.only_item is not None:
        return await open_item(turn, shown_list.only_item, shown_list, not_understood=True)
    return [await ask_number(turn, shown_list, meaning, number)]


async def _names_its_task(turn: Turn, shown_list: ShownList) -> bool:
    """Tell whether words name their tasks by codes alone, with no list number."""
    tasks = (await _read(turn, shown_list)).tasks
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
        pairs, all_arrived = await list_all_items(turn, shown_list)
        if not all_arrived and not shown_list.answers_it:
            return [await ask_doubtful(turn, shown_list, None)]
        ids = [obligation_id for _, obligation_id in pairs]
        return await handle_reply_to_all(turn, "ack", shown_list, ids)
    return await handle_several_replies(turn, reading, shown_list)


async def _answer_named_task(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer]:
    """Answer words that name one task by its number or code."""
    ref = reading.tasks[0].ref
    number = int(ref) if ref.isdecimal() else None
    meaning = await resolve_reference(turn, shown_list, ref)
    if not meaning.is_sure:
        return [await ask_number(turn, shown_list, meaning, number)]
    (obligation_id,) = meaning.obligation_ids
    reply = reply_from_reading(reading)
    if reply is None:
        asks = fold(ref) != fold(turn.incoming.text)  # a code alone opens its task
        return await open_item(turn, obligation_id, shown_list, not_understood=asks)
    about = shown_list if shown_list is not None and obligation_id == shown_list.only_item else None
    return await handle_reply(turn, reply, obligation_id, about)
