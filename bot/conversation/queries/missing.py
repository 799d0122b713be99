"""/chuanop: who has not reported, by kind of agency: of one report, of one task, of one agency, or of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, tuple_

from bot.conversation.context.access import DECIDING_ROLES, may
from bot.conversation.context.arguments import (
    Arguments,
    list_argument_choices,
    period_words,
    read_arguments,
)
from bot.conversation.context.buttons import (
    following_button,
    numbered_buttons,
    open_buttons,
)
from bot.conversation.context.lookup import (
    ask_choice,
    refuse_unknown,
    short_plan_number,
)
from bot.conversation.context.pages import clamp_page, parse_page
from bot.conversation.context.scope import CallerScope, agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.queries.missing_parts import show_missing
from data.figures.groups import PartTotals, group_parts, load_part_totals
from data.figures.reports import (
    DutyFigures,
    load_duty_figures,
)
from data.models import LIVE_STATES, Obligation
from data.obligations.lists import (
    last_current_day,
    list_ids_by_date,
)
from data.rules.ladder import TASK_KINDS, effective_due
from data.rules.states import is_never_late, left_and_late
from data.text import fold
from jobs.channel import Answer

REPORTS_A_PAGE = 8
_MOST_OF_AN_AGENCY = 8
_FILE_WORDS = ("tep", "tep day du", "excel", "file")


async def answer_chuanop(turn: Turn) -> list[Answer]:
    """Answer /chuanop [PLAN|CODE [PERIOD]|AGENCY|KIND]: who has not reported; alone, the reports running."""
    words, page = parse_page(turn.words)
    words, as_file = _take_file_word(words)
    scope = await load_scope(turn, DECIDING_ROLES)
    asked = await read_arguments(turn, scope, words)
    if words and asked.is_empty:
        return [refuse_unknown("chuanop", words, scope, asked.plans)]
    if len(asked.coded) + len(asked.found.agencies) > 1:
        choices = list_argument_choices(asked)
        return [ask_choice("chuanop", words, choices)]
    if asked.found.agencies:
        return [await _show_agency(turn, scope, asked)]
    if asked.coded:
        return [await show_missing(turn, scope, asked, as_file=as_file)]
    return [await _show_reports(turn, scope, asked, page, as_file=as_file)]


def _take_file_word(words: str) -> tuple[str, bool]:
    """Return the words without "tệp" at their end, and whether it stood there."""
    tokens = words.split()
    for count in (3, 1):
        if len(tokens) >= count and fold(" ".join(tokens[-count:])) in _FILE_WORDS:
            return " ".join(tokens[:-count]), True
    return words, False


# ------------------------------------------------------------------ the reports that run


async def _show_reports(
    turn: Turn, scope: CallerScope, asked: Arguments, page: int, *, as_file: bool
) -> Answer:
    """List the reports that run now and have not all come; a single one is shown at once if a plan is named."""
    named = asked.found.plans or tuple(scope.plans.values())
    plan_ids = [plan.id for plan in named if plan.id in scope.plans]
    figures = await load_duty_figures(
        turn.connection, plan_ids, today=turn.today, workdays=turn.registry.workdays
    )
    until = last_current_day(turn.today)
    running = [
        each
        for each in figures
        if each.missing_count and (each.is_late or each.due_on <= until)
        if asked.period in (None, each.period_code)
    ]
    running.sort(key=_report_order)
    counts = {
        (each.duty_id, each.period_code): PartTotals(each.expected, each.missing_count)
        for each in running
    }
    if asked.group is not None:
        counts = await _count_of_kind(turn, asked, running)
        running = [each for each in running if (each.duty_id, each.period_code) in counts]
    if len(running) == 1 and (asked.found.plans or asked.group):
        words = f"{_report_words(asked, running[0])}{asked.kind_tail}"
        single = await read_arguments(turn, scope, words)
        if len(single.coded) == 1:
            return await show_missing(turn, scope, single, as_file=as_file)
    at = clamp_page(len(running), page, REPORTS_A_PAGE)
    shown = running[at.offset : at.offset + at.size]
    lines: list[dict[str, Any]] = [
        {
            "number": number,
            "title": each.title,
            "code": each.code,
            "plan": short_plan_number(asked.plans[each.plan_id], asked.plans.values()),
            "due": each.due_on.isoformat(),
            "proposed": each.proposed,
            "expected": counts[each.duty_id, each.period_code].expected,
            "missing": counts[each.duty_id, each.period_code].missing,
            **left_and_late(each.left),
            "words": f"{_report_words(asked, each)}{asked.kind_tail}",
        }
        for number, each in enumerate(shown, at.offset + 1)
    ]
    plan = f"Kế hoạch {asked.found.plans[0].number}" if asked.found.plans else ""
    label = ", ".join(part for part in (plan, asked.kind_label) if part)
    words = asked.canonical()
    return Answer(
        "chuanop_reports",
        {
            **at.context(),
            "today": turn.today.isoformat(),
            "label": label,
            "lines": lines,
            "total": len(running),
            "late": sum(each.is_late for each in running),
            "words": words,
        },
        buttons=(
            *numbered_buttons("chuanop", [(line["number"], line["words"]) for line in lines]),
            *following_button("chuanop", at, len(running), words),
        ),
        edits=turn.pressed_message_id,
    )


def _report_order(figures: DutyFigures) -> tuple[Any, ...]:
    """Order late reports first, those that most agencies owe before others; then by date."""
    if figures.is_late:
        return (0, -figures.missing_count, figures.due_on)
    return (1, figures.due_on, -figures.missing_count)


async def _count_of_kind(
    turn: Turn, asked: Arguments, running: Sequence[DutyFigures]
) -> dict[tuple[int, str], PartTotals]:
    """Return how many agencies of the kind asked for owe each report, of those that some of them owe."""
    if not running:
        return {}
    owed = [(each.duty_id, each.period_code) for each in running]
    found = and_(
        tuple_(Obligation.duty_id, Obligation.period).in_(owed),
        Obligation.duty_id.in_({duty_id for duty_id, _ in owed}),
        Obligation.state == "open",
        asked.owner_condition(),
    )
    groups = await group_parts(turn.connection, found, by=Obligation.due_on)
    totals = await load_part_totals(turn.connection, groups, asked.owner_condition())
    return {(group.duty_id or 0, group.period): totals[group] for group in groups}


def _report_words(asked: Arguments, figures: DutyFigures) -> str:
    plan = asked.plans[figures.plan_id]
    number = short_plan_number(plan, asked.plans.values())
    return f"{number} {figures.code} {period_words(figures.period_code)}".strip()


# ------------------------------------------------------------------ one agency


async def _show_agency(turn: Turn, scope: CallerScope, asked: Arguments) -> Answer:
    """Show which reports of an agency have come and which have not: those due of late or soon."""
    (agency,) = asked.found.agencies
    if asked.within:
        scope = scope.limit_to_plans(plan.id for plan in asked.within)
    held = await agency_held_condition(turn, agency.province, agency.code)
    until = last_current_day(turn.today)
    of_late = and_(
        Obligation.state.in_(LIVE_STATES),
        or_(
            and_(Obligation.state == "open", Obligation.base_on <= until),
            Obligation.state == "submitted",
            and_(Obligation.state == "confirmed", Obligation.due_on >= date(turn.today.year, 1, 1)),
        ),
    )
    ids = await list_ids_by_date(
        turn.connection,
        and_(held, scope.obligations(), Obligation.kind.not_in(TASK_KINDS), of_late),
        by=[Obligation.base_on.desc()],
        offset=0,
        limit=_MOST_OF_AN_AGENCY,
    )
    visible = await visible_obligations(turn, ids)
    order = sorted(visible.values(), key=_agency_order)
    items = [each.as_item(turn, number, holder="") for number, each in enumerate(order, 1)]
    for item, each in zip(items, order, strict=True):
        item["before"] = is_never_late(each.row.judged_on)
        item["due"] = effective_due(each.row.due_on, each.row.extended_to).isoformat()
        done_on = each.row.done_on
        item["done"] = "" if done_on is None else done_on.isoformat()
    return Answer(
        "chuanop_agency",
        {
            "today": turn.today.isoformat(),
            "agency": agency.name,
            "items": items,
            "missing": sum(item["state"] == "open" and not item["before"] for item in items),
            "may_urge": may(turn.caller, "nhac"),
            "counted": sum(not item["before"] for item in items),
        },
        buttons=open_buttons(items),
        items=tuple(each.id for each in order),
        edits=turn.pressed_message_id,
    )


def _agency_order(obligation: VisibleObligation) -> tuple[bool, int, date]:
    """Order what has not come first, the earliest due first; what was due before tracking last."""
    row = obligation.row
    places = {"open": 0, "submitted": 1, "confirmed": 2}
    return is_never_late(row.judged_on), places[row.state], row.base_on
