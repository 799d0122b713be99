"""Decisions typed with a number: "2 trả lại thiếu phụ lục", "xác nhận 2", "xác nhận tất cả"."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bot.conversation.decisions.typed import TypedDecision, read_typed_decision
from data.db.database import Database
from data.models import Decision, ExtensionRequest
from tests.support.conversations import Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # Monday
PLAN = "10/KH-UBND"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )


async def submit(talk: Talk, *agencies: str) -> None:
    for agency in agencies:
        row = await talk.obligation(PLAN, agency, "BC.1", "2026")
        await talk.tap(agency, f"done:{row.id}")


async def state_of(talk: Talk, agency: str) -> str:
    return str((await talk.obligation(PLAN, agency, "BC.1", "2026")).state)


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("2 trả lại thiếu phụ lục", TypedDecision(False, 2, "thiếu phụ lục")),
        ("2 tra lai vi thieu phu luc", TypedDecision(False, 2, "thieu phu luc")),
        ("Số 2: trả lại, lý do: thiếu phụ lục 1", TypedDecision(False, 2, "thiếu phụ lục 1")),
        ("trả lại số 2 do thiếu phụ lục", TypedDecision(False, 2, "thiếu phụ lục")),
        ("2 chưa đạt, thiếu phụ lục", TypedDecision(False, 2, "thiếu phụ lục")),
        ("trả lại vì thiếu phụ lục", TypedDecision(False, None, "thiếu phụ lục")),
        ("3 không đồng ý", TypedDecision(False, 3, "")),
        ("xác nhận 2", TypedDecision(True, 2, "")),
        ("2 đồng ý ạ", TypedDecision(True, 2, "")),
        ("2 xong", None),
        ("2 xác nhận giúp em khi nào xong", None),
        ("đồng ý", None),
        ("trả lại", None),
        ("xác nhận tất cả", None),
    ],
)
def test_words_with_a_number_are_read_as_a_decision(
    text: str, decision: TypedDecision | None
) -> None:
    assert read_typed_decision(text) == decision


async def test_a_listed_completion_is_returned_with_the_reason_typed_beside_its_number(
    talk: Talk,
) -> None:
    await submit(talk, "stc", "sxd")
    await talk.say("coordinator", "/xacnhan")
    echo, notice = await talk.say("coordinator", "2 trả lại thiếu phụ lục")
    assert (echo.template, notice.template) == ("decided", "notice_decision")
    assert "thiếu phụ lục" in notice.plain
    assert notice.chat in ("stc", "sxd")
    other = "sxd" if notice.chat == "stc" else "stc"
    assert (await state_of(talk, notice.chat), await state_of(talk, other)) == ("open", "submitted")
    await talk.say("coordinator", "/xacnhan")
    confirmed, *_ = await talk.say("coordinator", "trả lại")
    assert confirmed.template == "ask_decision"  # the button's label asks for the reason


async def test_a_number_without_a_reason_is_asked_for_it(talk: Talk) -> None:
    await submit(talk, "stc", "sxd")
    await talk.say("coordinator", "/xacnhan")
    (asked,) = await talk.say("coordinator", "1 trả lại")
    assert asked.template == "ask_decision"
    echo, _ = await talk.say("coordinator", "thiếu biểu số 2")
    assert echo.template == "decided"


async def test_a_listed_completion_is_confirmed_by_number_and_word(talk: Talk) -> None:
    await submit(talk, "stc", "sxd")
    await talk.say("coordinator", "/xacnhan")
    echo, notice = await talk.say("coordinator", "xác nhận 1")
    assert (echo.template, notice.template) == ("decided", "notice_decision")
    assert await state_of(talk, notice.chat) == "confirmed"


async def test_an_extension_is_refused_by_number_with_its_reason(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "1 xin gia hạn đến 25/11 do chờ số liệu các xã")
    await talk.say("coordinator", "/giahan")
    echo, notice = await talk.say("coordinator", "không đồng ý vì đã gia hạn một lần")
    assert (echo.template, notice.template) == ("decided", "notice_decision")
    async with talk.database.read() as connection:
        states = await connection.scalars(select(ExtensionRequest.state))
    assert list(states) == ["refused"]


async def test_confirming_all_without_a_list_shows_what_waits(talk: Talk) -> None:
    await submit(talk, "stc", "sxd")
    (shown,) = await talk.say("coordinator", "xác nhận tất cả")
    assert shown.template == "to_confirm"
    (preview,) = await talk.say("coordinator", "xác nhận tất cả")
    assert preview.template == "preview"
    async with talk.database.read() as connection:
        assert (await connection.scalars(select(Decision.id))).all() == []


async def test_who_may_not_decide_gets_a_refusal_that_names_the_rule(talk: Talk) -> None:
    await submit(talk, "stc", "sxd")
    (refused,) = await talk.say("leader", "xác nhận tất cả")
    assert "lãnh đạo được giao quyền quyết định" in refused.plain
    before = await state_of(talk, "stc")
    await talk.say("leader", "/quahan")
    await talk.say("leader", "1 trả lại thiếu phụ lục")
    await talk.say("stc", "/viec")
    await talk.say("stc", "1 trả lại thiếu phụ lục")
    assert await state_of(talk, "stc") == before == "submitted"
