"""Which commands a messenger's menu offers to whom.

Promises that a menu names nothing that access.may would refuse to its role, and that strangers are
offered /help alone. The menus of a role are the same for every agency: they tell nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.conversation.access import Caller, may
from bot.conversation.commands import COMMANDS
from data.contacts import Enrolled, Role
from jobs.menus import ROLES, menu_key

Commands = Sequence[tuple[str, str]]

FOR_STRANGERS: Commands = [("help", COMMANDS["help"].help)]


def menus() -> Mapping[str, Commands]:
    """Return (name, words) of what each role may use, by jobs.menus.menu_key; in a group what is open to it."""
    return {
        menu_key(role, in_group=in_group): _offered(role, in_group=in_group)
        for role in ROLES
        for in_group in (False, True)
    }


def _offered(role: Role, *, in_group: bool) -> Commands:
    anybody = Enrolled(0, 0, None, 0, "", "", "", role, may_decide=False)
    caller = Caller(chat_id=0, in_group=in_group, person_id=None, here=(anybody,))
    return [
        (command.name, command.help) for command in COMMANDS.values() if may(caller, command.name)
    ]
