"""Obligations in the database: planned twice alike, moved by edits, never losing an answer."""

from __future__ import annotations

import asyncio
from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from bot.service.registry import plan_all_obligations
from data.db.database import Database
from data.loading.load import is_loaded, read_registry, sync_registry
from data.models import Obligation, Plan, Task
from data.registry.registry import Registry, read_folder
from data.rules.ladder import RUNGS, compute_due_date, next_step, schedule_rungs
from jobs.planning.materialise import materialise
from jobs.planning.rungs import recompute
from tests.conftest import SHIPPED
from tests.rules.test_dates import CALENDAR
from tests.support.loaded_province import load_world, morning_of, obligation

TODAY = date(2026, 11, 20)
NOW = morning_of(TODAY)
LANG_SON = {"plan": "lang-son-131-2020", "agency": "so-y-te", "code": "BC.2", "period": "2026"}


def edited(path: str, old: str, new: str) -> Registry:
    texts = read_folder(SHIPPED)
    assert old in texts[path]
    return Registry.from_texts({**texts, path: texts[path].replace(old, new)})


async def count(database: Database, *conditions: object) -> int:
    async with database.read() as connection:
        rows = await connection.execute(
            select(func.count()).select_from(Obligation).where(*conditions)  # type: ignore[arg-type]
        )
        return int(rows.scalar_one())


async def test_loading_and_planning_twice_changes_nothing(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    before = await count(database)
    async with database.write() as connection:
        result = await sync_registry(connection, registry, now=NOW, today=TODAY)
        counts = await materialise(connection, registry, today=TODAY)
        assert await is_loaded(connection, registry)
    assert result.changes == []
    assert (counts.added, counts.moved, counts.withdrawn) == (0, 0, 0)
    assert await count(database) == before > 1000


async def test_whoever_writes_while_plans_are_planned_gets_a_turn_between_them(
    database: Database, registry: Registry
) -> None:
    async with database.write() as connection:
        await sync_registry(connection, registry, now=NOW, today=TODAY)
    planning = asyncio.create_task(plan_all_obligations(database, registry, today=TODAY))
    seen: set[int] = set()
    while not planning.done():
        async with database.write() as connection:
            planned = select(func.count(Obligation.plan_id.distinct()))
            seen.add(await connection.scalar(planned) or 0)
    counts = await planning
    assert seen & set(range(1, len(registry.plans)))
    assert counts.added == await count(database)


async def test_the_registry_is_read_back_from_the_database_as_it_was(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    async with database.read() as connection:
        restored = await read_registry(connection)
    assert restored is not None
    assert restored.plans == registry.plans
    assert restored.workdays.is_working(date(2026, 11, 24)) is False


async def test_reports_start_at_tracking_with_the_latest_past_one(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    async with database.read() as connection:
        rows = await connection.execute(
            select(Obligation.period)
            .join(Plan, Plan.id == Obligation.plan_id)
            .where(Plan.code == "lang-son-131-2020", Obligation.code == "BC.2")
            .distinct()
        )
        assert sorted(rows.scalars()) == ["2026", "2027"]


async def test_an_edited_deadline_moves_what_was_planned_and_keeps_the_answer(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 10, 1)))
    before = await obligation(database, **LANG_SON)
    async with database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == before.id).values(percent=60)
        )
    changed = edited(
        "plans/lang-son-131-2020.yaml",
        "operator: before, month: 11, day: 10",
        "operator: before, month: 11, day: 20",
    )
    await load_world(database, changed, now=morning_of(date(2026, 10, 2)))
    after = await obligation(database, **LANG_SON)
    assert after.id == before.id
    assert (before.due_on, after.due_on) == (date(2026, 11, 9), date(2026, 11, 19))
    assert after.percent == 60
    assert after.remind_on > before.remind_on


async def test_an_edited_calendar_moves_rungs_that_are_not_sent(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 10, 1)))
    before = await obligation(database, **LANG_SON)
    changed = edited(
        "calendar/2026.yaml",
        "days_off:\n",
        "days_off:\n  - {date: 2026-11-09, reason: nghỉ thử}\n"
        "  - {date: 2026-10-12, reason: nghỉ thử}\n",
    )
    await load_world(database, changed, now=morning_of(date(2026, 10, 2)))
    after = await obligation(database, **LANG_SON)
    assert (before.base_on, after.base_on) == (date(2026, 11, 9), date(2026, 11, 6))
    assert after.judged_on == date(2026, 11, 10)
    assert after.remind_on < before.remind_on


