"""The owners of a task or report as of a date: the document's words, successions and decisions. Pure.

Guarantees:
- A duty's owners never include its own receivers; two leads that became one agency are one owner.
- A group without members has no owners.
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
    """Return the leads of a task as of a date: agency code → whether a person must decide for it.

    A dissolved agency whose work was split stays the owner and needs a decision. Agencies outside the
    People's Committee are owners, too. assigned: the decisions on the task.
    """
    owners: dict[str, bool] = {}
    for words in task.leads:
        for entry in province.resolve_all(words):
            if isinstance(entry, GroupEntry):
                for member in province.members(entry, on, issued_on=plan.issued_on):
                    owners.setdefault(member.code, False)
                continue
            successors = province.successor_of(entry.code, on)
            if successors.needs_decision:
                owners.setdefault(entry.code, True)
            else:
                for code in successors.codes:
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
    """Return the owners of a report as of a date, in the document's order, without its receivers.

    assigned: the decisions on the duty; each counts for reports due from its date on.
    """
    receivers = receivers_of(province, plan, duty, on=on)
    owners: dict[str, bool] = {}
    for words in duty.from_:
        for code in _agency_codes(province, plan, province.resolve_all(words), on):
            if code not in receivers:
                owners[code] = False
    return list(apply_assignments(owners, [item for item in assigned if item.since <= on]))


def receivers_of(
    province: Province, plan: PlanFile, duty: ReportDutyEntry, *, on: date
) -> frozenset[str]:
    """Return the agencies to which or through which a report goes as of a date."""
    receivers: set[str] = set()
    for words in filter(None, (duty.to, duty.via)):
        receivers.update(_agency_codes(province, plan, province.resolve_all(words), on))
    return frozenset(receivers)


def coordinator_of(province: Province, plan: PlanFile, *, on: date) -> str | None:
    """Return the agency that follows and consolidates a plan as of a date."""
    entry = province.resolve(plan.coordinator)
    if not isinstance(entry, AgencyEntry):
        return None
    return province.main_successor(entry.code, on)


def is_coordinators_own(province: Province, plan: PlanFile, duty: ReportDutyEntry) -> bool:
    """Tell whether the document names the plan's coordinating agency as the only owner of a report."""
    coordinator = province.resolve(plan.coordinator)
    return all(province.resolve(words) is coordinator for words in duty.from_)


def _agency_codes(
    province: Province, plan: PlanFile, entries: list[AgencyEntry | GroupEntry], on: date
) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, GroupEntry):
            for member in province.members(entry, on, issued_on=plan.issued_on):
                yield member.code
        else:
            yield province.main_successor(entry.code, on)
