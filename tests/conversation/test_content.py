""" "Nội dung" and "nd 2": the document's text, who gave it, to whom, and who answers questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.conversation.replies.content import parse_content_request
from data.clock import ZONE
from data.db.database import Database
from data.registry.registry import Registry
from tests.support.conversations import Reply, Seat, Talk, small_registry, small_texts

NOW = datetime(2026, 11, 9, 8, tzinfo=ZONE)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"), Seat("8", "tay", "stc")
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("nd 2", 2),
        ("ND2", None),
        ("Nội dung", 0),
        ("nội dung việc 12", 12),
        ("nội dung của nhiệm vụ 3?", 3),
        ("noi dung bao cao 1.", 1),
        ("nội dung đã xong", None),
        ("2 xong", None),
    ],
)
def test_words_ask_for_the_content_of_a_number(words: str, number: int | None) -> None:
    assert parse_content_request(words) == number


async def test_a_report_is_told_with_its_quote_its_receiver_and_its_plan(talk: Talk) -> None:
    await talk.say("7", "/viec")
    told = await only(talk.say("7", "nd 1"))
    assert told.template == "content"
    assert "1. Báo cáo năm 2026 [BC.1]" in told.plain
    assert "Mục V.5:\n“báo cáo trước ngày 15 tháng 11 hàng năm”" in told.plain
    assert "Nơi nhận: UBND tỉnh (qua Sở Khoa học và Công nghệ)" in told.plain
    assert "Cơ quan báo cáo theo văn bản: các sở" in told.plain
    assert "KẾ HOẠCH SỐ 10/KH-UBND ngày 05/01/2026".casefold() in told.plain.casefold()
    assert "giải đáp: Sở Khoa học và Công nghệ" in told.plain


async def test_a_task_is_told_whole_by_its_button_and_leads_back(talk: Talk) -> None:
    await talk.say("7", "/viec")
    item = await only(talk.say("7", "2"))
    assert item.labels()[-1] == "Nội dung"
    told = await only(talk.press(item, "Nội dung"))
    assert "Rà soát chi ngân sách" in told.plain
    assert "Cơ quan thực hiện theo văn bản: Sở Tài chính" in told.plain
    back = await only(talk.press(told, "Quay lại"))
    assert back.template == "item"
    echo = await only(talk.say("7", "nội dung"))
    assert echo.template == "content"


async def test_a_number_that_stands_nowhere_is_asked_about(talk: Talk) -> None:
    await talk.say("7", "/viec")
    assert (await only(talk.say("7", "nd 9"))).template == "ask"


async def test_nobody_reads_what_is_another_provinces(talk: Talk) -> None:
    await talk.say("7", "/viec")
    own = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert (await only(talk.tap("8", f"text:{own.id}"))).template == "unknown_item"


async def test_a_plan_bears_what_people_call_it_and_a_report_where_it_goes(
    database: Database,
) -> None:
    texts = small_texts()
    name = "plans/dong-10.yaml"
    texts[name] = texts[name].replace("issued_on:", 'short: "CMCN 4.0"\nissued_on:', 1)
    talk = await Talk(database, Registry.from_texts(texts), NOW).begin(Seat("7", "dong", "stc"))
    told = await only(talk.say("7", "/viec"))
    assert "10/KH-UBND (CMCN 4.0)" in told.plain
    assert "Báo cáo năm 2026 [BC.1], gửi Sở KH&CN" in told.plain
    recorded = await only(talk.say("7", "2 đang làm"))
    assert "Kế hoạch 10/KH-UBND (CMCN 4.0)" in recorded.plain
