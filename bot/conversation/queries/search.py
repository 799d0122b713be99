"""/tim, /nhiemvu and /lichsu: finding tasks and reports, everything of one, and who said what when.

Promises that a focal point sees of a task what the document says and its own part, never another
agency's answers; and that a text of any length comes whole, in pages. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.lookup import (
    ask_choice,
    list_choices,
    load_visible_plans,
    look_up_words,
    qualified_code,
)
from bot.conversation.context.pages import (
    clamp_page,
    page_buttons,
    page_size,
    parse_page,
    split_into_pages,
)
from bot.conversation.context.scope import (
    CallerScope,
    agency_held_condition,
    caller_held_condition,
    load_scope,
)
from bot.conversation.context.turn import Turn
from data.clock import ZONE
from data.figures import tasks as task_figures
from data.obligations import search
from data.obligations.lists import list_assigned_agencies
from data.progress.history import in_duty_condition, in_task_condition, load_history
from data.registry.schema import PlanFile
from data.registry.titles import period_name
from jobs.channel import Answer

FOUND_A_PAGE = 8
LINES_A_PAGE = 10
_HISTORY_OF_A_TASK = 30
_FRAME_OF_A_LINE = " " * 120  # room for the day, the person and what was said


async def answer_tim(turn: Turn) -> list[Answer]:
    """Answer /tim WORDS: the tasks and reports that hold the words, with or without marks."""
    words, page = parse_page(turn.words)
    if not words:
        return [Answer("usage", {"command": "tim", "examples": ["chuyển đổi số", "do thi"]})]
    return [await show_search_page(turn, await load_scope(turn), words, page, command="tim")]


async def show_search_page(
    turn: Turn, scope: CallerScope, words: str, page: int, *, command: str
) -> Answer:
    """Return a page of what holds the words; command: which one its pages are asked by."""
    wanted = search.search_words(words)
    plans = await load_visible_plans(turn, scope)
    size = page_size(turn.max_length, FOUND_A_PAGE)
    found = await _run_search(turn, scope, wanted, page, size)
    at = clamp_page(found.total, page, size)
    if at.number != page:
        found = await _run_search(turn, scope, wanted, at.number, size)
    duties = found.duties if at.number == 1 else []
    counted = await task_figures.load_task_figures(
        turn.connection,
        [row.id for row in found.tasks if row.plan_id in scope.plans],
        today=turn.today,
        workdays=turn.registry.workdays,
    )
    lines = [
        {
            "words": qualified_code(row, plans),
            "title": row.title,
            "task": task_context(turn, counted[row.id]) if row.id in counted else None,
        }
        for row in (*duties[:FOUND_A_PAGE], *found.tasks)
        if row.plan_id in plans
    ]
    asked = " ".join(wanted)
    return Answer(
        "found",
        {
            **at.context(),
            "command": command,
            "words": words,
            "asked": asked,
            "tasks": found.total,
            "duties": len(found.duties),
            "lines": lines,
        },
        buttons=page_buttons(command, at.number, at.count, asked),
        edits=turn.pressed_message_id,
    )


async def _run_search(
    turn: Turn, scope: CallerScope, wanted: list[str], page: int, size: int
) -> search.SearchResult:
    return await search.search(
        turn.connection,
        tasks=scope.tasks(),
        duties=scope.duties(),
        words=wanted,
        offset=(max(page, 1) - 1) * size,
        limit=size,
    )


def task_context(turn: Turn, counted: task_figures.TaskFigures) -> dict[str, Any]:
    """Return what templates show of a task's figures; late: working days of who is most late, else 0."""
    late = 0
    if counted.late_since is not None:
        late = max(turn.registry.workdays.between(counted.late_since, turn.today), 0)
    return {
        "parts": counted.parts,
        "confirmed": counted.confirmed,
        "submitted": counted.submitted,
        "state": counted.state,
        "late": late,
    }


# ------------------------------------------------------------------ everything of one task


async def answer_nhiemvu(turn: Turn) -> list[Answer]:
    """Answer /nhiemvu CODE: text, leads in the document's words, agencies, period, history."""
    words, page = parse_page(turn.words)
    if not words:
        return [Answer("usage", {"command": "nhiemvu", "examples": ["III.1a", "1901 III.1a"]})]
    scope = await load_scope(turn)
    found = await look_up_words(turn, scope, words)
    plans = found.visible_plans
    rows = (*found.tasks, *found.duties)
    if len(rows) > 1:
        return [ask_choice("nhiemvu", words, list_choices(found, plans))]
    if not rows:
        return [await show_search_page(turn, scope, words, page, command="nhiemvu")]
    row = rows[0]
    blocks = await (
        _task_blocks(turn, scope, row) if found.tasks else _duty_blocks(turn, scope, row)
    )
    pages = split_into_pages(blocks, turn.max_length)
    at = clamp_page(len(pages), page, 1)
    named = qualified_code(row, plans)
    return [
        Answer(
            "nhiemvu",
            {
                **at.context(),
                "code": row.code,
                "plan_number": row.plan_number,
                "words": named,
                "blocks": pages[at.number - 1],
            },
            buttons=page_buttons("nhiemvu", at.number, at.count, named),
            edits=turn.pressed_message_id,
            secret=True,  # it names who said what
        )
    ]


