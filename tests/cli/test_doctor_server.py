"""What `nhacviec doctor` says of the database itself: its revision, its server, its last backup."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, text

from bot.cli.doctor.finding import CheckContext
from bot.cli.doctor.server import CHECKS, check_backups, judge_clock
from bot.config import Settings
from bot.health.finding import Finding
from data.backup.state import BACKED_UP_AT
from data.db.database import Database
from data.db.upgrade import newest_revision
from data.models import Meta
from data.registry.workdays import Workdays
from tests.support.loaded_province import morning_of

NOW = morning_of(date(2026, 11, 25), 9)
CASE = CheckContext(Settings(), NOW, Workdays(), None, (), ())


async def examined(database: Database) -> dict[str, Finding]:
    async with database.read() as connection:
        found = [each for check in CHECKS for each in await check(connection, CASE)]
    return {each.about: each for each in found}


@pytest.mark.sqlite
async def test_of_a_file_the_revision_and_the_last_backup_are_told(database: Database) -> None:
    found = await examined(database)
    assert {about: each.level for about, each in found.items()} == {
        "Bản cấu trúc": "ok",
        "Sao lưu": "warn",
    }
    assert found["Bản cấu trúc"].found == f"{newest_revision()}."
    assert "nhacviec backup" in found["Sao lưu"].todo


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("age", "level", "words"),
    [
        (timedelta(hours=7), "ok", "7 giờ"),
        (timedelta(hours=47), "ok", "47 giờ"),
        (timedelta(days=9), "warn", "9 ngày trước"),
    ],
)
async def test_the_age_of_the_last_backup_is_told(
    age: timedelta, level: str, words: str, database: Database
) -> None:
    async with database.write() as connection:
        made = insert(Meta).values(key=BACKED_UP_AT, value=(NOW - age).isoformat())
        await connection.execute(made)
    async with database.read() as connection:
        (found,) = await check_backups(connection, CASE)
    assert (found.level, words in found.found) == (level, True)


@pytest.mark.parametrize(
    ("change", "level", "todo"),
    [
        ("DELETE FROM alembic_version", "warn", "dịch vụ tự nâng lên"),
        ("UPDATE alembic_version SET version_num = '9999'", "bad", "Hãy cài bản mới ấy"),
    ],
)
async def test_tables_of_another_program_are_told(
    change: str, level: str, todo: str, database: Database
) -> None:
    async with database.write() as connection:
        await connection.execute(text(change))
    found = (await examined(database))["Bản cấu trúc"]
    assert (found.level, todo in found.todo) == (level, True)


@pytest.mark.slow
async def test_of_a_server_its_version_connections_size_and_clock_are_told(
    postgres: Database,
) -> None:
    found = await examined(postgres)
    assert {about: each.level for about, each in found.items()} == {
        "Bản cấu trúc": "ok",
        "PostgreSQL": "ok",
        "Giờ máy chủ cơ sở dữ liệu": "ok",
    }
    assert "kết nối" in found["PostgreSQL"].found
    assert found["PostgreSQL"].found.startswith("bản ")


@pytest.mark.parametrize(("off", "level"), [(0, "ok"), (4, "ok"), (60, "warn"), (-60, "warn")])
def test_a_servers_clock_that_differs_is_told(off: int, level: str) -> None:
    now = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    found = judge_clock(now + timedelta(seconds=off), now, now)
    assert (found.level, f"lệch máy này {abs(off)} giây" in found.found) == (level, True)
