"""/status without words: figures of the plans followed, or of the caller's own agencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.pages import clamp_page, page_size
from bot.conversation.context.scope import (
    agency_names,
    caller_held_condition,
    list_followed_plans,
    owner_ids,
)
from bot.conversation.context.turn import Turn, visible_obligations
from data.figures.agencies import load_agency_figures
from data.figures.plans import load_plan_figures
from data.figures.reports import load_duty_figures
from data.obligations import lists
from jobs.channel import Answer

PLANS_A_PAGE = 4


async def show_overview(turn: Turn, page: int) -> Answer:
    """Return a page of the plans that a coordinator or leader follows; for a focal point its own agency."""
    if turn.caller.roles() & DECIDING_ROLES:
        return await show_plans_page(
            turn, page, await list_followed_plans(turn, turn.caller.enrolments)
        )
    return await show_own_status(turn, await caller_held_condition(turn, turn.caller.enrolments))


async def show_plans_page(turn: Turn, page: int, plans: Sequence[Any], words: str = "") -> Answer:
    """Return a page of plans, latest first, with their figures. words: those that named the plans."""
    at = clamp_page(len(plans), page, page_size(turn.max_length, PLANS_A_PAGE))
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
                    "title": plan.title,
                    "issued_on": plan.issued_on.isoformat(),
                    "tasks": tasks[plan.id].tasks.as_json() if plan.id in tasks else None,
                    "unassigned": tasks[plan.id].unassigned if plan.id in tasks else 0,
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
