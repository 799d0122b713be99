"""Who has not reported of one report or task: sở, xã and others apart, as far as a message holds; all as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_

from bot.conversation.contacts.remind_now import count_to_remind
from bot.conversation.context.access import may
from bot.conversation.context.arguments import Arguments, period_words
from bot.conversation.context.buttons import ButtonRows, command_button
from bot.conversation.context.lookup import qualified_code, short_plan_number
from bot.conversation.context.scope import CallerScope
from bot.conversation.context.turn import Turn, state_word
from data import files
from data.figures.groups import PartTotals, count_by_kind
from data.figures.reports import load_occurrences, running_occurrence
from data.models import Obligation
from data.obligations.lists import current_question_condition, list_open_parts
from data.progress.history import in_duty_condition, in_task_condition
from data.progress.reasons import list_reasons
from data.registry.agency_kinds import AGENCY_GROUPS, COMMUNE_KIND, AgencyGroup, group_of_kind
from data.registry.titles import period_name
from data.rules.ladder import UNDATED, effective_due
from data.rules.states import is_never_late, left_and_late, working_days_left
from data.text import utf16_length
from jobs.channel import Answer
from jobs.reports.missing_sheet import MissingLine, MissingSheet, missing_file_name, missing_xlsx

_FRAME = 750  # UTF-16 units of what stands around the names


@dataclass(frozen=True, slots=True)
class MissingParts:
    """The open parts of one report or task, with what a heading says of it.

    period: the code of a report's period, "" for a task. due_on: the document's, of the earliest part.
    days: working days left, negative: late. totals: by kind of agency. rows: data.obligations.lists.
    """

    code: str
    title: str
    clause: str
    plan_id: int
    period: str
    due_on: date | None
    proposed: bool
    is_before_tracking: bool
    days: int
    totals: dict[AgencyGroup, PartTotals]
    rows: Sequence[Any]
    condition: ColumnElement[bool]

    @property
    def expected(self) -> int:
        """Return how many agencies owe it."""
        return sum(each.expected for each in self.totals.values())

    @property
    def missing(self) -> int:
        """Return how many of them have not reported."""
        return sum(each.missing for each in self.totals.values())

    @property
    def is_task(self) -> bool:
        """Tell whether it is a task, and no report."""
        return not self.period


async def load_missing(turn: Turn, scope: CallerScope, asked: Arguments) -> MissingParts | None:
    """Return the open parts of the one report or task asked for; None where no part is asked yet."""
    (row,) = asked.coded
    visible = scope.limit_to_plans([row.plan_id]).obligations()
    workdays = turn.registry.workdays
    if asked.found.tasks:
        condition = and_(in_task_condition(row.id), current_question_condition(turn.today), visible)
        figures = None
    else:
        occurrences = await load_occurrences(
            turn.connection, row.id, visible, today=turn.today, workdays=workdays
        )
        if asked.period is not None:
            occurrences = [each for each in occurrences if each.period_code == asked.period]
        figures = running_occurrence(occurrences, today=turn.today)
        if figures is None:
            return None
        condition = and_(
            in_duty_condition(row.id), Obligation.period == figures.period_code, visible
        )
    totals: dict[AgencyGroup, PartTotals] = {}
    for kind, counted in (await count_by_kind(turn.connection, condition)).items():
        before = totals.get(group_of_kind(kind), PartTotals(0, 0))
        totals[group_of_kind(kind)] = PartTotals(
            before.expected + counted.expected, before.missing + counted.missing
        )
    if not totals:
        return None
    rows = await list_open_parts(turn.connection, condition)
    if figures is not None:
        return MissingParts(
            row.code, figures.title, figures.clause, row.plan_id, figures.period_code, figures.due_on,
            figures.proposed, figures.is_before_tracking, figures.left, totals, rows, condition,
        )  # fmt: skip
    first = min(rows, key=lambda each: (each.base_on, each.id), default=None)
    never = first is not None and is_never_late(first.judged_on)
    return MissingParts(
        row.code, row.title, "", row.plan_id, "", None if first is None else first.due_on, False,
        never and first is not None and first.kind != UNDATED,
        0 if first is None else working_days_left(
            first.base_on, first.judged_on, today=turn.today, workdays=workdays
        ),
        totals, rows, condition,
    )  # fmt: skip


async def show_missing(
    turn: Turn, scope: CallerScope, asked: Arguments, *, as_file: bool = False
) -> Answer:
    """Show who has not reported of one report or task, sở, xã and others apart, as far as a message holds."""
    found = await load_missing(turn, scope, asked)
    (row,) = asked.coded
    if found is None:
        return no_such_period(row, asked)
    words = " ".join(
        part for part in (_plan_words(asked, row), row.code, period_words(found.period)) if part
    )
    groups = [asked.group] if asked.group is not None else list(AGENCY_GROUPS)
    rows = [each for each in found.rows if group_of_kind(each.agency_kind) in groups]
    if as_file and rows:
        return await _missing_file(turn, found, rows, row, f"{words}{asked.kind_tail}")
    return Answer(
        "chuanop",
        {
            "today": turn.today.isoformat(),
            "title": found.title,
            "code": found.code,
            "clause": found.clause,
            "plan": _plan_words(asked, row),
            "plan_number": row.plan_number,
            "is_task": found.is_task,
            "due": None if found.due_on is None else found.due_on.isoformat(),
            "proposed": found.proposed,
            "before": found.is_before_tracking,
            **left_and_late(found.days),
            "expected": found.expected,
            "missing": found.missing,
            "only": asked.group or "",
            "groups": _group_lines(turn, found, groups),
            **_flags(rows),
            "words": words,
        },
        buttons=await _missing_buttons(turn, found, words, asked),
        edits=turn.pressed_message_id,
    )


def no_such_period(row: Any, asked: Arguments) -> Answer:
    """Say that a report or task has no part of the period asked for, or none yet."""
    return Answer(
        "chuanop_none",
        {
            "title": row.title,
            "code": row.code,
            "plan_number": row.plan_number,
            "words": qualified_code(row, asked.plans),
            "period": period_name(asked.period) if asked.period is not None else "",
        },
    )


def _plan_words(asked: Arguments, row: Any) -> str:
    return short_plan_number(asked.plans[row.plan_id], asked.plans.values())


def _flags(rows: Sequence[Any]) -> dict[str, int]:
    return {
        "blocked": sum(row.blocked_at is not None for row in rows),
        "asking": sum(row.extension_asked_at is not None for row in rows),
        "disputed": sum(row.disputed_at is not None for row in rows),
    }


def _listed(turn: Turn, row: Any) -> str:
    """Return the name of a part's agency as a long list shows it."""
    short = str(row.agency_short)
    if row.agency_kind == COMMUNE_KIND:
        short = short.removeprefix("UBND ")
    return turn.holder_name(row.agency_province, row.agency_code, short, row.kind)


