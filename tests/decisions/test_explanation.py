"""Explanations: requested by command, answered in the agency's chat, filed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from data.db.database import Database
from data.models import Decision, Explanation
from tests.support.conversations import WITH_BUTTONS, WITHOUT, Reply, Seat, Talk, small_registry

TRACKED = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # Friday; BC.1 was due by Monday 16/11


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, small_registry(), TRACKED).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
        Seat("tay-coordinator", "tay", "skhcn", "coordinator"),
    )
    talk.now = LATE
    return talk


async def filed(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(Explanation.__table__).order_by(Explanation.id))
        return list(rows.all())


async def test_a_code_asks_every_agency_that_is_late_with_it(talk: Talk) -> None:
    echo, *notices = await talk.agree("coordinator", "/giaitrinh BC.1 vì sao chậm")
    assert echo.template == "explain_asked"
    assert {notice.chat for notice in notices} == {"stc", "sxd"}
    assert all("vì sao chậm" in notice.html for notice in notices)


async def test_a_period_after_the_code_asks_about_that_report_alone(talk: Talk) -> None:
    (none,) = await talk.say("coordinator", "/giaitrinh BC.1 2025 vì sao chậm")
    assert none.template == "explain_none"
    echo, *notices = await talk.agree("coordinator", "/giaitrinh BC.1 2026 vì sao chậm")
    assert echo.template == "explain_asked"
    assert notices
    assert all("vì sao chậm" in notice.plain for notice in notices)
    assert not any("2026 vì sao" in notice.plain for notice in notices)


async def test_the_answer_is_filed_and_told_to_who_asked(talk: Talk) -> None:
    _, notice = await talk.say("leader", "/giaitrinh sở tài chính: vì sao chậm")
    assert (notice.template, notice.chat) == ("notice_explain", "stc")
    (question,) = await talk.press(notice, "Trả lời giải trình")
    assert question.answer.context["asks"] == "explanation"
    echo, *told = await talk.say("stc", "Chờ số liệu của kho bạc <đến 20/11>")
    assert echo.template == "explained"
    assert {reply.chat for reply in told} == {"leader", "coordinator"}
    assert "&lt;đến 20/11&gt;" in told[0].html
    (row,) = await filed(talk)
    assert (row.state, row.question) == ("answered", "vì sao chậm")
    assert row.answer == "Chờ số liệu của kho bạc <đến 20/11>"
    assert (await talk.press(notice, "Trả lời giải trình"))[0].template == "explanation_filed"


async def explained(talk: Talk) -> Reply:
    """Let an explanation have been asked and given; returns what the coordinator was told."""
    _, notice = await talk.say("coordinator", "/giaitrinh sở tài chính: vì sao chậm")
    await talk.press(notice, "Trả lời giải trình")
    _, told = await talk.say("stc", "Chờ số liệu của kho bạc")
    assert told.chat == "coordinator"
    return told


@pytest.mark.parametrize(
    ("choice", "kind", "words"),
    [
        ("Chấp nhận nguyên nhân khách quan", "accept_cause", "chấp nhận nguyên nhân khách quan"),
        ("Không chấp nhận nguyên nhân", "refuse_cause", "không chấp nhận nguyên nhân đã nêu"),
    ],
)
async def test_the_cause_that_was_explained_is_accepted_or_not_on_a_ground_that_is_told(
    talk: Talk, choice: str, kind: str, words: str
) -> None:
    told = await explained(talk)
    (question,) = await talk.press(told, choice)
    assert question.template == "ask_decision"
    echo, notice = await talk.say("coordinator", "Công văn 7/UBND-NC")
    assert (echo.template, notice.template, notice.chat) == ("decided", "notice_decision", "stc")
    assert words in notice.plain
    assert "Công văn 7/UBND-NC" in notice.plain
    async with talk.database.read() as connection:
        decision = (await connection.execute(select(Decision).where(Decision.kind == kind))).one()
    assert decision.decided_by == "Sở Khoa học và Công nghệ"
    assert decision.details["reason"] == "Công văn 7/UBND-NC"


async def test_nobody_decides_on_the_cause_of_their_own_lateness_or_anothers_plan(
    talk: Talk,
) -> None:
    told = await explained(talk)
    action = told.action("Chấp nhận nguyên nhân khách quan")
    for chat, template in (("stc", "cannot_decide"), ("tay-coordinator", "unknown_item")):
        (refused,) = await talk.tap(chat, action)
        assert refused.template == template, chat


@pytest.mark.parametrize("types", [True, False])
async def test_an_agency_late_with_several_is_asked_in_one_message(talk: Talk, types: bool) -> None:
    talk.now = datetime(2027, 1, 8, 2, 0, tzinfo=UTC)  # its tasks are late too
    talk.capabilities = {talk.account_id: WITHOUT if types else WITH_BUTTONS}
    (shown,) = await talk.say("coordinator", "/giaitrinh sở tài chính vì sao chậm")
    _, notice = await talk.press(shown, "Gửi")
    assert (notice.chat, notice.labels()) == ("stc", ["1", "2", "3"])
    assert "giải trình</b> 03 nội dung" in notice.html
    assert "1 1" not in notice.plain
    assert "Trả lời bằng số của nội dung" in notice.plain
    for number in ("2", "1"):
        (question,) = await talk.say("stc", number)
        assert question.template == "ask_decision"
        filed, *_ = await talk.say("stc", f"Chờ số liệu của kho bạc {number}")
        assert filed.template == "explained"
        assert f"{number}. {filed.answer.context['item']['title']}" in notice.plain.replace("“", "")
    (asked,) = await talk.say("stc", "chưa được bố trí đủ kinh phí thực hiện")
    assert asked.template != "explained"  # nobody knows of which


async def test_the_same_is_not_asked_twice_and_what_waits_is_listed(talk: Talk) -> None:
    await talk.say("coordinator", "/giaitrinh STC")
    echo, *notices = await talk.say("coordinator", "/giaitrinh STC")
    assert (echo.template, notices) == ("explain_asked", [])
    (shown,) = await talk.say("coordinator", "/giaitrinh")
    assert (shown.template, shown.answer.context["total"]) == ("explanations", 1)
    assert (await talk.say("tay-coordinator", "/giaitrinh"))[0].answer.context["total"] == 0


async def test_an_agency_without_a_chat_is_named_to_who_asked(talk: Talk) -> None:
    await talk.happen("sxd", "gone")
    echo, *notices = await talk.agree("coordinator", "/giaitrinh BC.1 vì sao chậm")
    assert echo.answer.context["silent"] == ["Sở Xây dựng"]
    assert "Chưa có kênh nhận tin, đề nghị báo trực tiếp: Sở Xây dựng" in echo.html
    assert {notice.chat for notice in notices} == {"stc"}


async def test_nothing_is_asked_of_who_is_not_late(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{row.id}")
    (none,) = await talk.say("coordinator", "/giaitrinh STC vì sao chậm")
    assert none.template == "explain_none"
    assert await filed(talk) == []


async def test_who_is_asked_alone_answers(talk: Talk) -> None:
    await talk.say("coordinator", "/giaitrinh STC")
    (row,) = await filed(talk)
    for chat in ("sxd", "tay-coordinator"):
        assert (await talk.tap(chat, f"explain:{row.id}"))[0].template == "unknown_item"
    assert (await talk.tap("coordinator", f"explain:{row.id}"))[0].template == "not_allowed"
    assert (await talk.say("stc", "/giaitrinh STC"))[0].template == "not_allowed"


async def test_an_explanation_may_simply_be_typed_under_the_request(talk: Talk) -> None:
    await talk.say("coordinator", "/giaitrinh STC vì sao chậm")
    (answer, *_) = await talk.say("stc", "do kho bạc chưa chốt số liệu quý III")
    assert answer.template == "explained"
    assert [row.answer for row in await filed(talk)] == ["do kho bạc chưa chốt số liệu quý III"]


@pytest.mark.parametrize("words", ["đã nhận", "đã gửi báo cáo số 12/BC-STC hôm qua", "vâng ạ"])
async def test_what_answers_the_task_is_no_explanation(talk: Talk, words: str) -> None:
    await talk.say("coordinator", "/giaitrinh STC vì sao chậm")
    (answer, *_) = await talk.say("stc", words)
    assert answer.template == "recorded"
    assert [row.state for row in await filed(talk)] == ["asked"]


async def test_a_long_explanation_is_kept_and_told_whole(talk: Talk) -> None:
    _, notice = await talk.say("coordinator", "/giaitrinh sở tài chính: vì sao chậm")
    await talk.press(notice, "Trả lời giải trình")
    words = " ".join(f"ý{number}" for number in range(600))  # 3,000 characters
    echo, *told = await talk.say("stc", words)
    assert "ký tự đã được lưu" in echo.plain
    (row,) = await filed(talk)
    assert row.answer == words
    heard = " ".join(answer.plain for answer in told)
    assert all(f"ý{number}" in heard for number in range(600))
    assert "…" not in heard


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("sở", "Sở, ban, ngành"),
        ("10", "Kế hoạch 10/KH-UBND"),
        ("sở 10", "Kế hoạch 10/KH-UBND (sở, ban, ngành)"),
        ("10 các sở: vì sao chậm", "Kế hoạch 10/KH-UBND (sở, ban, ngành)"),
        ("10 năm 2026 vì sao chậm", "Kế hoạch 10/KH-UBND, năm 2026"),
    ],
)
async def test_a_kind_or_a_plan_alone_asks_all_who_are_late_with_it(
    talk: Talk, typed: str, named: str
) -> None:
    (shown,) = await talk.say("coordinator", f"/giaitrinh {typed}")
    assert shown.template == "preview"
    assert f"Đề nghị giải trình 02 nội dung quá hạn: {named}" in shown.plain
    echo, *notices = await talk.press(shown, "Gửi")
    assert echo.template == "explain_asked"
    assert {notice.chat for notice in notices} == {"stc", "sxd"}
    assert all(("vì sao chậm" in notice.plain) == ("vì sao" in typed) for notice in notices)


async def test_a_kind_of_which_nobody_is_late_is_said_by_its_name(talk: Talk) -> None:
    (none,) = await talk.say("coordinator", "/giaitrinh xã")
    assert none.template == "explain_none"
    assert "Xã, phường" in none.plain


async def test_ok_under_what_is_shown_agrees_to_it(talk: Talk) -> None:
    await talk.say("coordinator", "/giaitrinh BC.1")
    echo, *notices = await talk.say("coordinator", "Ok")
    assert echo.template == "explain_asked"
    assert len(notices) == 2
