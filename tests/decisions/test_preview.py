"""What reaches several agencies is shown first, whom and what, and done once its asker agrees to exactly that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from data.db.database import Database
from data.models import JobRun, Message
from data.registry.registry import Registry
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Post, Reply, Seat, Talk

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)  # a Monday, the day after the report was due
COMMUNES = """
  - {code: xa-gao, name: "UBND xã Gào", kind: commune, spellings: ["xã Gào"]}
  - {code: xa-to-tung, name: "UBND xã Tơ Tung", kind: commune, spellings: ["xã Tơ Tung"]}
"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông")
        .replace("groups:", COMMUNES.lstrip("\n") + "groups:")
        .replace("[{kinds: [department]}]", "[{kinds: [department, commune]}]"),
        "plans/dong-10.yaml": PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05"),
        "calendar/2026.yaml": CALENDAR,
    }
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, REGISTRY, NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("gao", "dong", "xa-gao"),
        Seat("an", "dong", "skhcn", "coordinator"),
        Seat("ba", "dong", "skhcn", "coordinator"),
    )


async def urged(talk: Talk) -> int:
    async with talk.database.read() as connection:
        count = select(func.count()).select_from(JobRun).where(JobRun.job == "urge")
        return int(await connection.scalar(count) or 0)


async def reminders(talk: Talk) -> int:
    async with talk.database.read() as connection:
        count = select(func.count()).select_from(Message).where(Message.template == "reminder")
        return int(await connection.scalar(count) or 0)


async def preview(talk: Talk, words: str = "/nhac BC.1", chat: str = "an") -> Reply:
    (shown,) = await talk.say(chat, words)
    assert shown.template == "preview"
    return shown


async def test_whom_and_what_is_shown_before_anything_is_sent(talk: Talk) -> None:
    shown = await preview(talk)
    assert "03 cơ quan (02 sở, ban, ngành, 01 xã, phường)" in shown.html
    assert "Sở Tài chính, Sở Xây dựng, UBND xã Gào" in shown.html
    assert "01 cơ quan chưa có kênh nhận tin, đề nghị báo trực tiếp: UBND xã Tơ Tung" in shown.html
    assert "Kính gửi: Sở Tài chính" in shown.html
    assert "thay mặt Sở Khoa học và Công nghệ" in shown.html
    assert shown.labels() == ["Gửi", "Huỷ"]
    assert "1 Gửi · 2 Huỷ" in shown.plain
    assert (await urged(talk), await reminders(talk)) == (0, 0)


@pytest.mark.parametrize("typed", ["gửi", "Đồng ý", "1"])
async def test_what_was_shown_is_done_once(talk: Talk, typed: str) -> None:
    await preview(talk)
    (done,) = await talk.say("an", typed)
    assert done.template == "urged"
    assert (await urged(talk), await reminders(talk)) == (3, 3)
    again = await talk.say("an", typed)
    assert "urged" not in [each.template for each in again]
    assert await reminders(talk) == 3


async def test_the_pressed_preview_becomes_its_outcome(talk: Talk) -> None:
    shown = await preview(talk)
    (done,) = await talk.press(shown, "Gửi")
    assert (done.template, done.remote_id) == ("urged", shown.remote_id)
    (closed,) = await talk.press(shown, "Gửi")
    assert (closed.template, closed.answer.context["dropped"]) == ("preview_closed", False)
    assert await reminders(talk) == 3


@pytest.mark.parametrize("typed", ["huỷ", "2", "không gửi"])
async def test_nothing_is_done_where_the_asker_drops_it(talk: Talk, typed: str) -> None:
    shown = await preview(talk)
    (dropped,) = await talk.say("an", typed)
    assert (dropped.template, dropped.answer.context["dropped"]) == ("preview_closed", True)
    (closed,) = await talk.press(shown, "Gửi")
    assert closed.template == "preview_closed"
    assert await reminders(talk) == 0


