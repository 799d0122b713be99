"""Many messages sent while the bot was away: handled in order, answered as one conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels.local import LocalChannel, make_local_update
from bot.conversation.router import Router
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Message, StatusReply
from jobs.inbox.catching_up import HELD
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.support.conversations import TEMPLATES, Seat, Talk, small_registry

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
    )


async def come_back(talk: Talk, texts: list[str], *, chat: str = "7", **more: Any) -> list[Any]:
    """Let messages have waited while the bot was away; returns the messages that leave for the chat."""
    router = Router(lambda: talk.registry, TEMPLATES)
    inbox = Inbox(
        talk.database,
        {talk.account_id: LocalChannel()},
        router.handle,
        SteppedClock(talk.now),
        summarise=router.summarise,
    )
    given = {"address": chat, "chat_kind": "private", "kind": "text", "sender": chat, **more}
    updates = [make_local_update(**given, text=text) for text in texts]
    await store_updates(talk.database, talk.account_id, updates, now=talk.now)
    async with talk.database.read() as connection:
        before = await connection.scalar(select(Message.id).order_by(Message.id.desc())) or 0
    await inbox.handle_pending()
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Message).where(Message.id > before, Message.state == "pending")
        )
        return list(rows.all())


async def said(talk: Talk) -> list[tuple[str, int | None]]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(StatusReply.said, StatusReply.percent).order_by(StatusReply.id)
        )
        return [(row.said, row.percent) for row in rows]


async def test_forty_messages_are_recorded_in_order_and_answered_once_with_the_list_once(
    talk: Talk,
) -> None:
    await talk.say("7", "/viec")
    texts = [f"1 đang làm {percent}%" for percent in range(1, 38)]
    (answer,) = await come_back(talk, [*texts, "2 đang làm", "1 đã xong", "tuần này họp giao ban"])
    assert (answer.template, answer.context["count"]) == ("caught_up", 40)
    lines = {line["code"]: line for line in answer.context["recorded"]}
    assert {code: line["answered"] for code, line in lines.items()} == {
        "BC.1": "completed",
        "1": "in_progress",
    }
    assert [line["number"] for line in answer.context["items"]] == [1, 2, 3, 4]
    assert answer.context["unclear"] == 1
    assert await said(talk) == [
        *(("in_progress", percent) for percent in range(1, 38)),
        ("in_progress", None),
        ("completed", None),
    ]
    assert answer.send_at == NOW


async def test_what_was_taken_back_is_told_as_such(talk: Talk) -> None:
    await talk.say("7", "/viec")
    (answer,) = await come_back(talk, ["1 đang làm", "2 xong", "huỷ", "3 chưa làm"])
    assert [line["answered"] for line in answer.context["recorded"]] == [
        "in_progress",
        "undo",
        "not_started",
    ]


async def test_list_that_was_asked_for_among_them_is_shown_once_as_it_is_at_the_end(
    talk: Talk,
) -> None:
    (answer,) = await come_back(talk, ["/viec", "/viec", "BC.1 đã xong", "/viec", "10 1 đang làm"])
    assert answer.template == "caught_up"
    states = {line["code"]: line["said"] for line in answer.context["items"]}
    assert states["1"] == "in_progress"


async def test_commands_are_answered_once_of_each_kind(talk: Talk) -> None:
    answers = await come_back(talk, ["/help", "/viec", "/help", "/status", "/viec"])
    assert [each.template for each in answers] == ["help", "status_agency", "viec"]


async def test_question_that_is_open_at_the_end_is_asked(talk: Talk) -> None:
    await talk.say("7", "/viec")
    answers = await come_back(talk, ["2 đang làm", "3 đang làm", "4 đang làm", "1 xin gia hạn"])
    assert [each.template for each in answers] == ["caught_up", "ask_until"]


async def test_unclear_words_alone_are_asked_about_once(talk: Talk) -> None:
    await talk.say("7", "/viec")
    answers = await come_back(talk, ["họp giao ban", "trời mưa", "thứ hai nhé", "xong"])
    assert [each.template for each in answers] == ["ask"]
    assert await said(talk) == []


@pytest.mark.parametrize("command", ["/viec", "/help"])
async def test_words_of_which_nothing_was_recorded_are_told_beside_a_command(
    talk: Talk, command: str
) -> None:
    await talk.say("7", "/viec")
    asked = {"/viec": "viec", "/help": "help"}[command]
    answers = await come_back(talk, ["họp giao ban", "1 rồi nhé", "trời mưa", command])
    assert [each.template for each in answers] == [asked, "ask"]
    assert await said(talk) == []


async def test_few_messages_and_those_of_a_group_are_answered_each(talk: Talk) -> None:
    await talk.say("7", "/viec")
    answers = await come_back(talk, ["1 đang làm", "2 đang làm", "3 đang làm"])
    assert [each.template for each in answers] == ["recorded"] * 3
    await talk.enrol("-5", "dong", "stc")
    in_group = await come_back(talk, ["/viec"] * 5, chat="-5", chat_kind="group", sender="7")
    assert [each.template for each in in_group] == ["viec"] * 5


async def test_notices_to_others_leave_at_once_and_each(talk: Talk) -> None:
    await talk.say("7", "/viec")
    texts = ["1 vướng kinh phí chưa cấp", "2 đang làm", "3 vướng chưa có hướng dẫn", "4 đang làm"]
    answers = await come_back(talk, texts)
    notices = [each for each in answers if each.template == "notice_blocked"]
    assert [each.send_at for each in notices] == [NOW, NOW]


async def test_answers_leave_by_themselves_where_the_one_for_all_was_never_put(talk: Talk) -> None:
    await talk.say("7", "/viec")
    router = Router(lambda: talk.registry, TEMPLATES)

    async def fails(*args: Any, **more: Any) -> list[Any]:
        raise RuntimeError("the process died here")

    inbox = Inbox(
        talk.database,
        {talk.account_id: LocalChannel()},
        router.handle,
        SteppedClock(NOW),
        summarise=fails,
    )
    updates = [
        make_local_update(
            address="7", chat_kind="private", kind="text", sender="7", text=f"{n} đang làm"
        )
        for n in (1, 2, 3, 4)
    ]
    await store_updates(talk.database, talk.account_id, updates, now=NOW)
    await inbox.handle_pending()
    async with talk.database.write() as connection:
        rows = await connection.execute(
            select(Message.template, Message.send_at).where(Message.state == "pending")
        )
        assert [tuple(row) for row in rows] == [("recorded", NOW + HELD)] * 4
        await connection.execute(update(Message).values(send_at=NOW + timedelta(seconds=1)))
