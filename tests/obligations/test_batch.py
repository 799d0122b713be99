"""Obligations that are alike are planned as one group; one that differs is planned by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, event, func, insert, select, text, update

from data.db.database import Database
from data.loading.load import sync_registry
from data.loading.upsert import LoadResult
from data.models import Agency, Assignment, Obligation, Plan, Reminder, Task
from data.registry.registry import Registry
from jobs.planning.materialise import PlanningCounts, materialise
from tests.support.loaded_province import load_world, morning_of, obligation

TODAY = date(2026, 10, 2)
NOW = morning_of(TODAY)
HEAD = """number: "{number}/KH-UBND"
province: dong
title: "Kế hoạch"
issued_on: 2026-01-05
signer: "A"
coordinator: "Sở 0"
source: none.txt
"""
DUTY = """report_duties:
  - {code: BC.1, clause: "mục V", from: ["các đơn vị"], to: "UBND tỉnh", frequency: annual,
     deadline: {operator: on, month: 11, day: DAY, raw: "ngày DAY/11"}, quote: "báo cáo"}
"""
TASKS = """tasks:
  - {code: "1", text: "Việc một", leads: ["Sở 1", "Sở 2"],
     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
  - {code: "2", text: "Việc hai", leads: ["Sở 3"], period: {raw: "Thường xuyên", kind: not_stated}}
"""


def registry_of(*, agencies: int = 6, plans: int = 1, day: int = 10, **texts: str) -> Registry:
    """Return a province whose agencies all owe one report a year in each plan."""
    lines = ["province: dong", "name: Đông", "agencies:"]
    lines.append('  - {code: ubnd, name: "UBND tỉnh", kind: committee}')
    lines += [
        f'  - {{code: so-{number}, name: "Sở {number}", kind: department}}'
        for number in range(agencies)
    ]
    group = (
        '  - {code: tat-ca, name: "các đơn vị", spellings: [], members: [{kinds: [department]}]}'
    )
    files = {"agencies/dong.yaml": "\n".join([*lines, "groups:", group, ""])}
    for number in range(1, plans + 1):
        plan = HEAD.format(number=number) + DUTY.replace("DAY", str(day)) + TASKS
        files[f"plans/dong-{number}.yaml"] = texts.get(f"plan_{number}", plan)
    return Registry.from_texts(files)


async def plan_again(
    database: Database, registry: Registry, *, today: date = TODAY
) -> PlanningCounts:
    async with database.write() as connection:
        await sync_registry(connection, registry, now=morning_of(today), today=today)
        return await materialise(connection, registry, today=today)


async def report_of(database: Database, agency: str, period: str = "2026") -> Any:
    return await obligation(database, plan="dong-1-2026", agency=agency, code="BC.1", period=period)


async def set_of(database: Database, row: Any, **values: Any) -> None:
    async with database.write() as connection:
        await connection.execute(update(Obligation).where(Obligation.id == row.id).values(**values))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that go to the database, a batch once for each of its rows."""
    found: list[str] = []

    def note(_conn: Any, _cursor: Any, words: str, given: Any, _ctx: Any, many: bool) -> None:
        found.extend([words] * (len(given) if many else 1))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_a_hundred_agencies_cost_as_many_statements_as_five(database: Database) -> None:
    """Made, planned again, moved and withdrawn: what is asked of the database follows what is alike."""
    asked = []
    for agencies in (5, 100):
        some = registry_of(agencies=agencies)
        async with database.write() as connection:
            for table in (Obligation, Assignment, Task):
                await connection.execute(delete(table))
            await sync_registry(connection, some, now=NOW, today=TODAY)
        with statements(database) as found:
            async with database.write() as connection:
                made = await materialise(connection, some, today=TODAY)
                kept = await materialise(connection, some, today=TODAY)
                moved = await materialise(
                    connection, registry_of(agencies=agencies, day=20), today=TODAY
                )
                await connection.execute(update(Plan).values(closed_on=date(2026, 1, 31)))
                ended = await materialise(connection, some, today=TODAY)
                await connection.execute(update(Plan).values(closed_on=None))
        asked.append(len(found))
        reports = 2 * agencies  # of this year and the next
        assert made.added == kept.kept == reports + 2 + 2
        assert moved.moved >= reports
        assert ended.withdrawn == made.added
    assert asked[0] == asked[1] < 60


async def test_what_one_agency_said_keeps_it_apart_from_the_others(database: Database) -> None:
    registry = registry_of()
    await load_world(database, registry, now=NOW)
    rows = [await report_of(database, f"so-{number}") for number in range(6)]
    said = [
        {"acknowledged_until": date(2026, 10, 30)},
        {"state": "submitted", "submitted_at": NOW, "rung": None, "remind_on": None},
        {"state": "confirmed", "submitted_at": NOW, "confirmed_at": NOW, "rung": None,
         "remind_on": None},
        {"extended_to": date(2026, 12, 1)},
    ]  # fmt: skip
    for row, values in zip(rows, said, strict=False):
        await set_of(database, row, **values)
    async with database.write() as connection:
        await connection.execute(
            insert(Reminder).values(
                obligation_id=rows[4].id, due_on=rows[4].due_on, rung=-20, reminded_on=TODAY
            )
        )
    await plan_again(database, registry)
    after = [await report_of(database, f"so-{number}") for number in range(6)]
    assert (after[5].rung, after[5].remind_on) == (rows[5].rung, rows[5].remind_on)
    assert [row.state for row in after] == [
        "open", "submitted", "confirmed", "open", "open", "open",
    ]  # fmt: skip
    assert (after[0].rung, after[0].remind_on) == (-10, date(2026, 10, 31))  # the day after
    assert after[1].remind_on is after[2].remind_on is None
    assert after[3].base_on == date(2026, 12, 1)
    assert after[4].rung == -10  # -20 was sent
    assert (await plan_again(database, registry)).moved == 0


async def test_a_deadline_that_moves_away_and_back_repeats_no_rung(database: Database) -> None:
    """What was sent is looked up for the date that the obligation has now, of each by itself."""
    await load_world(database, registry_of(), now=NOW)
    row = await report_of(database, "so-1")
    async with database.write() as connection:
        await connection.execute(
            insert(Reminder).values(
                obligation_id=row.id, due_on=row.due_on, rung=-10, reminded_on=TODAY
            )
        )
    await plan_again(database, registry_of(day=20))
    away = await report_of(database, "so-1")
    assert (away.due_on, away.rung) == (date(2026, 11, 20), -20)
    await plan_again(database, registry_of(day=10))
    back, other = await report_of(database, "so-1"), await report_of(database, "so-2")
    assert (back.due_on, back.rung) == (date(2026, 11, 10), -5)
    assert other.rung == -20
    assert (back.revision, back.revised_on) == (2, TODAY)


async def test_a_tasks_obligation_stands_for_the_assignment_of_its_agency(
    database: Database,
) -> None:
    await load_world(database, registry_of(), now=NOW)
    async with database.read() as connection:
        rows = await connection.execute(
            select(
                Obligation.code,
                Obligation.kind,
                Agency.code,
                Task.code,
                Assignment.agency_id == Obligation.agency_id,
            )
            .join(Agency, Agency.id == Obligation.agency_id)
            .outerjoin(Assignment, Assignment.id == Obligation.assignment_id)
            .outerjoin(Task, Task.id == Assignment.task_id)
        )
        found = Counter(tuple(row) for row in rows)
    assert found == {
        ("1", "phase_end", "so-1", "1", True): 1,
        ("1", "phase_end", "so-2", "1", True): 1,
        ("2", "undated", "so-3", "2", True): 2,
        **{("BC.1", "report", f"so-{number}", None, None): 2 for number in range(6)},
    }


async def test_a_task_owed_by_an_agency_that_has_no_assignment_yet_is_still_owed(
    database: Database,
) -> None:
    """Assignments are reckoned when files are loaded; a merger may come within the horizon later."""
    registry = registry_of()
    async with database.write() as connection:
        await sync_registry(connection, registry, now=NOW, today=TODAY)
        await connection.execute(delete(Assignment))
        await materialise(connection, registry, today=TODAY)
    row = await obligation(database, plan="dong-1-2026", agency="so-1", code="1", period="end")
    assert (row.assignment_id, row.duty_id, row.state) == (None, None, "open")


async def test_plans_beyond_the_first_batch_are_loaded_changed_and_withdrawn_alike(
    database: Database,
) -> None:
    async def loaded(registry: Registry) -> LoadResult:
        async with database.write() as connection:
            return await sync_registry(connection, registry, now=NOW, today=TODAY)

    await loaded(registry_of(plans=45))
    changed = HEAD.format(number=45) + DUTY.replace("DAY", "10") + TASKS.split('  - {code: "2"')[0]
    changed = changed.replace("Việc một", "Việc đầu").replace('["Sở 1", "Sở 2"]', '["Sở 2"]')
    result = await loaded(registry_of(plans=45, plan_45=changed))
    told = [(each.what, each.code, each.how, each.after) for each in result.changes]
    assert told == [
        ("file", "plans/dong-45.yaml", "changed", ""),
        ("task", "dong-45-2026 1", "changed", "Sở 2"),
        ("task", "dong-45-2026 1", "changed", "text: Việc đầu\ntitle: Việc đầu"),
        ("task", "dong-45-2026 2", "withdrawn", ""),
    ]
    async with database.read() as connection:
        counts = await connection.execute(
            select(Task.code, func.count(), func.count(Assignment.withdrawn_at))
            .join(Assignment, Assignment.task_id == Task.id)
            .group_by(Task.code)
            .order_by(Task.code)
        )
        assert [tuple(row) for row in counts] == [("1", 90, 1), ("2", 45, 1)]
    result = await loaded(registry_of(plans=45))
    assert ("task", "dong-45-2026 2", "restored") in [
        (each.what, each.code, each.how) for each in result.changes
    ]
    assert (await loaded(registry_of(plans=45))).changes == []


@pytest.mark.sqlite
async def test_planning_has_a_larger_cache_and_gives_it_back(database: Database) -> None:
    size = text("PRAGMA cache_size")
    async with database.write(alone=True) as connection:
        assert await connection.scalar(size) == -20480
    async with database.write() as connection:
        assert await connection.scalar(size) == -512
