"""The weekly digest: who is told what, once, on which day; and that it can be drawn again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from data.db.database import Database
from data.digests import kept_weeks
from data.digests.kept_weeks import ScopeFacts
from data.models import (
    Agency,
    Chat,
    Download,
    Enrolment,
    Message,
    Obligation,
    Reminder,
    WeekFacts,
)
from data.outbox import lost_chats
from data.progress import explanations, extensions, submissions
from data.progress.replies import record_reply
from data.registry.registry import Registry
from jobs.channel import Button, Capabilities
from jobs.digests.letters import redraw_part, weekly_part
from jobs.digests.week_charts import agency_bars, draw_digest
from jobs.morning.run import MorningResult, run_mornings
from jobs.planning.materialise import materialise
from jobs.planning.rungs import recompute
from jobs.rendering.items import load_obligation_rows
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, RENDERER, WITH_BUTTONS, WITHOUT
from tests.support.loaded_province import load_world, messages_to, morning_of, open_chats

LOADED = date(2026, 11, 2)
MONDAY = date(2026, 11, 16)
OWN_REPORT = """
  - code: BC.2
    clause: "mục V.6"
    from: ["Sở Khoa học và Công nghệ"]
    to: "UBND tỉnh"
    frequency: annual
    deadline: {operator: before, month: 12, day: 1, raw: "trước ngày 01 tháng 12 hàng năm"}
    quote: "tổng hợp, báo cáo trước ngày 01 tháng 12 hàng năm"
"""


@cache
def registry(more: str = "", calendar: str = CALENDAR) -> Registry:
    """Return Đông with one plan whose coordinating agency reports on by 30 November; more: duties."""
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    texts = {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": plan + OWN_REPORT + more,
        "calendar/2026.yaml": calendar,
    }
    return Registry.from_texts(texts)


@dataclass
class Office:
    """Đông at work: a chat for each agency, one of who coordinates, one of a leader."""

    database: Database
    registry: Registry = field(default_factory=registry)
    capabilities: Capabilities = WITH_BUTTONS
    chats: dict[tuple[str, str], int] = field(default_factory=dict)

    async def begin(self, *, on: date = LOADED, **chats: set[str]) -> Office:
        """Load the registry on a day; chats: the agencies that have one, by role."""
        now = morning_of(on)
        await load_world(self.database, self.registry, now=now)
        wanted = chats or {"focal": {"stc", "sxd"}, "coordinator": {"skhcn"}, "leader": {"ubnd"}}
        for role, only in wanted.items():
            opened = await open_chats(self.database, now=now, role=role, only=only)
            self.chats |= {(role, code): chat for (_, code), chat in opened.items()}
        return self

    async def week(
        self,
        day: date = MONDAY,
        hour: int = 7,
        minute: int = 30,
        *,
        planned: bool = True,
        **more: Any,
    ) -> MorningResult:
        """Let a morning come."""
        now = morning_of(day, hour, minute)
        if planned:
            async with self.database.write() as connection:
                await materialise(connection, self.registry, today=day)
        capabilities = {1: self.capabilities}
        return await run_mornings(
            self.database, self.registry, now=now, capabilities=capabilities, **more
        )

    async def digests(self, role: str, agency: str) -> list[str]:
        """Return in full what there was to tell a chat of each week, whatever its mornings told already."""
        keys = {
            "leader": [("province", "")],
            "coordinator": [("coordinator", agency), ("agency", agency)],
            "focal": [("agency", agency)],
        }[role]
        async with self.database.read() as connection:
            weeks = await connection.scalars(
                select(WeekFacts.week_on).distinct().order_by(WeekFacts.week_on)
            )
        words = []
        for week_on in weeks.all():
            kept = await self.kept(week_on)
            parts = [kept[key] for key in keys if kept.get(key, {}).get("lines")]
            if parts:
                words.append(
                    redraw_part(RENDERER, parts, week_on=week_on, channel=self.capabilities)
                )
        return words

    async def told(self, role: str, agency: str) -> str:
        """Return the words of a chat's only morning that tells of a week."""
        (message,) = await digests_to(self.database, self.chats[role, agency])
        return await self.words(message)

    async def words(self, message: Any) -> str:
        """Return a message as its channel carries it."""
        async with self.database.read() as connection:
            content = await RENDERER.content(
                connection, message, today=date(2027, 6, 1), workdays=self.registry.workdays
            )
        assert content is not None
        shown = RENDERER.render(
            content, self.capabilities, repeated=False, plain=False, address="x"
        )
        return shown.text

    async def owed(self, agency: str, code: str, period: str = "2026") -> int:
        """Return the id of an obligation."""
        async with self.database.read() as connection:
            found = await connection.scalar(
                select(Obligation.id)
                .join(Agency, Agency.id == Obligation.agency_id)
                .where(Agency.code == agency, Obligation.code == code, Obligation.period == period)
            )
        assert found is not None
        return found

    async def said(self, key: int, said: Any, day: date, **more: Any) -> None:
        """Have something said of an obligation on a day."""
        now = morning_of(day, 10)
        async with self.database.write() as connection:
            reply = await record_reply(
                connection,
                obligation_id=key,
                said=said,
                person_id=None,
                chat_id=None,
                event_id=None,
                now=now,
                today=day,
                workdays=self.registry.workdays,
                **more,
            )
            if said == "extension":
                await extensions.request_extension(
                    connection,
                    obligation_id=key,
                    until=more["until"],
                    reason="thiếu số liệu",
                    reply_id=reply,
                    person_id=None,
                    chat_id=None,
                    now=now,
                )
            await recompute(connection, self.registry, [key], today=day)

    async def confirmed(self, key: int, day: date) -> None:
        """Have what was handed in confirmed on a day."""
        async with self.database.write() as connection:
            row = (await load_obligation_rows(connection, [key]))[key]
            assert await submissions.confirm_submission(
                connection, row, person_id=None, decided_by="Sở KH&CN", now=morning_of(day, 15)
            )

    async def kept(self, week_on: date = MONDAY) -> dict[kept_weeks.ScopeKey, ScopeFacts]:
        """Return the facts kept of a week."""
        async with self.database.read() as connection:
            return await kept_weeks.load_week_facts(connection, "dong", week_on)


