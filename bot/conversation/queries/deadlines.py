"""/quahan: what is overdue. /sapden: what falls due within n working days."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import ColumnElement

from bot.conversation.context.access import ANSWERING_ROLES
from bot.conversation.context.arguments import Arguments, list_argument_choices, read_arguments
from bot.conversation.context.buttons import open_buttons, page_buttons
from bot.conversation.context.lookup import ask_choice, refuse_unknown
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.queries.due_groups import DueList, show_due_groups
from bot.conversation.queries.missing_parts import show_missing
from data.figures.states import judged_condition, open_on_time_condition, overdue_condition
from data.models import Obligation
from data.obligations.lists import count_by_plan, list_ids_by_date
from data.progress.history import in_duty_condition, in_task_condition
from jobs.channel import Answer
from jobs.rendering.buttons import reminder_buttons

_ITEMS_A_PAGE = 10
_DEFAULT_DAYS = 10  # working days
_MOST_DAYS = 250  # about a year of working days
_DAYS = re.compile(
    r"(\d{1,3})(?:\s+ngày(?:\s+làm\s+việc)?)?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL
)


async def answer_quahan(turn: Turn) -> list[Answer]:
    """Answer /quahan [PLAN|CODE|AGENCY|KIND]: what is overdue, by report and task, or one's own items."""
    words, page = parse_page(turn.words)
    late = overdue_condition(turn.registry.workdays.on_or_before(turn.today))
    return [await _answer(turn, DueList("quahan", late, Obligation.judged_on, words), page)]


async def answer_sapden(turn: Turn) -> list[Answer]:
    """Answer /sapden [N] [PLAN|CODE|AGENCY|KIND]: what falls due within N working days, by default 10."""
    words, page = parse_page(turn.words)
    days, words = _parse_days(words)
    last = turn.registry.workdays.add(turn.today, days) if days else turn.today
    soon = (
        open_on_time_condition(turn.registry.workdays.on_or_before(turn.today))
        & judged_condition()
        & (Obligation.base_on <= last)
    )
    return [await _answer(turn, DueList("sapden", soon, Obligation.base_on, words, days), page)]


def _parse_days(words: str) -> tuple[int, str]:
    """Return N and the words after it; a number above _MOST_DAYS is a plan's."""
    match = _DAYS.fullmatch(words)
    if match is None or int(match[1]) > _MOST_DAYS:
        return _DEFAULT_DAYS, words
    return int(match[1]), (match[2] or "").strip()


async def _answer(turn: Turn, listed: DueList, page: int) -> Answer:
    """Answer with groups to those who follow plans, else with a list of items."""
    scope = await load_scope(turn)
    asked = await read_arguments(turn, scope, listed.words)
    if listed.words and asked.is_empty:
        return refuse_unknown(listed.command, listed.words, scope, asked.plans)
    if len(asked.coded) + len(asked.found.agencies) > 1:
        choices = list_argument_choices(asked)
        return ask_choice(listed.command, listed.words, choices)
    if asked.coded and asked.coded[0].plan_id in scope.plans:
        return await show_missing(turn, scope, asked)
    condition, label = await _limit(turn, asked, listed.condition)
    typed = " ".join(str(part) for part in (listed.days, asked.canonical()) if part is not None)
    listed = replace(listed, condition=condition & scope.obligations(), words=typed.strip())
    if scope.follows and not (asked.coded or asked.found.agencies):
        return await show_due_groups(turn, scope, asked, listed, label, page)
    return await _show_items(turn, asked, listed, label, page)


async def _limit(
    turn: Turn, asked: Arguments, condition: ColumnElement[bool]
) -> tuple[ColumnElement[bool], str]:
    """Return the condition within what was asked for, and its name."""
    condition, label = condition & asked.owner_condition(), asked.kind_label
    plans = asked.found.plans or asked.within
    if plans:
        condition &= Obligation.plan_id.in_([plan.id for plan in plans])
        label = ", ".join(p for p in (f"Kế hoạch {plans[0].number}", asked.kind_label) if p)
    if asked.coded:
        (row,) = asked.coded
        condition &= in_task_condition(row.id) if asked.found.tasks else in_duty_condition(row.id)
        if asked.period is not None:
            condition &= Obligation.period == asked.period
        label = f"{row.title} [{row.code}], Kế hoạch {row.plan_number}"
    if asked.found.agencies:
        (agency,) = asked.found.agencies
        condition &= await agency_held_condition(turn, agency.province, agency.code)
        label = agency.name if not plans else f"{agency.name}, {label}"
    return condition, label


async def _show_items(
    turn: Turn, asked: Arguments, listed: DueList, label: str, page: int
) -> Answer:
    counts = await count_by_plan(turn.connection, listed.condition)
    total = sum(count for _, count in counts)
    at = clamp_page(total, page, page_size(turn.max_length, _ITEMS_A_PAGE))
    ids = await list_ids_by_date(
        turn.connection, listed.condition, by=[listed.by], offset=at.offset, limit=at.size
    )
    visible = await visible_obligations(turn, ids)
    items = [each.as_item(turn, number) for number, each in enumerate(visible.values(), 1)]
    own = all(not item["holder"] for item in items) and bool(turn.caller.roles() & ANSWERING_ROLES)
    buttons = reminder_buttons(0, items) if own else open_buttons(items)
    return Answer(
        listed.command,
        {
            **at.context(),
            "command": listed.command,
            "today": turn.today.isoformat(),
            "days": listed.days,
            "words": listed.words,
            "label": label,
            "total": total,
            "by_plan": [
                {"number": asked.plans[plan_id].number, "count": count}
                for plan_id, count in counts
                if plan_id in asked.plans
            ],
            "items": items,
            "own": own,
        },
        buttons=(*buttons, *page_buttons(listed.command, at.number, at.count, listed.words)),
        items=tuple(visible),
        edits=turn.pressed_message_id,
    )
