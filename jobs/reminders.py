"""The morning run: what is due becomes one message a chat.

Promises that each rung of each obligation is put into messages once, that a chat gets one message a
morning (in pages of at most ten items), that of several rungs missed only the latest is told, and that
a message of an earlier morning which never left is replaced, not added to. Composition and marking are
one transaction. Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.addressing import Place, places
from data.clock import civil_date, civil_time
from data.database import Database
from data.models import Agency, JobRun, Message, MessageItem, Obligation, Plan, Reminder
from data.planning import addressee, coordinator_of
from data.province import Province
from data.registry import Registry
from jobs.items import obligation_rows, title_of
from jobs.obligations import Ladders, recompute

SENDING_FROM = time(7, 0)
SENDING_UNTIL = time(17, 30)
ITEMS_A_PAGE = 10
BROADCAST = 2  # Message.priority
_PAGE_FRAME = 520  # characters of greeting, legend and footer
_LINE_FRAME = 90  # characters of a line beside its own words
_DEFAULT_LIMIT = 4096
_CHUNK = 900


@dataclass(slots=True)
class MorningResult:
    """What mornings composed: messages put, lines in them, obligations nobody can be told of."""

    provinces: list[str] = field(default_factory=list)
    messages: int = 0
    items: int = 0
    unreachable: int = 0


@dataclass(slots=True)
class _Line:
    row: Any
    rung: int
    addressee: str  # agency code of whom it speaks to
    stand_in: bool  # it goes to the coordinating agency because the addressee has no chat
    day: date

    @property
    def ended(self) -> bool:
        return bool(self.row.kind == "phase_end" and self.row.due_on < self.row.tracked_from)


def within_sending_hours(now: datetime, registry: Registry) -> bool:
    """Tell whether broadcasts may go out: 07:00 to 17:30 on a working day of the province's zone."""
    if not registry.workdays.is_working(civil_date(now)):
        return False
    return bool(SENDING_FROM <= civil_time(now) <= SENDING_UNTIL)


async def morning(
    database: Database,
    registry: Registry,
    *,
    now: datetime,
    limits: Mapping[int, int] | None = None,
) -> MorningResult:
    """Compose the morning of every province whose hour has come today and that has not had it.

    limits: the longest text (UTF-16 units) of each account. Harmless to call again and again, and
    from several processes at once.
    """
    result = MorningResult()
    if not within_sending_hours(now, registry):
        return result
    today = civil_date(now)
    async with database.read() as connection:
        rows = await connection.execute(
            select(JobRun.subject).where(JobRun.job == "morning", JobRun.run_on == today)
        )
        done = set(rows.scalars())
    for province in registry.provinces.values():
        hour, minute = province.file.morning.split(":")
        if province.code in done or civil_time(now) < time(int(hour), int(minute)):
            continue
        async with database.write() as connection:
            if await _begin(connection, province.code, today, now):
                await compose(
                    connection, registry, province.code, now=now, result=result, limits=limits
                )
                result.provinces.append(province.code)
    return result


async def compose(
    connection: AsyncConnection,
    registry: Registry,
    province_code: str,
    *,
    now: datetime,
    result: MorningResult,
    limits: Mapping[int, int] | None = None,
) -> None:
    """Put one province's messages of the day into the outbox, in the caller's transaction."""
    today = civil_date(now)
    home = registry.provinces[province_code]
    stale = await _withdraw_stale(connection, province_code, today)
    lines = await _due_lines(connection, registry, province_code, stale, today)
    if not lines:
        return
    by_place, unreachable = await _address(connection, registry, province_code, lines, today)
    result.unreachable += unreachable
    told = await _put(connection, home, by_place, today, now, limits or {}, result)
    await _mark(connection, registry, [line for line in lines if line.row.id in told], today)


async def _begin(
    connection: AsyncConnection, province: str, today: date, now: datetime
) -> bool:
    exists = await connection.execute(
        select(JobRun.id).where(
            JobRun.job == "morning", JobRun.subject == province, JobRun.run_on == today
        )
    )
    if exists.first() is not None:
        return False
    await connection.execute(
        insert(JobRun).values(job="morning", subject=province, run_on=today, finished_at=now)
    )
    return True


