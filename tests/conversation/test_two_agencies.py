"""One person or group that answers for two agencies: every line, echo and question names its agency."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from data.db.database import Database
from data.models import Chat, Message
from jobs.morning.run import run_mornings
from tests.support.conversations import RENDERER, TYPED, Reply, Seat, Talk, small_registry
from tests.support.rendered_forms import render_forms

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # 8:00 on a Monday


@pytest.fixture(params=["7", "-5"])
async def chat(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"), Seat("7", "dong", "sxd"), Seat("9", "dong", "stc")
    )
    for agency in ("stc", "sxd"):
        await talk.enrol("-5", "dong", agency)
    return talk


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


def agencies_of(answer: Reply) -> list[str]:
    lines: Any = answer.answer.context["items"]
    return [line["agency"] for line in lines]


async def test_every_line_of_a_list_names_its_agency(talk: Talk, chat: str) -> None:
    for command in ("/viec", "/sapden", "/thuongxuyen"):
        listed = await only(talk.say(chat, command, sender="7"))
        assert set(agencies_of(listed)) <= {"Sở Tài chính", "Sở Xây dựng"}
        assert "" not in agencies_of(listed)
        for name in set(agencies_of(listed)):
            assert f"({name})" in listed.plain


async def test_echo_opened_item_question_and_undo_name_the_agency(talk: Talk) -> None:
    listed = await only(talk.say("7", "/viec"))
    lines: Any = listed.answer.context["items"]
    number = next(line["number"] for line in lines if line["agency"] == "Sở Xây dựng")
    opened = await only(talk.say("7", str(number)))
    assert "(Sở Xây dựng)" in opened.plain
    echo = await only(talk.say("7", f"{number} đang làm 40%"))
    assert ", Sở Xây dựng" in echo.plain.splitlines()[0]
    asked = await only(talk.tap("7", f"more:{lines[number - 1]['id']}"))
    assert ", Sở Xây dựng" in asked.plain.splitlines()[0]
    await talk.say("7", "thôi")
    undone = await only(talk.say("7", "huỷ"))
    assert ", Sở Xây dựng" in undone.plain


async def test_code_of_both_agencies_is_asked_about_with_their_names(talk: Talk) -> None:
    asked = await only(talk.say("7", "BC.1 đã xong"))
    assert set(agencies_of(asked)) == {"Sở Tài chính", "Sở Xây dựng"}


async def test_one_agency_alone_is_not_named_on_each_line(talk: Talk) -> None:
    assert set(agencies_of(await only(talk.say("9", "/viec")))) == {""}


async def test_morning_names_the_agency_of_each_item_and_nothing_as_handed_over(
    talk: Talk,
) -> None:
    talk.now = datetime(2026, 11, 13, 1, 0, tzinfo=UTC)  # the reports' last working day
    await run_mornings(talk.database, talk.registry, now=talk.now)
    texts = {}
    async with talk.database.read() as connection:
        for address in ("7", "9"):
            chat_id = await connection.scalar(select(Chat.id).where(Chat.address == address))
            rows = await connection.execute(
                select(Message).where(Message.chat_id == chat_id, Message.template == "reminder")
            )
            texts[address] = ""
            for row in rows.all():
                content = await RENDERER.content(
                    connection, row, today=talk.now.date(), workdays=talk.registry.workdays
                )
                assert content is not None
                texts[address] += render_forms(RENDERER, content, (TYPED,))[TYPED]
    assert texts["7"].count("(Sở Tài chính)") >= 1
    assert texts["7"].count("(Sở Xây dựng)") >= 1
    assert "nhận nhiệm vụ từ Sở Xây dựng" not in texts["7"]
    assert "nhận nhiệm vụ từ Sở Tài chính" not in texts["7"]
    assert "(Sở Tài chính)" not in texts["9"]


async def test_a_name_in_two_provinces_is_asked_about_once(database: Database) -> None:
    talk = await Talk(database, small_registry(), datetime(2026, 11, 9, 1, 0, tzinfo=UTC)).begin(
        Seat("two", "dong", "skhcn", "coordinator"),
        Seat("two", "tay", "skhcn", "coordinator"),
        Seat("stc", "dong", "stc"),
        Seat("other", "tay", "stc"),
    )
    talk.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    (asked,) = await talk.say("two", "/nhac sở tài chính")
    assert asked.labels() == ["Sở Tài chính (Đông)", "Sở Tài chính (Tây)"]
    (urged,) = await talk.press(asked, "Sở Tài chính (Tây)")
    assert (urged.template, urged.answer.context["sent_count"]) == ("urged", 1)
