"""Counts of each task's parts, added one by one.

Guarantees: each task is counted once; memory does not grow with the number of answers.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import Figures
from data.models import Task
from data.registry.schema import PlanFile, TaskEntry
from data.registry.titles import task_name
from data.reports.facts import SectionFacts, TaskFacts
from data.reports.parts import PartRow, ReportView, stream_parts
from data.rules.states import OfficialState, combined_state
from data.rules.undated import DATED


class _TaskTally:
    """Counts of one task's parts."""

    __slots__ = ("ended_before", "silent", "states", "unasked", "waiting")

    def __init__(self) -> None:
        self.states: Counter[OfficialState] = Counter()
        self.waiting = 0
        self.silent = 0
        self.ended_before = 0
        self.unasked = 0

    def add(self, part: PartRow) -> None:
        _, _, state, is_waiting, is_silent, is_ended_before = part
        if state is None:
            self.unasked += 1
            return
        self.states[state] += 1
        self.waiting += is_waiting
        self.silent += is_silent
        self.ended_before += is_ended_before and state == "open_on_time"

    def facts(self, task: Any, entry: TaskEntry | None) -> TaskFacts:
        """Return the task's facts, under its whole name; where nothing is asked yet, its agencies are on time."""
        parts = Figures.from_counts({**self.states, "waiting": self.waiting})
        if not parts.total:
            parts = Figures(open_on_time=self.unasked)
        state = combined_state(
            parts=parts.total,
            done=parts.done_on_time + parts.done_late,
            done_late=parts.done_late,
            open_late=parts.open_late,
        )
        return TaskFacts(
            task_id=task.id,
            code=task.code,
            section=task.section or "",
            text=task.text if entry is None else task_name(entry),
            period=task.period_raw,
            state=state,
            parts=parts,
            silent=self.silent,
            unassigned=not parts.total,
            is_undated=task.period_kind not in DATED,
            ended_before=state == "open_on_time" and 0 < self.ended_before == parts.open_on_time,
            ends_on=task.ends_on,
            supports=() if entry is None else tuple(entry.supports),
        )


async def load_task_facts(
    connection: AsyncConnection, plan: PlanFile, plan_id: int, view: ReportView
) -> list[TaskFacts]:
    """Return every task of a plan with its counts, in the plan's order."""
    rows = await connection.execute(
        select(
            Task.id,
            Task.code,
            Task.section,
            Task.text,
            Task.period_raw,
            Task.period_kind,
            Task.ends_on,
        )
        .where(Task.plan_id == plan_id, Task.withdrawn_at.is_(None))
        .order_by(Task.position, Task.id)
    )
    tallies: defaultdict[int, _TaskTally] = defaultdict(_TaskTally)
    async for some in stream_parts(connection, plan_id, view):
        for part in some:
            tallies[part[0]].add(part)
    entries = {entry.code: entry for entry in plan.tasks}
    return [tallies[row.id].facts(row, entries.get(row.code)) for row in rows]


def group_sections(tasks: Sequence[TaskFacts]) -> list[SectionFacts]:
    """Return the plan's groups in its order, each once; tasks without a group come last."""
    groups: dict[str, list[TaskFacts]] = {}
    for task in tasks:
        groups.setdefault(task.section, []).append(task)
    in_order = sorted(groups.items(), key=lambda group: not group[0])
    return [SectionFacts(title, group, count_tasks(group)) for title, group in in_order]


def count_tasks(tasks: Sequence[TaskFacts]) -> Figures:
    """Count tasks by state; one waits where all its open parts are submitted."""
    waiting = sum(
        task.parts.waiting > 0
        and task.parts.waiting == task.parts.open_on_time + task.parts.open_late
        for task in tasks
    )
    return Figures.from_counts({**Counter(task.state for task in tasks), "waiting": waiting})
