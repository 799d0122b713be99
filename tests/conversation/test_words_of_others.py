"""Words that are not the sender's own: forwarded, made by a bot, copied from our own messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels.telegram.channel import TelegramChannel
from bot.conversation.reader.copied import is_copied, without_titles
from data.db.database import Database
from data.models import Evidence, StatusReply, Task
from tests.support.conversations import Reply, Seat, Talk, small_registry
from tests.support.telegram_server import TOKEN

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # about words, whatever keeps the rows

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0" + b"a picture" * 10
OTHERS: list[Any] = ["forwarded", "via_bot", "elsewhere"]


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def said(talk: Talk) -> list[str]:
    async with talk.database.read() as connection:
        return list(await connection.scalars(select(StatusReply.said).order_by(StatusReply.id)))


async def the_report(talk: Talk) -> Any:
    return await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")


# ------------------------------------------------------------------ forwarded, by a bot, about another chat


@pytest.mark.parametrize("borrowed", OTHERS)
@pytest.mark.parametrize(
    "text",
    ["1 xong", "đã xong", "1", "BC.1 đã xong", "tất cả đã xong", "huỷ", "/viec", "Đã hoàn thành",
     "chỉ tiêu 1: 82%", "xin gia hạn đến 25/11 do chờ số liệu", "1 xong, 2 đang làm"],
)  # fmt: skip
async def test_words_of_others_are_shown_and_asked_about_and_change_nothing(
    talk: Talk, borrowed: str, text: str
) -> None:
    await talk.tap("7", f"open:{(await the_report(talk)).id}")
    await talk.say("7", "đang làm 40%")
    asked = await only(talk.say("7", text, borrowed=borrowed))
    assert (asked.template, asked.answer.context["why"]) == ("ask", borrowed)
    assert text in asked.plain
    assert await said(talk) == ["in_progress"]


async def test_forwarded_words_that_name_a_code_show_its_task_with_its_choices(talk: Talk) -> None:
    asked = await only(talk.say("7", "BC.1 đã xong ạ", borrowed="forwarded"))
    assert asked.answer.items == ((await the_report(talk)).id,)
    assert "Đã hoàn thành" in asked.labels()


async def test_forwarded_words_in_a_group_are_talk_among_people(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    await talk.say("-5", "/viec", sender="7")
    assert await talk.say("-5", "1 xong", sender="7", borrowed="forwarded") == []
    assert await said(talk) == []


async def test_forwarded_words_answer_no_open_question(talk: Talk) -> None:
    await talk.tap("7", f"more:{(await the_report(talk)).id}")
    await talk.say("7", "25/11", borrowed="forwarded")
    assert (await only(talk.say("7", "25/11"))).template == "ask_reason"  # it is still open


async def test_forwarded_file_is_kept_and_the_words_beneath_it_are_not_said(talk: Talk) -> None:
    await talk.tap("7", f"doing:{(await the_report(talk)).id}")
    item = await only(talk.tap("7", f"open:{(await the_report(talk)).id}"))
    kept, asked = await talk.send_file(
        "7", JPEG, text="BC.1 đã xong", reply_to=item.remote_id, borrowed="forwarded"
    )
    assert (kept.template, asked.template) == ("evidence_kept", "ask")
    async with talk.database.read() as connection:
        assert len(list(await connection.scalars(select(Evidence.id)))) == 1
    assert await said(talk) == ["in_progress"]


async def test_forwarded_code_enrols_as_a_pasted_one(talk: Talk) -> None:
    code = await talk.invite("dong", "sxd", "focal")
    assert (await only(talk.say("8", code, borrowed="forwarded"))).template == "welcome"


@pytest.mark.parametrize(
    ("sign", "borrowed"),
    [
        ({"forward_origin": {"type": "hidden_user", "sender_user_name": "Chị", "date": 1}}, "forwarded"),
        ({"forward_date": 1, "forward_from": {"id": 8, "is_bot": False, "first_name": "An"}}, "forwarded"),
        ({"forward_sender_name": "An", "forward_date": 1}, "forwarded"),
        ({"via_bot": {"id": 9, "is_bot": True, "first_name": "gif"}}, "via_bot"),
        ({"external_reply": {"origin": {"type": "hidden_user", "sender_user_name": "A", "date": 1}}}, "elsewhere"),
        ({"reply_to_story": {"id": 1, "chat": {"id": 8, "type": "private"}}}, "elsewhere"),
        ({}, ""),
    ],
)  # fmt: skip
def test_telegram_tells_whose_words_a_message_holds(sign: dict[str, Any], borrowed: str) -> None:
    message = {
        "message_id": 5, "date": 1_790_000_000, "chat": {"id": 7, "type": "private"},
        "from": {"id": 7, "is_bot": False, "first_name": "Lan"}, "text": "1 xong", **sign,
    }  # fmt: skip
    channel = TelegramChannel(TOKEN, base_url="http://127.0.0.1:1")
    found = channel.parse(1, json.dumps({"update_id": 1, "message": message}).encode())
    assert found is not None
    assert found.borrowed == borrowed


# ------------------------------------------------------------------ copied from our own messages


@pytest.mark.parametrize(
    "text",
    [
        "1. Hoàn thành việc rà soát chi ngân sách [1] 2. Lập cơ sở dữ liệu dùng chung [2]",
        "1. Báo cáo năm 2026 2. Hoàn thành việc rà soát chi ngân sách 3. Lập cơ sở dữ liệu dùng chung",
        "2. Hoàn thành việc rà soát chi ngân sách",
        "Hoàn thành việc rà soát chi ngân sách",
        "1. Báo cáo năm 2026 [BC.1] đã báo xong, chờ xác nhận",
        "Đã ghi nhận: “Báo cáo năm 2026” [BC.1], Kế hoạch 10/KH-UBND Trả lời: Đã hoàn thành.",
        "Trả lời bằng số: 1 Đã nhận, 2 Đang thực hiện, 3 Đã hoàn thành, 4 Xin gia hạn",
        "Xin trả lời bằng số của việc, hoặc gõ, ví dụ: 1 xong, 2 đang làm 60%, đã nhận tất cả",
        "1. Báo cáo năm 2026… 2. Hoàn thành việc rà soát… 3. Lập cơ sở…",
    ],
)
async def test_list_copied_into_one_line_records_nothing(talk: Talk, text: str) -> None:
    async with talk.database.write() as connection:
        changed = update(Task).where(Task.title == "Rà soát chi ngân sách")
        await connection.execute(changed.values(title="Hoàn thành việc rà soát chi ngân sách"))
    await talk.say("7", "/viec")
    answer = await only(talk.say("7", text))
    assert "hưa ghi nhận" in answer.html or answer.template == "item"  # asked about
    assert await said(talk) == []


async def test_what_is_written_beside_a_copied_title_is_said(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "1. Báo cáo năm 2026: đã xong")
    await talk.say("7", "2. Rà soát chi ngân sách đang làm 40%")
    await talk.say("7", "3 Lập cơ sở dữ liệu dùng chung chưa làm")
    assert await said(talk) == ["completed", "in_progress", "not_started"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1 hoàn thành", "1 hoàn thành"),
        ("1. Hoàn thành số hóa hồ sơ", "1. "),
        ("1. Hoàn thành số... xong", "1. ... xong"),
        ("2. Tuyên truyền xong", "2.  xong"),
        ("tuyên truyền xong", "tuyên truyền xong"),
        ("HOÀN THÀNH SỐ HÓA HỒ SƠ đang làm", " đang làm"),
    ],
)
def test_title_is_left_out_where_it_surely_is_one(text: str, left: str) -> None:
    assert without_titles(text, [(1, "Hoàn thành số hóa hồ sơ"), (2, "Tuyên truyền")]) == left


@pytest.mark.parametrize(
    "text",
    [
        "Đang thực hiện quá hạn: 1",
        "Hoàn thành đúng hạn: 1",
        "(tiếp nhận nhiệm vụ của Sở Kế hoạch và Đầu tư)",
        "→ đang làm 40%",
        "• 2 đang làm 60% – báo tiến độ việc số 2",
        "Các việc này trở lại như trước câu trả lời đó; bot tiếp tục nhắc theo lịch.",
    ],
)
async def test_one_line_of_our_messages_says_nothing(talk: Talk, text: str) -> None:
    assert is_copied(text)
    await talk.say("7", "/viec")
    await talk.say("7", "1")
    await talk.say("7", text)
    assert await said(talk) == []


@pytest.mark.parametrize(
    "text", ["1 xong", "Báo cáo số 12/BC-STC [đính kèm]", "xong (2/3)", "đã ghi nhận ạ"]
)
def test_ones_own_words_are_no_copy(text: str) -> None:
    assert not is_copied(text)