async def one(office: Office, role: str, agency: str) -> str:
    """Return a chat's only digest."""
    (words,) = await office.digests(role, agency)
    return words


# ------------------------------------------------------------------ an agency


async def test_an_agency_is_told_what_it_owes_and_what_is_late(database: Database) -> None:
    office = await Office(database).begin()
    await office.week(date(2026, 12, 7))
    told = await one(office, "focal", "stc")
    assert told.startswith(
        "<b>Kính gửi: Sở Tài chính</b>\nTổng hợp tuần, thứ Hai, ngày 07/12/2026:"
    )
    assert "<b>Quá hạn: 01 nhiệm vụ</b>\n• Báo cáo năm 2026 [BC.1], Kế hoạch 10/KH-UBND: " in told
    assert "quá hạn 14 ngày làm việc, hạn 14/11/2026" in told
    assert "<b>Đến hạn trong 20 ngày làm việc tới: 02 nhiệm vụ</b>" in told
    assert "[1], Kế hoạch 10/KH-UBND: còn 18 ngày làm việc, hạn 31/12/2026" in told
    assert "<b>Không có hạn: 01 nhiệm vụ</b>" in told
    assert told.endswith(
        "<i>Tin tự động, thay mặt Sở Khoa học và Công nghệ; không thay văn bản.</i>"
    )


async def test_what_is_due_after_twenty_working_days_is_not_told_yet(database: Database) -> None:
    office = await Office(database).begin()
    await office.week(date(2026, 11, 30))  # 31 December is 23 working days away
    assert "Đến hạn trong 20 ngày" not in await one(office, "focal", "stc")


async def test_an_agency_is_told_what_was_confirmed_last_week(database: Database) -> None:
    office = await Office(database).begin()
    report = await office.owed("stc", "BC.1")
    await office.said(report, "completed", date(2026, 11, 4))
    await office.confirmed(report, date(2026, 11, 10))
    await office.week(date(2026, 11, 16))
    told = await one(office, "focal", "stc")
    assert (
        "<b>Tuần qua được xác nhận hoàn thành: 01 nhiệm vụ</b>\n• Báo cáo năm 2026 [BC.1]" in told
    )
    await office.week(date(2026, 11, 23))
    assert "được xác nhận hoàn thành" not in (await office.digests("focal", "stc"))[-1]


