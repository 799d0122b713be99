"""Who owes what by when: assignments and obligations that follow from the registry.

Promises that the owner of an obligation is the agency as of its due date, that a duty never includes
its own receiver, that two leads which became one agency are one assignment, and that nothing is made
of a group nobody listed. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from data.ladder import RUNGS, Kind
from data.overlay import NOTHING, Assigned, Overlay, replace
from data.periods import occurrences, phase_end
from data.planfile import AgencyEntry, GroupEntry, PlanFile, ReportDutyEntry, TaskEntry
from data.province import Province
from data.registry import Registry

_DAY = timedelta(days=1)
_LONG_AGO = timedelta(
    days=366 * 6
)  # every 5 years is the rarest report: its latest past lies within


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


def task_owners(
    province: Province,
    plan: PlanFile,
    task: TaskEntry,
    *,
    on: date,
    assigned: Sequence[Assigned] = (),
) -> dict[str, bool]:
    """Return who leads a task as of a date: agency code → whether a person must decide for it.

    A dead agency whose work was split stays its own owner and needs a decision; history keeps its
    name. Outside bodies are owners like any other. assigned: what people decided of the task.
    """
    owners: dict[str, bool] = {}
    for words in task.leads:
        for entry in province.resolve_all(words):
            if isinstance(entry, GroupEntry):
                for member in province.members(entry, on, issued_on=plan.issued_on):
                    owners.setdefault(member.code, False)
                continue
            heirs = province.successor_of(entry.code, on)
            if heirs.needs_decision:
                owners.setdefault(entry.code, True)
            else:
                for code in heirs.codes:
                    owners[code] = False
    return replace(owners, assigned)


def duty_owners(
    province: Province,
    plan: PlanFile,
    duty: ReportDutyEntry,
    *,
    on: date,
    assigned: Sequence[Assigned] = (),
) -> list[str]:
    """Return who owes a report as of a date, in the order named, without its receivers.

    assigned: what people decided of the duty; one counts for reports due from its date on.
    """
    receivers = receivers_of(province, plan, duty, on=on)
    owners: dict[str, bool] = {}
    for words in duty.from_:
        for code in _bodies(province, plan, province.resolve_all(words), on):
            if code not in receivers:
                owners[code] = False
    return list(replace(owners, [item for item in assigned if item.since <= on]))


def receivers_of(
    province: Province, plan: PlanFile, duty: ReportDutyEntry, *, on: date
) -> frozenset[str]:
    """Return the agencies a report goes to or through as of a date."""
    found: set[str] = set()
    for words in filter(None, (duty.to, duty.via)):
        found.update(_bodies(province, plan, province.resolve_all(words), on))
    return frozenset(found)


def coordinator_of(province: Province, plan: PlanFile, *, on: date) -> str | None:
    """Return the agency that follows and consolidates a plan as of a date."""
    entry = province.resolve(plan.coordinator)
    if not isinstance(entry, AgencyEntry):
        return None
    return province.main_successor(entry.code, on)


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


def followed(
    registry: Registry,
    plan_code: str,
    *,
    tracked_from: date,
    until: date,
    overlay: Overlay = NOTHING,
) -> Iterator[PlannedObligation]:
    """Yield what of a plan is followed up to a due date, when it is tracked from a day.

    Every phase end; reports due from that day on, and of each dated duty the latest before it. A date
    that nobody confirmed binds nobody looking back.
    """
    latest_past: dict[str, tuple[date, list[PlannedObligation]]] = {}
    since = min(tracked_from - _LONG_AGO, registry.plans[plan_code].issued_on)
    for owed in obligations(registry, plan_code, since=since, until=until, overlay=overlay):
        if owed.kind == "phase_end" or owed.due_on >= tracked_from:
            yield owed
            continue
        if owed.proposed:
            continue
        day, group = latest_past.get(owed.code, (date.min, []))
        if owed.due_on > day:
            latest_past[owed.code] = (owed.due_on, [owed])
        elif owed.due_on == day:
            group.append(owed)
    for _, group in latest_past.values():
        yield from group


def rungs_of(plan: PlanFile, kind: Kind) -> tuple[int, ...]:
    """Return the ladder of a kind, the plan's own where it sets one."""
    own = (plan.ladder or {}).get("phase_end" if kind == "phase_end" else "report")
    return tuple(own) if own is not None else RUNGS[kind]


def _of_duty(
    plan_code: str,
    plan: PlanFile,
    province: Province,
    duty: ReportDutyEntry,
    since: date,
    until: date,
    overlay: Overlay,
) -> Iterator[PlannedObligation]:
    coordinator = province.resolve(plan.coordinator)
    coordinating = all(province.resolve(words) is coordinator for words in duty.from_)
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


def _bodies(
    province: Province, plan: PlanFile, entries: list[AgencyEntry | GroupEntry], on: date
) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, GroupEntry):
            for member in province.members(entry, on, issued_on=plan.issued_on):
                yield member.code
        else:
            yield province.main_successor(entry.code, on)
