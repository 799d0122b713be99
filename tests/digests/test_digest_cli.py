"""`nhacviec digest`: a past week's digest as it was, this week's as it would be; nothing is sent."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy.engine import URL

from data.db.database import Database
from tests.cli.test_cli import Terminal, terminal
from tests.digests.test_digest import Office
from tests.support.databases import made_once

pytestmark = pytest.mark.slow

__all__ = ["terminal"]


@pytest.fixture
def told(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, database_url: URL) -> Terminal:
    """A terminal whose database had the digest of 16 November; much was answered since."""
    terminal.database_url = database_url.render_as_string(hide_password=False)
    monkeypatch.setenv("NHACVIEC_DATABASE_URL", terminal.database_url)

    async def work() -> None:
        database = Database(terminal.database_url)

        async def scene() -> None:
            office = await Office(database).begin()
            await office.week(date(2026, 11, 16))
            await office.said(await office.owed("stc", "BC.1"), "completed", date(2026, 11, 17))

        await made_once(database, "a week told", scene)
        await database.dispose()

    asyncio.run(work())
    return terminal


def messages(terminal: Terminal) -> int:
    return int(terminal.sql("SELECT count(*) FROM message")[0][0])


def test_a_past_digest_is_shown_as_it_was(told: Terminal) -> None:
    before = messages(told)
    code, out, err = told.type("digest", "dong", "--week", "2026-11-18", "--agency", "stc")
    assert (code, err) == (0, "")
    assert out.startswith(
        "── Sở Tài chính ──\nKính gửi: Sở Tài chính\nTổng hợp tuần, thứ Hai, ngày 16/11"
    )
    assert "Đến hạn trong 20 ngày làm việc tới: 01 nhiệm vụ\n- Báo cáo năm 2026 [BC.1]" in out
    assert messages(told) == before


def test_all_of_a_week_are_shown_each_once_with_the_facts_they_rest_on(told: Terminal) -> None:
    found = told.json("digest", "Đông", "--week", "2026-11-16")
    assert (found["province"], found["week_on"]) == ("dong", "2026-11-16")
    assert [letter["to"] for letter in found["letters"]] == [
        "Lãnh đạo UBND tỉnh Đông",
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
    told.sql("UPDATE enrolment SET ended_at = '2026-11-17 01:00:00.000000'")
    letters = told.json("digest", "dong")["letters"]
    assert {"Lãnh đạo UBND tỉnh Đông", "Sở Tài chính"} <= {letter["to"] for letter in letters}
    assert {letter["chats"] for letter in letters} == {0}