async def test_what_a_file_drops_is_withdrawn_and_comes_back_with_its_answers(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    texts = read_folder(SHIPPED)
    texts.pop("plans/lang-son-131-2020.yaml")
    await load_world(database, Registry.from_texts(texts), now=NOW)
    gone = await obligation(database, **LANG_SON)
    assert (gone.state, gone.remind_on) == ("withdrawn", None)
    await load_world(database, registry, now=NOW)
    back = await obligation(database, **LANG_SON)
    assert (back.id, back.state) == (gone.id, "open")
    async with database.read() as connection:
        rows = await connection.execute(
            select(Task.withdrawn_at).where(Task.withdrawn_at.is_not(None))
        )
        assert rows.all() == []


async def test_a_plan_closed_on_a_date_owes_nothing_after_it(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    async with database.write() as connection:
        await connection.execute(
            update(Plan)
            .where(Plan.code == "lang-son-131-2020")
            .values(closed_on=date(2026, 12, 31))
        )
        await materialise(connection, registry, today=TODAY)
    assert (await obligation(database, **LANG_SON)).state == "open"
    later = await obligation(database, **{**LANG_SON, "period": "2027"})
    assert later.state == "withdrawn"


async def test_an_extension_moves_the_ladder_without_a_second_obligation(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 11, 2)))
    before = await obligation(database, **LANG_SON)
    total = await count(database)
    async with database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == before.id)
            .values(extended_to=date(2026, 12, 15))
        )
        await recompute(connection, registry, [before.id], today=date(2026, 11, 3))
    after = await obligation(database, **LANG_SON)
    assert after.base_on == date(2026, 12, 15)
    assert after.remind_on == date(2026, 11, 16)
    await load_world(database, registry, now=morning_of(date(2026, 11, 3)))
    assert await count(database) == total
    assert (await obligation(database, **LANG_SON)).base_on == date(2026, 12, 15)


STEPS = st.dates(date(2020, 1, 1), date(2035, 12, 31)).map(
    lambda day: schedule_rungs(RUNGS["report"], compute_due_date(day, CALENDAR), CALENDAR)
)


@given(STEPS, st.integers(-60, 120), st.none() | st.integers(0, 11))
def test_the_next_step_is_never_a_rung_that_was_sent_and_only_the_latest_missed_one(
    steps: list[tuple[int, date]], offset: int, sent_index: int | None
) -> None:
    due = next(day for rung, day in steps if rung == 0)
    today = date.fromordinal(due.toordinal() + offset)
    sent = None if sent_index is None else steps[sent_index][0]
    step = next_step(steps, today=today, sent=sent, acknowledged_until=None)
    if step is None:
        assert sent is not None or all(day <= today for _, day in steps)
        return
    rung, day = step
    assert sent is None or rung > sent
    if day <= today:
        assert not any(day < later <= today for _, later in steps)


@given(STEPS, st.integers(-40, 5))
def test_an_acknowledgement_holds_rungs_back_but_never_the_last_before_the_due_date(
    steps: list[tuple[int, date]], offset: int
) -> None:
    due = next(day for rung, day in steps if rung == 0)
    today = date.fromordinal(due.toordinal() + offset)
    held = CALENDAR.add(today, 3)
    step = next_step(steps, today=today, sent=None, acknowledged_until=held)
    free = next_step(steps, today=today, sent=None, acknowledged_until=None)
    assert step is not None
    assert free is not None
    if step[0] <= -3:
        assert step[1] > held
    eve = next(day for rung, day in steps if rung == -1)
    if today <= eve:
        assert step[1] <= eve or step[0] > -1


@given(STEPS, st.integers(-40, 5), st.integers(0, 12), st.none() | st.integers(0, 4))
def test_the_next_step_is_the_same_on_whatever_day_it_is_reckoned(
    steps: list[tuple[int, date]], offset: int, later: int, sent_index: int | None
) -> None:
    due = next(day for rung, day in steps if rung == 0)
    today = date.fromordinal(due.toordinal() + offset)
    held = CALENDAR.add(today, 3)
    sent = None if sent_index is None else steps[sent_index][0]
    step = next_step(steps, today=today, sent=sent, acknowledged_until=held)
    if step is None or step[1] <= today:
        return
    another_day = min(date.fromordinal(today.toordinal() + later), step[1])
    assert next_step(steps, today=another_day, sent=sent, acknowledged_until=held) == step


async def test_an_answer_survives_a_plan_that_is_dropped_and_comes_back(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=NOW)
    owed = await obligation(database, **LANG_SON)
    async with database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == owed.id)
            .values(state="submitted", submitted_at=NOW, remind_on=None, rung=None)
        )
    texts = read_folder(SHIPPED)
    texts.pop("plans/lang-son-131-2020.yaml")
    await load_world(database, Registry.from_texts(texts), now=NOW)
    await load_world(database, registry, now=NOW)
    back = await obligation(database, **LANG_SON)
    assert (back.state, back.remind_on) == ("submitted", None)


async def test_an_extension_that_a_later_deadline_overtakes_counts_no_more(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 10, 1)))
    owed = await obligation(database, **LANG_SON)
    async with database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == owed.id).values(extended_to=date(2026, 11, 5))
        )
        await recompute(connection, registry, [owed.id], today=date(2026, 10, 1))
    assert (await obligation(database, **LANG_SON)).base_on == date(2026, 11, 9)


async def test_a_moved_deadline_is_told_by_the_load(database: Database, registry: Registry) -> None:
    await load_world(database, registry, now=NOW)
    changed = edited(
        "plans/lang-son-131-2020.yaml",
        'raw: "trước ngày 10/11"',
        'raw: "trước ngày 20/11"',
    )
    async with database.write() as connection:
        result = await sync_registry(connection, changed, now=NOW, today=TODAY)
    told = [change for change in result.changes if change.what == "duty"]
    assert [change.code for change in told] == ["lang-son-131-2020 BC.2"]
    assert "10/11" in told[0].before
    assert "20/11" in told[0].after
