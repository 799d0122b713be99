"""A morning of many items: five in full, others by name, the rest behind "Xem tiếp", all by their numbers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Chat, Message, MessageItem, Obligation
from data.registry.registry import Registry
from jobs.channel import Capabilities
from jobs.morning.run import run_mornings
from tests.support.conversations import CALENDAR, PROVINCE, RENDERER, Reply, Seat, Talk
from tests.support.loaded_province import morning_of

DAY = date(2026, 11, 3)
PLAN = """
number: "30/KH-UBND"
province: dong
title: "Kế hoạch chuyển đổi số"
issued_on: 2026-01-05
signer: "Nguyễn Văn A"
coordinator: "Sở Khoa học và Công nghệ"
source: none.txt
tasks:
"""
TASK = """
  - code: "I.{number}"
    text: "Xây dựng hệ thống thông tin chuyên ngành thứ {number} phục vụ người dân và doanh nghiệp trên địa bàn tỉnh"
    leads: ["Sở Tài chính"]
    period: {{raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
"""
SHORT = Capabilities(2000, False, False, False, "plain", 1, False)
LONG = Capabilities(4096, True, True, True, "html", 3, True)


def registry_of(tasks: int) -> Registry:
    plan = PLAN + "".join(TASK.format(number=number) for number in range(1, tasks + 1))
    return Registry.from_texts(
        {
            "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
            "plans/dong-30.yaml": plan,
            "calendar/2026.yaml": CALENDAR,
        }
    )


FORTY = registry_of(40)


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, FORTY, morning_of(date(2026, 10, 1))).begin(
        Seat("7", "dong", "stc")
    )
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).values(remind_on=DAY, rung=-20)
        )  # all of them on this morning
    talk.now = morning_of(DAY)
    return talk


async def morning(talk: Talk, capabilities: Capabilities) -> Any:
    """Compose the morning and let it arrive; returns its row."""
    talk.longest = capabilities.max_text
    await run_mornings(
        talk.database, talk.registry, now=talk.now, capabilities={talk.account_id: capabilities}
    )
    async with talk.database.write() as connection:
        row = (await connection.execute(select(Message).where(Message.state == "pending"))).one()
        await connection.execute(
            update(Message)
            .where(Message.id == row.id)
            .values(state="sent", remote_id=f"m{row.id}", sent_at=talk.now, claimed_at=talk.now)
        )
        await connection.execute(
            update(Chat).where(Chat.id == row.chat_id).values(last_menu_message_id=row.id)
        )
        rows = await connection.execute(select(Message).where(Message.id == row.id))
        return rows.one()


async def words(talk: Talk, message: Any, capabilities: Capabilities) -> Any:
    async with talk.database.read() as connection:
        content = await RENDERER.content(
            connection, message, today=DAY, workdays=talk.registry.workdays
        )
    assert content is not None
    return RENDERER.render(content, capabilities, repeated=False, plain=False, address="x")


async def numbers(talk: Talk, message_id: int) -> dict[int, int]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(MessageItem.position, MessageItem.obligation_id).where(
                MessageItem.message_id == message_id
            )
        )
        return {row.position: row.obligation_id for row in rows}


async def state(talk: Talk, obligation_id: int) -> str:
    async with talk.database.read() as connection:
        found = await connection.scalar(
            select(Obligation.state).where(Obligation.id == obligation_id)
        )
    assert found is not None
    return found


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


@pytest.mark.parametrize("capabilities", [LONG, SHORT])
async def test_a_morning_counts_first_shows_five_in_full_and_names_what_fits(
    talk: Talk, capabilities: Capabilities
) -> None:
    message = await morning(talk, capabilities)
    shown = message.context["shown"]
    assert message.context["full"] == 5
    assert 5 <= shown < 40
    sent = await words(talk, message, capabilities)
    head, counts, *_ = sent.text.splitlines()
    assert "Kính gửi: Sở Tài chính" in head
    assert counts == "Thứ Ba, ngày 03/11/2026: 40 nhiệm vụ sắp đến hạn."
    assert f"\n{shown}. Xây dựng" in sent.text
    assert f"\n{shown + 1}. " not in sent.text
    assert f"… và {40 - shown:02d} nhiệm vụ khác" in sent.text
    assert len(sent.text) <= capabilities.max_text
    assert not sent.text.endswith("…")
    labels = [button.label for row in sent.buttons for button in row]
    assert (f"Xem tiếp ({40 - shown})" in labels) is capabilities.buttons


async def test_an_item_that_stands_by_name_is_answered_by_its_number(talk: Talk) -> None:
    message = await morning(talk, LONG)
    by_number = await numbers(talk, message.id)
    echo = await only(talk.say("7", "7 xong"))
    assert echo.template == "recorded"
    assert await state(talk, by_number[7]) == "submitted"


async def test_a_number_behind_what_was_shown_means_nothing_until_it_is_shown(talk: Talk) -> None:
    message = await morning(talk, LONG)
    by_number = await numbers(talk, message.id)
    hidden = message.context["shown"] + 2
    asked = await only(talk.say("7", f"{hidden} xong"))
    assert asked.template == "ask"
    assert await state(talk, by_number[hidden]) == "open"
    page = await only(talk.tap("7", f"next:{message.id}", message.remote_id))
    assert page.answer.edits == message.remote_id
    shown: Any = page.answer.context["items"]
    assert [line["number"] for line in shown] == list(range(hidden - 1, hidden + 9))
    for number in (hidden, 2):  # of the page, and of what stood there before
        echo = await only(talk.say("7", f"{number} xong"))
        assert echo.template == "recorded", echo.plain
        assert await state(talk, by_number[number]) == "submitted"


async def test_typed_words_lead_on_to_the_end_and_back_to_the_beginning(talk: Talk) -> None:
    message = await morning(talk, SHORT)
    by_number = await numbers(talk, message.id)
    seen = message.context["shown"]
    while seen < 40:
        page = await only(talk.say("7", "xem tiếp"))
        shown: Any = page.answer.context["items"]
        assert shown[0]["number"] == seen + 1
        seen = shown[-1]["number"]
    assert "Xem tiếp" not in "".join(page.labels())
    await talk.say("7", "40 xong")
    assert await state(talk, by_number[40]) == "submitted"
    first = await only(talk.say("7", "xem tiếp"))
    items: Any = first.answer.context["items"]
    assert items[0]["number"] == 1
    assert "Danh sách đã hết" in first.plain


async def test_all_means_what_was_shown(talk: Talk) -> None:
    message = await morning(talk, LONG)
    by_number = await numbers(talk, message.id)
    await talk.say("7", "tất cả đã xong")
    done = [number for number, key in by_number.items() if await state(talk, key) == "submitted"]
    assert done == list(range(1, message.context["shown"] + 1))


async def test_nothing_follows_a_list_that_is_shown_whole(database: Database) -> None:
    talk = await Talk(database, registry_of(3), morning_of(date(2026, 10, 1))).begin(
        Seat("7", "dong", "stc")
    )
    async with talk.database.write() as connection:
        await connection.execute(update(Obligation).values(remind_on=DAY, rung=-20))
    talk.now = morning_of(DAY)
    message = await morning(talk, LONG)
    sent = await words(talk, message, LONG)
    labels = [button.label for row in sent.buttons for button in row]
    assert labels == ["1", "2", "3", "Đã nhận tất cả"]
    assert "nhiệm vụ khác" not in sent.text
