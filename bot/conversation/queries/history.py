"""/lichsu: the replies about a task, a report or an agency, with sender and time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.lookup import ask_choice, list_choices, look_up_words, qualified_code
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import agency_held_condition, caller_held_condition, load_scope
from bot.conversation.context.turn import Turn
from data.clock import ZONE
from data.progress.history import in_duty_condition, in_task_condition, load_history
from data.registry.titles import period_name
from jobs.channel import Answer
from jobs.rendering.dates import full_date, hour_words

_REPLIES_A_PAGE = 10
_HISTORY_OF_A_TASK = 30
_FRAME_OF_A_LINE = " " * 120  # room for day, person and reply


async def answer_lichsu(turn: Turn) -> list[Answer]:
    """Answer /lichsu [CODE|AGENCY]: the replies, the latest first; alone, of the caller's own agencies."""
    words, page = parse_page(turn.words)
    scope = await load_scope(turn)
    if not words:
        own = [e for e in turn.caller.enrolments if e.role != "leader"]
        if not own:
            examples = ["Sở Tài chính", "1901 III.1a"]
            return [Answer("usage", {"command": "lichsu", "examples": examples})]
        names = ", ".join(dict.fromkeys(e.agency for e in own))
        return [await _history_page(turn, await caller_held_condition(turn, own), names, "", page)]
    lookup = await look_up_words(turn, scope, words)
    plans = lookup.visible_plans
    rows = (*lookup.tasks, *lookup.duties)
    if len(rows) + len(lookup.agencies) > 1:
        return [ask_choice("lichsu", words, list_choices(lookup, plans))]
    if not rows and not lookup.agencies:
        return [Answer("nothing_found", {"words": words, "command": "lichsu"})]
    if rows:
        row = rows[0]
        condition = in_task_condition(row.id) if lookup.tasks else in_duty_condition(row.id)
        scope = scope.limit_to_plans([row.plan_id])
        named = qualified_code(row, plans)
        title = f"{row.title} [{row.code}], Kế hoạch {row.plan_number}"
    else:
        agency = lookup.agencies[0]
        condition = await agency_held_condition(turn, agency.province, agency.code)
        named, title = agency.code, agency.name
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
    return Answer(
        "history",
        {
            **at.context(),
            "title": title,
            "words": named,
            "total": total,
            "lines": list(_lines(rows)),
        },
        buttons=page_buttons("lichsu", at.number, at.count, named),
        edits=turn.pressed_message_id,
        secret=True,  # it names persons
    )


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
        for line in _lines(rows)
    )
    return [{"kind": "heading", "text": heading}, *blocks]


def _lines(rows: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for row in rows:
        at: datetime = row.at.astimezone(ZONE)
        yield {
            "at": f"{hour_words(f'{at:%H:%M}')} ngày {full_date(at.date())}",
            "what": row.what,
            "agency": row.agency,
            "person": row.person or "",
            "code": row.code,
            "period": period_name(row.period) if row.period[:4].isdigit() else "",
            "percent": row.percent,
            "until": row.until.isoformat() if row.until else "",
            "document": row.document or "",
            "document_on": row.document_on.isoformat() if row.document_on else "",
            "note": (row.note or "")[:300],
            "undone": bool(row.undone),
        }
