"""Tasks without a due date: asked about once a year with the annual report, answered in one go, never late."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from data.clock import ZONE
from data.db.database import Database
from data.models import Agency, Chat, Message, MessageItem, Obligation, StatusReply
from data.registry.registry import Registry
from data.rules.ladder import NEVER
from data.rules.planning import PlannedObligation, plan_obligations
from jobs.morning.run import run_mornings
from jobs.planning.materialise import materialise
from tests.support.conversations import CALENDAR, PROVINCE, Reply, Seat, Talk

PLAN = """
number: "30/KH-UBND"
province: dong
title: "Kế hoạch số 30"
issued_on: 2026-01-05
signer: "Nguyễn Văn A"
coordinator: "Sở Khoa học và Công nghệ"
source: none.txt
tasks:
  - {code: "I.1", text: "Tuyên truyền", leads: ["các sở"],
     period: {raw: "Thường xuyên hàng năm", kind: recurring_annual}}
  - {code: "I.2", text: "Ban hành quy chế", leads: ["Sở Tài chính"],
     period: {raw: "", kind: missing}}
  - {code: "I.3", text: "Tập huấn cán bộ", leads: ["Sở Tài chính", "UBND tỉnh"],
     period: {raw: "Năm 2025 và những năm tiếp theo", kind: open_ended}}
  - {code: "I.4", text: "Lập cổng dữ liệu", leads: ["Sở Tài chính"],
     period: {raw: "2026 - 2027", kind: fixed, start_year: 2026, end_year: 2027}}
report_duties:
  - code: BC.1
    clause: "mục V.5"
    from: ["các sở"]
    to: "UBND tỉnh"
    via: "Sở Khoa học và Công nghệ"
    frequency: annual
    deadline: {operator: before, month: 11, day: 15, raw: "trước ngày 15 tháng 11 hàng năm"}
    quote: "báo cáo trước ngày 15 tháng 11 hàng năm"
  - code: BC.2
    clause: "mục V.6"
    from: ["Sở Khoa học và Công nghệ"]
    to: "UBND tỉnh"
    frequency: annual
    quote: "tổng hợp, báo cáo hằng năm"
