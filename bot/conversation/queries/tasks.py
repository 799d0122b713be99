"""What people ask: what my agency owes now, and where things stand.

Promises that lists and figures cover exactly what the caller may see, and that a list's numbers are
those by which its items can be answered. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.pages import Rows, page_asked, page_buttons, page_of, size_for
from bot.conversation.context.scope import held_by, owner_ids, plans_followed
from bot.conversation.context.turn import Known, Turn, look_up
from data.contacts.enrolments import Enrolled
from data.figures import tasks as figures
from data.figures.reports import duty_figures
from data.obligations import lists as owed
from jobs.channel import Answer, Button
from jobs.rendering.buttons import NUMBERS_A_ROW, item_buttons, reminder_buttons

ITEMS_A_PAGE = 10
UNDATED_ITEMS_A_PAGE = 20  # their lines are short, and they are answered together
PLANS_A_PAGE = 4


async def viec(turn: Turn) -> list[Answer]:
    """Answer /viec ("/viec trang 2"): what the caller's agencies owe now, most urgent first."""
    return [await owed_page(turn, page_asked(turn.words)[1])]


async def owed_page(turn: Turn, page: int) -> Answer:
    """Return a page of what the caller's agencies owe now; a page beyond the last is the last."""
    answering = [e for e in turn.caller.here if e.role in ("focal", "coordinator")]
    held = await held_by(turn, answering)
    total, later, next_on = await owed.count_owed(turn.connection, held, today=turn.today)
    size = size_for(turn.longest, ITEMS_A_PAGE)
    pages = max(1, -(-total // size))
    page = min(max(page, 1), pages)
    ids = await owed.owed(
        turn.connection,
        held,
        today=turn.today,
        offset=(page - 1) * size,
        limit=size,
    )
    known = await look_up(turn, ids)
    counted = await figures.agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    owners = await owner_ids(turn, answering)
    far = await owed.count_far(turn.connection, owners, today=turn.today)
    undated = await owed.undated(turn.connection, held, today=turn.today)
    items = [entry.line(turn, number) for number, entry in enumerate(known.values(), 1)]
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
        edits=turn.pressed,
    )


async def thuongxuyen(turn: Turn) -> list[Answer]:
    """Answer /thuongxuyen: the tasks without a due date in hand, as one list to be answered in one go."""
    answering = [e for e in turn.caller.here if e.role in ("focal", "coordinator")]
    held = await held_by(turn, answering)
    every = await owed.undated(turn.connection, held, today=turn.today)
    at = page_of(
        len(every), page_asked(turn.words)[1], size_for(turn.longest, UNDATED_ITEMS_A_PAGE)
    )
    known = await look_up(turn, every[at.offset : at.offset + at.size])
    items = [entry.line(turn, number) for number, entry in enumerate(known.values(), 1)]
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
            edits=turn.pressed,
        )
    ]


async def overview(turn: Turn, page: int) -> Answer:
    """Return a page of the plans a coordinator or leader follows; a focal point's own agency."""
    if turn.caller.roles() & {"coordinator", "leader"}:
        return await plans_page(turn, page, await plans_followed(turn, turn.caller.here))
    return await own_status(turn, await held_by(turn, turn.caller.here))


async def plans_page(turn: Turn, page: int, plans: Sequence[Any], words: str = "") -> Answer:
    """Return a page of plans, latest first, with tasks and reports counted; words: what named them."""
    size = size_for(turn.longest, PLANS_A_PAGE)
    pages = max(1, -(-len(plans) // size))
    page = min(max(page, 1), pages)
    shown = plans[(page - 1) * size : page * size]
    ids = [plan.id for plan in shown]
    workdays = turn.registry.workdays
    tasks = await figures.plan_figures(turn.connection, ids, today=turn.today, workdays=workdays)
    duties = await duty_figures(turn.connection, ids, today=turn.today, workdays=workdays)
    seen = turn.caller.here
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
        edits=turn.pressed,
    )


# ------------------------------------------------------------------ buttons


def list_buttons(items: Sequence[dict[str, Any]], *, message_id: int = 0) -> Rows:
    """Return the buttons of a list; message_id 0 stands for the message that carries them."""
    if not items:
        return ()
    if len(items) == 1:
        return item_buttons(items[0]["id"], items[0]["kind"])
    return reminder_buttons(message_id, items)


def answers(turn: Turn) -> bool:
    """Tell whether the caller answers for an agency here, and does not only look."""
    return bool(turn.caller.roles() & {"focal", "coordinator"})


def open_buttons(items: Sequence[dict[str, Any]]) -> Rows:
    """Return a button for each line that opens it, for lists of others' work too."""
    keys = [Button(str(item["number"]), f"open:{item['id']}") for item in items]
    return tuple(
        tuple(keys[start : start + NUMBERS_A_ROW]) for start in range(0, len(keys), NUMBERS_A_ROW)
    )


# ------------------------------------------------------------------ what is counted


async def own_status(turn: Turn, held: ColumnElement[bool], *, plan: str = "") -> Answer:
    """Return how the caller's own agencies stand; plan: the number of the one plan that held means."""
    counted = await figures.agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    ids = await owed.owed(turn.connection, held, today=turn.today, limit=3)
    known: dict[int, Known] = await look_up(turn, ids)
    owners = await owner_ids(turn, turn.caller.here)
    return Answer(
        "status_agency",
        {
            "agencies": _names(turn.caller.here),
            "today": turn.today.isoformat(),
            "figures": counted.as_json(),
            "plan": plan,
            "undated": 0
            if plan
            else len(await owed.undated(turn.connection, held, today=turn.today)),
            "far": 0 if plan else await owed.count_far(turn.connection, owners, today=turn.today),
            "nearest": [entry.line(turn, n) for n, entry in enumerate(known.values(), 1)],
        },
    )


def _names(enrolments: Iterable[Enrolled]) -> list[str]:
    return list(dict.fromkeys(enrolled.agency for enrolled in enrolments))