async def test_an_agency_is_told_what_waits_for_whom(database: Database) -> None:
    office = await Office(database).begin()
    await office.said(await office.owed("stc", "BC.1"), "completed", date(2026, 11, 12))
    first, second = await office.owed("stc", "1", "end"), await office.owed("stc", "2", "end")
    await office.said(first, "extension", date(2026, 11, 12), until=date(2027, 1, 15))
    await office.said(second, "dispute", date(2026, 11, 12))
    async with database.write() as connection:
        agency_id = await connection.scalar(select(Agency.id).where(Agency.code == "stc"))
        assert agency_id is not None
        await explanations.request_explanation(
            connection,
            obligation_id=second,
            agency_id=agency_id,
            question="vì sao?",
            asked_by="Sở Khoa học và Công nghệ",
            person_id=None,
            chat_id=None,
            now=morning_of(date(2026, 11, 13)),
        )
    await office.week()
    told = await one(office, "focal", "stc")
    assert "<b>Đã gửi, đang chờ: 03 nhiệm vụ</b>" in told
    assert "[BC.1], Kế hoạch 10/KH-UBND: chờ Sở Khoa học và Công nghệ xác nhận" in told
    assert "chờ Sở Khoa học và Công nghệ cho gia hạn đến 15/01/2027" in told
    assert "chờ Sở Khoa học và Công nghệ xem lại phân công" in told
    assert "<b>Đang chờ cơ quan trả lời: 01 nhiệm vụ</b>" in told
    assert "được đề nghị giải trình" in told
    above = await one(office, "coordinator", "skhcn")
    assert "• 01 nhiệm vụ chờ xác nhận, lâu nhất 02 ngày làm việc: /xacnhan" in above
    assert "• 01 đề nghị gia hạn: /giahan" in above
    assert "• 01 nhiệm vụ đề nghị xem lại phân công" in above
    assert "• 01 đề nghị giải trình chưa được trả lời: /giaitrinh" in above


async def test_a_date_nobody_confirmed_is_never_called_late(database: Database) -> None:
    office = await Office(database).begin()
    async with database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.code == "BC.1").values(due_proposed=True)
        )
    await office.week(date(2026, 11, 23), planned=False)
    told = await one(office, "focal", "stc")
    assert "<b>Đã qua ngày dự kiến: 01 nhiệm vụ</b>" in told
    assert "uá hạn" not in told
    assert "uá hạn 5" not in await one(office, "leader", "ubnd")


# ------------------------------------------------------------------ who coordinates


async def test_who_coordinates_is_told_how_each_plan_stands_and_what_is_newly_late(
    database: Database,
) -> None:
    office = await Office(database).begin()
    await office.said(await office.owed("stc", "BC.1"), "completed", date(2026, 11, 12))
    await office.week(date(2026, 11, 16))
    before = await one(office, "coordinator", "skhcn")
    assert "đã nhận <b>1/2</b> (01 báo cáo chờ xác nhận), <b>hôm nay là hạn cuối</b>" in before
    assert "thiếu: Sở Xây dựng" in before
    assert "Mới quá hạn" not in before
    await office.week(date(2026, 11, 23))
    _, told = await office.digests("coordinator", "skhcn")
    assert "<b>Mới quá hạn từ bản tin trước: 01 nhiệm vụ</b>\n• Báo cáo năm 2026 [BC.1]" in told
    assert "quá hạn 05 ngày làm việc · 01 cơ quan: Sở Xây dựng" in told
    await office.week(date(2026, 11, 30))
    assert "Mới quá hạn" not in (await office.digests("coordinator", "skhcn"))[-1]


async def test_who_coordinates_is_told_what_its_own_report_still_lacks(database: Database) -> None:
    office = await Office(database).begin()
    await office.week()
    told = await one(office, "coordinator", "skhcn")
    assert "<b>Báo cáo cơ quan phải gửi đi</b>\n• Báo cáo năm 2026, Kế hoạch 10/KH-UBND" in told
    assert "hạn 30/11/2026: còn 09 ngày làm việc, thiếu 02 cơ quan (Báo cáo năm 2026)" in told


async def test_who_coordinates_also_gets_the_part_of_its_own_agency_in_the_same_message(
    database: Database,
) -> None:
    office = await Office(database).begin()
    await office.week()
    told = await one(office, "coordinator", "skhcn")
    assert "<b>Sở Khoa học và Công nghệ: các kế hoạch theo dõi</b>" in told
    own = told.partition("<b>Sở Khoa học và Công nghệ: nhiệm vụ của cơ quan</b>")[2]
    assert "[BC.2], Kế hoạch 10/KH-UBND: còn 09 ngày làm việc, hạn 30/11/2026" in own


async def test_agencies_without_a_chat_and_lost_chats_are_told_to_who_coordinates(
    database: Database,
) -> None:
    office = await Office(database).begin(focal={"stc"}, coordinator={"skhcn"})
    async with database.write() as connection:
        await connection.execute(
            update(Chat).where(Chat.id == office.chats["focal", "stc"]).values(state="gone")
        )
    await office.week()
    told = await one(office, "coordinator", "skhcn")
    assert "• 02 cơ quan có nhiệm vụ mà chưa có kênh nhận tin: Sở Tài chính, Sở Xây dựng." in told
    assert "• 01 cơ quan có kênh không còn nhận tin (đã chặn hoặc rời nhóm): Sở Tài chính." in told


