"""/lydo: why reports and tasks are late or missing, in the agencies' own words, by theme."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import ColumnElement

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.arguments import Arguments, list_argument_choices, read_arguments
from bot.conversation.context.buttons import command_button, page_buttons
from bot.conversation.context.lookup import ask_choice, refuse_unknown
from bot.conversation.context.pages import clamp_page, parse_page, split_into_pages
from bot.conversation.context.scope import CallerScope, agency_held_condition, load_scope
from bot.conversation.context.turn import Turn
from bot.conversation.queries.missing_parts import load_missing
from data.figures.states import overdue_condition
from data.models import Obligation
from data.obligations.lists import count_by_plan
from data.progress.reasons import list_reasons, reason_theme
from jobs.channel import Answer


async def answer_lydo(turn: Turn) -> list[Answer]:
    """Answer /lydo [PLAN|CODE|AGENCY|KIND]: the reasons given for what is missing; alone, for all overdue."""
    words, page = parse_page(turn.words)
    scope = await load_scope(turn, DECIDING_ROLES)
    asked = await read_arguments(turn, scope, words)
    if words and asked.is_empty:
        return [refuse_unknown("lydo", words, scope, asked.plans)]
    if len(asked.coded) + len(asked.found.agencies) > 1:
        return [ask_choice("lydo", words, list_argument_choices(asked))]
    condition, label = await _condition(turn, scope, asked)
    return [await _show_reasons(turn, asked, condition, label, page)]


async def _condition(
    turn: Turn, scope: CallerScope, asked: Arguments
) -> tuple[ColumnElement[bool], str]:
    """Return the condition of the open obligations asked about, and their name."""
    if asked.coded:
        (row,) = asked.coded
        found = await load_missing(turn, scope, asked)
        label = f"{row.title if found is None else found.title} [{row.code}], KH {row.plan_number}"
        if found is not None:
            label = f"{label}, {asked.kind_label}" if asked.group is not None else label
            return found.condition & asked.owner_condition() & (Obligation.state == "open"), label
    late = overdue_condition(turn.registry.workdays.on_or_before(turn.today))
    condition, label = late & scope.obligations() & asked.owner_condition(), asked.kind_label
    plans = asked.found.plans or asked.within
    if plans:
        condition &= Obligation.plan_id.in_([plan.id for plan in plans])
        label = ", ".join(p for p in (f"Kế hoạch {plans[0].number}", asked.kind_label) if p)
    if asked.found.agencies:
        (agency,) = asked.found.agencies
        condition &= await agency_held_condition(turn, agency.province, agency.code)
        label = f"{agency.name}, {label}" if label else agency.name
    return condition, label


async def _show_reasons(
    turn: Turn, asked: Arguments, condition: ColumnElement[bool], label: str, page: int
) -> Answer:
    total = sum(count for _, count in await count_by_plan(turn.connection, condition))
    reasons = await list_reasons(turn.connection, condition)
    themes = {reason.obligation_id: reason_theme(reason.words) for reason in reasons}
    counts = Counter(themes.values())
    reasons.sort(key=lambda each: (-counts[themes[each.obligation_id]], themes[each.obligation_id]))
    said: dict[tuple[str, str], dict[str, None]] = {}
    for each in reasons:
        said.setdefault((themes[each.obligation_id], each.agency), {})[each.words] = None
    blocks = [
        {"kind": "reason", "theme": theme, "agency": agency, "text": "; ".join(told)}
        for (theme, agency), told in said.items()
    ]
    pages = split_into_pages(blocks, turn.max_length)
    at = clamp_page(len(pages), page, 1)
    words = asked.canonical()
    buttons = page_buttons("lydo", at.number, at.count, words)
    if asked.coded and len(reasons) < total:
        buttons = (*buttons, *command_button("Đề nghị giải trình", "giaitrinh", words))
    return Answer(
        "lydo",
        {
            **at.context(),
            "today": turn.today.isoformat(),
            "label": label,
            "by_agency": bool(asked.coded),
            "total": total,
            "given": len(reasons),
            "lines": [{**block, "count": counts[block["theme"]]} for block in pages[at.number - 1]],
            "words": words,
        },
        buttons=buttons,
        edits=turn.pressed_message_id,
    )
