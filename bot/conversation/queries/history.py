"""/lichsu: the replies about a task, a report or an agency, with sender and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.arguments import list_argument_choices, read_arguments
from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.history_lines import describe_history
from bot.conversation.context.lookup import ask_choice, refuse_unknown
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import agency_held_condition, caller_held_condition, load_scope
from bot.conversation.context.turn import Turn
from data.models import Obligation
from data.progress.history import in_duty_condition, in_task_condition, load_history
from data.text import utf16_length
from jobs.channel import Answer
from jobs.rendering.environment import upper_first

_REPLIES_A_PAGE = 10
_HISTORY_OF_A_TASK = 30
_FRAME = 400  # characters of heading and hints around a list
_SHORTEST_NOTE = 60  # characters shown of a note in any case
_FRAME_OF_A_LINE = " " * 120  # room for day, person and reply


async def answer_lichsu(turn: Turn) -> list[Answer]:
    """Answer /lichsu [PLAN|CODE [PERIOD]|AGENCY]: the replies, the latest first; alone, of one's own agencies."""
    words, page = parse_page(turn.words)
    scope = await load_scope(turn)
    if not words:
        own = [e for e in turn.caller.enrolments if e.role != "leader"]
        if not own:
            examples = ["Sở Tài chính", "1901 III.1a"]
            return [Answer("usage", {"command": "lichsu", "examples": examples})]
        names = ", ".join(dict.fromkeys(e.agency for e in own))
        return [await _history_page(turn, await caller_held_condition(turn, own), names, "", page)]
    asked = await read_arguments(turn, scope, words)
    found = asked.found
    if len(asked.coded) + len(found.agencies) > 1:
        return [ask_choice("lichsu", words, list_argument_choices(asked))]
    if asked.is_empty:
        return [refuse_unknown("lichsu", words, scope, asked.plans)]
    condition, title = asked.owner_condition(), upper_first(asked.kind_label)
    plans = found.plans or asked.within
    if plans:
        condition &= Obligation.plan_id.in_([plan.id for plan in plans])
        title = f"Kế hoạch {plans[0].number}"
    if asked.coded:
        (row,) = asked.coded
        condition &= in_task_condition(row.id) if found.tasks else in_duty_condition(row.id)
        scope = scope.limit_to_plans([row.plan_id])
        title = f"{row.title} [{row.code}], Kế hoạch {row.plan_number}"
    if found.agencies:
        (agency,) = found.agencies
        condition &= await agency_held_condition(turn, agency.province, agency.code)
        title = f"{agency.name}, {title}" if title else agency.name
    if asked.period is not None:
        condition &= Obligation.period == asked.period
    named = asked.canonical()
    return [await _history_page(turn, condition & scope.obligations(), title, named, page)]


async def _history_page(
    turn: Turn, condition: ColumnElement[bool], title: str, named: str, page: int
) -> Answer:
    size = page_size(turn.max_length, _REPLIES_A_PAGE)
    total, rows = await load_history(
        turn.connection, condition, offset=(max(page, 1) - 1) * size, limit=size
    )
    at = clamp_page(total, page, size)
    if at.number != page:
        _, rows = await load_history(turn.connection, condition, offset=at.offset, limit=size)
    longest = _longest_note(rows, max(turn.max_length - _FRAME, 0))
    return Answer(
        "history",
        {
            **at.context(),
            "title": title,
            "words": named,
            "total": total,
            "lines": list(describe_history(rows, longest=longest)),
            "cut": any(utf16_length(row.note or "") > longest for row in rows),
        },
        buttons=page_buttons("lichsu", at.number, at.count, named),
        edits=turn.pressed_message_id,
        secret=True,  # it names persons
    )


def _longest_note(rows: Sequence[Any], room: int) -> int:
    """Return how long a note may be for a page to fit: short ones leave their room to the long ones."""
    for row in rows:
        names = utf16_length(f"{row.agency}{row.person or ''}{row.document or ''}")
        room -= names + len(_FRAME_OF_A_LINE)
    lengths = sorted(utf16_length(row.note or "") for row in rows)
    for place, length in enumerate(lengths):
        share = max(room, 0) // (len(lengths) - place)
        if length > share:
            return max(share, _SHORTEST_NOTE)
        room -= length
    return max(lengths, default=0)


async def history_blocks(turn: Turn, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Return the blocks (context/pages.py) of the latest replies about some obligations."""
    total, rows = await load_history(turn.connection, condition, limit=_HISTORY_OF_A_TASK)
    if not total:
        return []
    heading = f"Lịch sử ({total} lần ghi nhận)"
    if total > _HISTORY_OF_A_TASK:
        heading += f", {_HISTORY_OF_A_TASK} lần gần nhất"
    blocks = (
        {"kind": "said", "text": f"{line['agency']}{line['note']}{_FRAME_OF_A_LINE}", "line": line}
        for line in describe_history(rows)
    )
    return [{"kind": "heading", "text": heading}, *blocks]