async def test_who_coordinates_is_told_which_agencies_are_silent_and_asked_who_took_over(
    database: Database,
) -> None:
    office = await Office(database).begin()
    async with database.write() as connection:
        await connection.execute(update(Enrolment).values(enrolled_at=morning_of(date(2026, 1, 5))))
        await connection.execute(
            insert(Reminder).values(
                obligation_id=await office.owed("stc", "BC.1"),
                due_on=date(2026, 11, 15),
                rung=-20,
                reminded_on=date(2026, 9, 1),
            )
        )
    await office.week()
    told = await one(office, "coordinator", "skhcn")
    assert "• 01 cơ quan im lặng hơn 30 ngày: Sở Tài chính. Ai tiếp nhận? /donvi im lặng" in told


@pytest.mark.parametrize(("sent", "is_told"), [(80, False), (81, True)])
async def test_of_an_account_only_what_is_beyond_eighty_per_cent_is_told(
    database: Database, sent: int, *, is_told: bool
) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITH_BUTTONS, monthly_messages=100, messenger="Zalo")
    async with database.write() as connection:
        await connection.execute(
            insert(Message),
            [
                {
                    "account_id": 1,
                    "chat_id": office.chats["focal", "stc"],
                    "priority": 0,
                    "template": "sorry",
                    "context": {},
                    "buttons": [],
                    "state": "sent",
                    "created_at": morning_of(LOADED),
                    "send_at": morning_of(LOADED),
                    "sent_at": morning_of(LOADED),
                }
            ]
            * sent,
        )
    await office.week()
    told = await one(office, "coordinator", "skhcn")
    assert ("Tài khoản Zalo «test»: 4 chat" in told) == is_told
    assert (f"đã dùng {sent}/100 tin, {sent} %" in told) == is_told


# ------------------------------------------------------------------ leaders


async def test_leaders_are_told_three_figures_with_those_of_last_week_beside_them(
    database: Database,
) -> None:
    office = await Office(database).begin()
    await office.week(date(2026, 11, 16))
    first = await one(office, "leader", "ubnd")
    assert first.startswith("<b>Kính gửi: Lãnh đạo UBND tỉnh Đông</b>")
    assert "<b>Đông, từ 09/11/2026 đến 15/11/2026</b>\n• Hoàn thành: không có\n" in first
    assert "Chưa có số liệu tuần trước để so sánh." in first
    task = await office.owed("stc", "1", "end")
    await office.said(task, "completed", date(2026, 11, 17))
    await office.confirmed(task, date(2026, 11, 18))
    await office.week(date(2026, 11, 23))
    _, told = await office.digests("leader", "ubnd")
    assert "• Hoàn thành: 01 nhiệm vụ (tuần trước: không có)" in told
    assert "• Quá hạn: <b>02 báo cáo</b> (tuần trước: không có)" in told
    assert "• Đến hạn đến hết 29/11/2026: không có (tuần trước: 02 báo cáo)" in told
    assert (
        "<b>Báo cáo chưa nộp</b>\n• 02/02 cơ quan chưa nộp Báo cáo năm 2026 (KH 10), quá hạn 05 ngày làm việc;"
        " 02 nơi chưa nêu lý do: /chuanop 10 BC.1 2026" in told
    )
    assert "chậm nhất" not in told.casefold()


async def test_leaders_are_told_what_of_the_coordinating_agency_waits_for_them(
    database: Database,
) -> None:
    office = await Office(database).begin()
    await office.said(await office.owed("skhcn", "BC.2"), "completed", date(2026, 11, 12))
    await office.week()
    told = await one(office, "leader", "ubnd")
    assert (
        "<b>Nội dung trình Lãnh đạo quyết định</b>\n• Báo cáo năm 2026 (KH 10): Sở KH&amp;CN "
        "báo đã hoàn thành, chờ xác nhận, đã chờ 02 ngày làm việc" in told
    )
    own = await one(office, "coordinator", "skhcn")
    assert "[BC.2], Kế hoạch 10/KH-UBND: chờ lãnh đạo xác nhận" in own


# ------------------------------------------------------------------ when


