"""Who owes what by when: assignments and obligations that follow from the registry.

Promises that the owner of an obligation is the agency as of its due date (data/owners.py), and that
planning the same files and decisions gives the same rows. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from data.holding import Holders
from data.ladder import RUNGS, UNDATED, Kind, judge, schedule
from data.overlay import NOTHING, Assigned, Overlay
from data.owners import coordinator_of, duty_owners, is_coordinators_own, task_owners
from data.periods import occurrences, phase_end
from data.planfile import PlanFile, ReportDutyEntry, TaskEntry
from data.province import Province
from data.registry import Registry
from data.undated import undated_tasks, year_of

_DAY = timedelta(days=1)
CivilDate = date  # PreviewRow has a field named date
# How far from its due date a rung can lie, in civil days, with room for Tết.
REACH_BEFORE = timedelta(days=150)
REACH_AFTER = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class PlannedAssignment:
    """One agency on one task between two inclusive dates; `until` None while it lasts."""

    task: str
    agency: str
    since: date
    until: date | None
    needs_decision: bool  # the agency is gone and its work was split: a person decides


@dataclass(frozen=True, slots=True)
class PlannedObligation:
    """One dated thing an agency owes; code is the task's or the duty's."""

    plan: str
    kind: Kind
    code: str
    agency: str
    period: str
    due_on: date
    due_words: str  # the document's words; empty where it names no date
    proposed: bool


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One rung that would go out: on which day, to whom, about what."""

    date: CivilDate
    province: str
    agency: str
    plan: str
    code: str
    kind: Kind
    due_on: CivilDate
    due_words: str
    rung: int
    working_days_left: int


def assignments(
    province: Province,
    plan: PlanFile,
    task: TaskEntry,
    *,
    until: date,
    assigned: Sequence[Assigned] = (),
) -> list[PlannedAssignment]:
    """Return a task's assignments from the plan's issue on, as far as is known by `until`.

    assigned: what people decided of the task; one counts from its date on.
    """
    turning = {*province.turning_days(), *(item.since for item in assigned)}
    days = [plan.issued_on, *sorted(d for d in turning if plan.issued_on < d <= until)]
    running: dict[str, PlannedAssignment] = {}
    ended: list[PlannedAssignment] = []
    for day in days:
        decided = [item for item in assigned if item.since <= day]
        owners = task_owners(province, plan, task, on=day, assigned=decided)
        for code in [code for code in running if code not in owners]:
            old = running.pop(code)
            ended.append(
                PlannedAssignment(old.task, code, old.since, day - _DAY, old.needs_decision)
            )
        for code, undecided in owners.items():
            if code in running:
                since = running[code].since
                running[code] = PlannedAssignment(task.code, code, since, None, undecided)
            else:
                running[code] = PlannedAssignment(task.code, code, day, None, undecided)
    # An agency may leave a task and come back to it; one row then spans both.
    merged: dict[str, PlannedAssignment] = {}
    for item in (*ended, *running.values()):
        first = merged.get(item.agency)
        merged[item.agency] = (
            item
            if first is None
            else PlannedAssignment(
                item.task, item.agency, first.since, item.until, item.needs_decision
            )
        )
    return list(merged.values())


def obligations(
    registry: Registry, plan_code: str, *, since: date, until: date, overlay: Overlay = NOTHING
) -> Iterator[PlannedObligation]:
    """Yield what a plan's agencies owe with a due date in since..until, as decided where it was."""
    plan = registry.plans[plan_code]
    province = registry.provinces[plan.province]
    for duty in plan.report_duties:
        yield from _of_duty(plan_code, plan, province, duty, since, until, overlay)
    for task in plan.tasks:
        due_on = phase_end(task.period)
        if due_on is None or not since <= due_on <= until:
            continue
        assigned = overlay.of(plan_code, task.code)
        for owner in task_owners(province, plan, task, on=due_on, assigned=assigned):
            yield PlannedObligation(
                plan_code, "phase_end", task.code, owner, "end", due_on, task.period.raw, False
            )
    yield from _of_undated(plan_code, plan, province, since, until, overlay)


