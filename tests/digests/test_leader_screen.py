"""The leaders' screen: what waits for them, what is overdue and why, what is due; nobody first by the alphabet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from sqlalchemy import select

from data.db.database import Database
from data.models import Chat, Message
from data.registry.registry import Registry
from jobs.morning.run import run_mornings
from tests.support.conversations import (
    CALENDAR,
    PLAN,
    PROVINCE,
    RENDERER,
    WITHOUT,
    Reply,
    Seat,
    Talk,
)
from tests.support.filled_province import TODAY, filled_province
from tests.support.loaded_province import morning_of

_OWN_REPORT = """
  - code: BC.2
    clause: "mục V.6"
    from: ["Sở Khoa học và Công nghệ"]
    to: "UBND tỉnh"
    frequency: annual
    deadline: {operator: before, month: 12, day: 1, raw: "trước ngày 01 tháng 12 hàng năm"}
    quote: "tổng hợp, báo cáo trước ngày 01 tháng 12 hàng năm"
"""
_UNDATED_REPORT = """
  - code: BC.3
    clause: "mục V.7"
    from: ["Sở Tài chính"]
    to: "UBND tỉnh"
    frequency: annual
    quote: "hàng năm báo cáo"
"""
LATE = date(2026, 11, 23)  # the reports of 14/11 are five working days late
_TASK = """
  - {{code: "{code}", text: "Xây dựng cơ sở dữ liệu số {code}", leads: ["Sở Tài chính"],
     period: {{raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}}}"""


@cache
def registry(tasks: int = 0, undated: str = "") -> Registry:
    """Return Đông with so many tasks more, all of 31/12/2026; undated: a duty more."""
    more = "".join(_TASK.format(code=f"9.{n}") for n in range(tasks))
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    return Registry.from_texts(
        {
            "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
            "plans/dong-10.yaml": plan.replace("\nreport_duties:", f"{more}\nreport_duties:")
            + _OWN_REPORT.lstrip("\n")
            + undated.lstrip("\n"),
            "calendar/2026.yaml": CALENDAR,
        }
    )


async def office(database: Database, day: date, *, tasks: int = 0, undated: str = "") -> Talk:
    talk = await Talk(database, registry(tasks, undated), morning_of(date(2026, 11, 2), 8)).begin(
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
        Seat("an", "dong", "skhcn", "coordinator"),
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
    )
    talk.now = morning_of(day, 9)
    return talk


async def ask(talk: Talk, who: str = "leader", words: str = "/status") -> Reply:
    (reply,) = await talk.say(who, words)
    return reply


async def test_missing_reports_are_overdue_although_no_task_is(database: Database) -> None:
    talk = await office(database, LATE)
    told = await ask(talk)
    assert "- Quá hạn: 02 báo cáo" in told.plain
    assert (
        "- 02/02 cơ quan chưa nộp Báo cáo năm 2026 (KH 10), quá hạn 05 ngày làm việc" in told.plain
    )
    plans = await ask(talk, words="/status kế hoạch")
    assert "đang thực hiện trong hạn 2, quá hạn 0; thường xuyên, không xác định thời hạn 2" in (
        plans.plain
    )
    assert (await ask(talk, "stc", "/status kế hoạch")).template != "status_plans"


async def test_the_reasons_that_agencies_gave_are_counted_by_theme_and_who_gave_none(
    database: Database,
) -> None:
    talk = await office(database, LATE)
    await talk.say("stc", "BC.1 vướng mắc: chưa được bố trí kinh phí")
    told = await ask(talk)
    line = "01 nơi nêu khó khăn về kinh phí; 01 nơi chưa nêu lý do: /chuanop 10 BC.1 2026"
    assert line in told.plain
    behind = await talk.press(told, "KH 10, BC.1: Báo cáo năm 2026")
    assert "Sở Tài chính" in behind[0].plain
    assert "Sở Xây dựng" in behind[0].plain
    await talk.say("stc", "huỷ")
    assert "02 nơi chưa nêu lý do" in (await ask(talk)).plain


async def test_what_waits_for_leaders_comes_first_and_opens_by_its_number(
    database: Database,
) -> None:
    talk = await office(database, date(2026, 11, 9))
    await talk.say("an", "/viec")
    await talk.say("an", "BC.2 đã xong, báo cáo số 12/BC-SKHCN ngày 9/11/2026")
    told = await ask(talk)
    assert "1. Báo cáo năm 2026 (KH 10): Sở KH&CN báo đã hoàn thành, chờ xác nhận" in told.plain
    assert told.plain.index("trình Lãnh đạo") < told.plain.index("Đến hạn trong")
    assert (await ask(talk, words="1")).template == "to_confirm_one"
    (opened,) = await talk.press(await ask(talk), "1")
    (decided,) = [each for each in await talk.press(opened, "Xác nhận") if each.chat == "leader"]
    assert decided.template == "decided"
    assert "trình Lãnh đạo" not in (await ask(talk)).plain


async def test_a_leader_without_the_right_is_not_told_to_decide_or_to_take_back(
    database: Database,
) -> None:
    talk = await office(database, date(2026, 11, 9))
    await talk.enrol("deputy", "dong", "ubnd", "leader")
    await talk.say("an", "/viec")
    await talk.say("an", "BC.2 đã xong, báo cáo số 12/BC-SKHCN ngày 9/11/2026")
    assert "Gõ số để mở và quyết định." in (await ask(talk)).plain
    told = await ask(talk, "deputy")
    assert "Gõ số để mở.\n" in told.plain
    opened = await ask(talk, "deputy", "1")
    assert "chờ Sở Khoa học và Công nghệ xác nhận" in opened.plain
    assert "báo nhầm" not in opened.plain


async def test_reports_past_a_proposed_day_are_not_called_overdue_in_any_list(
    database: Database,
) -> None:
    talk = await office(database, date(2026, 12, 28), undated=_UNDATED_REPORT)
    assert "đã qua ngày dự kiến" in (await ask(talk)).plain
    listed = (await ask(talk, words="/quahan")).plain
    assert "(trong đó 01 kỳ đã qua ngày dự kiến)" in listed
    assert "[BC.3]: Sở Tài chính, đã qua ngày dự kiến" in listed


async def test_tasks_that_stand_equal_are_counted_and_not_named(database: Database) -> None:
    talk = await office(database, date(2027, 1, 11), tasks=7)
    told = (await ask(talk)).plain
    assert "- 09 nhiệm vụ cùng hạn 31/12/2026, quá hạn 07 ngày làm việc: /quahan" in told
    assert "Xây dựng cơ sở dữ liệu" not in told
    for words in ("chậm nhất", "kém nhất", "nguy cơ", "!"):
        assert words not in told.casefold()


async def test_a_few_overdue_tasks_are_named_with_whose_they_are(database: Database) -> None:
    talk = await office(database, date(2027, 1, 11))
    told = (await ask(talk)).plain
    assert "- Rà soát chi ngân sách (KH 10): Sở Tài chính, quá hạn" in told
    assert "- Lập cơ sở dữ liệu dùng chung (KH 10): Sở Tài chính, Sở Xây dựng, quá hạn" in told


async def test_what_is_due_within_a_week_is_told(database: Database) -> None:
    talk = await office(database, date(2026, 11, 2))
    assert "Đến hạn trong 07 ngày tới" not in (await ask(talk)).plain
    talk.now = morning_of(date(2026, 11, 9), 9)
    told = (await ask(talk)).plain
    assert "- Đến hạn đến hết 15/11/2026: 02 báo cáo" in told
    assert "- Báo cáo năm 2026 (KH 10): Sở Tài chính, Sở Xây dựng, hạn 14/11/2026" in told


@pytest.mark.parametrize("province", ["gia-lai", "dak-lak"])
async def test_the_screen_of_a_busy_province_stays_a_screen(
    database: Database, registry: Any, province: str
) -> None:
    talk = await filled_province(database, registry, province)
    told = await ask(talk)
    assert len(told.plain.splitlines()) <= 30
    assert province != "gia-lai" or "Sở TT&TT (chưa xác định cơ quan tiếp nhận) báo" in told.plain
    talk.longest = 2000
    talk.now += timedelta(minutes=1)
    short = await ask(talk)
    assert len(short.plain) <= 2000
    assert not short.plain.endswith("…")
    assert "Từng kế hoạch: /status kế hoạch" in short.plain


@pytest.mark.parametrize("longest", [2000, 4096])
async def test_a_busy_mornings_messages_fit_and_tell_leaders_what_is_overdue(
    database: Database, registry: Any, longest: int
) -> None:
    talk = await filled_province(database, registry, "gia-lai")
    channel = replace(WITHOUT, max_text=longest)
    capabilities = {talk.account_id: channel}
    await run_mornings(database, registry, now=morning_of(TODAY), capabilities=capabilities)
    told: dict[str, str] = {}
    async with database.read() as connection:
        rows = await connection.execute(
            select(Message, Chat.address.label("chat"))
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.broadcast_on == TODAY)
        )
        for row in rows.all():
            content = await RENDERER.content(
                connection, row, today=TODAY, workdays=registry.workdays
            )
            assert content is not None
            whole = RENDERER.render(
                content, replace(channel, max_text=9000), repeated=False, plain=True, address="x"
            )
            told[row.chat] = whole.text
    assert {chat for chat, words in told.items() if len(words) > longest} == set()
    assert "Quá hạn: 16 nhiệm vụ, 104 báo cáo" in told["leader"]
    assert "chưa nộp Báo cáo năm 2025" in told["leader"]
