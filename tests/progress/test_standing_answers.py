"""What of earlier answers stands after a later one: trouble ends, questions stay, colleagues are told of people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from data.clock import civil_date
from data.db.database import Database
from data.progress.replies import record_reply
from data.registry.workdays import Workdays
from tests.support.conversations import Talk
from tests.support.decision_world import NUMBER, seated


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await seated(database)


async def test_a_completion_ends_the_trouble_told_before(talk: Talk) -> None:
    await talk.say("sxd", "BC.3 đang vướng kinh phí chưa được cấp")
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).blocked_at is not None
    talk.now += timedelta(days=1)
    await talk.say("sxd", "BC.3 đã xong")
    row = await talk.obligation(NUMBER, "sxd", "BC.3", "2026")
    assert (row.state, row.blocked_at) == ("submitted", None)


async def test_huy_takes_back_the_question_asked_since_and_once_more_the_answer(talk: Talk) -> None:
    await talk.say("sxd", "BC.3 đã xong")
    echo, *_ = await talk.say("sxd", "BC.3 hỏi: báo cáo này gửi theo mẫu nào ạ?")
    assert echo.template == "question_passed"
    back, *_ = await talk.say("sxd", "huỷ")
    assert back.template == "question_withdrawn"
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).state == "submitted"
    undone, *_ = await talk.say("sxd", "huỷ")
    assert undone.template == "undone"
    assert (await talk.obligation(NUMBER, "sxd", "BC.3", "2026")).state == "open"


async def test_what_nobody_said_contradicts_nobody(talk: Talk) -> None:
    """A status sheet's rows have no person; taking note of a task says nothing of it."""
    row = await talk.obligation(NUMBER, "stc", "BC.3", "2026")
    async with talk.database.write() as connection:
        await record_reply(
            connection,
            obligation_id=row.id,
            said="completed",
            now=talk.now,
            today=civil_date(talk.now),
            workdays=Workdays(),
            person_id=None,
            chat_id=None,
            event_id=None,
        )
    talk.now += timedelta(minutes=5)
    assert [each.template for each in await talk.say("stc", "BC.3 đang làm 40%")] == ["recorded"]
    await talk.say("stc2", "BC.1 đã nhận")
    echo, *others = await talk.say("stc", "BC.1 đang vướng, chưa có số liệu")
    assert echo.template == "recorded"
    assert "notice_other_answer" not in [each.template for each in others]


async def test_a_dispute_and_a_completion_contradict_each_other(talk: Talk) -> None:
    await talk.say("stc", "BC.3 không phải việc của chúng tôi")
    _, *others = await talk.say("stc2", "BC.3 đã xong")
    assert "notice_other_answer" in [each.template for each in others]
