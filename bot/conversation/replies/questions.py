"""Questions that are passed on to who follows the plan, whose answer comes back (decisions/question.py).

Guarantees:
- A question changes nothing, is kept whole, and carries a number by which it is answered.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from bot.conversation.context.buttons import UNNUMBERED, ButtonRows
from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.pages import split_words
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.decisions.question import answer_buttons
from bot.conversation.lists.last_list import ShownList, find_source_list
from bot.conversation.lists.numbers import resolve_number
from bot.conversation.reader.questions import find_asked_number
from bot.conversation.replies.record import Reply, load_for_reply, reply_refusal
from bot.conversation.replies.show import ask_with_list, find_item_number
from data.models import Message
from data.progress.questions import (
    find_question_answer,
    lock_question,
    record_question,
    withdraw_question,
)
from jobs.channel import Answer

NOTICE_QUESTION = "notice_question"  # template


async def handle_question(
    turn: Turn, reply: Reply, obligation: VisibleObligation, shown_list: ShownList | None
) -> list[Answer]:
    """Record a question about a task, and pass it on to the coordinator."""
    return await pass_question_on(turn, [obligation], turn.incoming.text, shown_list)


async def handle_list_question(turn: Turn, shown_list: ShownList) -> list[Answer]:
    """Pass a question on to the coordinators of the list's tasks, or of the one whose number it begins with."""
    number = find_asked_number(turn.incoming.text)
    if number is not None:
        meaning = await resolve_number(turn, shown_list, number)
        if meaning.is_sure:
            one = await load_for_reply(turn, "question", meaning.obligation_ids[0])
            if not isinstance(one, Answer):
                return await pass_question_on(turn, [one], turn.incoming.text, shown_list)
    visible = await visible_obligations(turn, shown_list.obligation_ids)
    asked = [each for each in visible.values() if reply_refusal(turn, "question", each) is None]
    if not asked:
        return [await ask_with_list(turn, "not_understood", shown_list)]  # others answer these
    return await pass_question_on(turn, asked, turn.incoming.text, shown_list)


async def pass_question_on(
    turn: Turn,
    asked: Sequence[VisibleObligation],
    text: str,
    shown_list: ShownList | None,
    *,
    about_form: bool = False,
    is_objection: bool = False,
) -> list[Answer]:
    """Record a question and confirm it, with one notice for each chat; only a single task is named in them.

    shown_list: the list whose numbers stay. about_form: it asks for a form that nobody attached yet.
    is_objection: the words object to the figures of the one obligation.
    """
    words = text.strip()
    one = asked[0] if len(asked) == 1 else None
    first = asked[0]
    question_id = await record_question(
        turn.connection,
        obligation_id=one.id if one is not None else None,
        agency_id=first.subject.holder_id or first.row.agency_id,
        words=words,
        said="objection" if is_objection else "question",
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        event_id=turn.event_id,
        now=turn.now,
    )
    notices = await notify_of_question(
        turn, asked, question_id, words, named=one is not None, is_objection=is_objection
    )
    names = dict.fromkeys(each.row.coordinator_name or "cơ quan theo dõi" for each in asked)
    source = None if shown_list is None else await find_source_list(turn, shown_list)
    number = 0 if source is None or one is None else find_item_number(source, one.id)
    confirmation: dict[str, object] = {
        **(UNNUMBERED if source is None else source.numbers),
        "item": one.as_item(turn, number) if one is not None else None,
        "told": bool(notices),
        "coordinators": list(names),
        "about_form": about_form,
        "objection": is_objection,
    }
    still_open = one is not None and one.row.state == "open"
    return [
        Answer(
            "question_passed",
            confirmation,
            items=(one.id,) if one and still_open else (),  # no choices: "3" means an item next
        ),
        *notices,
    ]


async def take_question_back(turn: Turn, question_id: int) -> list[Answer]:
    """Take a question or objection back that nobody answered yet, and tell who was asked."""
    question = await lock_question(turn.connection, question_id)
    if question is None:
        return [Answer("unknown_item")]
    about: dict[str, object] = {
        "question": question.id,
        "objection": question.said == "objection",
        "words": question.note or "",
    }
    if await find_question_answer(turn.connection, question.id) is not None:
        return [Answer("question_withdrawn", {**about, "agency": "", "answered": True})]
    await withdraw_question(
        turn.connection,
        question,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        event_id=turn.event_id,
        now=turn.now,
    )
    told = await turn.connection.execute(
        select(Message.chat_id, Message.context)
        .where(
            Message.template == NOTICE_QUESTION,
            Message.created_at >= question.said_at,
            Message.context["question"].as_integer() == question.id,
        )
        .order_by(Message.id)
    )
    agencies = {row.chat_id: row.context["agency"] for row in told}
    return [
        Answer("question_withdrawn", {**about, "agency": "", "answered": False}),
        *(
            Answer(
                "question_withdrawn",
                {**about, "agency": agency, "answered": False},
                to_chat=chat_id,
            )
            for chat_id, agency in agencies.items()
        ),
    ]


async def notify_of_question(
    turn: Turn,
    asked: Sequence[VisibleObligation],
    question_id: int,
    words: str,
    *,
    named: bool,
    is_vacancy: bool = False,
    is_objection: bool = False,
) -> list[Answer]:
    """Return the notices of a recorded question, one for each chat; named: the one obligation is named in them.

    is_vacancy: the words say that nobody takes over from a person who left. is_objection: to figures.
    """
    notices: dict[int, list[Answer]] = {}
    for each in asked:
        for chat_id in await list_decider_chats(turn, each):
            if chat_id not in notices:
                notices[chat_id] = _notice(
                    turn,
                    each,
                    question_id,
                    words,
                    chat_id,
                    named=named,
                    is_vacancy=is_vacancy,
                    is_objection=is_objection,
                )
    return [notice for its_notices in notices.values() for notice in its_notices]


def _notice(
    turn: Turn,
    obligation: VisibleObligation,
    question_id: int,
    words: str,
    chat_id: int,
    *,
    named: bool,
    is_vacancy: bool,
    is_objection: bool,
) -> list[Answer]:
    """Return the notice of a question for one chat, long words in further messages.

    It lists the obligation that it names, so that people may type the number of its choice.
    """
    first, *others = split_words(words)
    context: dict[str, object] = {
        "item": obligation.as_item(turn, holder=obligation.holder),
        "agency": obligation.holder,
        "words": first,
        "parts": 1 + len(others),
        "named": named,
        "question": question_id,
        "vacancy": is_vacancy,
        "objection": is_objection,
        "coordinator_id": obligation.subject.coordinator_id,
        "province": obligation.row.province,
        "plan_code": obligation.row.plan_code,
        "code": obligation.row.code if named else "",
        **UNNUMBERED,
    }
    buttons: ButtonRows = answer_buttons(question_id)
    items = (obligation.id,) if named else ()
    return [
        Answer(NOTICE_QUESTION, context, buttons, items=items, to_chat=chat_id),
        *words_continued(obligation.holder, others, to_chat=chat_id),
    ]


def words_continued(who: str, others: list[str], *, to_chat: int | None = None) -> list[Answer]:
    """Return the messages that go on with long words, after the first of `1 + len(others)` parts."""
    return [
        Answer(
            "words_continued",
            {"who": who, "words": words, "part": part, "parts": 1 + len(others)},
            to_chat=to_chat,
        )
        for part, words in enumerate(others, 2)
    ]
