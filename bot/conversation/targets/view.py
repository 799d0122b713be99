"""/chitieu: a plan's targets, the values reported against the goals of their years."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.conversation.context.access import may
from bot.conversation.context.buttons import ButtonRows, command_button, page_buttons
from bot.conversation.context.lookup import (
    ask_choice,
    load_visible_plans,
    look_up_words,
    short_plan_number,
)
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn
from bot.conversation.targets.summary import target_line
from data.targets.indicators import has_figure, is_percent
from data.targets.statuses import load_target_statuses
from jobs.channel import Answer

_TARGETS_A_PAGE = 8
_MOST_PLANS = 12


async def answer_chitieu(turn: Turn, *, words: str | None = None) -> list[Answer]:
    """Answer /chitieu [PLAN] ("/chitieu 1331 trang 2"); words: in place of what followed the command."""
    words, page = parse_page(turn.words if words is None else words)
    scope = await load_scope(turn)
    if not words:
        plans = await load_visible_plans(turn, scope)
        return [_ask_target_plan(turn, plans)]
    lookup = await look_up_words(turn, scope, words)
    if not lookup.plans:
        return [Answer("nothing_found", {"words": words, "command": "chitieu"})]
    if len(lookup.plans) > 1:
        choices = [(plan.code, f"{plan.number}: {plan.title}") for plan in lookup.plans]
        return [ask_choice("chitieu", words, choices)]
    (plan,) = lookup.plans
    key = short_plan_number(plan, lookup.visible_plans.values())
    return [await _target_page(turn, plan, key, page, follows=plan.id in scope.plans)]


def _ask_target_plan(turn: Turn, plans: dict[int, Any]) -> Answer:
    """Ask which plan is meant, of those that have targets."""
    files = turn.registry.plans
    with_targets = [p for p in plans.values() if p.code in files and files[p.code].targets]
    shown = with_targets[:_MOST_PLANS]
    buttons: ButtonRows = ()
    options = []
    for plan in shown:
        key = short_plan_number(plan, plans.values())
        buttons = (*buttons, *command_button(f"Kế hoạch {plan.number}", "chitieu", key))
        options.append({"typed": key, "number": plan.number, "title": plan.short or plan.title})
    context = {"options": options, "more": len(with_targets) - len(shown)}
    return Answer("chitieu", {"plan_number": "", **context}, buttons=buttons)


async def _target_page(turn: Turn, plan: Any, key: str, page: int, *, follows: bool) -> Answer:
    file = turn.registry.plans.get(plan.code)
    groups: Sequence[Any] = ()
    if file is not None:
        groups = await load_target_statuses(turn.connection, file, plan.id, plan.coordinator_id)
    own = {enrolled.agency_id for enrolled in turn.caller.enrolments}
    seen = None if follows else {*own, plan.coordinator_id}
    with_figure = [group for group in groups if has_figure(group[0].target)]
    without = [group for group in groups if not has_figure(group[0].target)]
    at = clamp_page(len(groups), page, page_size(turn.max_length, _TARGETS_A_PAGE))
    shown = [*with_figure, *without][at.offset : at.offset + at.size]
    first = with_figure[0][0].target if with_figure else None
    return Answer(
        "chitieu",
        {
            **at.context(),
            "today": turn.today.isoformat(),
            "plan_number": plan.number,
            "words": key,
            "total": len(with_figure),
            "without": len(without),
            "lines": [target_line(group, seen) for group in shown],
            "example": first.code if first and may(turn.caller, "target") else "",
            "percent": first is not None and is_percent(first),
            "in_group": turn.caller.in_group,
        },
        buttons=page_buttons("chitieu", at.number, at.count, key),
        edits=turn.pressed_message_id,
    )
