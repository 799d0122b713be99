"""Assignments and obligations that follow from the registry and decisions. Pure: no database, no clock.

Guarantees:
- The owner of an obligation is the agency as of its due date (data/rules/owners.py).
- A due date that many agencies share is computed once, as one occasion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from data.registry.province import Province
from data.registry.registry import Registry
from data.registry.schema import PlanFile, ReportDutyEntry, TaskEntry
from data.rules.due_dates import occurrences, phase_end
from data.rules.ladder import RUNGS, UNDATED, ObligationKind
from data.rules.overrides import NO_OVERRIDES, AssignmentOverride, Overrides
from data.rules.owners import duty_owners, is_coordinators_own, task_owners
from data.rules.undated import question_year, undated_tasks

HORIZON = timedelta(days=457)  # planning looks fifteen months ahead
_DAY = timedelta(days=1)
_LONG_AGO = timedelta(days=366 * 6)  # holds the latest past occurrence of a report every 5 years


@dataclass(frozen=True, slots=True)
class PlannedAssignment:
    """One agency on a task between two inclusive dates; `until` None while it lasts."""

    agency: str
    since: date
    until: date | None
    needs_decision: bool  # the agency was dissolved and its work split: a person decides


@dataclass(frozen=True, slots=True, eq=False)
class Occasion:
    """One due date with all agencies that owe it; code is the task's or the duty's."""

    plan: str
    kind: ObligationKind
    code: str
    period: str
    due_on: date
    due_words: str  # the document's words; empty where it names no date
    proposed: bool
    agencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedObligation:
    """One agency's part of an occasion."""

    plan: str
    kind: ObligationKind
    code: str
    agency: str
    period: str
    due_on: date
    due_words: str
    proposed: bool


def plan_assignments(
    province: Province,
    plan: PlanFile,
    task: TaskEntry,
    *,
    until: date,
    assigned: Sequence[AssignmentOverride] = (),
) -> list[PlannedAssignment]:
    """Return a task's assignments from the plan's issue on, with the changes known by `until`.

    assigned: the decisions on the task; each counts from its date on.
    """
    turning = {*province.turning_days, *(item.since for item in assigned)}
    days = [plan.issued_on, *sorted(d for d in turning if plan.issued_on < d <= until)]
    running: dict[str, PlannedAssignment] = {}
    ended: list[PlannedAssignment] = []
    for day in days:
        decided = [item for item in assigned if item.since <= day]
        owners = task_owners(province, plan, task, on=day, assigned=decided)
        for code in [code for code in running if code not in owners]:
            old = running.pop(code)
            ended.append(PlannedAssignment(code, old.since, day - _DAY, old.needs_decision))
        for code, undecided in owners.items():
            since = running[code].since if code in running else day
            running[code] = PlannedAssignment(code, since, None, undecided)
    # An agency may leave a task and return: one row spans both times.
    merged: dict[str, PlannedAssignment] = {}
    for item in (*ended, *running.values()):
        first = merged.get(item.agency)
        merged[item.agency] = (
            item
            if first is None
            else PlannedAssignment(item.agency, first.since, item.until, item.needs_decision)
        )
    return list(merged.values())


def plan_obligations(
    registry: Registry,
    plan_code: str,
    *,
    since: date,
    until: date,
    overrides: Overrides = NO_OVERRIDES,
    undated_since: date | None = None,
) -> Iterator[PlannedObligation]:
    """Yield each agency's part of plan_occasions."""
    for each in plan_occasions(
        registry,
        plan_code,
        since=since,
        until=until,
        overrides=overrides,
        undated_since=undated_since,
    ):
        for agency in each.agencies:
            yield PlannedObligation(
                each.plan,
                each.kind,
                each.code,
                agency,
                each.period,
                each.due_on,
                each.due_words,
                each.proposed,
            )


def plan_occasions(
    registry: Registry,
    plan_code: str,
    *,
    since: date,
    until: date,
    overrides: Overrides = NO_OVERRIDES,
    undated_since: date | None = None,
) -> Iterator[Occasion]:
    """Yield a plan's occasions with a due date in since..until, after decisions.

    undated_since: the first day of questions about undated tasks, default `since`. Where an agency owes a
    code and period twice (a report opened again), the later occasion counts.
    """
    plan = registry.plans[plan_code]
    province = registry.provinces[plan.province]
    for duty in plan.duties:
        yield from _duty_occasions(plan_code, plan, province, duty, since, until, overrides)
    for task in plan.tasks:
        due_on = phase_end(task.period)
        if due_on is None or not since <= due_on <= until:
            continue
        assigned = overrides.of(plan_code, task.code)
        owners = tuple(task_owners(province, plan, task, on=due_on, assigned=assigned))
        words = task.period.raw
        yield Occasion(plan_code, "phase_end", task.code, "end", due_on, words, False, owners)
    asked_since = since if undated_since is None else max(since, undated_since)
    yield from _undated_occasions(plan_code, plan, province, asked_since, until, overrides)


