"""GET /metrics: every figure as a monitor reads it, no words of people, and counted from indexes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, insert, text, update

from bot.web.routes import make_web_app
from data import job_runs
from data.accounts import leases
from data.clock import ZONE, SteppedClock
from data.db.database import Database
from data.db.upgrade import newest_revision
from data.figures.metrics import load_gauges
from data.models import Account, Base, InboxEvent, Message, Obligation
from data.registry.workdays import Workdays
from jobs.channel import Capabilities
from tests.support.conversations import WITHOUT, Seat, Talk, small_registry
from tests.support.loaded_province import morning_of

LOADED = morning_of(date(2026, 11, 2))
NOW = morning_of(date(2026, 11, 20))
ZALO = replace(WITHOUT, messenger="Zalo", monthly_messages=3000, most_people=50)
SECRET = "báo cáo mật của chị Lan"

Figures = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), LOADED).begin(
        Seat("stc", "dong", "stc"), Seat("coordinator", "dong", "skhcn", "coordinator")
    )


def client_of(
    database: Database, capabilities: dict[int, Capabilities] | None = None
) -> httpx.AsyncClient:
    web = make_web_app(database, SteppedClock(NOW), (), capabilities)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=web), base_url="http://bot.test")


async def page_of(database: Database, capabilities: dict[int, Capabilities] | None = None) -> str:
    async with client_of(database, capabilities) as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def read(page: str) -> Figures:
    """Return every figure by its name (without "nhacviec_") and its labels' values, by their names."""
    return {
        (
            sample.name.removeprefix("nhacviec_"),
            tuple(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def put(talk: Talk, **values: Any) -> None:
    async with talk.database.write() as connection:
        await connection.execute(
            insert(Message).values(
                account_id=talk.account_id,
                chat_id=1,
                priority=2,
                template="help",
                context={"said": SECRET},
                buttons=[],
                created_at=NOW,
                **{"send_at": NOW, **values},
            )
        )


async def test_every_figure_of_an_account_stands_there(talk: Talk) -> None:
    database, key = talk.database, talk.account_id
    await put(talk, state="pending", send_at=NOW - timedelta(seconds=90))
    await put(talk, state="pending", send_at=NOW + timedelta(days=1))
    await put(talk, state="failed")
    await put(talk, state="uncertain")
    await put(talk, state="sent", sent_at=datetime(2026, 10, 31, tzinfo=ZONE))
    async with database.write() as connection:
        await leases.take_lease(connection, key, "host:1", now=NOW)
        await connection.execute(update(InboxEvent).values(state="done"))
        for number, state in enumerate(("new", "parked", "parked")):
            await connection.execute(
                insert(InboxEvent).values(
                    account_id=key,
                    update_id=f"x{number}",
                    raw=SECRET.encode(),
                    received_at=NOW,
                    state=state,
                    error=SECRET,
                )
            )
        await connection.execute(
            insert(Account).values(channel="telegram", name="77", title=SECRET, stopped_at=NOW)
        )
    page = await page_of(database, {key: ZALO})
    figures = read(page)
    here = ("test", "local")
    assert {name: value for (name, labels), value in figures.items() if labels == here} == {
        "account_messages_sent_total": 2,  # two answers; what was sent last month is counted no more
        "account_stopped": 0,
        "account_owned": 1,
        "account_messages_waiting": 2,
        "account_oldest_due_seconds": 90,
        "account_inbox_new": 1,
        "account_inbox_parked": 2,
        "account_people": 2,
        "account_people_cap": 50,
        "account_month_messages_cap": 3000,
    }
    assert figures["account_month_messages", (*here, "sent")] == 2
    assert figures["account_month_messages", (*here, "received")] == 5
    assert figures["account_messages_parked", (*here, "failed")] == 1
    assert figures["account_messages_parked", (*here, "uncertain")] == 1
    assert figures["account_stopped", ("77", "telegram")] == 1
    assert figures["account_owned", ("77", "telegram")] == 0
    assert ("account_people_cap", ("77", "telegram")) not in figures
    assert [labels[0] for name, labels in figures if name == "build_info"] == [newest_revision()]
    assert "Lan" not in page


async def test_what_is_owed_is_counted_by_province(talk: Talk) -> None:
    before = read(await page_of(talk.database))
    late = before["obligations", ("dong", "late")]
    assert before["obligations", ("dong", "open")] > late > 0
    assert before["obligations", ("dong", "submitted")] == 0
    async with talk.database.write() as connection:
        owed = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")  # late since 17/11
        await connection.execute(
            update(Obligation).where(Obligation.id == owed.id).values(state="submitted")
        )
    after = read(await page_of(talk.database))
    assert after["obligations", ("dong", "late")] == late - 1
    assert after["obligations", ("dong", "submitted")] == 1
    assert after["obligations", ("tay", "open")] == before["obligations", ("tay", "open")]


@pytest.mark.sqlite  # whose planner needs no rows to choose an index
async def test_counting_reads_indexes_and_never_the_rows_that_are_stored(talk: Talk) -> None:
    statements: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(talk.database.engine.sync_engine, "before_cursor_execute", listen)
    async with talk.database.read() as connection:
        await load_gauges(connection, now=NOW, today=NOW.date(), workdays=Workdays())
        event.remove(talk.database.engine.sync_engine, "before_cursor_execute", listen)
        told = {}
        for statement, parameters in statements:
            if any(f"FROM {table}" in statement for table in ("message", "inbox", "obligation")):
                plan = await connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {statement}", parameters
                )
                told[statement] = " ".join(row[-1] for row in plan)
    assert len(told) == 6
    for statement, plan in told.items():
        waits = "'pending'" in statement or "'new'" in statement or "'parked'" in statement
        assert ("INDEX ix_" if waits else "COVERING INDEX ix_") in plan, (statement, plan)


async def test_a_provinces_last_morning_is_told_by_its_instant(talk: Talk) -> None:
    assert not [name for name, _ in read(await page_of(talk.database)) if "morning" in name]
    async with talk.database.write() as connection:
        for days in (3, 0):
            at = NOW - timedelta(days=days)
            await job_runs.record_run(connection, "morning", "dong", at.date(), now=at)
    figures = read(await page_of(talk.database))
    assert figures["morning_last_run_timestamp_seconds", ("dong",)] == NOW.timestamp()
    assert ("morning_last_run_timestamp_seconds", ("tay",)) not in figures


NOT_BASE = {
    "milliseconds", "minutes", "hours", "days", "ms", "percent", "kilobytes", "megabytes", "mb", "kb"
}  # fmt: skip
TYPES = {"gauge", "counter", "histogram", "summary", "untyped"}


async def test_names_follow_the_conventions_of_prometheus(talk: Talk) -> None:
    """As `promtool check metrics` has them, https://prometheus.io/docs/practices/naming/."""
    await put(talk, state="pending")
    async with talk.database.write() as connection:
        await job_runs.record_run(connection, "morning", "dong", NOW.date(), now=NOW)
    families = list(
        text_string_to_metric_families(await page_of(talk.database, {talk.account_id: ZALO}))
    )
    assert len(families) > 12
    for family in families:
        assert re.fullmatch(r"nhacviec_[a-z]+(_[a-z]+)*", family.name), family.name
        assert family.documentation.endswith("."), family.name
        words = family.name.split("_")
        assert not NOT_BASE & set(words), family.name
        assert not TYPES & set(words), family.name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            assert not sample.name.endswith(("_count", "_sum", "_bucket", "_created"))
            for label in sample.labels:
                assert re.fullmatch(r"[a-z]+(_[a-z]+)*", label)
                assert label not in ("le", "quantile", "job", "instance")
                assert f"by_{label}" not in family.name
        if "timestamp" in words or "oldest" in words:
            assert words[-1] == "seconds"
        labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
        assert len(labels) == len(set(labels)), f"{family.name} says one thing twice"


@pytest.fixture
async def emptied(database: Database) -> Database:
    async with database.engine.begin() as connection:
        if database.is_sqlite:
            await connection.execute(text("PRAGMA foreign_keys=OFF"))
        await connection.run_sync(Base.metadata.drop_all)
    return database


async def test_where_the_database_cannot_be_read_it_says_so(emptied: Database) -> None:
    async with client_of(emptied) as client:
        answer = await client.get("/metrics")
    assert (answer.status_code, answer.text) == (503, "database failed")
