"""/quahan and /sapden: what is late, and what falls due within some working days.

Promises the most late or the nearest first, of exactly what the caller may see, with how many a plan;
and numbers that open the items. Changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from bot.conversation.context.lookup import choices_of, choose, meant, short_number, visible_plans
from bot.conversation.context.pages import page_asked, page_buttons, page_of, size_for
from bot.conversation.context.scope import Scope, held_by_agency, scope_of
from bot.conversation.context.turn import Turn, look_up
from bot.conversation.queries import tasks as queries
from data.figures.tasks import is_late
from data.models import Obligation
from data.obligations.lists import by_plan, ids_by_date
from data.rules.ladder import UNDATED
from jobs.channel import Answer

ITEMS_A_PAGE = 10
SOON = 10  # working days
_MOST_DAYS = 250  # about a year of working days
_DAYS = re.compile(
    r"(\d{1,3})(?:\s+ngày(?:\s+làm\s+việc)?)?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL
)


async def quahan(turn: Turn) -> list[Answer]:
    """Answer /quahan [plan or agency]: what is late, the most late first."""
    words, page = page_asked(turn.words)
    late = is_late(today=turn.today, workdays=turn.registry.workdays)
    return [await _listing(turn, "quahan", words, page, late, [Obligation.judged_on])]


async def sapden(turn: Turn) -> list[Answer]:
    """Answer /sapden [n] [plan or agency]: what falls due within n working days, default 10."""
    words, page = page_asked(turn.words)
    days, words = _days_asked(words)
    first = turn.registry.workdays.on_or_before(turn.today)
    last = turn.registry.workdays.add(turn.today, days) if days else turn.today
    soon = (
        (Obligation.state == "open")
        & (Obligation.kind != UNDATED)
        & (Obligation.judged_on >= first)
        & (Obligation.base_on <= last)
    )
    return [await _listing(turn, "sapden", words, page, soon, [Obligation.base_on], days=days)]


def _days_asked(words: str) -> tuple[int, str]:
    """Return n and the words after it; a lone number that is too great for days is a plan's."""
    match = _DAYS.fullmatch(words)
    if match is None or int(match[1]) > _MOST_DAYS:
        return SOON, words
    return int(match[1]), (match[2] or "").strip()


async def _listing(
    turn: Turn,
    command: str,
    words: str,
    page: int,
    condition: ColumnElement[bool],
    by: Sequence[Any],
    *,
    days: int | None = None,
) -> Answer:
    scope = await scope_of(turn)
    named = label = ""
    if words:
        narrowed = await _narrowed(turn, scope, command, words)
        if isinstance(narrowed, Answer):
            return narrowed
        only, named, label, plans = narrowed
        condition = condition & only
    else:
        plans = await visible_plans(turn, scope)
    condition = condition & scope.obligations()
    counts = await by_plan(turn.connection, condition)
    total = sum(count for _, count in counts)
    at = page_of(total, page, size_for(turn.longest, ITEMS_A_PAGE))
    ids = await ids_by_date(turn.connection, condition, by=by, offset=at.offset, limit=at.size)
    known = await look_up(turn, ids)
    items = [entry.line(turn, number) for number, entry in enumerate(known.values(), 1)]
    asked = " ".join(part for part in (str(days) if days is not None else "", named) if part)
    own = all(not item["holder"] for item in items) and queries.answers(turn)
    buttons = queries.list_buttons(items) if own else queries.open_buttons(items)
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
        edits=turn.pressed,
    )


async def _narrowed(
    turn: Turn, scope: Scope, command: str, words: str
) -> tuple[ColumnElement[bool], str, str, dict[int, Any]] | Answer:
    """Return what a plan or agency narrows the list to, its short name and label, and the plans that
    the caller sees; or what to say.
    """
    found = await meant(turn, scope, words)
    if found.plans:
        number = short_number(found.plans[0], found.visible.values())
        label = f"Kế hoạch {found.plans[0].number}"
        only = Obligation.plan_id.in_([plan.id for plan in found.plans])
        return only, number, label, found.visible
    if len(found.agencies) == 1:
        agency = found.agencies[0]
        held = await held_by_agency(turn, agency.province, agency.code)
        return held, agency.code, agency.name, found.visible
    if found.agencies:
        return choose(command, words, choices_of(found, found.visible))
    return Answer("nothing_found", {"words": words, "command": command})
