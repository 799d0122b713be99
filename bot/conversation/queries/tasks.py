"""/viec: current obligations of the caller's agencies. /thuongxuyen: their tasks without a due date."""

from __future__ import annotations

from bot.conversation.context.access import ANSWERING_ROLES
from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import agency_names, caller_held_condition, owner_ids
from bot.conversation.context.turn import Turn, visible_obligations
from data.figures.agencies import load_agency_figures
from data.obligations import lists
from jobs.channel import Answer
from jobs.rendering.buttons import reminder_buttons

_ITEMS_A_PAGE = 10
_UNDATED_ITEMS_A_PAGE = 20  # their lines are short, and one reply answers them together


async def answer_viec(turn: Turn) -> list[Answer]:
    """Answer /viec ("/viec trang 2"): current obligations of the caller's agencies, most urgent first."""
    answering = [e for e in turn.caller.enrolments if e.role in ANSWERING_ROLES]
    held = await caller_held_condition(turn, answering)
    total, later, next_on = await lists.count_current(turn.connection, held, today=turn.today)
    _, page = parse_page(turn.words)
    at = clamp_page(total, page, page_size(turn.max_length, _ITEMS_A_PAGE))
    ids = await lists.list_current_ids(
        turn.connection, held, today=turn.today, offset=at.offset, limit=at.size
    )
    visible = await visible_obligations(turn, ids)
    figures = await load_agency_figures(
        turn.connection, held, today=turn.today, workdays=turn.registry.workdays
    )
    owners = await owner_ids(turn, answering)
    distant = await lists.count_distant_tasks(turn.connection, owners, today=turn.today)
    undated = await lists.list_undated_ids(turn.connection, held, today=turn.today)
    items = [each.as_item(turn, number) for number, each in enumerate(visible.values(), 1)]
    return [
        Answer(
            "viec",
            {
                **at.context(),
                "agencies": agency_names(answering),
                "today": turn.today.isoformat(),
                "items": items,
                "total": total,
                "late": figures.open_late,
                "later": later + distant,
                "next_on": next_on.isoformat() if next_on else None,
                "undated": len(undated),
                "waiting": figures.waiting,
            },
            buttons=(*reminder_buttons(0, items), *page_buttons("viec", at.number, at.count)),
            items=tuple(visible),
            edits=turn.pressed_message_id,
        )
    ]


async def answer_thuongxuyen(turn: Turn) -> list[Answer]:
    """Answer /thuongxuyen: the tasks held without a due date, as one list to answer in one reply."""
    answering = [e for e in turn.caller.enrolments if e.role in ANSWERING_ROLES]
    held = await caller_held_condition(turn, answering)
    ids = await lists.list_undated_ids(turn.connection, held, today=turn.today)
    at = clamp_page(
        len(ids), parse_page(turn.words)[1], page_size(turn.max_length, _UNDATED_ITEMS_A_PAGE)
    )
    visible = await visible_obligations(turn, ids[at.offset : at.offset + at.size])
    items = [each.as_item(turn, number) for number, each in enumerate(visible.values(), 1)]
    return [
        Answer(
            "undated",
            {
                **at.context(),
                "agencies": agency_names(answering),
                "year": turn.today.year,
                "total": len(ids),
                "items": items,
            },
            buttons=(
                *reminder_buttons(0, items),
                *page_buttons("thuongxuyen", at.number, at.count),
            ),
            items=tuple(visible),
            edits=turn.pressed_message_id,
        )
    ]
