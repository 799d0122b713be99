"""The parts of a plan's tasks as a report sees them: how each agency's part stands, and who said what.

Promises that a part is judged as of the report's day (what was handed in or confirmed since is as if it
had not been; what was returned, extended or taken back since is as it now stands), that an answer taken
back is no answer, and that everything is read in batches or streamed. Reads only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.figures.states import active_assignment_condition
from data.figures.tasks import OfficialState
from data.models import LIVE_STATES, Assignment, Obligation, Person, StatusReply, Task
from data.registry.workdays import Workdays
from data.reports.period import Span, end_of_day
from data.rules.ladder import UNDATED
from data.rules.undated import EVERY_YEAR

_STREAMED = 5000  # rows at a time


class PartState(NamedTuple):
    """How a part stands: the official state, and whether it waits to be confirmed."""

    state: OfficialState
    is_waiting: bool


# In SQL a number stands for each, its place here: a number is read faster than a word, and there may be
# half a million of them.
_DONE, _DONE_LATE, _WAITS, _WAITS_LATE, _OPEN, _OPEN_LATE = range(6)
PART_STATES = (
    PartState("done_on_time", False),
    PartState("done_late", False),
    PartState("open_on_time", True),
    PartState("open_late", True),
    PartState("open_on_time", False),
    PartState("open_late", False),
)
RECEIVED = frozenset({_DONE, _DONE_LATE, _WAITS, _WAITS_LATE})
RECEIVED_LATE = frozenset({_DONE_LATE, _WAITS_LATE})
UNASKED = 2 * len(PART_STATES)  # Part.code of one that owes nothing dated yet

# Answers that say how things stand; a receipt or a question is only told where there is nothing else.
_STATUS_KINDS = frozenset(
    {"not_started", "in_progress", "completed", "blocked", "extension", "dispute"}
)


@dataclass(frozen=True, slots=True)
class ReportView:
    """What a report looks at: which period, as of which day, by which calendar."""

    span: Span
    as_of: date
    workdays: Workdays

    @property
    def after(self) -> datetime:
        """Return the first instant that the report does not know of any more."""
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

    def standing(self) -> ColumnElement[int]:
        """Return the SQL for how an obligation stands: its place in STANDINGS."""
        state = self.state()
        late = Obligation.done_on > Obligation.judged_on
        missed = Obligation.judged_on < self.workdays.on_or_before(self.as_of)
        return case(
            (and_(state == "confirmed", late), _DONE_LATE),
            (state == "confirmed", _DONE),
            (and_(state == "submitted", late), _WAITS_LATE),
            (state == "submitted", _WAITS),
            (missed, _OPEN_LATE),
            else_=_OPEN,
        )

    def part_condition(self) -> ColumnElement[bool]:
        """Return the condition that an obligation is a task's part in this period.

        Of an undated task the year's question is, or an earlier one where it was done for good.
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
        """Return the condition that an answer (StatusReply) was given in the period and stands."""
        return and_(
            StatusReply.said_at >= self.span.begins_at,
            StatusReply.said_at < self.span.ends_at(self.as_of),
            _not_undone_condition(),
        )

    def supporting_answer_condition(self) -> ColumnElement[bool]:
        """Return the condition that an answer bears a part out: given in the period, or what completed it."""
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

    def silent_condition(self) -> ColumnElement[bool]:
        """Return the condition that nothing bears a part out: no answer, and nobody confirmed it."""
        answer = (
            select(StatusReply.id)
            .where(StatusReply.obligation_id == Obligation.id, self.supporting_answer_condition())
            .correlate(Obligation)
            .exists()
        )
        return case(
            (and_(self.state() == "confirmed", Obligation.confirmed_at.is_not(None)), false()),
            else_=~answer,
        )


class TaskPart(NamedTuple):
    """One agency's part of a task, as far as counting goes.

    code: UNASKED, else twice its place in STANDINGS, and one more where it is silent.
    """

    task_id: int
    agency_id: int
    code: int


class LinePart(NamedTuple):
    """One agency's part of a task, with all that a line tells; obligation_id None: not asked."""

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
    standing: int
    state: str


class PartAnswer(NamedTuple):
    """One answer that bears a part out."""

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
) -> AsyncIterator[Sequence[TaskPart]]:
    """Yield every part of a plan's tasks, some thousand at a time, in no order.

    Where a task has parts that are asked, those that are not are no parts of it (others took over).
    """
    asked = 2 * view.standing() + case((view.silent_condition(), 1), else_=0)
    query = (
        _from(
            view,
            Task.id,
            func.coalesce(Obligation.agency_id, Assignment.agency_id),
            case((Obligation.id.is_(None), UNASKED), else_=asked),
        )
        .where(Task.plan_id == plan_id)
        .execution_options(yield_per=_STREAMED)
    )
    async with connection.stream(query) as rows:
        async for some in rows.partitions(_STREAMED):
            yield [TaskPart._make(row) for row in some]


async def load_line_parts(
    connection: AsyncConnection, task_ids: Sequence[int], view: ReportView
) -> list[LinePart]:
    """Return the parts of some tasks with all that a line tells."""
    rows = await connection.execute(
        _from(
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
            case((Obligation.id.is_(None), _OPEN), else_=view.standing()),
            view.state(),
        ).where(Task.id.in_(task_ids))
    )
    return [LinePart._make(row) for row in rows]


async def load_part_answers(
    connection: AsyncConnection, task_ids: Sequence[int], view: ReportView
) -> dict[int, list[PartAnswer]]:
    """Return the answers that bear out the parts of some tasks, by obligation, in the order given."""
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
    found: dict[int, list[PartAnswer]] = {}
    for row in rows:
        told = PartAnswer._make(row)
        found.setdefault(told.obligation_id, []).append(told)
    return found


def find_supporting_answer(answers: Sequence[PartAnswer], state: str) -> PartAnswer | None:
    """Return the answer that a part in a state rests on, the last that says so; None without any."""
    if state != "open":
        completed = [row for row in answers if row.said == "completed"]
        if completed:
            return completed[-1]
    tells = [row for row in answers if row.said in _STATUS_KINDS]
    return tells[-1] if tells else answers[-1] if answers else None


def _not_undone_condition() -> ColumnElement[bool]:
    """Return the condition that an answer was not taken back.

    An open obligation's completion stands only where it was returned: else it was taken back with what
    was added to it, or corrected by an answer after it.
    """
    undoing = aliased(StatusReply)
    return and_(
        StatusReply.said != "undo",
        or_(
            StatusReply.said != "completed",
            Obligation.state != "open",
            StatusReply.said_at <= Obligation.returned_at,
        ),
        ~select(undoing.id).where(undoing.undoes_id == StatusReply.id).exists(),
    )


def _from(view: ReportView, *columns: Any) -> Any:
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
