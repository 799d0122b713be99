"""One person on two messengers: one of them is written to, the one preferred, while it lives."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from data.accounts.leases import stop_account
from data.contacts.recipients import list_recipients
from data.db.database import Database
from data.models import Account, Chat, Enrolment, Person
from tests.support.conversations import Reply, Seat, Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    talk = await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))
    async with database.write() as connection:
        await connection.execute(
            insert(Account).values(channel="zalo_bot", name="7001", title="Bot Nhắc Việc")
        )
    return talk


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    return answer


def on_zalo(talk: Talk) -> Talk:
    """Return the same conversations on the other account."""
    return Talk(
        talk.database, talk.registry, talk.now, account_id=2, longest=2000, _events=talk._events
    )


async def add_zalo(talk: Talk) -> list[Reply]:
    made = await only(talk.say("7", "/kenh thêm"))
    code: Any = made.answer.context["code"]
    return await on_zalo(talk).say("z7", code)


async def reached(talk: Talk) -> list[str]:
    agency = await talk.agency_id("dong", "stc")
    async with talk.database.read() as connection:
        found = (await list_recipients(connection, [agency], today=NOW.date())).get(agency, [])
        ids = [place.chat_id for place in found]
        rows = await connection.scalars(select(Chat.address).where(Chat.id.in_(ids)))
        return list(rows)


async def test_a_second_chat_is_the_same_persons_and_is_not_written_to_yet(talk: Talk) -> None:
    welcome, added = await add_zalo(talk)
    assert (welcome.template, added.template) == ("welcome", "channel_added")
    assert await reached(talk) == ["7"]
    async with talk.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(Person)) == 1
        assert await connection.scalar(select(func.count()).select_from(Enrolment)) == 2
    assert (await only(on_zalo(talk).say("z7", "/viec"))).template == "viec"


async def test_messages_go_where_the_person_prefers(talk: Talk) -> None:
    await add_zalo(talk)
    shown = await only(on_zalo(talk).say("z7", "/kenh đây"))
    assert "Từ nay tin đến kênh này" in shown.plain
    assert "Zalo, Bot Nhắc Việc (kênh này): đang nhận tin" in shown.plain
    assert await reached(talk) == ["z7"]
    assert "Zalo, Bot Nhắc Việc: <b>đang nhận tin</b>" in (await only(talk.say("7", "/kenh"))).html


async def test_where_the_preferred_chat_is_lost_the_other_takes_over(talk: Talk) -> None:
    await add_zalo(talk)
    await on_zalo(talk).say("z7", "/kenh đây")
    async with talk.database.write() as connection:
        await stop_account(connection, 2, why="refused", now=NOW)
    assert await reached(talk) == ["7"]
    async with talk.database.write() as connection:
        await connection.execute(update(Account).values(stopped_at=None))
        await connection.execute(update(Chat).where(Chat.address == "z7").values(state="gone"))
    assert await reached(talk) == ["7"]
    shown = await only(talk.say("7", "/kenh"))
    assert "Zalo, Bot Nhắc Việc: không gửi được" in shown.html


async def test_an_answer_in_one_chat_counts_in_the_other(talk: Talk) -> None:
    await add_zalo(talk)
    await talk.say("7", "/viec")
    await on_zalo(talk).say("z7", "/viec")
    await talk.say("7", "BC.1 đã xong")
    answer = await only(on_zalo(talk).say("z7", "1 đang làm"))
    assert answer.answer.context["corrected"] is True
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).state == "open"


async def test_the_code_for_oneself_makes_nobody_else_of_anybody(talk: Talk) -> None:
    await talk.enrol("8", "dong", "sxd")
    made = await only(talk.say("7", "/kenh thêm"))
    code: Any = made.answer.context["code"]
    assert (await only(talk.say("7", code))).template == "code_own"
    assert (await only(talk.say("8", code))).template == "code_another"
    assert (await add_zalo(talk))[0].template == "welcome"


async def test_in_a_group_no_channel_is_shown(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    await talk.enrol("9", "dong", "stc")
    assert (await only(talk.say("-5", "/kenh", sender="9"))).template == "private_only"
