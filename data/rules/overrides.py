"""Decisions that override the documents, as planning takes them. Pure; data/progress/decisions.py stores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class AssignmentOverride:
    """An agency takes a task or report, in place of another or (replaced None) beside the others.

    agency None: the other is taken off it, and nobody takes its place.

    since: its first day on the task, or the first due date of its reports.
    """

    replaced: str | None
    agency: str | None
    since: date


@dataclass(frozen=True, slots=True)
class OpenedOccurrence:
    """One occurrence of an ad-hoc duty that a coordinator opened."""

    period: str
    agencies: tuple[str, ...]
    due_on: date
    words: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """The decisions that planning takes.

    assigned, opened: by (plan code, code of the task or duty), oldest first; dates: confirmed dates by
    (plan code, duty's code, period).
    """

    assigned: Mapping[tuple[str, str], Sequence[AssignmentOverride]] = field(default_factory=dict)
    opened: Mapping[tuple[str, str], Sequence[OpenedOccurrence]] = field(default_factory=dict)
    dates: Mapping[tuple[str, str, str], date] = field(default_factory=dict)

    def of(self, plan_code: str, code: str) -> Sequence[AssignmentOverride]:
        """Return the assignments decided for a task or duty, oldest first."""
        return self.assigned.get((plan_code, code), ())


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions that change the schedule of reminders.

    tracked_from, closed_on: by plan code, of loaded plans; extended: granted dates by (plan code, code,
    owner's code, period).
    """

    overrides: Overrides = NO_OVERRIDES
    tracked_from: Mapping[str, date] = field(default_factory=dict)
    closed_on: Mapping[str, date] = field(default_factory=dict)
    extended: Mapping[tuple[str, str, str, str], date] = field(default_factory=dict)


NO_DECISIONS = Decisions()


def apply_assignments(
    owners: dict[str, bool], assigned: Sequence[AssignmentOverride]
) -> dict[str, bool]:
    """Return the owners after decisions: agency code → whether a person must still decide for it.

    A decision whose replaced agency is no owner adds none.
    """
    changed = dict(owners)
    for item in assigned:
        if item.replaced is not None and changed.pop(item.replaced, None) is None:
            continue
        if item.agency is not None:
            changed[item.agency] = False
    return changed
