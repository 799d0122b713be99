"""Who takes an agency over from another gets one card of all that is open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from data.db.database import Database
from data.registry.registry import Registry
from tests.support.conversations import Reply, Seat, Talk, small_registry, small_texts

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
PLAN = "10/KH-UBND"


@pytest.fixture
async def talk(database: Database) -> Talk:
    seats = Seat("lan", "dong", "stc"), Seat("an", "dong", "skhcn", "coordinator")
    return await Talk(database, small_registry(), NOW).begin(*seats)


async def hand_over(talk: Talk, giver: str, taker: str, words: str = "/doi") -> list[Reply]:
    (offer,) = await talk.say(giver, words)
    return await talk.say(taker, f"/start {offer.answer.context['code']}")


async def test_a_successor_sees_what_is_due_promised_asked_and_waiting(talk: Talk) -> None:
    report = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    task = await talk.obligation(PLAN, "stc", "1", "end")
    done = await talk.obligation(PLAN, "stc", "2", "end")
    await talk.tap("lan", f"open:{report.id}")
    await talk.say("lan", "xin gia hạn đến 20/11 vì chờ số liệu của kho bạc")
    await talk.tap("lan", f"open:{task.id}")
    await talk.say("lan", "đang làm 60%")
    await talk.tap("lan", f"done:{done.id}")
    talk.now = NOW + timedelta(days=14)
    await talk.say("an", "/giaitrinh BC.1 vì sao chưa có kết quả")
    await talk.say("an", "gửi")  # it reaches several agencies: shown first
    welcome, card, told = await hand_over(talk, "lan", "binh")
    assert (welcome.template, card.template, told.template) == (
        "welcome",
        "handover_card",
        "handed_over",
    )
    assert "<b>Bảng bàn giao: Sở Tài chính</b>, tính đến ngày 23/11/2026" in card.html
    assert "<b>03 nội dung đang mở</b>" in card.html
    assert "đề nghị gia hạn" in card.html
    assert "đến 20/11/2026: xin gia hạn đến 20/11 vì chờ số liệu của kho bạc" in card.html
    assert "60%" in card.html
    assert "01 nội dung đã báo cáo hoàn thành, đang chờ xác nhận." in card.html
    assert "<b>01 đề nghị giải trình chưa trả lời:</b>" in card.html
    assert "vì sao chưa có kết quả" in card.html
    assert "Chị" not in card.html  # it names nobody
    (answer,) = await talk.say("binh", "1 đang làm 10%")
    assert answer.template == "recorded"


async def test_a_stand_in_gets_the_card_too(talk: Talk) -> None:
    templates = [r.template for r in await hand_over(talk, "lan", "binh", "/doi nghỉ đến 5/12")]
    assert templates == ["welcome", "handover_card", "handed_over"]


async def test_an_invited_successor_gets_it_and_the_first_of_an_agency_does_not(talk: Talk) -> None:
    assert [r.template for r in await talk.enrol("binh", "dong", "stc")] == [
        "welcome",
        "handover_card",
    ]
    assert [r.template for r in await talk.enrol("sxd", "dong", "sxd")] == ["welcome"]
    assert [r.template for r in await talk.enrol("-5", "dong", "stc")] == ["welcome"]


async def test_a_coordinators_successor_sees_what_waits_for_a_decision(talk: Talk) -> None:
    done = await talk.obligation(PLAN, "stc", "2", "end")
    report = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    await talk.tap("lan", f"done:{done.id}")
    await talk.tap("lan", f"open:{report.id}")
    await talk.say("lan", "xin gia hạn đến 20/11 vì chờ số liệu của kho bạc")
    _, card, _ = await hand_over(talk, "an", "cuc")
    assert "01 báo cáo chờ anh/chị xác nhận: /xacnhan" in card.html
    assert "01 đề nghị gia hạn chờ anh/chị quyết định: /giahan" in card.html


async def test_the_card_counts_what_is_due_later_as_viec_does(database: Database) -> None:
    texts = small_texts()
    distant = (
        '  - {code: "9", text: "Xây dựng trung tâm dữ liệu", leads: ["Sở Tài chính"],\n'
        '     period: {raw: "2026 - 2040", kind: fixed, start_year: 2026, end_year: 2040}}\n'
    )
    plan = texts["plans/dong-10.yaml"].replace("report_duties:\n", f"{distant}report_duties:\n")
    registry = Registry.from_texts({**texts, "plans/dong-10.yaml": plan})
    talk = await Talk(database, registry, NOW).begin(Seat("lan", "dong", "stc"))
    (listed,) = await talk.say("lan", "/viec")
    _, card, *_ = await hand_over(talk, "lan", "binh")
    assert card.template == "handover_card"
    assert card.answer.context["later"] == listed.answer.context["later"]
