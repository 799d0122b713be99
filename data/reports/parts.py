"""Each agency's part of each task as of the report date, with the answers that support it.

Guarantees:
- Parts submitted or confirmed after the report date count as open, resp. submitted.
- Parts returned, extended or undone after the report date are as they are now; an undone answer is none.
- Rows are streamed, or read in batches.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, case, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.figures.states import (
    active_assignment_condition,
    ended_before_condition,
    official_state_sql,
)
from data.models import LIVE_STATES, Assignment, Obligation, Person, Reminder, StatusReply, Task
from data.registry.workdays import Workdays
from data.reports.period import Span, end_of_day, span_of
from data.rules.ladder import UNDATED
from data.rules.states import OfficialState
from data.rules.undated import EVERY_YEAR

_STREAMED = 5000  # rows at a time

# Answers about progress; a receipt or a question supports a part only where there is nothing else.
_STATUS_KINDS = frozenset(
    {"not_started", "in_progress", "completed", "blocked", "extension", "dispute"}
)


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report's period, its day, the last working day on or before it, and since when the plan is tracked.

    The day is no later than the end of the period.
    """

    span: Span
    as_of: date
    last_working_day: date

    @classmethod
    def of(cls, period: str, as_of: date, *, workdays: Workdays) -> ReportView:
        """Return the view of a period as of a day, or of the period's last day if that is earlier."""
        span = span_of(period)
        day = min(as_of, span.last)
        return cls(span, day, workdays.on_or_before(day))

    @property
    def after(self) -> datetime:
        """Return the first instant after the report's day."""
        return end_of_day(self.as_of)

    def state(self) -> ColumnElement[str]:
        """Return the SQL for an obligation's state as of the day: confirmed, submitted or open."""
        handed_in = func.coalesce(Obligation.submitted_at, Obligation.confirmed_at)
        return case(
            (
                and_(
                    Obligation.state == "confirmed",
                    or_(Obligation.confirmed_at.is_(None), Obligation.confirmed_at < self.after),
                ),
                "confirmed",
            ),
            (
                and_(Obligation.state != "open", or_(handed_in.is_(None), handed_in < self.after)),
                "submitted",
            ),
            else_="open",
        )

    def official_state(self) -> ColumnElement[str | None]:
        """Return the SQL for an obligation's official state as of the day."""
        return official_state_sql(self.last_working_day, self.state())

    def part_condition(self) -> ColumnElement[bool]:
        """Return the condition that an obligation is a task's part in this period.

        Of an undated task, this year's question is, or an earlier one where it was done for good.
        """
        year = str(self.span.year)
        return and_(
            Obligation.state.in_(LIVE_STATES),
            or_(
                Obligation.kind != UNDATED,
                Obligation.period == year,
                and_(
                    Obligation.state == "confirmed",
                    Obligation.period < year,
                    Task.period_kind.not_in(EVERY_YEAR),
                ),
            ),
        )

    def said(self) -> ColumnElement[bool]:
        """Return the condition that an answer (StatusReply) was given in the period and not undone."""
        return and_(
            StatusReply.said_at >= self.span.begins_at,
            StatusReply.said_at < self.span.ends_at(self.as_of),
            _not_undone_condition(),
        )

    def supporting_answer_condition(self) -> ColumnElement[bool]:
        """Return the condition that an answer supports a part: given in the period, or its completion."""
        in_period = and_(
            StatusReply.said_at >= self.span.begins_at,
            StatusReply.said_at < self.span.ends_at(self.as_of),
        )
        completed = and_(
            StatusReply.said == "completed",
            StatusReply.said_at < self.after,
            self.state() != "open",
        )
        return and_(or_(in_period, completed), _not_undone_condition())

    def asked_condition(self) -> ColumnElement[bool]:
        """Return the condition that an obligation was due by the day and its agency was told of it."""
        told = (
            select(Reminder.id)
            .where(Reminder.obligation_id == Obligation.id, Reminder.reminded_on <= self.as_of)
            .correlate(Obligation)
            .exists()
        )
        return and_(
            func.coalesce(Obligation.extended_to, Obligation.due_on) <= self.as_of,
            told,
        )

    def silent_condition(self) -> ColumnElement[bool]:
        """Return the condition that a part was due and asked, and nothing supports it: no answer, no confirmation."""
        answer = (
            select(StatusReply.id)
            .where(StatusReply.obligation_id == Obligation.id, self.supporting_answer_condition())
            .correlate(Obligation)
            .exists()
        )
        return case(
            (and_(self.state() == "confirmed", Obligation.confirmed_at.is_not(None)), false()),
            else_=and_(self.asked_condition(), ~answer),
        )


# One agency's part of a task, to be counted: task id, agency id, official state (None: nothing is asked
# of it yet), is waiting for confirmation, is silent, ended before tracking. Plain rows: a report counts
# half a million.
PartRow = Row[int, int, OfficialState | None, bool, bool, bool]


