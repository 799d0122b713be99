"""/quahan and /sapden: what is late, and what falls due within some working days.

Promises the most late or the nearest first, of exactly what the caller may see, with how many a plan;
and numbers that open the items. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.lookup import (
    ask_choice,
    list_choices,
    load_visible_plans,
    look_up_words,
    short_plan_number,
)
from bot.conversation.context.pages import clamp_page, page_buttons, page_size, parse_page
from bot.conversation.context.scope import CallerScope, agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.queries import tasks as tasks_query
from data.figures.tasks import open_late_condition
from data.models import Obligation
from data.obligations.lists import count_by_plan, list_ids_by_date
from data.rules.ladder import UNDATED
from jobs.channel import Answer

ITEMS_A_PAGE = 10
DEFAULT_DAYS = 10  # working days
_MOST_DAYS = 250  # about a year of working days
_DAYS = re.compile(
    r"(\d{1,3})(?:\s+ngày(?:\s+làm\s+việc)?)?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL
)


async def answer_quahan(turn: Turn) -> list[Answer]:
    """Answer /quahan [plan or agency]: what is late, the most late first."""
    words, page = parse_page(turn.words)
    late = open_late_condition(today=turn.today, workdays=turn.registry.workdays)
    return [await _deadline_list(turn, "quahan", words, page, late, [Obligation.judged_on])]


async def answer_sapden(turn: Turn) -> list[Answer]:
    """Answer /sapden [n] [plan or agency]: what falls due within n working days, default 10."""
    words, page = parse_page(turn.words)
    days, words = _parse_days(words)
    first = turn.registry.workdays.on_or_before(turn.today)
    last = turn.registry.workdays.add(turn.today, days) if days else turn.today
    soon = (
        (Obligation.state == "open")
        & (Obligation.kind != UNDATED)
        & (Obligation.judged_on >= first)
        & (Obligation.base_on <= last)
    )
    return [
        await _deadline_list(turn, "sapden", words, page, soon, [Obligation.base_on], days=days)
    ]


def _parse_days(words: str) -> tuple[int, str]:
    """Return n and the words after it; a lone number that is too great for days is a plan's."""
    match = _DAYS.fullmatch(words)
    if match is None or int(match[1]) > _MOST_DAYS:
        return DEFAULT_DAYS, words
    return int(match[1]), (match[2] or "").strip()


async def _deadline_list(
    turn: Turn,
    command: str,
    words: str,
    page: int,
    condition: ColumnElement[bool],
    by: Sequence[Any],
    *,
    days: int | None = None,
) -> Answer:
    scope = await load_scope(turn)
    named = label = ""
    if words:
        narrowed = await _parse_filter(turn, scope, command, words)
        if isinstance(narrowed, Answer):
            return narrowed
        only, named, label, plans = narrowed
        condition = condition & only
    else:
        plans = await load_visible_plans(turn, scope)
    condition = condition & scope.obligations()
    counts = await count_by_plan(turn.connection, condition)
    total = sum(count for _, count in counts)
    at = clamp_page(total, page, page_size(turn.max_length, ITEMS_A_PAGE))
    ids = await list_ids_by_date(turn.connection, condition, by=by, offset=at.offset, limit=at.size)
    known = await visible_obligations(turn, ids)
    items = [entry.as_item(turn, number) for number, entry in enumerate(known.values(), 1)]
    asked = " ".join(part for part in (str(days) if days is not None else "", named) if part)
    own = all(not item["holder"] for item in items) and tasks_query.may_answer_here(turn)
    buttons = tasks_query.list_buttons(items) if own else tasks_query.open_buttons(items)
    return Answer(
        command,
        {
            **at.context(),
            "command": command,
            "today": turn.today.isoformat(),
            "days": days,
            "words": asked,
            "label": label,
            "total": total,
            "by_plan": [
                {"number": plans[plan_id].number, "count": count}
                for plan_id, count in counts
                if plan_id in plans
            ],
            "items": items,
            "own": own,
        },
        buttons=(*buttons, *page_buttons(command, at.number, at.count, asked)),
        items=tuple(known),
        edits=turn.pressed_message_id,
    )


async def _parse_filter(
    turn: Turn, scope: CallerScope, command: str, words: str
) -> tuple[ColumnElement[bool], str, str, dict[int, Any]] | Answer:
    """Return what a plan or agency narrows the list to, its short name and label, and the plans that
    the caller sees; or what to say.
    """
    found = await look_up_words(turn, scope, words)
    if found.plans:
        number = short_plan_number(found.plans[0], found.visible_plans.values())
        label = f"Kế hoạch {found.plans[0].number}"
        only = Obligation.plan_id.in_([plan.id for plan in found.plans])
        return only, number, label, found.visible_plans
    if len(found.agencies) == 1:
        agency = found.agencies[0]
        held = await agency_held_condition(turn, agency.province, agency.code)
        return held, agency.code, agency.name, found.visible_plans
    if found.agencies:
        return ask_choice(command, words, list_choices(found, found.visible_plans))
    return Answer("nothing_found", {"words": words, "command": command})
