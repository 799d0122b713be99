"""`nhacviec doctor` and /healthz speak of the running service alike: the same faults in the same words."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.health.finding import Finding
from bot.web.health import check_health
from data import job_runs
from data.db.errors import DatabaseUnusable
from data.loading.load import read_registry, sync_registry
from data.models import Account, Meta
from tests.cli.test_doctor import NOW, Office, office
from tests.support.conversations import small_registry

pytestmark = pytest.mark.slow  # both platforms

__all__ = ["office"]  # a fixture

KEYS = (("telegram", "4242"), ("zalo_bot", "7001"))
# What the doctor alone can see: platforms over the network, the installation's files, backups.
OF_THE_DOCTOR = ("Đồng hồ", "Sổ bộ", "Lịch làm việc", "SQLite", "Sao lưu", "Bản cấu trúc")


async def well(office: Office) -> None:
    """Let both bots be owned, and every morning of the day be composed."""
    for kind, name in KEYS:
        await office.account(kind, name)
    async with office.database.write() as connection:
        registry = small_registry()
        await sync_registry(connection, registry, now=NOW, today=date(2026, 11, 25))
        for province in registry.provinces:
            await job_runs.record_run(connection, "morning", province, date(2026, 11, 25), now=NOW)


async def change(office: Office, **values: Any) -> None:
    async with office.database.write() as connection:
        await connection.execute(update(Account).where(Account.name == "7001").values(**values))


async def stopped(office: Office) -> None:
    await change(office, stopped_at=NOW, stopped_why="refused: 401")


async def resting(office: Office) -> None:
    await change(office, stopped_at=NOW, stopped_why="spent", stopped_until=NOW + timedelta(days=3))


async def resting_without_an_owner(office: Office) -> None:
    await resting(office)
    await change(office, owned_until=NOW - timedelta(seconds=1))


async def not_running(office: Office) -> None:
    await change(office, owned_until=NOW - timedelta(seconds=1))


async def never_ran(office: Office) -> None:
    await change(office, name="7999", owned_until=None, owner=None)


async def anothers_bot_stopped(office: Office) -> None:
    key = await office.account("zalo_bot", "7777")
    async with office.database.write() as connection:
        await connection.execute(
            update(Account).where(Account.id == key).values(stopped_at=NOW, stopped_why="x")
        )


async def key_of(office: Office) -> int:
    async with office.database.read() as connection:
        key = await connection.scalar(select(Account.id).where(Account.name == "7001"))
    assert key is not None
    return key


async def waiting(office: Office, minutes: int) -> None:
    key = await key_of(office)
    chat = await office.chat(key, "z1")
    await office.message(key, chat, send_at=NOW - timedelta(minutes=minutes))


async def waiting_long(office: Office) -> None:
    await waiting(office, 61)


async def waiting_a_little(office: Office) -> None:
    await waiting(office, 30)


async def spent_in_the_month(office: Office) -> None:
    key = await key_of(office)
    chat = await office.chat(key, "z1")
    for _ in range(10):
        await office.message(key, chat, state="sent", sent_at=NOW - timedelta(days=3))


async def morning_missing(office: Office) -> None:
    async with office.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM job_run WHERE subject = 'dong'")


async def nothing(office: Office) -> None:
    """Leave everything well."""


CONDITIONS: list[tuple[Callable[[Office], Awaitable[None]], str]] = [
    (nothing, ""),
    (stopped, "đã dừng (refused: 401)"),
    (resting, ""),
    (resting_without_an_owner, "không chạy"),
    (not_running, "không chạy"),
    (never_ran, "chưa chạy lần nào"),
    (anothers_bot_stopped, "đã dừng"),
    (waiting_long, "tin cũ nhất đã chờ 61 phút"),
    (waiting_a_little, ""),
    (spent_in_the_month, ""),
    (morning_missing, "hôm nay chưa soạn cho"),
]


@pytest.mark.parametrize(
    ("condition", "told"), CONDITIONS, ids=lambda each: getattr(each, "__name__", "")
)
async def test_each_condition_is_bad_for_both_or_for_neither(
    condition: Callable[[Office], Awaitable[None]], told: str, office: Office
) -> None:
    await well(office)
    await condition(office)
    settings = office.settings(zalo_bot_messages=10)
    bad = faults_of(await office.found(settings))
    async with office.database.read() as connection:
        registry = await read_registry(connection)
    health = await check_health(office.database, registry, KEYS, now=NOW)
    assert sorted(without_names(health["faults"])) == sorted(without_names(bad))
    assert health["ok"] is (not told)
    assert told in " ".join(bad)


def faults_of(found: list[Finding]) -> list[str]:
    """Return what the doctor finds bad about the running service."""
    return [
        f"{each.about}: {each.found}"
        for each in found
        if each.level == "bad" and each.about not in OF_THE_DOCTOR
    ]


def without_names(faults: list[str]) -> list[str]:
    """Return faults without the bot's name, which the service may know only as its number."""
    return [fault.partition(" (")[2] or fault for fault in faults]


@pytest.mark.sqlite
async def test_a_database_that_cannot_be_written_is_told_by_both(office: Office) -> None:
    await well(office)
    sentence = "Cơ sở dữ liệu đang bị chương trình khác khoá."
    with closing(sqlite3.connect(str(office.database.file), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (by_doctor,) = faults_of(await office.found())
        with pytest.raises(DatabaseUnusable, match=sentence):
            async with office.database.write() as connection:
                await connection.execute(insert(Meta).values(key="x", value=""))
    health = await check_health(office.database, None, KEYS, now=NOW)
    assert (health["ok"], health["faults"]) == (False, [by_doctor])
    assert by_doctor.startswith(f"Ghi dữ liệu: {sentence}")


async def test_trying_to_write_leaves_nothing_behind(office: Office) -> None:
    await well(office)
    await office.found()
    async with office.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT key FROM meta")
        assert "doctor" not in [row[0] for row in rows]
