"""Yearly questions about tasks without a due date, asked with the annual report. Pure.

An agency is asked with its own annual report; one without, with the plan's earliest: so the answers arrive
before the reports are consolidated. Such a question never becomes late.
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

DATED = frozenset({"fixed", "fixed_deadline_only"})
EVERY_YEAR = frozenset({"recurring_annual", "open_ended"})


@dataclass(frozen=True, slots=True)
class QuestionDate:
    """The due date of a question's annual report; proposed: the date is not confirmed."""

    due_on: date
    proposed: bool


@dataclass(frozen=True, slots=True)
class QuestionYear:
    """The dates of one year's questions: of agencies with an annual report of their own, and of all others."""

    own: Mapping[str, QuestionDate]
    others: QuestionDate | None

    def of(self, agency: str) -> QuestionDate | None:
        """Return the date of an agency's question; None in a year before the plan's first report."""
        return self.own.get(agency, self.others)

    def days(self) -> list[date]:
        """Return the days of all questions, in order."""
        every = [*self.own.values(), *([self.others] if self.others else [])]
        return sorted({asked.due_on for asked in every})


def undated_tasks(plan: PlanFile) -> Iterator[TaskEntry]:
    """Yield the tasks of a plan that never fall due, in the document's order."""
    return (task for task in plan.tasks if task.period.kind not in DATED)


def drop_done(
    wanted: Mapping[tuple[str, str], MutableMapping[int, Any]],
    plan: PlanFile | None,
    *,
    confirmed: Iterable[UndatedTaskKey],
) -> frozenset[UndatedTaskKey]:
    """Remove from `wanted` the questions of years after an undated task was confirmed; returns their keys.

    A task that recurs each year stays. wanted: owners by code and period; confirmed: keys of confirmed
    obligations of any kind.
    """
    tasks = undated_tasks(plan) if plan is not None else ()
    once = {task.code for task in tasks if task.period.kind not in EVERY_YEAR}
    done = {(code, agency): year for code, agency, year in sorted(confirmed) if code in once}
    removed = frozenset(
        (code, agency, year)
        for (code, year), owners in wanted.items()
        if code in once
        for agency in owners
        if year > done.get((code, agency), year)
    )
    for code, agency, year in removed:
        del wanted[code, year][agency]
    return removed


def question_year(
    plan_code: str, plan: PlanFile, province: Province, year: int, *, overrides: Overrides
) -> QuestionYear:
    """Return the dates of a plan's questions in a year."""
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
