"""Calendars: what stands in one, as two readers see it; its secret address; /lich in chats."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import icalendar
import pytest
import vobject
from sqlalchemy import func, select, update

from bot.config import TEMPLATES
from bot.conversation.router import Router
from bot.web.calendars import calendar_route
from bot.web.routes import make_web_app
from data.clock import SteppedClock, civil_date
from data.db.database import Database
from data.files import ICS, load_file
from data.loading.load import sync_registry
from data.models import CalendarFeed, Download, Enrolment, Obligation
from data.privacy import personal_data, removal
from data.progress import extensions
from data.registry.registry import Registry
from jobs.calendars.entries import Agenda, CalendarEntry, load_agenda
from jobs.calendars.ics import fingerprint, installation_id, render_ics
from jobs.inbox.worker import Inbox
from jobs.planning.materialise import materialise
from jobs.planning.rungs import recompute
from jobs.rendering.links import Links
from tests.support.conversations import (
    CALENDAR,
    OLD_PLAN,
    PLAN,
    PROVINCE,
    WITH_BUTTONS,
    WITHOUT,
    Reply,
    Seat,
    Talk,
    small_registry,
)
from tests.support.database_scan import bytes_hold, columns_with
from tests.support.round_trip import Whole

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # about words, whatever keeps the rows

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday; BC.1 is due on Saturday 14/11
KEY = b"k" * 32
LINKS = Links("https://nhacviec.test", KEY)
UPLOADS = replace(WITH_BUTTONS, max_caption=1024)
HERE = installation_id(KEY)
NUMBER = "10/KH-UBND"


def registry_with(plan: str) -> Registry:
    """Return the province Đông with one plan as changed."""
    return Registry.from_texts(
        {
            "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
            "agencies/tay.yaml": PROVINCE.format(slug="tay", name="Tây"),
            "plans/dong-10.yaml": plan.format(slug="dong", number=NUMBER, issued_on="2026-01-05"),
            "plans/dong-9.yaml": OLD_PLAN,
            "calendar/2026.yaml": CALENDAR,
        }
    )


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, small_registry(), NOW, links=LINKS).begin(
        Seat("stc", "dong", "stc"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )
    talk.capabilities = {talk.account_id: UPLOADS}
    return talk


async def file_of(talk: Talk, agency: str = "stc", *, coordinating: bool = False) -> bytes:
    """Make an agency's calendar as of the talk's now."""
    async with talk.database.read() as connection:
        agenda = await load_agenda(
            connection,
            talk.registry,
            province="dong",
            agency=agency,
            coordinating=coordinating,
            today=civil_date(talk.now),
        )
    return render_ics(agenda, installation=HERE, now=talk.now, templates=TEMPLATES)


def events(content: bytes) -> dict[str, Any]:
    """Return the events by their UID, as icalendar reads them."""
    read = icalendar.Calendar.from_ical(content)
    return {str(event["uid"]): event for event in read.walk("VEVENT")}


async def event_of(talk: Talk, code: str, period: str, agency: str = "stc") -> Any:
    row = await talk.obligation(NUMBER, agency, code, period)
    return events(await file_of(talk, agency))[f"obligation-{row.id}@{HERE}.nhacviec"]


async def reload(talk: Talk, plan: str) -> None:
    """Load the plan as changed."""
    talk.registry = registry_with(plan)
    async with talk.database.write() as connection:
        today = civil_date(talk.now)
        await sync_registry(connection, talk.registry, now=talk.now, today=today)
        await materialise(connection, talk.registry, today=today)


def of_facts(facts: Mapping[str, Any], **more: Any) -> bytes:
    """Write a calendar of one entry."""
    entry = CalendarEntry(
        mark="obligation-1",
        day=date(2026, 11, 14),
        revision=0,
        revised_at=None,
        cancelled=False,
        alarm=None,
        facts=facts,  # type: ignore[arg-type]
    )
    agenda = Agenda("Sở Tài chính", [replace(entry, **more)], date(2028, 2, 9))
    return render_ics(agenda, installation=HERE, now=NOW, templates=TEMPLATES)


FACTS: dict[str, Any] = {
    "what": "own",
    "code": "BC.1",
    "title": "Báo cáo năm 2026",
    "plan_number": NUMBER,
    "plan_issued": "2026-01-05",
    "due": "2026-11-14",
    "due_words": "trước ngày 15 tháng 11 hàng năm",
    "proposed": False,
    "clause": "mục V.5",
    "owner": "Sở Tài chính",
    "extended": False,
    "due_before": "2026-11-14",
    "base": "2026-11-13",
    "state": "open",
    "said": "",
    "percent": None,
    "succeeded": False,
    "coordinator": "Sở Khoa học và Công nghệ",
}


# ------------------------------------------------------------------ one entry


async def test_a_due_date_stands_on_its_day_and_tells_the_last_working_day(talk: Talk) -> None:
    event = await event_of(talk, "BC.1", "2026")
    assert (event["dtstart"].dt, event["dtend"].dt) == (date(2026, 11, 14), date(2026, 11, 15))
    assert event["summary"] == "Hạn: Báo cáo năm 2026 (BC.1, kế hoạch 10/KH-UBND)"
    assert str(event["description"]).splitlines() == [
        "Báo cáo năm 2026 [BC.1]",
        "Kế hoạch 10/KH-UBND ngày 05/01/2026, mục V.5",
        "Hạn: 14/11/2026",
        "Theo văn bản: “trước ngày 15 tháng 11 hàng năm”",
        "Ngày làm việc cuối cùng: 13/11/2026",
        "Cơ quan: Sở Tài chính",
        "Tình trạng: chưa báo cáo",
        "Báo kết quả trong chat với Nhắc Việc: /viec",
        "Lịch tự động, thay mặt Sở Khoa học và Công nghệ; không thay văn bản.",
    ]
    assert (event["status"], event["transp"], event["sequence"]) == ("CONFIRMED", "TRANSPARENT", 0)


async def test_an_open_one_rings_at_eight_on_the_third_working_day_before_its_last(
    talk: Talk,
) -> None:
    (alarm,) = (await event_of(talk, "BC.1", "2026")).subcomponents
    assert alarm["action"] == "DISPLAY"
    rings = datetime(2026, 11, 14) + alarm["trigger"].dt
    assert rings == datetime(2026, 11, 10, 8)  # Tuesday; the last working day is Friday


async def test_a_done_one_is_ticked_and_does_not_ring(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 xong")
    waiting = await event_of(talk, "BC.1", "2026")
    assert str(waiting["summary"]).startswith("Chờ xác nhận: Báo cáo năm 2026 (BC.1")
    assert "Tình trạng: đã báo cáo hoàn thành, chờ xác nhận" in waiting["description"]
    await talk.press((await talk.say("coordinator", "/xacnhan"))[0], "Xác nhận")
    done = await event_of(talk, "BC.1", "2026")
    assert str(done["summary"]).startswith("Hoàn thành: Báo cáo năm 2026 (BC.1")
    assert (done["status"], done["sequence"]) == ("CONFIRMED", 0)
    assert waiting.subcomponents == done.subcomponents == []


def test_a_date_that_no_document_names_is_told_as_proposed() -> None:
    (event,) = events(of_facts({**FACTS, "proposed": True, "due_words": ""})).values()
    assert str(event["summary"]).startswith("Hạn dự kiến: ")
    assert "Hạn dự kiến: 14/11/2026 (văn bản không ghi ngày)" in event["description"]


async def test_a_task_without_a_due_date_stands_in_no_calendar(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "stc", "3", "2026")
    assert row.kind == "undated"
    assert f"obligation-{row.id}@{HERE}.nhacviec" not in events(await file_of(talk))


async def test_an_heir_has_what_it_took_over_and_says_from_whom(talk: Talk) -> None:
    talk.now = datetime(2025, 1, 15, 1, tzinfo=UTC)
    old = [e for e in events(await file_of(talk)).values() if "kế hoạch 9/" in e["summary"]]
    talk.now = datetime(2025, 3, 1, 1, tzinfo=UTC)
    new = [e for e in events(await file_of(talk)).values() if "kế hoạch 9/" in e["summary"]]
    assert old == []  # Sở Kế hoạch và Đầu tư still stood
    assert [event["dtstart"].dt for event in new] == [date(2024, 12, 31)]
    assert "Tiếp nhận nhiệm vụ của: Sở Kế hoạch và Đầu tư" in new[0]["description"]


# ------------------------------------------------------------------ the form of the file


async def test_another_parser_reads_the_same(talk: Talk) -> None:
    content = await file_of(talk)
    read = vobject.readOne(content.decode())
    assert (read.version.value, read.method.value, read.calscale.value) == (
        "2.0", "PUBLISH", "GREGORIAN",
    )  # fmt: skip
    assert read.contents["x-wr-calname"][0].value == "Nhắc Việc: Sở Tài chính"
    assert read.contents["refresh-interval"][0].value == "PT6H"
    seen = {each.uid.value: each for each in read.vevent_list}
    ours = events(content)
    assert len(ours) > 3
    assert seen.keys() == ours.keys()
    for uid, event in ours.items():
        other = seen[uid]
        assert other.summary.value == event["summary"]
        assert other.description.value == event["description"]
        assert other.dtstart.value == event["dtstart"].dt
        assert int(other.sequence.value) == event["sequence"]
        assert other.status.value == event["status"]
        assert hasattr(other, "valarm") == bool(event.subcomponents)


def test_long_vietnamese_words_are_folded_at_75_octets_and_come_back_whole() -> None:
    title = "Đẩy mạnh phát triển hạ tầng số, chuyển đổi số; tuyên truyền, phổ biến, hướng dẫn " * 12
    content = of_facts({**FACTS, "title": title.strip()})
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    for line in content.split(b"\r\n"):
        line.decode()  # no letter is cut in two
    (event,) = events(content).values()
    assert event["summary"] == f"Hạn: {title.strip()} (BC.1, kế hoạch 10/KH-UBND)"


def test_what_means_something_to_the_format_is_escaped() -> None:
    words = "a, b; c\\n d\nEND:VEVENT\r\nBEGIN:VEVENT\x07"
    content = of_facts({**FACTS, "due_words": words, "title": "x; y, z\\"})
    assert content.count(b"BEGIN:VEVENT\r\n") == 1
    assert b"SUMMARY:H\xe1\xba\xa1n: x\\; y\\, z\\\\ (BC.1\\, k" in content
    (event,) = events(content).values()
    assert event["summary"] == "Hạn: x; y, z\\ (BC.1, kế hoạch 10/KH-UBND)"
    assert "“a, b; c\\n d\nEND:VEVENT \nBEGIN:VEVENT ”" in event["description"]
    assert vobject.readOne(content.decode()).vevent.description.value == event["description"]


def test_an_installation_is_told_by_nothing_of_its_key() -> None:
    assert installation_id(KEY) == installation_id(KEY) != installation_id(b"x" * 32)
    assert KEY.hex()[:8] not in installation_id(KEY)
    assert len(installation_id(KEY)) == 16


# ------------------------------------------------------------------ what changes


async def test_two_makings_differ_in_their_stamp_alone(talk: Talk) -> None:
    first = await file_of(talk)
    talk.now += timedelta(hours=5)
    second = await file_of(talk)
    assert first != second
    assert fingerprint(first) == fingerprint(second)
    assert [line for line in first.split(b"\r\n") if not line.startswith(b"DTSTAMP")] == [
        line for line in second.split(b"\r\n") if not line.startswith(b"DTSTAMP")
    ]
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 đang làm 40%")
    assert fingerprint(await file_of(talk)) != fingerprint(first)


async def test_a_reload_keeps_every_entry_and_a_moved_date_moves_its_own(talk: Talk) -> None:
    before = events(await file_of(talk))
    await reload(talk, PLAN)
    assert events(await file_of(talk)) == before
    later = PLAN.replace("month: 11, day: 15", "month: 11, day: 20")
    talk.now += timedelta(days=1)
    await reload(talk, later)
    after = events(await file_of(talk))
    assert after.keys() == before.keys()
    moved = await event_of(talk, "BC.1", "2026")
    assert moved["dtstart"].dt == date(2026, 11, 19)
    assert moved["sequence"] == 1
    assert moved["last-modified"].dt == datetime(2026, 11, 9, 17, tzinfo=UTC)  # 10/11 began
    task = await event_of(talk, "1", "end")
    assert (task["dtstart"].dt, task["sequence"]) == (date(2026, 12, 31), 0)
    await reload(talk, later)
    assert (await event_of(talk, "BC.1", "2026"))["sequence"] == 1


async def test_an_extension_moves_the_same_entry_with_a_higher_sequence(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    async with talk.database.write() as connection:
        asked = await extensions.request_extension(
            connection,
            obligation_id=row.id,
            until=date(2026, 12, 5),
            reason="chờ số liệu",
            reply_id=None,
            person_id=None,
            chat_id=None,
            now=NOW,
        )
    assert (await event_of(talk, "BC.1", "2026"))["sequence"] == 0  # asked for is not granted
    async with talk.database.write() as connection:
        await extensions.decide_extension(
            connection, asked, "granted", until=date(2026, 12, 5), decision_id=None, now=NOW
        )
        await recompute(connection, talk.registry, [row.id], today=date(2026, 11, 9))
    event = await event_of(talk, "BC.1", "2026")
    assert (event["dtstart"].dt, event["sequence"]) == (date(2026, 12, 5), 1)
    assert "Đã gia hạn đến: 05/12/2026 (hạn trước: 14/11/2026)" in event["description"]
    assert "Ngày làm việc cuối cùng: 04/12/2026" in event["description"]


async def test_what_is_withdrawn_is_cancelled_and_what_comes_back_rises_again(talk: Talk) -> None:
    open_before = await event_of(talk, "1", "end")
    gone = PLAN.replace('{{code: "1", text', '{{code: "11", text')
    await reload(talk, gone)
    cancelled = await event_of(talk, "1", "end")
    assert (cancelled["status"], cancelled["sequence"]) == ("CANCELLED", 1)
    assert cancelled["uid"] == open_before["uid"]
    assert str(cancelled["summary"]).startswith("Đã rút: Rà soát chi ngân sách")
    assert cancelled.subcomponents == []
    await reload(talk, gone)
    assert (await event_of(talk, "1", "end"))["sequence"] == 1
    await reload(talk, PLAN)
    back = await event_of(talk, "1", "end")
    assert (back["status"], back["sequence"]) == ("CONFIRMED", 2)


async def test_cancelled_ones_stay_for_sixty_days_after_their_date(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == row.id).values(state="withdrawn")
        )
    uid = f"obligation-{row.id}@{HERE}.nhacviec"
    talk.now = datetime(2027, 1, 13, 1, tzinfo=UTC)
    assert events(await file_of(talk))[uid]["status"] == "CANCELLED"
    talk.now += timedelta(days=1)
    assert uid not in events(await file_of(talk))


# ------------------------------------------------------------------ a coordinator's


async def awaited(talk: Talk) -> dict[str, Any]:
    found = events(await file_of(talk, "skhcn", coordinating=True))
    return {uid: event for uid, event in found.items() if uid.startswith("duty-")}


async def test_a_coordinator_has_one_entry_a_report_however_many_owe_it(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    found = await awaited(talk)
    assert [uid.partition("@")[0] for uid in found] == [
        f"duty-{row.duty_id}-2026",
        f"duty-{row.duty_id}-2027",
    ]
    first = found[f"duty-{row.duty_id}-2026@{HERE}.nhacviec"]
    assert first["dtstart"].dt == date(2026, 11, 14)
    assert first["summary"] == "02 đơn vị nộp BC.1, kế hoạch 10/KH-UBND"
    assert "Đã nhận 0/2\n" in first["description"]
    assert len(first.subcomponents) == 1
    own = events(await file_of(talk, "skhcn"))
    assert not [uid for uid in own if uid.startswith("duty-")]


async def test_an_awaited_report_is_ticked_moved_and_cancelled(talk: Talk) -> None:
    uid = next(iter(await awaited(talk)))
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.code == "BC.1", Obligation.period == "2026")
            .values(state="confirmed", done_on=date(2026, 11, 9), confirmed_at=NOW)
        )
    done = (await awaited(talk))[uid]
    assert str(done["summary"]).startswith("Hoàn thành: 02 đơn vị nộp BC.1")
    assert done.subcomponents == []
    other = list(await awaited(talk))[1]
    await reload(talk, PLAN.replace("month: 11, day: 15", "month: 11, day: 20"))
    moved = (await awaited(talk))[other]
    assert (moved["dtstart"].dt, moved["sequence"]) == (date(2027, 11, 19), 1)
    without = PLAN[: PLAN.index("report_duties:")]
    await reload(talk, without)
    cancelled = (await awaited(talk))[other]
    assert (cancelled["status"], cancelled["sequence"]) == ("CANCELLED", 2)
    assert cancelled["summary"] == "Đã rút: các đơn vị nộp BC.1, kế hoạch 10/KH-UBND"
    assert (await awaited(talk))[uid]["status"] == "CONFIRMED"  # what is confirmed stays


async def test_one_who_left_does_not_lower_the_number_of_an_awaited_report(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.id == row.id)
            .values(state="superseded", revision=3, due_on=date(2026, 10, 1))
        )
    found = next(iter((await awaited(talk)).values()))
    assert (found["dtstart"].dt, found["sequence"]) == (date(2026, 11, 14), 3)
    assert found["summary"] == "01 đơn vị nộp BC.1, kế hoạch 10/KH-UBND"
    talk.now = datetime(2026, 12, 20, 1, tzinfo=UTC)  # the left one's date is out of sight
    assert next(iter((await awaited(talk)).values()))["sequence"] == 3


# ------------------------------------------------------------------ /lich


async def only(talk: Talk, chat: str, words: str, **more: Any) -> Reply:
    (reply,) = await talk.say(chat, words, **more)
    assert reply.template == "calendar"
    return reply


async def attached(talk: Talk, reply: Reply) -> dict[str, Any]:
    async with talk.database.read() as connection:
        file = await load_file(connection, reply.answer.context["attach"])  # type: ignore[arg-type]
    assert file is not None
    assert (file.mime, file.expires_at) == (ICS, talk.now + timedelta(days=7))
    return events(file.content)


async def test_a_focal_point_gets_the_file_and_a_secret_address(talk: Talk) -> None:
    reply = await only(talk, "stc", "/lich")
    address = str(reply.answer.context["address"])
    assert address.startswith("https://nhacviec.test/lich/1-")
    assert reply.answer.secret
    assert f"<code>{address}</code>" in reply.html
    assert "Sở Tài chính" in reply.html
    for program in ("Google", "Outlook", "iPhone", "/lich đổi"):
        assert program in reply.html
    assert (await attached(talk, reply)).keys() == events(await file_of(talk)).keys()
    again = await only(talk, "stc", "/ics")
    assert again.answer.context["address"] == address  # one feed, however often it is asked for


async def test_what_is_said_fits_under_a_file_whoever_asks(talk: Talk) -> None:
    for chat in ("stc", "coordinator"):
        reply = await only(talk, chat, "/lich đổi")
        longest = (
            "Ban Quản lý Khu kinh tế cửa khẩu Đồng Đăng - Lạng Sơn và các khu công nghiệp tỉnh"
        )
        text = reply.html.replace(str(reply.answer.context["agency"]), longest)
        assert len(text.encode("utf-16-le")) // 2 < 1000 < UPLOADS.max_caption


async def test_a_coordinators_calendar_holds_what_it_awaits(talk: Talk) -> None:
    reply = await only(talk, "coordinator", "/calendar")
    assert "từng kỳ báo cáo các đơn vị nộp" in reply.html
    assert [uid for uid in await attached(talk, reply) if uid.startswith("duty-")]
    both = await talk.enrol("coordinator", "dong", "skhcn", "focal")
    assert both
    assert len(await talk.say("coordinator", "/lich")) == 1  # one an agency


async def test_a_calendar_for_each_agency_spoken_for(talk: Talk) -> None:
    await talk.enrol("stc", "dong", "sxd")
    replies = await talk.say("stc", "/lich")
    assert [reply.answer.context["agency"] for reply in replies] == ["Sở Tài chính", "Sở Xây dựng"]
    assert len({reply.answer.context["address"] for reply in replies}) == 2


async def test_leader_and_stranger_get_none(talk: Talk) -> None:
    (refused,) = await talk.say("leader", "/lich")
    assert refused.template == "not_allowed"
    assert "cơ quan thực hiện và cơ quan theo dõi" in refused.html
    (unknown,) = await talk.say("nobody", "/lich")
    assert unknown.template == "stranger"
    async with talk.database.read() as connection:
        for table in (CalendarFeed, Download):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0


async def test_a_group_gets_the_file_and_no_address(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    await talk.say("-5", f"/start {code}", sender="stc")
    for words in ("/lich", "/lich đổi"):
        reply = await only(talk, "-5", words, sender="stranger")
        assert reply.answer.context["address"] == ""
        assert not reply.answer.secret
        assert "nhắn riêng cho Hệ thống: /lich" in reply.html
        assert await attached(talk, reply)
    async with talk.database.read() as connection:
        assert await connection.scalar(select(func.count(CalendarFeed.id))) == 0


@pytest.mark.parametrize("sender", ["stc", "coordinator", "stranger", ""])
@pytest.mark.parametrize("words", ["/lich", "/lich đổi"])
async def test_no_secret_address_comes_into_a_group_whoever_of_it_asks(
    talk: Talk, words: str, sender: str
) -> None:
    await talk.enrol("-5", "dong", "stc")
    own = (await only(talk, "stc", "/lich")).answer.context["address"]
    reply = await only(talk, "-5", words, sender=sender)
    assert (reply.answer.context["address"], reply.answer.secret) == ("", False)
    assert "https://nhacviec.test/lich/" not in reply.html + reply.plain
    async with talk.database.read() as connection:
        feeds = (await connection.execute(select(CalendarFeed.ended_at))).all()
    assert [tuple(feed) for feed in feeds] == [(None,)]
    assert (await only(talk, "stc", "/lich")).answer.context["address"] == own


async def test_without_a_public_address_there_is_the_file_alone(talk: Talk) -> None:
    for links in (None, Links(None, KEY)):
        talk.links = links
        reply = await only(talk, "stc", "/lich")
        assert reply.answer.context["address"] == ""
        assert "chưa có địa chỉ công khai" in reply.html
        assert "https://" not in reply.html
        assert await attached(talk, reply)
    talk.capabilities = {talk.account_id: WITHOUT}
    reply = await only(talk, "stc", "/lich")
    assert "attach" not in reply.answer.context
    assert "Kênh này không gửi được tệp" in reply.plain


async def test_where_no_file_can_be_sent_there_is_a_link_to_it(talk: Talk) -> None:
    talk.capabilities = {talk.account_id: WITHOUT}
    reply = await only(talk, "stc", "/lich")
    link = next(word for word in reply.plain.split() if "/tep/" in word)
    assert link.endswith("/lich-stc.ics")
    assert str(reply.answer.context["address"]) in reply.plain


async def test_what_is_not_understood_is_told_with_examples(talk: Talk) -> None:
    (usage,) = await talk.say("stc", "/lich tháng sau")
    assert usage.template == "usage"
    assert "/lich đổi" in usage.html


# ------------------------------------------------------------------ the feed


class Web:
    """The web side, asked for feeds."""

    def __init__(self, talk: Talk) -> None:
        self.clock = SteppedClock(talk.now)
        route = calendar_route(talk.database, self.clock, LINKS, lambda: talk.registry)
        app = make_web_app(talk.database, self.clock, extra_routes=[route])
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="https://nhacviec.test"
        )

    async def get(self, address: object, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._client.get(str(address), headers=named)


async def test_the_address_gives_the_calendar_as_it_now_is(talk: Talk) -> None:
    address = (await only(talk, "stc", "/lich")).answer.context["address"]
    web = Web(talk)
    answer = await web.get(address)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert events(answer.content) == events(await file_of(talk))
    await reload(talk, PLAN.replace("month: 11, day: 15", "month: 11, day: 20"))
    row = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    moved = events((await web.get(address)).content)[f"obligation-{row.id}@{HERE}.nhacviec"]
    assert (moved["dtstart"].dt, moved["sequence"]) == (date(2026, 11, 19), 1)


async def test_what_has_not_changed_is_not_sent_again(talk: Talk) -> None:
    address = (await only(talk, "stc", "/lich")).answer.context["address"]
    web = Web(talk)
    tag = (await web.get(address)).headers["etag"]
    web.clock.move_to(NOW + timedelta(hours=6))
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        same = await web.get(address, if_none_match=known)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await web.get(address, if_none_match='W/"x"')).status_code == 200
    await talk.say("stc", "/viec")
    await talk.say("stc", "BC.1 đang làm 40%")
    changed = await web.get(address, if_none_match=tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_a_wrong_ended_or_foreign_address_opens_nothing(talk: Talk) -> None:
    web = Web(talk)
    assert "Địa chỉ cũ" not in (await only(talk, "coordinator", "/lich đổi")).html  # it had none
    first = str((await only(talk, "stc", "/lich")).answer.context["address"])
    other = str((await only(talk, "coordinator", "/lich")).answer.context["address"])
    foreign = Links("https://nhacviec.test", b"x" * 32).calendar_url(1)
    signed = first.rpartition("-")[2]
    for wrong in (
        foreign,
        LINKS.calendar_url(99),  # rightly signed, but there is none
        first.replace("/2-", "/1-"),
        first[:-5] + ("0" if first[-5] != "0" else "1") + ".ics",
        f"/lich/{signed}", "/lich/.ics", "/lich/1.ics", "/lich/a-b.ics", "/lich/1-.ics", "/lich/²-x.ics",
    ):  # fmt: skip
        answer = await web.get(wrong)
        assert answer.status_code == 404, wrong
    assert (await web.get(first)).status_code == 200
    second = await only(talk, "stc", "/lich đổi")
    assert "Địa chỉ cũ đã hết hiệu lực" in second.html
    assert (await web.get(first)).status_code == 404
    assert (await web.get(second.answer.context["address"])).status_code == 200
    assert (await web.get(other)).status_code == 200  # another's stays


async def test_a_feed_ends_with_its_enrolment_and_is_not_revived_by_a_new_one(talk: Talk) -> None:
    web = Web(talk)
    address = (await only(talk, "stc", "/lich")).answer.context["address"]
    async with talk.database.write() as connection:
        person = await connection.scalar(select(CalendarFeed.person_id))
        assert await removal.remove_person(connection, person, now=NOW) == 1
    assert (await web.get(address)).status_code == 404
    talk.now += timedelta(days=1)
    await talk.enrol("stc", "dong", "stc")
    assert (await web.get(address)).status_code == 404
    fresh = (await only(talk, "stc", "/lich")).answer.context["address"]
    assert fresh != address
    assert (await web.get(fresh)).status_code == 200


async def test_who_stands_in_has_a_feed_until_their_last_day(talk: Talk) -> None:
    web = Web(talk)
    address = (await only(talk, "stc", "/lich")).answer.context["address"]
    async with talk.database.write() as connection:
        await connection.execute(update(Enrolment).values(until_on=date(2026, 11, 12)))
    web.clock.move_to(datetime(2026, 11, 12, 16, tzinfo=UTC))
    assert (await web.get(address)).status_code == 200
    web.clock.move_to(datetime(2026, 11, 12, 17, tzinfo=UTC))  # 13/11 began
    assert (await web.get(address)).status_code == 404


async def test_erasing_a_person_ends_their_feeds(talk: Talk) -> None:
    await only(talk, "stc", "/lich")
    async with talk.database.write() as connection:
        person = await connection.scalar(select(CalendarFeed.person_id))
        assert person is not None
        kept = await personal_data.collect_personal_data(connection, person)
        assert kept is not None
        assert kept["calendar_feeds"] == 1
        await personal_data.erase_person(connection, person, now=NOW)
        assert await connection.scalar(select(CalendarFeed.ended_at)) == NOW


async def test_looking_at_a_feed_writes_nothing(talk: Talk) -> None:
    address = (await only(talk, "stc", "/lich")).answer.context["address"]
    async with talk.database.write():  # a second writer would wait for this one
        answer = await asyncio.wait_for(Web(talk).get(address), timeout=5)
    assert answer.status_code == 200


async def test_the_address_does_not_stay_in_the_database(database: Database) -> None:
    whole = await Whole(database, NOW).begin()
    channels: dict[int, Any] = {whole.account_id: whole.channel}
    router = Router(
        lambda: whole.registry,
        TEMPLATES,
        capabilities={whole.account_id: whole.channel.capabilities},
        links=LINKS,
    )
    whole.inbox = Inbox(database, channels, router.handle, whole.clock)
    await whole.enrol("u9002x", "stc")
    said = await whole.say("u9002x", "/lich")
    token = said.partition("/lich/")[2].partition(".ics")[0]
    assert token.startswith("1-")
    assert LINKS.read_calendar_token(token) == 1
    assert await columns_with(database, token) == []
    assert not await bytes_hold(database, token)
