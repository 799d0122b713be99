"""Objections to figures: recorded and told, answered, and never a state, a completion or "not ours"."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data.clock import ZONE
from data.db.database import Database
from data.models import Obligation, StatusReply
from data.reports.evidence_events import load_evidence_events
from data.reports.evidence_sheet import load_evidence_facts
from tests.support.conversations import Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 8, tzinfo=ZONE)
FOCAL, COORDINATOR = "7", "8"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat(FOCAL, "dong", "stc"), Seat(COORDINATOR, "dong", "skhcn", "coordinator")
    )


async def kept(talk: Talk) -> list[tuple[Any, ...]]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(StatusReply.said, StatusReply.note).order_by(StatusReply.id)
        )
        return [tuple(row) for row in rows]


async def state_of_task(talk: Talk) -> Any:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(Obligation).where(Obligation.code == "1"))
        return rows.all()


async def object_to(talk: Talk, text: str) -> tuple[Reply, Reply]:
    await talk.say(FOCAL, "/viec")
    passed, notice = await talk.say(FOCAL, text)
    assert (passed.template, notice.template) == ("question_passed", "notice_question")
    assert notice.chat == COORDINATOR
    return passed, notice


async def test_an_objection_is_kept_told_and_answered(talk: Talk) -> None:
    text = "1 khiếu nại số liệu: đã nộp ngày 05/11, số 12/BC-STC"
    passed, notice = await object_to(talk, text)
    assert "Khiếu nại số liệu đã được ghi nhận" in passed.plain
    assert "Báo cáo năm 2026" in passed.plain
    assert "Sở Tài chính khiếu nại số liệu" in notice.plain
    assert text in notice.plain
    assert await kept(talk) == [("objection", text)]
    sent, brought = await talk.say(COORDINATOR, "đã cập nhật", reply_to=notice.remote_id)
    assert sent.template == "answer_sent"
    assert (brought.chat, "đã cập nhật" in brought.plain) == (FOCAL, True)
    assert "trả lời khiếu nại số liệu" in brought.plain


async def test_an_objection_is_taken_back_and_leaves_the_evidence_sheet(talk: Talk) -> None:
    await object_to(talk, "1 khiếu nại số liệu: đã nộp ngày 10/11")
    back, told = await talk.say(FOCAL, "huỷ")
    assert "Đã rút lại khiếu nại số liệu" in back.plain
    assert (told.template, told.chat) == ("question_withdrawn", COORDINATOR)
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    async with talk.database.read() as connection:
        events = await load_evidence_events(
            connection, [row.id], until=talk.now + timedelta(days=1)
        )
    assert row.id not in events or events[row.id].objections == []


async def test_an_objection_changes_no_state_and_names_no_other_agency(talk: Talk) -> None:
    before = await state_of_task(talk)
    await object_to(talk, "việc 2 thống kê sai, đơn vị đã báo cáo rồi")
    assert await state_of_task(talk) == before


async def test_the_one_item_overdue_is_meant_where_none_is_named(talk: Talk) -> None:
    talk.now += timedelta(days=14)
    passed, _ = await object_to(talk, "số liệu quá hạn của sở là sai, đã nộp ngày 10/11")
    assert "[BC.1]" in passed.plain


async def test_of_several_items_it_is_asked_which_and_nothing_kept(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    (asked,) = await talk.say(FOCAL, "khiếu nại số liệu quá hạn")
    assert asked.template == "ask"
    assert "khiếu nại số liệu của nhiệm vụ nào" in asked.plain
    assert await kept(talk) == []


async def test_the_number_named_anywhere_is_the_item_not_that_of_a_document(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "1")
    passed, _ = await talk.say(FOCAL, "khiếu nại số liệu việc 2, công văn số 3 ngày 5/11 đã gửi")
    assert "Rà soát chi ngân sách" in passed.plain


async def test_the_document_of_an_objection_bears_out_no_completion(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "2 xong")
    await talk.say(FOCAL, "1 khiếu nại số liệu: đã nộp, số 12/BC-STC ngày 05/11/2026")
    async with talk.database.read() as connection:
        documents = (await connection.scalars(select(StatusReply.document))).all()
    assert set(documents) == {None}


async def test_an_explanation_with_words_of_an_objection_stays_one(talk: Talk) -> None:
    talk.now += timedelta(days=14)
    shown = await talk.say(COORDINATOR, "/giaitrinh BC.1")
    asked = next(
        each for each in await talk.press(shown[0], shown[0].labels()[0]) if each.chat == FOCAL
    )
    answers = await talk.say(
        FOCAL, "số liệu quá hạn sai, đã nộp ngày 10/11", reply_to=asked.remote_id
    )
    assert answers[0].template != "question_passed"


async def test_the_evidence_sheet_shows_it_in_its_column(talk: Talk) -> None:
    await object_to(talk, "1 khiếu nại số liệu: đã nộp ngày 05/11")
    async with talk.database.read() as connection:
        facts = await load_evidence_facts(
            connection,
            talk.registry,
            "dong",
            "stc",
            month=date(2026, 11, 1),
            today=date(2026, 11, 30),
        )
    (line,) = [each for each in facts.lines if each.code == "BC.1"]
    assert list(line.objections) == ["09/11/2026: 1 khiếu nại số liệu: đã nộp ngày 05/11"]


async def test_the_agencys_own_sheet_tells_what_waits_and_how_to_object(talk: Talk) -> None:
    await talk.say(FOCAL, "/viec")
    await talk.say(FOCAL, "1 xong")
    (told,) = await talk.say(FOCAL, "/minhchung 11/2026")
    assert "01 nội dung đã báo cáo hoàn thành, chờ xác nhận" in told.plain
    assert "khiếu nại số liệu:" in told.plain
