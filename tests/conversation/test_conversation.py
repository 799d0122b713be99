"""Whole conversations: messages typed, buttons pressed, and the answers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from bot.conversation.commands import COMMANDS
from bot.conversation.context.access import ROLES_BY_ACTION
from data.db.database import Database
from data.models import Account, Chat, Message, MessageItem, Obligation, StatusReply, Task
from tests.support.conversations import Reply, Seat, Talk, small_registry

pytestmark = pytest.mark.sqlite  # about words, whatever keeps the rows

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday; reports are due Saturday 14/11
FOUR = ["Đã nhận", "Đang thực hiện", "Đã hoàn thành", "Xin gia hạn"]


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))


async def report_of(talk: Talk, agency: str = "stc") -> Any:
    return await talk.obligation("10/KH-UBND", agency, "BC.1", "2026")


async def said(talk: Talk) -> list[str]:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(StatusReply.said).order_by(StatusReply.id))
        return list(rows.scalars())


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


# ------------------------------------------------------------------ strangers


async def test_stranger_gets_one_fixed_text_at_most_every_ten_minutes(talk: Talk) -> None:
    texts = ["/viec", "/status", "/help", "Sở Tài chính", "2 xong"]
    first = await only(talk.say("99", "xin chào"))
    assert first.template == "stranger"
    for text in texts:
        assert await talk.say("99", text) == []
    talk.now += timedelta(minutes=10)
    for number, text in enumerate(texts):
        answer = await only(talk.say(f"10{number}", text))
        assert answer.html == first.html
    assert "Sở" not in first.html


async def test_strangers_button_and_picture_get_the_same_text(talk: Talk) -> None:
    row = await report_of(talk)
    assert (await only(talk.tap("98", f"done:{row.id}"))).template == "stranger"
    assert (await only(talk.happen("97", "other"))).template == "stranger"
    assert (await report_of(talk)).state == "open"


async def test_group_that_is_not_enrolled_is_answered_only_when_it_calls(talk: Talk) -> None:
    assert await talk.say("-5", "mai họp nhé", sender="1") == []
    assert (await only(talk.say("-5", "/viec", sender="1"))).template == "stranger"
    assert (await only(talk.happen("-6", "back"))).template == "stranger"


# ------------------------------------------------------------------ commands


async def test_help_lists_every_command_of_the_role_with_three_examples(talk: Talk) -> None:
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    await talk.enrol("9", "dong", "ubnd", "leader")
    roles = {"7": "focal", "8": "coordinator", "9": "leader"}
    expected = {
        chat: {name for name in COMMANDS if role in ROLES_BY_ACTION[name]}
        for chat, role in roles.items()
    }
    assert "viec" in expected["7"] and "nhac" in expected["8"] and "viec" not in expected["9"]  # noqa: PT018
    for chat, names in expected.items():
        answer = await only(talk.say(chat, "/help"))
        assert {f"/{name} –" in answer.html for name in names} == {True}
        assert {name for name in COMMANDS if f"/{name} –" in answer.html} == names
        assert answer.html.count("•") == 3


@pytest.mark.parametrize(
    ("typed", "template"),
    [
        ("/viec", "viec"),
        ("/VIEC", "viec"),
        ("/việc", "viec"),
        ("/viec@nhacviec_bot", "viec"),
        ("/tasks", "viec"),
        ("việc", "viec"),
        ("/tinhhinh", "status_agency"),
        ("tình hình", "status_agency"),
        ("/status", "status_agency"),
        ("/start", "help"),
        ("/trogiup", "help"),
    ],
)
async def test_command_has_many_spellings(talk: Talk, typed: str, template: str) -> None:
    assert (await only(talk.say("7", typed))).template == template


async def test_unknown_command_gets_the_nearest(talk: Talk) -> None:
    assert "/viec?" in (await only(talk.say("7", "/vieec"))).html
    far = await only(talk.say("7", "/xyzzy<b>"))
    assert far.template == "unknown_command"
    assert "&lt;b&gt;" in far.html


async def test_command_for_another_bot_is_left_alone(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(update(Account).values(title="@nhacviec_bot"))
    await talk.enrol("-5", "dong", "stc")
    assert await talk.say("-5", "/viec@other_bot", sender="1") == []
    assert await talk.say("-5", "/quizzz", sender="1") == []
    assert (await only(talk.say("-5", "/viec@Nhacviec_Bot", sender="1"))).template == "viec"


async def test_viec_shows_what_is_owed_now_most_urgent_first(talk: Talk) -> None:
    answer = await only(talk.say("7", "/viec"))
    items: Any = answer.answer.context["items"]
    assert [(item["number"], item["code"]) for item in items] == [
        (1, "BC.1"),
        (2, "1"),
        (3, "2"),
        (4, "8"),
    ]
    assert items[3]["succeeded_from"] == "Sở Kế hoạch và Đầu tư"
    assert "(tiếp nhận nhiệm vụ của Sở Kế hoạch và Đầu tư)" in answer.html
    assert "Còn 04 ngày làm việc" in answer.html
    assert answer.labels() == ["1", "2", "3", "4", "Đã nhận tất cả"]
    assert "1 nhiệm vụ không có hạn: gõ /thuongxuyen" in answer.html


async def test_long_list_comes_in_pages(talk: Talk) -> None:
    talk.longest = 2000  # half a page: five items
    async with talk.database.write() as connection:
        report = dict((await report_of(talk))._mapping)
        del report["id"]
        await connection.execute(
            insert(Obligation), [{**report, "period": f"2026-M0{month}"} for month in range(1, 9)]
        )
    first = await only(talk.say("7", "/viec"))
    assert first.answer.context["pages"] == 3
    assert "/viec trang 2" in first.plain
    second = await only(talk.press(first, "Trang sau ▶"))
    assert second.answer.edits == first.remote_id
    assert second.labels()[-2:] == ["◀ Trang trước", "Trang sau ▶"]
    typed = await only(talk.say("7", "/viec trang 2"))
    assert typed.answer.items == second.answer.items
    assert not set(first.answer.items) & set(second.answer.items)
    by_label = await only(talk.say("7", "trang trước"))
    assert by_label.answer.items == first.answer.items


async def test_status_of_a_coordinator_counts_reports_and_tasks_once(talk: Talk) -> None:
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    await talk.say("7", "/viec")
    await talk.say("7", "1 xong")
    answer = await only(talk.say("8", "/status"))
    plans: Any = answer.answer.context["plans"]
    assert [plan["number"] for plan in plans] == ["10/KH-UBND", "9/KH-UBND"]
    assert plans[0]["tasks"]["total"] == 4
    assert (
        "đã nhận <b>1/2</b> (01 báo cáo chờ xác nhận), còn 04 ngày làm việc, thiếu: Sở Xây dựng"
        in answer.html
    )
    one = await only(talk.say("8", "/status 9"))
    assert [plan["number"] for plan in one.answer.context["plans"]] == ["9/KH-UBND"]  # type: ignore[attr-defined]
    assert "Không tìm thấy" in (await only(talk.say("8", "/status 777"))).html


# ------------------------------------------------------------------ answering by button


async def test_number_opens_an_item_and_back_returns_in_the_same_message(talk: Talk) -> None:
    listed = await only(talk.say("7", "/viec"))
    item = await only(talk.press(listed, "2"))
    assert item.labels() == [*FOUR, "Quay lại", "Nội dung"]
    assert item.answer.edits == listed.remote_id
    back = await only(talk.press(item, "Quay lại"))
    assert back.answer.edits == listed.remote_id
    assert back.answer.items == listed.answer.items
    assert back.labels() == listed.labels()


async def test_answer_from_a_list_is_said_back_and_the_list_stays(talk: Talk) -> None:
    listed = await only(talk.say("7", "/viec"))
    item = await only(talk.press(listed, "1"))
    echo = await only(talk.press(item, "Đã hoàn thành"))
    assert echo.template == "recorded"
    assert "Báo cáo năm 2026" in echo.html
    assert "Sở Khoa học và Công nghệ xem xét, xác nhận" in echo.html
    assert echo.answer.items == listed.answer.items
    assert echo.labels() == ["1", "2", "3", "4", "Đã nhận tất cả", "Huỷ"]
    row = await report_of(talk)
    assert (row.state, row.remind_on) == ("submitted", None)


async def test_every_button_pressed_again_changes_nothing_and_says_so(talk: Talk) -> None:
    row = await report_of(talk)
    for verb in ("ack", "doing", "done"):
        before = len(await said(talk))
        first = await only(talk.tap("7", f"{verb}:{row.id}"))
        again = await only(talk.tap("7", f"{verb}:{row.id}"))
        assert len(await said(talk)) == before + 1
        assert first.answer.context["repeated_answer"] is False
        assert again.answer.context["repeated_answer"] is True


async def test_single_item_keeps_its_four_choices_in_place_after_an_answer(talk: Talk) -> None:
    reminder = await a_reminder(talk, [await report_of(talk)])
    echo = await only(talk.tap("7", f"ack:{(await report_of(talk)).id}", reminder))
    assert echo.labels() == [*FOUR, "Huỷ"]
    done = await only(talk.press(echo, "Đã hoàn thành"))
    assert done.labels() == ["Huỷ"]
    assert done.answer.edits == reminder


async def test_acknowledging_tells_when_the_next_reminder_comes(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "1", "end")
    answer = await only(talk.tap("7", f"ack:{row.id}"))
    row = await talk.obligation("10/KH-UBND", "stc", "1", "end")
    assert row.remind_on == date(2026, 11, 13)
    assert "Lần nhắc tới: 13/11/2026. Hạn: 31/12/2026." in answer.html


async def test_next_reminder_is_told_as_a_morning_still_to_come(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # a Friday, four days late
    answer = await only(talk.tap("7", f"doing:{(await report_of(talk)).id}"))
    assert answer.answer.context["next_on"] == "2026-11-23"


async def test_all_are_acknowledged_at_once_and_taken_back_at_once(talk: Talk) -> None:
    listed = await only(talk.say("7", "/viec"))
    echo = await only(talk.press(listed, "Đã nhận tất cả"))
    assert echo.answer.context["count"] == 4
    assert await said(talk) == ["acknowledge"] * 4
    again = await only(talk.press(echo, "Đã nhận tất cả"))
    assert again.answer.context["repeated_answer"] is True
    assert len(await said(talk)) == 4
    undone = await only(talk.say("7", "huỷ"))
    assert undone.template == "undone"
    assert (await said(talk))[4:] == ["undo"] * 4
    assert (await report_of(talk)).acknowledged_until is None


async def test_extension_is_recorded_and_the_coordinator_told_at_once(talk: Talk) -> None:
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    row = await report_of(talk)
    asked = await only(talk.tap("7", f"more:{row.id}"))
    assert asked.template == "ask_until"
    echo, notice = await talk.say("7", "25/11 do chờ số liệu của các xã")
    assert "Đã chuyển đề nghị tới Sở Khoa học và Công nghệ" in echo.html
    assert (notice.chat, notice.template) == ("8", "notice_extension")
    assert "Sở Tài chính" in notice.html
    assert "còn 04 ngày làm việc" in notice.html
    assert (await report_of(talk)).extension_asked_at == NOW
    again = await talk.tap("7", f"more:{row.id}")
    assert [answer.template for answer in again] == ["extension_refused"]  # told once
    undone, withdrawn = await talk.say("7", "huỷ")
    assert undone.template == "undone"
    assert (withdrawn.chat, withdrawn.answer.context["withdrawn"]) == ("8", True)


async def test_extension_nobody_can_hear_is_told_as_such(talk: Talk) -> None:
    await talk.tap("7", f"more:{(await report_of(talk)).id}")
    echo = await only(talk.say("7", "25/11 do chờ số liệu của các xã"))
    assert "đề nghị liên hệ trực tiếp" in echo.html


async def test_extension_of_the_coordinating_agencys_own_work_goes_to_a_deciding_leader(
    talk: Talk,
) -> None:
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    await talk.enrol("9", "dong", "ubnd", "leader", may_decide=True)
    row = await report_of(talk)
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == row.id)
            .values(agency_id=await talk.agency_id("dong", "skhcn"))
        )
    await talk.tap("8", f"more:{row.id}")
    _, notice = await talk.say("8", "25/11 do chờ số liệu của các xã")
    assert notice.chat == "9"


async def test_extension_is_not_taken_after_the_due_date(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
    answer = await only(talk.tap("7", f"more:{(await report_of(talk)).id}"))
    assert answer.template == "extension_refused"
    assert await said(talk) == []


async def test_pressing_what_was_confirmed_is_answered_not_recorded(talk: Talk) -> None:
    row = await report_of(talk)
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == row.id).values(state="confirmed")
        )
    answer = await only(talk.tap("7", f"doing:{row.id}"))
    assert (answer.template, answer.answer.context["state"]) == ("closed", "confirmed")
    assert await said(talk) == []


@pytest.mark.parametrize(
    "key",
    ["", "ack", "ack:", "ack:x", "ack:-1", "ack:999999", "drip:1", "ack:1:2", "back:999",
     "ackall:999", "undo:999", "page:nothing:1", "ack:" + "9" * 40, "ack:²"],
)  # fmt: skip
async def test_key_that_nobody_made_is_answered_harmlessly(talk: Talk, key: str) -> None:
    assert (await only(talk.tap("7", key))).template == "unknown_item"
    assert await said(talk) == []


# ------------------------------------------------------------------ answering by typing


async def a_reminder(talk: Talk, rows: list[Any], **more: Any) -> str:
    """Let a reminder be the last thing sent to chat 7, as the morning and the delivery do it."""
    async with talk.database.write() as connection:
        chat_id = await connection.scalar(select(Chat.id).where(Chat.address == "7"))
        first = more.pop("first", 1)
        added = await connection.execute(
            insert(Message)
            .values(
                account_id=talk.account_id,
                chat_id=chat_id,
                priority=2,
                template="reminder",
                context={},
                buttons=[],
                broadcast_on=date(2026, 11, 9),
                created_at=talk.now,
                send_at=talk.now,
                state="sent",
                remote_id=f"r{first}",
                **more,
            )
            .returning(Message.id)
        )
        message_id = added.scalar_one()
        await connection.execute(
            insert(MessageItem),
            [
                {"message_id": message_id, "position": number, "obligation_id": row.id, "rung": 0}
                for number, row in enumerate(rows, first)
            ],
        )
        await connection.execute(
            update(Chat).where(Chat.id == chat_id).values(last_menu_message_id=message_id)
        )
    return f"r{first}"


async def test_number_is_a_choice_after_one_item_and_an_item_after_a_list(talk: Talk) -> None:
    await a_reminder(talk, [await report_of(talk)])
    echo = await only(talk.say("7", "2"))
    assert (echo.template, echo.answer.context["verb"]) == ("recorded", "doing")
    await talk.say("7", "/viec")
    item = await only(talk.say("7", "2"))
    assert (item.template, item.labels()) == ("item", [*FOUR, "Quay lại", "Nội dung"])
    assert item.plain.endswith(
        "1 Đã nhận · 2 Đang thực hiện · 3 Đã hoàn thành · 4 Xin gia hạn · 5 Quay lại · 6 Nội dung"
    )
    echo = await only(talk.say("7", "3"))
    assert echo.answer.context["verb"] == "done"
    assert (await talk.obligation("10/KH-UBND", "stc", "1", "end")).state == "submitted"
    third = await only(talk.say("7", "3"))  # the list is shown again, so a number is an item
    assert (third.template, third.answer.context["asks"]) == ("item", True)
    back = await only(talk.say("7", "5"))
    assert back.template == "list"


async def test_item_is_answered_by_number_and_word(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "1 đang làm 60%")
    row = await report_of(talk)
    assert (row.progress, row.percent) == ("in_progress", 60)
    echo = await only(talk.say("7", "1 xong"))
    assert "Báo cáo năm 2026" in echo.html
    assert (await report_of(talk)).state == "submitted"
    await talk.say("7", "2 đã nhận")
    assert await said(talk) == ["in_progress", "completed", "acknowledge"]


async def test_word_alone_answers_one_item_and_is_asked_about_of_several(talk: Talk) -> None:
    await talk.say("7", "/viec")
    asked = await only(talk.say("7", "đã xong"))
    assert (asked.template, asked.answer.context["why"]) == ("ask", "which")
    assert await said(talk) == []
    await a_reminder(talk, [await report_of(talk)])
    await talk.say("7", "đã xong")
    assert (await report_of(talk)).state == "submitted"


@pytest.mark.parametrize("text", ["chưa xong", "1 chưa xong", "1 xong chưa?", "sắp xong rồi"])
async def test_what_is_not_surely_understood_is_asked_never_recorded(talk: Talk, text: str) -> None:
    await talk.say("7", "/viec")
    asked = await only(talk.say("7", text))
    assert "chưa ghi nhận gì" in asked.html
    was_question = await said(talk) == ["question"]
    assert (asked.answer.buttons != ()) is not was_question  # no number after a question records
    assert set(await said(talk)) <= {"question"}


async def test_number_out_of_the_list_is_told_with_the_list(talk: Talk) -> None:
    await talk.say("7", "/viec")
    asked = await only(talk.say("7", "9 xong"))
    assert "Không có nhiệm vụ số 9" in asked.html
    assert len(asked.answer.items) == 4


async def test_answer_before_any_list_is_told_how_to_get_one(talk: Talk) -> None:
    assert "/viec" in (await only(talk.say("7", "2 xong"))).html
    assert await said(talk) == []


async def test_reply_belongs_to_the_message_replied_to_not_to_the_last_list(talk: Talk) -> None:
    remote_id = await a_reminder(talk, [await report_of(talk)])
    await talk.say("7", "/viec")
    await talk.say("7", "đã xong", reply_to=remote_id)
    assert (await report_of(talk)).state == "submitted"


async def test_numbers_go_on_over_the_pages_of_one_morning(talk: Talk) -> None:
    end = await talk.obligation("10/KH-UBND", "stc", "1", "end")
    await a_reminder(talk, [await report_of(talk)], page=1, pages=2)
    await a_reminder(talk, [end, await talk.obligation("10/KH-UBND", "stc", "2", "end")],
                     first=2, page=2, pages=2)  # fmt: skip
    await talk.say("7", "1 xong")
    assert (await report_of(talk)).state == "submitted"
    await talk.say("7", "2 đã nhận")
    assert (await talk.obligation("10/KH-UBND", "stc", "1", "end")).acknowledged_until is not None


async def test_huy_takes_back_the_last_answer_only(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "1 đã nhận")
    await talk.say("7", "1 xong")
    undone = await only(talk.say("7", "hủy"))
    assert "“Đã hoàn thành”" in undone.html
    row = await report_of(talk)
    assert (row.state, row.acknowledged_until) == ("open", date(2026, 11, 12))
    assert row.remind_on is not None
    assert (await only(talk.say("7", "hủy"))).template == "cannot_undo"


async def test_huy_is_refused_after_twenty_four_hours(talk: Talk) -> None:
    echo = await only(talk.tap("7", f"done:{(await report_of(talk)).id}"))
    assert echo.template == "recorded"
    talk.now = NOW + timedelta(hours=25)
    assert (await only(talk.say("7", "huỷ"))).template == "cannot_undo"
    assert (await report_of(talk)).state == "submitted"


# ------------------------------------------------------------------ groups


async def test_in_a_group_anyone_acknowledges_and_enrolled_people_answer(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    listed = await only(talk.say("-5", "/viec", sender="66"))
    item = await only(talk.press(listed, "1", sender="66"))
    refused = await only(talk.press(item, "Đã hoàn thành", sender="66"))
    assert (refused.template, refused.answer.context["why"]) == ("not_allowed", "not_enrolled")
    assert "Nhắn riêng cho Hệ thống" in refused.html
    assert (await report_of(talk)).state == "open"
    echo = await only(talk.press(item, "Đã nhận", sender="66"))
    assert echo.template == "recorded"
    done = await only(talk.tap("-5", f"done:{(await report_of(talk)).id}", sender="7"))
    assert done.template == "recorded"
    assert (await report_of(talk)).state == "submitted"


async def test_talk_among_people_in_a_group_is_left_alone(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    listed = await only(talk.say("-5", "/viec", sender="7"))
    for text in ("xong", "đã xong", "ok", "mai họp", "huỷ", "60%"):
        assert await talk.say("-5", text, sender="7") == []
    opened = await only(talk.say("-5", "1 xong", sender="7"))
    assert opened.template == "item"
    assert await said(talk) == []
    await talk.say("-5", "1 xong", sender="7", reply_to=listed.remote_id)
    assert (await report_of(talk)).state == "submitted"


async def test_leader_in_an_agencys_group_shows_nothing_of_the_province(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    await talk.enrol("9", "dong", "ubnd", "leader")
    assert (await only(talk.say("-5", "/status", sender="9"))).template == "status_agency"
    assert (await only(talk.say("9", "/status"))).template == "status_leader"


# ------------------------------------------------------------------ every answer


async def test_what_answers_hold_can_be_stored_and_people_cannot_inject_markup(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(update(Task).values(title="<b>chi</b> & <script>"))
    listed = await only(talk.say("7", "/viec"))
    json.dumps(listed.answer.context)
    assert "<script>" not in listed.html
    assert "&lt;script&gt;" in listed.html
    assert "<script>" in listed.plain  # plain text needs no escaping
    item = await only(talk.press(listed, "2"))
    echo = await only(talk.press(item, "Đang thực hiện"))
    json.dumps(echo.answer.context)
    assert "<script>" not in item.html + echo.html
