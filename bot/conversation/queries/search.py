"""/tim: tasks and reports that contain the words, in pages."""

from __future__ import annotations

from typing import Any

from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.lookup import load_visible_plans, qualified_code
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import CallerScope, load_scope
from bot.conversation.context.turn import Turn
from data.figures.tasks import TaskFigures, load_task_figures
from data.obligations import search
from data.rows import row_fields
from data.rules.states import working_days_late
from jobs.channel import Answer

_RESULTS_A_PAGE = 8


async def answer_tim(turn: Turn) -> list[Answer]:
    """Answer /tim WORDS: the tasks and reports that contain the words, with or without marks."""
    words, page = parse_page(turn.words)
    if not words:
        return [Answer("usage", {"command": "tim", "examples": ["chuyển đổi số", "do thi"]})]
    return [await show_search_page(turn, await load_scope(turn), words, page, command="tim")]


async def show_search_page(
    turn: Turn, scope: CallerScope, words: str, page: int, *, command: str
) -> Answer:
    """Return a page of the tasks and reports that contain the words. command: of its page buttons."""
    wanted = search.search_words(words)
    plans = await load_visible_plans(turn, scope)
    size = page_size(turn.max_length, _RESULTS_A_PAGE)
    result = await _run_search(turn, scope, wanted, page, size)
    at = clamp_page(result.total, page, size)
    if at.number != page:
        result = await _run_search(turn, scope, wanted, at.number, size)
    duties = result.duties if at.number == 1 else []
    figures = await load_task_figures(
        turn.connection,
        [row.id for row in result.tasks if row.plan_id in scope.plans],
        today=turn.today,
        workdays=turn.registry.workdays,
    )
    lines = [
        {
            "words": qualified_code(row, plans),
            "title": row.title,
            "task": task_context(turn, figures[row.id]) if row.id in figures else None,
        }
        for row in (*duties[:_RESULTS_A_PAGE], *result.tasks)
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
            "tasks": result.total,
            "duties": len(result.duties),
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


def task_context(turn: Turn, figures: TaskFigures) -> dict[str, Any]:
    """Return the template data of a task's figures; late: working days of the latest part, else 0."""
    late = 0
    if figures.late_since is not None:
        late = working_days_late(
            figures.late_since, today=turn.today, workdays=turn.registry.workdays
        )
    return {**row_fields(figures, "parts", "confirmed", "submitted", "state"), "late": late}