class LinePart(NamedTuple):
    """One agency's part of a task, as a line shows it; obligation_id None: nothing is asked of it yet.

    stored_state: confirmed, submitted or open, as of the report's day.
    """

    task_id: int
    ends_on: date | None
    agency_id: int
    obligation_id: int | None
    kind: str | None
    due_on: date | None
    extended_to: date | None
    done_on: date | None
    confirmed_at: datetime | None
    confirmed_by: str | None
    judged_on: date | None
    is_silent: bool
    ended_before: bool
    state: OfficialState
    stored_state: str


class PartAnswer(NamedTuple):
    """One answer that supports a part."""

    obligation_id: int
    said: str
    percent: int | None
    document: str | None
    document_on: date | None
    note: str | None
    said_at: datetime
    agency_id: int
    person: str | None


async def stream_parts(
    connection: AsyncConnection, plan_id: int, view: ReportView
) -> AsyncIterator[Sequence[PartRow]]:
    """Yield every part of a plan's tasks, some thousand at a time, in no order.

    Where some parts of a task are asked, the others are no parts of it: other agencies took over.
    """
    is_asked = Obligation.id.is_not(None)
    query = (
        _select_parts(
            view,
            Task.id,
            func.coalesce(Obligation.agency_id, Assignment.agency_id),
            case((is_asked, view.official_state())),
            and_(is_asked, view.state() == "submitted"),
            and_(is_asked, view.silent_condition()),
            and_(is_asked, ended_before_condition()),
        )
        .where(Task.plan_id == plan_id)
        .execution_options(yield_per=_STREAMED)
    )
    async with connection.stream(query) as rows:
        async for some in rows.partitions(_STREAMED):
            yield some


async def load_line_parts(
    connection: AsyncConnection, task_ids: Sequence[int], view: ReportView
) -> list[LinePart]:
    """Return the parts of some tasks as lines show them."""
    rows = await connection.execute(
        _select_parts(
            view,
            Task.id,
            Task.ends_on,
            func.coalesce(Obligation.agency_id, Assignment.agency_id),
            Obligation.id,
            Obligation.kind,
            Obligation.due_on,
            Obligation.extended_to,
            Obligation.done_on,
            Obligation.confirmed_at,
            Obligation.confirmed_by,
            Obligation.judged_on,
            and_(Obligation.id.is_not(None), view.silent_condition()),
            and_(Obligation.id.is_not(None), ended_before_condition()),
            view.official_state(),
            view.state(),
        ).where(Task.id.in_(task_ids))
    )
    return [LinePart._make(row) for row in rows]


async def load_part_answers(
    connection: AsyncConnection, task_ids: Sequence[int], view: ReportView
) -> dict[int, list[PartAnswer]]:
    """Return the answers that support the parts of some tasks, by obligation, oldest first."""
    rows = await connection.execute(
        select(
            StatusReply.obligation_id,
            StatusReply.said,
            StatusReply.percent,
            StatusReply.document,
            StatusReply.document_on,
            StatusReply.note,
            StatusReply.said_at,
            StatusReply.agency_id,
            Person.name,
        )
        .join(Obligation, Obligation.id == StatusReply.obligation_id)
        .join(Assignment, Assignment.id == Obligation.assignment_id)
        .outerjoin(Person, Person.id == StatusReply.person_id)
        .where(Assignment.task_id.in_(task_ids), view.supporting_answer_condition())
        .order_by(StatusReply.id)
    )
    answers: dict[int, list[PartAnswer]] = {}
    for row in rows:
        answer = PartAnswer._make(row)
        answers.setdefault(answer.obligation_id, []).append(answer)
    return answers


def find_supporting_answer(answers: Sequence[PartAnswer], stored_state: str) -> PartAnswer | None:
    """Return the last answer that a part in a state is based on; None without any."""
    if stored_state != "open":
        completed = [answer for answer in answers if answer.said == "completed"]
        if completed:
            return completed[-1]
    about_progress = [answer for answer in answers if answer.said in _STATUS_KINDS]
    return about_progress[-1] if about_progress else answers[-1] if answers else None


def _not_undone_condition() -> ColumnElement[bool]:
    """Return the condition that an answer was not undone.

    An open obligation's completion counts only where it was returned afterwards. Else it was undone with
    the answer that added to it, or a later answer corrected it.
    """
    undoing = aliased(StatusReply)
    return and_(
        StatusReply.said.not_in(("undo", "objection")),  # an objection reports nothing
        or_(
            StatusReply.said != "completed",
            Obligation.state != "open",
            StatusReply.said_at <= Obligation.returned_at,
        ),
        ~select(undoing.id).where(undoing.undoes_id == StatusReply.id).exists(),
    )


def _select_parts(view: ReportView, *columns: Any) -> Any:
    return (
        select(*columns)
        .select_from(Task)
        .join(Assignment, Assignment.task_id == Task.id)
        .outerjoin(
            Obligation, and_(Obligation.assignment_id == Assignment.id, view.part_condition())
        )
        .where(
            Task.withdrawn_at.is_(None),
            or_(Obligation.id.is_not(None), active_assignment_condition(view.as_of)),
        )
    )