def tracked_occasions(
    registry: Registry,
    plan_code: str,
    *,
    tracked_from: date,
    until: date,
    overrides: Overrides = NO_OVERRIDES,
) -> Iterator[Occasion]:
    """Yield a plan's occasions up to a due date that are followed when it is tracked from a day.

    All phase ends; reports due from that day on, and of each duty the latest one before it whose date is
    not a mere proposal.
    """
    past: dict[str, dict[str, list[Occasion]]] = {}  # by code and period
    since = min(tracked_from - _LONG_AGO, registry.plans[plan_code].issued_on)
    # Questions about undated tasks begin with the year in which tracking began.
    first_year = date(tracked_from.year, 1, 1)
    for each in plan_occasions(
        registry, plan_code, since=since, until=until, overrides=overrides, undated_since=first_year
    ):
        if each.kind == "phase_end" or each.due_on >= tracked_from:
            yield each
        elif not each.proposed and each.agencies:
            past.setdefault(each.code, {}).setdefault(each.period, []).append(each)
    for periods in past.values():
        yield from max(periods.values(), key=lambda same: max(each.due_on for each in same))


def rungs_of(plan: PlanFile, kind: ObligationKind) -> tuple[int, ...]:
    """Return the ladder of a kind, the plan's own where it sets one."""
    if kind == UNDATED:
        return RUNGS[kind]
    own = (plan.ladder or {}).get("phase_end" if kind == "phase_end" else "report")
    return tuple(own) if own is not None else RUNGS[kind]


def _duty_occasions(
    plan_code: str,
    plan: PlanFile,
    province: Province,
    duty: ReportDutyEntry,
    since: date,
    until: date,
    overrides: Overrides,
) -> Iterator[Occasion]:
    coordinating = is_coordinators_own(province, plan, duty)
    kind: ObligationKind = "one_off" if duty.frequency == "one_off" else "report"
    words = duty.deadline.raw if duty.deadline else ""
    assigned = overrides.of(plan_code, duty.code)
    for occurrence in occurrences(
        duty, issued_on=plan.issued_on, coordinating=coordinating, since=since, until=until
    ):
        period = occurrence.period
        confirmed_on = overrides.dates.get((plan_code, duty.code, period))
        due_on = confirmed_on or occurrence.due_on
        proposed = occurrence.proposed and confirmed_on is None
        owners = tuple(duty_owners(province, plan, duty, on=due_on, assigned=assigned))
        yield Occasion(plan_code, kind, duty.code, period, due_on, words, proposed, owners)
    for opened in overrides.opened.get((plan_code, duty.code), ()):
        yield Occasion(
            plan_code,
            kind,
            duty.code,
            opened.period,
            opened.due_on,
            opened.words,
            False,
            opened.agencies,
        )


def _undated_occasions(
    plan_code: str,
    plan: PlanFile,
    province: Province,
    since: date,
    until: date,
    overrides: Overrides,
) -> Iterator[Occasion]:
    tasks = list(undated_tasks(plan))
    if not tasks:
        return
    for year in range(since.year, until.year + 1):
        asked = question_year(plan_code, plan, province, year, overrides=overrides)
        for day in asked.days():
            if not since <= day <= until:
                continue
            for task in tasks:
                assigned = [i for i in overrides.of(plan_code, task.code) if i.since <= day]
                owners_by_proposed: dict[bool, list[str]] = {}
                for owner in task_owners(province, plan, task, on=day, assigned=assigned):
                    own = asked.of(owner)
                    if own is not None and own.due_on == day:
                        owners_by_proposed.setdefault(own.proposed, []).append(owner)
                words = task.period.raw
                for proposed, owners in owners_by_proposed.items():
                    yield Occasion(
                        plan_code,
                        UNDATED,
                        task.code,
                        str(year),
                        day,
                        words,
                        proposed,
                        tuple(owners),
                    )