async def test_a_monday_off_moves_it_to_the_next_working_day_of_that_week(
    database: Database,
) -> None:
    off = CALENDAR.replace("days_off: [", "days_off: [{date: 2026-11-23, reason: x}, ")
    office = await Office(database, registry(calendar=off)).begin()
    for day in (23, 24, 25, 26):  # the 24th is off, too
        await office.week(date(2026, 11, day))
    kept = await office.kept(date(2026, 11, 23))
    assert {facts["on"] for facts in kept.values()} == {"2026-11-25"}


@pytest.mark.parametrize(
    ("day", "hour", "minute", "is_told"),
    [
        (date(2026, 11, 16), 7, 29, False),  # before the hour
        (date(2026, 11, 16), 7, 30, True),
        (date(2026, 11, 16), 17, 31, False),  # after sending hours
        (date(2026, 11, 15), 8, 0, False),  # a Sunday
        (date(2026, 11, 19), 16, 0, True),  # a late start: once, later in the week
        (date(2026, 11, 20), 17, 31, False),
        (date(2026, 11, 21), 8, 0, False),  # a Saturday
    ],
)
async def test_it_is_told_once_a_week_within_sending_hours(
    database: Database, day: date, hour: int, minute: int, *, is_told: bool
) -> None:
    office = await Office(database).begin()
    await office.week(day, hour, minute)
    assert len(await office.digests("leader", "ubnd")) == is_told
    if is_told:
        async with database.write() as connection:
            await connection.execute(update(Message).values(state="sent"))
        assert (await office.week(date(2026, 11, 20), 17)).weekly == 0
        assert len(await office.digests("focal", "stc")) == 1


async def test_it_is_the_second_part_of_the_one_message_of_that_morning(database: Database) -> None:
    office = await Office(database).begin()
    result = await office.week(date(2026, 11, 9))
    assert (result.messages, result.weekly) == (4, 2)  # agencies were told all of theirs above
    for chat in office.chats.values():
        assert len(await messages_to(database, chat)) == 1
    told = await office.told("coordinator", "skhcn")
    head, _, week = told.partition("<b>Tổng hợp tuần</b>")
    assert "1. Báo cáo năm 2026" in head
    assert "<b>Kế hoạch 10/KH-UBND</b>" in week
    assert told.count("Tin tự động") == 1


async def test_it_never_repeats_what_the_first_part_tells(database: Database) -> None:
    office = await Office(database).begin()
    await office.week(date(2026, 11, 9))  # −5 of the report, which is due in the digest, too
    (message,) = await messages_to(database, office.chats["focal", "stc"])
    told = await office.words(message)
    assert told.count("[BC.1]") == 1
    assert "Đến hạn trong 20 ngày" not in told
    assert "Đến hạn trong 20 ngày làm việc tới: 01 nhiệm vụ" in await one(office, "focal", "stc")


async def test_a_week_whose_message_never_left_is_told_the_next_morning(
    database: Database,
) -> None:
    office = await Office(database).begin()
    await office.week(date(2026, 11, 16))
    assert (await office.week(date(2026, 11, 17))).weekly == 2
    old, new = await digests_to(database, office.chats["coordinator", "skhcn"])
    assert (old.state, new.state) == ("skipped", "pending")
    assert old.context["week"]["week_on"] == new.context["week"]["week_on"] == "2026-11-16"
    async with database.write() as connection:
        await connection.execute(update(Message).values(state="sent"))
    assert (await office.week(date(2026, 11, 18))).weekly == 0


async def test_where_a_week_cannot_be_computed_the_reminders_go_out_without_it(
    database: Database,
) -> None:
    office = await Office(database).begin()
    async with database.write() as connection:  # facts of the week before that no program wrote
        await connection.execute(
            insert(WeekFacts).values(
                province="dong",
                week_on=date(2026, 11, 2),
                scope="province",
                code="",
                facts={"on": "no date"},
                made_at=morning_of(LOADED),
            )
        )
    result = await office.week(date(2026, 11, 9))
    assert (result.provinces, result.failed, result.weekly) == (["dong"], [], 0)
    assert result.messages >= 3


async def test_where_there_is_nothing_to_say_nothing_is_sent_and_the_plans_are_kept_all_the_same(
    database: Database,
) -> None:
    office = await Office(database).begin(on=date(2026, 2, 2))
    async with database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.due_on < date(2026, 3, 1))
            .values(state="withdrawn", remind_on=None)
        )
    await office.week(date(2026, 3, 2))  # the first week is told to leaders
    result = await office.week(date(2026, 3, 9))
    assert result.provinces == ["dong"]
    assert (result.messages, result.weekly) == (0, 0)
    assert await office.digests("focal", "stc") == []
    kept = await office.kept(date(2026, 3, 9))
    assert sorted(kept) == [("plan", "dong-10-2026"), ("province", "")]
    tasks = kept["plan", "dong-10-2026"]["tasks"]
    assert (tasks["total"], tasks["open_on_time"]) == (4, 4)


