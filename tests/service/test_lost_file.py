"""A database file that is gone: told in words, never begun anew unasked, never written to as a ghost."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.db.upgrade import prepare_schema, upgrade_schema
from data.models import InboxEvent, Meta
from tests.cli.test_cli import Terminal, terminal
from tests.service.test_app import free_port
from tests.support.loaded_province import counted
from tests.support.small_service import service
from tests.support.telegram_server import TOKEN

__all__ = ["terminal"]  # a fixture

pytestmark = pytest.mark.sqlite


async def begun(path: Path) -> Path:
    """Let a database have been in use."""
    path.parent.mkdir(exist_ok=True)
    database = Database(f"sqlite+aiosqlite:///{path}")
    await prepare_schema(database)
    await database.dispose()
    return path


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_another(path: Path) -> None:
    """Put a database without any table there, as other tools do."""
    path.unlink()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 1")


@pytest.mark.parametrize("lose", [Path.unlink, empty, make_another])
async def test_a_file_that_was_in_use_is_not_begun_anew(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    path = await begun(tmp_path / "nhacviec.db")
    lose(path)
    size = path.stat().st_size if path.exists() else None
    database = Database(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(DatabaseUnusable, match=r"đã mất hoặc rỗng.*khôi phục bản sao lưu"):
        await prepare_schema(database)
    await database.dispose()
    assert (path.stat().st_size if path.exists() else None) == size


async def test_a_file_whose_log_alone_is_left_is_not_begun_anew(tmp_path: Path) -> None:
    """SQLite would delete the log, and with it the last answers."""
    path = tmp_path / "nhacviec.db"
    log = tmp_path / "nhacviec.db-wal"
    log.write_bytes(b"x" * 5000)
    database = Database(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(DatabaseUnusable, match="đã mất hoặc rỗng"):
        await prepare_schema(database)
    assert log.read_bytes() == b"x" * 5000


async def test_a_start_that_was_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "nhacviec.db"
    path.touch()
    path.with_name("nhacviec.db.owner").touch()
    await begun(path)
    await begun(path)


async def test_who_deletes_the_mark_as_well_begins_anew(tmp_path: Path) -> None:
    path = await begun(tmp_path / "nhacviec.db")
    path.unlink()
    path.with_name("nhacviec.db.begun").unlink()
    assert (await begun(path)).stat().st_size > 0


@pytest.mark.slow
def test_every_command_tells_of_a_lost_file_and_makes_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("NHACVIEC_TELEGRAM_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("NHACVIEC_WEB_PORT", str(free_port()))
    assert terminal.type("plan", "load")[0] == 0
    Path("var/nhacviec.db").unlink()
    for words in (["run"], ["plan", "load"], ["status"], ["people", "list"], ["backup", "x.db"]):
        assert "var/nhacviec.db đã mất hoặc rỗng" in terminal.refused(*words), words
    assert "đã mất hoặc rỗng" in terminal.type("doctor")[1]
    assert not Path("var/nhacviec.db").exists()


# ------------------------------------------------------------------ while the service runs


def put_another(path: Path) -> None:
    shutil.copy(path, f"{path}.other")
    os.replace(f"{path}.other", path)  # noqa: PTH105


@pytest.mark.slow
@pytest.mark.parametrize(("lose", "told"), [(Path.unlink, "đã mất"), (put_another, "đã bị thay")])
async def test_a_service_whose_file_goes_says_so_and_takes_nothing_until_it_is_back(
    tmp_path: Path,
    migrated: Path,
    caplog: pytest.LogCaptureFixture,
    lose: Callable[[Path], None],
    told: str,
) -> None:
    path, aside = tmp_path / "nhacviec.db", tmp_path / "aside"
    shutil.copy(migrated, path)
    caplog.set_level(logging.WARNING)
    async with service(tmp_path, f"sqlite+aiosqlite:///{path}") as it:
        assert await it.post(1) == 200
        await it.until_well()
        os.link(path, aside)
        lose(path)
        assert await it.post(2) == 500
        status, said = await it.health()
        assert (status, said["ok"]) == (503, False)
        assert told in said["why"]
        assert "«nhacviec run»" in said["why"]
        found = path.read_bytes() if path.exists() else None
        assert await it.post(3) == 500
        assert (path.read_bytes() if path.exists() else None) == found
        os.replace(aside, path)  # noqa: PTH105
        assert await it.post(2) == 200
        await it.until_well()
        assert await counted(it.app.database, InboxEvent) == 2
    assert told in caplog.text


async def write(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(Meta).values(key="x", value="y"))


async def read(database: Database) -> None:
    async with database.read() as connection:
        await connection.execute(select(Meta))


async def test_a_transaction_during_which_the_file_goes_is_not_said_to_be_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "nhacviec.db"
    database = Database(f"sqlite+aiosqlite:///{path}")
    await upgrade_schema(database)

    async def lose_it() -> None:
        async with database.write() as connection:
            await connection.execute(insert(Meta).values(key="x", value="y"))
            path.unlink()

    with pytest.raises(DatabaseUnusable, match="đã mất trong khi"):
        await lose_it()
    await database.dispose()


@pytest.mark.parametrize("work", [write, read])
async def test_a_new_connection_makes_no_new_file(
    tmp_path: Path, work: Callable[[Database], Awaitable[None]]
) -> None:
    path = await begun(tmp_path / "nhacviec.db")
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.read() as held:  # the one that is open
        await held.execute(select(Meta))
        path.unlink()
        with pytest.raises(DatabaseUnusable, match="đã mất trong khi"):
            await work(database)
        assert not path.exists()
    await database.dispose()


@pytest.mark.slow
async def test_a_database_that_is_begun_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the disk of the real one is not there, an empty one begins in its place."""
    caplog.set_level(logging.WARNING)
    async with service(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/nhacviec.db"):
        assert f"database.begun file={tmp_path}/nhacviec.db" in caplog.text
