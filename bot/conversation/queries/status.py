"""/status with words: how a plan, a task, a report, an agency stands.

Promises that a task is counted once however many agencies are on it, and that a focal point is told of
its own part alone. Changes nothing.
"""

from __future__ import annotations

from typing import Any

from bot.conversation.context.lookup import Meant, choices_of, choose, meant, qualified
from bot.conversation.context.pages import page_asked, page_buttons, page_of, size_for
from bot.conversation.context.scope import Scope, held_by_agency, scope_of
from bot.conversation.context.turn import Turn, look_up, said_state
from bot.conversation.queries import tasks as queries
from bot.conversation.queries.search import find, task_context
from data.figures import tasks as figures
from data.figures.reports import REPORT_WINDOW, duty_figures
from data.models import Obligation
from data.obligations import lists as owed
from data.obligations.lists import assigned, parts_of
from data.progress.history import of_duty, of_task
from data.rules.ladder import Due, effective_due
from jobs.channel import Answer

PARTS_A_PAGE = 20
ITEMS_A_PAGE = 6


async def status(turn: Turn) -> list[Answer]:
    """Answer /status: everything followed, or what the words name (plan, code, agency, or any words)."""
    words, page = page_asked(turn.words)
    if not words:
        return [await queries.overview(turn, page)]
    scope = await scope_of(turn)
    found = await meant(turn, scope, words)
    plans = found.visible
    if found.plans:
        return [await _plan(turn, scope, found, words, page)]
    several = len(found.tasks) + len(found.duties) + len(found.agencies) > 1
    if several:
        return [choose("status", words, choices_of(found, plans))]
    if found.tasks:
        return [await _task(turn, scope, plans, found.tasks[0], page)]
    if found.duties:
        return [await _duty(turn, scope, plans, found.duties[0], page)]
    if found.agencies:
        return [await _agency(turn, scope, found.agencies[0], page)]
    return [await find(turn, scope, words, page, command="status")]


async def _plan(turn: Turn, scope: Scope, found: Meant, words: str, page: int) -> Answer:
    followed = [plan for plan in found.plans if plan.id in scope.plans]
    if followed:
        return await queries.plans_page(turn, page, followed, words)
    held = scope.within(plan.id for plan in found.plans).held
    return await queries.own_status(turn, held, plan=found.plans[0].number)


# ------------------------------------------------------------------ a task, a report


async def _task(turn: Turn, scope: Scope, plans: dict[int, Any], task: Any, page: int) -> Answer:
    workdays = turn.registry.workdays
    counted = await figures.task_figures(
        turn.connection, [task.id], today=turn.today, workdays=workdays
    )
    return await _parts(
        turn,
        scope,
        plans,
        task,
        of_task(task.id) & owed.asked_now(turn.today),
        page,
        {
            "task": task_context(turn, counted[task.id]) if task.plan_id in scope.plans else None,
            "duties": [],
            "assigned": [] if counted[task.id].is_asked else await _assigned(turn, scope, task),
        },
    )


async def _duty(turn: Turn, scope: Scope, plans: dict[int, Any], duty: Any, page: int) -> Answer:
    followed = [duty.plan_id] if duty.plan_id in scope.plans else []
    counted = await duty_figures(
        turn.connection, followed, today=turn.today, workdays=turn.registry.workdays
    )
    shown = [each for each in counted if each.duty_id == duty.id]
    near = (
        Obligation.period.in_([each.period_code for each in shown])
        if followed
        else Obligation.due_on.between(turn.today - REPORT_WINDOW, owed.now_until(turn.today))
    )
    mine = [each.as_json() for each in shown]
    return await _parts(
        turn,
        scope,
        plans,
        duty,
        of_duty(duty.id) & near,
        page,
        {"task": None, "duties": mine, "assigned": []},
    )


async def _parts(
    turn: Turn,
    scope: Scope,
    plans: dict[int, Any],
    row: Any,
    condition: Any,
    page: int,
    context: dict[str, Any],
) -> Answer:
    size = size_for(turn.longest, PARTS_A_PAGE)
    where = condition & scope.within([row.plan_id]).obligations()
    total, rows = await parts_of(
        turn.connection, where, offset=(max(page, 1) - 1) * size, limit=size
    )
    at = page_of(total, page, size)
    if at.number != page:
        _, rows = await parts_of(turn.connection, where, offset=at.offset, limit=size)
    words = qualified(row, plans)
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
            "total": total,
            "parts": [part_context(turn, part) for part in rows],
        },
        buttons=page_buttons("status", at.number, at.count, words),
        edits=turn.pressed,
    )


async def _assigned(turn: Turn, scope: Scope, task: Any) -> list[dict[str, Any]]:
    """Return the agencies on a task that nobody owes anything of yet, of those the caller may see."""
    return [
        {"agency": row.short, "undecided": row.needs_decision}
        for row in await assigned(turn.connection, task.id, today=turn.today)
        if task.plan_id in scope.plans or row.id in scope.owner_ids
    ]


def part_context(turn: Turn, part: Any) -> dict[str, Any]:
    """Return what templates show of one agency's part."""
    due = effective_due(part.due_on, part.extended_to)
    left = Due(due, part.base_on, part.judged_on).working_days_left(
        turn.today, turn.registry.workdays
    )
    return {
        "agency": part.agency_short,
        "kind": part.kind,
        "said": said_state(part, turn.today),
        "percent": part.percent,
        "due": due.isoformat(),
        "left": max(left, 0),
        "late": max(-left, 0) if part.state == "open" else 0,
    }


# ------------------------------------------------------------------ an agency


async def _agency(turn: Turn, scope: Scope, agency: Any, page: int) -> Answer:
    """Return how an agency stands, in what the caller may see of it, with what it owes now."""
    held = await held_by_agency(turn, agency.province, agency.code)
    where = held & scope.obligations()
    workdays = turn.registry.workdays
    counted = await figures.agency_figures(
        turn.connection, where, today=turn.today, workdays=workdays
    )
    total, later, _ = await owed.count_owed(turn.connection, where, today=turn.today)
    at = page_of(total, page, size_for(turn.longest, ITEMS_A_PAGE))
    ids = await owed.owed(turn.connection, where, today=turn.today, offset=at.offset, limit=at.size)
    known = await look_up(turn, ids)
    items = [entry.line(turn, n) for n, entry in enumerate(known.values(), 1)]
    for item in items:
        item["holder"] = ""  # the heading says it
    return Answer(
        "standing_agency",
        {
            **at.context(),
            "agency": agency.name,
            "today": turn.today.isoformat(),
            "figures": counted.as_json(),
            "total": total,
            "later": later,
            "items": items,
            "words": agency.code,
        },
        buttons=(
            *queries.open_buttons(items),
            *page_buttons("status", at.number, at.count, agency.code),
        ),
        items=tuple(known),
        edits=turn.pressed,
    )
