"""Extension requests: granted, refused, another date offered, and the effects of each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Chat, Decision, Obligation
from data.progress import extensions
from data.registry.registry import Registry
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Seat, Talk

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # Monday; BC.1 and BC.3 are due on 14/11
NUMBER = "10/KH-UBND"
MORE_DUTIES = """
  - code: BC.2
    clause: "mục V.6"
    from: ["Sở Khoa học và Công nghệ"]
    to: "UBND tỉnh"
    frequency: annual
    deadline: {operator: before, month: 11, day: 25, raw: "trước ngày 25 tháng 11"}
    quote: "báo cáo trước ngày 25 tháng 11"
  - code: BC.3
    clause: "mục V.7"
    from: ["Sở Xây dựng"]
    to: "Sở Khoa học và Công nghệ"
    frequency: annual
    deadline: {operator: before, month: 11, day: 15, raw: "trước ngày 15 tháng 11"}
    quote: "gửi trước ngày 15 tháng 11"
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
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
    )


async def asked(talk: Talk, agency: str, code: str, until: date, period: str = "2026") -> Any:
    """Let an agency ask for a later date; returns the request's id."""
    row = await talk.obligation(NUMBER, agency, code, period)
    async with talk.database.write() as connection:
        chat_id = await connection.scalar(select(Chat.id).where(Chat.address == agency))
        await connection.execute(
            update(Obligation).where(Obligation.id == row.id).values(extension_asked_at=NOW)
        )
        return await extensions.request_extension(
            connection,
            obligation_id=row.id,
            until=until,
            reason="chờ số liệu <các xã>",
            reply_id=None,
            person_id=None,
            chat_id=chat_id,
            now=talk.now,
        )


async def request_of(talk: Talk, request_id: int) -> Any:
    async with talk.database.read() as connection:
        return await extensions.find_extension(connection, request_id)


async def test_a_report_owed_to_who_decides_is_granted_with_a_tap_and_reminders_follow(
    talk: Talk,
) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    before = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    (shown,) = await talk.say("coordinator", "/giahan")
    assert shown.labels() == ["Đồng ý", "Không đồng ý", "Đề nghị ngày khác"]
    assert "20/11/2026" in shown.html
    assert "&lt;các xã&gt;" in shown.html
    echo, notice = await talk.press(shown, "Đồng ý")
    assert (echo.answer.context["what"], notice.chat) == ("extended", "sxd")
    assert "20/11/2026" in notice.plain
    after = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    assert (after.extended_to, after.due_on) == (date(2026, 11, 20), before.due_on)
    assert after.judged_on == date(2026, 11, 20)
    # the tenth day before was Friday 6/11: the notice stands for that rung, the next has its own day
    assert (after.rung, after.remind_on) == (-5, date(2026, 11, 13))
    assert after.extension_asked_at is None
    request = await request_of(talk, request_id)
    assert (request.state, request.granted_until) == ("granted", date(2026, 11, 20))
    assert request.decision_id is not None


async def test_a_date_set_by_the_plan_moves_only_with_the_documents_number(talk: Talk) -> None:
    request_id = await asked(talk, "stc", "BC.1", date(2026, 11, 20))
    (question,) = await talk.tap("coordinator", f"grant:{request_id}")
    assert question.answer.context["asks"] == "decision_document"
    (again,) = await talk.say("coordinator", "bỏ qua đi")
    assert again.answer.context["again"] == "document"
    assert (await talk.obligation(NUMBER, "stc", "BC.1", "2026")).extended_to is None
    echo, notice = await talk.say("coordinator", "Công văn 123/UBND-KGVX ngày 6/11/2026")
    assert echo.answer.context["document"] == "123/UBND-KGVX ngày 06/11/2026"
    assert "123/UBND-KGVX" in notice.html
    after = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    assert after.extended_to == date(2026, 11, 20)
    async with talk.database.read() as connection:
        details = await connection.scalar(
            select(Decision.details).where(Decision.kind == "extension_granted")
        )
    assert details is not None
    assert (details["document"], details["until"]) == (
        "123/UBND-KGVX ngày 06/11/2026",
        "2026-11-20",
    )


