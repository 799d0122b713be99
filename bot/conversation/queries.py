"""What people ask: what my agency owes now, and where things stand.

Promises that lists and figures cover exactly what the caller may see, and that a list's numbers are
those by which its items can be answered. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import or_

from bot.conversation.turn import Known, Turn, look_up
from data import figures, owed
from data.contacts import Enrolled
from data.figures import Figures
from data.received import DutyFigures, duty_figures
from jobs.channel import Answer, Button
from jobs.messages import item_buttons, reminder_buttons

ITEMS_A_PAGE = 10
PLANS_A_PAGE = 4
_PAGE = re.compile(r"(.*?)\btrang (\d{1,5})", re.IGNORECASE)
_UNITS_FOR_A_FULL_PAGE = 4000  # where messages are shorter, a page holds half as much

Rows = tuple[tuple[Button, ...], ...]


async def viec(turn: Turn) -> list[Answer]:
    """Answer /viec ("/viec trang 2"): what the caller's agencies owe now, most urgent first."""
    return [await owed_page(turn, _page_asked(turn.words)[1])]


async def owed_page(turn: Turn, page: int) -> Answer:
    """Return a page of what the caller's agencies owe now; a page beyond the last is the last."""
    answering = [e for e in turn.caller.here if e.role in ("focal", "coordinator")]
    held = await _held(turn, answering)
    total, later, next_on = await owed.count_owed(turn.connection, held, today=turn.today)
    size = _size(turn, ITEMS_A_PAGE)
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
    owners = await _owner_ids(turn, answering)
    undated = await owed.count_undated(turn.connection, owners, today=turn.today)
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
            "later": later,
            "next_on": next_on.isoformat() if next_on else None,
            "undated": undated,
            "waiting": counted.waiting,
        },
        buttons=(*list_buttons(items), *page_buttons("viec", page, pages)),
        items=tuple(known),
        edits=turn.pressed,
    )


async def status(turn: Turn) -> list[Answer]:
    """Answer /status: a coordinator or leader the plans followed, a focal point its own agency."""
    if turn.caller.roles() & {"coordinator", "leader"}:
        return [await plans_page(turn, _page_asked(turn.words)[1])]
    return [await _agency_status(turn)]


async def plans_page(turn: Turn, page: int) -> Answer:
    """Return a page of the plans the caller follows, latest first, with tasks and reports counted."""
    plans = await _plans(turn)
    wanted = _page_asked(turn.words)[0]
    not_found = ""
    if wanted:
        codes = set(turn.registry.find_plans(wanted))
        chosen = [plan for plan in plans if plan.code in codes]
        not_found = "" if chosen else wanted
        plans = chosen or plans
    size = _size(turn, PLANS_A_PAGE)
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
            "not_found": not_found,
            "total": len(plans),
            "page": page,
            "pages": pages,
            "plans": [
                {
                    "number": plan.number,
                    "title": plan.title,
                    "issued_on": plan.issued_on.isoformat(),
                    "tasks": _figures(tasks[plan.id].tasks) if plan.id in tasks else None,
                    "unassigned": tasks[plan.id].unassigned if plan.id in tasks else 0,
                    "duties": [_duty(duty) for duty in duties if duty.plan_id == plan.id],
                }
                for plan in shown
            ],
        },
        buttons=page_buttons("status", page, pages),
        edits=turn.pressed,
    )


async def turn_page(turn: Turn, where: str) -> list[Answer]:
    """Answer a page button ("viec:2", "status:3"); one that makes no sense shows the first page."""
    name, _, number = where.partition(":")
    page = int(number) if number.isdecimal() and len(number) < 6 else 1
    return [await (plans_page(turn, page) if name == "status" else owed_page(turn, page))]


def _page_asked(words: str) -> tuple[str, int]:
    """Return a command's words without "trang N", and N; where there are no buttons, pages are typed."""
    match = _PAGE.fullmatch(words.strip())
    return (words.strip(), 1) if match is None else (match[1].strip(), int(match[2]))


