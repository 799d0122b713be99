"""Whose a task or report is as of a date: the document's words, resolved by successions and decisions.

Promises that a duty never includes its own receiver, that two leads which became one agency are one
owner, and that nothing is made of a group nobody listed. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from data.registry.province import Province
from data.registry.schema import AgencyEntry, GroupEntry, PlanFile, ReportDutyEntry, TaskEntry
from data.rules.overrides import AssignmentOverride, apply_assignments


def task_owners(
    province: Province,
    plan: PlanFile,
    task: TaskEntry,
    *,
    on: date,
    assigned: Sequence[AssignmentOverride] = (),
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
    return apply_assignments(owners, assigned)


def duty_owners(
    province: Province,
    plan: PlanFile,
    duty: ReportDutyEntry,
    *,
    on: date,
    assigned: Sequence[AssignmentOverride] = (),
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
    return list(apply_assignments(owners, [item for item in assigned if item.since <= on]))


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


def is_coordinators_own(province: Province, plan: PlanFile, duty: ReportDutyEntry) -> bool:
    """Tell whether a report is owed by the plan's coordinating agency alone, as the document names it."""
    coordinator = province.resolve(plan.coordinator)
    return all(province.resolve(words) is coordinator for words in duty.from_)


def _bodies(
    province: Province, plan: PlanFile, entries: list[AgencyEntry | GroupEntry], on: date
) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, GroupEntry):
            for member in province.members(entry, on, issued_on=plan.issued_on):
                yield member.code
        else:
            yield province.main_successor(entry.code, on)