async def test_a_date_past_the_report_it_serves_is_warned_of_first(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 30))
    (warning,) = await talk.tap("coordinator", f"grant:{request_id}")
    assert warning.template == "extension_onward"
    assert "24/11/2026" in warning.html  # BC.2 is due before 25/11
    assert warning.labels() == ["Vẫn đồng ý", "Không đồng ý", "Đề nghị ngày khác"]
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).extended_to is None
    await talk.press(warning, "Vẫn đồng ý")
    after = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    assert after.extended_to == date(2026, 11, 30)


async def test_a_refusal_needs_its_reason_and_the_date_stays(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    await talk.tap("coordinator", f"refuse:{request_id}")
    echo, notice = await talk.say("coordinator", "Phải tổng hợp ngay 15/11")
    assert (echo.answer.context["what"], notice.chat) == ("refused", "sxd")
    assert "Phải tổng hợp ngay 15/11" in notice.html
    after = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    assert (after.extended_to, after.extension_asked_at) == (None, None)
    assert (await request_of(talk, request_id)).state == "refused"
    (moot,) = await talk.tap("coordinator", f"grant:{request_id}")
    assert moot.template == "nothing_to_decide"


async def test_another_date_offered_counts_only_once_the_agency_takes_it(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 23))
    await talk.tap("coordinator", f"offer:{request_id}")
    (unread,) = await talk.say("coordinator", "sớm hơn chút")
    assert unread.answer.context["again"] == "date"
    (early,) = await talk.say("coordinator", "13/11/2026")
    assert early.answer.context["again"] == "early"
    _, notice = await talk.say("coordinator", "18/11/2026")
    assert notice.labels() == ["Nhận ngày này", "Giữ hạn cũ"]
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).extended_to is None
    assert (await talk.tap("stc", f"take:{request_id}"))[0].template == "unknown_item"
    echo, told = await talk.press(notice, "Nhận ngày này")
    assert (echo.answer.context["taken"], told.chat) == (True, "coordinator")
    after = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    assert (after.extended_to, after.extension_asked_at) == (date(2026, 11, 18), None)
    assert (await talk.press(notice, "Nhận ngày này"))[0].template == "nothing_to_decide"


async def test_an_offer_left_keeps_the_old_date_and_another_request_may_follow(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 23))
    await talk.tap("coordinator", f"offer:{request_id}")
    _, notice = await talk.say("coordinator", "18/11/2026")
    echo, _ = await talk.say("sxd", "2")
    assert echo.answer.context["taken"] is False
    assert notice.chat == "sxd"
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).extended_to is None
    await asked(talk, "sxd", "BC.3", date(2026, 11, 19))


