"""The facts of a consolidated report, gathered from what agencies said.

Promises that nothing is filled in: an agency that said nothing in the period stands as silent, and an
answer taken back is none; that each task is counted once; and that memory does not grow with the number
of answers. Whoever draws the facts asks data.reports.facts.find_sum_errors first. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.tasks import Figures, OfficialState
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
    PART_STATES,
    UNASKED,
    LinePart,
    PartAnswer,
    ReportView,
    TaskPart,
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
from data.targets.values import load_target_facts

_TASK = "phase_end"  # any kind that stands for a task: it is held as tasks are
_LINES_A_BATCH = 3000
_MOST_IN_A_QUERY = 900
_STATES: Sequence[OfficialState] = ("done_on_time", "done_late", "open_on_time", "open_late")
# Codes of the parts that are silent or late, and of those not asked yet.
_BEHIND = frozenset(
    code
    for code in range(UNASKED + 1)
    if code % 2 or code == UNASKED or PART_STATES[code // 2].state == "open_late"
)


class PlanNotLoaded(LookupError):
    """There is no such plan in the database, or it was withdrawn."""


class _Tally:
    """What is counted of one task while its parts go by."""

    __slots__ = ("behind", "codes", "unasked")

    def __init__(self) -> None:
        self.codes = [0] * (UNASKED + 1)  # how many parts there are of each code
        self.behind: list[tuple[int, int]] = []  # the first (position, agency) of those asked
        self.unasked: list[tuple[int, int]] = []

    def add(self, part: TaskPart, names: AgencyNames) -> None:
        self.codes[part.code] += 1
        if part.code in _BEHIND:
            place = (names.owner_label(part.agency_id, _TASK).position, part.agency_id)
            _keep_smallest(self.unasked if part.code == UNASKED else self.behind, place)

    def facts(self, task: Any, names: AgencyNames) -> TaskFacts:
        """Return the task as counted; one whose parts are not asked yet has them all silent."""
        unasked = self.codes[UNASKED]
        is_asked = sum(self.codes) > unasked
        parts = _figures(self.codes) if is_asked else Figures(open_on_time=unasked)
        behind = self.behind if is_asked else self.unasked
        silent = sum(self.codes[1:UNASKED:2])
        late = sum(count for code, count in enumerate(self.codes) if code in _BEHIND)
        return TaskFacts(
            task_id=task.id,
            code=task.code,
            section=task.section or "",
            text=task.text,
            period=task.period_raw,
            state=_state_of(parts),
            parts=parts,
            silent=silent if is_asked else unasked,
            unassigned=not parts.total,
            behind=[
                names.owner_label(agency_id, _TASK).label
                for _, agency_id in sorted(behind)[:MOST_BEHIND]
            ],
            behind_count=late - unasked if is_asked else unasked,
        )


async def gather_report_facts(
    connection: AsyncConnection, registry: Registry, plan_code: str, *, period: str, as_of: date
) -> ReportFacts:
    """Return the facts of a plan's report for a period ("2026", "2026-H1", "2026-Q4") as of a day.

    Answers count that were given within the period and by that day. Raises NoPlan, and ValueError for a
    period that is none. as_of must not lie ahead: nothing is known of it.
    """
    row = await load_plan_row(connection, registry, plan_code)
    plan, home = registry.plans[plan_code], registry.provinces[row.province]
    view = ReportView(span_of(period), as_of, registry.workdays)
    names = await AgencyNames.load(connection, home, on=as_of)
    coordinator = names.id_of(coordinator_of(home, plan, on=as_of))
    tasks = await _tasks(connection, row.id, view, names)
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

    Read some tasks at a time. Within the transaction that gathered the facts, they are of one piece.
    """
    home = registry.province_of(facts.plan_code)
    view = ReportView(span_of(facts.period), facts.as_of, registry.workdays)
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
    """Return a plan's row; raises NoPlan where it is not loaded or was withdrawn."""
    rows = await connection.execute(
        select(Plan).where(Plan.code == plan_code, Plan.withdrawn_at.is_(None))
    )
    row = rows.one_or_none()
    if row is None or plan_code not in registry.plans:
        raise PlanNotLoaded(plan_code)
    return row


async def _tasks(
    connection: AsyncConnection, plan_id: int, view: ReportView, names: AgencyNames
) -> list[TaskFacts]:
    rows = await connection.execute(
        select(Task.id, Task.code, Task.section, Task.text, Task.period_raw)
        .where(Task.plan_id == plan_id, Task.withdrawn_at.is_(None))
        .order_by(Task.position, Task.id)
    )
    tallies: dict[int, _Tally] = {}
    async for some in stream_parts(connection, plan_id, view):
        for part in some:
            tally = tallies.get(part.task_id)
            if tally is None:
                tally = tallies[part.task_id] = _Tally()
            tally.add(part, names)
    return [tallies.get(row.id, _Tally()).facts(row, names) for row in rows]


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
    told = find_supporting_answer(answers, part.state)
    source = None
    if told is not None:
        agency = names.owner_label(told.agency_id, _TASK).label
        source = AnswerSource(told.said, agency, told.person, told.said_at, told.note)
    elif part.state == "confirmed" and part.confirmed_at is not None:
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
        state=PART_STATES[part.standing].state,
        waiting=PART_STATES[part.standing].is_waiting,
        percent=percent,
        due_on=due_on,
        done_on=part.done_on if part.state != "open" else None,
        document=document,
        document_on=document_on,
        source=source,
    )


def _batches(tasks: Sequence[TaskFacts]) -> list[list[TaskFacts]]:
    """Return the tasks in batches of about so many lines."""
    batches: list[list[TaskFacts]] = [[]]
    room = _LINES_A_BATCH
    for task in tasks:
        if batches[-1] and (room < task.parts.total or len(batches[-1]) >= _MOST_IN_A_QUERY):
            batches.append([])
            room = _LINES_A_BATCH
        batches[-1].append(task)
        room -= task.parts.total
    return batches if batches[0] else []


def _keep_smallest(kept: list[tuple[int, int]], place: tuple[int, int]) -> None:
    """Keep of many places the first in order, without holding them all."""
    kept.append(place)
    if len(kept) > 8 * MOST_BEHIND:
        kept[:] = sorted(kept)[:MOST_BEHIND]


def _state_of(parts: Figures) -> OfficialState:
    """Return a task's state: done when all its parts are, late when one of them is."""
    if parts.total and not parts.open_on_time and not parts.open_late:
        return "done_late" if parts.done_late else "done_on_time"
    return "open_late" if parts.open_late else "open_on_time"


def _figures(codes: Sequence[int]) -> Figures:
    states: Counter[str] = Counter()
    waiting = 0
    for place, standing in enumerate(PART_STATES):
        count = codes[2 * place] + codes[2 * place + 1]
        states[standing.state] += count
        waiting += count if standing.is_waiting else 0
    return Figures(**{state: states[state] for state in _STATES}, waiting=waiting)


def _count_tasks(tasks: Sequence[TaskFacts]) -> Figures:
    """Count tasks by state; one waits where nothing of it is open but not all is confirmed."""
    states = Counter(task.state for task in tasks)
    waiting = sum(
        task.parts.waiting > 0
        and task.parts.waiting == task.parts.open_on_time + task.parts.open_late
        for task in tasks
    )
    return Figures(**{state: states[state] for state in _STATES}, waiting=waiting)
