"""Free words of coordinators and leaders that ask: the command that answers them.

Guarantees:
- Words of who follows no plan, in a group, or under an open question stay what they are.
- What names nothing known is no query, unless it has a number to be looked for.
"""

from __future__ import annotations

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.arguments import read_arguments
from bot.conversation.context.preview import waits_for_words
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn
from bot.conversation.reader.spoken_queries import QueryKind, read_spoken_query

_COMMANDS: dict[QueryKind, str] = {
    "missing": "chuanop",
    "overdue": "quahan",
    "agency": "chuanop",
    "reasons": "lydo",
    "standing": "status",
}


async def find_spoken_query(turn: Turn) -> tuple[str, str] | None:
    """Return the name of the command that free words ask for, and the words after it; None for others."""
    if turn.caller.in_group or not turn.caller.roles() & DECIDING_ROLES:
        return None
    query = read_spoken_query(turn.incoming.text)
    if query is None or await waits_for_words(turn):
        return None
    if query.about:
        scope = await load_scope(turn, DECIDING_ROLES)
        asked = await read_arguments(turn, scope, query.about)
        is_sure = query.kind in ("agency", "standing")
        if asked.is_empty and (is_sure or not any(letter.isdigit() for letter in query.about)):
            return None
    return _COMMANDS[query.kind], " ".join(p for p in (query.about, query.kind_words) if p)
