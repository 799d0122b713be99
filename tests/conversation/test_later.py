"""Answers that change an answer: remind me later, a wrong number, "nhầm, chưa xong"."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from bot.conversation.reader.snooze import Snooze, read_snooze
from data.clock import ZONE
from data.db.database import Database
from data.registry.workdays import Workdays
from tests.support.conversations import Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 8, tzinfo=ZONE)  # a Monday; BC.1 is due on Saturday 14/11


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


async def task_of(talk: Talk, code: str = "1") -> Any:
    return await talk.obligation("10/KH-UBND", "stc", code, "end")


@pytest.mark.parametrize(
    ("text", "on", "numbers"),
    [
        ("nhắc lại thứ Năm", date(2026, 11, 12), ()),
        ("tuần sau nhắc tôi", date(2026, 11, 16), ()),
        ("mai nhắc lại", date(2026, 11, 10), ()),
        ("2 mai nhac lai nhe", date(2026, 11, 10), (2,)),
        ("3 hôm nữa nhắc em", date(2026, 11, 12), ()),
        ("nhắc lại sau", None, ()),
    ],
)
def test_a_wish_to_be_reminded_later_is_read(
    text: str, on: date | None, numbers: tuple[int, ...]
) -> None:
    read = read_snooze(text, today=date(2026, 11, 9), workdays=Workdays())
    assert read == Snooze(on, numbers)


@pytest.mark.parametrize(
    "text",
    [
        "đừng nhắc nữa",
        "anh đã nhắc rồi",
        "hôm qua nhắc rồi",
        "nhắc các xã tuần sau nộp",
        "cảm ơn bot đã nhắc",
        "mai em gửi",
        "xin lùi đến thứ Năm",
    ],
)
def test_other_words_are_no_such_wish(text: str) -> None:
    assert read_snooze(text, today=date(2026, 11, 9), workdays=Workdays()) is None


async def test_a_reminder_is_held_until_the_day_asked_for(talk: Talk) -> None:
    await talk.say("7", "/viec")
    told = await only(talk.say("7", "2 mai nhắc lại"))
    assert "Đề nghị nhắc lại" in told.plain
    assert "hoãn nhiều nhất" not in told.plain
    assert (await task_of(talk)).acknowledged_until == date(2026, 11, 9)


async def test_a_day_beyond_three_working_days_is_capped_and_the_cap_is_told(talk: Talk) -> None:
    await talk.say("7", "/viec")
    told = await only(talk.say("7", "2 nhắc lại ngày 1/12"))
    assert "hoãn nhiều nhất 03 ngày làm việc" in told.plain
    row = await task_of(talk)
    assert row.acknowledged_until == date(2026, 11, 12)
    assert row.remind_on is None or row.remind_on <= date(2026, 11, 13)


async def test_all_that_is_shown_is_held_where_no_number_is_named(talk: Talk) -> None:
    await talk.say("7", "/viec")
    told = await only(talk.say("7", "nhắc lại thứ Năm"))
    assert told.template == "recorded_all"
    assert (await task_of(talk)).acknowledged_until == date(2026, 11, 11)
    assert (await task_of(talk, "2")).acknowledged_until == date(2026, 11, 11)


async def test_the_last_rungs_are_never_held(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "1 tuần sau nhắc tôi")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert row.remind_on is not None
    assert row.remind_on <= date(2026, 11, 12)  # rung −1


async def test_a_wrong_number_of_a_document_is_replaced(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "2 xong, báo cáo số 12/BC-STC ngày 5/11/2026")
    told = await only(talk.say("7", "đính chính: số đúng là 15/BC-STC ngày 6/11/2026"))
    assert "15/BC-STC" in told.plain
    row = await task_of(talk)
    assert (row.state, row.done_on) == ("submitted", date(2026, 11, 6))


async def test_a_number_alone_completes_nothing(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "2 đang làm 40%")
    told = await only(talk.say("7", "số đúng là 15/BC-STC"))
    assert told.template == "correction"
    assert (await task_of(talk)).state == "open"


async def test_what_was_said_by_mistake_is_asked_about_and_stands_until_then(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "2 xong")
    asked = await only(talk.say("7", "nhầm, chưa xong"))
    assert "đang được ghi: đã hoàn thành" in asked.plain
    assert (await task_of(talk)).state == "submitted"
    told = await only(talk.press(asked, "Đang thực hiện"))
    assert told.template == "recorded"
    assert (await task_of(talk)).state == "open"


async def test_a_mistake_with_what_is_so_now_is_corrected_at_once(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "2 xong")
    await only(talk.say("7", "nhầm, mới được 40%"))
    row = await task_of(talk)
    assert (row.state, row.percent) == ("open", 40)


async def test_a_correction_never_completes(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "2 đang làm 40%")
    asked = await only(talk.say("7", "nhầm, xong rồi"))
    assert asked.template == "correction"
    assert (await task_of(talk)).state == "open"
