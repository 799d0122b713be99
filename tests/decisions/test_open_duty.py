"""Ad-hoc reports and proposed dates: planned, notified, kept by every reload."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from data.db.database import Database
from data.loading.load import sync_registry
from data.registry.files import RegistryFault
from data.registry.registry import Registry
from jobs.planning.materialise import materialise
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Seat, Talk

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 9)
NUMBER = "10/KH-UBND"
MORE_DUTIES = """
  - code: BC.5
    clause: "mục V.8"
    from: ["các sở"]
    to: "Sở Khoa học và Công nghệ"
    frequency: ad_hoc
    quote: "báo cáo đột xuất khi có yêu cầu"
  - code: BC.6
    clause: "mục V.9"
    from: ["Sở Xây dựng"]
    to: "Sở Khoa học và Công nghệ"
    frequency: annual
    quote: "hàng năm báo cáo"
"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": PLAN.format(slug="dong", number=NUMBER, issued_on="2026-01-05")
        + MORE_DUTIES.lstrip("\n"),
        "calendar/2026.yaml": CALENDAR,
    }
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, REGISTRY, NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )


async def reload(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await sync_registry(connection, REGISTRY, now=NOW, today=TODAY)
        await materialise(connection, REGISTRY, today=TODAY)


async def test_an_ad_hoc_report_is_owed_by_the_agencies_named_and_outlives_a_reload(
    talk: Talk,
) -> None:
    (echo, notice) = await talk.say(
        "coordinator", "/mo BC.5 15/12/2026 so xay dung: số liệu <nhà ở>"
    )
    assert (echo.template, notice.chat) == ("opened", "sxd")
    assert "số liệu &lt;nhà ở&gt;" in notice.html
    await reload(talk)
    row = await talk.obligation(NUMBER, "sxd", "BC.5", "A1")
    assert (row.state, row.kind, row.due_on) == ("open", "report", date(2026, 12, 15))
    assert row.remind_on is not None
    (listed,) = await talk.say("sxd", "/viec")
    assert "số liệu &lt;nhà ở&gt;" in listed.html


async def test_a_second_one_of_the_same_duty_stands_beside_the_first(talk: Talk) -> None:
    await talk.say("coordinator", "/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở")
    await talk.agree("coordinator", "/mo BC.5 18/12/2026: ngân sách")
    assert (await talk.obligation(NUMBER, "sxd", "BC.5", "A1")).due_on == date(2026, 12, 15)
    for agency in ("sxd", "stc"):
        row = await talk.obligation(NUMBER, agency, "BC.5", "A2")
        assert (row.state, row.due_on) == ("open", date(2026, 12, 18))


async def test_a_task_given_to_a_plans_agencies_is_theirs_and_outlives_a_reload(talk: Talk) -> None:
    (preview,) = await talk.say("coordinator", "/mo 10 15/12/2026 các sở: rà soát hạ tầng")
    assert "Giao thêm nhiệm vụ [GT], Kế hoạch 10/KH-UBND" in preview.plain
    echo, *notices = await talk.say("coordinator", "đồng ý")
    assert "Đã giao thêm nhiệm vụ [GT], Kế hoạch 10/KH-UBND, hạn 15/12/2026" in echo.plain
    assert {notice.chat for notice in notices} == {"stc", "sxd"}
    assert all("giao thêm nhiệm vụ" in notice.plain for notice in notices)
    await reload(talk)
    row = await talk.obligation(NUMBER, "sxd", "GT", "A1")
    assert (row.state, row.due_on) == ("open", date(2026, 12, 15))
    assert row.remind_on is not None
    (listed,) = await talk.say("sxd", "/viec")
    assert "Nhiệm vụ giao thêm: rà soát hạ tầng" in listed.plain
    for command in ("/nhiemvu 10 GT", "/status 10 GT", "/chuanop 10 GT"):
        (answer,) = await talk.say("coordinator", command)
        assert "hiệm vụ giao thêm" in answer.plain, command
    (content,) = await talk.say("sxd", "nd 1")
    assert content.template == "content"
    (undone, *told) = await talk.press(echo, "Huỷ quyết định")
    assert undone.template == "decision_undone"
    assert {notice.chat for notice in told} == {"stc", "sxd"}
    await reload(talk)
    assert (await talk.obligation(NUMBER, "sxd", "GT", "A1")).state != "open"


async def test_a_day_off_is_said_with_the_day_by_which_it_is_judged(talk: Talk) -> None:
    echo, _ = await talk.say("coordinator", "/mo BC.5 13/12/2026 Sở Xây dựng: nhà ở")  # a Sunday
    assert "Ngày này là ngày nghỉ: nộp đến hết ngày 14/12/2026 vẫn là đúng hạn." in echo.plain
    weekday, _ = await talk.say("coordinator", "/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở")
    assert "ngày nghỉ" not in weekday.plain


def test_a_plan_keeps_the_code_of_given_tasks_free() -> None:
    texts = {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": PLAN.format(
            slug="dong", number=NUMBER, issued_on="2026-01-05"
        ).replace("code: BC.1", "code: GT"),
        "calendar/2026.yaml": CALENDAR,
    }
    with pytest.raises(RegistryFault, match="GT"):
        Registry.from_texts(texts)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("/mo", ""),
        ("/mo 10 15/12/2026: nhà ở", "nobody"),
        ("/mo 10 15/12/2026 Sở Xây dựng", "no_content"),
        ("/mo 99 15/12/2026 Sở Xây dựng: nhà ở", "no_duty"),
        ("/mo BC.5 Sở Xây dựng: nhà ở", "no_date"),
        ("/mo BC.5 1/11/2026 Sở Xây dựng: nhà ở", "past"),
        ("/mo BC.9 15/12/2026 Sở Xây dựng: nhà ở", "no_duty"),
        ("/mo BC.1 15/12/2026 Sở Xây dựng: nhà ở", "not_ad_hoc"),
        ("/mo BC.5 15/12/2026 Sở Xây dựng", "no_content"),
        ("/mo BC.5 15/12/2026 Sở Trăng: nhà ở", "no_agency"),
        ("/han BC.1 15/12/2026", "not_proposed"),
        ("/han BC.6 1/11/2026", "past"),
    ],
)
async def test_what_lacks_is_said_and_nothing_is_opened(talk: Talk, typed: str, why: str) -> None:
    (answer,) = await talk.say("coordinator", typed)
    assert (answer.template, answer.answer.context["why"]) == ("open_help", why)


