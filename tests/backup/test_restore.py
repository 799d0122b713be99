"""`nhacviec restore`: a backup replaces the database; no message is sent twice or lost unseen."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.backup import copy_database
from bot.cli.restore import _upgrade
from bot.service.process_lock import DatabaseInUse, ProcessLock, lock_out_services
from data.accounts import leases
from data.backup.restore import RestoreResult, mark_backed_up, prepare_restored_copy
from data.backup.state import inspect_backup
from data.clock import SystemClock
from data.contacts.invitations import create_invitation, hash_code
from data.db.database import Database
from data.db.upgrade import newest_revision, upgrade_schema
from data.files import DOCX, PNG, delete_own_files, store_file
from data.models import Agency, Chat, Enrolment, Invitation, JobRun, Message, StatusReply
from data.privacy import personal_data
from data.progress.decisions import record_decision
from jobs.morning.run import run_mornings
from tests.cli.test_cli import Terminal, terminal
from tests.support.conversations import Seat, Talk, small_registry
from tests.support.loaded_province import morning_of
from tests.support.newer_program import NEXT_REVISION, install_newer_program, run_newer_program
from tests.support.numbered_rows import give_numbers
from tests.support.round_trip import Whole

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # a server's backups are the server's

__all__ = ["terminal"]  # the fixture

TOP = Path(__file__).parents[2]
NOW = morning_of(date(2026, 11, 9), hour=9)
SEATS = (
    Seat("7", "dong", "stc"),
    Seat("6", "dong", "sxd"),
    Seat("5", "tay", "stc"),
    Seat("8", "dong", "skhcn", "coordinator"),
)


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def talk_in(path: Path) -> Talk:
    database = Database(sqlite_url(path))
    await upgrade_schema(database)
    return await Talk(database, small_registry(), NOW).begin(*SEATS)


@pytest.fixture
def present(terminal: Terminal, tmp_path: Path) -> Path:
    """The database in use, with one answer in it."""
    (tmp_path / "var").mkdir()
    path = tmp_path / "var" / "nhacviec.db"

    async def make() -> None:
        talk = await talk_in(path)
        await talk.say("7", "/viec")
        await talk.say("7", "1 đang làm 10%")
        await talk.database.dispose()

    asyncio.run(make())
    return path


def answered(path: Path, *words: str, chat: str = "7") -> list[str]:
    """Say things in a chat of a file that is in use; return the last answer to each."""

    async def say() -> list[str]:
        database = Database(sqlite_url(path))
        talk = Talk(database, small_registry(), NOW, 1)
        with closing(sqlite3.connect(path)) as file:
            highest = file.execute("SELECT max(id) FROM inbox_event").fetchone()[0]
        talk._events = iter(range(highest + 1, highest + 1000))
        found = [(await talk.say(chat, each))[-1].plain for each in words]
        await database.dispose()
        return found

    return asyncio.run(say())


# ------------------------------------------------------------------ the command


def test_a_restored_backup_answers_as_it_did_and_the_old_file_is_kept(
    terminal: Terminal, present: Path
) -> None:
    then = answered(present, "/viec", "/lichsu")
    assert terminal.type("backup", "copy.db")[0] == 0
    answered(present, "/viec", "1 đã xong, Báo cáo số 9/BC-STC ngày 9/11/2026")
    present.chmod(0o640)
    done = terminal.json("restore", "copy.db", "--yes")
    assert done["lost"]["status_reply"] == 1
    assert answered(present, "/viec", "/lichsu") == then
    assert present.stat().st_mode & 0o777 == 0o640
    kept = Path(done["kept"])
    assert kept.parent.resolve() == present.parent.resolve()
    assert "9/BC-STC" in answered(kept, "/lichsu")[0]
    beside = {
        path.name.removesuffix("-wal").removesuffix("-shm") for path in present.parent.iterdir()
    }
    assert beside == {present.name, kept.name, f"{present.name}.owner"}


def test_before_it_is_done_it_says_what_will_be_lost_and_a_trial_changes_nothing(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    answered(present, "/viec", "1 đang làm 30%", "1 đang làm 40%")
    before = present.read_bytes()
    code, out, _ = terminal.type("restore", "copy.db", "--dry-run")
    assert code == 0
    assert "Sẽ mất (chỉ còn trong tệp cũ): 2 câu trả lời, 3 tin đến" in out
    assert "Chưa thay gì" in out
    assert "Không có ai để hỏi lại" in terminal.type("restore", "copy.db")[2]
    assert present.read_bytes() == before
    assert not list(present.parent.glob("*.2*"))


def test_where_there_is_no_database_any_more_a_backup_becomes_it(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    present.unlink()
    done = terminal.json("restore", "copy.db", "--yes")
    assert (done["kept"], done["present"], done["told"]) == (None, None, 4)
    assert "10%" in answered(present, "/lichsu")[0]


def test_a_database_behind_a_link_is_restored_where_it_lies(
    terminal: Terminal, present: Path, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    real = tmp_path / "disk" / "real.db"
    present.rename(real)
    present.symlink_to(real)
    then = answered(present, "/lichsu")
    assert terminal.type("backup", "copy.db")[0] == 0
    answered(present, "/viec", "1 đã xong")
    kept = Path(terminal.json("restore", "copy.db", "--yes")["kept"])
    assert present.is_symlink()
    assert answered(present, "/lichsu") == then
    assert (kept.parent, kept.is_symlink()) == (real.parent, False)


def test_a_damaged_database_is_replaced_and_kept(terminal: Terminal, present: Path) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    with present.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(40_000))
    damaged = present.read_bytes()
    done = terminal.json("restore", "copy.db", "--yes")
    assert Path(done["kept"]).read_bytes() == damaged
    assert "10%" in answered(present, "/lichsu")[0]


def test_a_file_that_is_no_whole_backup_is_refused(
    terminal: Terminal, present: Path, tmp_path: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    before = present.read_bytes()
    (tmp_path / "words.db").write_text("no database")
    whole = (tmp_path / "copy.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[: len(whole) // 2])
    with closing(sqlite3.connect(tmp_path / "other.db")) as file, file:
        file.execute("CREATE TABLE theirs (id int)")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as file:
        page = "SELECT rootpage FROM sqlite_master WHERE name = 'ix_obligation_remind_on'"
        (number,), (size,) = (file.execute(q).fetchone() for q in (page, "PRAGMA page_size"))
    spoilt = bytearray(whole)  # opens and reads well, but for one index
    spoilt[(number - 1) * size : number * size] = spoilt[-size:]
    (tmp_path / "spoilt.db").write_bytes(spoilt)
    for name in ("words.db", "cut.db", "other.db", "spoilt.db"):
        assert "Hãy dùng bản sao lưu khác" in terminal.refused("restore", name, "--yes")
    assert "Không có tệp" in terminal.refused("restore", "none.db", "--yes")
    assert "chính là cơ sở dữ liệu" in terminal.refused("restore", "var/nhacviec.db", "--yes")
    assert present.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "bản chương trình mới hơn"),
        ("INSERT INTO meta VALUES ('sandbox', '1')", "của bản thử"),
    ],
)
def test_a_backup_of_a_newer_program_or_of_the_sandbox_is_refused(
    change: str, why: str, terminal: Terminal, present: Path, tmp_path: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as file, file:
        file.execute(change)
    assert why in terminal.refused("restore", "copy.db", "--yes")


def test_a_backup_of_an_older_program_is_brought_up_to_date(
    terminal: Terminal, present: Path, tmp_path: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    newer = install_newer_program(tmp_path / "newer")
    out = run_newer_program(newer, "-m", "bot", "restore", "copy.db", "--yes")
    step = f"Bản sao lưu ở bản {newest_revision()}: sẽ được nâng lên bản {NEXT_REVISION}"
    assert step in out
    with closing(sqlite3.connect(present)) as file:
        revision = file.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        added = file.execute("SELECT DISTINCT noted_by FROM meta").fetchall()
        answers = file.execute("SELECT count(*) FROM status_reply").fetchone()[0]
    assert (revision, added, answers) == (NEXT_REVISION, [("0",)], 1)


def test_while_a_service_runs_nothing_is_restored(terminal: Terminal, present: Path) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    service = ProcessLock(present)
    assert "Dịch vụ đang chạy" in terminal.refused("restore", "copy.db", "--yes")
    service.release()

    async def own() -> None:
        database = Database(sqlite_url(present))
        async with database.write() as connection:
            await leases.take_lease(connection, 1, "other", now=await SystemClock().now())
        await database.dispose()

    asyncio.run(own())
    assert "Dịch vụ other" in terminal.type("restore", "copy.db", "--yes")[2]


def test_while_a_service_runs_whose_file_is_lost_nothing_is_restored_either(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    service = ProcessLock(present)
    present.unlink()
    assert "Dịch vụ đang chạy" in terminal.refused("restore", "copy.db", "--yes")
    service.release()
    assert terminal.type("restore", "copy.db", "--yes")[0] == 0


def test_while_another_program_has_the_file_open_nothing_is_restored(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    before = present.read_bytes()
    with closing(sqlite3.connect(present)) as other:
        other.execute("SELECT * FROM plan").fetchone()
        assert "Có chương trình khác" in terminal.type("restore", "copy.db", "--yes")[2]
    assert present.read_bytes() == before
    assert not list(present.parent.glob("*.2*"))


def test_no_service_begins_while_a_file_is_replaced(present: Path) -> None:
    with lock_out_services(present), pytest.raises(DatabaseInUse, match="đang được khôi phục"):
        ProcessLock(present)
    ProcessLock(present).release()


def test_of_a_server_nothing_is_restored(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, present: Path
) -> None:
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", "postgresql+psycopg://x/y")
    assert "pg_restore" in terminal.refused("restore", "copy.db", "--yes")


# ------------------------------------------------------------------ what ended stays ended


def within(path: Path, work: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
    """Do something in a database; returns what that returned."""

    async def do() -> Any:
        database = Database(sqlite_url(path))
        try:
            async with database.write() as connection:
                return await work(connection)
        finally:
            await database.dispose()

    return asyncio.run(do())


async def remove_first(connection: AsyncConnection) -> None:
    """End the roles of the first person, who writes in chat 7."""
    ended = update(Enrolment).where(Enrolment.person_id == 1).values(ended_at=NOW)
    await connection.execute(ended)


def living(path: Path) -> set[str]:
    """Return the addresses of chats in which somebody is enrolled."""

    async def look(connection: AsyncConnection) -> set[str]:
        query = select(Chat.address).join(Enrolment).where(Enrolment.ended_at.is_(None))
        return set(await connection.scalars(query))

    found: set[str] = within(path, look)
    return found


def spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(40_000))


def begin_anew(path: Path) -> None:
    path.unlink()
    asyncio.run(_upgrade(path))


@pytest.mark.parametrize("replaced", ["grown", "spoilt", "gone", "begun anew", "restored before"])
def test_no_number_given_since_a_backup_is_given_again_in_any_table(
    terminal: Terminal, present: Path, replaced: str
) -> None:
    """The rows are gone again when the backup comes back; what remembers their numbers is not."""
    assert terminal.type("backup", "first.db")[0] == 0
    answered(present, "/viec")
    assert terminal.type("backup", "copy.db")[0] == 0
    given = give_numbers(make_url(sqlite_url(present)))
    if replaced == "restored before":
        assert terminal.type("restore", "first.db", "--yes")[0] == 0
        given = give_numbers(make_url(sqlite_url(present)))
    elif replaced != "grown":
        {"spoilt": spoil, "gone": Path.unlink, "begun anew": begin_anew}[replaced](present)
    assert terminal.type("restore", "copy.db", "--yes")[0] == 0
    again = give_numbers(make_url(sqlite_url(present)))
    assert {name for name in given if again[name] <= given[name]} == set()


def test_whoever_was_removed_or_erased_since_a_backup_stays_so_and_it_is_told_before(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    within(present, remove_first)
    within(present, lambda c: personal_data.erase_person(c, 3, now=NOW))
    code, told, _ = terminal.type("restore", "copy.db", "--dry-run")
    assert code == 0
    removed = told.partition("Đã kết thúc vai trò từ khi sao lưu, sẽ vẫn kết thúc:")[
        2
    ].splitlines()[2]
    assert removed.split("  ") == ["Chị <Lan>", "Sở Tài chính", "đầu mối"]
    assert "Đã xoá dữ liệu cá nhân từ khi sao lưu, sẽ xoá lại: người số 3." in told
    assert "Không biết" not in told
    assert living(present) == {"6", "8"}
    done = terminal.json("restore", "copy.db", "--yes")
    assert (done["removals_known"], done["erased"], len(done["removed"])) == (True, [3], 1)
    assert living(present) == {"6", "8"}
    kept = within(present, lambda c: personal_data.collect_personal_data(c, 3))
    assert (kept["name"], kept["identities"]) == (None, [])
    with closing(sqlite3.connect(present)) as file:
        addresses = {row[0] for row in file.execute("SELECT address FROM chat")}
    assert "5" not in addresses


def test_a_database_restored_before_still_tells_who_was_removed_and_erased(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "monday.db")[0] == 0
    answered(present, "/viec")
    assert terminal.type("backup", "tuesday.db")[0] == 0
    within(present, remove_first)
    within(present, lambda c: personal_data.erase_person(c, 3, now=NOW))
    assert terminal.type("restore", "monday.db", "--yes")[0] == 0
    done = terminal.json("restore", "tuesday.db", "--yes")
    assert (done["removals_known"], done["erased"]) == (False, [3])
    assert living(present) == {"6", "8"}


@pytest.mark.parametrize("replaced", [spoil, Path.unlink, begin_anew])
def test_where_nobody_can_tell_who_was_removed_that_is_told(
    terminal: Terminal, present: Path, replaced: Callable[[Path], None]
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    within(present, remove_first)
    replaced(present)
    told = terminal.type("restore", "copy.db", "--yes")[1]
    assert "Không biết hết ai đã kết thúc vai trò hay được xoá dữ liệu từ khi sao lưu" in told
    assert living(present) == {"5", "6", "7", "8"}


def test_nobody_of_another_installation_ends_anything(terminal: Terminal, present: Path) -> None:
    """Its first person has the same number, in the same role, for the same agency."""
    assert terminal.type("backup", "copy.db")[0] == 0
    present.unlink()

    async def make() -> None:
        database = Database(sqlite_url(present))
        await upgrade_schema(database)
        talk = await Talk(database, small_registry(), NOW + timedelta(hours=1)).begin(*SEATS)
        async with talk.database.write() as connection:
            await remove_first(connection)
            await personal_data.erase_person(connection, 3, now=NOW)
        await database.dispose()

    asyncio.run(make())
    done = terminal.json("restore", "copy.db", "--yes")
    assert (done["removed"], done["erased"], done["removals_known"]) == ([], [], False)
    assert living(present) == {"5", "6", "7", "8"}


def test_decisions_and_enrolments_since_a_backup_are_listed_before_they_are_lost(
    terminal: Terminal, present: Path
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0

    async def decide(connection: AsyncConnection) -> None:
        await record_decision(
            connection, "extension_granted", plan_code="dong-10", subject="BC.1", details={},
            person_id=4, decided_by="Sở Khoa học và Công nghệ", now=NOW,
        )  # fmt: skip

    within(present, decide)
    enrol_again(present, "9")
    told = terminal.type("restore", "copy.db", "--dry-run")[1]
    decisions = told.partition("Quyết định sẽ mất, cần làm lại:")[2]
    assert "09/11/2026 09:30  cho gia hạn  dong-10   BC.1  Sở Khoa học và Công nghệ" in decisions
    enrolled = told.partition("Đăng ký từ khi sao lưu, phải mời lại:")[2].splitlines()[2]
    assert enrolled.split("  ") == ["Chị <Lan>", "Sở Xây dựng", "đầu mối"]


def enrol_again(path: Path, chat: str) -> str:
    """Enrol another chat; returns the code that it used."""

    async def enrol() -> str:
        database = Database(sqlite_url(path))
        talk = Talk(database, small_registry(), NOW, 1)
        talk._events = iter(range(5_000, 6_000))
        code = await talk.invite("dong", "sxd", "focal")
        await talk.say(chat, f"/start {code}")
        await database.dispose()
        return code

    return asyncio.run(enrol())


def test_a_code_used_or_withdrawn_since_a_backup_opens_nothing(
    terminal: Terminal, present: Path
) -> None:
    async def invite(connection: AsyncConnection) -> list[str]:
        agency = await connection.scalar(select(Agency.id).where(Agency.code == "sxd"))
        assert agency is not None
        return [
            await create_invitation(connection, agency_id=agency, role="focal", now=NOW, days=36500)
            for _ in range(3)
        ]

    used, withdrawn, unused = within(present, invite)
    assert terminal.type("backup", "copy.db")[0] == 0
    answered(present, f"/start {used}", chat="9")
    within(
        present,
        lambda c: c.execute(delete(Invitation).where(Invitation.code_hash == hash_code(withdrawn))),
    )
    done = terminal.json("restore", "copy.db", "--yes")
    assert done["codes"] == 2
    for code, opens in ((used, False), (withdrawn, False), (unused, True)):
        answered(present, f"/start {code}", chat=f"new {code}")
        assert (f"new {code}" in living(present)) is opens


@pytest.mark.parametrize("replaced", ["grown", "spoilt", "begun anew"])
def test_a_file_let_go_of_since_a_backup_has_no_address_again(
    terminal: Terminal, present: Path, replaced: str
) -> None:
    """Its address stands in the chat of who was removed; a file that is kept stays."""

    async def make(connection: AsyncConnection) -> list[int]:
        return [
            await store_file(connection, name=name, mime=mime, content=b"PK", now=NOW)
            for name, mime in (("removed.docx", DOCX), ("kept.docx", DOCX), ("digest.png", PNG))
        ]

    removed, kept, picture = within(present, make)
    assert terminal.type("backup", "copy.db")[0] == 0
    within(present, lambda c: delete_own_files(c, [removed]))
    if replaced != "grown":
        {"spoilt": spoil, "begun anew": begin_anew}[replaced](present)
    assert terminal.type("restore", "copy.db", "--yes")[0] == 0
    found = {row[0] for row in terminal.sql("SELECT id FROM download")}
    assert found == ({kept, picture} if replaced == "grown" else {picture})


def test_what_became_less_since_a_backup_stays_less(terminal: Terminal, present: Path) -> None:
    """A right to decide, a last day, a calendar's address; and a report is not made a second time."""
    terminal.sql(
        "UPDATE enrolment SET may_decide = 1 WHERE id IN (2, 4)",
        "UPDATE enrolment SET until_on = '2026-12-31' WHERE id = 2",
        "INSERT INTO calendar_feed (id, chat_id, agency_id, role, made_at)"
        " VALUES (1, 1, 1, 'focal', '2026-11-09 02:00:00.000000')",
        "INSERT INTO report_request (id, plan_id, period, form, chat_id, asked_at)"
        " VALUES (1, 1, '2026', 'docx', 1, '2026-11-09 02:00:00.000000')",
    )
    assert terminal.type("backup", "copy.db")[0] == 0
    terminal.sql(
        "UPDATE enrolment SET may_decide = 0, until_on = '2026-11-20' WHERE id = 2",
        "UPDATE enrolment SET may_decide = 1, until_on = '2026-11-21' WHERE id = 3",
        "UPDATE enrolment SET until_on = '2027-12-31' WHERE id = 4",
        "UPDATE calendar_feed SET ended_at = '2026-11-09 03:00:00.000000'",
        "UPDATE report_request SET state = 'done', done_at = '2026-11-09 03:00:00.000000'",
    )
    assert terminal.type("restore", "copy.db", "--yes")[0] == 0
    assert terminal.sql("SELECT id, may_decide, until_on FROM enrolment ORDER BY id") == [
        (1, 0, None),
        (2, 0, "2026-11-20"),
        (3, 0, "2026-11-21"),
        (4, 1, "2027-12-31"),
    ]
    ended = terminal.sql("SELECT ended_at, state FROM calendar_feed, report_request")
    assert ended == [("2026-11-09 03:00:00.000000", "done")]