async def test_an_offered_date_past_the_report_it_serves_is_asked_twice(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    await talk.tap("coordinator", f"offer:{request_id}")
    (warning,) = await talk.say("coordinator", "27/11/2026")
    assert warning.answer.context["again"] == "onward"
    assert (await request_of(talk, request_id)).state == "open"
    echo, _ = await talk.say("coordinator", "27/11/2026")
    assert echo.answer.context["what"] == "offered"


async def test_nobody_decides_on_their_own_request(talk: Talk) -> None:
    await talk.enrol("skhcn", "dong", "skhcn")
    request_id = await asked(talk, "skhcn", "BC.2", date(2026, 11, 27))
    for chat in ("coordinator", "skhcn"):
        (refused,) = await talk.tap(chat, f"grant:{request_id}")
        assert refused.template == "cannot_decide"
    (shown,) = await talk.say("leader", "/giahan")
    echo, *_ = await talk.press(shown, "Đồng ý")  # the report is owed to the leader's own agency
    assert echo.answer.context["what"] == "extended"


async def test_a_request_of_anothers_agency_is_as_good_as_unknown(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    for verb in ("grant", "grantyes", "refuse", "offer", "take", "leave"):
        (theirs,) = await talk.tap("stc", f"{verb}:{request_id}")
        (unknown,) = await talk.tap("stc", f"{verb}:99999")
        assert theirs.html == unknown.html
    assert (await request_of(talk, request_id)).state == "open"


async def test_what_was_done_meanwhile_needs_no_later_date(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    row = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    await talk.tap("sxd", f"done:{row.id}")
    (moot,) = await talk.tap("coordinator", f"grant:{request_id}")
    assert moot.template == "nothing_to_decide"
    assert (await talk.say("coordinator", "/giahan"))[0].answer.context["total"] == 0


async def test_several_requests_are_listed_with_what_is_asked(talk: Talk) -> None:
    await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    await asked(talk, "stc", "BC.1", date(2026, 11, 21))
    (shown,) = await talk.say("coordinator", "/giahan")
    assert (shown.template, shown.labels()) == ("to_extend", ["1", "2"])
    (one,) = await talk.press(shown, "2")
    assert one.template == "to_extend_one"
    assert one.labels()[0] == "Đồng ý"


async def test_more_time_that_would_end_before_the_due_date_counts_from_it(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    answers = await talk.say("stc", "BC.1 xin thêm 3 ngày vì chờ số liệu")
    assert answers[0].template == "recorded"  # from today 9/11 it would be 12/11, before 14/11
    assert answers[0].answer.context["until"] == "2026-11-17"


async def test_more_time_that_ends_after_the_due_date_counts_from_today(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    answers = await talk.say("stc", "BC.1 xin thêm 2 tuần vì chờ số liệu")
    assert answers[0].answer.context["until"] == "2026-11-23"


async def test_the_reason_of_a_refusal_stands_in_the_history(talk: Talk) -> None:
    key = await asked(talk, "stc", "BC.1", date(2026, 11, 20))
    await talk.tap("coordinator", f"refuse:{key}")
    await talk.say("coordinator", "đã gia hạn chung cho cả tỉnh")
    (history,) = await talk.say("stc", "/lichsu BC.1")
    assert "không được gia hạn: đã gia hạn chung cho cả tỉnh" in history.html


async def test_what_the_coordinating_agency_owes_is_decided_by_the_leaders_and_told_to_it(
    talk: Talk,
) -> None:
    row = await talk.obligation(NUMBER, "skhcn", "BC.2", "2026")
    echo, *_ = await talk.tap("coordinator", f"done:{row.id}")
    assert "lãnh đạo xem xét, xác nhận" in echo.html
    _, *told = await talk.tap("leader", f"confirm:{row.id}")
    assert {notice.chat for notice in told} == {"coordinator"}


async def test_a_code_that_is_confirmed_is_told_to_be_so(talk: Talk) -> None:
    row = await talk.obligation(NUMBER, "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{row.id}")
    await talk.tap("coordinator", f"confirm:{row.id}")
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.period == "2027").values(state="withdrawn")
        )
    await talk.say("stc", "/viec")
    (answer,) = await talk.say("stc", "BC.1 đang làm")
    assert (answer.template, answer.answer.context["state"]) == ("closed", "confirmed")


async def test_an_extension_is_granted_or_refused_by_its_number_and_words(talk: Talk) -> None:
    for agency in ("stc", "sxd"):
        await talk.say(agency, "/viec")
        await talk.say(agency, "1 xin gia hạn đến 25/11 do chờ số liệu các xã")
    (listed,) = await talk.say("coordinator", "/giahan")
    assert listed.template == "to_extend"
    echo, notice = await talk.say("coordinator", "2 không đồng ý vì đã gia hạn một lần")
    assert (echo.template, notice.template) == ("decided", "notice_decision")
    assert "đã gia hạn một lần" in notice.plain
    await talk.say("coordinator", "/giahan")
    (asked,) = await talk.say("coordinator", "không đồng ý")
    assert asked.template == "ask_decision"


@pytest.mark.parametrize("words", ["chỉ gia hạn đến 16/11 thôi", "đồng ý đến 16/11"])
async def test_another_date_typed_under_a_request_is_offered(talk: Talk, words: str) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    (shown,) = await talk.say("coordinator", "/giahan")
    assert shown.template == "to_extend_one"
    echo, notice = await talk.say("coordinator", words)
    assert (echo.template, echo.answer.context["what"]) == ("decided", "offered")
    assert "16/11/2026" in notice.plain
    assert (await request_of(talk, request_id)).state == "offered"


async def test_the_date_asked_for_typed_under_a_request_grants_it(talk: Talk) -> None:
    request_id = await asked(talk, "sxd", "BC.3", date(2026, 11, 20))
    await talk.say("coordinator", "/giahan")
    echo, _ = await talk.say("coordinator", "cho lùi đến 20/11")
    assert (echo.template, echo.answer.context["what"]) == ("decided", "extended")
    assert (await request_of(talk, request_id)).state == "granted"
