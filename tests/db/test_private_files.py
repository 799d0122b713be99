"""The files of a database: who may read them, and that what was erased stands in none of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, insert, select, update

from bot.cli.doctor.finding import CheckContext
from bot.cli.doctor.installation import check_privacy
from bot.config import Settings, make_default_folder
from bot.sandbox.database import remove_earlier_database
from bot.service.process_lock import ProcessLock
from data.db.database import Database, empty_log_after
from data.db.upgrade import prepare_schema
from data.models import Meta
from data.registry.workdays import Workdays
from tests.support.small_service import service

pytestmark = pytest.mark.sqlite
SECRET = "7KQ2M-VX4TZ"


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    """Let this process make files that everybody may read, as some machines have it."""
    umask = os.umask(0)
    yield
    os.umask(umask)


def modes(folder: Path) -> dict[str, str]:
    found = {path.name: path for path in (folder, *folder.iterdir())}
    return {name: oct(path.stat().st_mode & 0o777) for name, path in found.items()}


async def test_a_new_database_its_log_and_what_lies_beside_it_are_for_their_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    make_default_folder(settings)
    database = Database(settings.database_url)
    lock = ProcessLock(database.file)
    await prepare_schema(database)
    assert modes(Path("var")) == {
        "var": "0o700",
        "nhacviec.db": "0o600",
        "nhacviec.db-wal": "0o600",
        "nhacviec.db-shm": "0o600",
        "nhacviec.db.begun": "0o600",
        "nhacviec.db.owner": "0o600",
    }
    lock.release()
    await database.dispose()


def test_the_sandbox_makes_the_folder_as_private(tmp_path: Path) -> None:
    remove_earlier_database(tmp_path / "var" / "sandbox.db")
    assert modes(tmp_path / "var") == {"var": "0o700"}


@pytest.mark.parametrize(
    ("folder", "file", "level"),
    [(0o700, 0o600, "ok"), (0o755, 0o600, "warn"), (0o700, 0o644, "warn"), (0o750, 0o640, "warn")],
)
def test_the_doctor_tells_of_a_folder_or_file_that_others_may_read(
    tmp_path: Path, folder: int, file: int, level: str
) -> None:
    path = tmp_path / "nhacviec.db"
    path.touch(mode=file)
    tmp_path.chmod(folder)
    now = datetime(2026, 11, 9, tzinfo=UTC)
    (found,) = check_privacy(CheckContext(Settings(), now, Workdays(), path, [], []))
    assert found.level == level
    assert (f"chmod 700 {tmp_path}" in found.todo) is (level == "warn")


# ------------------------------------------------------------------ what was erased


def bytes_in(path: Path, words: str) -> list[str]:
    """Return the files of a database that hold some words."""
    found = path.parent.glob(f"{path.name}*")
    return sorted(each.name for each in found if words.encode() in each.read_bytes())


@pytest.fixture
def path(migrated: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "nhacviec.db"
    copy.write_bytes(migrated.read_bytes())
    return copy


async def write(database: Database, statement: Any, *, erases: bool = False) -> None:
    async with database.write() as connection:
        await connection.execute(statement)
        if erases:
            empty_log_after(connection)


@pytest.mark.parametrize("size", [1, 500])  # within a page, and on pages of its own
@pytest.mark.parametrize(
    "erase", [update(Meta).values(value=""), delete(Meta)], ids=["emptied", "deleted"]
)
async def test_erased_words_leave_the_file_whatever_sqlite_does_by_itself(
    path: Path, erase: Any, size: int
) -> None:
    """Some systems build SQLite so that it does, most do not."""
    database = Database(f"sqlite+aiosqlite:///{path}", checkpoints=True)

    @event.listens_for(database.engine.sync_engine, "connect", insert=True)
    def _as_most_systems(connection: Any, _record: Any) -> None:
        connection.cursor().execute("PRAGMA secure_delete=OFF")

    await write(database, insert(Meta).values(key="x", value=SECRET * size), erases=True)
    assert bytes_in(path, SECRET) == ["nhacviec.db"]
    await write(database, erase, erases=True)
    assert bytes_in(path, SECRET) == []
    await database.dispose()


async def test_erased_words_leave_the_log_with_the_transaction_that_erased_them(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}", checkpoints=True)
    await write(database, insert(Meta).values(key="x", value=SECRET))
    assert bytes_in(path, SECRET) == ["nhacviec.db-wal"]
    await write(database, update(Meta).values(value=""), erases=True)
    assert bytes_in(path, SECRET) == []
    await database.dispose()


async def test_what_a_reader_kept_in_the_log_leaves_it_soon_after_the_reader(path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}", checkpoints=True)
    await write(database, insert(Meta).values(key="x", value=SECRET))
    async with database.read() as reading:
        await reading.execute(select(Meta))
        await write(database, update(Meta).values(value=""), erases=True)  # waits for nobody
        assert bytes_in(path, SECRET) == ["nhacviec.db-wal"]
    await write(database, insert(Meta).values(key="y", value="z"))
    assert bytes_in(path, SECRET) == []
    await database.dispose()


async def test_a_command_beside_a_service_leaves_the_log_to_the_service(path: Path) -> None:
    """Two that empty it at one instant may damage the file."""
    service = Database(f"sqlite+aiosqlite:///{path}", checkpoints=True)
    command = Database(f"sqlite+aiosqlite:///{path}")
    await write(service, insert(Meta).values(key="x", value=SECRET))
    await write(command, update(Meta).values(value=""), erases=True)
    await command.dispose()
    assert bytes_in(path, SECRET) == ["nhacviec.db-wal"]
    await write(service, insert(Meta).values(key="y", value="z"), erases=True)  # as each minute
    assert bytes_in(path, SECRET) == []
    await service.dispose()


@pytest.mark.slow
async def test_a_service_empties_the_log_of_what_a_command_erased(
    path: Path, tmp_path: Path
) -> None:
    async with service(tmp_path, f"sqlite+aiosqlite:///{path}") as it:
        await write(it.app.database, insert(Meta).values(key="x", value=SECRET))
        command = Database(f"sqlite+aiosqlite:///{path}")
        await write(command, delete(Meta).where(Meta.key == "x"), erases=True)
        await command.dispose()
        await it.app.jobs["sqlite_log"]()
        # A reader of the service's own may have held it then: the next write empties it.
        await it.until(lambda: bytes_in(path, SECRET) == [])
