"""When the state of a task without a due date is asked: once a year, with the agency's annual report.

Promises that each agency is asked with the report that it hands in itself, and one that owes none with
the earliest of the plan, so that the answers are there when the reports are put together. Such a
question never becomes late. Pure: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from data.registry.province import Province
from data.registry.schema import PlanFile, TaskEntry
from data.rules.due_dates import PROPOSED_DAY_AGENCY, occurrences
from data.rules.overrides import Overrides
from data.rules.owners import duty_owners, is_coordinators_own

UndatedTaskKey = tuple[str, int, str]  # a task's code, an agency, a year

_DATED = frozenset({"fixed", "fixed_deadline_only"})
EVERY_YEAR = frozenset({"recurring_annual", "open_ended"})


@dataclass(frozen=True, slots=True)
class QuestionDate:
    """The due date of the annual report that a question goes with; proposed: nobody confirmed it."""

    due_on: date
    proposed: bool


@dataclass(frozen=True, slots=True)
class QuestionYear:
    """When agencies are asked in one year: those with an annual report of their own, and all others."""

    own: Mapping[str, QuestionDate]
    others: QuestionDate | None

    def of(self, agency: str) -> QuestionDate | None:
        """Return when an agency is asked; None in a year without reports (before the plan's first)."""
        return self.own.get(agency, self.others)

    def days(self) -> list[date]:
        """Return every day on which somebody is asked, in order."""
        every = [*self.own.values(), *([self.others] if self.others else [])]
        return sorted({asked.due_on for asked in every})


def undated_tasks(plan: PlanFile) -> Iterator[TaskEntry]:
    """Yield the tasks of a plan that never fall due, in the document's order."""
    return (task for task in plan.tasks if task.period.kind not in _DATED)


def drop_done(
    wanted: Mapping[tuple[str, str], MutableMapping[int, Any]],
    plan: PlanFile | None,
    *,
    confirmed: Iterable[UndatedTaskKey],
) -> frozenset[UndatedTaskKey]:
    """Leave out of what is wanted the later years of undated tasks that are confirmed as done.

    Returns what was left out. A task that comes anew each year is asked about anew. wanted: by code and
    period, who owes it; confirmed: of any kind of obligation.
    """
    tasks = undated_tasks(plan) if plan is not None else ()
    once = {task.code for task in tasks if task.period.kind not in EVERY_YEAR}
    done = {(code, agency): year for code, agency, year in sorted(confirmed) if code in once}
    over = frozenset(
        (code, agency, year)
        for (code, year), owners in wanted.items()
        if code in once
        for agency in owners
        if year > done.get((code, agency), year)
    )
    for code, agency, year in over:
        del wanted[code, year][agency]
    return over


def question_year(
    plan_code: str, plan: PlanFile, province: Province, year: int, *, overrides: Overrides
) -> QuestionYear:
    """Return when the agencies of a plan are asked in a year."""
    own: dict[str, QuestionDate] = {}
    others: QuestionDate | None = None
    first, last = date(year, 1, 1), date(year, 12, 31)
    annual = [duty for duty in plan.report_duties if duty.frequency == "annual"]
    for duty in annual:
        coordinating = is_coordinators_own(province, plan, duty)
        for occurrence in occurrences(
            duty, issued_on=plan.issued_on, coordinating=coordinating, since=first, until=last
        ):
            confirmed_on = overrides.dates.get((plan_code, duty.code, occurrence.period))
            asked = QuestionDate(
                confirmed_on or occurrence.due_on, occurrence.proposed and confirmed_on is None
            )
            others = asked if others is None else min(others, asked, key=lambda each: each.due_on)
            assigned = overrides.of(plan_code, duty.code)
            for owner in duty_owners(province, plan, duty, on=asked.due_on, assigned=assigned):
                own.setdefault(owner, asked)
    if not annual and plan.issued_on <= date(year, 12, PROPOSED_DAY_AGENCY):
        others = QuestionDate(date(year, 12, PROPOSED_DAY_AGENCY), True)
    return QuestionYear(own, others)