def _group_lines(
    turn: Turn, found: MissingParts, groups: Sequence[AgencyGroup]
) -> list[dict[str, Any]]:
    """Return each group's counts and names; the longest group gives way where a message cannot hold all."""
    names: dict[AgencyGroup, list[str]] = {group: [] for group in groups}
    for row in found.rows:
        if group_of_kind(row.agency_kind) in names:
            names[group_of_kind(row.agency_kind)].append(_listed(turn, row))
    room = max(turn.max_length - _FRAME, 200)
    fitting: dict[AgencyGroup, list[str]] = {}
    for group in sorted(names, key=lambda each: len(names[each])):
        fitting[group] = []
        for name in names[group]:
            room -= utf16_length(name) + 2
            if room < 0:
                break
            fitting[group].append(name)
    return [
        {
            "group": group,
            "expected": found.totals[group].expected,
            "missing": found.totals[group].missing,
            "names": fitting[group],
            "more": len(names[group]) - len(fitting[group]),
        }
        for group in groups
        if group in found.totals
    ]


async def _missing_buttons(
    turn: Turn, found: MissingParts, words: str, asked: Arguments
) -> ButtonRows:
    if not found.missing:
        return ()
    tail = asked.kind_tail
    rows: list[ButtonRows] = []
    if may(turn.caller, "nhac"):
        count = await count_to_remind(turn, found.condition, asked.group)
        if count:
            rows.append(command_button(f"Nhắc {count:02} nơi", "nhac", f"{words}{tail}"))
    if found.days < 0:
        rows.append(command_button("Đề nghị giải trình", "giaitrinh", f"{words}{tail}"))
    rows.append(command_button("Lý do đã nêu", "lydo", f"{words}{tail}"))
    rows.append(command_button("Tệp đầy đủ", "chuanop", f"{words}{tail} tệp"))
    keys = [button for each in rows for line in each for button in line]
    return tuple(tuple(keys[at : at + 2]) for at in range(0, len(keys), 2))


async def _missing_file(
    turn: Turn, found: MissingParts, rows: Sequence[Any], row: Any, words: str
) -> Answer:
    """Return the file of all agencies that have not reported, in the official order, with what they said."""
    reasons = {
        reason.obligation_id: reason.words
        for reason in await list_reasons(turn.connection, found.condition)
    }
    workdays = turn.registry.workdays
    lines = [
        MissingLine(
            agency=turn.holder_name(part.agency_province, part.agency_code, part.agency, part.kind),
            group=group_of_kind(part.agency_kind),
            due_on=None if part.kind == UNDATED else effective_due(part.due_on, part.extended_to),
            days=working_days_left(
                part.base_on, part.judged_on, today=turn.today, workdays=workdays
            ),
            state=state_word(part, turn.today),
            percent=part.percent,
            reason=reasons.get(part.id, ""),
        )
        for part in rows
    ]
    sheet = MissingSheet(
        f"{found.title}, thực hiện Kế hoạch số {row.plan_number}",
        found.is_task, turn.today, found.missing, found.expected, lines,
    )  # fmt: skip
    attach = await files.store_file(
        turn.connection,
        name=missing_file_name(row.plan_number, found.code, found.period),
        mime=files.XLSX,
        content=await asyncio.to_thread(missing_xlsx, sheet),
        now=turn.now,
    )
    return Answer(
        "chuanop_file",
        {
            "title": found.title,
            "code": found.code,
            "plan_number": row.plan_number,
            "today": turn.today.isoformat(),
            "lines": len(lines),
            "is_task": found.is_task,
            "words": words,
            "attach": attach,
        },
    )
