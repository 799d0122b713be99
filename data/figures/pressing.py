"""What of some plans is overdue, done lately and due soon: tasks and reports apart, each task once.

Guarantees:
- Overdue is what lists of overdue obligations show, and what the official state of a task says.
- A report with a proposed date that nobody confirmed is passed, not overdue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import instant_at
from data.figures.plans import PlanFigures
from data.figures.states import judged_condition, open_on_time_condition, overdue_condition
from data.figures.tasks import load_task_figures
from data.models import Assignment, Obligation, Plan, ReportDuty, Task
from data.registry.titles import obligation_title
from data.registry.workdays import Workdays
from data.rows import row_fields
from data.rules.ladder import TASK_KINDS, effective_due
from data.rules.states import working_days_late


@dataclass(frozen=True, slots=True)
class Counts:
    """Tasks, each once, and reports, each agency's. passed: reports whose proposed date is over."""

    tasks: int = 0
    reports: int = 0
    passed: int = 0

    def as_json(self) -> dict[str, int]:
        """Return the counts as templates and stored facts have them."""
        return row_fields(self, "tasks", "reports", "passed")


@dataclass(slots=True)
class PressingLine:
    """One task, or one occurrence of a report, of which something is overdue or due soon.

    owners: by obligation, the agency that owes it. judged_on: of the part that has been due for longest; late:
    its working days late, 0 where it is still to come.
    """

    plan_id: int
    plan_number: str
    code: str
    title: str
    is_task: bool
    period: str
    due_on: date
    judged_on: date
    proposed: bool
    late: int
    owners: dict[int, int] = field(default_factory=dict)

    @property
    def agencies(self) -> int:
        """Return how many agencies owe it."""
        return len(set(self.owners.values()))


async def list_overdue_lines(
    connection: AsyncConnection, plan_ids: Sequence[int], *, today: date, workdays: Workdays
) -> list[PressingLine]:
    """Return all that is overdue, the longest first; a date that was only proposed is passed as well."""
    late = overdue_condition(workdays.on_or_before(today))
    return await _load_lines(connection, plan_ids, late, today=today, workdays=workdays)


async def list_coming_lines(
    connection: AsyncConnection,
    plan_ids: Sequence[int],
    *,
    until: date,
    today: date,
    workdays: Workdays,
) -> list[PressingLine]:
    """Return what is due by a day and not overdue, the soonest first."""
    coming = (
        open_on_time_condition(workdays.on_or_before(today))
        & judged_condition()
        & (Obligation.base_on <= until)
    )
    return await _load_lines(connection, plan_ids, coming, today=today, workdays=workdays)


async def _load_lines(
    connection: AsyncConnection,
    plan_ids: Sequence[int],
    condition: ColumnElement[bool],
    *,
    today: date,
    workdays: Workdays,
) -> list[PressingLine]:
    rows = await connection.execute(
        select(
            *(Obligation.id, Obligation.plan_id, Obligation.agency_id, Obligation.kind),
            *(Obligation.code, Obligation.period, Obligation.due_on, Obligation.extended_to),
            *(Obligation.due_words, Obligation.due_proposed, Obligation.judged_on),
            Plan.number.label("plan_number"),
            ReportDuty.title.label("duty_title"),
            ReportDuty.frequency,
            Task.title.label("task_title"),
        )
        .join(Plan, Plan.id == Obligation.plan_id)
        .outerjoin(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Task, Task.id == Assignment.task_id)
        .where(Obligation.plan_id.in_(plan_ids), condition)
        .order_by(Obligation.judged_on, Obligation.plan_id, Obligation.code, Obligation.id)
    )
    lines: dict[tuple[Any, ...], PressingLine] = {}
    for row in rows:
        is_task = row.kind in TASK_KINDS
        # The parts of a task are one line, whatever later dates some have.
        period = None if is_task else (row.period, row.due_proposed)
        key = (row.plan_id, row.code, is_task, period)
        line = lines.get(key)
        if line is None:
            line = lines[key] = PressingLine(
                plan_id=row.plan_id,
                plan_number=row.plan_number,
                code=row.code,
                title=obligation_title(row),
                is_task=is_task,
                period=row.period,
                due_on=effective_due(row.due_on, row.extended_to),
                judged_on=row.judged_on,
                proposed=row.due_proposed,
                late=working_days_late(row.judged_on, today=today, workdays=workdays),
            )
        line.owners[row.id] = row.agency_id
    return list(lines.values())


def count_overdue(
    lines: Iterable[PressingLine], figures: Mapping[int, PlanFigures]
) -> tuple[Counts, int]:
    """Return how much is overdue, and how many of its tasks only wait for confirmation.

    lines: as list_overdue_lines returns them; figures: of the same plans. A task that was handed in after its
    day stays overdue until it is confirmed.
    """
    tasks, reports, passed = _count(lines)
    late = sum(each.tasks.open_late for each in figures.values())
    return Counts(late, reports, passed), late - tasks


def count_coming(lines: Iterable[PressingLine]) -> Counts:
    """Return how much is due soon; a report with a proposed date counts as any other."""
    tasks, reports, proposed = _count(lines)
    return Counts(tasks, reports + proposed)


def _count(lines: Iterable[PressingLine]) -> tuple[int, int, int]:
    tasks = reports = proposed = 0
    for line in lines:
        if line.is_task:
            tasks += 1
        elif line.proposed:
            proposed += len(line.owners)
        else:
            reports += len(line.owners)
    return tasks, reports, proposed


async def count_done(
    connection: AsyncConnection,
    plan_ids: Sequence[int],
    *,
    since: date,
    until: date,
    today: date,
    workdays: Workdays,
) -> Counts:
    """Return how many tasks became done, and reports were confirmed, from `since` to the day before `until`."""
    confirmed = (
        Obligation.plan_id.in_(plan_ids),
        Obligation.state == "confirmed",
        Obligation.confirmed_at >= instant_at(since, time.min),
        Obligation.confirmed_at < instant_at(until, time.min),
    )
    rows = await connection.execute(
        select(Obligation.id, Assignment.task_id)
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .where(*confirmed)
    )
    every = rows.all()
    tasks = sorted({row.task_id for row in every if row.task_id is not None})
    figures = await load_task_figures(connection, tasks, today=today, workdays=workdays)
    done = sum(each.parts == each.confirmed > 0 for each in figures.values())
    return Counts(done, sum(row.task_id is None for row in every))
