"""Agencies that are asked and answer nothing: who counts as silent, and how a coordinator sees it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert

from data.db.database import Database
from data.models import Reminder
from tests.support.conversations import Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
SEATS = (
    Seat("stc", "dong", "stc"),
    Seat("sxd", "dong", "sxd"),
    Seat("coordinator", "dong", "skhcn", "coordinator"),
    Seat("other", "tay", "skhcn", "coordinator"),
    Seat("leader", "dong", "ubnd", "leader"),
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(*SEATS)


async def ask_on(talk: Talk, agency: str, day: date, code: str = "BC.1") -> None:
    """Let an agency's report have been in a message of a morning."""
    obligation = await talk.obligation("10/KH-UBND", agency, code, "2026")
    async with talk.database.write() as connection:
        await connection.execute(
            insert(Reminder).values(
                obligation_id=obligation.id, due_on=obligation.due_on, rung=day.day, reminded_on=day
            )
        )


async def silent_names(talk: Talk, chat: str = "coordinator") -> list[str]:
    (answer,) = await talk.say(chat, "/donvi im lặng")
    agencies = answer.answer.context["agencies"]
    assert isinstance(agencies, list)
    return [each["name"] for each in agencies]


async def test_an_agency_asked_30_days_ago_is_silent_on_the_next_day(talk: Talk) -> None:
    await ask_on(talk, "stc", date(2026, 11, 10))
    talk.now = NOW + timedelta(days=31)  # 10 December: asked 30 days ago
    assert await silent_names(talk) == []
    talk.now += timedelta(days=1)
    assert await silent_names(talk) == ["Sở Tài chính"]


async def test_any_answer_ends_the_silence_until_30_days_after_the_next_question(
    talk: Talk,
) -> None:
    await ask_on(talk, "stc", date(2026, 11, 10))
    talk.now = NOW + timedelta(days=32)
    await talk.say("stc", "/viec")
    assert await silent_names(talk) == ["Sở Tài chính"]  # to look is no answer
    task = await talk.obligation("10/KH-UBND", "stc", "1", "end")
    await talk.tap("stc", f"doing:{task.id}")
    assert await silent_names(talk) == []
    talk.now += timedelta(days=40)
    assert await silent_names(talk) == []  # nothing was asked since
    await ask_on(talk, "stc", date(2026, 12, 15))
    assert await silent_names(talk) == ["Sở Tài chính"]
    (answer,) = await talk.say("coordinator", "/donvi im lặng")
    assert "trả lời lần cuối 11/12/2026" in answer.html


async def test_who_joined_later_has_30_days_of_their_own(talk: Talk) -> None:
    await ask_on(talk, "stc", date(2026, 11, 10))
    talk.now = NOW + timedelta(days=32)
    await talk.enrol("new", "dong", "stc")
    assert await silent_names(talk) == []


async def test_an_agency_without_a_working_chat_is_not_connected_and_not_silent(talk: Talk) -> None:
    await ask_on(talk, "stc", date(2026, 11, 10))
    await ask_on(talk, "sxd", date(2026, 11, 10))
    await talk.happen("sxd", "gone")
    talk.now = NOW + timedelta(days=40)
    assert await silent_names(talk) == ["Sở Tài chính"]
    (answer,) = await talk.say("coordinator", "/donvi chưa kết nối")
    assert "<b>01 cơ quan chưa kết nối</b>" in answer.html
    assert "Sở Xây dựng: <b>mất liên lạc</b>" in answer.html


async def test_a_coordinator_of_another_province_sees_nobody_of_this_one(talk: Talk) -> None:
    await ask_on(talk, "stc", date(2026, 11, 10))
    talk.now = NOW + timedelta(days=40)
    assert await silent_names(talk, "other") == []
    assert await silent_names(talk, "leader") == ["Sở Tài chính"]


async def test_donvi_counts_both_and_leads_to_each_by_button_and_words(talk: Talk) -> None:
    await ask_on(talk, "stc", date(2026, 11, 10))
    await talk.happen("sxd", "gone")
    talk.now = NOW + timedelta(days=40)
    (answer,) = await talk.say("coordinator", "/donvi")
    assert answer.labels() == ["Chưa kết nối (01)", "Im lặng hơn 30 ngày (01)"]
    assert "<b>01 cơ quan</b> im lặng hơn 30 ngày" in answer.html
    assert "“/donvi im lặng”" in answer.plain
    (silent,) = await talk.press(answer, "Im lặng hơn 30 ngày (01)")
    assert "<b>01 cơ quan im lặng hơn 30 ngày</b>" in silent.html
    assert silent.labels() == ["Mời Sở Tài chính"]
    assert "Ai tiếp nhận nhiệm vụ của từng cơ quan?" in silent.html
    code = (await talk.press(silent, "Mời Sở Tài chính"))[0]
    assert code.template == "code_made"
    (seen,) = await talk.say("leader", "/donvi im lặng")
    assert seen.labels() == []
    assert "/moi" not in seen.html