async def test_a_set_that_changed_is_shown_again(talk: Talk) -> None:
    shown = await preview(talk)
    row = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    await talk.tap("sxd", f"done:{row.id}")
    (again,) = await talk.press(shown, "Gửi")
    assert again.template == "preview"
    assert "đã thay đổi" in again.html
    assert "02 cơ quan" in again.html
    assert await reminders(talk) == 0
    (done,) = await talk.press(again, "Gửi")
    assert done.template == "urged"
    assert await reminders(talk) == 2


async def test_a_set_of_which_one_is_left_is_shown_again_too(talk: Talk) -> None:
    shown = await preview(talk, "/nhac BC.1 các sở")
    row = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    await talk.tap("sxd", f"done:{row.id}")
    (again,) = await talk.press(shown, "Gửi")
    assert (again.template, await reminders(talk)) == ("preview", 0)


async def test_another_person_does_not_agree_in_place_of_who_asked(talk: Talk) -> None:
    shown = await preview(talk)
    (closed,) = await talk.tap("ba", shown.action("Gửi"))
    assert closed.template == "preview_closed"
    assert await reminders(talk) == 0


async def test_it_expires_with_the_day(talk: Talk) -> None:
    shown = await preview(talk)
    talk.now = NOW + timedelta(hours=15, minutes=1)  # past midnight
    (closed,) = await talk.press(shown, "Gửi")
    assert closed.template == "preview_closed"
    assert await reminders(talk) == 0


async def test_a_number_means_the_list_that_came_after_the_preview(talk: Talk) -> None:
    await preview(talk)
    await talk.say("sxd", "/viec")
    (asked,) = await talk.say("sxd", "1")
    assert asked.template != "urged"
    row = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    _, *notices = await talk.tap("sxd", f"blocked:{row.id}")
    _, *notices = await talk.say("sxd", "thiếu kinh phí")
    assert {each.chat for each in notices} == {"an", "ba"}
    answers = await talk.say("an", "1")
    assert "urged" not in [each.template for each in answers]
    assert await reminders(talk) == 0
    (again,) = await talk.say("an", "gửi")
    assert again.template == "preview"  # shown once more, lowest in the chat
    assert await reminders(talk) == 0


async def test_another_command_drops_it(talk: Talk) -> None:
    shown = await preview(talk)
    await talk.say("an", "/status")
    (closed,) = await talk.press(shown, "Gửi")
    assert closed.template == "preview_closed"


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("/nhac 10", "03"),
        ("/nhac BC.1 sở", "02"),
        ("/nhac các xã, phường", ""),
        ("/nhac 10 UBND xã", ""),
    ],
)
async def test_a_plan_a_report_and_a_group_of_agencies_are_urged(
    talk: Talk, words: str, count: str
) -> None:
    (answer,) = await talk.say("an", words)
    if count:
        assert f"{count} cơ quan" in answer.html
    else:  # one agency needs no preview
        assert (answer.template, answer.answer.context["sent"]) == ("urged", ["UBND xã Gào"])


async def test_one_agency_is_urged_without_a_preview(talk: Talk) -> None:
    (done,) = await talk.say("an", "/nhac Sở Xây dựng")
    assert done.template == "urged"
    shown = await preview(talk)
    assert "01 cơ quan đã được nhắc hôm nay" in shown.html
    assert "02 cơ quan (01 sở, ban, ngành, 01 xã, phường)" in shown.html


async def test_two_coordinators_who_agree_at_once_urge_each_agency_once(talk: Talk) -> None:
    first, second = await preview(talk), await preview(talk, chat="ba")
    answers = await talk.post_together(
        Post("an", first.action("Gửi"), "action"),
        Post("ba", second.action("Gửi"), "action"),
        held=True,
    )
    assert [each[0].template for each in answers] == ["urged", "urged"]
    assert [each[0].answer.context["sent_count"] for each in answers] == [3, 0]
    assert (await urged(talk), await reminders(talk)) == (3, 3)


async def test_two_taps_at_once_are_one(talk: Talk) -> None:
    shown = await preview(talk)
    tap = Post("an", shown.action("Gửi"), "action")
    answers = await talk.post_together(tap, tap, held=True)
    assert [each[0].template for each in answers] == ["urged", "preview_closed"]
    assert await reminders(talk) == 3
