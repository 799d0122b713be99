"""What people ask: what my agency owes now, and where things stand.

Promises that lists and figures cover exactly what the caller may see, and that a list's numbers are
those by which its items can be answered. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.pages import (
    ButtonRows,
    clamp_page,
    page_buttons,
    page_size,
    parse_page,
)
from bot.conversation.context.scope import caller_held_condition, list_followed_plans, owner_ids
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from data.contacts.enrolments import ActiveEnrolment
from data.figures import tasks as task_figures
from data.figures.reports import load_duty_figures
from data.obligations import lists
from jobs.channel import Answer, Button
from jobs.rendering.buttons import item_buttons, number_rows, reminder_buttons

ITEMS_A_PAGE = 10
UNDATED_ITEMS_A_PAGE = 20  # their lines are short, and they are answered together
PLANS_A_PAGE = 4


async def answer_viec(turn: Turn) -> list[Answer]:
    """Answer /viec ("/viec trang 2"): what the caller's agencies owe now, most urgent first."""
    return [await show_owed_page(turn, parse_page(turn.words)[1])]


async def show_owed_page(turn: Turn, page: int) -> Answer:
    """Return a page of what the caller's agencies owe now; a page beyond the last is the last."""
    answering = [e for e in turn.caller.enrolments if e.role in ("focal", "coordinator")]
    held = await caller_held_condition(turn, answering)
    total, later, next_on = await lists.count_current(turn.connection, held, today=turn.today)
    size = page_size(turn.max_length, ITEMS_A_PAGE)
    pages = max(1, -(-total // size))
    page = min(max(page, 1), pages)
    ids = await lists.list_current_ids(
        turn.connection,
        held,
        today=turn.today,
        offset=(page - 1) * size,
        limit=size,
    )
    known = await visible_obligations(turn, ids)
    counted = await task_figures.load_agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    owners = await owner_ids(turn, answering)
    far = await lists.count_distant_tasks(turn.connection, owners, today=turn.today)
    undated = await lists.list_undated_ids(turn.connection, held, today=turn.today)
    items = [entry.as_item(turn, number) for number, entry in enumerate(known.values(), 1)]
    return Answer(
        "viec",
        {
            "agencies": _names(answering),
            "today": turn.today.isoformat(),
            "items": items,
            "total": total,
            "late": counted.open_late,
            "page": page,
            "pages": pages,
            "later": later + far,
            "next_on": next_on.isoformat() if next_on else None,
            "undated": len(undated),
            "waiting": counted.waiting,
        },
        buttons=(*list_buttons(items), *page_buttons("viec", page, pages)),
        items=tuple(known),
        edits=turn.pressed_message_id,
    )


async def answer_thuongxuyen(turn: Turn) -> list[Answer]:
    """Answer /thuongxuyen: the tasks without a due date in hand, as one list to be answered in one go."""
    answering = [e for e in turn.caller.enrolments if e.role in ("focal", "coordinator")]
    held = await caller_held_condition(turn, answering)
    every = await lists.list_undated_ids(turn.connection, held, today=turn.today)
    at = clamp_page(
        len(every), parse_page(turn.words)[1], page_size(turn.max_length, UNDATED_ITEMS_A_PAGE)
    )
    known = await visible_obligations(turn, every[at.offset : at.offset + at.size])
    items = [entry.as_item(turn, number) for number, entry in enumerate(known.values(), 1)]
    return [
        Answer(
            "undated",
            {
                **at.context(),
                "agencies": _names(answering),
                "year": turn.today.year,
                "total": len(every),
                "items": items,
            },
            buttons=(*list_buttons(items), *page_buttons("thuongxuyen", at.number, at.count)),
            items=tuple(known),
            edits=turn.pressed_message_id,
        )
    ]


async def show_overview(turn: Turn, page: int) -> Answer:
    """Return a page of the plans a coordinator or leader follows; a focal point's own agency."""
    if turn.caller.roles() & {"coordinator", "leader"}:
        return await show_plans_page(
            turn, page, await list_followed_plans(turn, turn.caller.enrolments)
        )
    return await show_own_status(turn, await caller_held_condition(turn, turn.caller.enrolments))


async def show_plans_page(turn: Turn, page: int, plans: Sequence[Any], words: str = "") -> Answer:
    """Return a page of plans, latest first, with tasks and reports counted; words: what named them."""
    size = page_size(turn.max_length, PLANS_A_PAGE)
    pages = max(1, -(-len(plans) // size))
    page = min(max(page, 1), pages)
    shown = plans[(page - 1) * size : page * size]
    ids = [plan.id for plan in shown]
    workdays = turn.registry.workdays
    tasks = await task_figures.load_plan_figures(
        turn.connection, ids, today=turn.today, workdays=workdays
    )
    duties = await load_duty_figures(turn.connection, ids, today=turn.today, workdays=workdays)
    seen = turn.caller.enrolments
    provinces = list(dict.fromkeys(turn.registry.provinces[e.province].name for e in seen))
    return Answer(
        "status_plans",
        {
            "provinces": provinces,
            "today": turn.today.isoformat(),
            "words": words,
            "total": len(plans),
            "page": page,
            "pages": pages,
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
        buttons=page_buttons("status", page, pages, words),
        edits=turn.pressed_message_id,
    )


# ------------------------------------------------------------------ buttons


def list_buttons(items: Sequence[dict[str, Any]], *, message_id: int = 0) -> ButtonRows:
    """Return the buttons of a list; message_id 0 stands for the message that carries them."""
    if not items:
        return ()
    if len(items) == 1:
        return item_buttons(items[0]["id"], items[0]["kind"])
    return reminder_buttons(message_id, items)


def may_answer_here(turn: Turn) -> bool:
    """Tell whether the caller answers for an agency here, and does not only look."""
    return bool(turn.caller.roles() & {"focal", "coordinator"})


def open_buttons(items: Sequence[dict[str, Any]]) -> ButtonRows:
    """Return a button for each line that opens it, for lists of others' work too."""
    keys = [Button(str(item["number"]), f"open:{item['id']}") for item in items]
    return number_rows(keys)


# ------------------------------------------------------------------ what is counted


async def show_own_status(turn: Turn, held: ColumnElement[bool], *, plan: str = "") -> Answer:
    """Return how the caller's own agencies stand; plan: the number of the one plan that held means."""
    counted = await task_figures.load_agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    ids = await lists.list_current_ids(turn.connection, held, today=turn.today, limit=3)
    known: dict[int, VisibleObligation] = await visible_obligations(turn, ids)
    owners = await owner_ids(turn, turn.caller.enrolments)
    return Answer(
        "status_agency",
        {
            "agencies": _names(turn.caller.enrolments),
            "today": turn.today.isoformat(),
            "figures": counted.as_json(),
            "plan": plan,
            "undated": 0
            if plan
            else len(await lists.list_undated_ids(turn.connection, held, today=turn.today)),
            "far": 0
            if plan
            else await lists.count_distant_tasks(turn.connection, owners, today=turn.today),
            "nearest": [entry.as_item(turn, n) for n, entry in enumerate(known.values(), 1)],
        },
    )


def _names(enrolments: Iterable[ActiveEnrolment]) -> list[str]:
    return list(dict.fromkeys(enrolled.agency for enrolled in enrolments))
