"""What a consolidated report of a plan holds, as plain values: what is gathered once and drawn in several forms.

Promises that nothing here is filled in: what an agency did not say is None or absent, and every line
names the answer that it rests on. Figures are checked by `faults` before anything is drawn. Pure.
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
    """The answer a line rests on: what was said, by whom for which agency, and when.

    person: None where a group said it, or somebody who was erased since.
    """

    said: str  # StatusReply.said, or "confirmed" for what was confirmed without an answer
    agency: str  # short name of the agency that said it
    person: str | None
    at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """One agency's part of a task. state: one of the four official ones, as of the report's day.

    source None: it said nothing, and the line reads "chưa báo cáo"; percent and document are then None.
    """

    agency: str  # short name
    position: int  # of the agency, in the official order
    state: OfficialState
    waiting: bool  # handed in, not yet confirmed
    percent: int | None
    due_on: date | None
    done_on: date | None
    document: str | None
    document_on: date | None
    source: AnswerSource | None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One task: its place in the plan, and how many of its agencies stand where."""

    task_id: int
    code: str
    section: str  # the group of tasks (nhóm nhiệm vụ) it stands in, "" for none
    text: str
    period: str  # the document's words
    state: OfficialState
    parts: Figures  # of its agencies
    silent: int  # of them, how many said nothing
    unassigned: bool  # nobody is on it
    # Short names of who is late or said nothing, in official order: the first MOST_BEHIND of
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
    """Something an agency said that a report passes on: a difficulty, a proposal, an explanation."""

    agency: str
    code: str  # of the task or duty it was said of
    words: str
    person: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportDutyFacts:
    """Who handed in the periodic report that this one consolidates. missing: short names, in official order."""

    code: str
    title: str
    due_on: date
    expected: int
    received: int
    late: int  # of those received
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """Everything of one plan in one period. figures: of the tasks, each counted once.

    is_estimate: the report's day is before the year's data close (14/12), so figures are marked "ước".
    receiver: whom the report goes to, in the document's words. due_on: of the coordinator's own report.
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
    lines: int  # how many agency lines all tasks have
    silent: Sequence[str]  # agencies that said nothing at all, in official order
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
    """One thing that an agency is late with, beyond what reminders did. days_late: working days."""

    code: str
    title: str
    due_on: date  # the last day on time, with what was granted
    days_late: int


@dataclass(frozen=True, slots=True)
class LateAgency:
    """An agency that is to be urged, and what it is late with, the longest late first."""

    agency: str  # full name, as a document addresses it
    items: Sequence[LateItem]


@dataclass(frozen=True, slots=True)
class UrgingFacts:
    """What the draft of an urging letter (công văn đôn đốc) holds: agencies in the official order.

    coordinator: the agency in whose name it is drafted; a person reads, numbers, signs and sends it.
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

    So is one of a period that was over before the plan was issued: nothing was asked for then.
    """
    found = []
    if span_of(facts.period).last < facts.issued_on:
        found.append(
            f"Kế hoạch ban hành ngày {facts.issued_on:%d/%m/%Y}, sau khi {period_name(facts.period)}"
            " kết thúc, nên không có gì để tổng hợp."
        )
    count = sum(len(section.tasks) for section in facts.sections)
    if count != facts.figures.total:
        found.append(f"Có {count} nhiệm vụ nhưng bốn trạng thái cộng lại là {facts.figures.total}.")
    for state in OFFICIAL_STATES:
        of_sections = sum(getattr(section.figures, state) for section in facts.sections)
        of_tasks = sum(task.state == state for task in facts.tasks)
        whole = getattr(facts.figures, state)
        if not whole == of_sections == of_tasks:
            found.append(
                f"Trạng thái {state}: toàn kế hoạch {whole}, các nhóm {of_sections}, từng nhiệm vụ {of_tasks}."
            )
    lines = sum(task.parts.total for task in facts.tasks)
    if lines != facts.lines:
        found.append(f"Các nhiệm vụ có {lines} dòng cơ quan nhưng phụ lục có {facts.lines}.")
    found += [
        f"{task.code}: {task.silent} cơ quan chưa báo cáo trên {task.parts.total} cơ quan."
        for task in facts.tasks
        if task.silent > task.parts.total
    ]
    found += [
        f"{duty.code}: nhận {duty.received}, thiếu {len(duty.missing)}, phải nhận {duty.expected}."
        for duty in facts.duties
        if duty.received + len(duty.missing) != duty.expected
    ]
    return found