async def _task_blocks(turn: Turn, scope: CallerScope, row: Any) -> list[dict[str, Any]]:
    entry = next(task for task in _plan_file(turn, row).tasks if task.code == row.code)
    follows = row.plan_id in scope.plans
    agencies = await list_assigned_agencies(turn.connection, row.id, today=turn.today)
    if not follows:
        agencies = [agency for agency in agencies if agency.id in scope.owner_ids]
    blocks = [
        *_texts("Nội dung", entry.text),
        *_texts("Việc cụ thể", *(f"– {action}" for action in entry.actions)),
        *_texts("Cơ quan chủ trì theo văn bản", "; ".join(entry.leads) or "văn bản không ghi"),
        *_texts("Cơ quan phối hợp theo văn bản", "; ".join(entry.supports)),
        *_texts("Thời gian theo văn bản", entry.period.raw or "văn bản không ghi"),
    ]
    if follows:
        counted = await task_figures.load_task_figures(
            turn.connection, [row.id], today=turn.today, workdays=turn.registry.workdays
        )
        blocks.append({"kind": "progress", "text": "", "task": task_context(turn, counted[row.id])})
    names = [
        f"{agency.short} (chờ phân công)" if agency.needs_decision else agency.short
        for agency in agencies
    ]
    heading = f"Đang được giao: {len(names)} cơ quan" if follows else "Cơ quan anh/chị"
    blocks += _texts(heading, "; ".join(names))
    return blocks + await _history_blocks(
        turn, in_task_condition(row.id) & scope.limit_to_plans([row.plan_id]).obligations()
    )


async def _duty_blocks(turn: Turn, scope: CallerScope, row: Any) -> list[dict[str, Any]]:
    entry = next(duty for duty in _plan_file(turn, row).report_duties if duty.code == row.code)
    blocks = [
        *_texts("Chế độ báo cáo", f"{entry.clause}: {entry.quote}"),
        *_texts("Cơ quan báo cáo theo văn bản", "; ".join(entry.from_)),
        *_texts("Nơi nhận", entry.to + (f" (qua {entry.via})" if entry.via else "")),
        *_texts("Hạn theo văn bản", entry.deadline.raw if entry.deadline else "văn bản không ghi"),
    ]
    return blocks + await _history_blocks(
        turn, in_duty_condition(row.id) & scope.limit_to_plans([row.plan_id]).obligations()
    )


def _texts(heading: str, *texts: str) -> list[dict[str, Any]]:
    paragraphs = [line for text in texts for line in text.split("\n") if line.strip()]
    if not paragraphs:
        return []
    return [
        {"kind": "heading", "text": heading},
        *({"kind": "text", "text": paragraph} for paragraph in paragraphs),
    ]


def _plan_file(turn: Turn, row: Any) -> PlanFile:
    return turn.registry.plans[row.plan_code]


# ------------------------------------------------------------------ history


async def answer_lichsu(turn: Turn) -> list[Answer]:
    """Answer /lichsu CODE or AGENCY: who said what when, the latest first; alone: of one's own agency."""
    words, page = parse_page(turn.words)
    scope = await load_scope(turn)
    if not words:
        own = [e for e in turn.caller.enrolments if e.role != "leader"]
        if not own:
            examples = ["Sở Tài chính", "1901 III.1a"]
            return [Answer("usage", {"command": "lichsu", "examples": examples})]
        names = ", ".join(dict.fromkeys(e.agency for e in own))
        return [await _history_page(turn, await caller_held_condition(turn, own), names, "", page)]
    found = await look_up_words(turn, scope, words)
    plans = found.visible_plans
    rows = (*found.tasks, *found.duties)
    if len(rows) + len(found.agencies) > 1:
        return [ask_choice("lichsu", words, list_choices(found, plans))]
    if not rows and not found.agencies:
        return [Answer("nothing_found", {"words": words, "command": "lichsu"})]
    if rows:
        row = rows[0]
        condition = in_task_condition(row.id) if found.tasks else in_duty_condition(row.id)
        scope = scope.limit_to_plans([row.plan_id])
        named = qualified_code(row, plans)
        title = f"{row.title} [{row.code}], Kế hoạch {row.plan_number}"
    else:
        agency = found.agencies[0]
        condition = await agency_held_condition(turn, agency.province, agency.code)
        named, title = agency.code, agency.name
    return [await _history_page(turn, condition & scope.obligations(), title, named, page)]


async def _history_page(
    turn: Turn, condition: ColumnElement[bool], title: str, named: str, page: int
) -> Answer:
    size = page_size(turn.max_length, LINES_A_PAGE)
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
        secret=True,  # it names who said what
    )


async def _history_blocks(turn: Turn, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    total, rows = await load_history(turn.connection, condition, limit=_HISTORY_OF_A_TASK)
    if not total:
        return []
    heading = f"Lịch sử ({total} lần ghi nhận)"
    if total > _HISTORY_OF_A_TASK:
        heading += f", {_HISTORY_OF_A_TASK} lần gần nhất"
    said = (
        {"kind": "said", "text": f"{line['agency']}{line['note']}{_FRAME_OF_A_LINE}", "line": line}
        for line in _lines(rows)
    )
    return [{"kind": "heading", "text": heading}, *said]


def _lines(rows: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for row in rows:
        at: datetime = row.at.astimezone(ZONE)
        yield {
            "at": f"{at:%d/%m/%Y %H:%M}",
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
