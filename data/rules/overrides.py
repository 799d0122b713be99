"""What people decided over the documents, in the form that planning reckons with.

Promises that planning with it is as pure as without: a decision is looked up by plan and code, and
nothing here knows where decisions are kept (data/progress/decisions.py does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class AssignmentOverride:
    """An agency takes a task or report, in place of another or (replaced None) beside those named.

    since: from which day it stands on the task, or the first due date of the reports it takes.
    """

    replaced: str | None
    agency: str
    since: date


@dataclass(frozen=True, slots=True)
class OpenedOccurrence:
    """One occurrence of an ad-hoc duty that somebody opened: who owes what by when."""

    period: str
    agencies: tuple[str, ...]
    due_on: date
    words: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """The decisions that bear on planning.

    assigned, opened: by (plan code, code of the task or duty), in the order decided; dates: confirmed
    dates by (plan code, duty's code, period).
    """

    assigned: Mapping[tuple[str, str], Sequence[AssignmentOverride]] = field(default_factory=dict)
    opened: Mapping[tuple[str, str], Sequence[OpenedOccurrence]] = field(default_factory=dict)
    dates: Mapping[tuple[str, str, str], date] = field(default_factory=dict)

    def of(self, plan_code: str, code: str) -> Sequence[AssignmentOverride]:
        """Return who was put on a task or duty by decision, oldest first."""
        return self.assigned.get((plan_code, code), ())


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True)
class Decisions:
    """All that people decided and that changes what goes out when.

    tracked_from, closed_on: by plan code, of the plans that are loaded; extended: the later date granted,
    by (plan code, code, owner's code, period).
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

    A decision whose replaced agency is no owner (any more) adds nobody.
    """
    changed = dict(owners)
    for item in assigned:
        if item.replaced is not None and changed.pop(item.replaced, None) is None:
            continue
        changed[item.agency] = False
    return changed
