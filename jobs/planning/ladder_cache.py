"""A cache of judged due dates, rungs with their days, and next rungs.

Each is computed once, however many agencies share it: planning reads every obligation of every plan each
night. It holds no state of any obligation.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from data.registry.registry import Registry
from data.rules.ladder import UNDATED, DueDate, Steps, compute_due_date, next_step, schedule_rungs
from data.rules.planning import rungs_of


class LadderCache:
    """The schedules of one registry, each computed once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._due: dict[tuple[bool, bool, date], DueDate] = {}
        self._next: dict[tuple[Any, ...], tuple[int, date] | None] = {}
        self._reached: dict[tuple[str, Any, date, date], int | None] = {}
        self._steps: dict[tuple[tuple[int, ...], bool, date], Steps] = {}

    def due(self, plan_code: str, kind: Any, due_on: date) -> DueDate:
        """Return the due date of a kind of obligation, judged by the rule of the plan's province."""
        strictly = self._strictly(plan_code)
        key = (strictly, kind == UNDATED, due_on)
        if key not in self._due:
            self._due[key] = compute_due_date(
                due_on, self._registry.workdays, strictly=strictly, kind=kind
            )
        return self._due[key]

    def steps(self, plan_code: str, kind: Any, due_on: date) -> Steps:
        """Return (rung, day) of an obligation's ladder, in order."""
        rungs = rungs_of(self._registry.plans[plan_code], kind)
        key = (rungs, self._strictly(plan_code), due_on)
        if key not in self._steps:
            due = self.due(plan_code, kind, due_on)
            self._steps[key] = schedule_rungs(rungs, due, self._registry.workdays)
        return self._steps[key]

    def last_reached_rung(
        self, plan_code: str, kind: Any, due_on: date, *, today: date
    ) -> int | None:
        """Return the last rung whose day has come by today, or None where none has."""
        key = (plan_code, kind, due_on, today)
        if key not in self._reached:
            days = [rung for rung, day in self.steps(plan_code, kind, due_on) if day <= today]
            self._reached[key] = days[-1] if days else None
        return self._reached[key]

    def next_rung(
        self,
        plan_code: str,
        kind: Any,
        due_on: date,
        *,
        today: date,
        sent: int | None,
        acknowledged_until: date | None,
    ) -> tuple[int, date] | None:
        """Return the next rung of an obligation and its day; see data.rules.ladder.next_step."""
        key = (rungs_of(self._registry.plans[plan_code], kind), self._strictly(plan_code), due_on)
        step_key = (key, today, sent, acknowledged_until)
        if step_key not in self._next:
            self._next[step_key] = next_step(
                self.steps(plan_code, kind, due_on),
                today=today,
                sent=sent,
                acknowledged_until=acknowledged_until,
            )
        return self._next[step_key]

    def _strictly(self, plan_code: str) -> bool:
        return self._registry.province_of(plan_code).file.judged_strictly
