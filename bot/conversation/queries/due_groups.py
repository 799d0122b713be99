"""/quahan and /sapden of those who follow plans: by report and task, each with a number to its agencies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_

from bot.conversation.context.arguments import Arguments, period_words
from bot.conversation.context.buttons import following_button, numbered_buttons
from bot.conversation.context.lookup import short_plan_number
from bot.conversation.context.pages import clamp_page
from bot.conversation.context.scope import CallerScope
from bot.conversation.context.turn import Turn
from data.figures.groups import PartGroup, group_parts, load_group_names, load_part_totals
from data.figures.states import judged_condition
from data.models import Obligation
from data.rules.ladder import UNDATED
from data.rules.states import left_and_late, working_days_late
from jobs.channel import Answer

_GROUPS_A_PAGE, _GROUPS_A_SHORT_PAGE = 8, 6
_ROOM_FOR_A_PAGE = 2200  # UTF-16 units: eight lines of the longest titles


@dataclass(frozen=True, slots=True)
class DueList:
    """Which list: its command, the condition of its obligations, the column that tells their day.

    days: of /sapden, None for /quahan. words: those after the command.
    """

    command: str
    condition: ColumnElement[bool]
    by: Any
    words: str
    days: int | None = None


def ended_condition(turn: Turn) -> ColumnElement[bool]:
    """Return the condition that what was due before its plan was tracked has no result yet."""
    return and_(
        Obligation.state == "open",
        Obligation.kind != UNDATED,
        ~judged_condition(),
        Obligation.base_on < turn.today,
    )


async def show_due_groups(
    turn: Turn, scope: CallerScope, asked: Arguments, listed: DueList, label: str, page: int
) -> Answer:
    """Show a page of the groups: reports, then tasks; of /quahan at last what ended before tracking."""
    groups = await group_parts(turn.connection, listed.condition, by=listed.by)
    groups.sort(key=lambda group: _urgency(group, late=listed.days is None))
    visible = scope.obligations() & asked.owner_condition()
    ended: list[PartGroup] = []
    if listed.days is None:
        before = ended_condition(turn) & visible
        if asked.found.plans:
            before &= Obligation.plan_id.in_([plan.id for plan in asked.found.plans])
        ended = await group_parts(turn.connection, before, by=Obligation.due_on)
        ended.sort(key=lambda group: (group.duty_id is None, group.first_on, group.plan_id))
    every = [*groups, *ended]
    size = _GROUPS_A_PAGE if turn.max_length >= _ROOM_FOR_A_PAGE else _GROUPS_A_SHORT_PAGE
    at = clamp_page(len(every), page, size)
    shown = every[at.offset : at.offset + at.size]
    lines = await _lines(turn, asked, listed, shown, visible, at.offset, len(groups))
    reports = sum(group.duty_id is not None for group in groups)
    return Answer(
        f"{listed.command}_groups",
        {
            **at.context(),
            "command": listed.command,
            "today": turn.today.isoformat(),
            "days": listed.days,
            "words": listed.words,
            "label": label,
            "total": sum(group.count for group in groups),
            "reports": reports,
            "passed": sum(group.proposed for group in groups),
            "tasks": len(groups) - reports,
            "ended": len(ended),
            "lines": lines,
        },
        buttons=(
            *numbered_buttons("chuanop", [(line["number"], line["words"]) for line in lines]),
            *following_button(listed.command, at, len(every), listed.words),
        ),
        edits=turn.pressed_message_id,
    )


def _urgency(group: PartGroup, *, late: bool) -> tuple[Any, ...]:
    """Order reports before tasks: late ones by how many owe them, those to come by their day."""
    by_count, by_day = -group.count, group.first_on.toordinal()
    is_task = group.duty_id is None
    first = (by_count, by_day) if late and not is_task else (by_day, by_count)
    return (is_task, *first, group.plan_id, group.duty_id or group.task_id or 0)


async def _lines(
    turn: Turn,
    asked: Arguments,
    listed: DueList,
    shown: Sequence[PartGroup],
    visible: ColumnElement[bool],
    offset: int,
    judged: int,
) -> list[dict[str, Any]]:
    names = await load_group_names(turn.connection, shown)
    totals = await load_part_totals(turn.connection, shown, visible)
    lines = []
    for number, group in enumerate(shown, offset + 1):
        name = names[group]
        plan = short_plan_number(asked.plans[group.plan_id], asked.plans.values())
        period = period_words(group.period) if group.duty_id is not None else ""
        tail = asked.kind_words
        if number > judged:
            section = "ended"
        else:
            section = "tasks" if group.duty_id is None else "reports"
        lines.append(
            {
                "number": number,
                "section": section,
                "title": name.title,
                "code": name.code,
                "plan": plan,
                "is_task": group.duty_id is None,
                "count": group.count,
                "expected": totals[group].expected,
                "missing": totals[group].missing,
                "agency": turn.holder_name(name.province, name.agency_code, name.agency, name.kind)
                if totals[group].expected == 1
                else "",
                "day": group.first_on.isoformat(),
                "proposed": group.proposed,
                **left_and_late(_days(turn, group, late=listed.days is None)),
                "words": " ".join(part for part in (plan, name.code, period, tail) if part),
            }
        )
    return lines


def _days(turn: Turn, group: PartGroup, *, late: bool) -> int:
    workdays = turn.registry.workdays
    if late:
        return -working_days_late(group.first_on, today=turn.today, workdays=workdays)
    return workdays.between(turn.today, group.first_on) if group.first_on > turn.today else 0
