"""/quahan: overdue obligations. /sapden: those due within n working days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.access import ANSWERING_ROLES
from bot.conversation.context.buttons import open_buttons, page_buttons
from bot.conversation.context.lookup import (
    ask_choice,
    list_choices,
    load_visible_plans,
    look_up_words,
    short_plan_number,
)
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import CallerScope, agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, visible_obligations
from data.figures.states import judged_condition, open_on_time_condition, overdue_condition
from data.models import Obligation
from data.obligations.lists import count_by_plan, list_ids_by_date
from jobs.channel import Answer
from jobs.rendering.buttons import reminder_buttons

_ITEMS_A_PAGE = 10
_DEFAULT_DAYS = 10  # working days
_MOST_DAYS = 250  # about a year of working days
_DAYS = re.compile(
    r"(\d{1,3})(?:\s+ngày(?:\s+làm\s+việc)?)?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL
)


async def answer_quahan(turn: Turn) -> list[Answer]:
    """Answer /quahan [PLAN|AGENCY]: overdue obligations, the longest overdue first."""
    words, page = parse_page(turn.words)
    late = overdue_condition(turn.registry.workdays.on_or_before(turn.today))
    return [await _deadline_list(turn, "quahan", words, page, late, [Obligation.judged_on])]


async def answer_sapden(turn: Turn) -> list[Answer]:
    """Answer /sapden [N] [PLAN|AGENCY]: obligations due within N working days, by default 10."""
    words, page = parse_page(turn.words)
    days, words = _parse_days(words)
    last = turn.registry.workdays.add(turn.today, days) if days else turn.today
    soon = (
        open_on_time_condition(turn.registry.workdays.on_or_before(turn.today))
        & judged_condition()
        & (Obligation.base_on <= last)
    )
    return [
        await _deadline_list(turn, "sapden", words, page, soon, [Obligation.base_on], days=days)
    ]


def _parse_days(words: str) -> tuple[int, str]:
    """Return N and the words after it; a number above _MOST_DAYS is a plan's."""
    match = _DAYS.fullmatch(words)
    if match is None or int(match[1]) > _MOST_DAYS:
        return _DEFAULT_DAYS, words
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
        parsed = await _parse_filter(turn, scope, command, words)
        if isinstance(parsed, Answer):
            return parsed
        only, named, label, plans = parsed
        condition = condition & only
    else:
        plans = await load_visible_plans(turn, scope)
    condition = condition & scope.obligations()
    counts = await count_by_plan(turn.connection, condition)
    total = sum(count for _, count in counts)
    at = clamp_page(total, page, page_size(turn.max_length, _ITEMS_A_PAGE))
    ids = await list_ids_by_date(turn.connection, condition, by=by, offset=at.offset, limit=at.size)
    visible = await visible_obligations(turn, ids)
    items = [each.as_item(turn, number) for number, each in enumerate(visible.values(), 1)]
    asked = " ".join(part for part in (str(days) if days is not None else "", named) if part)
    own = all(not item["holder"] for item in items) and bool(turn.caller.roles() & ANSWERING_ROLES)
    buttons = reminder_buttons(0, items) if own else open_buttons(items)
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
        items=tuple(visible),
        edits=turn.pressed_message_id,
    )


async def _parse_filter(
    turn: Turn, scope: CallerScope, command: str, words: str
) -> tuple[ColumnElement[bool], str, str, dict[int, Any]] | Answer:
    """Return the condition, short name and label of a plan or agency, and the visible plans; else the answer."""
    lookup = await look_up_words(turn, scope, words)
    if lookup.plans:
        number = short_plan_number(lookup.plans[0], lookup.visible_plans.values())
        label = f"Kế hoạch {lookup.plans[0].number}"
        only = Obligation.plan_id.in_([plan.id for plan in lookup.plans])
        return only, number, label, lookup.visible_plans
    if len(lookup.agencies) == 1:
        agency = lookup.agencies[0]
        held = await agency_held_condition(turn, agency.province, agency.code)
        return held, agency.code, agency.name, lookup.visible_plans
    if lookup.agencies:
        return ask_choice(command, words, list_choices(lookup, lookup.visible_plans))
    return Answer("nothing_found", {"words": words, "command": command})
