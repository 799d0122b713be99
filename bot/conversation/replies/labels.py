"""Labels of buttons that people type, and words in a group that are not meant for us.

Guarantees:
- A label counts only of the list last shown, and only where that surely arrived.
"""

from __future__ import annotations

from bot.conversation.context.access import may
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList, last_shown_list
from bot.conversation.lists.menus import find_menu_action
from bot.conversation.reader.topics import read_command
from bot.conversation.replies.leaving import find_leaving_choice
from data.text import fold


async def find_typed_action(turn: Turn) -> str:
    """Return the action that words mean: a choice, a question for a list, a label, a menu's number; else ""."""
    leaving = await find_leaving_choice(turn)
    command = "" if turn.caller.in_group else read_command(turn.incoming.text)
    if command and not leaving and may(turn.caller, command):
        return f"go:{command}:"
    label = leaving or find_label_action(turn, await last_shown_list(turn))
    return label or await find_menu_action(turn)


async def is_shown_label(turn: Turn) -> bool:
    """Tell whether words are the label of a choice under the list last shown."""
    return bool(find_label_action(turn, await last_shown_list(turn)))


def find_label_action(turn: Turn, shown_list: ShownList | None) -> str:
    """Return the same of a list; "" where nobody knows whether it arrived."""
    if shown_list is None or shown_list.doubtful or is_overheard(turn, shown_list):
        return ""
    typed_label = fold(turn.incoming.text)
    labelled = [button for button in shown_list.buttons if not button.label.isdecimal()]
    if shown_list.is_page and not shown_list.answers_it:
        # Other pages have the same labels.
        labelled = [each for each in labelled if each.action.startswith(("page:", "go:"))]
    return next((button.action for button in labelled if fold(button.label) == typed_label), "")


def is_overheard(turn: Turn, shown_list: ShownList | None) -> bool:
    """Tell whether people in a group talk among themselves, and not to the bot."""
    return turn.caller.in_group and (shown_list is None or not shown_list.answers_it)
