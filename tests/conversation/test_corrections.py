"""Edited messages: the correction is offered, and recorded where the sender agrees."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels.telegram.channel import TelegramChannel
from bot.channels.telegram.http import UPDATE_TYPES
from data.db.database import Database
from data.models import Obligation, StatusReply
from tests.support.conversations import Reply, Seat, Talk, small_registry
from tests.support.telegram_server import TOKEN

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # about words, whatever keeps the rows

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def said(talk: Talk) -> list[tuple[str, int | None]]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(StatusReply.said, StatusReply.percent).order_by(StatusReply.id)
        )
        return [(row.said, row.percent) for row in rows]


async def the_report(talk: Talk) -> Any:
    return await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")


async def answered(talk: Talk, text: str = "1 đang làm 40%") -> str:
    """Let something be answered from a list; returns the id of what was typed."""
    await talk.say("7", "/viec")
    await talk.say("7", text)
    return talk.last_said


async def test_correction_is_offered_and_nothing_recorded_before_the_choice(talk: Talk) -> None:
    mine = await answered(talk)
    offer = await only(talk.say("7", "1 đã xong", corrects=mine))
    assert "Đã ghi <b>đang thực hiện 40%</b>. Sửa thành <b>đã hoàn thành</b>?" in offer.html
    assert offer.labels() == ["Sửa", "Giữ như cũ"]
    assert await said(talk) == [("in_progress", 40)]
    assert (await only(talk.press(offer, "Sửa"))).template == "recorded"
    assert await said(talk) == [("in_progress", 40), ("completed", None)]
    assert (await the_report(talk)).state == "submitted"


@pytest.mark.parametrize(("typed", "count"), [("Sửa", 2), ("1", 2), ("Giữ như cũ", 1), ("2", 1)])
async def test_offer_is_answered_by_its_words_or_numbers(
    talk: Talk, typed: str, count: int
) -> None:
    mine = await answered(talk)
    await talk.say("7", "1 đã xong", corrects=mine)
    await talk.say("7", typed)
    assert len(await said(talk)) == count


@pytest.mark.parametrize(
    ("typed", "said_at_last"),
    [
        ("vâng ạ", "completed"),
        ("ok", "completed"),
        ("đã nhận", "in_progress"),
        ("không", "in_progress"),
    ],
)
async def test_yes_to_an_offer_accepts_it_and_is_no_acknowledgement(
    talk: Talk, typed: str, said_at_last: str
) -> None:
    mine = await answered(talk)
    await talk.say("7", "1 đã xong", corrects=mine)
    await talk.say("7", typed)
    assert (await said(talk))[-1][0] == said_at_last


@pytest.mark.parametrize("text", ["1 đang làm 40%", "1 đang làm 40% ạ", "Việc 1 đang làm 40%."])
async def test_edit_that_changes_nothing_is_left_alone(talk: Talk, text: str) -> None:
    mine = await answered(talk)
    assert await talk.say("7", text, corrects=mine) == []


async def test_second_edit_is_judged_by_what_was_recorded(talk: Talk) -> None:
    mine = await answered(talk)
    await talk.say("7", "1 đang làm 50%", corrects=mine)
    assert await talk.say("7", "1 đang làm 40%", corrects=mine) == []
    offer = await only(talk.say("7", "1 đang làm 60%", corrects=mine))
    await talk.press(offer, "Sửa")
    assert await said(talk) == [("in_progress", 40), ("in_progress", 60)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 chưa xong à?", "unclear"),
        ("cảm ơn anh", "unclear"),
        ("huỷ", "retracts"),
        ("2 đã xong", "unclear"),  # another task
        ("1 xong, 2 xong", "unclear"),
        ("/viec", "command"),
    ],
)
async def test_edit_that_says_nothing_sure_of_the_same_task_is_told(
    talk: Talk, text: str, why: str
) -> None:
    mine = await answered(talk)
    told = await only(talk.say("7", text, corrects=mine))
    assert (told.template, told.answer.context["why"]) == ("correction", why)
    assert await said(talk) == [("in_progress", 40)]


async def test_edit_of_an_old_message_is_told_and_records_nothing(talk: Talk) -> None:
    mine = await answered(talk)
    talk.now = NOW + timedelta(hours=25)
    told = await only(talk.say("7", "1 đã xong", corrects=mine))
    assert told.answer.context["why"] == "too_old"
    assert await said(talk) == [("in_progress", 40)]


async def test_edit_of_what_was_decided_is_told(talk: Talk) -> None:
    mine = await answered(talk, "1 đã xong")
    async with talk.database.write() as connection:
        await connection.execute(update(Obligation).values(state="confirmed"))
    told = await only(talk.say("7", "1 đang làm 40%", corrects=mine))
    assert told.answer.context["why"] == "decided"


async def test_edit_of_what_was_answered_since_is_told_also_when_it_was_offered(talk: Talk) -> None:
    mine = await answered(talk)
    offer = await only(talk.say("7", "1 đã xong", corrects=mine))
    await talk.say("7", "BC.1 đang làm 70%")
    assert (await only(talk.press(offer, "Sửa"))).answer.context["why"] == "answered_since"
    told = await only(talk.say("7", "1 đã xong nhé", corrects=mine))
    assert told.answer.context["why"] == "answered_since"
    assert [said for said, _ in await said(talk)] == ["in_progress"] * 2


async def test_edit_of_several_answers_is_told(talk: Talk) -> None:
    mine = await answered(talk, "1 đang làm 40%, 2 chưa làm")
    told = await only(talk.say("7", "1 xong, 2 xong", corrects=mine))
    assert told.answer.context["why"] == "several"


async def test_mistyped_answer_that_was_not_understood_counts_once_it_is_mended(talk: Talk) -> None:
    mine = await answered(talk, "1 xgno")
    assert await said(talk) == []
    await talk.say("7", "1 xong", corrects=mine)
    assert await said(talk) == [("completed", None)]


async def test_answer_that_was_never_recorded_does_not_count_by_an_edit_long_after(
    talk: Talk,
) -> None:
    mine = await answered(talk, "1 xgno")
    talk.now = NOW + timedelta(hours=2)
    told = await only(talk.say("7", "1 xong", corrects=mine))
    assert told.answer.context["why"] == "not_recorded"
    assert await said(talk) == []


async def test_edit_of_what_was_taken_back_is_not_offered_as_a_correction(talk: Talk) -> None:
    mine = await answered(talk)
    await talk.say("7", "huỷ")
    talk.now = NOW + timedelta(hours=1)
    told = await only(talk.say("7", "1 đã xong", corrects=mine))
    assert told.answer.context["why"] == "not_recorded"


async def test_edits_of_talk_in_a_group_are_left_alone(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    await talk.say("-5", "mai họp", sender="7")
    assert await talk.say("-5", "1 xong", sender="7", corrects=talk.last_said) == []
    assert await talk.say("-5", "1 xong", sender="7", corrects="unknown") == []


async def test_offer_of_another_chat_or_forged_is_harmless(talk: Talk) -> None:
    await talk.enrol("8", "dong", "sxd")
    mine = await answered(talk)
    offer = await only(talk.say("7", "1 đã xong", corrects=mine))
    for chat in ("7", "8"):
        await talk.tap(chat, offer.action("Sửa"))
    await talk.tap("8", offer.action("Sửa"), offer.remote_id)
    assert await said(talk) == [("in_progress", 40)]


def test_telegram_sends_edits_and_they_are_read() -> None:
    assert "edited_message" in UPDATE_TYPES
    message = {
        "message_id": 5, "date": 1_790_000_000, "edit_date": 1_790_000_100,
        "chat": {"id": 7, "type": "private"},
        "from": {"id": 7, "is_bot": False, "first_name": "Lan"}, "text": "1 xong",
    }  # fmt: skip
    channel = TelegramChannel(TOKEN, base_url="http://127.0.0.1:1")
    body = json.dumps({"update_id": 9, "edited_message": message}).encode()
    raw = channel.split(body)
    assert (raw.update_id, raw.address, raw.remote_id) == ("9", "7", "5")
    found = channel.parse(1, body)
    assert found is not None
    assert (found.kind, found.text, found.corrects) == ("text", "1 xong", "5")
    photo = {key: value for key, value in message.items() if key != "text"} | {
        "photo": [{"file_id": "F", "file_unique_id": "f", "width": 9, "height": 9}]
    }
    edited = json.dumps({"update_id": 10, "edited_message": photo}).encode()
    assert channel.parse(1, edited) is None  # a picture that was changed says nothing
