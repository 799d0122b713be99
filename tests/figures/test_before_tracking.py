"""What was due before its plan was tracked: asked about once, late in no figure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data.clock import ZONE
from data.db.database import Database
from data.models import Message, MessageItem, Obligation
from jobs.morning.run import run_mornings
from tests.support.conversations import RENDERER, WITH_BUTTONS, Reply, Seat, Talk, small_registry
from tests.support.loaded_province import morning_of

# BC.1 of 2026 was due on Saturday 14/11; plan 10 is tracked from Monday 30/11.
BEGAN = datetime(2026, 11, 30, 6, tzinfo=ZONE)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), BEGAN).begin(
        Seat("7", "dong", "stc"),
        Seat("8", "dong", "skhcn", "coordinator"),
        Seat("9", "dong", "ubnd", "leader"),
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


async def mornings(talk: Talk, *days: date) -> dict[str, list[str]]:
    """Run mornings; returns what came into each chat."""
    told: dict[str, list[str]] = {}
    for day in days:
        talk.now = morning_of(day)
        await run_mornings(talk.database, talk.registry, now=talk.now)
        async with talk.database.write() as connection:
            rows = await connection.execute(select(Message).where(Message.broadcast_on == day))
            for row in rows.all():
                content = await RENDERER.content(
                    connection, row, today=day, workdays=talk.registry.workdays
                )
                assert content is not None
                shown = RENDERER.render(
                    content, WITH_BUTTONS, repeated=False, plain=True, address="x"
                )
                told.setdefault(str(row.chat_id), []).append(shown.text)
            await connection.execute(update(Message).values(state="sent"))
    return told


async def test_it_is_asked_about_once_and_never_escalated(talk: Talk) -> None:
    days = [date(2026, 11, 30), *(date(2026, 12, day) for day in (1, 2, 3, 4, 7, 14, 21))]
    told = await mornings(talk, *days)
    async with talk.database.read() as connection:
        asked = await connection.scalar(
            select(func.count())
            .select_from(MessageItem)
            .join(Obligation, Obligation.id == MessageItem.obligation_id)
            .join(Message, Message.id == MessageItem.message_id)
            .where(Obligation.code == "BC.1", Obligation.due_on == date(2026, 11, 14))
        )
        steps = await connection.scalars(
            select(Obligation.late_told).where(Obligation.due_on < date(2026, 11, 30))
        )
    assert asked == 1  # of Sở Tài chính; the other agency has no chat
    assert set(steps) == {0}
    words = "\n".join(text for texts in told.values() for text in texts)
    assert "đến hạn trước khi theo dõi, đề nghị báo kết quả" in words.casefold()
    assert "quá hạn, chưa có kết quả" not in words.casefold()


async def test_no_list_and_no_figure_calls_it_late(talk: Talk) -> None:
    talk.now = datetime(2026, 12, 15, 8, tzinfo=ZONE)
    overdue: Any = (await only(talk.say("8", "/quahan"))).answer.context
    assert overdue["total"] == 0
    assert {line["section"] for line in overdue["lines"]} == {"ended"}
    own = await only(talk.say("7", "/viec"))
    assert "BC.1" in own.plain
    assert "quá hạn" not in own.plain.casefold()
    status = await only(talk.say("8", "/status"))
    assert "quá hạn 0" in status.plain
    assert "14/11/2026" not in status.plain
    async with talk.database.read() as connection:
        late = await connection.scalar(
            select(func.count()).where(
                Obligation.judged_on < date(2026, 12, 15), Obligation.state == "open"
            )
        )
    assert late == 0


async def test_once_answered_it_was_done_on_time_and_a_later_date_is_judged(talk: Talk) -> None:
    talk.now = datetime(2026, 12, 1, 8, tzinfo=ZONE)
    await talk.say("7", "/viec")
    report = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    refused = await talk.say("7", "BC.1 xin gia hạn đến 20/12 do thiếu số liệu")
    assert refused[0].template == "extension_refused"
    echo = await talk.say("7", "BC.1 đã xong")
    assert "quá hạn" not in echo[0].plain.casefold()
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).state == "submitted"
    assert report.judged_on == date(9999, 12, 31)