async def _withdraw_stale(
    connection: AsyncConnection, province: str, today: date
) -> list[int]:
    """Take back reminders of earlier mornings that never left; return what they spoke of."""
    rows = await connection.execute(
        select(Message.id)
        .join(Agency, Agency.id == Message.agency_id)
        .where(
            Message.state == "pending",
            Message.broadcast_on < today,
            Agency.province == province,
        )
    )
    ids = list(rows.scalars())
    spoke_of: set[int] = set()
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        items = await connection.execute(
            select(MessageItem.obligation_id).where(MessageItem.message_id.in_(part))
        )
        spoke_of.update(items.scalars())
        await connection.execute(
            update(Message).where(Message.id.in_(part)).values(state="skipped", error="replaced")
        )
    return sorted(spoke_of)


async def _due_lines(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    stale: Sequence[int],
    today: date,
) -> list[_Line]:
    home = registry.provinces[province]
    ladders = Ladders(registry)
    due = await connection.execute(
        select(Obligation.id)
        .join(Plan, Plan.id == Obligation.plan_id)
        .where(
            Plan.province == province,
            Plan.withdrawn_at.is_(None),
            Obligation.state == "open",
            Obligation.remind_on <= today,
        )
    )
    ids = sorted({*due.scalars(), *stale})
    lines: list[_Line] = []
    for row in (await obligation_rows(connection, ids)).values():
        if row.state != "open" or row.plan_code not in registry.plans:
            continue
        plan = registry.plans[row.plan_code]
        effective = row.extended_to or row.due_on
        steps = ladders.steps(row.plan_code, row.kind, effective)
        reached = [rung for rung, day in steps if day <= today]
        if not reached:
            continue
        code = addressee(home, plan, row.owner_code, kind=row.kind, on=today)
        coordinator = coordinator_of(home, plan, on=today)
        if code is None:
            continue
        stand_in = code == coordinator and row.owner_code != code
        stand_in = stand_in and home.main_successor(row.owner_code, today) != code
        lines.append(_Line(row, reached[-1], code, stand_in, effective))
    return lines


async def _address(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    lines: Iterable[_Line],
    today: date,
) -> tuple[dict[int, tuple[Place, list[_Line]]], int]:
    """Sort lines by chat; a line whose agency has no chat goes to the coordinating agency's."""
    home = registry.provinces[province]
    rows = await connection.execute(
        select(Agency.id, Agency.code).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in rows}
    focal = await places(connection, ids.values())
    steering = await places(connection, ids.values(), roles=("coordinator",))
    by_place: dict[int, tuple[Place, list[_Line]]] = {}
    unreachable = 0
    for line in lines:
        agency_id = ids[line.addressee]
        # What nobody yet answers for goes to who coordinates, not to the agency's focal point.
        first, second = (steering, focal) if line.stand_in else (focal, steering)
        chosen = first.get(agency_id) or second.get(agency_id)
        if chosen is None:
            plan = registry.plans[line.row.plan_code]
            code = coordinator_of(home, plan, on=today)
            agency_id = ids[code] if code else -1
            chosen = steering.get(agency_id) or focal.get(agency_id)
            line.stand_in = True
        if chosen is None:
            unreachable += 1
            continue
        for place in chosen:
            by_place.setdefault(place.chat_id, (place, []))[1].append(line)
    return by_place, unreachable


