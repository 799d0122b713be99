"""Escalation: announced to the agency, then told to the coordinator, then to the leaders, each once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from data.clock import civil_date
from data.db.database import Database
from data.models import Chat, Message, Obligation
from data.registry.registry import Registry
from jobs.morning.run import run_mornings
from jobs.rendering.renderer import Renderer
from tests.support.conversations import (
    CALENDAR,
    PROVINCE,
    TEMPLATES,
    WITH_BUTTONS,
    Seat,
    Talk,
    small_registry,
)
from tests.support.conversations import (
    PLAN as PLAN_FILE,
)
from tests.support.loaded_province import morning_of

PLAN = "10/KH-UBND"
RENDERER = Renderer(TEMPLATES)
LATE = "Quá hạn, chưa có kết quả"
REGISTRY = small_registry()  # BC.1 is due on Saturday 14/11/2026 and judged on Monday 16/11


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, REGISTRY, morning_of(date(2026, 11, 9))).begin(
        Seat("stc", "dong", "stc"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )


async def texts_on(talk: Talk, day: date) -> dict[str, str]:
    """Run a morning and return what each chat was told, as sent."""
    talk.now = morning_of(day)
    await run_mornings(talk.database, talk.registry, now=talk.now)
    told: dict[str, str] = {}
    async with talk.database.write() as connection:
        rows = await connection.execute(
            select(Message, Chat.address)
            .join(Chat, Chat.id == Message.chat_id)
            .where(Message.broadcast_on == day)
        )
        for row in rows.all():
            content = await RENDERER.content(
                connection, row, today=civil_date(talk.now), workdays=REGISTRY.workdays
            )
            if content is not None:
                sent = RENDERER.render(
                    content, WITH_BUTTONS, repeated=False, plain=False, address="x"
                )
                told[row.address] = told.get(row.address, "") + sent.text
        await connection.execute(
            update(Message).where(Message.broadcast_on == day).values(state="sent")
        )
    return told


async def run_to(talk: Talk, *days: int) -> dict[str, str]:
    told: dict[str, str] = {}
    for day in days:
        told = await texts_on(talk, date(2026, 11, day))
    return told


async def owed(talk: Talk) -> Any:
    return await talk.obligation(PLAN, "stc", "BC.1", "2026")


async def test_the_agency_is_told_beforehand_then_coordinator_and_leader_once_each(
    talk: Talk,
) -> None:
    first = await run_to(talk, 17)  # the first late day
    assert "báo cáo cơ quan theo dõi; từ 10 ngày làm việc, báo cáo Lãnh đạo" in first["stc"]
    assert (await owed(talk)).late_told == 1
    assert LATE not in (await run_to(talk, 18)).get("coordinator", "")
    third = await run_to(talk, 19)
    assert LATE in third["coordinator"]
    assert "Sở Tài chính" in third["coordinator"]
    assert "leader" not in third
    assert LATE not in third["stc"]
    assert (await owed(talk)).late_told == 2
    assert LATE not in (await run_to(talk, 20)).get("coordinator", "")
    # 24/11 is a day off: the tenth working day late is Tuesday 1/12
    for day in (date(2026, 11, 23), date(2026, 11, 25), date(2026, 11, 30)):
        assert LATE not in (await texts_on(talk, day)).get("leader", "")
    tenth = await texts_on(talk, date(2026, 12, 1))
    assert "Kính gửi: Lãnh đạo UBND tỉnh Đông" in tenth["leader"]
    assert "quá hạn 10 ngày làm việc" in tenth["leader"]
    assert (await owed(talk)).late_told == 3
    assert "leader" not in await texts_on(talk, date(2026, 12, 2))


async def test_who_was_not_told_beforehand_is_not_escalated_that_morning(talk: Talk) -> None:
    late = await run_to(talk, 20)  # nothing ran before: four working days late already
    assert "báo cáo cơ quan theo dõi" in late["stc"]
    assert LATE not in late.get("coordinator", "")
    assert LATE in (await run_to(talk, 23))["coordinator"]


async def test_what_was_answered_is_not_escalated(talk: Talk) -> None:
    await run_to(talk, 17)
    await talk.tap("stc", f"done:{(await owed(talk)).id}")
    assert "Sở Tài chính" not in (await run_to(talk, 19)).get("coordinator", "")


async def test_what_is_disputed_or_has_no_confirmed_date_is_not_escalated(talk: Talk) -> None:
    await run_to(talk, 17)
    row = await owed(talk)
    for values in ({"disputed_at": talk.now}, {"disputed_at": None, "due_proposed": True}):
        async with talk.database.write() as connection:
            await connection.execute(
                update(Obligation).where(Obligation.id == row.id).values(**values)
            )
        day = 19 if "due_proposed" not in values else 20
        assert LATE not in (await run_to(talk, day)).get("coordinator", "")


async def test_an_agency_without_a_chat_is_not_escalated_for_nobody_could_tell_it(
    talk: Talk,
) -> None:
    await run_to(talk, 17, 18, 19)
    assert (await talk.obligation(PLAN, "sxd", "BC.1", "2026")).late_told == 0


async def test_a_message_that_never_left_does_not_count_as_told(talk: Talk) -> None:
    await run_to(talk, 17, 18, 19)
    async with talk.database.write() as connection:
        await connection.execute(
            update(Message)
            .where(Message.broadcast_on == date(2026, 11, 19))
            .values(state="pending")
        )
    assert LATE in (await run_to(talk, 20))["coordinator"]


WITH_POLICE = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông").replace(
            "groups:", '  - {code: ca, name: "Công an tỉnh", kind: police}\ngroups:'
        ),
        "plans/dong-10.yaml": PLAN_FILE.format(
            slug="dong", number=PLAN, issued_on="2026-01-05"
        ).replace('from: ["các sở"]', 'from: ["các sở", "Công an tỉnh"]'),
        "calendar/2026.yaml": CALENDAR,
    }
)


async def test_a_body_outside_the_committee_is_never_warned_nor_escalated(
    database: Database,
) -> None:
    talk = await Talk(database, WITH_POLICE, morning_of(date(2026, 11, 9))).begin(
        Seat("ca", "dong", "ca"), Seat("coordinator", "dong", "skhcn", "coordinator")
    )
    first = await run_to(talk, 17)
    assert "Báo cáo năm 2026" in first["ca"]
    assert "báo cáo cơ quan theo dõi" not in first["ca"]
    await run_to(talk, 18, 19, 20, 23)
    assert (await talk.obligation(PLAN, "ca", "BC.1", "2026")).late_told == 0
