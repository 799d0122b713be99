"""What stands in a calendar: what an agency has in hand, and what a coordinating agency awaits.

Promises that every entry has a mark that stays its own for ever, whatever happens to its date, and a
revision that only ever rises; that of an awaited report there is one entry an occurrence, however many
owe it; and no person's name. Reads only; words live in templates/calendar_event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

SHOWN_BACK = timedelta(days=60)  # what fell due, or was cancelled, lately
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

    mark: what it is known by, within an installation. alarm: how long before the day's first minute to
    remind; None where nothing is to be done any more. facts: what its words are made of.
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
    """Whose calendar it is, and its entries by day. until: the last day looked at."""

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
    """Return what an agency (by its code) has in hand, from SHOWN_BACK until the horizon.

    coordinating: also the reports that it awaits from others under the plans it coordinates.
    """
    since, until = today - SHOWN_BACK, today + HORIZON
    held = Holders(registry.provinces[province], on=today).owners_held_by(agency)
    ids = await lists.find_agency_ids(connection, province, held.owners | {agency})
    condition = lists.held_condition_by_ids(ids, held)
    found = await list_obligation_ids_due_between(connection, condition, since=since, until=until)
    rows = await load_obligation_rows(connection, found)
    workdays = registry.workdays
    entries = [_own(rows[key], agency, today, workdays) for key in found]
    if coordinating:
        reports = await list_awaited_reports(
            connection,
            ids[agency],
            own_ids=[ids[code] for code in held.reports if code in ids],
            since=since,
            until=until,
        )
        entries += [_awaited(each, today, workdays) for each in reports]
    name = await connection.scalar(select(Agency.name).where(Agency.id == ids[agency]))
    entries.sort(key=lambda entry: (entry.day, entry.mark))
    return Agenda(str(name), entries, until)


def _own(row: Any, agency: str, today: date, workdays: Workdays) -> CalendarEntry:
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


def _awaited(each: AwaitedReport, today: date, workdays: Workdays) -> CalendarEntry:
    missing = each.expected - each.received
    base = workdays.on_or_before(each.due_on)
    waiting = missing > 0 and today <= each.due_on
    return CalendarEntry(
        # Not the date: it moves, and the entry with it.
        mark=f"duty-{each.duty_id}-{each.period}",
        day=each.due_on,
        revision=each.revision,
        revised_at=_latest(each.revised_on, ()),
        cancelled=each.expected == 0,
        alarm=_alarm(each.due_on, base, workdays) if waiting else None,
        facts={
            "what": "awaited",
            "code": each.code,
            "title": report_title(each.frequency, each.title, each.period),
            "plan_number": each.plan_number,
            "plan_issued": each.plan_issued_on.isoformat(),
            "due": each.due_on.isoformat(),
            "due_words": each.due_words,
            "proposed": each.proposed,
            "base": base.isoformat(),
            "clause": each.clause,
            "expected": each.expected,
            "received": each.received,
            "confirmed": each.confirmed,
            "extended": each.extended,
        },
    )


def _alarm(due: date, base: date, workdays: Workdays) -> timedelta:
    """Return how long before the due day begins its reminder comes: on a working day at ALARM_HOUR."""
    rings = datetime.combine(workdays.add(base, -ALARM_DAYS), ALARM_HOUR)
    return datetime.combine(due, time.min) - rings


def _latest(revised_on: date | None, instants: Sequence[datetime]) -> datetime | None:
    """Return when an entry last changed as far as is known: a revision is known by its day alone."""
    known = list(instants)
    if revised_on is not None:
        known.append(instant_at(revised_on, time.min))
    return max(known, default=None)
