"""Entries of an agency's calendar: its own deadlines, and the reports it awaits as a coordinator.

Guarantees:
- An entry keeps its mark when its date moves, and its revision never falls.
- An awaited report has one entry an occurrence, however many agencies owe it.
- No entry holds a person's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.calendars.deadlines import (
    AwaitedReport,
    list_awaited_reports,
    list_obligation_ids_due_between,
)
from data.clock import instant_at
from data.models import Agency
from data.obligations import lists
from data.registry.registry import Registry
from data.registry.titles import report_title
from data.registry.workdays import Workdays
from data.rules.holders import Holders
from data.rules.ladder import effective_due
from data.rules.planning import HORIZON
from jobs.rendering.items import build_item, load_obligation_rows

SHOWN_BACK = timedelta(days=60)  # past and cancelled deadlines
ALARM_DAYS = 3  # working days before the last working day
ALARM_HOUR = time(8)
_INSTANTS = (
    "submitted_at",
    "confirmed_at",
    "returned_at",
    "blocked_at",
    "disputed_at",
    "extension_asked_at",
)


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One all-day entry of a calendar.

    mark: its identity within an installation. alarm: time before the day's first minute; None where
    nothing remains to be done. facts: values for templates/calendar_event.
    """

    mark: str
    day: date
    revision: int
    revised_at: datetime | None
    cancelled: bool
    alarm: timedelta | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Agenda:
    """An agency's calendar, by day. until: the last day read."""

    agency: str
    entries: Sequence[CalendarEntry]
    until: date


async def load_agenda(
    connection: AsyncConnection,
    registry: Registry,
    *,
    province: str,
    agency: str,
    coordinating: bool,
    today: date,
) -> Agenda:
    """Return an agency's deadlines from SHOWN_BACK until the horizon; agency: its code.

    coordinating: also the reports that others owe under the plans it coordinates.
    """
    since, until = today - SHOWN_BACK, today + HORIZON
    held = Holders(registry.provinces[province], on=today).owners_held_by(agency)
    ids = await lists.find_agency_ids(connection, province, held.owners | {agency})
    condition = lists.held_condition_by_ids(ids, held)
    due = await list_obligation_ids_due_between(connection, condition, since=since, until=until)
    rows = await load_obligation_rows(connection, due)
    workdays = registry.workdays
    entries = [_own_entry(rows[key], agency, today, workdays) for key in due]
    if coordinating:
        reports = await list_awaited_reports(
            connection,
            ids[agency],
            own_ids=[ids[code] for code in held.reports if code in ids],
            since=since,
            until=until,
        )
        entries += [_awaited_entry(report, today, workdays) for report in reports]
    name = await connection.scalar(select(Agency.name).where(Agency.id == ids[agency]))
    entries.sort(key=lambda entry: (entry.day, entry.mark))
    return Agenda(str(name), entries, until)


def _own_entry(row: Any, agency: str, today: date, workdays: Workdays) -> CalendarEntry:
    due = effective_due(row.due_on, row.extended_to)
    item = build_item(row, number=0, today=today, workdays=workdays, for_agency=agency)
    is_open = row.state == "open"
    instants = [at_ for name in _INSTANTS if (at_ := getattr(row, name)) is not None]
    return CalendarEntry(
        mark=f"obligation-{row.id}",
        day=due,
        revision=row.revision,
        revised_at=_latest(row.revised_on, instants),
        cancelled=row.state in ("withdrawn", "superseded"),
        alarm=_alarm(due, row.base_on, workdays) if is_open and today <= due else None,
        facts={
            "what": "own",
            **{key: item[key] for key in ("code", "kind", "title", "plan_number", "plan_issued")},
            **{key: item[key] for key in ("due", "due_words", "proposed", "clause", "owner")},
            "extended": due > row.due_on,
            "due_before": row.due_on.isoformat(),
            "base": row.base_on.isoformat(),
            "state": row.state,
            "said": (row.progress or "") if is_open else row.state,
            "percent": row.percent,
            "succeeded": bool(item["succeeded_from"]),
            "coordinator": row.coordinator_name or "",
        },
    )


def _awaited_entry(report: AwaitedReport, today: date, workdays: Workdays) -> CalendarEntry:
    base = workdays.on_or_before(report.due_on)
    is_incomplete = report.received < report.expected and today <= report.due_on
    return CalendarEntry(
        # Not the date: it moves, and the entry with it.
        mark=f"duty-{report.duty_id}-{report.period}",
        day=report.due_on,
        revision=report.revision,
        revised_at=_latest(report.revised_on, ()),
        cancelled=report.expected == 0,
        alarm=_alarm(report.due_on, base, workdays) if is_incomplete else None,
        facts={
            **asdict(report),
            "what": "awaited",
            "title": report_title(report.frequency, report.title, report.period),
            "plan_issued": report.plan_issued_on.isoformat(),
            "due": report.due_on.isoformat(),
            "base": base.isoformat(),
        },
    )


def _alarm(due: date, base: date, workdays: Workdays) -> timedelta:
    """Return the time from the alarm, on a working day at ALARM_HOUR, to the start of the due day."""
    alarm_at = datetime.combine(workdays.add(base, -ALARM_DAYS), ALARM_HOUR)
    return datetime.combine(due, time.min) - alarm_at


def _latest(revised_on: date | None, instants: Sequence[datetime]) -> datetime | None:
    """Return the last known change of an entry; of a revision only the day is known."""
    revised = [instant_at(revised_on, time.min)] if revised_on is not None else []
    return max([*instants, *revised], default=None)
