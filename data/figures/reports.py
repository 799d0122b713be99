"""Reports received of those expected, by occurrence of a report duty, and the agencies that are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, bindparam, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from data.figures.states import judged_condition, overdue_condition
from data.models import LIVE_STATES, Agency, Obligation, ReportDuty
from data.obligations.lists import count_if, last_current_day
from data.registry.titles import period_name, report_title
from data.registry.workdays import Workdays
from data.rows import row_fields
from data.rules.states import is_never_late, is_overdue, left_and_late, working_days_left

REPORT_WINDOW = timedelta(days=366)
_MISSING_NAMES = 4

_OF_OPEN = [
    case((Obligation.state == "open", day)) for day in (Obligation.base_on, Obligation.judged_on)
]
# Made once: building a statement takes about as long as running it.
_OCCURRENCES = (
    select(
        Obligation.duty_id,
        Obligation.period,
        func.count().label("expected"),
        count_if(Obligation.state != "open").label("received"),
        count_if(Obligation.state == "confirmed").label("confirmed"),
        count_if(Obligation.due_proposed.is_(True)).label("proposed"),
        count_if(overdue_condition(bindparam("last_working_day", type_=Date))).label("overdue"),
        func.min(Obligation.due_on).label("due_on"),
        # A later date granted to some moves theirs alone; what came is judged no more.
        func.coalesce(func.min(_OF_OPEN[0]), func.min(Obligation.base_on)).label("base_on"),
        func.coalesce(func.min(_OF_OPEN[1]), func.min(Obligation.judged_on)).label("judged_on"),
    )
    .where(Obligation.state.in_(LIVE_STATES))
    .group_by(Obligation.duty_id, Obligation.period)
)
_PLACE = func.row_number().over(
    partition_by=(Obligation.duty_id, Obligation.period), order_by=(Agency.position, Agency.id)
)
_NUMBERED = (
    select(Obligation.duty_id, Obligation.period, Agency.short, _PLACE.label("place"))
    .join(Agency, Agency.id == Obligation.agency_id)
    .where(Obligation.state == "open")
)


@dataclass(frozen=True, slots=True)
class DutyFigures:
    """One occurrence of a report duty: how many reports came of how many.

    overdue: how many of those that have not come are overdue, as lists of what is overdue count them. left:
    working days to the base day, negative: working days late. is_past: its day is over. is_before_tracking:
    it was due before its plan was tracked, and is judged by no day. missing: the first few names.
    """

    plan_id: int
    duty_id: int
    code: str
    title: str
    clause: str
    period: str  # in words
    period_code: str
    due_on: date
    proposed: bool  # the document names no date; this one is not confirmed yet
    expected: int
    received: int
    confirmed: int
    overdue: int
    left: int
    is_past: bool
    is_before_tracking: bool
    missing: tuple[str, ...]

    @property
    def is_late(self) -> bool:
        """Tell whether any report is overdue."""
        return self.overdue > 0

    @property
    def missing_count(self) -> int:
        """Return how many reports have not come."""
        return self.expected - self.received

    def as_json(self) -> dict[str, Any]:
        """Return the figures as templates and stored facts have them."""
        return {
            **row_fields(self, "code", "title", "clause", "proposed"),
            "due": self.due_on.isoformat(),
            **row_fields(self, "expected", "received", "confirmed", "overdue"),
            **left_and_late(self.left),
            "missing": list(self.missing),
            "missing_more": self.missing_count - len(self.missing),
        }


async def load_duty_figures(
    connection: AsyncConnection, plan_ids: Sequence[int], *, today: date, workdays: Workdays
) -> list[DutyFigures]:
    """Return, for each duty of the plans, every occurrence that is overdue in part, and its next one.

    The next one if it falls due within REPORT_WINDOW. In the plans' order, each duty's earliest first.
    """
    last_working_day = workdays.on_or_before(today)
    first_overdue = await connection.scalar(
        select(func.min(Obligation.due_on))
        .join(ReportDuty, ReportDuty.id == Obligation.duty_id)
        .where(ReportDuty.plan_id.in_(plan_ids), overdue_condition(last_working_day))
    )
    since = min(first_overdue or today, today - REPORT_WINDOW)
    window = Obligation.due_on.between(since, today + REPORT_WINDOW)
    return await _load_figures(
        connection, plan_ids, window, _select_shown, today=today, workdays=workdays
    )


async def load_overdue_reports(
    connection: AsyncConnection, plan_ids: Sequence[int], *, today: date, workdays: Workdays
) -> list[DutyFigures]:
    """Return every occurrence of the plans' duties of which a report is overdue, in the plans' order."""
    before = Obligation.due_on < today
    return await _load_figures(
        connection, plan_ids, before, _select_overdue, today=today, workdays=workdays
    )


async def _load_figures(
    connection: AsyncConnection,
    plan_ids: Sequence[int],
    within: ColumnElement[bool],
    choose: Callable[[Sequence[Any], date], list[Any]],
    *,
    today: date,
    workdays: Workdays,
) -> list[DutyFigures]:
    """Return the occurrences that are chosen among those within a condition."""
    duties = await _load_duties(connection, ReportDuty.plan_id.in_(plan_ids))
    # What was due before its plan was tracked is asked about, and stands in no figure.
    statement = _OCCURRENCES.where(Obligation.duty_id.in_(duties), within, judged_condition())
    last_working_day = workdays.on_or_before(today)
    rows = await connection.execute(statement, {"last_working_day": last_working_day})
    shown = choose(rows.all(), last_working_day)
    place = {duty.id: (duty.plan_id, duty.position) for duty in duties.values()}
    shown.sort(key=lambda row: (place[row.duty_id], row.due_on))
    missing = await _load_missing(connection, [row for row in shown if row.received < row.expected])
    return [
        _figures(
            duties[row.duty_id],
            row,
            today=today,
            workdays=workdays,
            missing=missing.get((row.duty_id, row.period), ()),
        )
        for row in shown
    ]


async def load_occurrences(
    connection: AsyncConnection,
    duty_id: int,
    visible: ColumnElement[bool],
    *,
    today: date,
    workdays: Workdays,
) -> list[DutyFigures]:
    """Return every occurrence of one duty, the earliest first, counting the obligations of a condition.

    Also those due before their plan was tracked; missing names are left out.
    """
    duties = await _load_duties(connection, ReportDuty.id == duty_id)
    if duty_id not in duties:
        return []
    statement = _OCCURRENCES.where(Obligation.duty_id == duty_id, visible)
    rows = await connection.execute(
        statement.order_by(func.min(Obligation.due_on)),
        {"last_working_day": workdays.on_or_before(today)},
    )
    return [_figures(duties[duty_id], row, today=today, workdays=workdays) for row in rows]


def running_occurrence(occurrences: Sequence[DutyFigures], *, today: date) -> DutyFigures | None:
    """Return the occurrence that is asked about without a period, of one duty's; None without any.

    The latest overdue one if incomplete, else the next if it falls due soon, else the latest past one.
    """
    past = [each for each in occurrences if each.is_past or each.is_before_tracking]
    coming = [each for each in occurrences if not (each.is_past or each.is_before_tracking)]
    judged = [each for each in past if each.is_past]
    if judged and judged[-1].is_late:
        return judged[-1]
    if coming and (not past or coming[0].due_on <= last_current_day(today)):
        return coming[0]
    return past[-1] if past else None


def _figures(
    duty: Any, row: Any, *, today: date, workdays: Workdays, missing: Sequence[str] = ()
) -> DutyFigures:
    return DutyFigures(
        plan_id=duty.plan_id,
        duty_id=row.duty_id,
        code=duty.code,
        title=report_title(duty.frequency, duty.title, row.period),
        clause=duty.clause,
        period=period_name(row.period),
        period_code=row.period,
        due_on=row.due_on,
        proposed=bool(row.proposed),
        expected=int(row.expected),
        received=int(row.received or 0),
        confirmed=int(row.confirmed or 0),
        overdue=int(row.overdue or 0),
        left=working_days_left(row.base_on, row.judged_on, today=today, workdays=workdays),
        is_past=is_overdue(row.judged_on, workdays.on_or_before(today)),
        is_before_tracking=is_never_late(row.judged_on),
        missing=tuple(missing),
    )


def _select_overdue(rows: Sequence[Any], _last_working_day: date) -> list[Any]:
    return [row for row in rows if row.overdue]


def _select_shown(rows: Sequence[Any], last_working_day: date) -> list[Any]:
    by_duty: dict[int, list[Any]] = {}
    for row in sorted(rows, key=lambda row: row.due_on):
        by_duty.setdefault(row.duty_id, []).append(row)
    shown: list[Any] = []
    for occurrences in by_duty.values():
        shown.extend(_select_overdue(occurrences, last_working_day))
        shown.extend(
            [row for row in occurrences if not is_overdue(row.judged_on, last_working_day)][:1]
        )
    return shown


async def _load_duties(
    connection: AsyncConnection, condition: ColumnElement[bool]
) -> dict[int, Any]:
    rows = await connection.execute(
        select(ReportDuty.__table__).where(condition, ReportDuty.withdrawn_at.is_(None))
    )
    return {row.id: row for row in rows}


async def _load_missing(
    connection: AsyncConnection, occurrences: Sequence[Any]
) -> dict[tuple[int, str], list[str]]:
    """Return the first few agencies, in the official order, whose report has not come."""
    if not occurrences:
        return {}
    numbered = _NUMBERED.where(
        Obligation.duty_id.in_({row.duty_id for row in occurrences}),
        Obligation.due_on.between(
            min(row.due_on for row in occurrences), max(row.due_on for row in occurrences)
        ),
        tuple_(Obligation.duty_id, Obligation.period).in_(
            [(row.duty_id, row.period) for row in occurrences]
        ),
    ).subquery()
    rows = await connection.execute(
        select(numbered.c.duty_id, numbered.c.period, numbered.c.short)
        .where(numbered.c.place <= _MISSING_NAMES)
        .order_by(numbered.c.duty_id, numbered.c.period, numbered.c.place)
    )
    names: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        names.setdefault((row.duty_id, row.period), []).append(row.short)
    return names
