"""A morning and a report on a file and on a real PostgreSQL, side by side; `pytest --postgres` has the rest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select

from data.clock import ZONE, SteppedClock
from data.db.database import Database
from data.models import Message, Obligation
from data.registry.registry import Registry
from jobs.morning.run import run_mornings
from jobs.reports.requests import ReportWorker
from tests.support.conversations import Talk, small_registry
from tests.support.loaded_province import load_world, morning_of, open_chats
from tests.support.recorded_answers import Said

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


async def test_a_morning_of_the_real_registry_is_the_same_on_both(
    postgres: Database, database: Database, registry: Registry
) -> None:
    now = morning_of(datetime(2026, 11, 20, tzinfo=ZONE).date())
    counts = []
    for one in (postgres, database):
        await load_world(one, registry, now=now)
        await open_chats(one, now=now, province="lang-son")
        result = await run_mornings(one, registry, now=now)
        async with one.read() as connection:
            by_state = await connection.execute(
                select(Obligation.state, func.count()).group_by(Obligation.state)
            )
            texts = await connection.scalar(select(func.count()).select_from(Message))
            counts.append((result.messages, result.items, texts, sorted(map(tuple, by_state))))
    assert counts[0] == counts[1]
    assert counts[0][0] > 60


async def test_a_report_holds_the_same_on_both_and_is_made_once_by_three(
    postgres: Database, database: Database
) -> None:
    found = []
    for each in (postgres, database):
        talk = await Talk(each, small_registry(), now=NOW).begin()
        said = Said(each, talk.registry)
        await said.say("stc", "2", "end", "in_progress", at=NOW, percent=40, note="Đề nghị vốn")
        await said.say("sxd", "2", "end", "completed", at=NOW, document="7/BC")
        taken_back = await said.say("stc", "1", "end", "blocked", at=NOW, note="Thiếu người")
        await said.undo(taken_back, at=NOW)
        facts = await said.facts(date(2026, 11, 20))
        found.append((facts, await said.lines(facts)))
        await talk.enrol("theo-doi", "dong", "skhcn", "coordinator")
        for words in ("10", "10 excel", "10 quý 4"):
            await talk.say("theo-doi", f"/baocao {words}")
        jobs = [ReportWorker(each, small_registry, SteppedClock(NOW)) for _ in range(3)]
        assert sum(await asyncio.gather(*(job.step() for job in jobs))) == 3
    (facts, lines), (same, same_lines) = found
    assert lines == same_lines
    assert replace(facts, sections=()) == replace(same, sections=())
    tasks, same_tasks = ([replace(t, task_id=0) for t in each.tasks] for each in (facts, same))
    assert tasks == same_tasks