# ------------------------------------------------------------------ who may read the files


@pytest.mark.parametrize(("before", "after"), [(0o600, 0o600), (0o640, 0o640), (0o644, 0o600)])
def test_a_restored_file_is_no_more_readable_than_the_one_before_and_never_for_everybody(
    terminal: Terminal, present: Path, before: int, after: int
) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    present.chmod(before)
    umask = os.umask(0)
    try:
        kept = terminal.json("restore", "copy.db", "--yes")["kept"]
    finally:
        os.umask(umask)
    assert [path.stat().st_mode & 0o777 for path in (present, Path(kept))] == [after, after]


def test_a_restored_file_is_private_where_there_was_none(terminal: Terminal, present: Path) -> None:
    assert terminal.type("backup", "copy.db")[0] == 0
    present.unlink()
    umask = os.umask(0)
    try:
        assert terminal.type("restore", "copy.db", "--yes")[0] == 0
    finally:
        os.umask(umask)
    assert present.stat().st_mode & 0o777 == 0o600


def test_a_copy_is_private_from_its_first_byte(present: Path, tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        copy_database(present, tmp_path / "copy.db")
    finally:
        os.umask(umask)
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600


def test_the_log_of_a_lost_file_does_not_spoil_the_restored_one(
    terminal: Terminal, present: Path
) -> None:
    """Somebody deleted the file alone while a service ran; SQLite would read the log into any other."""
    assert terminal.type("backup", "copy.db")[0] == 0
    with closing(sqlite3.connect(present)) as service:
        service.execute("PRAGMA journal_mode=WAL")
        with service:
            service.execute("UPDATE person SET name = 'Ma'")
        present.unlink()
        shutil.copy(f"{present}-wal", f"{present}-wal.copy")
    Path(f"{present}-wal.copy").rename(f"{present}-wal")
    assert terminal.type("restore", "copy.db", "--yes")[0] == 0
    with closing(sqlite3.connect(present)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert file.execute("SELECT count(*) FROM person WHERE name = 'Ma'").fetchone() == (0,)


# ------------------------------------------------------------------ what goes on after it


async def backed_up(whole: Whole, path: Path) -> Path:
    file = whole.database.file
    assert file is not None
    copy_database(file, path)
    mark_backed_up(path, now=whole.now)
    return path


_OPENED: dict[Path, Database] = {}


@dataclass
class Again:
    """The service on a restored copy, and what was settled there."""

    whole: Whole
    settled: RestoreResult

    @property
    def database(self) -> Database:
        return self.whole.database


async def restored(whole: Whole, copy: Path, *, known: bool = True, hours: float = 2) -> Again:
    """Go on from a copy, hours later; known: the database that it replaces can be read."""
    later = whole.now + timedelta(hours=hours)
    settled = prepare_restored_copy(
        copy, inspect_backup(copy), whole.database.file if known else None, now=later
    )
    if copy not in _OPENED:
        _OPENED[copy] = Database(sqlite_url(copy))
    again = Whole(_OPENED[copy], later)
    again.account_id = whole.account_id
    return Again(again.go_on(), settled)


async def texts(again: Again) -> list[tuple[str, str]]:
    await again.whole.delivery.run_until_idle()
    sent = again.whole.channel.sent
    return [(address, words.splitlines()[0][: len(NOTICE)]) for address, words in sent]


async def mornings(whole: Whole) -> int:
    result = await run_mornings(whole.database, whole.registry, now=whole.now)
    return result.messages


@pytest.fixture
async def whole(database: Database) -> AsyncIterator[Whole]:
    begun = await Whole(database, NOW).begin()
    for address, agency in (("7", "stc"), ("6", "sxd"), ("8", "skhcn")):
        await begun.enrol(address, agency, "coordinator" if agency == "skhcn" else "focal")
    yield begun
    while _OPENED:
        await _OPENED.popitem()[1].dispose()


NOTICE = "Dữ liệu vừa được khôi phục từ bản sao"


async def test_what_was_sent_since_the_backup_is_not_sent_again(
    whole: Whole, tmp_path: Path
) -> None:
    assert await mornings(whole) == 3
    copy = await backed_up(whole, tmp_path / "copy.db")  # three messages wait in it
    await whole.delivery.run_until_idle()
    whole.channel.sent.clear()
    again = await restored(whole, copy)
    assert again.settled.sent == 3
    assert await mornings(again.whole) == 0
    assert sorted(await texts(again)) == [(chat, NOTICE) for chat in ("6", "7", "8")]


async def test_a_morning_sent_since_the_backup_is_not_sent_again(
    whole: Whole, tmp_path: Path
) -> None:
    copy = await backed_up(whole, tmp_path / "copy.db")
    whole.now += timedelta(minutes=1)
    whole.clock.move_to(whole.now)
    assert await mornings(whole) == 3
    await whole.delivery.run_until_idle()
    again = await restored(whole, copy)
    assert await mornings(again.whole) == 0
    assert sorted(await texts(again)) == [(chat, NOTICE) for chat in ("6", "7", "8")]
    # what is still open is told by the next morning, to each chat once; the leader's week was told
    next_day = await restored(whole, copy, hours=24)
    assert await mornings(next_day.whole) == 2


async def test_where_nobody_can_tell_what_was_sent_it_is_parked_and_shown_and_each_chat_told(
    whole: Whole, tmp_path: Path
) -> None:
    assert await mornings(whole) == 3
    copy = await backed_up(whole, tmp_path / "copy.db")
    await whole.delivery.run_until_idle()
    again = await restored(whole, copy, known=False)
    assert (again.settled.parked, again.settled.chats) == (3, 3)
    assert sorted(await texts(again)) == [(chat, NOTICE) for chat in ("6", "7", "8")]
    async with again.database.read() as connection:
        states = await connection.scalars(select(Message.state).where(Message.priority == 2))
        assert sorted(states) == ["sent"] * 3 + ["uncertain"] * 3


async def test_what_still_waited_when_the_database_was_replaced_goes_out(
    whole: Whole, tmp_path: Path
) -> None:
    assert await mornings(whole) == 3
    copy = await backed_up(whole, tmp_path / "copy.db")
    again = await restored(whole, copy, hours=1)
    found = await texts(again)
    assert sorted(chat for chat, _ in found) == ["6", "7", "8"]
    assert NOTICE not in {words for _, words in found}


async def test_a_chat_in_which_nothing_happened_since_is_not_told(
    whole: Whole, tmp_path: Path
) -> None:
    copy = await backed_up(whole, tmp_path / "copy.db")
    whole.now += timedelta(minutes=1)
    whole.clock.move_to(whole.now)
    await whole.say("7", "/viec")
    again = await restored(whole, copy)
    assert await texts(again) == [("7", NOTICE)]


async def test_a_number_typed_under_a_list_that_is_forgotten_records_nothing(
    whole: Whole, tmp_path: Path
) -> None:
    await whole.say("7", "/thuongxuyen")  # the list that the backup remembers
    copy = await backed_up(whole, tmp_path / "copy.db")
    whole.now += timedelta(minutes=1)
    whole.clock.move_to(whole.now)
    await whole.say("7", "/viec")  # the list that the chat shows
    again = await restored(whole, copy)
    await again.whole.say("7", "1 đã xong, Báo cáo số 9/BC-STC ngày 9/11/2026")
    async with again.database.read() as connection:
        assert (await connection.execute(select(StatusReply.id))).first() is None
    assert "/viec" in again.whole.last("7")


async def test_no_number_given_since_the_backup_is_given_again(
    whole: Whole, tmp_path: Path
) -> None:
    copy = await backed_up(whole, tmp_path / "copy.db")
    whole.now += timedelta(minutes=1)
    whole.clock.move_to(whole.now)
    await whole.say("7", "/viec")
    async with whole.database.read() as connection:
        given = await connection.scalar(select(Message.id).order_by(Message.id.desc()).limit(1))
    again = await restored(whole, copy)
    async with again.database.read() as connection:
        told = await connection.scalar(select(Message.id).order_by(Message.id.desc()).limit(1))
        lists = await connection.scalars(select(Chat.last_menu_message_id))
        runs = (await connection.scalars(select(JobRun.id))).all()
    assert told is not None
    assert given is not None
    assert told > given
    assert set(lists) == {None}
    assert runs == []


# ------------------------------------------------------------------ taken under load


async def looks(path: Path) -> list[str]:
    """Return what the bot says of how things stand, to everybody."""
    database = Database(sqlite_url(path))
    talk = Talk(database, small_registry(), NOW, 1)
    talk._events = iter(range(1_000_000, 2_000_000))
    found = []
    for chat, words in (
        *((seat.chat, "/viec") for seat in SEATS[:3]),
        *((seat.chat, "/lichsu") for seat in SEATS[:3]),
        ("8", "/status"),
        ("8", "/status STC"),
        ("8", "/donvi"),
    ):
        found += [f"{chat} {words} → {reply.html}" for reply in await talk.say(chat, words)]
    await database.dispose()
    return found


async def replies_in(path: Path) -> list[tuple[str, int]]:
    """Return who said how many per cent, in the order in which it was recorded."""
    with closing(sqlite3.connect(path)) as file:
        return file.execute(
            "SELECT chat.address, percent FROM status_reply JOIN chat ON chat.id = chat_id "
            "ORDER BY status_reply.id"
        ).fetchall()


async def test_a_backup_taken_while_people_answer_restores_to_an_instant_of_it(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Three write without a pause while the command runs as a process of its own, twice."""
    live = tmp_path / "live" / "nhacviec.db"
    live.parent.mkdir()
    talk = await talk_in(live)
    for chat in ("7", "6", "5"):
        await talk.say(chat, "/viec")
    copy_database(live, tmp_path / "start.db")
    done = asyncio.Event()

    async def answer(chat: str) -> None:
        percent = 0
        while not done.is_set():
            percent = percent % 99 + 1
            await talk.say(chat, f"1 đang làm {percent}%")

    async def typed(*words: str, file: Path) -> None:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words,
            env={**os.environ, "NHACVIEC_DATABASE_URL": sqlite_url(file), "PYTHONPATH": str(TOP)},
            cwd=tmp_path,
        )  # fmt: skip
        assert await program.wait() == 0

    async with asyncio.TaskGroup() as group:
        for chat in ("7", "6", "5"):
            group.create_task(answer(chat))
        for number in range(2):
            before = len(await replies_in(live))
            async with asyncio.timeout(300):
                while len(await replies_in(live)) < before + 10:
                    await asyncio.sleep(0.05)
            await typed("backup", f"copy{number}.db", file=live)
        done.set()
    await talk.database.dispose()
    every = await replies_in(live)
    counts = []
    for number in range(2):
        file = tmp_path / f"restored{number}" / "nhacviec.db"
        file.parent.mkdir()
        await typed("restore", f"copy{number}.db", "--yes", file=file)
        held = await replies_in(file)
        assert held == every[: len(held)]
        counts.append(len(held))
        # the same answers said one after the other, up to that instant
        again = tmp_path / f"again{number}.db"
        shutil.copy(tmp_path / "start.db", again)
        replayed = Talk(Database(sqlite_url(again)), small_registry(), NOW, 1)
        replayed._events = iter(range(500_000, 1_000_000))
        for chat, percent in held:
            await replayed.say(chat, f"1 đang làm {percent}%")
        await replayed.database.dispose()
        assert await looks(file) == await looks(again)
    assert 0 < counts[0] < counts[1] < len(every)
    print(f"backups under load 2, answers in them {counts}, in all {len(every)}")
