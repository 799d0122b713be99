"""Objections to figures: recorded with their words, told to who follows the plan, answered as questions are.

Guarantees: an objection changes no state and reports nothing; words that answer an explanation stay one.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.references import list_nameable_codes
from bot.conversation.reader.objections import names_objection, objects_to_figures
from bot.conversation.reader.topics import read_topics
from bot.conversation.reader.understand import Understanding
from bot.conversation.replies.facts import find_asked_items
from bot.conversation.replies.questions import pass_question_on
from bot.conversation.replies.record import reply_refusal
from bot.conversation.replies.show import ask_with_items
from jobs.channel import Answer

# A document or a day ("số 12/BC-STC", "ngày 10/11", "công văn số 12") is the number of no item.
_NO_ITEM = re.compile(
    r"(?:\bsố\s+|\bso\s+)?\d+/\S+|\b(?:văn bản|van ban|công văn|cong van|cv|báo cáo|bao cao)\s+(?:số|so)\s+\d+",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"^\s*(\d{1,3})(?=[\s.:,)])|\b(?:việc|viec|nhiệm vụ|nhiem vu|nv|mục|muc)\s+(?:số\s+|so\s+)?(\d{1,3})\b",
    re.IGNORECASE,
)
# What words must not report beside, unless they call themselves an objection.
_STATES = frozenset(["in_progress", "not_started", "blocked"])


async def answer_objection(
    turn: Turn, reading: Understanding, shown_list: ShownList | None
) -> list[Answer] | None:
    """Record an objection to the figures of one obligation, or ask of which; None for other words."""
    text = turn.incoming.text
    if not objects_to_figures(text):
        return None
    explains = shown_list is not None and shown_list.explanation_id is not None
    told = {reading.status, *(task.status for task in reading.tasks)}
    asks = reading.intent in ("question", "extension")
    if not names_objection(text) and (explains or asks or told & _STATES):
        return None
    codes = await list_nameable_codes(turn)
    bare = _NO_ITEM.sub(" ", text)
    asked = read_topics(bare, codes=codes, is_question=True)
    numbers = tuple(dict.fromkeys(int(found[1] or found[2]) for found in _NUMBERS.finditer(bare)))
    about = replace(asked, topics=(), words=(), reports=False, numbers=numbers)
    found = await find_asked_items(turn, about, shown_list)
    if isinstance(found, Answer):
        return [found]
    visible = await visible_obligations(turn, [key for key, _ in found])
    chosen = list(visible.values())
    if len(chosen) > 1:
        late = [each for each in chosen if each.as_item(turn, 0)["late"]]
        chosen = late if len(late) == 1 else chosen
    if not chosen:
        return None
    if len(chosen) > 1:
        return [await ask_with_items(turn, "which_objection", [each.id for each in chosen])]
    refused = reply_refusal(turn, "question", chosen[0])
    if refused is not None:
        return [refused]
    return await pass_question_on(turn, chosen, text, shown_list, is_objection=True)
