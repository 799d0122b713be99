"""What an agency filed is opened by who follows the plan: by a button, by words, from every place that shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from data.db.database import Database
from data.models import Evidence
from data.privacy.retention import purge_evidence
from jobs.rendering.links import Links
from tests.support.conversations import Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
PLAN = "10/KH-UBND"
SEATS = (
    Seat("stc", "dong", "stc"),
    Seat("sxd", "dong", "sxd"),
    Seat("an", "dong", "skhcn", "coordinator"),
    Seat("leader", "dong", "ubnd", "leader"),
    Seat("tay", "tay", "skhcn", "coordinator"),
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(*SEATS)


async def file_report(talk: Talk, chat: str, agency: str, *names: str) -> Any:
    """Let an agency report its yearly report as done, with files; returns the obligation."""
    report = await talk.obligation(PLAN, agency, "BC.1", "2026")
    await talk.tap(chat, f"done:{report.id}")
    for name in names:
        await talk.send_file(chat, b"%PDF-1.7\n" + name.encode(), name)
    return report


def names_of(replies: list[Reply]) -> list[Any]:
    return [reply.answer.context["name"] for reply in replies]


async def test_one_task_shows_who_filed_and_opens_it_by_button_and_words(talk: Talk) -> None:
    await file_report(talk, "stc", "stc", "a.pdf", "b.pdf")
    (task,) = await talk.say("an", "/nhiemvu BC.1")
    assert "<b>Minh chứng đã gửi</b>\n• Sở Tài chính: 02 tệp" in task.html
    assert "gõ “mở minh chứng 10 BC.1”" in task.plain
    assert names_of(await talk.press(task, "Mở minh chứng")) == ["a.pdf", "b.pdf"]
    assert names_of(await talk.say("an", "mở minh chứng 10 BC.1")) == ["a.pdf", "b.pdf"]
    assert names_of(await talk.say("leader", "xem minh chứng BC.1")) == ["a.pdf", "b.pdf"]


async def test_of_several_agencies_one_is_chosen_by_button_number_or_name(talk: Talk) -> None:
    await file_report(talk, "stc", "stc", "a.pdf")
    await file_report(talk, "sxd", "sxd", "b.pdf")
    (whose,) = await talk.say("an", "mở minh chứng BC.1")
    assert whose.template == "evidence_whose"
    assert whose.labels() == ["1. Sở Xây dựng", "2. Sở Tài chính"]
    assert names_of(await talk.press(whose, "2. Sở Tài chính")) == ["a.pdf"]
    await talk.say("an", "mở minh chứng BC.1")
    assert names_of(await talk.say("an", "minh chứng 1")) == ["b.pdf"]
    assert names_of(await talk.say("an", "mở minh chứng BC.1 sở tài chính")) == ["a.pdf"]
    (task,) = await talk.say("an", "/nhiemvu BC.1")
    assert "Minh chứng Sở Tài chính, 2026" in task.labels()


async def test_what_waits_for_confirmation_opens_by_its_button_and_its_words(talk: Talk) -> None:
    await file_report(talk, "stc", "stc", "a.pdf")
    (waiting,) = await talk.say("an", "/xacnhan")
    assert "Mở minh chứng" in waiting.labels()
    assert "3 Mở minh chứng" in waiting.plain
    assert names_of(await talk.say("an", "mở minh chứng")) == ["a.pdf"]


async def test_a_notice_of_trouble_opens_what_was_filed(talk: Talk) -> None:
    report = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{report.id}")
    await talk.send_file("stc", b"%PDF-1.7\n", "a.pdf")
    await talk.say("stc", "huỷ")
    await talk.tap("stc", f"open:{report.id}")
    told = [r for r in await talk.say("stc", "vướng mắc vì thiếu kinh phí") if r.chat == "an"]
    assert names_of(await talk.press(told[0], "Mở minh chứng")) == ["a.pdf"]


async def test_another_agency_and_another_province_open_nothing(talk: Talk) -> None:
    report = await file_report(talk, "stc", "stc", "a.pdf")
    for chat in ("sxd", "tay"):
        (refused,) = await talk.tap(chat, f"files:{report.id}")
        assert refused.template == "unknown_item"
        for words in ("mở minh chứng 10 BC.1", "mở minh chứng BC.1 sở tài chính"):
            assert "a.pdf" not in "".join(r.html for r in await talk.say(chat, words))
    (own,) = await talk.tap("stc", f"files:{report.id}")
    assert own.template == "evidence_file"


async def test_a_guest_of_a_group_opens_nothing(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    report = await file_report(talk, "stc", "stc", "a.pdf")
    (refused,) = await talk.tap("-5", f"files:{report.id}", sender="guest")
    assert refused.template == "unknown_item"


async def test_a_file_that_is_not_sent_says_why(talk: Talk) -> None:
    report = await file_report(talk, "stc", "stc", "a.pdf")
    async with talk.database.write() as connection:
        assert await purge_evidence(connection, now=NOW + timedelta(days=4000)) == 1
    (gone,) = await talk.tap("an", f"files:{report.id}")
    assert "Tệp này đã hết thời hạn lưu" in gone.html
    assert "attach" not in gone.answer.context
    other = await talk.obligation(PLAN, "sxd", "BC.1", "2026")
    (none,) = await talk.tap("an", f"files:{other.id}")
    assert "Chưa có tệp minh chứng nào được lưu: <b>Sở Xây dựng</b>" in none.html


async def test_a_channel_without_files_gets_a_signed_address_or_the_reason(talk: Talk) -> None:
    report = await file_report(talk, "stc", "stc", "a.pdf")
    (sent,) = await talk.tap("an", f"files:{report.id}")
    assert "Kênh này không nhận được tệp." in sent.plain
    talk.links = Links("https://nhacviec.test", b"key")
    (sent,) = await talk.tap("an", f"files:{report.id}")
    assert "Tải tệp (trong 1 ngày): https://nhacviec.test/tep/" in sent.plain


async def test_of_more_than_ten_files_the_latest_come_and_a_button_brings_the_earlier(
    talk: Talk,
) -> None:
    report = await file_report(talk, "stc", "stc", *(f"{n}.pdf" for n in range(12)))
    sent = await talk.tap("an", f"files:{report.id}")
    assert names_of(sent) == [f"{n}.pdf" for n in range(2, 12)]
    assert "Còn 02 tệp gửi trước đó." in sent[-1].html
    assert names_of(await talk.press(sent[-1], "Tệp gửi trước đó (2)")) == ["0.pdf", "1.pdf"]


async def test_words_about_evidence_that_name_no_files_stay_an_answer(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    (answer, *_) = await talk.say("stc", "1 đã xong, minh chứng là công văn số 12/BC-STC")
    assert answer.template == "recorded"
    assert "12/BC-STC" in answer.html
    (asked, *_) = await talk.say("stc", "mở minh chứng của chúng tôi giúp")
    assert asked.template not in ("evidence_file", "evidence_whose", "evidence_none")


async def test_many_large_files_come_in_several_goes(talk: Talk) -> None:
    report = await file_report(talk, "stc", "stc", "a.pdf", "b.pdf", "c.pdf")
    async with talk.database.write() as connection:
        await connection.execute(update(Evidence).values(size=10 * 1024 * 1024))
    sent = await talk.tap("an", f"files:{report.id}")
    assert names_of(sent) == ["b.pdf", "c.pdf"]
    assert names_of(await talk.press(sent[-1], "Tệp gửi trước đó (1)")) == ["a.pdf"]
