"""Collect the facts of a consolidated report from the answers of agencies.

Guarantees:
- Nothing is filled in: an agency without an answer in the period is silent; an undone answer is none.
- Each task is counted once.
- Memory does not grow with the number of answers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import Figures
from data.models import Plan, Task
from data.registry.registry import Registry
from data.reports.agency_names import AgencyNames
from data.reports.facts import (
    MOST_BEHIND,
    AgencyLine,
    AnswerSource,
    ReportFacts,
    SectionFacts,
    TaskFacts,
)
from data.reports.parts import (
    LinePart,
    PartAnswer,
    PartRow,
    ReportView,
    find_supporting_answer,
    load_line_parts,
    load_part_answers,
    stream_parts,
)
from data.reports.period import span_of
from data.reports.quotes import list_difficulties, list_proposals, list_silent_agencies
from data.reports.source_reports import load_duty_facts, load_report_destination
from data.rules.ladder import UNDATED, effective_due
from data.rules.owners import coordinator_of
from data.rules.states import OfficialState, combined_state
from data.targets.statuses import load_target_facts

_TASK = "phase_end"  # any kind of task: agencies hold all of them alike
_LINES_A_BATCH = 3000
_MOST_IN_A_QUERY = 900


class PlanNotLoaded(LookupError):
    """The database has no such plan, or it was withdrawn."""


@dataclass(slots=True)
class _BehindParts:
    """Agencies that are late or silent: how many, and the first of them as (position, agency id)."""

    count: int = 0
    first: list[tuple[int, int]] = field(default_factory=list)

    def add(self, position: int, agency_id: int) -> None:
        self.count += 1
        self.first.append((position, agency_id))
        if len(self.first) > 8 * MOST_BEHIND:  # to hold a few of many
            self.first = sorted(self.first)[:MOST_BEHIND]

    def labels(self, names: AgencyNames) -> list[str]:
        return [
            names.owner_label(agency_id, _TASK).label
            for _, agency_id in sorted(self.first)[:MOST_BEHIND]
        ]


class _TaskTally:
    """Counts of one task's parts, added one by one."""

    __slots__ = ("behind", "silent", "states", "unasked", "waiting")

    def __init__(self) -> None:
        self.states: Counter[OfficialState] = Counter()
        self.waiting = 0
        self.silent = 0
        self.behind = _BehindParts()
        self.unasked = _BehindParts()

    def add(self, part: PartRow, names: AgencyNames) -> None:
        _, agency_id, state, is_waiting, is_silent = part
        if state is None:
            behind = self.unasked
        else:
            self.states[state] += 1
            self.waiting += is_waiting
            self.silent += is_silent
            if not is_silent and state != "open_late":
                return
            behind = self.behind
        behind.add(names.owner_label(agency_id, _TASK).position, agency_id)

    def facts(self, task: Any, names: AgencyNames) -> TaskFacts:
        """Return the task's facts; where nothing is asked yet, all its agencies are silent."""
        behind, silent = self.behind, self.silent
        parts = Figures.from_counts({**self.states, "waiting": self.waiting})
        if not parts.total:
            behind, silent = self.unasked, self.unasked.count
            parts = Figures(open_on_time=silent)
        return TaskFacts(
            task_id=task.id,
            code=task.code,
            section=task.section or "",
            text=task.text,
            period=task.period_raw,
            state=_state_of(parts),
            parts=parts,
            silent=silent,
            unassigned=not parts.total,
            behind=behind.labels(names),
            behind_count=behind.count,
        )


async def gather_report_facts(
    connection: AsyncConnection, registry: Registry, plan_code: str, *, period: str, as_of: date
) -> ReportFacts:
    """Return the facts of a plan's report for a period ("2026", "2026-H1", "2026-Q4") as of a day.

    Only answers within the period and by that day count. as_of must not be in the future. Raises
    PlanNotLoaded, and ValueError for an unknown period. Check find_sum_errors before drawing the facts.
    """
    row = await load_plan_row(connection, registry, plan_code)
    plan, home = registry.plans[plan_code], registry.provinces[row.province]
    view = ReportView(span_of(period), as_of, registry.workdays.on_or_before(as_of))
    names = await AgencyNames.load(connection, home, on=as_of)
    coordinator = names.id_of(coordinator_of(home, plan, on=as_of))
    tasks = await _load_tasks(connection, row.id, view, names)
    sections = [
        SectionFacts(title, of_section, _count_tasks(of_section))
        for title, of_section in (
            (title, list(group)) for title, group in groupby(tasks, key=lambda task: task.section)
        )
    ]
    onward = await load_report_destination(connection, row.id, home, plan, view)
    return ReportFacts(
        province=home.name,
        plan_code=plan_code,
        number=row.number,
        title=row.title,
        issued_on=row.issued_on,
        period=period,
        coordinator=plan.coordinator if coordinator is None else names.name(coordinator),
        receiver=onward.receiver,
        due_on=onward.due_on,
        as_of=as_of,
        is_estimate=as_of < view.span.closes,
        sections=sections,
        figures=_count_tasks(tasks),
        lines=sum(task.parts.total for task in tasks),
        silent=await list_silent_agencies(connection, row.id, view, names),
        duties=await load_duty_facts(connection, row.id, home, plan, view, names),
        difficulties=await list_difficulties(connection, row.id, view, names),
        proposals=await list_proposals(connection, row.id, view, names),
        targets=await load_target_facts(connection, plan, row.id, coordinator, before=view.after),
    )


