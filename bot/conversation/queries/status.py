"""/status with words: figures of a plan, a task, a report or an agency.

Guarantees:
- A task counts once, however many agencies it is assigned to.
- A focal point sees its own part alone.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.access import DECIDING_ROLES, may
from bot.conversation.context.arguments import (
    Arguments,
    list_argument_choices,
    period_words,
    read_arguments,
)
from bot.conversation.context.buttons import command_button, open_buttons, page_buttons
from bot.conversation.context.lookup import (
    LookupResult,
    ask_choice,
    qualified_code,
)
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import CallerScope, agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, state_word, visible_obligations
from bot.conversation.queries.missing import answer_chuanop
from bot.conversation.queries.missing_parts import no_such_period
from bot.conversation.queries.overview import (
    PLANS_WORDS,
    show_followed_plans,
    show_overview,
    show_own_status,
    show_plans_page,
)
from bot.conversation.queries.search import show_search_page, task_context
from data.figures.agencies import load_agency_figures
from data.figures.reports import load_occurrences, running_occurrence
from data.figures.tasks import load_task_figures
from data.models import Obligation
from data.obligations import lists
from data.obligations.lists import list_assigned_agencies, list_parts
from data.progress.history import in_duty_condition, in_task_condition
from data.rows import row_fields
from data.rules.ladder import UNDATED, effective_due
from data.rules.states import is_never_late, left_and_late, official_days_left
from data.text import fold
from jobs.channel import Answer

_PARTS_A_PAGE = 20
_ITEMS_A_PAGE = 6
_ALL_PLANS = (fold(PLANS_WORDS), "kh", "cac ke hoach", "tung ke hoach", "danh sach ke hoach")


async def answer_status(turn: Turn) -> list[Answer]:
    """Answer /status [WORDS]: the overview, or what the words name: a plan, code, agency, any words."""
    words, page = parse_page(turn.words)
    if not words:
        return [await show_overview(turn, page)]
    follows = bool(turn.caller.roles() & DECIDING_ROLES)
    if follows and fold(words) in _ALL_PLANS:
        return [await show_followed_plans(turn, page, PLANS_WORDS)]
    scope = await load_scope(turn)
    asked = await read_arguments(turn, scope, words)
    lookup, plans = asked.found, asked.plans
    if follows and asked.group is not None and not asked.coded:
        return await answer_chuanop(turn)  # where agencies of a kind stand: which reports they owe
    if lookup.plans:
        return [await _plan_status(turn, scope, lookup, words, page)]
    if len(lookup.tasks) + len(lookup.duties) + len(lookup.agencies) > 1:
        return [ask_choice("status", words, list_argument_choices(asked))]
    if lookup.tasks:
        return [await _task_status(turn, scope, plans, lookup.tasks[0], page)]
    if lookup.duties:
        return [await _duty_status(turn, scope, asked, page)]
    if lookup.agencies:
        if asked.within:
            scope = scope.limit_to_plans(plan.id for plan in asked.within)
        return [await _agency_status(turn, scope, lookup.agencies[0], page)]
    return [await show_search_page(turn, scope, words, page, command="status")]


async def _plan_status(
    turn: Turn, scope: CallerScope, lookup: LookupResult, words: str, page: int
) -> Answer:
    followed = [plan for plan in lookup.plans if plan.id in scope.plans]
    if followed:
        return await show_plans_page(turn, page, followed, words)
    held = scope.limit_to_plans(plan.id for plan in lookup.plans).held
    return await show_own_status(turn, held, plan=lookup.plans[0].number)


async def _task_status(
    turn: Turn, scope: CallerScope, plans: dict[int, Any], task: Any, page: int
) -> Answer:
    workdays = turn.registry.workdays
    figures = await load_task_figures(
        turn.connection, [task.id], today=turn.today, workdays=workdays
    )
    return await _part_page(
        turn,
        scope,
        plans,
        task,
        in_task_condition(task.id) & lists.current_question_condition(turn.today),
        page,
        {
            "task": task_context(turn, figures[task.id]) if task.plan_id in scope.plans else None,
            "duties": [],
            "assigned": []
            if figures[task.id].is_asked
            else await _assigned_agencies(turn, scope, task),
        },
    )


async def _duty_status(turn: Turn, scope: CallerScope, asked: Arguments, page: int) -> Answer:
    """Return one occurrence of a report: the one asked for, else the running or the latest one."""
    (duty,) = asked.found.duties
    visible = scope.limit_to_plans([duty.plan_id]).obligations()
    every = await load_occurrences(
        turn.connection, duty.id, visible, today=turn.today, workdays=turn.registry.workdays
    )
    if asked.period is not None:
        every = [each for each in every if each.period_code == asked.period]
    shown = running_occurrence(every, today=turn.today)
    if shown is None:
        return no_such_period(duty, asked)
    condition = in_duty_condition(duty.id) & (Obligation.period == shown.period_code)
    figures = {**shown.as_json(), "before": shown.is_before_tracking}
    return await _part_page(
        turn,
        scope,
        asked.plans,
        duty,
        condition,
        page,
        {
            "task": None,
            "duties": [figures] if duty.plan_id in scope.plans else [],
            "assigned": [],
        },
        period=shown.period_code,
    )


async def _part_page(
    turn: Turn,
    scope: CallerScope,
    plans: dict[int, Any],
    row: Any,
    condition: Any,
    page: int,
    context: dict[str, Any],
    *,
    period: str = "",
) -> Answer:
    size = page_size(turn.max_length, _PARTS_A_PAGE)
    where = condition & scope.limit_to_plans([row.plan_id]).obligations()
    total, rows = await list_parts(
        turn.connection, where, offset=(max(page, 1) - 1) * size, limit=size
    )
    at = clamp_page(total, page, size)
    if at.number != page:
        _, rows = await list_parts(turn.connection, where, offset=at.offset, limit=size)
    code = qualified_code(row, plans)
    words = f"{code} {period_words(period)}".strip()
    buttons = page_buttons("status", at.number, at.count, words)
    if row.plan_id in scope.plans and total and may(turn.caller, "chuanop"):
        buttons = (*buttons, *command_button("Nơi chưa báo cáo", "chuanop", words))
    return Answer(
        "standing_part",
        {
            **context,
            **at.context(),
            "today": turn.today.isoformat(),
            "code": row.code,
            "title": row.title,
            "plan_number": row.plan_number,
            "words": words,
            "named": code,
            "total": total,
            "parts": [part_context(turn, part) for part in rows],
        },
        buttons=buttons,
        edits=turn.pressed_message_id,
    )


async def _assigned_agencies(turn: Turn, scope: CallerScope, task: Any) -> list[dict[str, Any]]:
    """Return the agencies of a task without obligations yet, of those that the caller may see."""
    return [
        {"agency": row.short, "undecided": row.needs_decision}
        for row in await list_assigned_agencies(turn.connection, task.id, today=turn.today)
        if task.plan_id in scope.plans or row.id in scope.owner_ids
    ]


def part_context(turn: Turn, part: Any) -> dict[str, Any]:
    """Return the template data of one agency's part."""
    days = official_days_left(part, today=turn.today, workdays=turn.registry.workdays)
    return {
        **row_fields(part, "kind", "percent"),
        "agency": part.agency_short,
        "said": state_word(part, turn.today),
        "due": effective_due(part.due_on, part.extended_to).isoformat(),
        **left_and_late(days),
        "before": part.kind != UNDATED and is_never_late(part.judged_on),
    }


