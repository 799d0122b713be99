"""Obligations grouped by report and task: how many agencies' parts meet a condition, and of how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import LIVE_STATES, Agency, Assignment, Obligation, ReportDuty, Task
from data.obligations.lists import count_if
from data.registry.titles import report_title


@dataclass(frozen=True, slots=True)
class PartGroup:
    """The parts of one occurrence of a report, or of one task, that meet a condition.

    first_on: the earliest judged day (or base day, as asked) among them. agency_id: the owner of one of them,
    for a group of one. proposed: no document sets the day of any of them.
    """

    plan_id: int
    duty_id: int | None
    task_id: int | None
    period: str
    count: int
    first_on: date
    agency_id: int
    proposed: bool


@dataclass(frozen=True, slots=True)
class PartTotals:
    """How many agencies owe a report or task, and how many of them have not told that it is done."""

    expected: int
    missing: int


async def group_parts(
    connection: AsyncConnection, condition: ColumnElement[bool], *, by: Any
) -> list[PartGroup]:
    """Return the groups of a condition's obligations; by: the column whose least value is first_on."""
    rows = await connection.execute(
        select(
            Obligation.plan_id,
            Obligation.duty_id,
            Assignment.task_id,
            Obligation.period,
            func.count().label("count"),
            func.min(by).label("first_on"),
            func.min(Obligation.agency_id).label("agency_id"),
            (func.min(case((Obligation.due_proposed, 1), else_=0)) == 1).label("proposed"),
        )
        .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
        .where(condition)
        .group_by(Obligation.plan_id, Obligation.duty_id, Assignment.task_id, Obligation.period)
    )
    return [PartGroup(**{**row._mapping, "proposed": bool(row.proposed)}) for row in rows]


@dataclass(frozen=True, slots=True)
class GroupName:
    """What a line says of a group: its code and title, and the owner of one part of it."""

    code: str
    title: str
    kind: str
    province: str
    agency_code: str
    agency: str  # short name


async def load_group_names(
    connection: AsyncConnection, groups: Sequence[PartGroup]
) -> dict[PartGroup, GroupName]:
    """Return the names of groups, in three statements."""
    duties = await connection.execute(
        select(ReportDuty.id, ReportDuty.code, ReportDuty.title, ReportDuty.frequency).where(
            ReportDuty.id.in_({group.duty_id for group in groups if group.duty_id is not None})
        )
    )
    tasks = await connection.execute(
        select(Task.id, Task.code, Task.title).where(
            Task.id.in_({group.task_id for group in groups if group.task_id is not None})
        )
    )
    agencies = await connection.execute(
        select(Agency.id, Agency.province, Agency.code, Agency.short).where(
            Agency.id.in_({group.agency_id for group in groups})
        )
    )
    by_duty = {row.id: row for row in duties}
    by_task = {row.id: row for row in tasks}
    by_agency = {row.id: row for row in agencies}
    names: dict[PartGroup, GroupName] = {}
    for group in groups:
        owner = by_agency[group.agency_id]
        if group.duty_id is not None:
            duty = by_duty[group.duty_id]
            kind, code = "report", duty.code
            title = report_title(duty.frequency, duty.title, group.period)
        else:
            task = by_task[group.task_id]
            kind, code, title = "phase_end", task.code, task.title
        names[group] = GroupName(code, title, kind, owner.province, owner.code, owner.short)
    return names


async def load_part_totals(
    connection: AsyncConnection, groups: Sequence[PartGroup], visible: ColumnElement[bool]
) -> dict[PartGroup, PartTotals]:
    """Return the totals of groups among the obligations of a condition, in two statements."""
    counts = (func.count(), count_if(Obligation.state == "open"))
    totals: dict[tuple[int | None, int | None, str], PartTotals] = {}
    duties = [(group.duty_id, group.period) for group in groups if group.duty_id is not None]
    if duties:
        rows = await connection.execute(
            select(Obligation.duty_id, Obligation.period, *counts)
            .where(
                Obligation.duty_id.in_({duty_id for duty_id, _ in duties}),
                tuple_(Obligation.duty_id, Obligation.period).in_(duties),
                Obligation.state.in_(LIVE_STATES),
                visible,
            )
            .group_by(Obligation.duty_id, Obligation.period)
        )
        for duty_id, period, expected, missing in rows:
            totals[duty_id, None, period] = PartTotals(int(expected), int(missing or 0))
    tasks = [(group.task_id, group.period) for group in groups if group.task_id is not None]
    if tasks:
        rows = await connection.execute(
            select(Assignment.task_id, Obligation.period, *counts)
            .join(Assignment, Assignment.id == Obligation.assignment_id)
            .where(
                Assignment.task_id.in_({task_id for task_id, _ in tasks}),
                tuple_(Assignment.task_id, Obligation.period).in_(tasks),
                Obligation.state.in_(LIVE_STATES),
                visible,
            )
            .group_by(Assignment.task_id, Obligation.period)
        )
        for task_id, period, expected, missing in rows:
            totals[None, task_id, period] = PartTotals(int(expected), int(missing or 0))
    return {
        group: totals.get((group.duty_id, group.task_id, group.period), PartTotals(0, 0))
        for group in groups
    }


async def count_by_kind(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> dict[str, PartTotals]:
    """Return the totals of a condition's obligations by the owners' kind."""
    rows = await connection.execute(
        select(Agency.kind, func.count(), count_if(Obligation.state == "open"))
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(and_(condition, Obligation.state.in_(LIVE_STATES)))
        .group_by(Agency.kind)
    )
    return {kind: PartTotals(int(expected), int(missing or 0)) for kind, expected, missing in rows}
