"""Dataclasses of a consolidated report.

Guarantees:
- Nothing is filled in: a value that no agency gave is None or absent.
- Each line names the answer that supports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from data.figures.states import Figures
from data.rules.states import OfficialState
from data.targets.facts import TargetFacts

MOST_LINES = (
    5000  # a document tells results from each agency's line up to so many; a sheet lists all
)


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """The answer that supports a line; person None: it came from a group, or the person was erased."""

    said: str  # StatusReply.said, or "confirmed" for a confirmation without an answer
    agency: str  # short name of the agency that answered
    person: str | None
    at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """One agency's part of a task as of the report's day.

    source None: no answer, and percent and document are None; is_silent: it was due and asked for as well.
    due_on: the effective one. result: the agency's words with its completion. reason: its words on why it is
    late. ended_before: its phase ended before the plan was tracked.
    """

    agency: str
    position: int  # of the agency, in the official order
    state: OfficialState
    waiting: bool  # submitted, not yet confirmed
    percent: int | None
    due_on: date | None
    done_on: date | None
    document: str | None
    document_on: date | None
    source: AnswerSource | None
    is_silent: bool = False
    ended_before: bool = False
    first_due_on: date | None = None
    days_late: int = 0  # working days, of what is open_late
    result: str | None = None
    reason: str | None = None
    extension_document: str | None = None  # of the date granted
    proposed_until: date | None = None  # asked for, not decided yet

    @property
    def is_overdue(self) -> bool:
        """Tell whether it is overdue."""
        return self.state == "open_late"


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One task: its place in the plan, and its agencies counted by state."""

    task_id: int
    code: str
    section: str  # its group of tasks (nhóm nhiệm vụ), "" for none
    text: str
    period: str  # the document's words
    state: OfficialState
    parts: Figures  # of its agencies
    silent: int  # how many of them gave no answer
    unassigned: bool  # without any agency
    is_undated: bool = False  # it never falls due (thường xuyên)
    ended_before: bool = False  # all its open parts ended before the plan was tracked
    ends_on: date | None = None
    supports: Sequence[str] = ()  # cơ quan phối hợp, in the document's words

    @property
    def is_done(self) -> bool:
        """Tell whether all its agencies are confirmed."""
        return self.state in ("done_on_time", "done_late")

    @property
    def is_overdue(self) -> bool:
        """Tell whether it is overdue."""
        return self.state == "open_late"


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """Tasks of a plan as of a day of a period, each counted once.

    Of those open on time, undated never fall due, and the time of ended_before ended before the plan was
    tracked. Both are told apart, and neither is in time nor overdue.
    """

    period: str
    figures: Figures
    undated: int = 0
    ended_before: int = 0

    @property
    def done(self) -> int:
        """Return how many are done."""
        return self.figures.done_on_time + self.figures.done_late

    @property
    def in_time(self) -> int:
        """Return how many are open and not yet due."""
        return self.figures.open_on_time - self.undated - self.ended_before

    @property
    def overdue(self) -> int:
        """Return how many are overdue."""
        return self.figures.open_late

    @property
    def due(self) -> int:
        """Return the base of the rate of those due: done, or overdue."""
        return self.done + self.overdue


def count_period(period: str, tasks: Sequence[TaskFacts], figures: Figures) -> PeriodFigures:
    """Return the figures of tasks with what is told apart."""
    return PeriodFigures(
        period,
        figures,
        undated=sum(task.is_undated and task.state == "open_on_time" for task in tasks),
        ended_before=sum(task.ended_before for task in tasks),
    )


@dataclass(frozen=True, slots=True)
class SectionFacts:
    """A group of tasks, in the plan's order, each task counted once."""

    title: str
    tasks: Sequence[TaskFacts]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Quote:
    """An agency's own words that a report quotes.

    kind: blocked, dispute, extension (its reason), explanation, or proposal.
    """

    kind: str
    agency: str
    code: str  # of the task or duty they are about
    words: str
    person: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportDutyFacts:
    """The agency reports of one duty that this report consolidates; missing: short names, official order."""

    code: str
    title: str
    due_on: date
    expected: int
    received: int
    late: int  # of those received
    missing: Sequence[str]
    is_due: bool = True  # else nobody is late with it yet


@dataclass(frozen=True, slots=True)
class GrantedExtension:
    """A later date that was granted: whose, of which task or report, until when, by which document."""

    agency: str
    title: str
    until: date
    document: str


@dataclass(frozen=True, slots=True)
class DirectingFacts:
    """What was done in the period to direct and urge.

    reminders: items that were told to agencies; answering: agencies that gave any answer.
    """

    reminders: int = 0
    answering: int = 0
    owners: int = 0  # agencies with work of the plan
    reassigned: int = 0
    explanations_asked: int = 0
    explanations_given: int = 0
    extensions: Sequence[GrantedExtension] = ()


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One plan in one period. figures: of the tasks, each counted once.

    as_of: the day of the figures, no later than the period's end. is_estimate: the period's data is not
    closed yet, so figures are marked "ước". receiver: in the words of the plan. due_on: of the coordinating
    agency's own report. previous: None where the plan was not tracked then.
    """

    province: str  # "Gia Lai"
    plan_code: str
    number: str
    title: str
    issued_on: date
    period: str
    coordinator: str
    receiver: str
    due_on: date | None
    as_of: date
    is_estimate: bool
    sections: Sequence[SectionFacts]
    figures: Figures
    lines: int  # agency lines of all tasks
    silent: Sequence[
        str
    ]  # agencies that gave no answer to anything due and asked, in official order
    duties: Sequence[ReportDutyFacts]
    difficulties: Sequence[Quote]
    proposals: Sequence[Quote]
    targets: Sequence[TargetFacts]
    made_on: date
    tracked_from: date
    directing: DirectingFacts = DirectingFacts()
    previous: PeriodFigures | None = None

    @property
    def tasks(self) -> Iterator[TaskFacts]:
        """Yield every task, group by group."""
        return (task for section in self.sections for task in section.tasks)

    @property
    def current(self) -> PeriodFigures:
        """Return the figures with what is told apart."""
        return count_period(self.period, list(self.tasks), self.figures)