def _size(turn: Turn, full: int) -> int:
    return full if turn.longest >= _UNITS_FOR_A_FULL_PAGE else full // 2


# ------------------------------------------------------------------ buttons


def list_buttons(items: Sequence[dict[str, Any]], *, message_id: int = 0) -> Rows:
    """Return the buttons of a list; message_id 0 stands for the message that carries them."""
    if not items:
        return ()
    if len(items) == 1:
        return item_buttons(items[0]["id"])
    return reminder_buttons(message_id, items)


def page_buttons(name: str, page: int, pages: int) -> Rows:
    """Return the row that leads to the pages before and after, if there are any."""
    row = []
    if page > 1:
        row.append(Button("◀ Trang trước", f"page:{name}:{page - 1}"))
    if page < pages:
        row.append(Button("Trang sau ▶", f"page:{name}:{page + 1}"))
    return (tuple(row),) if row else ()


# ------------------------------------------------------------------ what is counted


async def _agency_status(turn: Turn) -> Answer:
    held = await _held(turn, turn.caller.here)
    counted = await figures.agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    ids = await owed.owed(turn.connection, held, today=turn.today, limit=3)
    known: dict[int, Known] = await look_up(turn, ids)
    owners = await _owner_ids(turn, turn.caller.here)
    return Answer(
        "status_agency",
        {
            "agencies": _names(turn.caller.here),
            "today": turn.today.isoformat(),
            "figures": _figures(counted),
            "undated": await owed.count_undated(turn.connection, owners, today=turn.today),
            "nearest": [entry.line(turn, n) for n, entry in enumerate(known.values(), 1)],
        },
    )


async def _held(turn: Turn, enrolments: Iterable[Enrolled]) -> Any:
    conditions = []
    for province, code in {(e.province, e.agency_code) for e in enrolments}:
        held = turn.holders(province).held_by(code)
        conditions.append(await owed.held_condition(turn.connection, province, held))
    return or_(*conditions)


async def _owner_ids(turn: Turn, enrolments: Iterable[Enrolled]) -> list[int]:
    ids: set[int] = set()
    for province, code in {(e.province, e.agency_code) for e in enrolments}:
        owners = turn.holders(province).held_by(code).tasks
        ids.update((await owed.agency_ids(turn.connection, province, owners)).values())
    return sorted(ids)


async def _plans(turn: Turn) -> list[Any]:
    """Return the plans the caller follows: a leader all of the province, a coordinator its own."""
    found: dict[int, Any] = {}
    for enrolled in turn.caller.here:
        if enrolled.role == "focal":
            continue
        coordinators = None if enrolled.role == "leader" else [enrolled.agency_id]
        for plan in await figures.plans_followed(
            turn.connection, enrolled.province, coordinator_ids=coordinators, today=turn.today
        ):
            found[plan.id] = plan
    return sorted(found.values(), key=lambda plan: (plan.issued_on, plan.id), reverse=True)


def _names(enrolments: Iterable[Enrolled]) -> list[str]:
    return list(dict.fromkeys(enrolled.agency for enrolled in enrolments))


def _figures(counted: Figures) -> dict[str, int]:
    return {
        "total": counted.total,
        "done_on_time": counted.done_on_time,
        "done_late": counted.done_late,
        "open_on_time": counted.open_on_time,
        "open_late": counted.open_late,
        "waiting": counted.waiting,
    }


def _duty(duty: DutyFigures) -> dict[str, Any]:
    return {
        "code": duty.code,
        "title": duty.title,
        "clause": duty.clause,
        "due": duty.due_on.isoformat(),
        "proposed": duty.proposed,
        "expected": duty.expected,
        "received": duty.received,
        "confirmed": duty.confirmed,
        "left": max(duty.left, 0),
        "late": max(-duty.left, 0),
        "missing": list(duty.missing),
        "missing_more": duty.missing_count - len(duty.missing),
    }
