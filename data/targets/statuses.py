"""Status of each target: the value that counts for it, from reported values.

Guarantees: values of several agencies are never averaged; where they differ, the coordinator's counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from data.registry.schema import PlanFile, TargetEntry
from data.targets.facts import TargetFacts
from data.targets.indicators import (
    Indicator,
    goal_numbers,
    group_by_indicator,
    has_figure,
    is_met,
    unit_of,
)
from data.targets.numbers import format_stored_number, format_vietnamese_number
from data.targets.values import ReportedValue, load_reported_values


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target and the value that counts for it; value None: not reported, or agencies differ.

    year: of the values. reported: the values of that year, in the agencies' official order. of: those of
    them that give the value.
    """

    target: TargetEntry
    year: int | None = None
    value: Decimal | None = None
    reported: tuple[ReportedValue, ...] = ()
    of: tuple[ReportedValue, ...] = ()

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is met; None where that is unknown."""
        return None if self.value is None else is_met(self.target, self.value)

    @property
    def has_conflict(self) -> bool:
        """Tell whether agencies differ and the coordinator reported nothing."""
        return self.value is None and bool(self.reported)


async def load_target_statuses(
    connection: AsyncConnection, plan: PlanFile, plan_id: int, coordinator_id: int | None
) -> list[list[TargetStatus]]:
    """Return the statuses of a plan's targets by indicator, in the document's order."""
    values = await load_reported_values(connection, plan_id)
    return [
        target_statuses(indicator, values, coordinator_id)
        for indicator in group_by_indicator(plan.targets)
    ]


async def load_target_facts(
    connection: AsyncConnection,
    plan: PlanFile,
    plan_id: int,
    coordinator_id: int | None,
    *,
    before: datetime | None = None,
) -> list[TargetFacts]:
    """Return every target of a plan with its value, in the document's order.

    Where agencies differ, value is None and source has each one's: "Sở A 82; Sở B 79". Numbers are plain
    decimals ("82.5"), a range's goal "15 - 20".
    """
    values = await load_reported_values(connection, plan_id, before=before)
    by_code = {
        status.target.code: status
        for indicator in group_by_indicator(plan.targets)
        for status in target_statuses(indicator, values, coordinator_id)
    }
    return [_facts(by_code[target.code]) for target in plan.targets]


def target_statuses(
    indicator: Indicator, values: Sequence[ReportedValue], coordinator_id: int | None
) -> list[TargetStatus]:
    """Return the status of each target of one indicator.

    A value belongs to a year and not to a goal, so it counts for all goals of its indicator. For each goal
    the latest year up to its own counts, else the earliest after it.
    """
    codes = {target.code for target in indicator}
    by_year: dict[int, dict[int, ReportedValue]] = {}
    for value in sorted(values, key=lambda value: value.id):
        if value.code in codes:
            by_year.setdefault(value.year, {})[value.agency_id] = value
    order = {value.agency_id: place for place, value in enumerate(values)}
    return [_target_status(target, by_year, order, coordinator_id) for target in indicator]


def _format_sources(status: TargetStatus) -> str:
    """Return the short names of the agencies that reported; where they differ, with each one's value."""
    if status.has_conflict:
        return "; ".join(
            f"{value.agency} {format_vietnamese_number(value.value)}" for value in status.reported
        )
    return ", ".join(dict.fromkeys(value.agency for value in status.of))


def _target_status(
    target: TargetEntry,
    by_year: Mapping[int, Mapping[int, ReportedValue]],
    order: Mapping[int, int],
    coordinator_id: int | None,
) -> TargetStatus:
    if not by_year or not has_figure(target):
        return TargetStatus(target)
    upto = [year for year in by_year if target.year is None or year <= target.year]
    year = max(upto) if upto else min(by_year)
    reported = tuple(sorted(by_year[year].values(), key=lambda value: order[value.agency_id]))
    status = TargetStatus(target, year, None, reported)
    own = tuple(value for value in reported if value.agency_id == coordinator_id)
    if own:
        return replace(status, value=own[0].value, of=own)
    if len({value.value for value in reported}) == 1:
        return replace(status, value=reported[0].value, of=reported)
    return status


def _facts(status: TargetStatus) -> TargetFacts:
    target = status.target
    return TargetFacts(
        code=target.code,
        text=target.text,
        year=target.year,
        comparator=target.comparator,
        goal=" - ".join(map(format_stored_number, goal_numbers(target))) or None,
        unit=unit_of(target),
        value=None if status.value is None else format_stored_number(status.value),
        value_year=status.year,
        source=_format_sources(status),
        met=status.is_met,
    )
