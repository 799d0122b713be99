"""Who has an agency's obligations in hand today: itself, its heir, or the coordinating agency.

Promises one answer for reminding and for looking: whoever is reminded may also look and answer. Reports
follow the bulk of a body's work; a task of a body whose work was split waits for a person's decision.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from data.registry.province import Province
from data.rules.ladder import TASK_KINDS


@dataclass(frozen=True, slots=True)
class HeldOwners:
    """The owners (agency codes) whose obligations an agency has in hand, itself among them."""

    reports: frozenset[str]
    tasks: frozenset[str]

    @property
    def owners(self) -> frozenset[str]:
        """Return all owners, for reports or tasks."""
        return self.reports | self.tasks


class Holders:
    """The holders of one province as of a date.

    An owner that is dead and whose heir cannot be told has no holder: then it is whoever coordinates
    the plan.
    """

    def __init__(self, province: Province, *, on: date) -> None:
        self.on = on
        self._province = province
        self._report = {code: self._alive(self._report_heir(code)) for code in province.agencies}
        self._task = {code: self._alive(self._task_heir(code)) for code in province.agencies}

    def holder(self, owner: str, kind: str) -> str | None:
        """Return who has an owner's obligation of a kind in hand; None: the plan's coordinator."""
        return (self._task if kind in TASK_KINDS else self._report).get(owner)

    def owners_held_by(self, code: str) -> HeldOwners:
        """Return the owners whose obligations an agency has in hand."""
        return HeldOwners(_whose(self._report, code), _whose(self._task, code))

    def owners_without_holder(self) -> HeldOwners:
        """Return the owners whose obligations fall to their plan's coordinator."""
        return HeldOwners(_whose(self._report, None), _whose(self._task, None))

    def _report_heir(self, code: str) -> str:
        return self._province.main_successor(code, self.on)

    def _task_heir(self, code: str) -> str:
        heirs = self._province.successor_of(code, self.on)
        return code if heirs.needs_decision else heirs.codes[0]

    def _alive(self, code: str) -> str | None:
        until = self._province.agencies[code].valid_until
        return None if until is not None and until < self.on else code


def _whose(table: dict[str, str | None], holder: str | None) -> frozenset[str]:
    return frozenset(owner for owner, has in table.items() if has == holder)