async def test_a_proposed_date_is_confirmed_and_binds(talk: Talk) -> None:
    before = await talk.obligation(NUMBER, "sxd", "BC.6", "2026")
    assert (before.due_on, before.due_proposed) == (date(2026, 12, 18), True)
    echo, notice = await talk.say("coordinator", "/han BC.6 10/12/2026")
    assert (echo.template, notice.chat) == ("opened", "sxd")
    await reload(talk)
    after = await talk.obligation(NUMBER, "sxd", "BC.6", "2026")
    assert (after.due_on, after.due_proposed) == (date(2026, 12, 10), False)
    assert after.id == before.id
    assert (await talk.obligation(NUMBER, "sxd", "BC.6", "2027")).due_proposed is True


async def test_only_who_may_decide_opens_or_dates(talk: Talk) -> None:
    for command in ("/mo BC.5 15/12/2026: nhà ở", "/han BC.6 10/12/2026"):
        assert (await talk.say("stc", command))[0].template == "not_allowed"
        assert (await talk.say("leader", command))[0].template == "cannot_decide"


async def test_the_same_report_is_not_asked_for_twice(talk: Talk) -> None:
    words = "/mo BC.5 15/12/2026 Sở Xây dựng: nhà ở"
    await talk.say("coordinator", words)
    (answer,) = await talk.say("coordinator", words)
    assert answer.template == "open_help"
    assert "đã được đề nghị trước đó" in answer.html
    echo, *_ = await talk.say("coordinator", words.replace("15/12", "16/12"))
    assert echo.template == "opened"


async def test_a_task_is_opened_too_where_the_word_for_it_stands_before_the_plan(
    talk: Talk,
) -> None:
    (preview,) = await talk.say("coordinator", "/mo nhiệm vụ 10 15/12/2026 các sở: rà soát hạ tầng")
    assert preview.template == "preview"
    assert "Giao thêm nhiệm vụ" in preview.plain