def rungs_of(plan: PlanFile, kind: Kind) -> tuple[int, ...]:
    """Return the ladder of a kind, the plan's own where it sets one."""
    if kind == UNDATED:
        return RUNGS[kind]
    own = (plan.ladder or {}).get("phase_end" if kind == "phase_end" else "report")
    return tuple(own) if own is not None else RUNGS[kind]


def preview(
    registry: Registry, *, since: date, until: date, province: str | None = None
) -> list[PreviewRow]:
    """Return every rung that would go out in since..until if all was loaded and nobody answered."""
    rows: list[PreviewRow] = []
    workdays = registry.workdays
    for plan_code, plan in registry.plans.items():
        if province is not None and plan.province != province:
            continue
        home = registry.provinces[plan.province]
        window = (since - REACH_AFTER, until + REACH_BEFORE)
        holders: dict[date, Holders] = {}
        for owed in obligations(registry, plan_code, since=window[0], until=window[1]):
            due = judge(owed.due_on, workdays, strictly=home.file.judged_strictly, kind=owed.kind)
            for rung, day in schedule(rungs_of(plan, owed.kind), due, workdays):
                if not since <= day <= until:
                    continue
                if day not in holders:
                    holders[day] = Holders(home, on=day)
                code = holders[day].holder(owed.agency, owed.kind)
                code = code or coordinator_of(home, plan, on=day)
                rows.append(
                    PreviewRow(
                        date=day,
                        province=plan.province,
                        agency=home.agencies[code].name if code else "",
                        plan=plan.number,
                        code=owed.code,
                        kind=owed.kind,
                        due_on=owed.due_on,
                        due_words=owed.due_words,
                        rung=rung,
                        working_days_left=due.working_days_left(day, workdays),
                    )
                )
    order = {
        (slug, entry.name): position
        for slug, home in registry.provinces.items()
        for position, entry in enumerate(home.file.agencies)
    }
    rows.sort(
        key=lambda row: (
            row.date,
            row.province,
            order.get((row.province, row.agency), -1),
            row.due_on,
            row.plan,
            row.code,
        )
    )
    return rows


def _of_duty(
    plan_code: str,
    plan: PlanFile,
    province: Province,
    duty: ReportDutyEntry,
    since: date,
    until: date,
    overlay: Overlay,
) -> Iterator[PlannedObligation]:
    coordinating = is_coordinators_own(province, plan, duty)
    kind: Kind = "one_off" if duty.frequency == "one_off" else "report"
    words = duty.deadline.raw if duty.deadline else ""
    assigned = overlay.of(plan_code, duty.code)
    for occurrence in occurrences(
        duty, issued_on=plan.issued_on, coordinating=coordinating, since=since, until=until
    ):
        confirmed_on = overlay.dates.get((plan_code, duty.code, occurrence.period))
        due_on = confirmed_on or occurrence.due_on
        proposed = occurrence.proposed and confirmed_on is None
        for owner in duty_owners(province, plan, duty, on=due_on, assigned=assigned):
            yield PlannedObligation(
                plan_code, kind, duty.code, owner, occurrence.period, due_on, words, proposed
            )
    for opened in overlay.opened.get((plan_code, duty.code), ()):
        for owner in opened.agencies:
            yield PlannedObligation(
                plan_code,
                kind,
                duty.code,
                owner,
                opened.period,
                opened.due_on,
                opened.words,
                False,
            )


def _of_undated(
    plan_code: str,
    plan: PlanFile,
    province: Province,
    since: date,
    until: date,
    overlay: Overlay,
) -> Iterator[PlannedObligation]:
    tasks = list(undated_tasks(plan))
    if not tasks:
        return
    for year in range(since.year, until.year + 1):
        asked = year_of(plan_code, plan, province, year, overlay=overlay)
        for day in asked.days():
            if not since <= day <= until:
                continue
            for task in tasks:
                assigned = [i for i in overlay.of(plan_code, task.code) if i.since <= day]
                for owner in task_owners(province, plan, task, on=day, assigned=assigned):
                    own = asked.of(owner)
                    if own is not None and own.due_on == day:
                        words = task.period.raw
                        yield PlannedObligation(
                            plan_code,
                            UNDATED,
                            task.code,
                            owner,
                            str(year),
                            day,
                            words,
                            own.proposed,
                        )