async def stream_agency_lines(
    connection: AsyncConnection, registry: Registry, facts: ReportFacts
) -> AsyncIterator[tuple[TaskFacts, list[AgencyLine]]]:
    """Yield each task of a report with its agencies' lines, in the plan's and the official order.

    Reads some tasks at a time. Call it in the transaction that gathered the facts, so that both agree.
    """
    home = registry.province_of(facts.plan_code)
    last_working_day = registry.workdays.on_or_before(facts.as_of)
    view = ReportView(span_of(facts.period), facts.as_of, last_working_day)
    names = await AgencyNames.load(connection, home, on=facts.as_of)
    for batch in _batches(list(facts.tasks)):
        ids = [task.task_id for task in batch]
        answers = await load_part_answers(connection, ids, view)
        parts: dict[int, list[LinePart]] = {}
        for part in await load_line_parts(connection, ids, view):
            parts.setdefault(part.task_id, []).append(part)
        for task in batch:
            every = parts.get(task.task_id, [])
            asked = [part for part in every if part.obligation_id is not None]
            lines = [
                _line(part, answers.get(part.obligation_id or 0, ()), names, facts.coordinator)
                for part in asked or every
            ]
            yield task, sorted(lines, key=lambda line: (line.position, line.agency))


async def load_plan_row(connection: AsyncConnection, registry: Registry, plan_code: str) -> Any:
    """Return a plan's row; raises PlanNotLoaded."""
    rows = await connection.execute(
        select(Plan).where(Plan.code == plan_code, Plan.withdrawn_at.is_(None))
    )
    row = rows.one_or_none()
    if row is None or plan_code not in registry.plans:
        raise PlanNotLoaded(plan_code)
    return row


async def _load_tasks(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> list[TaskFacts]:
    rows = await connection.execute(
        select(Task.id, Task.code, Task.section, Task.text, Task.period_raw)
        .where(Task.plan_id == plan_id, Task.withdrawn_at.is_(None))
        .order_by(Task.position, Task.id)
    )
    tallies: defaultdict[int, _TaskTally] = defaultdict(_TaskTally)
    async for some in stream_parts(connection, plan_id, view):
        for part in some:
            tallies[part[0]].add(part, names)
    return [tallies[row.id].facts(row, names) for row in rows]


def _line(
    part: LinePart, answers: Sequence[PartAnswer], names: AgencyNames, coordinator: str
) -> AgencyLine:
    named = names.owner_label(part.agency_id, _TASK)
    due_on = part.due_on
    if part.obligation_id is None:
        due_on = part.ends_on
    elif part.kind == UNDATED:
        due_on = None
    elif due_on is not None:
        due_on = effective_due(due_on, part.extended_to)
    answer = find_supporting_answer(answers, part.stored_state)
    source = None
    if answer is not None:
        agency = names.owner_label(answer.agency_id, _TASK).label
        source = AnswerSource(answer.said, agency, answer.person, answer.said_at, answer.note)
    elif part.stored_state == "confirmed" and part.confirmed_at is not None:
        by = part.confirmed_by or coordinator
        source = AnswerSource("confirmed", by, None, part.confirmed_at, None)
    percent, document, document_on = None, None, None
    for row in answers:  # the last of each counts
        percent = percent if row.percent is None else row.percent
        if row.document:
            document, document_on = row.document, row.document_on
    return AgencyLine(
        agency=named.label,
        position=named.position,
        state=part.state,
        waiting=part.stored_state == "submitted",
        percent=percent,
        due_on=due_on,
        done_on=part.done_on if part.stored_state != "open" else None,
        document=document,
        document_on=document_on,
        source=source,
    )


def _batches(tasks: Sequence[TaskFacts]) -> list[list[TaskFacts]]:
    """Return the tasks in batches of about _LINES_A_BATCH lines."""
    batches: list[list[TaskFacts]] = [[]]
    room = _LINES_A_BATCH
    for task in tasks:
        if batches[-1] and (room < task.parts.total or len(batches[-1]) >= _MOST_IN_A_QUERY):
            batches.append([])
            room = _LINES_A_BATCH
        batches[-1].append(task)
        room -= task.parts.total
    return batches if batches[0] else []


def _state_of(parts: Figures) -> OfficialState:
    return combined_state(
        parts=parts.total,
        done=parts.done_on_time + parts.done_late,
        done_late=parts.done_late,
        open_late=parts.open_late,
    )


def _count_tasks(tasks: Sequence[TaskFacts]) -> Figures:
    """Count tasks by state; one waits where all its open parts are submitted."""
    waiting = sum(
        task.parts.waiting > 0
        and task.parts.waiting == task.parts.open_on_time + task.parts.open_late
        for task in tasks
    )
    return Figures.from_counts({**Counter(task.state for task in tasks), "waiting": waiting})
