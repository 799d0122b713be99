"""Facts of the evidence sheet of one agency and month: what it owed, when it was told done, what was decided.

Guarantees: facts only; no points, no ranking, no names of persons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from data.rules.states import OfficialState


@dataclass(slots=True)
class EvidenceLine:
    """One thing that an agency owed in a month.

    due_on: by the document, never overwritten. missed: every date that passed before it was done, the first
    one included. confirmed_by: None while nobody confirmed. cause: what was decided of the reason given:
    accepted, refused or None.
    """

    title: str
    given_by: str  # document, its date and clause
    code: str
    kind: str
    due_on: date | None
    state: OfficialState
    waiting: bool
    days_late: int  # working days
    extended_to: date | None = None
    extension_document: str | None = None
    told_done_on: date | None = None
    done_on: date | None = None
    document: str | None = None
    document_on: date | None = None
    result: str | None = None
    confirmed_on: date | None = None
    confirmed_by: str | None = None
    missed: Sequence[date] = ()
    returned: int = 0
    explained_on: date | None = None
    explanation: str | None = None
    cause: str | None = None
    cause_by: str | None = None
    objections: Sequence[str] = ()
    corrections: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Tell whether it was confirmed."""
        return self.state in ("done_on_time", "done_late")

    @property
    def is_undated(self) -> bool:
        """Tell whether it never falls due."""
        return self.due_on is None


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """One agency's month; as_of: the last day that counts. lines: in the order of their due dates."""

    province: str
    agency: str
    month: date  # its first day
    as_of: date
    made_on: date
    lines: Sequence[EvidenceLine]


@dataclass(frozen=True, slots=True)
class EvidenceFigures:
    """Counts of a month's lines."""

    total: int
    due: int  # done, or overdue
    done_on_time: int
    done_late: int
    in_time: int
    overdue: int

    @classmethod
    def of(cls, lines: Sequence[EvidenceLine]) -> EvidenceFigures:
        """Count lines by state."""
        states = [line.state for line in lines]
        on_time, late = states.count("done_on_time"), states.count("done_late")
        overdue = states.count("open_late")
        return cls(
            total=len(lines),
            due=on_time + late + overdue,
            done_on_time=on_time,
            done_late=late,
            in_time=states.count("open_on_time"),
            overdue=overdue,
        )