# ------------------------------------------------------------------ once


async def test_a_week_is_told_once_although_three_processes_run(database: Database) -> None:
    office = await Office(database).begin()
    now = morning_of(MONDAY)
    processes = [Database(str(database.url)) for _ in range(3)]
    try:
        results = await asyncio.gather(
            *(
                run_mornings(each, office.registry, now=now, capabilities={1: WITH_BUTTONS})
                for each in processes
            )
        )
    finally:
        for each in processes:
            await each.dispose()
    assert sorted(result.weekly for result in results) == [0, 0, 2]
    assert [result.failed for result in results] == [[], [], []]
    for chat in office.chats.values():
        assert len(await messages_to(database, chat)) == 1
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(WeekFacts)) == len(
            await office.kept()
        )


async def test_a_chat_enrolled_for_several_gets_one_digest_of_all_parts(
    database: Database,
) -> None:
    office = await Office(database).begin(leader={"ubnd"})
    chat = office.chats["leader", "ubnd"]
    async with database.write() as connection:
        for code, role in (("skhcn", "coordinator"), ("stc", "focal"), ("sxd", "focal")):
            agency_id = await connection.scalar(select(Agency.id).where(Agency.code == code))
            await connection.execute(
                insert(Enrolment).values(
                    chat_id=chat, agency_id=agency_id, role=role, enrolled_at=morning_of(LOADED)
                )
            )
    await office.week()
    (message,) = await digests_to(database, chat)
    told = await drawn_anew(office, message)
    heads = ["Đông, từ 09/11/2026", "các kế hoạch theo dõi", "Công nghệ: nhiệm vụ của cơ quan"]
    heads += ["Tài chính: nhiệm vụ của cơ quan", "Xây dựng: nhiệm vụ của cơ quan"]
    assert len(await messages_to(database, chat)) == 1
    places = [told.index(head) for head in heads]
    assert places == sorted(places)
    assert "Kính gửi: Sở Khoa học và Công nghệ và Sở Tài chính và Sở Xây dựng<" in told


async def test_what_finds_no_room_is_counted(database: Database) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITHOUT, max_text=1650)
    await office.week()
    told = await office.told("coordinator", "skhcn")
    assert len(told) <= 1650
    assert "nội dung khác: /status" in told
    assert not told.endswith("…")


async def test_a_part_of_which_no_line_finds_room_is_left_out(database: Database) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITHOUT, max_text=1000)
    await office.week()
    (message,) = await messages_to(database, office.chats["coordinator", "skhcn"])
    assert message.context["week"] is None
    told = await office.words(message)
    assert "Tổng hợp tuần" not in told
    assert "nội dung khác" not in told
    parts = [(await office.kept())["coordinator", "skhcn"]]
    whole = weekly_part(parts, week_on=MONDAY, room=4000)
    assert whole is not None
    assert (len(whole["lines"]), whole["cut"]) == (2, 0)
    assert weekly_part(parts, week_on=MONDAY, room=10) is None


async def test_a_lost_chats_items_go_to_who_coordinates_and_its_week_to_nobody(
    database: Database,
) -> None:
    office = await Office(database).begin()
    await office.week(date(2026, 11, 16))
    await office.said(await office.owed("stc", "2", "end"), "completed", date(2026, 11, 17))
    await office.week(date(2026, 11, 23))
    chat = office.chats["focal", "stc"]
    (new,) = await digests_to(database, chat)
    assert "chờ Sở Khoa học và Công nghệ xác nhận" in await office.words(new)
    async with database.write() as connection:
        await lost_chats.chat_lost(
            connection, chat, why="blocked", now=morning_of(date(2026, 11, 23))
        )
    coordinator = office.chats["coordinator", "skhcn"]
    every = await messages_to(database, coordinator)
    (moved,) = [message for message in every if message.id == new.id]
    assert moved.context["week"] is None
    assert "[BC.1]" in await office.words(moved)