async def _put(
    connection: AsyncConnection,
    home: Province,
    by_place: dict[int, tuple[Place, list[_Line]]],
    today: date,
    now: datetime,
    limits: Mapping[int, int],
    result: MorningResult,
) -> set[int]:
    told: set[int] = set()
    messages: list[dict[str, Any]] = []
    pages: list[list[tuple[int, _Line]]] = []
    for place, lines in by_place.values():
        told.update(line.row.id for line in lines)
        chunks, left_out = paginate(lines, limits.get(place.account_id, _DEFAULT_LIMIT))
        readers = dict.fromkeys(line.addressee for line in lines if not line.stand_in)
        names = [home.agencies[code].name for code in readers]
        number = 0
        for index, chunk in enumerate(chunks, 1):
            numbered = [(number + offset, line) for offset, line in enumerate(chunk, 1)]
            number += len(chunk)
            pages.append(numbered)
            first = chunk[0]
            messages.append(
                {
                    "account_id": place.account_id,
                    "chat_id": place.chat_id,
                    "priority": BROADCAST,
                    "template": "reminder",
                    "context": {
                        "agency": " và ".join(names),
                        "agency_code": next(iter(readers), ""),
                        "asked": any(home.is_outside(code) for code in readers),
                        "left_out": left_out if index == len(chunks) else 0,
                        "stand_in": [line.row.id for line in chunk if line.stand_in],
                    },
                    "buttons": [],
                    "agency_id": first.row.agency_id,
                    "page": index,
                    "pages": len(chunks),
                    "dedupe_key": f"morning:{place.chat_id}:{today}:{index}",
                    "broadcast_on": today,
                    "created_at": now,
                    "send_at": now,
                    "state": "pending",
                }
            )
    ids: list[int] = []
    for start in range(0, len(messages), _CHUNK):
        added = await connection.execute(
            insert(Message).returning(Message.id, sort_by_parameter_order=True),
            messages[start : start + _CHUNK],
        )
        ids.extend(added.scalars())
    items = []
    for message_id, page in zip(ids, pages, strict=True):
        for number, line in page:
            items.append(
                {
                    "message_id": message_id,
                    "position": number,
                    "obligation_id": line.row.id,
                    "rung": line.rung,
                }
            )
    for start in range(0, len(items), _CHUNK):
        await connection.execute(insert(MessageItem), items[start : start + _CHUNK])
    result.messages += len(ids)
    result.items += len(items)
    return told


def paginate(lines: Sequence[_Line], limit: int) -> tuple[list[list[_Line]], int]:
    """Cut a chat's lines into pages; return them and how many lines were left out.

    Most urgent first, grouped by plan, at most ten a page and within the limit. What ended before it
    was tracked is asked about on one last page of its own; what does not fit there is left out (it
    is found by /viec and in the weekly digest).
    """
    current = [line for line in lines if not line.ended]
    ended = [line for line in lines if line.ended]
    pages = _fill(current, limit)
    last = _fill(ended, limit)[:1]
    return pages + last, len(ended) - sum(len(page) for page in last)


def _fill(lines: Sequence[_Line], limit: int) -> list[list[_Line]]:
    pages: list[list[_Line]] = []
    room = 0
    for line in _by_urgency(lines):
        weight = _weight(line)
        if not pages or room < weight or len(pages[-1]) >= ITEMS_A_PAGE:
            pages.append([])
            room = limit - _PAGE_FRAME
        pages[-1].append(line)
        room -= weight
    return pages


def _by_urgency(lines: Sequence[_Line]) -> list[_Line]:
    urgency: dict[str, date] = {}
    for line in lines:
        code = line.row.plan_code
        urgency[code] = min(urgency.get(code, date.max), line.day)
    return sorted(
        lines,
        key=lambda line: (
            urgency[line.row.plan_code],
            line.row.plan_code,
            line.day,
            line.row.code,
            line.row.id,
        ),
    )


def _weight(line: _Line) -> int:
    words = len(title_of(line.row)) + len(line.row.due_words or "") + len(line.row.clause or "")
    return _LINE_FRAME + words + (len(line.row.owner_name) if line.stand_in else 0)


async def _mark(
    connection: AsyncConnection, registry: Registry, lines: Sequence[_Line], today: date
) -> None:
    """Record each rung as put into a message, and reckon the next."""
    ids = [line.row.id for line in lines]
    known: set[tuple[int, date, int]] = set()
    for start in range(0, len(ids), _CHUNK):
        rows = await connection.execute(
            select(Reminder.obligation_id, Reminder.due_on, Reminder.rung).where(
                Reminder.obligation_id.in_(ids[start : start + _CHUNK])
            )
        )
        known.update((row.obligation_id, row.due_on, row.rung) for row in rows)
    fresh = [
        {
            "obligation_id": line.row.id,
            "due_on": line.day,
            "rung": line.rung,
            "reminded_on": today,
        }
        for line in lines
        if (line.row.id, line.day, line.rung) not in known
    ]
    for start in range(0, len(fresh), _CHUNK):
        await connection.execute(insert(Reminder), fresh[start : start + _CHUNK])
    await recompute(connection, registry, ids, today=today)
