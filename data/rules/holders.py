"""The holder of an agency's obligations today: itself, its successor, or the plan's coordinator. Pure.

Reminders and access use the same holder: an agency that is reminded may also look and answer. Reports follow
the bulk of an agency's work; a task of an agency whose work was split waits for a person's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from data.registry.province import Province
from data.rules.ladder import TASK_KINDS


@dataclass(frozen=True, slots=True)
class HeldOwners:
    """The owners (agency codes) whose obligations an agency holds, itself among them."""

    reports: frozenset[str]
    tasks: frozenset[str]

    @property
    def owners(self) -> frozenset[str]:
        """Return all owners, of reports or tasks."""
        return self.reports | self.tasks


class Holders:
    """The holders of one province as of a date.

    A dissolved owner without a known successor has no holder: the plan's coordinator holds its obligations.
    """

    def __init__(self, province: Province, *, on: date) -> None:
        self.on = on
        self._province = province
        self._report = {
            code: self._if_alive(self._report_successor(code)) for code in province.agencies
        }
        self._task = {
            code: self._if_alive(self._task_successor(code)) for code in province.agencies
        }

    def holder(self, owner: str, kind: str) -> str | None:
        """Return the holder of an owner's obligations of a kind; None: the plan's coordinator."""
        return (self._task if kind in TASK_KINDS else self._report).get(owner)

    def owners_held_by(self, code: str) -> HeldOwners:
        """Return the owners whose obligations an agency holds."""
        return HeldOwners(_owners_of(self._report, code), _owners_of(self._task, code))

    def owners_without_holder(self) -> HeldOwners:
        """Return the owners whose obligations their plan's coordinator holds."""
        return HeldOwners(_owners_of(self._report, None), _owners_of(self._task, None))

    def _report_successor(self, code: str) -> str:
        return self._province.main_successor(code, self.on)

    def _task_successor(self, code: str) -> str:
        successors = self._province.successor_of(code, self.on)
        return code if successors.needs_decision else successors.codes[0]

    def _if_alive(self, code: str) -> str | None:
        until = self._province.agencies[code].valid_until
        return None if until is not None and until < self.on else code


def _owners_of(table: dict[str, str | None], holder: str | None) -> frozenset[str]:
    return frozenset(owner for owner, its_holder in table.items() if its_holder == holder)