async def test_near_a_months_cap_agencies_go_without_and_those_above_do_not(
    database: Database,
) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITH_BUTTONS, monthly_messages=1)
    async with database.write() as connection:
        await connection.execute(
            insert(Message).values(
                account_id=1,
                chat_id=office.chats["focal", "stc"],
                priority=0,
                template="sorry",
                context={},
                buttons=[],
                state="sent",
                created_at=morning_of(LOADED),
                send_at=morning_of(LOADED),
                sent_at=morning_of(LOADED),
            )
        )
    await office.week(date(2026, 11, 9))
    async with database.write() as connection:
        await connection.execute(update(Message).values(state="sent"))
    await office.said(await office.owed("stc", "BC.1"), "completed", date(2026, 11, 12))
    await office.week(date(2026, 11, 23))
    assert len(await messages_to(database, office.chats["focal", "stc"])) == 2
    assert len(await digests_to(database, office.chats["coordinator", "skhcn"])) == 2
    assert len(await digests_to(database, office.chats["leader", "ubnd"])) == 2


# ------------------------------------------------------------------ drawn again


async def drawn_anew(office: Office, message: Any) -> str:
    """Return in full the week that a message tells of, from the facts kept of it."""
    week = message.context["week"]
    week_on = date.fromisoformat(week["week_on"])
    kept = await office.kept(week_on)
    parts = [kept[part["scope"], part["code"]] for part in week["parts"]]
    return redraw_part(RENDERER, parts, week_on=week_on, channel=office.capabilities)


async def test_any_past_digest_drawn_again_is_the_same(database: Database) -> None:
    office = await Office(database).begin()
    await office.week()
    before = {key: await one(office, *key) for key in office.chats}
    told = await office.told("leader", "ubnd")
    for agency in ("stc", "sxd"):
        await office.said(await office.owed(agency, "BC.1"), "completed", date(2026, 11, 17))
        await office.said(
            await office.owed(agency, "2", "end"), "in_progress", date(2026, 11, 17), percent=60
        )
    await office.week(date(2026, 11, 23))
    for key in office.chats:
        assert (await office.digests(*key))[0] == before[key]
    first, _ = await digests_to(database, office.chats["leader", "ubnd"])
    assert await office.words(first) == told  # nothing but the week


async def digests_to(database: Database, chat: int) -> list[Any]:
    return [each for each in await messages_to(database, chat) if each.context.get("week")]


# ------------------------------------------------------------------ pictures


PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


@dataclass
class Drawing:
    """Draws what it is told to, and remembers for whom."""

    asked: list[tuple[str, str, int]] = field(default_factory=list)
    fails: bool = False

    def __call__(
        self,
        facts: ScopeFacts,
        plans: Mapping[str, ScopeFacts],
        weeks: Sequence[tuple[date, ScopeFacts]],
    ) -> bytes | None:
        self.asked.append((facts["scope"], facts["code"], len(weeks)))
        assert list(plans) == ["dong-10-2026"]
        if self.fails:
            raise RuntimeError("no")
        return PNG


async def test_a_picture_waits_under_the_message_where_the_account_can_show_it(
    database: Database,
) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITH_BUTTONS, max_caption=1024)
    draw = Drawing()
    await office.week(date(2026, 11, 16), draw=draw)
    await office.week(date(2026, 11, 23), draw=draw)
    assert draw.asked[2:] == [("coordinator", "skhcn", 2), ("province", "", 0)]
    _, message = await digests_to(database, office.chats["coordinator", "skhcn"])
    week = message.context["week"]
    assert week["caption"]["number"] == "10/KH-UBND"
    async with database.read() as connection:
        content = await RENDERER.content(
            connection, message, today=MONDAY, workdays=office.registry.workdays
        )
        kept = await connection.scalar(
            select(Download.content).where(Download.id == week["picture"])
        )
    assert content is not None
    assert content.buttons[-1] == (Button("Biểu đồ tuần", "go:bieudo:"),)
    assert kept == PNG


@pytest.mark.parametrize(("has_address", "pictures"), [(False, 0), (True, 2)])
async def test_a_channel_that_takes_pictures_by_link_needs_an_address(
    database: Database, pictures: int, *, has_address: bool
) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITHOUT, pictures_by_link=True)
    await office.week(draw=Drawing(), has_address=has_address)
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(Download)) == pictures


async def test_a_picture_that_cannot_be_drawn_costs_nothing_else(database: Database) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITH_BUTTONS, max_caption=1024)
    result = await office.week(draw=Drawing(fails=True))
    assert (result.weekly, result.failed) == (2, [])
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(Download)) == 0


