"""The same program on a real PostgreSQL: schema, a morning, conversations, counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, select

from data.clock import ZONE, SteppedClock
from data.database import Database
from data.export_files import JsonSink
from data.export_page import Scope
from data.export_rows import write_pages
from data.migrate import newest, revision_of
from data.models import Base, Message, Obligation
from data.registry import Registry
from jobs.asked_reports import Reports
from jobs.reminders import morning
from tests.answered import Said
from tests.talk import Seat, Talk, small_registry
from tests.test_import_status import Office
from tests.world import load_world, morning_of, open_chats

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


async def test_a_migrated_schema_equals_a_fresh_one(postgres: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with postgres.read() as connection:
        assert await revision_of(connection) == newest()
        assert await connection.run_sync(differences) == []


async def test_a_conversation_goes_as_on_sqlite(postgres: Database) -> None:
    talk = await Talk(postgres, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"),
        Seat("8", "dong", "skhcn", "coordinator"),
        Seat("9", "dong", "ubnd", "leader", may_decide=True),
    )
    commands = {
        "7": (
            "/viec",
            "/thuongxuyen",
            "/status",
            "/quahan",
            "/sapden 20",
            "/tim ngân sách",
            "/lich",
        ),
        "8": ("/status", "/status STC", "/status BC.1", "/donvi", "/xacnhan", "/giahan", "/lich"),
        "9": ("/status", "/quahan", "/nhiemvu 10 2", "/lichsu stc", "/giaitrinh", "/help"),
    }
    for chat, words in commands.items():
        for word in words:
            (answer,) = await talk.say(chat, word)
            assert answer.template not in ("sorry", "unknown_command"), word
    await talk.say("7", "/viec")
    recorded = await talk.say("7", "BC.1 đã xong, Báo cáo số 12/BC-STC ngày 9/11/2026")
    assert recorded[0].template == "recorded"
    echo, *told = await talk.say("8", "/xacnhan")
    assert echo.template == "to_confirm_one"
    assert told == []
    (confirmed, *_) = await talk.press(echo, "Xác nhận")
    assert confirmed.template == "decided"
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).state == "confirmed"
    await talk.say("7", "2 vướng kinh phí")
    (history,) = await talk.say("7", "/lichsu")
    assert "12/BC-STC" in history.html
    assert "đã nhận 1/2" in (await talk.say("8", "/status"))[0].plain.replace("<b>", "")


async def test_a_morning_of_the_real_registry_is_the_same_on_both(
    postgres: Database, database: Database, registry: Registry
) -> None:
    now = morning_of(datetime(2026, 11, 20, tzinfo=ZONE).date())
    counts = []
    for one in (postgres, database):
        await load_world(one, registry, now=now)
        await open_chats(one, now=now, province="lang-son")
        result = await morning(one, registry, now=now)
        async with one.read() as connection:
            by_state = await connection.execute(
                select(Obligation.state, func.count()).group_by(Obligation.state)
            )
            texts = await connection.scalar(select(func.count()).select_from(Message))
            counts.append((result.messages, result.items, texts, sorted(map(tuple, by_state))))
    assert counts[0] == counts[1]
    assert counts[0][0] > 60


async def test_an_export_and_a_status_sheet_go_as_on_sqlite(
    postgres: Database, tmp_path: Path
) -> None:
    talk = await Talk(postgres, small_registry(), NOW).begin(Seat("7", "dong", "stc"))
    await talk.say("7", "/viec")
    await talk.say("7", "1 đang làm 60%")
    async with postgres.read() as connection:
        sink = JsonSink(tmp_path / "all.json", {}, lines=False)
        counts = await write_pages(Scope(connection, talk.registry), sink)
    assert counts["replies"] == 1
    office = await Office(talk, tmp_path / "s.xlsx").get(agency="stc")
    office.fill("stc", "2", "đang làm", percent=30)
    await office.bring_back()
    assert (await talk.obligation("10/KH-UBND", "stc", "2", "end")).percent == 30
    assert await office.changes() == []


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
        jobs = [Reports(each, small_registry, SteppedClock(NOW)) for _ in range(3)]
        assert sum(await asyncio.gather(*(job.step() for job in jobs))) == 3
    (facts, lines), (same, same_lines) = found
    assert lines == same_lines
    assert replace(facts, sections=()) == replace(same, sections=())
    tasks, same_tasks = ([replace(t, task_id=0) for t in each.tasks] for each in (facts, same))
    assert tasks == same_tasks
