"""Chats without buttons, edits or replies, as on Zalo: numbers that may be stale, links, what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Chat, Message, StatusReply
from tests.support.conversations import Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW, longest=2000).begin(Seat("7", "dong", "stc"))


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


async def unsure_of_the_last(talk: Talk, before: int | None) -> None:
    """Let nobody know whether the last list arrived; before: the list that surely did."""
    async with talk.database.write() as connection:
        last = await connection.scalar(select(Message.id).order_by(Message.id.desc()).limit(1))
        await connection.execute(
            update(Message).where(Message.id == last).values(state="uncertain", remote_id=None)
        )
        await connection.execute(
            update(Chat).where(Chat.address == "7").values(last_menu_message_id=before)
        )


async def menu_of(talk: Talk) -> int | None:
    async with talk.database.read() as connection:
        return await connection.scalar(select(Chat.last_menu_message_id).where(Chat.address == "7"))


async def said(talk: Talk) -> list[str]:
    async with talk.database.read() as connection:
        return list(await connection.scalars(select(StatusReply.said)))


@pytest.mark.parametrize("typed", ["2", "2 xong", "tất cả đang làm", "xong", "1 xong, 2 đang làm"])
async def test_a_number_is_not_guessed_at_while_a_newer_list_may_have_arrived(
    talk: Talk, typed: str
) -> None:
    await talk.say("7", "/viec")
    seen = await menu_of(talk)
    await talk.say("7", "/thuongxuyen")
    await unsure_of_the_last(talk, seen)
    answer = await only(talk.say("7", typed))
    assert (answer.template, answer.answer.context["why"]) == ("ask", "doubtful")
    assert await said(talk) == []
    # Its answer surely arrived, so the numbers are that list's from here on.
    assert (await only(talk.say("7", "1 đang làm"))).template == "recorded"
    assert (await talk.obligation("10/KH-UBND", "stc", "3", "2026")).progress == "in_progress"


async def test_a_task_named_by_its_code_is_no_matter_of_lists(talk: Talk) -> None:
    await talk.say("7", "/viec")
    seen = await menu_of(talk)
    await talk.say("7", "/thuongxuyen")
    await unsure_of_the_last(talk, seen)
    assert (await only(talk.say("7", "BC.1 đang làm 40%"))).template == "recorded"
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).percent == 40


async def test_the_first_list_of_all_may_be_the_doubtful_one(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await unsure_of_the_last(talk, None)
    assert (await only(talk.say("7", "1 xong"))).answer.context["why"] == "doubtful"


async def test_the_echo_names_the_task(talk: Talk) -> None:
    await talk.say("7", "/viec")
    answer = await only(talk.say("7", "2 đang làm 30%"))
    assert "“Rà soát chi ngân sách” [1], Kế hoạch 10/KH-UBND" in answer.plain


async def test_a_link_bears_out_a_completion_as_a_document_does(talk: Talk) -> None:
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    await talk.say("7", "/viec")
    done = await only(talk.say("7", "BC.1 đã xong"))
    assert "hoặc đường dẫn, hoặc ảnh" in done.plain
    link = "https://drive.example.vn/d/bao-cao-2026?id=1&x=2"
    kept = await only(talk.say("7", f"báo cáo đây ạ {link}"))
    assert "Đã kèm đường dẫn vào câu trả lời" in kept.plain
    waiting = await only(talk.say("8", "/xacnhan"))
    assert f"Ghi chú: {link}" in waiting.plain


async def test_what_cannot_be_read_is_answered_once_in_ten_minutes(talk: Talk) -> None:
    assert (await only(talk.happen("7", "other"))).template == "ask"
    assert await talk.happen("7", "other") == []
    talk.now = NOW + timedelta(minutes=9)
    assert await talk.happen("7", "other") == []
    talk.now = NOW + timedelta(minutes=11)
    assert "chỉ đọc được chữ" in (await only(talk.happen("7", "other"))).plain


async def test_the_first_answer_tells_what_the_bot_is_whose_and_what_it_keeps(talk: Talk) -> None:
    stranger = await only(talk.say("9", "xin chào"))
    assert "Hệ thống Nhắc Việc, nhắc tự động của cơ quan nhà nước" in stranger.plain
    welcome = await only(talk.enrol("9", "dong", "sxd"))
    for words in (
        "Hệ thống Nhắc Việc",
        "thay mặt Sở Khoa học và Công nghệ",
        "Hệ thống lưu:",
        "ảnh, tệp",
    ):
        assert words in welcome.plain
