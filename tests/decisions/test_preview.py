"""What reaches several agencies is shown first, whom and what, and done once its asker agrees to exactly that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from data.db.database import Database
from data.models import Base, Decision, Explanation, JobRun, Message
from data.registry.registry import Registry
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Post, Reply, Seat, Talk

NOW = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)  # a Monday; the report is due on Saturday
LATE = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
COMMUNES = """
  - {code: xa-gao, name: "UBND xã Gào", kind: commune, spellings: ["xã Gào"]}
  - {code: xa-to-tung, name: "UBND xã Tơ Tung", kind: commune, spellings: ["xã Tơ Tung"]}
""" + "".join(
    f'  - {{code: xa-{number}, name: "UBND xã {number}", kind: commune}}\n'
    for number in range(1, 11)
)
DUTIES = """
  - code: BC.5
    clause: "mục V.8"
    from: ["các sở"]
    to: "Sở Khoa học và Công nghệ"
    frequency: ad_hoc
    quote: "báo cáo đột xuất khi có yêu cầu"
  - code: BC.6
    clause: "mục V.9"
    from: ["Sở Xây dựng", "Sở Tài chính"]
    to: "Sở Khoa học và Công nghệ"
    frequency: annual
    quote: "hàng năm báo cáo"
"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông")
        .replace("groups:", COMMUNES.lstrip("\n") + "groups:")
        .replace("[{kinds: [department]}]", "[{kinds: [department, commune]}]"),
        "plans/dong-10.yaml": PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
        + DUTIES.lstrip("\n"),
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
    assert (
        "Ngoài ra 11 cơ quan chưa có kênh nhận tin, đề nghị báo trực tiếp: UBND xã Tơ Tung"
        in shown.html
    )
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


async def rows_of(talk: Talk, table: type[Base]) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def test_all_that_are_late_are_asked_to_explain_after_a_preview(talk: Talk) -> None:
    talk.now = LATE
    shown = await preview(talk, "/giaitrinh BC.1 vì sao chậm")
    assert "Đề nghị giải trình 14 nội dung quá hạn" in shown.html
    assert "14 cơ quan (02 sở, ban, ngành, 12 xã, phường)" in shown.html
    assert "Nội dung: vì sao chậm" in shown.html
    assert await rows_of(talk, Explanation) == 0
    done, *notices = await talk.press(shown, "Gửi")
    assert sorted(each.chat for each in notices) == ["gao", "stc", "sxd"]
    assert "… và 04 nội dung khác" in done.html
    assert await rows_of(talk, Explanation) == 14


async def test_a_group_of_the_late_is_asked_to_explain(talk: Talk) -> None:
    talk.now = LATE
    shown = await preview(talk, "/giaitrinh BC.1 các sở vì sao chậm")
    assert "02 cơ quan (02 sở, ban, ngành)" in shown.html
    assert "Nội dung: vì sao chậm" in shown.html


@pytest.mark.parametrize("words", ["2026 các xã", "xã năm 2026"])
async def test_a_period_and_a_group_of_the_late_are_asked_in_any_order(
    talk: Talk, words: str
) -> None:
    talk.now = LATE
    shown = await preview(talk, f"/giaitrinh BC.1 {words} vì sao chậm")
    assert "Báo cáo năm 2026 [BC.1], Kế hoạch 10/KH-UBND (xã, phường)" in shown.html
    assert "Nội dung: vì sao chậm" in shown.html
    (none,) = await talk.say("an", "/giaitrinh BC.1 2024 vì sao chậm")
    assert none.template == "explain_none"


async def test_all_that_wait_are_confirmed_after_a_preview(talk: Talk) -> None:
    for agency in ("stc", "sxd"):
        row = await talk.obligation("10/KH-UBND", agency, "BC.1", "2026")
        await talk.tap(agency, f"done:{row.id}")
    await talk.say("an", "/xacnhan")
    shown = await preview(talk, "Xác nhận tất cả")
    assert "Xác nhận hoàn thành 02 nội dung" in shown.html
    assert "Sở Tài chính" in shown.html
    assert "đã <b>xác nhận hoàn thành</b>" in shown.html  # what an agency reads
    assert shown.labels() == ["Đồng ý", "Huỷ"]
    assert await rows_of(talk, Decision) == 0
    done, *notices = await talk.press(shown, "Đồng ý")
    assert (done.template, done.answer.context["count"]) == ("confirmed_all", 2)
    assert sorted(each.chat for each in notices) == ["stc", "sxd"]


async def test_what_was_reported_anew_since_is_not_confirmed_unseen(talk: Talk) -> None:
    rows = [await talk.obligation("10/KH-UBND", each, "BC.1", "2026") for each in ("stc", "sxd")]
    for agency, row in zip(("stc", "sxd"), rows, strict=True):
        await talk.tap(agency, f"done:{row.id}")
    shown = await preview(talk, "/xacnhan tất cả")
    talk.now += timedelta(minutes=5)
    await talk.tap("sxd", f"doing:{rows[1].id}")
    await talk.tap("sxd", f"done:{rows[1].id}")
    (again,) = await talk.press(shown, "Đồng ý")
    assert (again.template, await rows_of(talk, Decision)) == ("preview", 0)


async def test_a_report_is_asked_of_several_after_a_preview(talk: Talk) -> None:
    shown = await preview(talk, "/mo BC.5 15/12/2026 sở; xã Gào: số liệu nhà ở")
    assert "03 cơ quan (02 sở, ban, ngành, 01 xã, phường)" in shown.html
    assert "số liệu nhà ở" in shown.html
    assert await rows_of(talk, Decision) == 0
    done, *notices = await talk.press(shown, "Gửi")
    assert (done.template, len(notices)) == ("opened", 3)
    assert (await talk.obligation("10/KH-UBND", "xa-gao", "BC.5", "A1")).state == "open"


async def test_a_date_of_several_is_set_after_a_preview(talk: Talk) -> None:
    shown = await preview(talk, "/han BC.6 10/12/2026")
    assert "Ấn định hạn" in shown.html
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.6", "2026")).due_proposed is True
    done, *notices = await talk.press(shown, "Gửi")
    assert (done.template, len(notices)) == ("opened", 2)
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.6", "2026")).due_proposed is False


async def test_two_coordinators_who_agree_to_the_same_report_open_it_once(talk: Talk) -> None:
    words = "/mo BC.5 15/12/2026 các sở: nhà ở"
    first, second = await preview(talk, words), await preview(talk, words, "ba")
    answers = await talk.post_together(
        Post("an", first.action("Gửi"), "action"),
        Post("ba", second.action("Gửi"), "action"),
        held=True,
    )
    assert [each[0].template for each in answers] == ["opened", "open_help"]
    assert await rows_of(talk, Decision) == 1


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
