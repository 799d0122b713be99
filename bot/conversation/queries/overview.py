"""/status without words: a leader's screen, figures of the plans followed, or of the caller's own agencies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.buttons import (
    ButtonRows,
    command_button,
    open_buttons,
    page_buttons,
)
from bot.conversation.context.pages import clamp_page
from bot.conversation.context.scope import (
    agency_names,
    caller_held_condition,
    list_followed_plans,
    owner_ids,
)
from bot.conversation.context.turn import Turn, visible_obligations
from data.digests import kept_weeks
from data.figures.agencies import load_agency_figures
from data.figures.plans import PlanFigures, list_active_plans, load_plan_figures
from data.figures.reports import load_duty_figures
from data.obligations import lists
from jobs.channel import Answer
from jobs.digests.leader_screen import (
    LINES,
    SHORT_LINES,
    WEEK,
    leader_taps,
    load_leader_screen,
)

_PLANS_A_PAGE, _PLANS_A_SHORT_PAGE = 4, 1  # a plan of many reports fills a short message
_ROOM_FOR_LINES = 3000  # UTF-16 units
PLANS_WORDS = "kế hoạch"  # "/status kế hoạch": every plan of a leader


async def show_overview(turn: Turn, page: int) -> Answer:
    """Return a leader's screen; a page of the plans that a coordinator follows; else the caller's own agency."""
    led = {each.province for each in turn.caller.enrolments if each.role == "leader"}
    if len(led) == 1:
        return await _show_leader_screen(turn, led.pop())
    if turn.caller.roles() & DECIDING_ROLES:
        return await show_followed_plans(turn, page)
    return await show_own_status(turn, await caller_held_condition(turn, turn.caller.enrolments))


async def show_followed_plans(turn: Turn, page: int, words: str = "") -> Answer:
    """Return a page of all plans that a coordinator or leader follows. words: those that asked for it."""
    plans = await list_followed_plans(turn, turn.caller.enrolments)
    return await show_plans_page(turn, page, plans, words)


async def _show_leader_screen(turn: Turn, province: str) -> Answer:
    plans = await list_active_plans(
        turn.connection, province, coordinator_ids=None, today=turn.today
    )
    before = await kept_weeks.find_facts_before(turn.connection, province, turn.today)
    screen = await load_leader_screen(
        turn.connection,
        turn.registry.provinces[province],
        {plan.id: plan for plan in plans if plan.code in turn.registry.plans},
        since=date.fromisoformat(before["on"]) if before else turn.today - WEEK,
        before=before,
        today=turn.today,
        workdays=turn.registry.workdays,
        most=LINES if turn.max_length >= _ROOM_FOR_LINES else SHORT_LINES,
    )
    visible = await visible_obligations(turn, screen.waiting)
    numbers = [{"number": number, "id": key} for number, key in enumerate(visible, 1)]
    return Answer(
        "status_leader",
        {
            "name": turn.registry.provinces[province].name,
            "today": turn.today.isoformat(),
            "figures": screen.figures,
            "decides": any(e.may_decide for e in turn.caller.enrolments if e.province == province),
            "lines": screen.lines,
        },
        buttons=(*open_buttons(numbers), *_ways(screen.lines)),
        items=tuple(visible),
        edits=turn.pressed_message_id,
    )


def _ways(lines: Sequence[dict[str, Any]]) -> ButtonRows:
    """Return a button to the names and reasons behind each line, and one to the plans."""
    ways: ButtonRows = ()
    for action, label in leader_taps(lines):
        ways = (*ways, *command_button(label, *action))
    return (*ways, *command_button("Từng kế hoạch", "status", PLANS_WORDS))


async def show_plans_page(turn: Turn, page: int, plans: Sequence[Any], words: str = "") -> Answer:
    """Return a page of plans, latest first, with their figures. words: those that named the plans."""
    size = _PLANS_A_PAGE if turn.max_length >= _ROOM_FOR_LINES else _PLANS_A_SHORT_PAGE
    at = clamp_page(len(plans), page, size)
    shown = plans[at.offset : at.offset + at.size]
    ids = [plan.id for plan in shown]
    workdays = turn.registry.workdays
    tasks = await load_plan_figures(turn.connection, ids, today=turn.today, workdays=workdays)
    duties = await load_duty_figures(turn.connection, ids, today=turn.today, workdays=workdays)
    provinces = dict.fromkeys(enrolled.province for enrolled in turn.caller.enrolments)
    return Answer(
        "status_plans",
        {
            **at.context(),
            "provinces": [turn.registry.provinces[code].name for code in provinces],
            "today": turn.today.isoformat(),
            "words": words,
            "total": len(plans),
            "plans": [
                {
                    "number": plan.number,
                    "title": plan.short or plan.title,
                    "issued_on": plan.issued_on.isoformat(),
                    "tasks": tasks[plan.id].tasks.as_json() if plan.id in tasks else None,
                    **tasks.get(plan.id, PlanFigures(plan.id)).apart(),
                    "duties": [duty.as_json() for duty in duties if duty.plan_id == plan.id],
                }
                for plan in shown
            ],
        },
        buttons=page_buttons("status", at.number, at.count, words),
        edits=turn.pressed_message_id,
    )


async def show_own_status(turn: Turn, held: ColumnElement[bool], *, plan: str = "") -> Answer:
    """Return the figures of the caller's own agencies. plan: the number of the only plan in `held`."""
    figures = await load_agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    ids = await lists.list_current_ids(turn.connection, held, today=turn.today, limit=3)
    nearest = await visible_obligations(turn, ids)
    undated = distant = 0
    if not plan:
        owners = await owner_ids(turn, turn.caller.enrolments)
        undated = len(await lists.list_undated_ids(turn.connection, held, today=turn.today))
        distant = await lists.count_distant_tasks(turn.connection, owners, today=turn.today)
    return Answer(
        "status_agency",
        {
            "agencies": agency_names(turn.caller.enrolments),
            "today": turn.today.isoformat(),
            "figures": figures.as_json(),
            "plan": plan,
            "undated": undated,
            "far": distant,
            "nearest": [each.as_item(turn, n) for n, each in enumerate(nearest.values(), 1)],
        },
    )
