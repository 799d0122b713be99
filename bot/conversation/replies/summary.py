"""One answer to many messages: what was recorded of each task at the end, and the list once.

Guarantees:
- Every task of which something was recorded is named with its last state.
- What is no answer about tasks is said once of each kind; a question that is open is asked last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from bot.conversation.context.dialogs import find_open_question
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.lists.last_list import find_source_list, last_shown_list
from bot.conversation.replies.show import ListView, build_list_view
from data.models import StatusReply
from data.progress.replies import passed_on_condition
from jobs.channel import Answer

_RECORDED = frozenset({"recorded", "recorded_several", "recorded_all", "undone"})
_UNCLEAR = frozenset({"ask", "item", "unknown_item", "unknown_command"})
_LISTS = frozenset({"viec", "list", "undated"})
_QUESTIONS = frozenset({"ask_until", "ask_reason", "ask_decision", "target_which", "target_odd"})


async def summarise_answers(
    turn: Turn, answers: Sequence[Answer], event_ids: Sequence[int]
) -> list[Answer]:
    """Return what remains to be said of the answers to some events of one chat.

    1. Keep of other matters the last answer of each kind, and whatever is secret.
    2. Keep an open question, if it was asked last.
    3. Name what was recorded, with the list that the chat shows; without any, keep the last question about it.
    """
    lines = await _list_recorded(turn, event_ids)
    others = _last_of_each(answers, bool(lines))  # 1
    if answers and answers[-1].template in _QUESTIONS and await find_open_question(turn):  # 2
        others.append(answers[-1])
    if not lines:  # 3
        left = [each for each in answers if _is_unclear(each)]  # nobody is to think it was recorded
        if not left and not others:
            left = [each for each in answers if each.template in _UNCLEAR | _RECORDED]
        return [*others, *left[-1:]]
    view = await _current_list(turn, answers, [int(line["id"]) for line in lines])
    numbers = {line["id"]: line["number"] for line in view.context["items"]}
    context: dict[str, object] = {
        **view.context,
        "count": len(event_ids),
        "recorded": [{**line, "number": numbers.get(line["id"], 0)} for line in lines],
        "unclear": sum(map(_is_unclear, answers)),
    }
    return [Answer("caught_up", context, view.buttons, view.items), *others]


def _is_unclear(answer: Answer) -> bool:
    """Tell whether an answer asks what was meant; an item that was only opened does not."""
    opened = answer.template == "item" and not answer.context["not_understood"]
    return answer.template in _UNCLEAR and not opened


def _last_of_each(answers: Sequence[Answer], has_summary: bool) -> list[Answer]:
    """Return the last answer of each template that is about no task, in order; all that are secret."""
    left_out = _RECORDED | _UNCLEAR | _QUESTIONS | (_LISTS if has_summary else frozenset())
    last = {each.template: place for place, each in enumerate(answers)}
    return [
        each
        for place, each in enumerate(answers)
        if each.secret or (each.template not in left_out and last[each.template] == place)
    ]


async def _list_recorded(turn: Turn, event_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return the tasks of which these events recorded something, each with what was said last."""
    rows = await turn.connection.execute(
        select(StatusReply)
        .where(
            StatusReply.chat_id == turn.chat.id,
            StatusReply.event_id.in_(event_ids),
            ~passed_on_condition(),
        )
        .order_by(StatusReply.id)
    )
    last = {row.obligation_id: row for row in rows if row.obligation_id is not None}
    visible = await visible_obligations(turn, list(last))
    return [
        {
            **visible[key].as_item(turn, 0),
            "answered": last[key].said,
            "said_percent": last[key].percent,
        }
        for key in last
        if key in visible
    ]


async def _current_list(turn: Turn, answers: Sequence[Answer], ids: Sequence[int]) -> ListView:
    """Return the list that the chat shows, as it is now; of one that was asked for meanwhile, that one."""
    asked = next((each for each in reversed(answers) if each.template in _LISTS), None)
    if asked is not None and asked.items:
        visible = await visible_obligations(turn, asked.items)
        shown: Any = asked.context["items"]
        numbers = {line["id"]: line["number"] for line in shown}
        items = [
            each.as_item(turn, numbers[each.id]) for each in visible.values() if each.id in numbers
        ]
        return ListView({"items": items}, tuple(line["id"] for line in items), asked.buttons)
    shown_list = await last_shown_list(turn)
    if shown_list is None:
        return ListView({"items": []}, (), ())
    source = await find_source_list(turn, shown_list)
    if len(source.items) < 2 or not set(ids) & set(source.obligation_ids):
        return ListView({"items": []}, (), ())
    return await build_list_view(turn, source)
