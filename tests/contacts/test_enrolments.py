"""Codes, enrolments, and where people are reached."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from data.contacts import codes, enrolments
from data.contacts.chats import pause_chat, wake_chat
from data.contacts.recipients import agency_recipients, deciding_leader_recipients
from data.db.database import Database
from data.models import Account, Chat, Enrolment, Identity, Invitation, Person
from tests.support.conversations import Talk, small_registry

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin()


async def rows_of(talk: Talk, table: Any) -> list[Any]:
    async with talk.database.read() as connection:
        return list(await connection.execute(select(table)))


async def test_code_has_fifty_bits_of_base32_and_only_its_hash_is_kept(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code)
    (invitation,) = await rows_of(talk, Invitation)
    assert invitation.code_hash == codes.hash_code(code)
    assert len(invitation.code_hash) == 64
    assert code.replace("-", "").lower() not in str(tuple(invitation)).lower()
    assert invitation.expires_at == NOW + timedelta(days=7)


def test_code_is_read_whatever_its_case_and_dash_and_misread_letters() -> None:
    wanted = codes.hash_code("0AB1C-DEF1Z")
    for typed in ("0ab1c-def1z", "OABIC DEFLZ", "0AB1CDEF1Z", " 0AB1C–DEF1Z "):
        assert codes.hash_code(typed) == wanted
    for typed in ("", "0AB1C-DEF1", "0AB1C-DEF1U", "0AB1C-DEF1Zx", "xin chao anh"):
        assert codes.hash_code(typed) is None


@pytest.mark.parametrize(
    ("text", "stranger", "is_code"),
    [
        ("/start 0AB1C-DEF1Z", False, True),
        ("/start@nhacviec_bot 0AB1CDEF1Z", False, True),
        ("/START 0ab1c-def1z", True, True),
        ("0AB1C-DEF1Z", False, True),
        ("0AB1CDEF1Z", True, True),
        ("0AB1CDEF1Z", False, False),
        ("trang cachs", False, False),
        ("/start", True, False),
        ("/start xin chao", True, False),
    ],
)
def test_what_is_surely_meant_as_a_code_stands_alone_or_after_start(
    text: str, stranger: bool, is_code: bool
) -> None:
    found = codes.find_codes(text, stranger=stranger)
    assert any(code.is_meant for code in found) is is_code


async def test_code_enrols_once(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    (first,) = await talk.say("7", f"/start {code}")
    (second,) = await talk.say("8", code)
    assert first.template == "welcome"
    assert first.answer.context["on_behalf"] == ["Sở Khoa học và Công nghệ"]
    assert second.template == "code_wrong"
    (enrolment,) = await rows_of(talk, Enrolment)
    assert enrolment.role == "focal"
    assert enrolment.person_id is not None


async def test_code_expires_after_seven_days(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    talk.now = NOW + timedelta(days=7)
    (answer,) = await talk.say("7", f"/start {code}")
    assert answer.template == "code_wrong"
    assert await rows_of(talk, Enrolment) == []


async def test_wrong_used_and_expired_codes_are_told_apart_by_nobody(talk: Talk) -> None:
    used = await talk.invite("dong", "stc", "focal")
    await talk.say("7", f"/start {used}")
    stale = await talk.invite("dong", "sxd", "focal")
    talk.now = NOW + timedelta(days=8)
    texts = {(await talk.say("8", code))[0].html for code in (used, stale, "AAAAA-AAAAA")}
    assert len(texts) == 1


async def test_fifth_wrong_code_locks_the_chat_for_an_hour_even_for_the_right_one(
    talk: Talk,
) -> None:
    right = await talk.invite("dong", "stc", "focal")
    answers = [(await talk.say("7", "AAAAA-AAAAA"))[0].template for _ in range(5)]
    assert answers == ["code_wrong"] * 4 + ["code_locked"]
    (locked,) = await talk.say("7", right)
    assert locked.template == "code_locked"
    assert await talk.say("7", right) == []  # told once in ten minutes
    talk.now = NOW + timedelta(hours=1)
    (welcome,) = await talk.say("7", right)
    assert welcome.template == "welcome"


async def test_a_right_code_clears_the_count_of_wrong_ones(talk: Talk) -> None:
    for _ in range(4):
        await talk.say("7", "AAAAA-AAAAA")
    await talk.enrol("7", "dong", "stc")
    (answer,) = await talk.say("7", "AAAAA-AAAAA")
    assert answer.template == "code_wrong"


async def test_group_is_enrolled_itself_and_nobody_in_it(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    (welcome,) = await talk.say("-100", f"/start@bot {code}", sender="55")
    assert welcome.answer.context["in_group"] is True
    (enrolment,) = await rows_of(talk, Enrolment)
    assert enrolment.person_id is None
    assert await rows_of(talk, Person) == []


async def test_leaders_code_is_refused_in_a_group_and_not_used_up(talk: Talk) -> None:
    code = await talk.invite("dong", "ubnd", "leader", may_decide=True)
    (refused,) = await talk.say("-100", f"/start {code}", sender="55")
    assert refused.template == "code_private_only"
    (welcome,) = await talk.say("55", f"/start {code}")
    assert welcome.template == "welcome"
    (enrolment,) = await rows_of(talk, Enrolment)
    assert enrolment.may_decide is True


async def test_of_a_stranger_no_name_and_no_person_is_kept(talk: Talk) -> None:
    await talk.say("7", "xin chào")
    assert await rows_of(talk, Person) == []
    assert await rows_of(talk, Identity) == []
    (chat,) = await rows_of(talk, Chat)
    assert chat.title is None


async def test_same_person_enrolled_twice_is_one_person(talk: Talk) -> None:
    await talk.enrol("7", "dong", "stc")
    await talk.enrol("7", "dong", "sxd")
    await talk.enrol("7", "dong", "sxd")
    assert len(await rows_of(talk, Person)) == 1
    assert len(await rows_of(talk, Enrolment)) == 2


async def test_each_person_and_each_group_is_reached_in_its_first_living_chat(
    talk: Talk,
) -> None:
    stc = await talk.agency_id("dong", "stc")
    await talk.enrol("7", "dong", "stc")
    await talk.enrol("-100", "dong", "stc")
    async with talk.database.write() as connection:
        chats = {row.address: row.id for row in await connection.execute(select(Chat))}
        person = await enrolments.find_person(connection, talk.account_id, "7")
        other = await connection.execute(
            insert(Account).values(channel="local", name="other").returning(Account.id)
        )
        other_id = other.scalar_one()
        added = await connection.execute(
            insert(Chat).values(account_id=other_id, address="z", kind="private").returning(Chat.id)
        )
        second = added.scalar_one()
        await enrolments.enrol(
            connection, chat_id=second, person_id=person, agency_id=stc, role="focal", now=NOW
        )

        async def reached() -> set[int]:
            return {
                place.chat_id
                for place in await agency_recipients(connection, stc, today=NOW.date())
            }

        assert await reached() == {chats["7"], chats["-100"]}
        await pause_chat(connection, chats["7"], why="chặn", now=NOW)
        assert await reached() == {second, chats["-100"]}
        await connection.execute(
            update(Account).where(Account.id == other_id).values(stopped_at=NOW)
        )
        assert await reached() == {chats["-100"]}
        await wake_chat(connection, chats["7"])
        assert await reached() == {chats["7"], chats["-100"]}


async def test_only_leaders_who_may_decide_hear_what_leaders_decide(talk: Talk) -> None:
    await talk.enrol("1", "dong", "ubnd", "leader", may_decide=True)
    await talk.enrol("2", "dong", "ubnd", "leader")
    await talk.enrol("3", "tay", "ubnd", "leader", may_decide=True)
    async with talk.database.read() as connection:
        places = await deciding_leader_recipients(connection, "dong", today=NOW.date())
        rows = await connection.execute(
            select(Chat.address).where(Chat.id.in_([place.chat_id for place in places]))
        )
        assert list(rows.scalars()) == ["1"]


async def test_group_that_became_a_supergroup_is_found_by_both_addresses(talk: Talk) -> None:
    await talk.enrol("-100", "dong", "stc")
    await talk.say("-200", "/viec")  # the platform spoke of the new one first
    await talk.happen("-100", "moved", "-200")
    (by_new,) = await talk.say("-200", "/viec")
    (by_old,) = await talk.say("-100", "/viec")
    assert by_new.template == by_old.template == "viec"
    async with talk.database.read() as connection:
        living = await connection.scalar(
            select(func.count()).select_from(Chat).where(Chat.state == "living")
        )
        assert living == 1


async def test_chat_that_blocked_us_is_paused_and_wakes_when_it_writes(talk: Talk) -> None:
    stc = await talk.agency_id("dong", "stc")
    await talk.enrol("7", "dong", "stc")
    assert await talk.happen("7", "gone") == []
    async with talk.database.read() as connection:
        assert await agency_recipients(connection, stc, today=NOW.date()) == []
    (answer,) = await talk.say("7", "/viec")
    assert answer.template == "viec"
    async with talk.database.read() as connection:
        assert len(await agency_recipients(connection, stc, today=NOW.date())) == 1


async def test_who_is_enrolled_again_with_more_rights_has_one_enrolment_with_them(
    talk: Talk,
) -> None:
    await talk.enrol("1", "dong", "ubnd", "leader")
    await talk.enrol("1", "dong", "ubnd", "leader", may_decide=True)
    held = [row for row in await rows_of(talk, Enrolment) if row.ended_at is None]
    assert [(row.role, row.may_decide) for row in held] == [("leader", True)]
