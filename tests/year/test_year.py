"""A whole year of one province, as its people live it: Lạng Sơn, from 1 February 2026.

The script speaks to people (tests/support/province.py) and knows no messenger: a choice is named by its label.
Each scene stands under its date. Between the scenes every night and every morning of the year passes,
and what holds on all of them is checked there. What was said is kept in a ledger, and on the last day every
obligation must stand as it says.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import URL

from bot.config import list_setting_names
from data.clock import civil_date, civil_time, instant_at
from data.contacts import invitations
from data.digests.kept_weeks import monday_of
from data.models import (
    Agency,
    Chat,
    Decision,
    Delivery,
    InboxEvent,
    Message,
    MessageItem,
    Obligation,
    Plan,
)
from data.registry.workdays import Workdays
from tests.conftest import SHIPPED
from tests.support.messengers import OverBoth, OverTelegram, OverZalo
from tests.support.province import MORNING, Carrier, Heard, Person, ProvinceAtWork
from tests.support.telegram_server import BotApi
from tests.support.zalo_server import ZaloApi

HOME = "lang-son"
OLD, NEW = "131/KH-UBND", "15/KH-UBND"
# A plan of the office's own beside the real one: a quarterly report, tasks that end, ad-hoc reports.
PLAN = """
number: 15/KH-UBND
province: lang-son
title: "Chuyển đổi số tỉnh Lạng Sơn năm 2026"
issued_on: 2025-12-25
signer: "Nguyễn Văn A"
coordinator: Sở Khoa học và Công nghệ
source: none.txt
tasks:
  - {code: "1", text: "Số hóa hồ sơ sức khỏe của người dân", leads: ["Sở Y tế"],
     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
  - {code: "2", text: "Chuẩn hóa dữ liệu đất đai", leads: ["Sở Tài chính", "Sở Xây dựng"],
     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
  - {code: "3", text: "Phổ cập kỹ năng số trong trường học", leads: ["Sở Nội vụ"],
     period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
report_duties:
  - code: BC.1
    clause: "mục IV.1"
    from: ["Sở Y tế", "Sở Tài chính", "Sở Tư pháp", "Sở Nội vụ", "Sở Xây dựng"]
    to: "UBND tỉnh"
    via: "Sở Khoa học và Công nghệ"
    frequency: quarterly
    deadline: {operator: before, month: 3, day: 20, raw: "trước ngày 20 tháng cuối quý"}
    quote: "báo cáo hằng quý trước ngày 20 tháng cuối quý"
  - code: BC.2
    clause: "mục IV.2"
    from: ["Các sở, ban, ngành"]
    to: "UBND tỉnh"
    via: "Sở Khoa học và Công nghệ"
    frequency: ad_hoc
    quote: "báo cáo đột xuất khi có yêu cầu"
"""
YEARLY = "Báo cáo năm 2026 [BC.2]"  # of 131, by 9 November; owed by 79
LAST_YEARS = "Báo cáo năm 2025 [BC.2]"
ENDED = "Đã hết thời gian thực hiện, chưa có báo cáo kết quả"  # the heading of /quahan's last part
QUARTER = "Báo cáo quý I/2026 [BC.1]"
SILENT = ("xa-quoc-viet", "xa-tan-van", "xa-hong-phong", "xa-hoa-tham")  # never answer anything
LATER = (
    "so-khcn",
    "so-y-te",
    "so-tai-chinh",
    "so-gddt",
    "xa-quy-hoa",
)  # the yearly report takes them longer
# Where there are two messengers, they have somebody on each.
TWICE = (
    *("so-y-te", "so-gddt", "so-tai-chinh", "so-tu-phap", "so-noi-vu", "so-xay-dung"),
    *("so-cong-thuong", "so-ngoai-vu", "phuong-dong-kinh", "xa-that-khe"),
)
MOVES = "xa-hoa-tham"  # one person, who takes to another messenger
SLEPT = {date(2026, 6, 5)}  # the service was down until the evening

Key = tuple[str, str, str, str]  # agency, plan, code, period


@dataclass
class Year:
    """The province, its people, and what was said of every obligation so far."""

    province: ProvinceAtWork
    workdays: Workdays
    lan: Person  # coordinator, Sở Khoa học và Công nghệ
    hai: Person  # leader who may decide
    focal: dict[str, Person] = field(default_factory=dict)
    moved: Person | None = None  # she of MOVES, in her second chat
    colleagues: dict[str, Person] = field(default_factory=dict)  # on the other messenger
    members: list[Person] = field(default_factory=list)  # of a ward's group, where there are groups
    said: dict[Key, tuple[str, date]] = field(default_factory=dict)
    reported: dict[Key, date] = field(default_factory=dict)  # said to be done, and never returned
    progress: dict[tuple[str, str], str] = field(
        default_factory=dict
    )  # of 131's tasks: agency, code
    mornings: dict[date, list[Heard]] = field(default_factory=dict)

    @property
    def second_chats(self) -> int:
        """Return how many chats there are beside one for each agency."""
        return len(self.colleagues) + bool(self.members)

    @property
    def today(self) -> date:
        return civil_date(self.province.now)

    def says(self, agency: str, plan: str, code: str, period: str, state: str) -> None:
        """Keep in the ledger what became of an obligation."""
        self.said[agency, plan, code, period] = (state, self.today)
        if state == "submitted":
            self.reported[agency, plan, code, period] = self.today

    def tells(self, agency: str, codes: Iterable[str], progress: str) -> None:
        """Keep in the ledger how far tasks without a due date have come."""
        for code in codes:
            if progress == "completed":
                self.says(agency, OLD, code, "2026", "submitted")
            else:
                self.progress[agency, code] = progress

    def stands(self, key: Key) -> str:
        """Return the state that an obligation must be in today: what waits is confirmed by itself."""
        state, day = self.said.get(key, ("open", self.today))
        if state == "submitted" and self.workdays.add(day, 10) < self.today:
            return "confirmed"
        return state

    async def obligation(self, agency: str, plan: str, code: str, period: str) -> Any:
        async with self.province.app.database.read() as connection:
            rows = await connection.execute(
                select(Obligation)
                .join(Plan, Plan.id == Obligation.plan_id)
                .join(Agency, Agency.id == Obligation.agency_id)
                .where(
                    Agency.code == agency,
                    Plan.number == plan,
                    Obligation.code == code,
                    Obligation.period == period,
                )
            )
            return rows.one()

    def told(self, person: Person, words: str) -> list[str]:
        """Return the mornings on which somebody was told of something, as "12/10"."""
        chats = {person.chat}
        if self.moved is not None and person is self.focal[MOVES]:
            chats.add(self.moved.chat)
        return [
            f"{day.day}/{day.month}"
            for day, news in self.mornings.items()
            if any(heard.chat in chats and heard.asks(words) for heard in news)
        ]

    def asked(self, words: str) -> int:
        """Return how many messages of this morning hold some words."""
        return sum(heard.asks(words) for heard in self.mornings[self.today])

    def received(self, plan: str, code: str, period: str) -> int:
        """Return how many reports came, by the ledger."""
        wanted = (plan, code, period)
        return sum(key[1:] == wanted and state != "open" for key, (state, _) in self.said.items())


Scene = Callable[[Year], Awaitable[None]]
SCENES: dict[date, list[Scene]] = defaultdict(list)


def on(day: int, month: int, year: int = 2026) -> Callable[[Scene], Scene]:
    """Put a scene under its date; it begins when the morning's messages have come."""

    def put(scene: Scene) -> Scene:
        SCENES[date(year, month, day)].append(scene)
        return scene

    return put


# ================================================================== February: coming in, last year's report


async def enrol_everybody(year: Year) -> None:
    """The administrator lets the coordinator and the leader in; the coordinator everybody else."""
    province, lan, hai = year.province, year.lan, year.hai
    messengers = province.carrier.messengers
    async with province.app.database.write() as connection:
        rows = await connection.execute(
            select(Agency.code, Agency.id, Agency.name)
            .where(Agency.province == HOME)
            .order_by(Agency.position)
        )
        agencies = {row.code: row for row in rows}
        owing = await connection.scalars(
            select(Agency.code)
            .join(Obligation, Obligation.agency_id == Agency.id)
            .where(Obligation.kind == "report")
            .distinct()
        )
        owing_codes = set(owing)
        khcn, ubnd = agencies["so-khcn"].id, agencies["ubnd-tinh"].id
        first = await invitations.create_invitation(
            connection, agency_id=khcn, role="coordinator", now=province.now
        )
        second = await invitations.create_invitation(
            connection, agency_id=ubnd, role="leader", may_decide=True, now=province.now
        )
    assert "không nhận được mã" not in await lan.says("xin chào")
    assert "Sở Khoa học" not in lan.last.text  # a stranger learns nothing
    assert "Kính chào Sở Khoa học và Công nghệ" in await lan.says(f"/start {first}")
    assert "lãnh đạo" in await hai.says(second)
    assert len(owing_codes) == 80
    people = [code for code in agencies if code in owing_codes]
    codes: list[str] = []
    for code in people[:15]:  # by the coordinator in her chat, all others by the administrator
        lan.writes(f"/moi {agencies[code].name}")
    codes += [code_in(heard.text) for heard in await province.settle()]
    async with province.app.database.write() as connection:
        for code in people[15:]:
            codes.append(
                await invitations.create_invitation(
                    connection, agency_id=agencies[code].id, role="focal", now=province.now
                )
            )
    for code, invitation in zip(people, codes, strict=True):
        on = province.carrier.groups if code == "phuong-tam-thanh" else ""
        if code == MOVES:
            on = messengers[0]
        if code in TWICE:
            on = messengers[TWICE.index(code) % len(messengers)]
        year.focal[code] = province.person(f"Đầu mối {agencies[code].name}", on=on)
        year.focal[code].writes(f"/start {invitation}")
    for heard in await province.settle():
        assert heard.text.startswith("Kính chào"), heard
    if len(messengers) > 1:
        for code in TWICE:
            (other,) = set(messengers) - {year.focal[code].messenger}
            async with province.app.database.write() as connection:
                invitation = await invitations.create_invitation(
                    connection, agency_id=agencies[code].id, role="focal", now=province.now
                )
            year.colleagues[code] = province.person(f"Cán bộ {agencies[code].name}", on=other)
            await year.colleagues[code].says(f"/start {invitation}")
            welcome, card = year.colleagues[code].heard[-2:]
            assert "Kính chào" in welcome.text
            assert "Bảng bàn giao" in card.text
    stranger = province.person("Người lạ", on=province.carrier.groups)
    used = await stranger.says(f"/start {codes[0]}")
    assert "Kính chào" not in used
    if not province.carrier.groups:
        return
    # A ward has a group too: its secretary is enrolled herself, one of its people is not.
    secretary = year.focal["phuong-tam-thanh"]
    year.members = province.group("Tổ chuyển đổi số phường Tam Thanh", secretary, stranger)
    invitation = code_in(await lan.says("/moi UBND phường Tam Thanh"))
    assert "Nhóm này đã đăng ký" in await year.members[0].says(f"/start {invitation}")


def code_in(text: str) -> str:
    found = re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", text)
    assert found is not None, text
    return found[0]


@on(2, 2)
async def the_first_morning(year: Year) -> None:
    """Everybody is asked for last year's report, once; it is answered in five ways."""
    # 79 agencies and Sở KH&CN
    assert year.asked("Báo cáo năm 2025") == 80 + year.second_chats
    if not year.province.carrier.groups:  # more than forty people on a bot for fifty
        assert "41/50 người (82 %)" in year.lan.last.text
    key = (OLD, "BC.2", "2025")
    health, finance, justice = (
        year.focal[code] for code in ("so-y-te", "so-tai-chinh", "so-tu-phap")
    )
    # in reply, with the document; by button; by the number of a choice
    echo = await health.says(
        "đã gửi rồi, Báo cáo số 12/BC-SYT ngày 5/11/2025", to=health.with_words(LAST_YEARS)
    )
    assert "12/BC-SYT" in echo
    year.says("so-y-te", *key, "submitted")
    assert "Đã ghi nhận" in await finance.chooses("Đã hoàn thành")
    assert "102/BC-STC" in await finance.says("Báo cáo số 102/BC-STC ngày 3/11/2025")
    year.says("so-tai-chinh", *key, "submitted")
    assert "Trả lời: Đã hoàn thành" in await justice.chooses("Đã hoàn thành")
    year.says("so-tu-phap", *key, "submitted")
    # in words, by a crowd at once
    crowd = [code for code in year.focal if code.startswith("xa-") and code not in SILENT][:12]
    for code in crowd:
        year.focal[code].writes("đã xong")
    news = await year.province.settle()
    assert len(news) == len(crowd)
    assert all("Trả lời: Đã hoàn thành" in heard.text for heard in news)
    for code in crowd:
        year.says(code, *key, "submitted")
    # by mistake, and taken back
    builder = year.focal["so-xay-dung"]
    await builder.chooses("Đã hoàn thành")
    await builder.says("huỷ")
    assert (await year.obligation("so-xay-dung", *key)).state == "open"
    # acknowledged within a group by anybody, answered there by who is enrolled
    if not year.members:
        await year.focal["phuong-tam-thanh"].says("xong rồi em nhé")
        year.says("phuong-tam-thanh", *key, "submitted")
        return
    secretary, anybody = year.members
    assert "Đã nhận" in await anybody.chooses("Đã nhận")
    refused = await anybody.chooses("Đã hoàn thành")
    assert "Trả lời: Đã hoàn thành" not in refused
    anybody.writes("mai họp lúc 8 giờ nhé, báo cáo xong cả rồi")  # people talk among themselves
    assert await year.province.settle() == []
    await secretary.says("xong rồi em nhé", to=secretary.with_words(LAST_YEARS))
    year.says("phuong-tam-thanh", *key, "submitted")


@on(3, 2)
async def what_was_due_before_is_not_told_higher_up(year: Year) -> None:
    """Last year's report was due before the plan was tracked: it is asked about, and late nowhere."""
    for person in (year.lan, year.hai):
        assert not any(heard.says("chưa có kết quả") for heard in person.heard), person
    late, apart, ended = (await year.lan.says("/quahan")).partition(ENDED)
    title = LAST_YEARS.split(" [")[0]
    assert (title in late, apart, title in ended) == (False, ENDED, True)


@on(9, 2)
async def the_first_ones_are_confirmed_together(year: Year) -> None:
    text = await year.lan.says("/xacnhan")
    assert "Chờ xác nhận: 16 nhiệm vụ" in text
    listed = [agency_named(year, line) for line in text.splitlines() if agency_named(year, line)]
    assert 5 <= len(listed) <= 10  # as many as a page holds
    before = {code: len(year.focal[code].heard) for code in listed}
    assert f"{len(listed):02d} nội dung" in await year.lan.chooses("Xác nhận tất cả")
    assert f"{len(listed):02d} nhiệm vụ" in await year.lan.chooses("Đồng ý")
    for code in listed:
        year.says(code, OLD, "BC.2", "2025", "confirmed")
        assert len(year.focal[code].heard) == before[code] + 1
        assert "đã xác nhận hoàn thành" in year.focal[code].last.text


@on(24, 2)
async def the_rest_was_confirmed_by_itself(year: Year) -> None:
    """Said on Monday 2/2: its ten working days end on Monday 23/2, after Tết."""
    waited = [key for key, (state, _) in year.said.items() if state == "submitted"]
    for key, (state, day) in list(year.said.items()):
        if state == "submitted" and day == date(2026, 2, 2):
            assert (await year.obligation(*key)).state == "confirmed", key
            year.says(*key, "confirmed")
    automatic = await count(year, Decision.decided_by == "tự động")
    assert automatic == len(waited) > 5


@on(25, 2)
async def what_was_long_late_was_told_once(year: Year) -> None:
    """A late start tells the latest rung once: the fiftieth, which was the last."""
    for code in (*SILENT, "so-y-te"):
        assert year.told(year.focal[code], LAST_YEARS) == ["2/2"]


# ================================================================== the first quarter


@on(5, 3)
async def some_tell_where_they_stand(year: Year) -> None:
    finance, builder = year.focal["so-tai-chinh"], year.focal["so-xay-dung"]
    assert "60%" in await finance.says("đang làm 60%, chờ số liệu các phòng")
    heard = len(year.lan.heard)
    await builder.says("đang vướng, chưa có kinh phí mua phần mềm")
    assert len(year.lan.heard) == heard + 1
    assert "chưa có kinh phí mua phần mềm" in year.lan.last.text


@on(11, 3)
async def one_acknowledges_before_the_next_rung(year: Year) -> None:
    """Held to 16/3: the rungs of 12/3 and 16/3 wait, and the later one comes on 17/3."""
    health = year.focal["so-y-te"]
    assert "17/3" in await health.chooses("Đã nhận", health.with_words(QUARTER))


@on(12, 3)
async def more_time_is_asked_for_step_by_step_and_refused(year: Year) -> None:
    justice, lan = year.focal["so-tu-phap"], year.lan
    assert "ngày gia hạn" in await justice.chooses("Xin gia hạn", justice.with_words(QUARTER))
    assert "lý do" in (await justice.says("27/3")).lower()
    assert "Đã chuyển đề nghị" in await justice.says("chờ số liệu của Thống kê tỉnh")
    assert "đề nghị gia hạn đến ngày 27/3/2026" in lan.last.text
    assert "nhập lý do" in await lan.chooses("Không đồng ý")
    assert "Không đồng ý gia hạn" in await lan.says("số liệu đã có trên hệ thống từ 5/3")
    assert "Đề nghị gia hạn không được đồng ý" in justice.last.text
    assert "số liệu đã có trên hệ thống" in justice.last.text


@on(13, 3)
async def it_is_asked_for_again_in_one_sentence_and_granted(year: Year) -> None:
    justice, lan = year.focal["so-tu-phap"], year.lan
    echo = await justice.says(
        "xin gia hạn đến 27/3 vì hệ thống đang bảo trì", to=justice.with_words(QUARTER)
    )
    assert "Đề nghị gia hạn đến ngày 27/3/2026" in echo
    assert "cần văn bản cho phép" in await lan.chooses("Đồng ý")  # the date is the plan's
    assert "Đã gia hạn đến ngày 27/3/2026" in await lan.says("456/UBND-KGVX ngày 12/3/2026")
    assert "456/UBND-KGVX" in justice.last.text
    owed = await year.obligation("so-tu-phap", NEW, "BC.1", "2026-Q1")
    assert (owed.due_on, owed.extended_to) == (date(2026, 3, 19), date(2026, 3, 27))


@on(16, 3)
async def a_completion_is_returned(year: Year) -> None:
    finance, lan = year.focal["so-tai-chinh"], year.lan
    await finance.says("xong rồi nhé", to=finance.with_words(QUARTER))
    text = await lan.says("/xacnhan")
    assert "Sở Tài chính báo cáo đã hoàn thành" in text
    assert "nhập lý do" in await lan.chooses("Trả lại")
    assert "Đã trả lại" in await lan.says("thiếu biểu số 2")
    assert "trả lại, đề nghị bổ sung" in finance.last.text
    assert "thiếu biểu số 2" in finance.last.text
    assert (await year.obligation("so-tai-chinh", NEW, "BC.1", "2026-Q1")).state == "open"


@on(18, 3)
async def the_quarter_is_reported(year: Year) -> None:
    health, finance = year.focal["so-y-te"], year.focal["so-tai-chinh"]
    assert year.told(health, QUARTER) == ["12/2", "5/3", "17/3", "18/3"]
    await health.chooses("Đã hoàn thành", health.with_words(QUARTER))
    assert "45/BC-SYT" in await health.says("Báo cáo số 45/BC-SYT ngày 18/3/2026")
    year.says("so-y-te", NEW, "BC.1", "2026-Q1", "submitted")
    assert "đã trả lại, đề nghị bổ sung" in finance.last.text
    await finance.says("đã xong, Báo cáo số 77/BC-STC ngày 18/3/2026")
    year.says("so-tai-chinh", NEW, "BC.1", "2026-Q1", "submitted")


@on(19, 3)
async def one_of_several_is_confirmed(year: Year) -> None:
    builder, finance, lan = year.focal["so-xay-dung"], year.focal["so-tai-chinh"], year.lan
    assert year.told(builder, QUARTER) == ["12/2", "5/3", "12/3", "16/3", "18/3", "19/3"]
    await builder.says("xong rồi")
    year.says("so-xay-dung", NEW, "BC.1", "2026-Q1", "submitted")
    await lan.says("/xacnhan")
    await lan.chooses(number_of(lan.last, "Sở Tài chính"))
    assert "Sở Tài chính báo cáo đã hoàn thành" in lan.last.text
    assert "77/BC-STC" in lan.last.text
    assert "Đã xác nhận hoàn thành" in await lan.chooses("Xác nhận")
    assert "đã xác nhận hoàn thành" in finance.last.text
    year.says("so-tai-chinh", NEW, "BC.1", "2026-Q1", "confirmed")


@on(27, 3)
async def the_rungs_of_the_later_date_came(year: Year) -> None:
    justice = year.focal["so-tu-phap"]
    await justice.says("đã gửi báo cáo rồi ạ")
    year.says("so-tu-phap", NEW, "BC.1", "2026-Q1", "submitted")
    assert year.told(justice, QUARTER) == ["12/2", "5/3", "12/3", "20/3", "24/3", "26/3", "27/3"]


@on(2, 4)
async def lateness_went_up_step_by_step(year: Year) -> None:
    """Due Thursday 19/3: the coordinator on the third working day, the leader on the tenth."""
    late = year.focal["so-noi-vu"]
    assert year.told(late, QUARTER) == [
        *("12/2", "5/3", "12/3", "16/3", "18/3", "19/3"),
        *("20/3", "24/3", "26/3", "2/4"),
    ]
    assert year.told(year.lan, "Báo cáo quý I/2026") == ["24/3"]
    assert year.told(year.hai, "Báo cáo quý I/2026") == ["2/4"]
    health = await year.obligation("so-y-te", NEW, "BC.1", "2026-Q1")
    assert (health.state, civil_date(health.confirmed_at)) == ("confirmed", date(2026, 4, 2))
    year.says("so-y-te", NEW, "BC.1", "2026-Q1", "confirmed")


@on(3, 4)
async def an_explanation_is_asked_for_and_filed(year: Year) -> None:
    late, lan = year.focal["so-noi-vu"], year.lan
    assert "Đã đề nghị giải trình" in await lan.says("/giaitrinh 15 BC.1 vì sao chậm báo cáo quý I")
    assert "vì sao chậm báo cáo quý I" in late.last.text
    await late.chooses("Trả lời giải trình")
    await late.says("Do đổi phần mềm, ngày 6/4 chúng tôi gửi")
    assert "Do đổi phần mềm" in lan.last.text
    assert "Do đổi phần mềm" in await lan.says("/lichsu Sở Nội vụ")
    await late.says("/viec")
    assert "Trả lời: Đã hoàn thành" in await late.says("1 xong")
    year.says("so-noi-vu", NEW, "BC.1", "2026-Q1", "submitted")
    await figures_add_up(year)


# ================================================================== the second quarter: lists of several


@on(20, 5)
async def an_ad_hoc_report_is_asked_for(year: Year) -> None:
    words = "/mo 15 BC.2 19/6/2026 Sở Y tế; Sở Tài chính; Sở Ngoại vụ: số liệu hạ tầng số"
    assert "03 cơ quan (03 sở, ban, ngành)" in await year.lan.says(words)
    assert "03 cơ quan" in await year.lan.chooses("Gửi")
    for code in ("so-y-te", "so-tai-chinh", "so-ngoai-vu"):
        assert "số liệu hạ tầng số" in year.focal[code].last.text


@on(22, 5)
async def lists_are_answered_by_numbers(year: Year) -> None:
    """The quarter's report and the ad-hoc one are due the same day, in one message."""
    health, finance = year.focal["so-y-te"], year.focal["so-tai-chinh"]
    for person in (health, finance):
        (heard,) = person.heard_on(year.today)
        assert "02 nhiệm vụ sắp đến hạn" in heard.text
        assert {"1", "2", "Đã nhận tất cả"} <= set(heard.choices)
    done = number_of(health.last, "[BC.1]")
    doing = "2" if done == "1" else "1"
    await health.says(f"{done} xong, {doing} đang làm 50%")
    year.says("so-y-te", NEW, "BC.1", "2026-Q2", "submitted")
    assert (await year.obligation("so-y-te", NEW, "BC.2", "A1")).percent == 50
    await finance.chooses(number_of(finance.last, "[BC.2]"))
    assert "số liệu hạ tầng số" in finance.last.text
    await finance.chooses("Đã hoàn thành")
    year.says("so-tai-chinh", NEW, "BC.2", "A1", "submitted")
    await year.focal["so-ngoai-vu"].chooses("Đã nhận")


@on(8, 6)
async def after_a_day_without_service_the_rung_is_told_once(year: Year) -> None:
    """Friday's rung came on Monday morning, and not in Friday's evening."""
    assert year.told(year.focal["so-tu-phap"], "Báo cáo quý II/2026") == ["22/5", "8/6"]
    assert year.told(year.focal["so-ngoai-vu"], "số liệu hạ tầng số") == ["22/5", "8/6"]
    for code in ("so-tai-chinh", "so-tu-phap", "so-noi-vu", "so-xay-dung"):
        person = year.focal[code]
        assert "Trả lời: Đã hoàn thành" in await person.says(
            "xong", to=person.heard_on(year.today)[0]
        )
        year.says(code, NEW, "BC.1", "2026-Q2", "submitted")


@on(9, 6)
async def who_has_not_answered_is_urged_once_a_day(year: Year) -> None:
    heard = {code: len(person.heard) for code, person in year.focal.items()}
    assert "02 cơ quan (02 sở, ban, ngành)" in await year.lan.says("/nhac 15 BC.2")
    assert "Đã nhắc 02 cơ quan" in await year.lan.chooses("Gửi")
    urged = [code for code, person in year.focal.items() if len(person.heard) > heard[code]]
    assert urged == ["so-y-te", "so-ngoai-vu"]
    assert "không nhắc lại" in await year.lan.says("/nhac 15 BC.2")


@on(13, 6)
async def somebody_works_on_a_saturday_evening(year: Year) -> None:
    year.province.move_to(year.today, time(21))
    await year.focal["so-ngoai-vu"].says("xong việc này rồi nhé")
    year.says("so-ngoai-vu", NEW, "BC.2", "A1", "submitted")
    health = year.focal["so-y-te"]
    await health.says("đã xong", to=health.heard_on(date(2026, 6, 12))[0])
    year.says("so-y-te", NEW, "BC.2", "A1", "submitted")


@on(15, 6)
async def everything_waiting_is_confirmed(year: Year) -> None:
    assert "Chờ xác nhận: 06 nhiệm vụ" in await year.lan.says("/xacnhan")
    while "Chờ xác nhận" in year.lan.last.text:
        await year.lan.chooses("Xác nhận tất cả")
        if "Đồng ý" in year.lan.last.choices:
            await year.lan.chooses("Đồng ý")
        await year.lan.says("/xacnhan")
    for key, (state, day) in list(year.said.items()):
        if state == "submitted" and day >= date(2026, 6, 8):
            year.says(*key, "confirmed")


@on(30, 6)
async def figures_of_midyear(year: Year) -> None:
    await figures_add_up(year)


# ================================================================== the third quarter: a due date on a Saturday


@on(18, 9)
async def three_report_before_the_saturday(year: Year) -> None:
    for code in ("so-y-te", "so-tu-phap", "so-noi-vu"):
        person = year.colleagues.get(code, year.focal[code])
        await person.says("đã xong", to=person.with_words("quý III"))
        year.says(code, NEW, "BC.1", "2026-Q3", "submitted")


@on(21, 9)
async def monday_still_counts(year: Year) -> None:
    """Due Saturday 19/9, judged on Monday: on time, and nobody was reminded on it."""
    builder = year.focal["so-xay-dung"]
    assert not any(heard.asks("quý III") for heard in builder.heard_on(year.today))
    await builder.says("đã xong", to=builder.with_words("quý III"))
    year.says("so-xay-dung", NEW, "BC.1", "2026-Q3", "submitted")


@on(22, 9)
async def tuesday_is_late(year: Year) -> None:
    finance = year.focal["so-tai-chinh"]
    (heard,) = finance.heard_on(year.today)
    assert "Quá hạn 01 ngày làm việc" in heard.text
    await finance.says("xong")
    year.says("so-tai-chinh", NEW, "BC.1", "2026-Q3", "submitted")
    assert year.told(finance, "Báo cáo quý III/2026") == [
        *("19/8", "4/9", "11/9", "15/9", "17/9", "18/9", "22/9")
    ]


# ================================================================== autumn: tasks that end, and who they belong to


@on(7, 10)
async def a_task_is_disputed_and_reassigned(year: Year) -> None:
    home_affairs, education = year.focal["so-noi-vu"], year.focal["so-gddt"]
    task = home_affairs.with_words("Phổ cập kỹ năng số")
    await home_affairs.says("việc này không thuộc chức năng của Sở Nội vụ", to=task)
    assert "không thuộc cơ quan mình" in year.lan.last.text
    assert "nhập cơ quan tiếp nhận" in await year.lan.chooses("Giao cơ quan khác")
    assert "Đã giao cho Sở Giáo dục và Đào tạo" in await year.lan.says("sở gd&đt")
    assert "giao cơ quan thực hiện" in education.last.text
    assert "đã chuyển cơ quan khác" in home_affairs.last.text
    year.says("so-noi-vu", NEW, "3", "end", "superseded")
    year.says("so-gddt", NEW, "3", "end", "open")


# ================================================================== the yearly report of everybody, by 9 November


@on(12, 10)
async def the_yearly_report_is_asked_for(year: Year) -> None:
    assert year.asked(YEARLY) == 79 + year.second_chats
    key = (OLD, "BC.2", "2026")
    communes = [code for code in year.focal if code.startswith("xa-") and code not in SILENT]
    for number, code in enumerate(communes[:50]):
        person = year.focal[code]
        if number % 4 == 0:
            person.taps("Đã hoàn thành", person.with_words(YEARLY))
        elif number % 4 == 1:
            person.writes("xong rồi ạ")
        elif number % 4 == 2:
            person.writes("đã hoàn thành", to=person.with_words(YEARLY))
        else:
            person.writes(f"Đã gửi Báo cáo số {number}/BC-UBND ngày 9/10/2026")
    news = await year.province.settle()
    assert len(news) == 50
    assert all("Trả lời: Đã hoàn thành" in heard.text for heard in news)
    for code in communes[:50]:
        year.says(code, *key, "submitted")
    secretary = year.focal["phuong-tam-thanh"]
    if year.members:
        secretary, anybody = year.members
        await anybody.chooses("Đã nhận")
    await secretary.says(
        "xong rồi, Báo cáo số 88/BC-UBND ngày 11/10/2026", to=secretary.with_words(YEARLY)
    )
    year.says("phuong-tam-thanh", *key, "submitted")


@on(26, 10)
async def tasks_without_a_due_date_are_asked_about(year: Year) -> None:
    """Once, behind the report in the same message."""
    of_chat = {heard.chat: heard for heard in year.mornings[year.today]}
    for code, person in year.focal.items():
        if code == "so-khcn":  # with its own report
            continue
        owes = (code, OLD, "BC.2", "2026") not in year.said
        listed = of_chat[person.chat]
        assert listed.asks(YEARLY) == owes, code
        assert number_of(listed, "[II.1a]") == ("2" if owes else "1")
        assert "[II.8a]" in listed.text or "xem tiếp" in listed.text


@on(26, 10)
async def more_reports_come(year: Year) -> None:
    key = (OLD, "BC.2", "2026")
    asked = {heard.chat for heard in year.mornings[year.today] if heard.asks(YEARLY)}
    submitted = [code for code, *rest in year.said if tuple(rest) == key]
    assert len(submitted) == 51
    assert not asked & {year.focal[code].chat for code in submitted}
    rest = [code for code in year.focal if code not in (*submitted, *SILENT, *LATER)]
    for number, code in enumerate(rest):
        person = year.focal[code]
        asked_for = person.with_words(YEARLY)
        person.writes("1 đã xong" if number % 2 else "BC.2 đã hoàn thành", to=asked_for)
    news = await year.province.settle()
    assert len(news) == len(rest)
    assert all("Trả lời: Đã hoàn thành" in heard.text for heard in news)
    for code in rest:
        year.says(code, *key, "submitted")


@on(26, 10)
async def tasks_without_a_due_date_are_answered_in_one_go(year: Year) -> None:
    """Whether the report was answered before or not; nothing of what is said is meant of it."""
    health, finance = year.focal["so-y-te"], year.focal["so-tai-chinh"]
    for person in (health, finance):
        await list_with(person, "[II.8a]")
    assert "04 nhiệm vụ" in await health.says("2, 3 và 5 đang làm, 4 chưa làm")
    year.tells("so-y-te", ("II.1a", "II.2a", "II.8a"), "in_progress")
    year.tells("so-y-te", ["II.6a"], "not_started")
    assert "08 nhiệm vụ" in await finance.says("2-8 đang làm, 9 xong")
    doing = ("II.1a", "II.2a", "II.2b", "II.3h", "II.4b", "II.6a", "II.7a")
    year.tells("so-tai-chinh", doing, "in_progress")
    year.tells("so-tai-chinh", ["II.8a"], "completed")
    for code in ("so-y-te", "so-tai-chinh"):
        assert (await year.obligation(code, OLD, "BC.2", "2026")).progress is None
    # all of it, after the report of the same morning was answered
    ward = year.focal["phuong-luong-van-tri"]
    assert "03 nhiệm vụ" in await ward.says("tất cả đang làm")
    year.tells("phuong-luong-van-tri", ("II.1a", "II.2a", "II.8a"), "in_progress")
    # in words, by a crowd at once
    crowd = [code for code in year.focal if code.startswith("xa-") and code not in SILENT][:12]
    for number, code in enumerate(crowd):
        words, _ = IN_ONE_GO[number % len(IN_ONE_GO)]
        year.focal[code].writes(words)
    news = await year.province.settle()
    assert len(news) == len(crowd)
    assert all("03 nhiệm vụ" in heard.text for heard in news)
    for number, code in enumerate(crowd):
        for task, progress in zip(
            ("II.1a", "II.2a", "II.8a"), IN_ONE_GO[number % len(IN_ONE_GO)][1], strict=True
        ):
            year.tells(code, [task], progress)
    # by mistake, and taken back
    hasty = year.focal["phuong-ky-lua"]
    assert "03 nhiệm vụ" in await hasty.says("tất cả đã xong", to=await list_with(hasty, "[II.8a]"))
    await hasty.says("huỷ")


IN_ONE_GO = (
    ("tất cả đang thực hiện, trừ 3: chưa làm", ("in_progress", "in_progress", "not_started")),
    ("1-2 đang làm, 3 xong", ("in_progress", "in_progress", "completed")),
    ("1 chưa làm, 2 đang làm 60%, 3 đang làm", ("not_started", "in_progress", "in_progress")),
)


@on(26, 10)
async def tasks_without_a_due_date_are_answered_one_by_one(year: Year) -> None:
    justice = year.focal["so-tu-phap"]
    said = (
        ("II.1a", "Đang thực hiện", "in_progress"),
        ("II.2a", "Chưa triển khai", "not_started"),
        ("II.2g", "Đã hoàn thành", "completed"),
        ("II.6a", "Đang thực hiện", "in_progress"),
    )
    for code, label, progress in said:
        await justice.chooses(number_of(await list_with(justice, f"[{code}]"), f"[{code}]"))
        assert f"[{code}]" in justice.last.text
        assert label in await justice.chooses(label)
        year.tells("so-tu-phap", [code], progress)
    # one is in trouble, and the coordinator hears of it at once
    ward = year.focal["phuong-dong-kinh"]
    heard = len(year.lan.heard)
    listed = await list_with(ward, "[II.2a]")
    number = number_of(listed, "[II.2a]")
    await ward.says(f"{number} vướng mắc: chưa có kinh phí tập huấn", to=listed)
    assert len(year.lan.heard) == heard + 1
    assert "chưa có kinh phí tập huấn" in year.lan.last.text
    assert "Nhiệm vụ không có hạn" in year.lan.last.text
    year.tells("phuong-dong-kinh", ["II.2a"], "blocked")


@on(28, 10)
async def a_completion_of_what_has_no_due_date_is_confirmed(year: Year) -> None:
    finance, lan = year.focal["so-tai-chinh"], year.lan
    page = 1
    while "Sở Tài chính" not in await lan.says(f"/xacnhan trang {page}"):
        page += 1
    await lan.chooses(number_of(lan.last, "Sở Tài chính"))
    assert "[II.8a]" in lan.last.text
    assert "Đã xác nhận hoàn thành" in await lan.chooses("Xác nhận")
    assert "đã xác nhận hoàn thành" in finance.last.text
    year.says("so-tai-chinh", OLD, "II.8a", "2026", "confirmed")


@on(2, 11)
async def some_acknowledge(year: Year) -> None:
    """Held to 5/11: the rung of 4/11 waits, and goes into that of 6/11."""
    health, finance = year.focal["so-y-te"], year.focal["so-tai-chinh"]
    await health.chooses("Đã nhận", health.with_words(YEARLY))
    await finance.says("đang tổng hợp, khoảng 80%", to=finance.with_words(YEARLY))


@on(3, 11)
async def a_date_past_the_coordinators_own_report_is_warned_of(year: Year) -> None:
    education, lan = year.focal["so-gddt"], year.lan
    await education.says(
        "xin gia hạn báo cáo năm đến 27/11 do chờ kết quả của các trường",
        to=education.with_words(YEARLY),
    )
    assert "đề nghị gia hạn đến ngày 27/11/2026" in lan.last.text
    assert "sau hạn" in await lan.chooses("Đồng ý")
    assert "Đã gia hạn đến ngày 27/11/2026" in await lan.chooses("Vẫn đồng ý")
    refused = await education.says("xin gia hạn thêm đến 30/11 vì vẫn thiếu số liệu")
    assert "Đã chuyển đề nghị" not in refused  # one is as many as the province grants


@on(4, 11)
async def the_list_is_asked_for_on_another_day(year: Year) -> None:
    industry = year.focal["so-cong-thuong"]
    assert "5 nhiệm vụ không có hạn" in await industry.says("/thuongxuyen")
    assert "05 nhiệm vụ" in await industry.says("1-3 đang làm 30%, 4 chưa làm, 5 xong")
    year.tells("so-cong-thuong", ("II.1a", "II.2a", "II.3d"), "in_progress")
    year.tells("so-cong-thuong", ["II.6a"], "not_started")
    year.tells("so-cong-thuong", ["II.8a"], "completed")
    assert "4 nhiệm vụ không có hạn" in await industry.says("/thuongxuyen")


@on(9, 11)
async def the_coordinating_agency_is_asked_with_its_own_report(year: Year) -> None:
    own = year.focal["so-khcn"]
    asked = [heard for heard in own.heard_on(year.today) if "[II." in heard.text]
    assert len(asked) == 1  # eleven tasks
    while "xem tiếp" in asked[-1].text:
        await own.says("xem tiếp")
        asked.append(own.last)
    assert "11 nhiệm vụ" in await own.says("2-12 đang làm")
    codes = re.findall(r"\[(II\.\w+)\]", "".join(heard.text for heard in asked))
    year.tells("so-khcn", codes, "in_progress")


@on(9, 11)
async def the_last_day(year: Year) -> None:
    health, finance = year.focal["so-y-te"], year.focal["so-tai-chinh"]
    for person in (health, finance):
        assert year.told(person, YEARLY) == ["12/10", "26/10", "2/11", "6/11", "9/11"]
        await person.says("xong", to=person.with_words(YEARLY))
    year.says("so-y-te", OLD, "BC.2", "2026", "submitted")
    year.says("so-tai-chinh", OLD, "BC.2", "2026", "submitted")


@on(10, 11)
async def figures_of_the_yearly_report(year: Year) -> None:
    """What has no due date is counted by its agencies, and is not late on the day after theirs."""
    await figures_add_up(year)
    for code, agencies, stands in (
        ("II.1a", 80, "Đang thực hiện, trong hạn"),
        ("II.2g", 1, "Hoàn thành đúng hạn"),
        ("II.8a", 80, "Đang thực hiện, trong hạn"),
    ):
        states = Counter(year.stands(key) for key in year.said if key[1:3] == (OLD, code))
        text = await year.lan.says(f"/status 131 {code}")
        assert f"{stands} · {states['confirmed']}/{agencies} cơ quan hoàn thành" in text
        waiting = re.search(r"cơ quan hoàn thành, (\d+) cơ quan chờ xác nhận", text)
        assert int(waiting[1] if waiting else 0) == states["submitted"]


@on(23, 11)
async def the_coordinating_agency_reports_too(year: Year) -> None:
    """Who coordinates decides nothing on its own report: the leader does."""
    own = year.focal["so-khcn"]
    await own.says("đã xong, Báo cáo số 301/BC-SKHCN ngày 23/11/2026")
    year.says("so-khcn", OLD, "BC.1", "2026", "submitted")
    assert "301/BC-SKHCN" not in await year.lan.says("/xacnhan")
    assert "301/BC-SKHCN" in await year.hai.says("/xacnhan")
    assert "Đã xác nhận hoàn thành" in await year.hai.chooses("Xác nhận")
    assert "lãnh đạo đã xác nhận" in own.last.text
    year.says("so-khcn", OLD, "BC.1", "2026", "confirmed")


@on(27, 11)
async def the_extended_one_reports(year: Year) -> None:
    education = year.focal["so-gddt"]
    await education.says("báo cáo năm đã xong", to=education.with_words(YEARLY))
    year.says("so-gddt", OLD, "BC.2", "2026", "submitted")
    days = ["12/10", "26/10", "2/11", "12/11", "19/11", "23/11", "26/11", "27/11"]
    assert year.told(education, YEARLY) == days


@on(4, 12)
async def the_fourth_quarter(year: Year) -> None:
    for code in ("so-y-te", "so-tai-chinh", "so-tu-phap", "so-noi-vu", "so-xay-dung"):
        person = year.colleagues.get(code, year.focal[code])
        await person.says("đã xong", to=person.with_words("Báo cáo quý IV/2026"))
        year.says(code, NEW, "BC.1", "2026-Q4", "submitted")
        assert "Báo cáo quý IV/2026" not in await year.focal[code].says("/viec")


@on(16, 12)
async def one_of_two_is_reached_no_more(year: Year) -> None:
    if year.colleagues:
        assert year.colleagues["so-gddt"].messenger == "telegram"
        year.colleagues["so-gddt"].blocks()


@on(17, 12)
async def one_takes_to_another_messenger(year: Year) -> None:
    """The chat where she was written to is lost: what was to arrive there goes on in the same run."""
    if not year.colleagues:
        return
    person = year.focal[MOVES]
    code = code_in(await person.says("/kenh thêm"))
    year.moved = year.province.person(person.name, on="zalo")
    assert "Tin vẫn đến kênh cũ" in await year.moved.says(code)
    person.blocks()


@on(31, 12)
async def the_last_day_of_the_year(year: Year) -> None:
    silent = [
        *("12/10", "26/10", "2/11", "4/11", "6/11", "9/11"),
        *("10/11", "12/11", "16/11", "23/11", "1/12", "8/12", "15/12", "22/12", "29/12"),
    ]
    for code in SILENT:
        assert year.told(year.focal[code], YEARLY) == silent
    assert year.told(year.lan, f"{YEARLY}, Kế hoạch") == ["12/11"]
    assert year.told(year.hai, f"{YEARLY}, Kế hoạch") == ["23/11"]
    tasks = ["3/12", "17/12", "24/12", "31/12"]
    assert year.told(year.focal["so-gddt"], "Phổ cập kỹ năng số") == ["8/10", *tasks]
    assert year.told(year.focal["so-noi-vu"], "Phổ cập kỹ năng số") == ["7/10"]
    if year.colleagues:  # its last message did not arrive: the other has the same
        assert year.told(year.colleagues["so-gddt"], "Phổ cập kỹ năng số") == ["8/10", "3/12"]
        lost = "Không gửi được tin đến một cuộc trò chuyện riêng của Sở Giáo dục và Đào tạo"
        assert year.told(year.lan, lost) == ["17/12"]
    if year.moved is not None:
        assert year.told(year.moved, YEARLY) == ["22/12", "29/12"]
        lost = "một cuộc trò chuyện riêng của UBND xã Hoa Thám"
        assert year.told(year.lan, lost) == ["21/12"]  # what Monday's digest found
    health = year.focal["so-y-te"]
    await health.says("đã xong", to=health.with_words("Số hóa hồ sơ sức khỏe"))
    year.says("so-y-te", NEW, "1", "end", "submitted")
    await figures_add_up(year)
    await as_was_said(year)
    for code in (*SILENT, "so-vhttdl"):
        for task in ("[II.1a]", "[II.2a]"):
            assert year.told(year.focal[code], task) == ["26/10"]
        assert year.told(year.focal[code], "[II.8a]") in ([], ["26/10"])  # or behind "xem tiếp"
    late = (await year.lan.says("/quahan")).partition(ENDED)[0]
    assert "[II." not in late
    assert "[BC.2]" in late
    assert not any("[II." in heard.text for heard in year.hai.heard)


@on(29, 1, 2027)
async def the_ladders_end(year: Year) -> None:
    """Of a report with the fiftieth working day, of a task with the twentieth."""
    for code in SILENT:
        assert year.told(year.focal[code], YEARLY)[-3:] == ["6/1", "13/1", "20/1"]
    assert year.told(year.focal["so-gddt"], "Phổ cập kỹ năng số")[-2:] == ["8/1", "29/1"]
    await figures_add_up(year)


# ================================================================== what is looked up in what people read


def number_of(heard: Heard, words: str) -> str:
    """Return the number of the item of a list that holds some words, on whichever of its lines."""
    number = ""
    for line in heard.text.splitlines():
        begins = re.match(r"(\d+)\. ", line)
        number = begins[1] if begins else number
        if words in line and number:
            return number
    raise AssertionError((words, heard.text))


async def list_with(person: Person, words: str) -> Heard:
    """Return the list that shows some words: the morning's, or what stands behind its "xem tiếp"."""
    while not any(heard.asks(words) for heard in person.heard):
        assert "xem tiếp" in person.last.text.lower(), (words, person.last.text)
        await person.says("xem tiếp")
    return person.with_words(words)


def agency_named(year: Year, line: str) -> str:
    """Return the agency whose name a line is, or ""."""
    name = f"Đầu mối {line.strip('()')}"
    return next((code for code, one in year.focal.items() if one.name == name), "")


async def figures_add_up(year: Year) -> None:
    """The coordinator's /status: the official states add up, and as many reports came as were said."""
    text = await year.lan.says("/status")
    pages = re.search(r"trang 1/(\d+)", text)
    for page in range(2, int(pages[1]) + 1 if pages else 2):
        text += await year.lan.says(f"/status trang {page}")
    for number, total in ((OLD, 32), (NEW, 3)):
        part = text[text.index(f"Kế hoạch {number}") :]
        figures = re.search(
            r"(\d+) nhiệm vụ: hoàn thành đúng hạn (\d+), quá hạn (\d+); đang thực hiện trong hạn (\d+),"
            r" quá hạn (\d+)(?:; thường xuyên, không xác định thời hạn (\d+))?"
            r"(?:; hết thời gian thực hiện trước khi theo dõi (\d+))?",
            part,
        )
        assert figures is not None, text
        counted = [int(figure or 0) for figure in figures.groups()]
        assert counted[0] == sum(counted[1:]) == total
    shown = re.findall(r"• Báo cáo (\S+) (\S+) \(mục (\S+)\).*?đã nhận (\d+)/(\d+)", text)
    assert shown, text
    for kind, when, clause, received, expected in shown:
        plan, code, owing = DUTIES[clause]
        quarter, _, of = when.partition("/")
        period = when if kind == "năm" else f"{of}-Q{QUARTERS.index(quarter) + 1}"
        wanted = (year.received(plan, code, period), owing)
        assert (int(received), int(expected)) == wanted, (clause, period)


QUARTERS = ("I", "II", "III", "IV")
DUTIES = {"III.1": (OLD, "BC.1", 1), "III.2": (OLD, "BC.2", 79), "IV.1": (NEW, "BC.1", 5)}


async def count(year: Year, *conditions: Any) -> int:
    async with year.province.app.database.read() as connection:
        return await connection.scalar(select(func.count()).where(*conditions)) or 0


# ================================================================== the year


async def pass_the_year(year: Year, until: date) -> None:
    """Let every night and morning come, with its scenes, and check what holds on all of them."""
    day = year.today + timedelta(days=1)
    while day <= until:
        if not year.workdays.is_working(day):
            assert await year.province.morning(day) == [], day
        elif day in SLEPT:
            await year.province.night(day)
            assert await year.province.morning(day, time(18)) == [], day
        else:
            await year.province.night(day)
            news = await year.province.morning(day)
            year.mornings[day] = news
            one_message_a_chat(news)
        for scene in SCENES.get(day, ()):
            await scene(year)
        day += timedelta(days=1)


def one_message_a_chat(news: Iterable[Heard]) -> None:
    by_chat: dict[str, list[Heard]] = defaultdict(list)
    for heard in news:
        assert not heard.edited
        by_chat[heard.chat].append(heard)
    for chat, messages in by_chat.items():
        assert sum("Tin tự động" in heard.text for heard in messages) <= 1, chat


async def as_was_said(year: Year) -> None:
    """On the last day every obligation stands as its agency said, or as was decided since."""
    async with year.province.app.database.read() as connection:
        rows = await connection.execute(
            select(
                Agency.code,
                Plan.number,
                Obligation.code,
                Obligation.period,
                Obligation.state,
                Obligation.kind,
                Obligation.progress,
                Obligation.blocked_at,
            )
            .join(Agency, Agency.id == Obligation.agency_id)
            .join(Plan, Plan.id == Obligation.plan_id)
        )
        every = rows.all()
    stands = {(row[0], row[1], row[2], row[3]): row[4] for row in every}
    assert set(year.said) <= set(stands)
    undated = [row for row in every if row.kind == "undated"]
    told = {
        (row[0], row[2]): "blocked" if row.blocked_at else row.progress
        for row in undated
        if row.period == "2026"
    }
    assert {key: progress for key, progress in told.items() if progress} == year.progress
    # What was done for good is not asked about in the next year.
    done = {(row[0], row[2]) for row in undated if row.state == "confirmed"}
    gone = [row for row in undated if row.period == "2027" and row.state != "open"]
    assert {(row[0], row[2]) for row in gone} == done
    for row in gone:
        del stands[row[0], row[1], row[2], row[3]]
    for key, state in stands.items():
        assert state == year.stands(key), key
    counted = Counter(stands.values())
    assert counted["superseded"] == 1
    assert counted["withdrawn"] == 0


async def nobody_is_asked_again(year: Year) -> None:
    """After its agency said that it was done, nothing is in a reminder any more; and no rung came twice."""
    async with year.province.app.database.read() as connection:
        rows = await connection.execute(
            select(
                Agency.code,
                Plan.number,
                Obligation.code,
                Obligation.period,
                Message.broadcast_on,
                Message.chat_id,
                MessageItem.rung,
            )
            .join(Obligation, Obligation.id == MessageItem.obligation_id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .join(Plan, Plan.id == Obligation.plan_id)
            .join(Message, Message.id == MessageItem.message_id)
            .where(Message.broadcast_on.is_not(None))
        )
        asked = rows.all()
    assert len(asked) > 300
    for *key, day, _, _ in asked:
        assert day <= year.reported.get((key[0], key[1], key[2], key[3]), day), (key, day)
    extended = [("so-tu-phap", "BC.1"), ("so-gddt", "BC.2")]  # a ladder for each of two dates
    rungs = Counter((*row[:4], *row[5:]) for row in asked if (row[0], row[2]) not in extended)
    assert {key: times for key, times in rungs.items() if times > 1} == {}


async def one_message_a_morning(year: Year) -> None:
    """No chat ever got two messages of a morning, and who follows the plans was told of every week once."""
    async with year.province.app.database.read() as connection:
        rows = await connection.execute(
            select(Message.chat_id, Message.broadcast_on, Message.context, Chat.address)
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.broadcast_on.is_not(None), Message.state == "sent")
        )
        mornings = rows.all()
    per_chat = Counter((row.chat_id, row.broadcast_on) for row in mornings)
    weekly = [row for row in mornings if row.context["week"]]
    print(
        f"mornings told: {len(mornings)} messages, {len(weekly)} with the week,"
        f" in {len({row.chat_id for row in mornings})} chats"
    )
    assert max(per_chat.values()) == 1, per_chat.most_common(3)
    weeks = Counter((row.address, row.context["week"]["week_on"]) for row in weekly)
    assert max(weeks.values()) == 1
    mondays = [date(2026, 2, 2) + timedelta(days=7 * number) for number in range(52)]
    worked = {
        monday for monday in mondays if monday_of(year.workdays.on_or_after(monday)) == monday
    }
    for follows in (year.lan, year.hai):
        told = {week for address, week in weeks if address == follows.chat.partition("/")[0]}
        assert {date.fromisoformat(week) for week in told} <= worked
        assert len(told) > 20  # in weeks without news there is nothing to tell
    for row in weekly:
        day = date.fromisoformat(row.context["week"]["week_on"])
        assert row.broadcast_on == year.workdays.on_or_after(day)


async def nothing_is_left_over(year: Year) -> None:
    """Nothing failed, nothing waits, and broadcasts kept their hours."""
    async with year.province.app.database.read() as connection:
        events = await connection.execute(
            select(InboxEvent.state, func.count()).group_by(InboxEvent.state)
        )
        assert [row[0] for row in events] == ["done"]
        messages = (await connection.execute(select(Message.__table__))).all()
        rows = await connection.scalars(select(Delivery.outcome))
    outcomes = Counter(rows.all())
    sent = [message for message in messages if message.state == "sent"]
    # At the first attempt: no text was too long, no markup refused, nothing left in doubt.
    assert outcomes.pop("sent") == len(sent)
    # Two chats were lost: one's message others had already, the other's went on.
    assert outcomes == ({"gone": 2} if year.colleagues else {})
    # What was typed while the service was away has one answer in place of several.
    joined = [each for each in messages if (each.error or "").startswith("said in one answer")]
    assert len(messages) - len(sent) - len(joined) == (1 if year.colleagues else 0)
    for message in sent:
        if message.broadcast_on is not None:
            assert civil_time(message.sent_at) == MORNING
            assert civil_date(message.sent_at) == message.broadcast_on
            assert year.workdays.is_working(message.broadcast_on)
    assert year.province.carrier.arrived() == len(sent)
    for member in year.members[:1]:  # nobody is shamed in a group
        assert not any(heard.says("Quá hạn, chưa có kết quả:") for heard in member.heard)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The office's own copy of the registry: its province alone, and its second plan."""
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    registry = tmp_path / "registry"
    shutil.copytree(SHIPPED / "calendar", registry / "calendar")
    for part in ("agencies", "plans"):
        (registry / part).mkdir()
        for path in (SHIPPED / part).glob(f"{HOME}*.yaml"):
            shutil.copy(path, registry / part)
    (registry / "plans" / f"{HOME}-15-2025.yaml").write_text(PLAN, "utf-8")
    return tmp_path


@asynccontextmanager
async def over_telegram() -> AsyncIterator[Carrier]:
    async with BotApi() as api:
        yield OverTelegram(api)


@asynccontextmanager
async def over_zalo() -> AsyncIterator[Carrier]:
    """Two bots, for none may have more than fifty people."""
    async with ZaloApi() as api:
        yield OverZalo(api)


@asynccontextmanager
async def over_both() -> AsyncIterator[Carrier]:
    async with BotApi() as telegram, ZaloApi() as zalo:
        yield OverBoth(OverTelegram(telegram), OverZalo(zalo))


@pytest.mark.slow
@pytest.mark.parametrize(
    "messenger",
    [
        pytest.param(over_telegram, marks=pytest.mark.sqlite),  # one is enough on PostgreSQL
        pytest.param(over_zalo, marks=pytest.mark.sqlite),
        over_both,
    ],
)
async def test_a_year_of_one_province(
    folder: Path, database_url: URL, messenger: Callable[[], AbstractAsyncContextManager[Carrier]]
) -> None:
    start = instant_at(date(2026, 2, 1), time(9))  # a Sunday
    settings = {
        "registry_dir": folder / "registry",
        "database_url": database_url.render_as_string(hide_password=False),
    }
    async with (
        messenger() as carrier,
        ProvinceAtWork.opened(carrier, start, **settings) as province,
    ):
        year = Year(
            province,
            province.app.registry().workdays,
            province.person("Chị Lan"),
            province.person("Ông Hải"),
        )
        await enrol_everybody(year)
        await pass_the_year(year, date(2027, 1, 31))
        await as_was_said(year)
        await nobody_is_asked_again(year)
        await one_message_a_morning(year)
        await nothing_is_left_over(year)