async def _agency_status(turn: Turn, scope: CallerScope, agency: Any, page: int) -> Answer:
    """Return an agency's figures and current obligations, as far as the caller may see."""
    held = await agency_held_condition(turn, agency.province, agency.code)
    where = held & scope.obligations()
    workdays = turn.registry.workdays
    figures = await load_agency_figures(turn.connection, where, today=turn.today, workdays=workdays)
    total, later, _ = await lists.count_current(turn.connection, where, today=turn.today)
    at = clamp_page(total, page, page_size(turn.max_length, _ITEMS_A_PAGE))
    ids = await lists.list_current_ids(
        turn.connection, where, today=turn.today, offset=at.offset, limit=at.size
    )
    visible = await visible_obligations(turn, ids)
    # The heading names the holder.
    items = [each.as_item(turn, n, holder="") for n, each in enumerate(visible.values(), 1)]
    return Answer(
        "standing_agency",
        {
            **at.context(),
            "agency": agency.name,
            "today": turn.today.isoformat(),
            "figures": figures.as_json(),
            "total": total,
            "later": later,
            "items": items,
            "words": agency.code,
        },
        buttons=(*open_buttons(items), *page_buttons("status", at.number, at.count, agency.code)),
        items=tuple(visible),
        edits=turn.pressed_message_id,
    )
