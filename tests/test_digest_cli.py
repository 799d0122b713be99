"""`nhacviec digest`: a past week's digest as it was, this week's as it would be; nothing is sent."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from data.database import Database
from tests.test_cli import Terminal, terminal
from tests.test_digest import Office

__all__ = ["terminal"]


@pytest.fixture
def told(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, migrated: Path
) -> Terminal:
    """A terminal whose database had the digest of 16 November; much was answered since."""
    path = tmp_path / "office.db"
    shutil.copy(migrated, path)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", f"sqlite+aiosqlite:///{path}")

    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{path}")
        office = await Office(database).begin()
        await office.week(date(2026, 11, 16))
        await office.said(await office.owed("stc", "BC.1"), "completed", date(2026, 11, 17))
        await database.dispose()

    asyncio.run(work())
    return terminal


def messages(tmp_path: Path) -> int:
    with closing(sqlite3.connect(tmp_path / "office.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])


def test_a_past_digest_is_shown_as_it_was(told: Terminal, tmp_path: Path) -> None:
    before = messages(tmp_path)
    code, out, err = told.type("digest", "dong", "--week", "2026-11-18", "--agency", "stc")
    assert (code, err) == (0, "")
    assert out.startswith("── Sở Tài chính ──\nKính gửi Sở Tài chính,\nBản tin tuần, thứ Hai 16/11")
    assert "ĐẾN HẠN TRONG 20 NGÀY LÀM VIỆC TỚI: 1 VIỆC\n- Báo cáo năm 2026 [BC.1]" in out
    assert messages(tmp_path) == before


def test_all_of_a_week_are_shown_each_once_with_the_facts_they_rest_on(told: Terminal) -> None:
    found = told.json("digest", "Đông", "--week", "2026-11-16")
    assert (found["province"], found["week_on"]) == ("dong", "2026-11-16")
    assert [letter["to"] for letter in found["letters"]] == [
        "Lãnh đạo",
        "Sở Khoa học và Công nghệ",
        "Sở Tài chính",
        "Sở Xây dựng",
    ]
    coordinator = found["letters"][1]
    assert [part["scope"] for part in coordinator["facts"]] == ["coordinator", "agency"]
    (leader,) = told.json("digest", "dong", "--week", "2026-11-16", "--leader")["letters"]
    assert leader == found["letters"][0]


def test_this_weeks_digest_is_shown_with_how_many_chats_it_would_go_to(told: Terminal) -> None:
    letters = told.json("digest", "dong")["letters"]
    assert {letter["to"]: letter["chats"] for letter in letters}["Sở Tài chính"] == 1


def test_what_is_not_there_is_told(told: Terminal) -> None:
    assert "Không có bản tin nào của Đông trong tuần từ 02/11/2026." in told.refused(
        "digest", "dong", "--week", "2026-11-04"
    )
    assert "không có gì để báo «ubnd»" in told.refused(
        "digest", "dong", "--week", "2026-11-16", "--agency", "ubnd"
    )
    assert "Hãy chọn một" in told.refused("digest", "dong", "--leader", "--agency", "stc")
    assert "Không có tỉnh" in told.refused("digest", "nam")


def test_where_nobody_is_enrolled_yet_it_is_shown_what_there_would_be_to_send(
    told: Terminal,
) -> None:
    with closing(sqlite3.connect("office.db")) as connection:
        connection.execute("UPDATE enrolment SET ended_at = '2026-11-17 01:00:00.000000'")
        connection.commit()
    letters = told.json("digest", "dong")["letters"]
    assert {"Lãnh đạo", "Sở Tài chính"} <= {letter["to"] for letter in letters}
    assert {letter["chats"] for letter in letters} == {0}
