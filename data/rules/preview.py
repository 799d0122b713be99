"""Preview the reminders between two days, as if nobody answered. Pure: decisions are an argument.

Guarantees: it agrees with the messages of the morning runs, rung by rung. Before its tracking began, a plan
counts as if it had been loaded long before.
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
    was_due_before,
)
from data.rules.overrides import NO_DECISIONS, Decisions
from data.rules.owners import coordinator_of
from data.rules.planning import PlannedObligation, plan_obligations, rungs_of, tracked_occasions

CivilDate = date  # PreviewRow has a field named date
# The farthest a rung is from its due date, in civil days, with room for Tết.
REACH_BEFORE = timedelta(days=150)
REACH_AFTER = timedelta(days=120)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One reminder: its day, agency and subject."""

    date: CivilDate
    province: str
    agency: str
    plan: str
    code: str
    kind: ObligationKind
    due_on: CivilDate  # the effective due date
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
    """Return the reminders of the days since..until, by day and agency."""
    rows: list[PreviewRow] = []
    for plan_code, plan in registry.plans.items():
        if province is not None and plan.province != province:
            continue
        home = registry.provinces[plan.province]
        holders: dict[date, Holders] = {}
        for obligation, due, rung, day in _rungs(
            registry, plan_code, home, since, until, decisions
        ):
            if day not in holders:
                holders[day] = Holders(home, on=day)
            code = holders[day].holder(obligation.agency, obligation.kind)
            code = code or coordinator_of(home, plan, on=day)
            rows.append(
                PreviewRow(
                    date=day,
                    province=plan.province,
                    agency=home.agencies[code].name if code else "",
                    plan=plan.number,
                    code=obligation.code,
                    kind=obligation.kind,
                    due_on=due.due_on,
                    due_words=obligation.due_words,
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
    """Yield (obligation, due date, rung, day) of one plan, for the days since..until."""
    plan, workdays = registry.plans[plan_code], registry.workdays
    earliest, latest = since - REACH_AFTER, until + REACH_BEFORE
    if any(key[0] == plan_code for key in decisions.extended):
        earliest = min(earliest, plan.issued_on)  # granted dates may lie far from the document's
    tracked_from = decisions.tracked_from.get(plan_code, date.max)
    followed: set[tuple[str, str, str]] = set()
    if tracked_from <= until:
        followed = {
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
    for obligation in plan_obligations(
        registry, plan_code, since=earliest, until=latest, overrides=decisions.overrides
    ):
        if obligation.due_on > decisions.closed_on.get(plan_code, obligation.due_on):
            continue
        extended_to = decisions.extended.get(
            (plan_code, obligation.code, obligation.agency, obligation.period)
        )
        due_on = effective_due(obligation.due_on, extended_to)
        due = compute_due_date(
            due_on, workdays, strictly=home.file.judged_strictly, kind=obligation.kind
        )
        # What was due before is asked about once, on the first morning.
        is_asked = was_due_before(obligation.kind, due_on, tracked_from)
        is_followed = (obligation.code, obligation.agency, obligation.period) in followed
        for rung, day in schedule_rungs(rungs_of(plan, obligation.kind), due, workdays):
            is_due = day < tracked_from or (is_followed and not (is_asked and day > tracked_from))
            if since <= day <= last and is_due:
                yield obligation, due, rung, day
