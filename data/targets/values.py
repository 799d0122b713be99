"""Reported values of targets (chỉ tiêu), and the status of each target.

Guarantees: values are append-only; values of several agencies are never averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import Agency, Person, TargetValue
from data.progress.undo import UNDO_WINDOW, CannotUndo
from data.registry.schema import PlanFile, TargetEntry
from data.targets.facts import TargetFacts
from data.targets.indicators import (
    Indicator,
    goal_numbers,
    group_by_indicator,
    has_figure,
    is_met,
    unit_of,
)
from data.targets.numbers import format_stored_number, format_vietnamese_number


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """What one agency says of a target in a year; agency: its short name, person None if erased or unknown."""

    id: int
    code: str
    year: int
    value: Decimal
    agency_id: int
    agency: str
    person: str | None
    said_at: datetime


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target and what stands of it. value None: nobody said, or agencies differ.

    year: of the values, None where there are none; said: those of that year, in the agencies' official
    order; of: those of them that the value rests on.
    """

    target: TargetEntry
    year: int | None = None
    value: Decimal | None = None
    reported: tuple[ReportedValue, ...] = ()
    of: tuple[ReportedValue, ...] = ()

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is reached; None where it cannot be told."""
        return None if self.value is None else is_met(self.target, self.value)

    @property
    def has_conflict(self) -> bool:
        """Tell whether agencies say different things and none of them decides."""
        return self.value is None and bool(self.reported)


# ------------------------------------------------------------------ saying and taking back


async def record_target_value(
    connection: AsyncConnection,
    *,
    plan_id: int,
    code: str,
    year: int,
    value: Decimal,
    agency_id: int,
    person_id: int | None,
    chat_id: int | None,
    event_id: int | None,
    words: str,
    now: datetime,
) -> int | None:
    """Write down what an agency says a target has come to in a year; returns the row's id.

    None: the agency said so already, and nothing changed. An earlier value of the same agency stays on
    record beneath this one.
    """
    standing = [
        known
        for known in await load_reported_values(connection, plan_id)
        if (known.code, known.year, known.agency_id) == (code, year, agency_id)
    ]
    if standing and standing[0].value == value:
        return None
    added = await connection.execute(
        insert(TargetValue)
        .values(
            plan_id=plan_id,
            code=code,
            year=year,
            value=format_stored_number(value),
            agency_id=agency_id,
            person_id=person_id,
            chat_id=chat_id,
            event_id=event_id,
            words=words,
            said_at=now,
        )
        .returning(TargetValue.id)
    )
    made: int = added.scalar_one()
    return made


async def undo_target_value(
    connection: AsyncConnection,
    *,
    value_id: int,
    person_id: int | None,
    chat_id: int | None,
    event_id: int | None,
    words: str,
    now: datetime,
) -> Row[Any]:
    """Take a value back; what the agency said before it stands again. Returns the row taken back.

    Raises CannotUndo: no such value or taken back already ("nothing"), older than 24 hours ("too_late"),
    or the agency said another one since ("answered_since").
    """
    row = await find_target_value(connection, value_id)
    if row is None or row.undoes_id is not None or await _is_undone(connection, value_id):
        raise CannotUndo("nothing")
    if now - row.said_at > UNDO_WINDOW:
        raise CannotUndo("too_late")
    standing = [
        known.id
        for known in await load_reported_values(connection, row.plan_id)
        if (known.code, known.year, known.agency_id) == (row.code, row.year, row.agency_id)
    ]
    if standing != [value_id]:
        raise CannotUndo("answered_since")
    await connection.execute(
        insert(TargetValue).values(
            plan_id=row.plan_id,
            code=row.code,
            year=row.year,
            value=None,
            agency_id=row.agency_id,
            person_id=person_id,
            chat_id=chat_id,
            event_id=event_id,
            words=words,
            said_at=now,
            undoes_id=value_id,
        )
    )
    return row


async def find_target_value(connection: AsyncConnection, value_id: int) -> Row[Any] | None:
    """Return one row as it was written, or None where there is none of that id."""
    rows = await connection.execute(select(TargetValue).where(TargetValue.id == value_id))
    return rows.one_or_none()


async def find_last_target_value_in_chat(
    connection: AsyncConnection, *, chat_id: int, person_id: int | None, since: datetime
) -> Row[Any] | None:
    """Return the last row of a person in a chat since an instant, a taking back too; None without."""
    whose = (
        TargetValue.person_id.is_(None) if person_id is None else TargetValue.person_id == person_id
    )
    rows = await connection.execute(
        select(TargetValue)
        .where(TargetValue.chat_id == chat_id, whose, TargetValue.said_at >= since)
        .order_by(TargetValue.id.desc())
        .limit(1)
    )
    return rows.one_or_none()


# ------------------------------------------------------------------ where targets stand


async def load_reported_values(
    connection: AsyncConnection, plan_id: int, *, before: datetime | None = None
) -> list[ReportedValue]:
    """Return what each agency says now of each target and year of a plan: its latest, not taken back.

    Also of targets that the file has no more; before: said by then. In the official order, then by time.
    """
    later = aliased(TargetValue)
    rows = await connection.execute(
        select(TargetValue.__table__, Agency.short.label("agency"), Person.name.label("person"))
        .join(Agency, Agency.id == TargetValue.agency_id)
        .join(Person, Person.id == TargetValue.person_id, isouter=True)
        .where(
            TargetValue.plan_id == plan_id,
            TargetValue.value.is_not(None),
            ~exists().where(later.undoes_id == TargetValue.id, later.plan_id == plan_id),
            true() if before is None else TargetValue.said_at < before,
        )
        .order_by(Agency.position, Agency.id, TargetValue.id)
    )
    latest: dict[tuple[str, int, int], ReportedValue] = {}
    for row in rows:
        key = (row.code, row.year, row.agency_id)
        latest[key] = ReportedValue(
            id=row.id,
            code=row.code,
            year=row.year,
            value=Decimal(row.value),
            agency_id=row.agency_id,
            agency=row.agency,
            person=row.person,
            said_at=row.said_at,
        )
    return list(latest.values())


def target_statuses(
    indicator: Indicator, values: Sequence[ReportedValue], coordinator_id: int | None
) -> list[TargetStatus]:
    """Return where each target of one indicator stands, by the values said of any of them.

    A value is of a year and not of a goal, so it counts for every year's goal of its indicator. For a goal the
    latest year up to its own counts, else the earliest after it (its year stands beside it).
    """
    codes = {target.code for target in indicator}
    of_year: dict[int, dict[int, ReportedValue]] = {}
    for known in sorted(values, key=lambda known: known.id):
        if known.code in codes:
            of_year.setdefault(known.year, {})[known.agency_id] = known
    order = {known.agency_id: place for place, known in enumerate(values)}
    return [_target_status(target, of_year, order, coordinator_id) for target in indicator]


def _target_status(
    target: TargetEntry,
    of_year: Mapping[int, Mapping[int, ReportedValue]],
    order: Mapping[int, int],
    coordinator_id: int | None,
) -> TargetStatus:
    if not of_year or not has_figure(target):
        return TargetStatus(target)
    upto = [year for year in of_year if target.year is None or year <= target.year]
    year = max(upto) if upto else min(of_year)
    said = tuple(sorted(of_year[year].values(), key=lambda known: order[known.agency_id]))
    found = TargetStatus(target, year, None, said)
    own = [known for known in said if known.agency_id == coordinator_id]
    if own:
        return replace(found, value=own[0].value, of=tuple(own))
    if len({known.value for known in said}) == 1:
        return replace(found, value=said[0].value, of=said)
    return found


async def load_target_statuses(
    connection: AsyncConnection, plan: PlanFile, plan_id: int, coordinator_id: int | None
) -> list[list[TargetStatus]]:
    """Return where a plan's targets stand, by indicator, in the document's order."""
    values = await load_reported_values(connection, plan_id)
    return [
        target_statuses(indicator, values, coordinator_id)
        for indicator in group_by_indicator(plan.targets)
    ]


async def load_target_facts(
    connection: AsyncConnection,
    plan: PlanFile,
    plan_id: int,
    coordinator_id: int | None,
    *,
    before: datetime | None = None,
) -> list[TargetFacts]:
    """Return every target of a plan and what it has come to, in the document's order.

    Where agencies differ, value is None and source tells who said what: "Sở A 82; Sở B 79". Numbers are
    plain decimals ("82.5"), a range's goal "15 - 20"; shown() writes one as Vietnamese do.
    """
    values = await load_reported_values(connection, plan_id, before=before)
    by_code = {
        standing.target.code: standing
        for indicator in group_by_indicator(plan.targets)
        for standing in target_statuses(indicator, values, coordinator_id)
    }
    return [_facts(by_code[target.code]) for target in plan.targets]


def _facts(standing: TargetStatus) -> TargetFacts:
    target = standing.target
    return TargetFacts(
        code=target.code,
        text=target.text,
        year=target.year,
        comparator=target.comparator,
        goal=" - ".join(map(format_stored_number, goal_numbers(target))) or None,
        unit=unit_of(target),
        value=None if standing.value is None else format_stored_number(standing.value),
        value_year=standing.year,
        source=format_value_sources(standing),
        met=standing.is_met,
    )


def format_value_sources(standing: TargetStatus) -> str:
    """Return the short names of who said a value; where they differ, with what each said."""
    if standing.has_conflict:
        return "; ".join(
            f"{known.agency} {format_vietnamese_number(known.value)}" for known in standing.reported
        )
    return _names(standing.of)


def _names(values: Sequence[ReportedValue]) -> str:
    return ", ".join(dict.fromkeys(known.agency for known in values))


async def _is_undone(connection: AsyncConnection, value_id: int) -> bool:
    undone: ColumnElement[bool] = exists().where(TargetValue.undoes_id == value_id)
    return bool(await connection.scalar(select(undone)))
