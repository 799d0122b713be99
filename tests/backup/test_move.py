"""`nhacviec move`: a database goes to a server and answers there as it did."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli import move
from bot.service.process_lock import ProcessLock
from data.accounts import leases
from data.backup.copy import compute_checksum, count_rows, tables
from data.db.database import Database
from data.db.upgrade import current_revision, upgrade_schema
from data.models import Account, Message, StatusReply
from data.registry.registry import Registry
from tests.cli.test_cli import Terminal, terminal
from tests.support.conversations import Seat, Talk, small_registry
from tests.support.numbered_rows import give_numbers

__all__ = ["terminal"]  # the fixture

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
SEATS = (
    Seat("7", "lang-son", "so-tai-chinh"),
    Seat("8", "lang-son", "so-khcn", "coordinator"),
    Seat("9", "lang-son", "ubnd-tinh", "leader", may_decide=True),
)
LOOKS = {
    "7": ("/viec", "/thuongxuyen", "/status", "/quahan", "/sapden 60", "/lichsu", "/lich"),
    "8": ("/status", "/status STC", "/donvi", "/xacnhan", "/giahan", "/chitieu"),
    "9": ("/status", "/quahan", "/lichsu stc", "/tim ngân sách"),
}
ODD = "vướng kinh phí 😀 ‘é̀’ \\N \t\\."  # what COPY escapes, and a letter in two parts


def talked(path: Path, registry: Registry, seats: tuple[Seat, ...]) -> Path:
    """Make a file with a registry and a conversation in it."""

    async def make() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        await upgrade_schema(database)
        talk = await Talk(database, registry, NOW).begin(*seats)
        await talk.say("7", "/viec")
        await talk.say("7", "1 đang làm 60%")
        await talk.say("7", f"2 {ODD}")
        await talk.say("7", "3 đã xong, Báo cáo số 12/BC-STC ngày 9/11/2026")
        async with database.write() as connection:
            first = (await connection.execute(select(StatusReply.__table__).limit(1))).one()
            values = {**first._mapping, "id": 900, "said": "question", "note": f"a\x00{ODD}"}
            await connection.execute(insert(StatusReply).values(values))
        await database.dispose()

    asyncio.run(make())
    return path


@pytest.fixture(scope="session")
def talked_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    seats = (Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator"))
    return talked(tmp_path_factory.mktemp("talked") / "nhacviec.db", small_registry(), seats)


@pytest.fixture
def source(talked_file: Path, tmp_path: Path, terminal: Terminal) -> Path:
    """The database in use: two small provinces, in which somebody answered."""
    (tmp_path / "var").mkdir()
    shutil.copy(talked_file, tmp_path / "var" / "nhacviec.db")
    return tmp_path / "var" / "nhacviec.db"


@pytest.fixture
def address(server: Any) -> str:
    """The address of a new, empty database on the server."""
    name = f"moved_{next(_NUMBERS)}"
    server.psql(f"CREATE DATABASE {name};")
    return str(server.get_uri(name)).replace("postgresql://", "postgresql+psycopg://")


_NUMBERS = count(1)


def within(url: str | Path, look: Callable[[AsyncConnection], Any], *, write: bool = False) -> Any:
    async def do() -> Any:
        database = Database(f"sqlite+aiosqlite:///{url}" if isinstance(url, Path) else url)
        try:
            async with database.write() if write else database.read() as connection:
                return await look(connection)
        finally:
            await database.dispose()

    return asyncio.run(do())


async def sums_of(connection: AsyncConnection) -> list[Any]:
    return [await compute_checksum(connection, table) for table in tables()]


async def words_of(url: str, registry: Registry) -> list[str]:
    """Return what the bot answers: to looks, to «huỷ», to an answer; and the numbers it gave since."""
    database = Database(url)
    async with database.read() as connection:
        account_id = await connection.scalar(select(Account.id))
    assert account_id is not None
    talk = Talk(database, registry, NOW + timedelta(minutes=5), account_id)
    talk._events = count(1000)
    found = []
    for chat, looks in LOOKS.items():
        for look in looks:
            found += [f"{look} → {reply.html}" for reply in await talk.say(chat, look)]
    for words in ("/viec", "huỷ", "1 đã xong, Báo cáo số 9/BC-STC ngày 9/11/2026", "/lichsu"):
        found += [f"{words} → {reply.html}" for reply in await talk.say("7", words)]
    found = [line.replace("\x00", "") for line in found]  # which a server cannot keep
    async with database.read() as connection:
        for model in (Message, StatusReply):
            ids = await connection.scalars(select(model.id).order_by(model.id))
            found.append(f"{model.__tablename__} {list(ids)}")
    await database.dispose()
    return found


def test_a_moved_database_holds_the_same_and_answers_the_same(
    terminal: Terminal, tmp_path: Path, address: str, registry: Registry
) -> None:
    """The real registry, and people who said something."""
    (tmp_path / "var").mkdir()
    source = talked(tmp_path / "var" / "nhacviec.db", registry, SEATS)
    before = source.read_bytes()
    moved = terminal.json("move", "--to", address)
    assert moved["moved"] is True
    assert moved["rows"] > 2000
    there = within(address, sums_of)
    assert [(e["table"], e["rows"], e["checksum"]) for e in moved["tables"]] == [
        (each.table, each.rows, each.checksum) for each in there
    ]
    assert there == within(source, sums_of)
    assert source.read_bytes() == before
    answered = asyncio.run(words_of(address, registry))
    assert answered == asyncio.run(words_of(f"sqlite+aiosqlite:///{source}", registry))
    assert any("kinh phí 😀" in line for line in answered)
    assert any("9/BC-STC" in line for line in answered)
    with pytest.raises(DBAPIError, match="append-only"):
        within(address, lambda c: c.execute(text("DELETE FROM status_reply")), write=True)


def test_it_comes_back_into_a_file_as_it_was(
    terminal: Terminal,
    source: Path,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert terminal.type("move", "--to", address)[0] == 0
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", address)
    (tmp_path / "to").write_text(f"sqlite+aiosqlite:///{tmp_path / 'back.db'}\n")
    code, out, _ = terminal.type("move", "--to-file", "to")
    assert code == 0
    assert "khớp ở cả hai bên" in out
    assert within(tmp_path / "back.db", sums_of) == within(source, sums_of)


def test_a_trial_says_what_would_go_and_writes_nothing(
    terminal: Terminal, source: Path, address: str
) -> None:
    tried = terminal.json("move", "--to", address, "--dry-run")
    assert tried["moved"] is False
    assert {e["table"]: e["rows"] for e in tried["tables"]} == within(source, count_rows)
    assert within(address, current_revision) is None


def test_a_target_that_holds_anything_is_refused(
    terminal: Terminal, source: Path, address: str
) -> None:
    assert terminal.type("move", "--to", address)[0] == 0
    after = within(address, sums_of)
    assert "Nơi đến không trống" in terminal.refused("move", "--to", address)
    assert "Nơi đến không trống" in terminal.refused("move", "--to", address, "--dry-run")
    assert within(address, sums_of) == after


def test_a_database_of_others_is_no_target(terminal: Terminal, source: Path, address: str) -> None:
    within(address, lambda c: c.execute(text("CREATE TABLE theirs (id int)")), write=True)
    assert "bảng theirs" in terminal.refused("move", "--to", address)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("postgresql://x/y", "phải bắt đầu bằng"),
        ("mysql://x/y", "phải bắt đầu bằng"),
        ("sqlite+aiosqlite:///other.db", "«nhacviec backup»"),
        (
            "postgresql+psycopg://nobody:hush@127.0.0.1:1/none",
            "Nơi đến: Không nối được cơ sở dữ liệu",
        ),
    ],
)
def test_what_is_not_meant_is_refused(to: str, why: str, terminal: Terminal, source: Path) -> None:
    told = terminal.refused("move", "--to", to)
    assert why in told
    assert "hush" not in told


def test_while_a_service_owns_an_account_nothing_is_moved(
    terminal: Terminal, source: Path, address: str
) -> None:
    now = datetime.now(UTC)
    within(source, lambda c: leases.take_lease(c, 1, "other-machine", now=now), write=True)
    assert "other-machine" in terminal.refused("move", "--to", address)
    assert within(address, current_revision) is None


def test_while_a_service_has_the_file_nothing_is_moved(
    terminal: Terminal, source: Path, address: str
) -> None:
    service = ProcessLock(source)
    assert "Dịch vụ đang chạy" in terminal.refused("move", "--to", address)
    service.release()
    assert terminal.type("move", "--to", address)[0] == 0


def test_of_a_move_that_fails_on_the_way_nothing_stays(
    terminal: Terminal, source: Path, address: str
) -> None:
    with closing(sqlite3.connect(source)) as file, file:
        file.execute("UPDATE message SET context = '{\"x\": NaN}' WHERE id = 3")
    told = terminal.refused("move", "--to", address)
    assert "Nơi đến còn trống như trước" in told
    assert within(address, current_revision) is None


def test_a_text_that_the_server_would_refuse_is_told_before(
    terminal: Terminal, source: Path, address: str
) -> None:
    with closing(sqlite3.connect(source)) as file, file:
        file.execute("UPDATE person SET name = ? WHERE id = 1", ("x" * 130,))
    assert "person.name: 130/120" in terminal.refused("move", "--to", address)


def test_a_row_that_reads_back_otherwise_undoes_the_move(
    terminal: Terminal, source: Path, address: str
) -> None:
    async def spoil() -> None:
        database = Database(address)
        await upgrade_schema(database)
        async with database.write() as connection:
            await connection.execute(
                text(
                    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN NEW.period = '2025'; RETURN NEW; END $$"
                )
            )
            await connection.execute(
                text(
                    "CREATE TRIGGER spoil BEFORE INSERT ON obligation FOR EACH ROW "
                    "WHEN (NEW.id = 7) EXECUTE FUNCTION spoil()"
                )
            )
        await database.dispose()

    asyncio.run(spoil())
    assert "không khớp với nguồn ở bảng obligation" in terminal.refused("move", "--to", address)
    assert set(within(address, count_rows).values()) == {0}


async def test_a_server_that_is_moved_from_may_stand_still_while_the_target_is_read_again(
    postgres: Database,
) -> None:
    """The server ends the service's transactions that stand still; a move's is no service's."""
    shown = text("SHOW idle_in_transaction_session_timeout")
    async with postgres.read() as connection:
        assert await connection.scalar(shown) != "0"
    async with move._open_source(postgres) as connection:
        assert await connection.scalar(shown) == "0"


def test_no_number_is_given_again_after_a_move_there_and_back(
    terminal: Terminal,
    source: Path,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In every table the last number was given before the move, and its row was deleted."""
    before = give_numbers(make_url(f"sqlite+aiosqlite:///{source}"))
    assert terminal.type("move", "--to", address)[0] == 0
    there = give_numbers(make_url(address))
    assert {name for name in before if there[name] <= before[name]} == set()
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", address)
    back = tmp_path / "back.db"
    assert terminal.type("move", "--to", f"sqlite+aiosqlite:///{back}")[0] == 0
    after = give_numbers(make_url(f"sqlite+aiosqlite:///{back}"))
    assert {name for name in there if after[name] <= there[name]} == set()
    assert back.stat().st_mode & 0o777 == 0o600
