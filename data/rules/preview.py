"""What would go out between two days, if nobody answered.

Promises to agree, rung by rung, with what the morning runs put into messages: same owners, same ladder,
same rule of what is followed once a plan is tracked. Days before that are reckoned as if the plan had been
loaded long before. Pure: decisions are given, the database is not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from data.registry.province import Province
from data.registry.registry import Registry
from data.rules.holders import Holders
from data.rules.ladder import (
    DueDate,
    ObligationKind,
    compute_due_date,
    effective_due,
    schedule_rungs,
)
from data.rules.overrides import NO_DECISIONS, Decisions
from data.rules.owners import coordinator_of
from data.rules.planning import PlannedObligation, plan_obligations, rungs_of, tracked_occasions

CivilDate = date  # PreviewRow has a field named date
# How far from its due date a rung can lie, in civil days, with room for Tết.
REACH_BEFORE = timedelta(days=150)
REACH_AFTER = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One rung that would go out: on which day, to whom, about what."""

    date: CivilDate
    province: str
    agency: str
    plan: str
    code: str
    kind: ObligationKind
    due_on: CivilDate  # the effective due
    due_words: str
    rung: int
    working_days_left: int


def preview_rungs(
    registry: Registry,
    *,
    since: date,
    until: date,
    province: str | None = None,
    decisions: Decisions = NO_DECISIONS,
) -> list[PreviewRow]:
    """Return every rung that would go out in since..until, by day and agency; laid: what people decided."""
    rows: list[PreviewRow] = []
    for plan_code, plan in registry.plans.items():
        if province is not None and plan.province != province:
            continue
        home = registry.provinces[plan.province]
        holders: dict[date, Holders] = {}
        for owed, due, rung, day in _rungs(registry, plan_code, home, since, until, decisions):
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
                    due_on=due.due_on,
                    due_words=owed.due_words,
                    rung=rung,
                    working_days_left=due.working_days_left(day, registry.workdays),
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


def _rungs(
    registry: Registry,
    plan_code: str,
    home: Province,
    since: date,
    until: date,
    decisions: Decisions,
) -> Iterator[tuple[PlannedObligation, DueDate, int, date]]:
    """Yield (what is owed, its due date, rung, day) of one plan, for the days since..until."""
    plan, workdays = registry.plans[plan_code], registry.workdays
    earliest, latest = since - REACH_AFTER, until + REACH_BEFORE
    if any(key[0] == plan_code for key in decisions.extended):
        earliest = min(earliest, plan.issued_on)  # granted dates may lie far from the document's
    tracked_from = decisions.tracked_from.get(plan_code, date.max)
    counts: set[tuple[str, str, str]] = set()
    if tracked_from <= until:
        counts = {
            (each.code, agency, each.period)
            for each in tracked_occasions(
                registry,
                plan_code,
                tracked_from=tracked_from,
                until=latest,
                overrides=decisions.overrides,
            )
            for agency in each.agencies
        }
    last = min(until, decisions.closed_on.get(plan_code, until))
    for owed in plan_obligations(
        registry, plan_code, since=earliest, until=latest, overrides=decisions.overrides
    ):
        if owed.due_on > decisions.closed_on.get(plan_code, owed.due_on):
            continue
        extended_to = decisions.extended.get((plan_code, owed.code, owed.agency, owed.period))
        due_on = effective_due(owed.due_on, extended_to)
        due = compute_due_date(due_on, workdays, strictly=home.file.judged_strictly, kind=owed.kind)
        is_followed = (owed.code, owed.agency, owed.period) in counts
        for rung, day in schedule_rungs(rungs_of(plan, owed.kind), due, workdays):
            if since <= day <= last and (day < tracked_from or is_followed):
                yield owed, due, rung, day