"""
ASKED_ON = datetime(2026, 10, 30, 7, 30, tzinfo=ZONE)  # ten working days before Friday 13/11


def registry_of(plan: str) -> Registry:
    return Registry.from_texts(
        {
            "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
            "plans/dong-30.yaml": plan,
            "calendar/2026.yaml": CALENDAR,
        }
    )


@pytest.fixture(scope="module")
def small() -> Registry:
    return registry_of(PLAN)


@pytest.fixture
async def talk(database: Database, small: Registry) -> Talk:
    talk = await Talk(database, small, datetime(2026, 10, 1, 8, tzinfo=ZONE)).begin(
        Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
    )
    talk.now = ASKED_ON
    return talk


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


async def morning_pages(talk: Talk, chat: str = "7") -> list[Any]:
    """Compose a morning and let its messages arrive in a chat, in order."""
    await run_mornings(talk.database, talk.registry, now=talk.now)
    async with talk.database.write() as connection:
        chat_id = await connection.scalar(select(Chat.id).where(Chat.address == chat))
        rows = await connection.execute(
            select(Message)
            .where(Message.chat_id == chat_id, Message.state == "pending")
            .order_by(Message.page)
        )
        pages = list(rows)
        for page in pages:
            await connection.execute(
                update(Message)
                .where(Message.id == page.id)
                .values(state="sent", remote_id=f"m{page.id}", sent_at=talk.now)
            )
            await connection.execute(
                update(Chat).where(Chat.id == chat_id).values(last_menu_message_id=page.id)
            )
        ids = [page.id for page in pages]
        arrived = await connection.execute(
            select(Message).where(Message.id.in_(ids)).order_by(Message.page)
        )
    return list(arrived)


async def lines_of(talk: Talk, message_id: int) -> dict[int, str]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(MessageItem.position, Obligation.code)
            .join(Obligation, Obligation.id == MessageItem.obligation_id)
            .where(MessageItem.message_id == message_id)
        )
        return {row.position: row.code for row in rows}


def asked_of(registry: Registry, plan: str, year: int) -> list[PlannedObligation]:
    window = {"since": date(year, 1, 1), "until": date(year, 12, 31)}
    return [owed for owed in plan_obligations(registry, plan, **window) if owed.kind == "undated"]


# ------------------------------------------------------------------ when


def test_each_agency_is_asked_with_the_annual_report_that_it_hands_in(registry: Registry) -> None:
    asked = asked_of(registry, "gia-lai-1901-2020", 2026)
    days = {(owed.agency, owed.due_on, owed.proposed) for owed in asked}
    assert ("so-y-te", date(2026, 11, 14), False) in days
    assert ("so-khcn", date(2026, 12, 22), True) in days  # its own annual report names no date
    # Mặt trận owes no report: it is asked with the earliest of the plan.
    assert ("mttq-tinh", date(2026, 11, 14), False) in days
    assert {owed.period for owed in asked} == {"2026"}
    assert len({(owed.code, owed.agency) for owed in asked}) == len(asked)


def test_lang_son_is_asked_on_9_november_and_its_coordinator_on_the_24th(
    registry: Registry,
) -> None:
    days = {owed.agency: owed.due_on for owed in asked_of(registry, "lang-son-131-2020", 2026)}
    assert days.pop("so-khcn") == date(2026, 11, 24)
    assert set(days.values()) == {date(2026, 11, 9)}


def test_nothing_is_asked_before_the_plans_first_report(registry: Registry) -> None:
    issued = registry.plans["gia-lai-1901-2020"].issued_on
    for year in (issued.year - 1, issued.year):
        days = [owed.due_on for owed in asked_of(registry, "gia-lai-1901-2020", year)]
        assert all(day >= issued for day in days)


async def test_the_question_never_becomes_late(talk: Talk) -> None:
    owed = await talk.obligation("30/KH-UBND", "stc", "I.2", "2026")
    assert (owed.due_on, owed.judged_on) == (date(2026, 11, 14), NEVER)
    talk.now = datetime(2026, 12, 15, 8, tzinfo=ZONE)
    late = await only(talk.say("8", "/quahan"))
    assert "I.2" not in late.html
    assert "BC.1" in late.html
    assert "I.2" not in (await only(talk.say("7", "/sapden 60"))).html


# ------------------------------------------------------------------ asked and answered


async def test_undated_tasks_stand_behind_the_report_in_the_same_message(talk: Talk) -> None:
    (morning,) = await morning_pages(talk)
    assert await lines_of(talk, morning.id) == {1: "BC.1", 2: "I.1", 3: "I.2", 4: "I.3"}


async def test_they_are_asked_about_once(talk: Talk) -> None:
    await morning_pages(talk)
    for day in (2, 6, 10, 12, 13, 18, 30):
        talk.now = datetime(2026, 11, day, 7, 30, tzinfo=ZONE)
        for page in await morning_pages(talk):
            assert not set((await lines_of(talk, page.id)).values()) & {"I.1", "I.2", "I.3"}


async def test_the_whole_message_is_answered_in_one_go_where_work_goes_on(talk: Talk) -> None:
    await morning_pages(talk)
    answer = await only(talk.say("7", "tất cả đang thực hiện, trừ 3: chưa làm"))
    assert answer.template == "recorded_several"
    said = {
        code: (await talk.obligation("30/KH-UBND", "stc", code, "2026")).progress
        for code in ("I.1", "I.2", "I.3", "BC.1")
    }
    assert said == {
        "I.1": "in_progress",
        "I.2": "not_started",
        "I.3": "in_progress",
        "BC.1": "in_progress",
    }
    await talk.say("7", "huỷ")
    for code in ("I.1", "I.2", "I.3"):
        assert (await talk.obligation("30/KH-UBND", "stc", code, "2026")).progress is None


async def test_what_is_said_of_a_task_is_kept_with_its_assignment(talk: Talk) -> None:
    await morning_pages(talk)
    await talk.say("7", "4 đang làm 60%")
    owed = await talk.obligation("30/KH-UBND", "stc", "I.3", "2026")
    async with talk.database.read() as connection:
        reply = (await connection.execute(select(StatusReply))).one()
    assert (reply.assignment_id, reply.percent) == (owed.assignment_id, 60)
    assert reply.assignment_id is not None


async def test_that_all_is_done_is_not_taken_of_what_has_no_date(talk: Talk) -> None:
    await morning_pages(talk)
    await talk.say("7", "tất cả đã hoàn thành")
    states = {
        code: (await talk.obligation("30/KH-UBND", "stc", code, "2026")).state
        for code in ("I.1", "I.2", "I.3", "BC.1")
    }
    assert states == {"I.1": "open", "I.2": "open", "I.3": "open", "BC.1": "submitted"}


async def test_the_button_for_all_takes_note_of_what_has_a_date(talk: Talk) -> None:
    (morning,) = await morning_pages(talk)
    answer = await only(talk.tap("7", f"ackall:{morning.id}", morning.remote_id))
    assert "Đã ghi nhận: <b>Đã nhận</b> 01 nhiệm vụ" in answer.html
    assert (await talk.obligation("30/KH-UBND", "stc", "I.1", "2026")).acknowledged_until is None


async def test_one_button_answers_for_the_whole_list(talk: Talk) -> None:
    undated = await only(talk.say("7", "/thuongxuyen"))
    answer = await only(talk.press(undated, "Tất cả đang thực hiện"))
    assert "Đã ghi nhận: <b>Đang thực hiện</b> 03 nhiệm vụ" in answer.html
    assert (await talk.obligation("30/KH-UBND", "stc", "BC.1", "2026")).progress is None


async def test_one_of_them_is_opened_with_choices_that_fit_it(talk: Talk) -> None:
    await morning_pages(talk)
    item = await only(talk.say("7", "3"))
    assert item.labels() == [
        "Đang thực hiện",
        "Đã hoàn thành",
        "Chưa triển khai",
        "Vướng mắc",
        "Quay lại",
        "Nội dung",
    ]
    assert "Không có hạn · văn bản không ghi thời gian" in item.html
    asked = await only(talk.press(item, "Vướng mắc"))
    assert asked.template == "ask_reason"
    recorded, told = await talk.say("7", "chưa có kinh phí")
    assert "nhiệm vụ vẫn giữ" in recorded.html
    assert "Nhiệm vụ không có hạn." in told.html
    assert told.chat == "8"


async def test_a_number_on_a_page_of_several_means_an_item_not_a_choice(talk: Talk) -> None:
    (report,) = await morning_pages(talk)
    item = await only(talk.say("7", "1", reply_to=report.remote_id))
    assert item.template == "item"
    assert (await talk.obligation("30/KH-UBND", "stc", "BC.1", "2026")).acknowledged_until is None


async def test_a_list_shown_again_keeps_its_numbers(talk: Talk) -> None:
    await morning_pages(talk)
    item = await only(talk.say("7", "4"))
    again = await only(talk.press(item, "Quay lại"))
    shown: Any = again.answer.context["items"]
    assert [(line["number"], line["code"]) for line in shown] == [
        (1, "BC.1"),
        (2, "I.1"),
        (3, "I.2"),
        (4, "I.3"),
    ]
    answer = await only(talk.say("7", "2 đang làm 10%, 3 đang làm 20%"))
    below: Any = answer.answer.context["items"]
    assert [line["number"] for line in below] == [1, 2, 3, 4]
    last = await only(talk.say("7", "3 xong"))
    assert "Ban hành quy chế" in last.html
    said = {
        code: await talk.obligation("30/KH-UBND", "stc", code, "2026")
        for code in ("I.1", "I.2", "I.3")
    }
    assert (said["I.1"].percent, said["I.2"].state, said["I.3"].percent) == (10, "submitted", None)


async def test_an_item_goes_back_to_the_morning_that_lists_it(talk: Talk) -> None:
    (report,) = await morning_pages(talk)
    item = await only(talk.say("7", "1"))
    assert "1. Báo cáo" in item.plain
    assert item.action("Quay lại") == f"back:{report.id}"
    await talk.press(item, "Quay lại")
    opened = await only(talk.say("7", "3"))
    assert "[I.2]" in opened.html


async def test_once_the_report_is_answered_numbers_and_all_mean_the_rest_of_that_morning(
    talk: Talk,
) -> None:
    (report,) = await morning_pages(talk)
    await talk.say("7", "1 đã xong", reply_to=report.remote_id)
    item = await only(talk.say("7", "3 đang làm 20%"))
    assert "[I.2]" in item.html
    await talk.say("7", "1 báo cáo đã nộp", reply_to=report.remote_id)
    answer = await only(talk.say("7", "tất cả đang làm, trừ 4: chưa làm"))
    assert answer.template == "recorded_several"
    said = {
        code: (await talk.obligation("30/KH-UBND", "stc", code, "2026")).progress
        for code in ("I.1", "I.2", "I.3", "BC.1")
    }
    assert said == {
        "I.1": "in_progress",
        "I.2": "in_progress",
        "I.3": "not_started",
        "BC.1": None,
    }


async def test_a_number_of_an_older_mornings_list_means_nothing_after_a_later_one(
    talk: Talk,
) -> None:
    (report,) = await morning_pages(talk)
    talk.now = datetime(2026, 11, 6, 7, 30, tzinfo=ZONE)
    later = await morning_pages(talk)
    assert [await lines_of(talk, page.id) for page in later] == [{1: "BC.1"}]
    await talk.say("7", "1 đang làm 50%", reply_to=report.remote_id)
    answer = await only(talk.say("7", "3 xong"))
    assert answer.template == "ask"
    assert (await talk.obligation("30/KH-UBND", "stc", "I.2", "2026")).state == "open"


async def test_no_later_date_is_asked_for_what_has_none(talk: Talk) -> None:
    await morning_pages(talk)
    answer = await only(talk.say("7", "3 xin gia hạn đến 20/12 do thiếu người"))
    assert answer.template == "extension_refused"
    assert "không cần đề nghị gia hạn" in answer.plain


async def test_the_list_can_be_asked_for_at_any_time(talk: Talk) -> None:
    answer = await only(talk.say("7", "/thuongxuyen"))
    assert "3 nhiệm vụ không có hạn" in answer.html
    assert answer.labels() == ["1", "2", "3", "Tất cả đang thực hiện"]
    await talk.say("7", "2 xong")
    assert (await talk.obligation("30/KH-UBND", "stc", "I.2", "2026")).state == "submitted"
    again = await only(talk.say("7", "/thuongxuyen"))
    assert again.labels() == ["1", "2", "Tất cả đang thực hiện"]


async def test_what_is_due_and_what_is_not_stand_apart(talk: Talk) -> None:
    owed = await only(talk.say("7", "/viec"))
    items: Any = owed.answer.context["items"]
    assert [item["code"] for item in items] == ["BC.1"]
    assert "3 nhiệm vụ không có hạn: gõ /thuongxuyen" in owed.html
    status = await only(talk.say("7", "/status"))
    assert "Trong đó 03 nhiệm vụ không có hạn" in status.html


# ------------------------------------------------------------------ counted, and asked again


async def test_a_coordinator_sees_this_years_question_and_no_other(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 2, 8, tzinfo=ZONE)
    await talk.say("7", "/thuongxuyen")
    await talk.say("7", "1 đang làm 40%")
    part = await only(talk.say("8", "/status I.1"))
    assert "Chưa hoàn thành (3)" in part.html
    assert part.html.count("Sở Tài chính") == 1
    assert "Sở Tài chính: không có hạn · đang thực hiện 40%" in part.html


async def confirmed(talk: Talk, code: str) -> None:
    async with talk.database.write() as connection:
        await connection.execute(
            update(Obligation)
            .where(Obligation.code == code, Obligation.period == "2026")
            .values(state="confirmed", done_on=date(2026, 11, 2), confirmed_at=talk.now)
        )
        await materialise(connection, talk.registry, today=date(2026, 11, 3))


async def test_a_task_done_for_good_is_asked_about_no_more(talk: Talk) -> None:
    assert (await talk.obligation("30/KH-UBND", "stc", "I.2", "2027")).state == "open"
    await confirmed(talk, "I.2")
    assert (await talk.obligation("30/KH-UBND", "stc", "I.2", "2027")).state == "withdrawn"
    talk.now = datetime(2027, 1, 5, 8, tzinfo=ZONE)
    part = await only(talk.say("8", "/status I.2"))
    assert "Hoàn thành đúng hạn" in part.html


async def test_done_for_good_is_withdrawn_though_another_agency_has_the_task_still(
    database: Database,
) -> None:
    shared = 'leads: ["Sở Tài chính", "Sở Xây dựng"],\n     period: {raw: "", kind: missing}'
    plan = PLAN.replace(shared.replace(', "Sở Xây dựng"', ""), shared)
    talk = await Talk(database, registry_of(plan), datetime(2026, 10, 1, 8, tzinfo=ZONE)).begin()
    async with talk.database.write() as connection:
        stc = select(Agency.id).where(Agency.province == "dong", Agency.code == "stc")
        await connection.execute(
            update(Obligation)
            .where(Obligation.code == "I.2", Obligation.period == "2026")
            .where(Obligation.agency_id == stc.scalar_subquery())
            .values(state="confirmed", done_on=date(2026, 11, 2), confirmed_at=talk.now)
        )
        await materialise(connection, talk.registry, today=date(2026, 11, 3))
    assert (await talk.obligation("30/KH-UBND", "stc", "I.2", "2027")).state == "withdrawn"
    assert (await talk.obligation("30/KH-UBND", "sxd", "I.2", "2027")).state == "open"


async def test_a_task_of_every_year_is_asked_about_anew(talk: Talk) -> None:
    await confirmed(talk, "I.1")
    assert (await talk.obligation("30/KH-UBND", "stc", "I.1", "2027")).state == "open"
    talk.now = datetime(2027, 1, 5, 8, tzinfo=ZONE)
    part = await only(talk.say("8", "/status I.1"))
    assert "Đang thực hiện, trong hạn · 0/3 cơ quan hoàn thành" in part.html


async def test_planning_twice_changes_nothing(talk: Talk) -> None:
    async with talk.database.write() as connection:
        counts = await materialise(connection, talk.registry, today=date(2026, 10, 1))
    assert (counts.added, counts.moved, counts.withdrawn) == (0, 0, 0)


async def test_one_that_is_disputed_goes_to_another_agency_even_after_its_day(talk: Talk) -> None:
    await talk.enrol("9", "dong", "sxd")
    talk.now = datetime(2026, 12, 1, 8, tzinfo=ZONE)
    await talk.say("7", "/thuongxuyen")
    _, told = await talk.say("7", "2 không phải nhiệm vụ của Sở Tài chính")
    asked = await only(talk.press(told, "Giao cơ quan khác"))
    assert asked.template == "ask_decision"
    answers = await talk.say("8", "Sở Xây dựng")
    assert {"assigned", "notice_decision"} <= {answer.template for answer in answers}
    moved = await talk.obligation("30/KH-UBND", "sxd", "I.2", "2026")
    old = await talk.obligation("30/KH-UBND", "stc", "I.2", "2026")
    assert (moved.state, old.state) == ("open", "superseded")
