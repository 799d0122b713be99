"""Dataclasses of a consolidated report and of an urging letter, and the check that their sums agree.

Guarantees:
- Nothing is filled in: a value that no agency gave is None or absent.
- Each line names the answer that supports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from data.figures.states import Figures
from data.registry.titles import period_name
from data.reports.period import span_of
from data.rules.states import OFFICIAL_STATES, OfficialState
from data.targets.facts import TargetFacts

MOST_LINES = 5000  # a document lists each agency's line up to so many; a sheet lists all
MOST_BEHIND = 12


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

    source None: no answer; the line reads "chưa báo cáo", and percent and document are None.
    """

    agency: str  # short name
    position: int  # of the agency, in the official order
    state: OfficialState
    waiting: bool  # submitted, not yet confirmed
    percent: int | None
    due_on: date | None
    done_on: date | None
    document: str | None
    document_on: date | None
    source: AnswerSource | None


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
    # Short names of agencies that are late or silent, in official order: the first MOST_BEHIND of
    # behind_count, for a report that has no room for every line.
    behind: Sequence[str] = ()
    behind_count: int = 0


@dataclass(frozen=True, slots=True)
class SectionFacts:
    """A group of tasks, in the plan's order, each task counted once."""

    title: str
    tasks: Sequence[TaskFacts]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Quote:
    """An agency's own words that a report quotes: a difficulty, a proposal, an explanation."""

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


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """One plan in one period. figures: of the tasks, each counted once.

    is_estimate: the period's data is not closed yet, so figures are marked "ước". receiver: in the words
    of the plan. due_on: of the coordinating agency's own report.
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
    silent: Sequence[str]  # agencies without any answer, in official order
    duties: Sequence[ReportDutyFacts]
    difficulties: Sequence[Quote]
    proposals: Sequence[Quote]
    targets: Sequence[TargetFacts]

    @property
    def tasks(self) -> Iterator[TaskFacts]:
        """Yield every task in the plan's order."""
        return (task for section in self.sections for task in section.tasks)


@dataclass(frozen=True, slots=True)
class LateItem:
    """One obligation that an agency is late with, beyond its reminders."""

    code: str
    title: str
    due_on: date  # the effective due date
    days_late: int  # working days


@dataclass(frozen=True, slots=True)
class LateAgency:
    """An agency to be urged, and what it is late with, the longest late first."""

    agency: str  # full name
    items: Sequence[LateItem]


@dataclass(frozen=True, slots=True)
class UrgingFacts:
    """The draft of an urging letter (công văn đôn đốc), drawn up in the name of the coordinator.

    agencies: in the official order.
    """

    province: str  # "Gia Lai"
    plan_code: str
    number: str
    title: str
    issued_on: date
    coordinator: str
    as_of: date
    agencies: Sequence[LateAgency]


def find_sum_errors(facts: ReportFacts) -> list[str]:
    """Return a Vietnamese sentence for each sum that does not add up; a report with any is refused.

    So is a report of a period that ended before the plan was issued.
    """
    errors = []
    if span_of(facts.period).last < facts.issued_on:
        errors.append(
            f"Kế hoạch ban hành ngày {facts.issued_on:%d/%m/%Y}, sau khi {period_name(facts.period)}"
            " kết thúc, nên không có gì để tổng hợp."
        )
    count = sum(len(section.tasks) for section in facts.sections)
    if count != facts.figures.total:
        errors.append(
            f"Có {count} nhiệm vụ nhưng bốn trạng thái cộng lại là {facts.figures.total}."
        )
    for state in OFFICIAL_STATES:
        of_sections = sum(getattr(section.figures, state) for section in facts.sections)
        of_tasks = sum(task.state == state for task in facts.tasks)
        whole = getattr(facts.figures, state)
        if not whole == of_sections == of_tasks:
            errors.append(
                f"Trạng thái {state}: toàn kế hoạch {whole}, các nhóm {of_sections}, từng nhiệm vụ {of_tasks}."
            )
    lines = sum(task.parts.total for task in facts.tasks)
    if lines != facts.lines:
        errors.append(f"Các nhiệm vụ có {lines} dòng cơ quan nhưng phụ lục có {facts.lines}.")
    errors += [
        f"{task.code}: {task.silent} cơ quan chưa báo cáo trên {task.parts.total} cơ quan."
        for task in facts.tasks
        if task.silent > task.parts.total
    ]
    errors += [
        f"{duty.code}: nhận {duty.received}, thiếu {len(duty.missing)}, phải nhận {duty.expected}."
        for duty in facts.duties
        if duty.received + len(duty.missing) != duty.expected
    ]
    return errors
