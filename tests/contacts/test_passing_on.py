"""What people pass on ends when theirs does: handing over, standing in, a second channel, codes made in chat."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from data.accounts.usage import list_account_usage
from data.accounts.usage_warnings import list_province_accounts
from data.contacts import people
from data.contacts.invitations import create_handover_code
from data.contacts.recipients import (
    agency_recipients,
    deciding_leader_recipients,
    list_private_chats,
)
from data.db.database import Database
from data.digests.queries import list_reachable_agency_codes
from data.models import Account, Chat, Enrolment, Identity
from data.outbox.lost_chats import topic_lost
from data.privacy import removal
from tests.support.conversations import Reply, Seat, Talk, small_registry
from tests.support.sources import MODULES, path_name, source

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in the province
LAST_DAY = datetime(2026, 11, 20, 16, 59, tzinfo=UTC)  # 20/11, 23:59 there
DAY_AFTER = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
        Seat("reader", "dong", "ubnd", "leader"),
    )


async def give(talk: Talk, giver: str, taker: str, text: str) -> list[Reply]:
    """Let somebody make a code by a command, and somebody else use it."""
    (made,) = await talk.say(giver, text)
    assert made.template == "code_made", made.plain
    return await talk.say(taker, str(made.answer.context["code"]))


async def stand_in(talk: Talk, giver: str, taker: str, until: str = "20/11") -> list[Reply]:
    return await give(talk, giver, taker, f"/doi nghỉ đến {until}")


async def is_let_in(talk: Talk, *chats: str, **more: Any) -> bool:
    """Tell whether all of the chats are shown anything, or none is."""
    shown = {(await talk.say(chat, "/status", **more))[0].template != "stranger" for chat in chats}
    assert len(shown) == 1
    return shown.pop()


async def person_of(talk: Talk, sender: str) -> int:
    async with talk.database.read() as connection:
        found = await connection.scalar(select(Identity.person_id).where(Identity.sender == sender))
    assert found is not None
    return found


# ------------------------------------------------------------------ the last day


@pytest.mark.parametrize("text", ["/doi", "/kenh thêm", "/doi nghỉ đến 1/12"])
async def test_what_a_stand_in_passes_on_ends_with_their_last_day(talk: Talk, text: str) -> None:
    await stand_in(talk, "stc", "standin")
    (welcome, *_) = await give(talk, "standin", "third", text)
    assert "đến hết ngày 20/11/2026" in welcome.plain
    await give(talk, "third", "fourth", "/doi")
    talk.now = LAST_DAY
    assert await is_let_in(talk, "fourth")
    talk.now = DAY_AFTER
    assert not await is_let_in(talk, "fourth", "third", "standin")
    assert await is_let_in(talk, "stc")


async def test_a_shorter_leave_of_a_stand_in_counts(talk: Talk) -> None:
    await stand_in(talk, "stc", "standin")
    await stand_in(talk, "standin", "third", "12/11")
    talk.now = datetime(2026, 11, 13, 1, 0, tzinfo=UTC)
    assert not await is_let_in(talk, "third")
    assert await is_let_in(talk, "standin", "stc")


async def test_a_code_says_until_when_what_it_gives_lasts(talk: Talk) -> None:
    await stand_in(talk, "stc", "standin")
    for text in ("/doi", "/kenh thêm", "/doi nghỉ đến 1/12"):
        (made, *_) = await talk.say("standin", text)
        assert "đến hết ngày 20/11/2026" in made.plain
    await talk.enrol("standin", "dong", "sxd")  # and now also something without an end
    (made,) = await talk.say("standin", "/doi")
    assert made.answer.context["until"] == ""


async def test_each_enrolment_passes_on_its_own_end(talk: Talk) -> None:
    await talk.enrol("standin", "dong", "sxd")
    await stand_in(talk, "stc", "standin")
    await give(talk, "standin", "third", "/doi")
    talk.now = DAY_AFTER
    (shown,) = await talk.say("third", "/viec")
    assert shown.answer.context["agencies"] == ["Sở Xây dựng"]


@pytest.mark.parametrize("text", ["/doi", "/kenh thêm", "/doi nghỉ đến 1/12"])
async def test_a_code_used_after_its_givers_last_day_gives_nothing(talk: Talk, text: str) -> None:
    talk.now = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    await stand_in(talk, "stc", "standin")
    (made, *_) = await talk.say("standin", text)
    talk.now = DAY_AFTER
    (answer,) = await talk.say("third", str(made.answer.context["code"]))
    assert answer.template == "code_wrong"


async def test_a_stand_ins_code_used_after_the_leave_gives_nothing(talk: Talk) -> None:
    (made,) = await talk.say("stc", "/doi nghỉ đến 10/11")
    talk.now = datetime(2026, 11, 12, 1, 0, tzinfo=UTC)
    (answer,) = await talk.say("third", str(made.answer.context["code"]))
    assert answer.template == "code_wrong"


async def test_who_takes_over_from_the_command_line_has_the_stand_ins_end_too(talk: Talk) -> None:
    await stand_in(talk, "stc", "standin")
    async with talk.database.write() as connection:
        code, _ = await create_handover_code(
            connection, person_id=await person_of(talk, "standin"), now=NOW
        )
    await talk.say("third", code)
    talk.now = DAY_AFTER
    assert not await is_let_in(talk, "third")


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("nghỉ đến 2026-12-05", date(2026, 12, 5)),
        ("nghỉ phép đến ngày 15 tháng sau", date(2026, 12, 15)),
        ("nghỉ đến hết tuần sau", date(2026, 11, 20)),
        ("nghỉ từ 12/11 đến 20/11", date(2026, 11, 20)),
        ("đi công tác đến 5.12.2026", date(2026, 12, 5)),
        ("nghỉ đến 15/12/2062", None),
        ("nghỉ đến 29/2/2027", None),
        ("nghỉ đến tết", None),
        ("nghỉ đến 15/12 âm lịch", None),
        ("nghỉ 5 ngày", None),
        ("nghỉ đến hôm qua", None),
    ],
)
async def test_a_leave_ends_on_the_day_that_is_said_or_is_asked_about(
    talk: Talk, words: str, until: date | None
) -> None:
    (answer,) = await talk.say("stc", f"/doi {words}")
    if until is None:
        assert answer.template == "usage"
    else:
        assert answer.answer.context["until"] == until.isoformat()


async def test_a_stand_in_of_two_people_stays_until_the_later_day(talk: Talk) -> None:
    await talk.enrol("stc-2", "dong", "stc")
    await stand_in(talk, "stc", "standin", "20/11")
    await stand_in(talk, "stc-2", "standin", "12/11")
    talk.now = LAST_DAY
    assert await is_let_in(talk, "standin")
    talk.now = DAY_AFTER
    assert not await is_let_in(talk, "standin")


async def test_a_right_of_ones_own_outlasts_a_leave_and_a_leave_none_of_ones_own(
    talk: Talk,
) -> None:
    await stand_in(talk, "stc", "standin")
    await talk.enrol("standin", "dong", "stc")  # now for good
    talk.now = DAY_AFTER
    assert await is_let_in(talk, "standin")


async def test_who_was_a_stand_in_may_be_one_again(talk: Talk) -> None:
    await stand_in(talk, "stc", "standin")
    talk.now = DAY_AFTER
    assert not await is_let_in(talk, "standin")
    await stand_in(talk, "stc", "standin", "1/12")
    assert await is_let_in(talk, "standin")


# ------------------------------------------------------------------ the day itself decides


async def test_in_a_group_a_stand_in_answers_until_the_last_day_and_no_morning_is_needed(
    talk: Talk,
) -> None:
    await talk.enrol("-5", "dong", "stc")
    await stand_in(talk, "stc", "standin")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    talk.now = LAST_DAY
    (echo,) = await talk.tap("-5", f"doing:{row.id}", sender="standin")
    assert echo.template == "recorded"
    talk.now = DAY_AFTER
    (refused,) = await talk.tap("-5", f"done:{row.id}", sender="standin")
    assert refused.template == "not_allowed"


async def test_the_day_decides_wherever_enrolments_are_asked_for(talk: Talk) -> None:
    await stand_in(talk, "leader", "standin", "20/11")
    await talk.enrol("sxd", "dong", "sxd")
    await stand_in(talk, "sxd", "sxd-2", "20/11")
    async with talk.database.write() as connection:
        await removal.remove_person(connection, await person_of(talk, "stc"), now=NOW)
    sxd = await talk.agency_id("dong", "sxd")
    sxd_2 = await person_of(talk, "sxd-2")

    async def seen(today: date) -> list[Any]:
        async with talk.database.read() as connection:
            return [
                len(await agency_recipients(connection, sxd, today=today)),
                len(await deciding_leader_recipients(connection, "dong", today=today)),
                len(await list_private_chats(connection, sxd_2, today=today)),
                len(await people.list_enrolled(connection, today=today)),
                [use.people for use in await list_account_usage(connection, today=today)],
                sum(
                    row.private
                    for row in await people.list_agencies_with_chats(
                        connection, "dong", today=today
                    )
                ),
                await list_province_accounts(connection, "dong", today=today),
                await list_reachable_agency_codes(connection, "dong", today=today),
            ]

    reachable = {"skhcn", "sxd"}
    assert await seen(date(2026, 11, 20)) == [2, 2, 1, 6, [6], 6, {1}, reachable]
    assert await seen(date(2026, 11, 21)) == [1, 1, 0, 4, [4], 4, {1}, reachable]


def test_whether_an_enrolment_lives_is_asked_by_one_condition() -> None:
    asks = re.compile(r"Enrolment\.ended_at\.is_\(None\)|enrolment\.ended_at IS NULL")
    places = {path_name(path) for path in MODULES if asks.search(source(path))}
    assert places == {
        "data/backup/restore.py",  # plain SQL, with the last day beside it
        "data/contacts/enrolments.py",  # what is to be ended or moved
        "data/outbox/claims.py",  # plain SQL, with the last day beside it
    }


# ------------------------------------------------------------------ before the last day


@pytest.mark.parametrize("text", ["/doi", "/kenh thêm", "/doi nghỉ đến 15/11"])
async def test_what_somebody_passed_on_ends_when_they_are_removed(talk: Talk, text: str) -> None:
    await stand_in(talk, "stc", "standin")
    await give(talk, "standin", "third", text)
    async with talk.database.write() as connection:
        await removal.remove_person(connection, await person_of(talk, "stc"), now=NOW)
    assert not await is_let_in(talk, "third", "stc")
    if text != "/doi":
        assert not await is_let_in(talk, "standin")


async def test_who_took_over_for_good_stays_when_the_giver_is_removed(talk: Talk) -> None:
    await give(talk, "stc", "successor", "/doi")
    async with talk.database.write() as connection:
        await removal.remove_person(connection, await person_of(talk, "stc"), now=NOW)
    assert await is_let_in(talk, "successor")


async def test_a_stand_in_ends_when_the_giver_hands_over(talk: Talk) -> None:
    await stand_in(talk, "stc", "standin")
    await give(talk, "stc", "successor", "/doi")
    assert await is_let_in(talk, "successor")
    assert not await is_let_in(talk, "standin")


async def test_a_stand_in_who_takes_over_for_good_stays(talk: Talk) -> None:
    await stand_in(talk, "stc", "standin")
    await give(talk, "stc", "standin", "/doi")
    talk.now = DAY_AFTER
    assert await is_let_in(talk, "standin")
    assert not await is_let_in(talk, "stc")


async def test_a_chat_that_moves_takes_its_ends_along(talk: Talk) -> None:
    await stand_in(talk, "coordinator", "standin")
    (made, *_) = await talk.say("standin", "/moi skhcn theo dõi")  # for the group of its agency
    await talk.say("-5", str(made.answer.context["code"]), sender="x")
    async with talk.database.write() as connection:
        group = select(Chat.id).where(Chat.address == "-5", Chat.thread == "").scalar_subquery()
        topic = await connection.scalar(
            insert(Chat)
            .values(
                account_id=talk.account_id, address="-5", thread="7", kind="group", title="Chủ đề"
            )
            .returning(Chat.id)
        )
        assert topic is not None
        await connection.execute(
            Enrolment.__table__.update().where(Enrolment.chat_id == group).values(chat_id=topic)
        )
        await topic_lost(connection, topic, now=NOW)
    assert await is_let_in(talk, "-5", sender="x")
    talk.now = DAY_AFTER
    assert await talk.say("-5", "xin chào", sender="x") == []
    assert not await is_let_in(talk, "-5", sender="x")


async def test_the_second_of_two_rights_that_met_in_one_chat_stays(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    await talk.enrol("-6", "dong", "stc")
    await talk.happen("-5", "moved", "-6")
    assert await is_let_in(talk, "-6", sender="x")
    async with talk.database.read() as connection:
        rows = (
            await connection.execute(
                select(Enrolment.id).where(
                    Enrolment.ended_at.is_(None), Enrolment.person_id.is_(None)
                )
            )
        ).all()
    assert len(rows) == 1


# ------------------------------------------------------------------ codes made in chat


async def test_a_stand_in_who_coordinates_lets_nobody_in_for_longer_into_their_agency(
    talk: Talk,
) -> None:
    await stand_in(talk, "coordinator", "standin")
    for text, taker in (("/moi skhcn theo dõi", "second"), ("/moi skhcn", "focal")):
        (made, *_) = await talk.say("standin", text)
        (welcome,) = await talk.say(taker, str(made.answer.context["code"]))
        assert "đến hết ngày 20/11/2026" in welcome.plain
    await give(talk, "second", "third", "/doi")
    talk.now = DAY_AFTER
    assert not await is_let_in(talk, "second", "third", "focal")


async def test_an_agency_that_a_stand_in_let_in_has_a_right_of_its_own(talk: Talk) -> None:
    await stand_in(talk, "coordinator", "standin")
    await give(talk, "standin", "sxd", "/moi sxd")
    talk.now = DAY_AFTER
    assert await is_let_in(talk, "sxd")


async def test_a_colleague_let_in_by_a_coordinator_stays_when_that_one_leaves(talk: Talk) -> None:
    await give(talk, "coordinator", "colleague", "/moi skhcn theo dõi")
    async with talk.database.write() as connection:
        await removal.remove_person(connection, await person_of(talk, "coordinator"), now=NOW)
    assert await is_let_in(talk, "colleague")


@pytest.mark.parametrize("end", ["removed", "handed over", "last day"])
async def test_a_code_opens_nothing_once_its_maker_is_out(talk: Talk, end: str) -> None:
    talk.now = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    await stand_in(talk, "coordinator", "standin")
    (made,) = await talk.say("standin", "/moi sxd")
    if end == "removed":
        async with talk.database.write() as connection:
            await removal.remove_person(connection, await person_of(talk, "standin"), now=talk.now)
    elif end == "handed over":
        await give(talk, "standin", "successor", "/doi")
    else:
        talk.now = DAY_AFTER
    (answer,) = await talk.say("sxd", str(made.answer.context["code"]))
    assert answer.template == "code_wrong"


async def test_a_code_stays_dead_when_its_maker_is_enrolled_again(talk: Talk) -> None:
    (invited,) = await talk.say("coordinator", "/moi sxd")
    (offered,) = await talk.say("coordinator", "/doi")
    async with talk.database.write() as connection:
        await removal.remove_person(connection, await person_of(talk, "coordinator"), now=NOW)
    await talk.enrol("coordinator", "dong", "skhcn", "coordinator")
    for made in (invited, offered):
        (answer,) = await talk.say("sxd", str(made.answer.context["code"]))
        assert answer.template == "code_wrong"


# ------------------------------------------------------------------ may_decide


async def decides(talk: Talk, chat: str) -> bool:
    (answer, *_) = await talk.say(chat, "/giao 4 sở xây dựng")
    assert answer.template in ("assigned", "cannot_decide", "assign_taken"), answer.plain
    return answer.template != "cannot_decide"


@pytest.mark.parametrize("text", ["/doi", "/doi nghỉ đến 20/11", "/kenh thêm"])
async def test_may_decide_is_passed_on_by_whom_it_was_given_to(talk: Talk, text: str) -> None:
    await give(talk, "reader", "reader-2", text)
    assert not await decides(talk, "reader-2")
    await give(talk, "leader", "leader-2", text)
    assert await decides(talk, "leader-2")


async def test_may_decide_for_the_time_of_a_leave_makes_no_reader_decide_for_good(
    talk: Talk,
) -> None:
    await stand_in(talk, "leader", "reader")
    talk.now = DAY_AFTER
    assert not await decides(talk, "reader")
    assert await is_let_in(talk, "reader")


async def test_a_second_channel_adds_nobody_elses_right(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(
            insert(Account).values(channel="zalo_bot", name="7001", title="Bot")
        )
    await stand_in(talk, "stc", "standin")
    (made,) = await talk.say("standin", "/kenh thêm")
    zalo = Talk(talk.database, talk.registry, NOW, account_id=2, _events=talk._events)
    await zalo.say("z", str(made.answer.context["code"]))
    zalo.now = DAY_AFTER
    assert not await is_let_in(zalo, "z")
