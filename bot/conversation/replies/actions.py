"""Tables of actions: REPLY_ACTIONS by the verb of a reply, BUTTON_ACTIONS by the verb of a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions.table import DECISION_BUTTON_ACTIONS
from bot.conversation.lists.last_list import ShownList, list_by_message
from bot.conversation.lists.numbers import list_all_items
from bot.conversation.replies.content import show_content
from bot.conversation.replies.correction import accept_correction, decline_correction
from bot.conversation.replies.explanation import ask_explanation
from bot.conversation.replies.extension import handle_extension
from bot.conversation.replies.facts import ask_for_question
from bot.conversation.replies.following import show_following
from bot.conversation.replies.leaving import tell_of_vacancy
from bot.conversation.replies.offer import accept_offered_date, decline_offered_date
from bot.conversation.replies.problem import handle_blocked, handle_dispute
from bot.conversation.replies.questions import handle_question
from bot.conversation.replies.record import (
    Reply,
    handle_reply_to_all,
    handle_status,
    load_for_reply,
)
from bot.conversation.replies.show import open_item, show_list
from bot.conversation.replies.undo import handle_undo
from bot.conversation.targets.record import UNDO_TARGET_VERB, handle_target_undo
from jobs.channel import Answer

_LONGEST_KEY = 18  # digits of a row's id

ButtonAction = Callable[[Turn, int, ShownList | None], Awaitable[list[Answer]]]
ReplyAction = Callable[[Turn, Reply, VisibleObligation, ShownList | None], Awaitable[list[Answer]]]

# A reply's verb, by button or in words → its handler.
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


async def handle_reply(
    turn: Turn, reply: Reply, obligation_id: int, shown_list: ShownList | None
) -> list[Answer]:
    """Handle a reply to one obligation, or refuse it. shown_list: the item's own message, if any."""
    obligation = await load_for_reply(turn, reply.verb, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    return await REPLY_ACTIONS[reply.verb](turn, reply, obligation, shown_list)


def _reply_action(verb: str) -> ButtonAction:
    async def act(turn: Turn, obligation_id: int, shown_list: ShownList | None) -> list[Answer]:
        own = shown_list is not None and shown_list.only_item == obligation_id
        return await handle_reply(turn, Reply(verb), obligation_id, shown_list if own else None)

    return act


def _reply_to_all_action(verb: str) -> ButtonAction:
    async def act(turn: Turn, message_id: int, shown_list: ShownList | None) -> list[Answer]:
        chosen = await list_by_message(turn, message_id) if message_id else shown_list
        if chosen is None:
            return [Answer("unknown_item")]
        pairs, _ = await list_all_items(turn, replace(chosen, answers_it=True))
        return await handle_reply_to_all(turn, verb, chosen, [key for _, key in pairs])

    return act


async def _show_previous_list(
    turn: Turn, message_id: int, shown_list: ShownList | None
) -> list[Answer]:
    previous = await list_by_message(turn, message_id)
    return [await show_list(turn, previous)] if previous else [Answer("unknown_item")]


def _without_list(handle: Callable[[Turn, int], Awaitable[list[Answer]]]) -> ButtonAction:
    async def act(turn: Turn, row_id: int, shown_list: ShownList | None) -> list[Answer]:
        return await handle(turn, row_id)

    return act


# A button's verb → its handler, with the row id after the verb ("open:12").
BUTTON_ACTIONS: dict[str, ButtonAction] = {
    "open": open_item,
    "back": _show_previous_list,
    "next": show_following,
    "text": show_content,
    "ackall": _reply_to_all_action("ack"),
    "doingall": _reply_to_all_action("doing"),
    "undo": handle_undo,
    UNDO_TARGET_VERB: handle_target_undo,
    **{
        verb: _reply_action(verb) for verb in ("ack", "doing", "done", "more", "not_yet", "blocked")
    },
    "fix": accept_correction,
    "nofix": decline_correction,
    "explain": _without_list(ask_explanation),
    "ask": _without_list(ask_for_question),
    "vacant": _without_list(tell_of_vacancy),
    "take": _without_list(accept_offered_date),
    "leave": _without_list(decline_offered_date),
    **{verb: _without_list(decide) for verb, decide in DECISION_BUTTON_ACTIONS.items()},
}


async def run_button(turn: Turn, action: str, shown_list: ShownList | None) -> list[Answer]:
    """Do what a button's action says ("done:12"); an unknown verb or a broken id is an unknown item."""
    verb, _, argument = action.partition(":")
    act = BUTTON_ACTIONS.get(verb)
    if act is None or not argument.isdecimal() or len(argument) > _LONGEST_KEY:
        return [Answer("unknown_item")]
    return await act(turn, int(argument), shown_list)
