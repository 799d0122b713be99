"""Completions: confirmed or returned, by which role, and the notices to the agency."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Decision, Obligation
from tests.support.conversations import WITHOUT, Seat, Talk, small_registry
from tests.support.decision_world import seated

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # Monday
PLAN = "10/KH-UBND"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
        Seat("reader", "dong", "ubnd", "leader"),
    )


async def decisions_of(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(Decision.__table__).order_by(Decision.id))
        return list(rows.all())


async def submit(talk: Talk, agency: str) -> Any:
    row = await talk.obligation(PLAN, agency, "BC.1", "2026")
    await talk.tap(agency, f"done:{row.id}")
    return row


async def test_coordinator_confirms_what_waits_and_the_agency_hears_of_it(talk: Talk) -> None:
    row = await submit(talk, "stc")
    (shown,) = await talk.say("coordinator", "/xacnhan")
    assert shown.template == "to_confirm_one"
    assert shown.labels() == ["Xác nhận", "Trả lại"]
    echo, notice = await talk.press(shown, "Xác nhận")
    assert (echo.template, notice.template, notice.chat) == ("decided", "notice_decision", "stc")
    assert "xác nhận hoàn thành" in notice.html
    after = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    assert (after.state, after.confirmed_by, after.remind_on) == ("confirmed", "Chị <Lan>", None)
    assert after.confirmed_at is not None
    (decision,) = await decisions_of(talk)
    assert (decision.kind, decision.subject, decision.details["obligation"]) == (
        "confirm",
        "BC.1",
        row.id,
    )
    assert (await talk.say("coordinator", "/xacnhan"))[0].answer.context["total"] == 0


async def test_the_one_that_waits_is_returned_as_number_one(talk: Talk) -> None:
    await submit(talk, "stc")
    await talk.say("coordinator", "/xacnhan")
    echo, notice = await talk.say("coordinator", "1 trả lại thiếu phụ lục")
    assert (echo.template, notice.template) == ("decided", "notice_decision")
    assert "thiếu phụ lục" in notice.plain


async def test_a_choice_can_be_typed_as_a_number(talk: Talk) -> None:
    await submit(talk, "stc")
    await talk.say("coordinator", "/xacnhan")
    echo, *_ = await talk.say("coordinator", "1")
    assert (echo.template, echo.answer.context["what"]) == ("decided", "confirmed")


async def test_pressing_confirm_twice_decides_once(talk: Talk) -> None:
    row = await submit(talk, "stc")
    await talk.tap("coordinator", f"confirm:{row.id}")
    (again,) = await talk.tap("coordinator", f"confirm:{row.id}")
    assert again.template == "nothing_to_decide"
    assert len(await decisions_of(talk)) == 1


async def test_a_returned_completion_is_open_again_with_its_reason_and_reminders(
    talk: Talk,
) -> None:
    row = await submit(talk, "stc")
    (question,) = await talk.tap("coordinator", f"return:{row.id}")
    assert (question.template, question.answer.context["asks"]) == ("ask_decision", "return_reason")
    (again,) = await talk.say("coordinator", "x")
    assert again.answer.context["again"] == "reason"
    echo, notice = await talk.say("coordinator", "Thiếu phụ lục số liệu")
    assert (echo.template, echo.answer.context["what"]) == ("decided", "returned")
    assert notice.chat == "stc"
    assert "Thiếu phụ lục số liệu" in notice.plain
    after = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    assert (after.state, after.submitted_at, after.done_on) == ("open", None, None)
    assert after.returned_at == NOW
    assert after.remind_on is not None
    (decision,) = await decisions_of(talk)
    assert decision.details["reason"] == "Thiếu phụ lục số liệu"


async def test_a_question_for_a_reason_ends_with_huy(talk: Talk) -> None:
    row = await submit(talk, "stc")
    await talk.tap("coordinator", f"return:{row.id}")
    (ended,) = await talk.say("coordinator", "huỷ")
    assert ended.template == "dialog_ended"
    assert (await talk.obligation(PLAN, "stc", "BC.1", "2026")).state == "submitted"


async def test_the_reason_is_not_taken_from_who_lost_the_right_meanwhile(talk: Talk) -> None:
    row = await submit(talk, "stc")
    await talk.tap("coordinator", f"return:{row.id}")
    await talk.tap("stc", f"doing:{row.id}")
    (moot,) = await talk.say("coordinator", "Thiếu phụ lục")
    assert moot.template == "nothing_to_decide"


async def test_several_that_wait_are_confirmed_at_once_and_each_agency_hears_once(
    talk: Talk,
) -> None:
    for agency in ("stc", "sxd"):
        await submit(talk, agency)
        task = await talk.obligation(PLAN, agency, "2", "end")
        await talk.tap(agency, f"done:{task.id}")
    (shown,) = await talk.say("coordinator", "/xacnhan")
    assert shown.labels() == ["1", "2", "3", "4", "Xác nhận tất cả"]
    echo, *notices = await talk.agree("coordinator", "xác nhận tất cả")
    assert (echo.template, echo.answer.context["count"]) == ("confirmed_all", 4)
    assert sorted(notice.chat for notice in notices) == ["stc", "sxd"]
    assert len(await decisions_of(talk)) == 4


async def test_agencies_without_a_chat_are_not_said_to_have_heard(talk: Talk) -> None:
    for agency in ("stc", "sxd"):
        await submit(talk, agency)
    for chat, told in (("stc", "Các cơ quan khác được báo tin"), ("sxd", "")):
        await talk.happen(chat, "gone")
        (shown,) = await talk.say("coordinator", "/xacnhan tất cả")
        echo, *_ = await talk.press(shown, "Đồng ý")
        assert told in echo.html
        assert "Các cơ quan được báo tin" not in echo.html
        assert "Chưa có kênh nhận tin, đề nghị báo trực tiếp: Sở Tài chính" in echo.html
        await talk.say("coordinator", "huỷ")
    assert "được báo tin" not in echo.html


async def test_on_zalo_one_after_a_confirmation_goes_on_to_what_waits_next(talk: Talk) -> None:
    talk.longest, talk.capabilities = 2000, {talk.account_id: WITHOUT}
    for agency in ("stc", "sxd"):
        await submit(talk, agency)
        task = await talk.obligation(PLAN, agency, "2", "end")
        await talk.tap(agency, f"done:{task.id}")
    for words, left in (("1", 3), ("2", 2)):
        (shown,) = await talk.say("coordinator", "/xacnhan" if left == 3 else "1")
        assert (shown.template, shown.answer.context["total"]) == ("to_confirm", left + 1)
        await talk.say("coordinator", words)
        echo = (await talk.say("coordinator", "1"))[0]
        assert "1 Nhiệm vụ chờ xác nhận tiếp theo\n" in echo.plain


async def test_a_number_opens_one_of_several_with_its_choices(talk: Talk) -> None:
    await submit(talk, "stc")
    await submit(talk, "sxd")
    await talk.say("coordinator", "/xacnhan")
    (one,) = await talk.say("coordinator", "2")
    assert one.template == "to_confirm_one"
    assert one.labels()[:2] == ["Xác nhận", "Trả lại"]


async def test_nobody_but_who_decides_confirms(talk: Talk) -> None:
    row = await submit(talk, "stc")
    assert (await talk.tap("stc", f"confirm:{row.id}"))[0].template == "cannot_decide"
    assert (await talk.tap("leader", f"confirm:{row.id}"))[0].template == "cannot_decide"
    assert (await talk.tap("sxd", f"confirm:{row.id}"))[0].template == "unknown_item"
    assert (await talk.say("stc", "/xacnhan"))[0].template == "not_allowed"
    assert (await talk.tap("stc", "waiting:1"))[0].template == "unknown_item"
    assert (await talk.obligation(PLAN, "stc", "BC.1", "2026")).state == "submitted"
    assert (await talk.say("leader", "/xacnhan"))[0].answer.context["total"] == 0


async def test_who_answers_for_an_agency_too_does_not_decide_on_it(talk: Talk) -> None:
    await talk.enrol("coordinator", "dong", "stc")
    row = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    await talk.tap("coordinator", f"done:{row.id}")
    assert (await talk.tap("coordinator", f"confirm:{row.id}"))[0].template == "cannot_decide"


async def test_an_answer_that_was_decided_on_is_not_taken_back(talk: Talk) -> None:
    row = await submit(talk, "stc")
    await talk.tap("coordinator", f"confirm:{row.id}")
    assert (await talk.say("stc", "huỷ"))[0].template == "cannot_undo"
    assert (await talk.obligation(PLAN, "stc", "BC.1", "2026")).state == "confirmed"


async def test_what_waits_is_turned_page_by_page_and_after_each_decision_the_rest_is_offered(
    database: Database,
) -> None:
    talk = await seated(database)
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.state == "open")
            .values(state="submitted", submitted_at=talk.now)
        )
    (first,) = await talk.say("an", "/xacnhan")
    shown, total = len(first.answer.items), first.answer.context["total"]
    assert (shown, total > shown) == (10, True)
    assert "◀ Trang trước" not in first.labels()
    (second,) = await talk.press(first, "Trang sau ▶")
    assert len(second.answer.items) == min(10, total - shown)
    assert not set(second.answer.items) & set(first.answer.items)
    assert "◀ Trang trước" in second.labels()
    (again,) = await talk.press(second, "◀ Trang trước")
    assert again.answer.items == first.answer.items
    opened, *_ = await talk.press(again, "1")
    decided, *_ = await talk.press(opened, "Xác nhận")
    assert decided.answer.context["waiting"] == total - 1
    (rest,) = await talk.press(decided, decided.labels()[0])
    assert rest.answer.context["total"] == total - 1


async def submit_twice(talk: Talk) -> None:
    for agency in ("stc", "sxd"):
        await submit(talk, agency)


@pytest.mark.parametrize(
    "words", ["xác nhận tất cả", "duyệt hết nhé", "Tất cả xác nhận", "xac nhan toan bo"]
)
async def test_confirming_all_needs_no_list_shown_before(talk: Talk, words: str) -> None:
    (none,) = await talk.say("coordinator", words)
    assert (none.template, none.answer.context["total"]) == ("to_confirm", 0)
    await submit_twice(talk)
    (shown,) = await talk.say("coordinator", words)
    assert (shown.template, shown.answer.context["preview"]["act"]) == ("preview", "confirm")
    echo, *notices = await talk.press(shown, "Đồng ý")
    assert (echo.template, echo.answer.context["count"]) == ("confirmed_all", 2)
    assert {notice.chat for notice in notices} == {"stc", "sxd"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("2 trả lại thiếu phụ lục", "thiếu phụ lục"),
        ("trả 2 vì thiếu phụ lục 1", "thiếu phụ lục 1"),
        ("2 chưa đạt, thiếu phụ lục", "thiếu phụ lục"),
        ("trả lại việc 2: Thiếu phụ lục", "Thiếu phụ lục"),
        ("2. không đạt yêu cầu do thiếu phụ lục", "thiếu phụ lục"),
        ("2 tra lai, ly do: thieu phu luc", "thieu phu luc"),
    ],
)
async def test_a_number_of_what_waits_is_returned_with_the_reason_beside_it(
    talk: Talk, words: str, reason: str
) -> None:
    await submit_twice(talk)
    (shown,) = await talk.say("coordinator", "/xacnhan")
    second = shown.answer.context["items"][1]
    echo, notice = await talk.say("coordinator", words)
    assert (echo.template, echo.answer.context["what"]) == ("decided", "returned")
    assert reason in notice.plain
    assert (await decisions_of(talk))[0].details["reason"] == reason
    after = [await talk.obligation(PLAN, agency, "BC.1", "2026") for agency in ("stc", "sxd")]
    assert [row.state for row in after if row.id == second["id"]] == ["open"]
    assert [row.state for row in after if row.id != second["id"]] == ["submitted"]


async def test_a_number_returned_without_a_reason_is_asked_for_one(talk: Talk) -> None:
    await submit_twice(talk)
    await talk.say("coordinator", "/xacnhan")
    (question,) = await talk.say("coordinator", "trả lại 1")
    assert (question.template, question.answer.context["asks"]) == ("ask_decision", "return_reason")
    echo, _ = await talk.say("coordinator", "Thiếu phụ lục")
    assert echo.answer.context["what"] == "returned"


@pytest.mark.parametrize("words", ["xác nhận", "Duyệt", "ok", "đồng ý ạ", "nhất trí"])
async def test_assent_confirms_the_one_completion_that_is_shown(talk: Talk, words: str) -> None:
    await submit(talk, "stc")
    (shown,) = await talk.say("coordinator", "/xacnhan")
    assert shown.template == "to_confirm_one"
    echo, _ = await talk.say("coordinator", words)
    assert (echo.template, echo.answer.context["what"]) == ("decided", "confirmed")


async def test_numbers_are_confirmed_as_typed_and_several_shown_first(talk: Talk) -> None:
    await submit_twice(talk)
    await talk.say("coordinator", "/xacnhan")
    (shown,) = await talk.say("coordinator", "duyệt 1, 2")
    assert (shown.template, shown.answer.context["preview"]["about"]["count"]) == ("preview", 2)
    await talk.say("coordinator", "/xacnhan")
    echo, _ = await talk.say("coordinator", "xác nhận 2")
    assert (echo.template, echo.answer.context["what"]) == ("decided", "confirmed")


async def test_who_may_not_confirm_reads_by_which_rule_and_who_may(talk: Talk) -> None:
    await submit_twice(talk)
    for words in ("xác nhận tất cả", "/xacnhan", "/xacnhan tất cả"):
        (refused,) = await talk.say("reader", words)
        assert "không có quyền xác nhận" in refused.plain, words
        assert "Sở Khoa học và Công nghệ: 02 nhiệm vụ" in refused.plain
    (waits,) = await talk.say("leader", "xác nhận tất cả")
    assert "Không có nhiệm vụ nào chờ anh/chị xác nhận" in waits.plain
    assert "Sở Khoa học và Công nghệ: 02 nhiệm vụ" in waits.plain
    row = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    for words in ("ok", "đồng ý", "trả lại vì thiếu phụ lục"):
        await talk.tap("reader", f"open:{row.id}")
        (refused,) = await talk.say("reader", words)
        assert refused.template == "cannot_decide", words
        assert "Sở Khoa học và Công nghệ quyết định" in refused.plain
    assert not await decisions_of(talk)


async def test_a_verdict_on_what_was_confirmed_before_is_told_who_confirmed_it(talk: Talk) -> None:
    await submit(talk, "stc")
    (shown,) = await talk.say("coordinator", "/xacnhan")
    await talk.say("coordinator", "ok")
    (late,) = await talk.say("coordinator", "trả lại vì thiếu phụ lục", reply_to=shown.remote_id)
    assert late.template == "nothing_to_decide"
    assert "Sở Khoa học và Công nghệ đã xác nhận hoàn thành" in late.plain
