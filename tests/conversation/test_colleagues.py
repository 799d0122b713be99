"""Two focal points of one agency answer the same task differently: both hear of it, either takes it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from data.db.database import Database
from tests.support.conversations import Reply, Talk
from tests.support.decision_world import NUMBER, seated

NOTICE = "notice_other_answer"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await seated(database)  # "stc" and "stc2" answer for Sở Tài chính


async def owed(talk: Talk, code: str = "BC.3", period: str = "2026") -> int:
    return int((await talk.obligation(NUMBER, "stc", code, period)).id)


async def state(talk: Talk) -> tuple[str, int | None]:
    row = await talk.obligation(NUMBER, "stc", "BC.3", "2026")
    return row.state, row.percent


async def answer(talk: Talk, chat: str, words: str) -> list[Reply]:
    """Answer BC.3 in a chat, by its code."""
    return await talk.say(chat, f"BC.3 {words}")


async def test_who_said_done_hears_that_a_colleague_says_not_yet(talk: Talk) -> None:
    echo, *notices = await answer(talk, "stc", "đã xong")
    assert (echo.template, notices) == ("recorded", [])
    echo, notice = await answer(talk, "stc2", "đang làm 40%")
    assert (
        "Lúc 08 giờ 00 ngày 09/11/2026 một đầu mối khác của cơ quan đã trả lời “Đã hoàn thành”"
        in echo.html
    )
    assert (notice.template, notice.chat) == (NOTICE, "stc")
    assert "Anh/chị: “Đã hoàn thành” (lúc 08 giờ 00 ngày 09/11/2026)" in notice.html
    assert "<b>“Đang thực hiện 40%”</b>" in notice.html
    assert await state(talk) == ("open", 40)


async def test_the_colleague_takes_the_later_answer_back_and_its_author_hears_of_it(
    talk: Talk,
) -> None:
    await answer(talk, "stc", "đã xong")
    _, notice = await answer(talk, "stc2", "đang làm 40%")
    undone, told = await talk.press(notice, "Rút lại câu trả lời sau")
    assert (undone.template, told.template, told.chat) == ("undone", NOTICE, "stc2")
    assert "“Đang thực hiện 40%” không còn được tính" in told.html
    assert (await state(talk))[0] == "submitted"
    (again,) = await talk.press(notice, "Rút lại câu trả lời sau")
    assert (again.template, again.answer.context["why"]) == ("cannot_undo", "nothing")


async def test_where_there_are_no_buttons_a_number_takes_it_back(talk: Talk) -> None:
    await answer(talk, "stc", "đã xong")
    _, notice = await answer(talk, "stc2", "đang làm 40%")
    assert "1 Rút lại câu trả lời sau" in notice.plain
    undone, *_ = await talk.say("stc", "1")
    assert undone.template == "undone"
    assert (await state(talk))[0] == "submitted"


async def test_who_was_contradicted_hears_when_the_author_takes_it_back(talk: Talk) -> None:
    await answer(talk, "stc", "đã xong")
    await answer(talk, "stc2", "đang làm 40%")
    undone, told = await talk.say("stc2", "huỷ")
    assert (undone.template, told.template, told.chat) == ("undone", NOTICE, "stc")
    assert "“Đã hoàn thành” (lúc 08 giờ 00 ngày 09/11/2026) được tính lại" in told.html


@pytest.mark.parametrize(
    ("first", "second", "days", "hears"),
    [
        ("đang làm 40%", "đã xong", 0, True),
        ("đang làm 40%", "đang làm 60%", 0, True),
        ("đang làm 40%", "đang làm 60%", 2, False),
        ("đang làm 60%", "đang làm 40%", 2, True),
        ("đang làm 60%", "chưa làm", 2, True),
        ("đang làm 60%", "đã xong", 2, False),
        ("đã xong", "chưa làm", 2, True),
        ("đang làm 40%", "đang làm 40%", 0, False),
        ("đã nhận", "đã xong", 0, False),
        ("đã xong", "đã xong", 0, False),
        ("chưa làm", "đang làm", 2, False),
    ],
)
async def test_progress_goes_on_without_a_notice_and_steps_back_do_not(
    talk: Talk, first: str, second: str, days: int, hears: bool
) -> None:
    await answer(talk, "stc", first)
    talk.now += timedelta(days=days)
    _, *notices = await answer(talk, "stc2", second)
    assert [notice.chat for notice in notices] == (["stc"] if hears else [])


async def test_the_same_person_corrects_themselves_in_silence(talk: Talk) -> None:
    await answer(talk, "stc", "đã xong")
    assert len(await answer(talk, "stc", "đang làm 40%")) == 1


async def test_what_follows_a_return_contradicts_nobody(talk: Talk) -> None:
    await answer(talk, "stc", "đã xong")
    await talk.tap("an", f"return:{await owed(talk)}")
    await talk.say("an", "Thiếu phụ lục số liệu")
    assert len(await answer(talk, "stc2", "đang làm 40%")) == 1


async def test_a_colleague_who_left_hears_nothing(talk: Talk) -> None:
    await answer(talk, "stc", "đã xong")
    await talk.happen("stc", "gone")
    assert len(await answer(talk, "stc2", "đang làm 40%")) == 1


async def test_one_reply_about_several_tasks_tells_the_colleague_once(talk: Talk) -> None:
    for code in ("BC.1", "BC.3"):
        await talk.tap("stc", f"open:{await owed(talk, code)}")
        await talk.say("stc", "đang làm 80%")
    (listed,) = await talk.say("stc2", "/viec")
    numbers = {line["code"]: line["number"] for line in listed.answer.context["items"]}  # type: ignore[attr-defined]
    words = f"{numbers['BC.1']} đang làm 20%, {numbers['BC.3']} đang làm 30%"
    echo, notice = await talk.say("stc2", words)
    assert echo.template == "recorded_several"
    assert echo.html.count("một đầu mối khác của cơ quan đã trả lời “Đang thực hiện 80%”") == 2
    assert (notice.chat, notice.labels()) == ("stc", [])
    assert "“Đang thực hiện 20%”" in notice.html
    assert "“Đang thực hiện 30%”" in notice.html


async def test_another_agency_neither_hears_nor_takes_back(talk: Talk) -> None:
    await answer(talk, "stc", "đã xong")
    _, notice = await answer(talk, "stc2", "đang làm 40%")
    key = notice.action("Rút lại câu trả lời sau")
    await talk.enrol("stc3", "dong", "stc")
    for chat in ("sxd", "an", "leader", "stc3"):  # nor a colleague who said nothing
        assert (await talk.tap(chat, key))[0].template == "unknown_item"
    assert await state(talk) == ("open", 40)