@pytest.mark.slow
async def test_a_coordinators_picture_shows_the_plan_by_agency_and_later_by_week_too(
    database: Database,
) -> None:
    office = await Office(database).begin()
    office.capabilities = replace(WITH_BUTTONS, max_caption=1024)
    heights = []
    for day in (date(2026, 11, 16), date(2026, 11, 23)):
        await office.week(day, draw=draw_digest)
        async with database.read() as connection:
            rows = await connection.execute(select(Download.name, Download.content))
            files = {row.name: row.content for row in rows}
        assert files[f"ban-tin-dong-tinh-{day}.png"].startswith(PNG[:8])
        heights.append(int.from_bytes(files[f"ban-tin-dong-skhcn-{day}.png"][20:24]))
    kept = await office.kept(date(2026, 11, 23))
    assert kept["plan", "dong-10-2026"]["agencies"] == [
        ["Sở KH&CN", 0, 0, 1, 0],
        ["Sở Tài chính", 0, 0, 3, 1],
        ["Sở Xây dựng", 0, 0, 1, 1],
    ]
    assert heights[1] > heights[0] + 400


def test_a_picture_shows_first_who_has_most_overdue_and_counts_who_stand_equal() -> None:
    few: list[list[int | str]] = [["Sở Nội vụ", 3, 0, 0, 0], ["Sở Y tế", 0, 0, 1, 2]]
    assert [row.label for row in agency_bars(few)[0]] == ["Sở Y tế", "Sở Nội vụ"]
    many: list[list[int | str]] = [[f"Xã {n}", 0, 0, 1, 1] for n in range(60)]
    rows, count = agency_bars([*few, *many])
    assert count == 62
    assert [(row.label, row.open_late) for row in rows] == [
        ("Sở Y tế", 2),
        ("60 cơ quan, mỗi cơ quan", 1),
        ("Sở Nội vụ", 0),
    ]


# ------------------------------------------------------------------ a year


QUARTERLY = """
  - code: BC.3
    clause: "mục V.7"
    from: ["các sở"]
    to: "UBND tỉnh"
    via: "Sở Khoa học và Công nghệ"
    frequency: quarterly
    deadline: {operator: before, month: 3, day: 20, raw: "trước ngày 20 tháng cuối quý"}
    quote: "báo cáo hằng quý trước ngày 20 tháng cuối quý"
"""


@pytest.mark.slow
async def test_a_year_makes_one_message_a_chat_a_morning_each_week_drawn_again_the_same(
    database: Database,
) -> None:
    office = await Office(database, registry(QUARTERLY)).begin(on=date(2026, 1, 5))
    workdays = office.registry.workdays
    told: dict[int, str] = {}
    weeks = [date(2026, 1, 5) + timedelta(days=7 * number) for number in range(52)]
    for week_on in weeks:
        day = workdays.on_or_after(week_on)
        result = await office.week(day, planned=day.day <= 7)
        assert result.provinces == ["dong"]
        for chat in office.chats.values():
            of_week = [
                message
                for message in await digests_to(database, chat)
                if message.context["week"]["week_on"] == week_on.isoformat()
            ]
            assert len(of_week) <= 1
            told |= {message.id: await drawn_anew(office, message) for message in of_week}
        async with database.write() as connection:
            await connection.execute(
                update(Message).where(Message.state == "pending").values(state="sent")
            )
        for number, agency in enumerate(("stc", "sxd", "skhcn")):
            if week_on.month % 3 == number:
                await say_something(office, agency, day)
    assert len(told) > 50
    kept = {week_on: await office.kept(week_on) for week_on in weeks}
    assert all(("plan", "dong-10-2026") in facts for facts in kept.values())
    for chat in office.chats.values():
        mornings = [message.broadcast_on for message in await messages_to(database, chat)]
        assert len(mornings) == len(set(mornings))
        for message in await digests_to(database, chat):
            assert await drawn_anew(office, message) == told[message.id]
    async with database.read() as connection:
        burn = await kept_weeks.list_plan_week_facts(
            connection, "dong", "dong-10-2026", until=weeks[-1]
        )
    assert [week_on for week_on, _ in burn] == weeks
    done = [facts["tasks"]["done_on_time"] + facts["tasks"]["done_late"] for _, facts in burn]
    assert done == sorted(done)
    assert done[-1] > done[0] == 0


async def say_something(office: Office, agency: str, day: date) -> None:
    """Hand in the first thing an agency owes, and have what it handed in before confirmed."""
    async with office.database.read() as connection:
        rows = await connection.execute(
            select(Obligation.id, Obligation.state)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(
                Agency.code == agency,
                Obligation.state.in_(("open", "submitted")),
                Obligation.due_on <= day + timedelta(days=90),
            )
            .order_by(Obligation.due_on, Obligation.id)
        )
        found = rows.all()
    for row in found:
        if row.state == "submitted":
            await office.confirmed(row.id, day)
    for row in found[:1]:
        if row.state == "open":
            await office.said(row.id, "completed", day)
