"""What a typed number means: one item of a list that surely arrived, else it is asked about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from data.db.database import Database
from data.models import Chat, InboxEvent, Message, MessageItem, StatusReply
from tests.support.conversations import WITH_BUTTONS, WITHOUT, Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday; reports are due Saturday 14/11
MAYBE = [
    {"state": "uncertain"},
    {"state": "failed"},
    {"state": "claimed"},
    {"state": "pending", "repeats": 1},
]
NAMES = ["uncertain", "refused twice", "in flight", "to be repeated"]


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def said(talk: Talk) -> list[tuple[str, int]]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(StatusReply.said, StatusReply.obligation_id).order_by(StatusReply.id)
        )
        return [(row.said, row.obligation_id) for row in rows]


async def owed(talk: Talk) -> tuple[Any, Any, Any]:
    """Return the report and two tasks of Sở Tài chính."""
    report = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    tasks = [await talk.obligation("10/KH-UBND", "stc", code, "end") for code in ("1", "2")]
    return report, *tasks


async def a_page(
    talk: Talk, first: int, rows: list[Any], page: int = 1, pages: int = 2, **more: Any
) -> str:
    """Let a page of a morning leave for chat 7; more: columns, where it did not surely arrive."""
    values = {"state": "sent", "broadcast_on": date(2026, 11, 9), **more}
    remote = f"page{page}" if values["state"] == "sent" else None
    async with talk.database.write() as connection:
        chat_id = await connection.scalar(select(Chat.id).where(Chat.address == "7"))
        added = await connection.execute(
            insert(Message)
            .values(
                account_id=talk.account_id, chat_id=chat_id, priority=2, template="reminder",
                context={}, buttons=[], created_at=talk.now, send_at=talk.now, page=page,
                pages=pages, remote_id=remote, **values,
            )
            .returning(Message.id)
        )  # fmt: skip
        message_id = added.scalar_one()
        await connection.execute(
            insert(MessageItem),
            [
                {"message_id": message_id, "position": number, "obligation_id": row.id, "rung": 0}
                for number, row in enumerate(rows, first)
            ],
        )
        if values["state"] == "sent":
            await connection.execute(
                update(Chat).where(Chat.id == chat_id).values(last_menu_message_id=message_id)
            )
    return f"page{page}"


# ------------------------------------------------------------------ pages that may not have arrived


@pytest.mark.parametrize("first_page", MAYBE, ids=NAMES)
async def test_number_of_a_page_that_nobody_may_have_seen_is_asked_about_with_both_items(
    talk: Talk, first_page: dict[str, Any]
) -> None:
    report, task, other = await owed(talk)
    await talk.say("7", "/viec")  # yesterday's list: 1 is the report
    await a_page(talk, 1, [task], page=1, **first_page)
    await a_page(talk, 2, [other], page=2)
    asked = await only(talk.say("7", "1 xong"))
    assert (asked.template, asked.answer.context["why"]) == ("ask", "doubtful")
    assert asked.answer.items == (task.id, report.id)
    assert "Số 1 có thể là nhiệm vụ sau" in asked.html
    assert await said(talk) == []
    await talk.say("7", "2 xong")  # the second of the two that were asked about
    assert await said(talk) == [("completed", report.id)]


@pytest.mark.parametrize(
    "typed",
    ["1", "1 xong", "đã xong 1", "việc 1 xong", "1-2 xong", "1 xong, 2 đang làm", "tất cả đã xong",
     "đã xong", "ok", "vâng", "đã nhận tất cả", "Đã hoàn thành", "trừ 1, còn lại xong"],
)  # fmt: skip
@pytest.mark.parametrize("first_page", MAYBE, ids=NAMES)
async def test_nothing_is_recorded_of_a_page_that_nobody_may_have_seen(
    talk: Talk, typed: str, first_page: dict[str, Any]
) -> None:
    _, task, other = await owed(talk)
    await a_page(talk, 1, [task], page=1, **first_page)
    await a_page(talk, 2, [other], page=2)
    assert (await only(talk.say("7", typed))).template == "ask"
    assert await said(talk) == []


async def test_number_of_the_page_that_arrived_and_a_code_are_sure_all_the_same(talk: Talk) -> None:
    report, task, other = await owed(talk)
    await a_page(talk, 1, [task], page=1, state="uncertain")
    await a_page(talk, 2, [other], page=2)
    await talk.say("7", "2 xong")
    await talk.say("7", "BC.1 đang làm 40%")
    assert await said(talk) == [("completed", other.id), ("in_progress", report.id)]


@pytest.mark.parametrize("last_page", MAYBE, ids=NAMES)
@pytest.mark.parametrize("typed", ["1 xong", "đã xong", "tất cả đã xong", "1"])
async def test_number_is_asked_about_while_a_later_list_may_have_arrived(
    talk: Talk, typed: str, last_page: dict[str, Any]
) -> None:
    _, task, _ = await owed(talk)
    await talk.say("7", "/viec")
    await a_page(talk, 1, [task], pages=1, **last_page)
    asked = await only(talk.say("7", typed))
    assert (asked.template, asked.answer.context["why"]) == ("ask", "doubtful")
    assert await said(talk) == []


async def test_page_that_was_never_tried_casts_no_doubt(talk: Talk) -> None:
    report, task, _ = await owed(talk)
    await talk.say("7", "/viec")
    await a_page(talk, 1, [task], pages=1, state="pending")
    await talk.say("7", "1 xong")
    assert await said(talk) == [("completed", report.id)]


async def test_broadcast_that_was_overtaken_by_an_answer_casts_doubt_by_when_it_was_tried(
    talk: Talk,
) -> None:
    _, task, _ = await owed(talk)
    await a_page(talk, 1, [task], pages=1, state="pending")
    await talk.say("7", "/viec")
    async with talk.database.write() as connection:
        tried = {"state": "uncertain", "claimed_at": NOW + timedelta(seconds=5)}
        await connection.execute(update(Message).where(Message.priority == 2).values(tried))
    assert (await only(talk.say("7", "1 xong"))).answer.context["why"] == "doubtful"
    assert await said(talk) == []


async def test_list_that_left_after_the_words_were_stored_is_not_what_they_mean(talk: Talk) -> None:
    _, task, _ = await owed(talk)
    await talk.say("7", "/viec")
    await a_page(talk, 1, [task], pages=1, claimed_at=NOW + timedelta(minutes=1))
    assert (await only(talk.say("7", "1 xong"))).answer.context["why"] == "doubtful"
    async with talk.database.read() as connection:
        assert await connection.scalar(select(InboxEvent.id).order_by(InboxEvent.id.desc()))
    assert await said(talk) == []


async def test_reply_to_a_message_without_a_receipt_is_asked_about(talk: Talk) -> None:
    report, _, _ = await owed(talk)
    await a_page(talk, 1, [report], pages=1)
    await talk.say("7", "đã xong", reply_to="a message that nobody knows")
    assert await said(talk) == []
    await talk.say("7", "đã xong", reply_to="page1")
    assert await said(talk) == [("completed", report.id)]


# ------------------------------------------------------------------ after huỷ, and under one item


async def test_after_huy_a_number_still_means_the_list_that_the_chat_shows(talk: Talk) -> None:
    report, task, other = await owed(talk)
    await a_page(talk, 1, [report, task], page=1)
    await a_page(talk, 3, [other], page=2)
    await talk.say("7", "2 xong")
    assert (await only(talk.say("7", "huỷ"))).template == "undone"
    await talk.say("7", "1 xong")
    await talk.say("7", "3 đã nhận")
    assert await said(talk) == [
        ("completed", task.id),
        ("undo", task.id),
        ("completed", report.id),
        ("acknowledge", other.id),
    ]


async def test_huy_of_what_stands_in_no_list_makes_no_list(talk: Talk) -> None:
    report, task, _ = await owed(talk)
    await a_page(talk, 1, [report], pages=1)
    await talk.say("7", "10 1 đang làm")  # by plan and code
    undone = await only(talk.say("7", "huỷ"))
    assert (undone.answer.items, undone.answer.buttons) == ((), ())
    await talk.say("7", "1 xong")
    assert (await said(talk))[-1] == ("completed", report.id)
    assert ("in_progress", task.id) in await said(talk)


async def test_bare_number_under_one_item_with_buttons_is_asked_about_never_a_choice(
    talk: Talk,
) -> None:
    report, _, _ = await owed(talk)
    talk.capabilities[talk.account_id] = WITH_BUTTONS
    await a_page(talk, 1, [report], pages=1)
    for typed in ("3", "1", "việc 3", "4"):
        asked = await only(talk.say("7", typed))
        assert asked.template == "item"
    assert await said(talk) == []


async def test_bare_number_under_one_item_without_buttons_is_the_choice_shown(talk: Talk) -> None:
    report, _, _ = await owed(talk)
    talk.capabilities[talk.account_id] = WITHOUT
    await a_page(talk, 1, [report], pages=1)
    await talk.say("7", "3")
    assert await said(talk) == [("completed", report.id)]


async def test_item_answered_on_its_own_keeps_the_number_of_its_page(talk: Talk) -> None:
    report, task, _ = await owed(talk)
    await a_page(talk, 1, [report], page=1)
    last = await a_page(talk, 2, [task], page=2)
    await talk.say("7", "đang làm", reply_to=last)
    await talk.say("7", "1 xong")
    assert await said(talk) == [("in_progress", task.id), ("completed", report.id)]


async def test_number_after_a_notice_without_numbers_is_asked_about(talk: Talk) -> None:
    report, task, _ = await owed(talk)
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    await talk.say("7", "10 1 xin gia hạn đến 15/2/2027 do chờ số liệu")
    await talk.say("7", "/viec")
    request = await only(talk.say("8", "/giahan"))
    await talk.press(request, "Đề nghị ngày khác")
    await talk.say("8", "20/1/2027")
    _, notice = await talk.say("8", "Quyết định số 12/QĐ-UBND ngày 6/11/2026")
    assert (notice.chat, notice.labels()[0]) == ("7", "Nhận ngày này")
    asked = await only(talk.say("7", "1 xong"))
    assert (asked.template, asked.answer.items) == ("ask", (report.id, task.id))
    assert "completed" not in [verb for verb, _ in await said(talk)]


async def test_number_that_two_lists_on_the_screen_give_to_different_items_is_asked_about(
    talk: Talk,
) -> None:
    report, task, other = await owed(talk)
    old = await a_page(talk, 1, [task, other], pages=1, broadcast_on=date(2026, 11, 6))
    await talk.say("7", "/viec")  # lower in the chat: 1 is the report
    await talk.tap("7", f"open:{other.id}", old)  # changes the older message
    asked = await only(talk.say("7", "1 xong"))
    assert (asked.template, set(asked.answer.items)) == ("ask", {task.id, report.id})
    assert await said(talk) == []


async def test_two_mornings_of_one_day_make_a_number_ambiguous(talk: Talk) -> None:
    report, task, _ = await owed(talk)
    await a_page(talk, 1, [task], pages=1)
    await a_page(talk, 1, [report], pages=1)  # another province's, say
    asked = await only(talk.say("7", "1 xong"))
    assert (asked.template, set(asked.answer.items)) == ("ask", {task.id, report.id})
    assert await said(talk) == []


# ------------------------------------------------------------------ words without a number


@pytest.mark.parametrize(
    "typed", ["đã xong", "ok", "vâng", "Đã hoàn thành", "đã nhận", "đang làm 50%"]
)
async def test_words_alone_on_a_morning_of_pages_are_asked_about_over_all_items(
    talk: Talk, typed: str
) -> None:
    report, task, other = await owed(talk)
    await a_page(talk, 1, [report, task], page=1)
    await a_page(talk, 3, [other], page=2)
    asked = await only(talk.say("7", typed))
    assert asked.answer.items == (report.id, task.id, other.id)
    lines: Any = asked.answer.context["items"]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert await said(talk) == []
    await talk.say("7", "3 đang làm")
    assert await said(talk) == [("in_progress", other.id)]


async def test_words_alone_in_reply_to_a_page_speak_of_that_page(talk: Talk) -> None:
    report, task, other = await owed(talk)
    first = await a_page(talk, 1, [report, task], page=1)
    last = await a_page(talk, 3, [other], page=2)
    asked = await only(talk.say("7", "đã xong", reply_to=first))
    assert asked.answer.items == (report.id, task.id)
    await talk.say("7", "đã xong", reply_to=last)
    assert await said(talk) == [("completed", other.id)]


async def test_all_that_is_acknowledged_in_words_is_all_pages(talk: Talk) -> None:
    rows = await owed(talk)
    await a_page(talk, 1, list(rows[:2]), page=1)
    await a_page(talk, 3, [rows[2]], page=2)
    await talk.say("7", "đã nhận tất cả")
    assert await said(talk) == [("acknowledge", row.id) for row in rows]


async def test_question_over_many_pages_shows_short_lines_within_the_messengers_limit(
    talk: Talk,
) -> None:
    talk.longest = 2000
    report, task, other = await owed(talk)
    await a_page(talk, 1, [report] * 1 + [task], page=1)
    await a_page(talk, 3, [other], page=2)
    asked = await only(talk.say("7", "đã xong"))
    assert asked.answer.context["left_out"] == 0
    assert len(asked.plain) < 2000


async def test_reply_to_our_own_confirmation_finds_its_task(talk: Talk) -> None:
    _, task, _ = await owed(talk)
    await talk.say("7", "/viec")
    echo = await only(talk.say("7", "2 đang làm 40%"))
    assert echo.answer.items == ()  # no list: a number means the list before
    await talk.say("7", "đã xong", reply_to=echo.remote_id)
    assert await said(talk) == [("in_progress", task.id), ("completed", task.id)]


@pytest.mark.parametrize("first", ["1 xong", "1,2 xong"])
async def test_huy_in_reply_to_a_confirmation_takes_back_what_that_confirmed(
    talk: Talk, first: str
) -> None:
    await talk.say("7", "/viec")
    echo = await only(talk.say("7", first))
    count = len(await said(talk))
    await talk.say("7", "3 xong")
    await talk.say("7", "huỷ", reply_to=echo.remote_id)
    every = await said(talk)
    assert [task for what, task in every if what == "undo"] == [task for _, task in every[:count]]
    again = await only(talk.say("7", "huỷ", reply_to=echo.remote_id))
    assert again.template == "cannot_undo"
    assert len(await said(talk)) == len(every)
