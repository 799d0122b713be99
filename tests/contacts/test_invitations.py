"""Letting people in from chat, urging, handing over, standing in; and what is kept of a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from data.accounts import leases
from data.accounts.usage import list_account_usage
from data.contacts import enrolments, people
from data.contacts.recipients import list_recipients
from data.db.database import Database
from data.models import (
    Account,
    Chat,
    Decision,
    Enrolment,
    Identity,
    InboxEvent,
    Invitation,
    Message,
    MessageItem,
    Obligation,
    StatusReply,
)
from data.privacy import personal_data, removal
from jobs.channel import Capabilities
from jobs.morning.run import MorningResult, compose_morning
from jobs.rendering.renderer import Content
from tests.support.conversations import (
    RENDERER,
    WITH_BUTTONS,
    WITHOUT,
    Reply,
    Seat,
    Talk,
    small_registry,
)

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # a Monday, 08:00 in the province
_REMINDED = (
    select(Chat.address)
    .join(Message, Message.chat_id == Chat.id)
    .where(Message.template == "reminder")
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("coordinator", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader"),
    )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def ask(talk: Talk, chat: str, text: str) -> Reply:
    return await only(talk.say(chat, text))


def code_of(answer: Reply) -> str:
    assert answer.template == "code_made"
    return str(answer.answer.context["code"])


async def rows(talk: Talk, statement: Any) -> list[Any]:
    async with talk.database.read() as connection:
        return list(await connection.execute(statement))


# ------------------------------------------------------------------ /donvi, /moi


async def test_agencies_without_a_chat_stand_first(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    answer = await ask(talk, "coordinator", "/donvi")
    agencies: Any = answer.answer.context["agencies"]
    assert [(a["name"], a["private"], a["groups"]) for a in agencies] == [
        ("Sở Xây dựng", 0, 0),
        ("UBND tỉnh", 1, 0),
        ("Sở Khoa học và Công nghệ", 1, 0),
        ("Sở Tài chính", 1, 1),
    ]
    assert "01 chat riêng, 01 nhóm; lần cuối 09/11/2026" in answer.html
    await talk.happen("stc", "gone")
    one = await ask(talk, "coordinator", "/donvi stc")
    assert one.answer.context["agencies"] == [
        {
            "name": "Sở Tài chính",
            "private": 0,
            "groups": 1,
            "gone": 1,
            "seen": "2026-11-09",
            "silent": False,
            "answered": "",
        }
    ]
    assert "Mời một cơ quan" not in (await ask(talk, "leader", "/donvi")).html


async def test_code_made_in_chat_enrols_once(talk: Talk) -> None:
    code = code_of(await ask(talk, "coordinator", "/moi sở xây dựng"))
    assert (await ask(talk, "new", f"/start {code}")).template == "welcome"
    assert (await ask(talk, "other", f"/start {code}")).template == "code_wrong"
    assert (await ask(talk, "new", "/viec")).template == "viec"


async def add_bot(talk: Talk, capabilities: Capabilities, name: str, **more: Any) -> int:
    """Open one more account; returns its id."""
    async with talk.database.write() as connection:
        key = await connection.scalar(
            insert(Account).values(channel="x", name=name, **more).returning(Account.id)
        )
    assert key is not None
    talk.capabilities[key] = capabilities
    return int(key)


async def test_links_bring_the_code_into_a_private_chat_and_a_group(talk: Talk) -> None:
    capabilities = replace(WITH_BUTTONS, start_links=True, messenger="Telegram")
    await add_bot(talk, capabilities, "77", link="https://t.me/nhacviec_bot")
    answer = await ask(talk, "coordinator", "/moi sxd")
    code = code_of(answer)
    assert f"Telegram: mở https://t.me/nhacviec_bot?start={code}\n" in answer.html
    assert f"https://t.me/nhacviec_bot?startgroup={code}" in answer.html
    handover = await ask(talk, "stc", "/doi")
    assert "?start=" in handover.html
    assert "startgroup" not in handover.html


async def test_where_the_code_is_typed_the_bot_with_most_room_is_named(talk: Talk) -> None:
    capabilities = replace(WITHOUT, messenger="Zalo", most_people=3)
    first, second, third = [
        await add_bot(talk, capabilities, str(number), link=f"https://bot.test/{number}")
        for number in (7001, 7002, 7003)
    ]
    unreached = await add_bot(talk, replace(capabilities, most_people=9), "7004")  # has no link yet
    home = talk.account_id

    async def enrol_on(account_id: int, *chats: str) -> None:
        talk.account_id = account_id
        for chat in chats:
            await talk.enrol(chat, "dong", "stc")
        talk.account_id = home

    async def told(chat: str = "coordinator", text: str = "/moi sxd") -> tuple[str, str]:
        answer = await ask(talk, chat, text)
        code = code_of(answer)
        return answer.plain.replace(code, "MÃ"), answer.html.replace(code, "MÃ")

    await enrol_on(first, "a", "b")
    await enrol_on(second, "c")
    await enrol_on(third, "d")
    assert unreached in talk.capabilities
    plain, html = await told()
    assert "\nZalo: mở https://bot.test/7002 rồi gửi: MÃ" in plain
    assert "\nZalo: mở https://bot.test/7002 rồi gửi: <code>MÃ</code>" in html
    assert plain.count("https://") == 1
    await enrol_on(second, "c")  # again: nobody new
    assert "bot.test/7002" in (await told())[0]
    async with talk.database.write() as connection:
        await leases.stop_account(connection, second, why="refused", now=NOW)
    assert "bot.test/7003" in (await told("stc", "/doi"))[0]
    await enrol_on(third, "e", "f")
    assert "bot.test/7001" in (await told())[0]
    await enrol_on(first, "g")
    plain, _ = await told()
    assert "Zalo: các tài khoản gửi tin đã đủ người, đề nghị báo quản trị bổ sung." in plain
    assert "https://" not in plain
    # A code is taken all the same: whom a platform serves is the platform's to say.
    await enrol_on(first, "h")
    async with talk.database.read() as connection:
        uses = {
            use.account_id: use.people
            for use in await list_account_usage(connection, today=NOW.date())
        }
    assert uses[first] == 4


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("/moi stc lãnh đạo", "moi_refused"),
        ("/moi stc theo dõi", "moi_refused"),
        ("/moi skhcn theo dõi", "code_made"),
        ("/moi SKHCN coordinator", "code_made"),
        ("/moi stc dau moi", "code_made"),
        ("/moi Sở Y tế", "nothing_found"),
        ("/moi", "usage"),
    ],
)
async def test_coordinator_lets_in_no_more_than_it_may(
    talk: Talk, text: str, template: str
) -> None:
    (answer, *_) = await talk.say("coordinator", text)  # a code is told to its agency, too
    assert answer.template == template


async def test_codes_are_not_shown_in_groups_nor_to_others(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "skhcn", "coordinator")
    answer = await only(talk.say("-5", "/moi stc", sender="coordinator"))
    assert answer.template == "private_only"
    assert (await only(talk.say("-5", "/moi stc", sender="unknown"))).template == "not_allowed"
    for chat in ("stc", "leader"):
        assert (await ask(talk, chat, "/moi stc")).template == "not_allowed"
    assert await rows(talk, select(Invitation).where(Invitation.used_at.is_(None))) == []


# ------------------------------------------------------------------ /nhac


async def reminders(talk: Talk) -> list[tuple[str, list[int], datetime]]:
    """Return every reminder put: its chat's address, its items, when it may go."""
    found = await rows(
        talk,
        select(Message.id, Chat.address, Message.send_at)
        .join(Chat, Chat.id == Message.chat_id)
        .where(Message.template == "reminder")
        .order_by(Message.id),
    )
    lines: list[tuple[str, list[int], datetime]] = []
    for message in found:
        items = await rows(
            talk,
            select(MessageItem.obligation_id)
            .where(MessageItem.message_id == message.id)
            .order_by(MessageItem.position),
        )
        lines.append((message.address, [item[0] for item in items], message.send_at))
    return lines


async def test_urging_reminds_who_has_not_answered_once_a_day(talk: Talk) -> None:
    await talk.enrol("sxd", "dong", "sxd")
    report = await talk.obligation("10/KH-UBND", "sxd", "BC.1", "2026")
    await talk.say("stc", "/viec")
    await talk.say("stc", "1 đã nhận")  # its report: answered
    first = await ask(talk, "coordinator", "/nhac BC.1")
    assert first.answer.context["sent"] == ["Sở Xây dựng"]
    assert first.answer.context["answered"] == 1
    assert await reminders(talk) == [("sxd", [report.id], NOW)]
    again = await ask(talk, "coordinator", "/nhac sxd")
    assert (again.answer.context["sent_count"], again.answer.context["already"]) == (
        0,
        ["Sở Xây dựng"],
    )
    assert len(await reminders(talk)) == 1
    talk.now += timedelta(days=1)
    assert (await ask(talk, "coordinator", "/nhac sxd")).answer.context["sent_count"] == 1
    await talk.say("sxd", "/viec")
    await talk.say("sxd", "đã nhận tất cả")
    talk.now += timedelta(days=1)
    calm = await ask(talk, "coordinator", "/nhac sxd")
    assert "không còn nhiệm vụ nào cần nhắc" in calm.html
    assert len(await reminders(talk)) == 2


async def test_what_was_due_before_tracking_is_urged_only_by_its_code(talk: Talk) -> None:
    async with talk.database.write() as connection:
        await connection.execute(update(Obligation).values(judged_on=date.max))
    answer = await ask(talk, "coordinator", "/nhac 10/KH-UBND stc")
    assert answer.answer.context["sent_count"] == 0
    assert await reminders(talk) == []
    assert (await ask(talk, "coordinator", "/nhac BC.1")).answer.context["sent_count"] == 1


async def test_urging_outside_sending_hours_waits_for_the_morning(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 14, 13, 0, tzinfo=UTC)  # Saturday evening
    answer = await ask(talk, "coordinator", "/nhac stc")
    assert "Đầu giờ làm việc thứ Hai, ngày 16/11/2026 sẽ nhắc" in answer.html
    ((_, _, send_at),) = await reminders(talk)
    assert send_at == datetime(2026, 11, 16, 0, 0, tzinfo=UTC)


async def test_urging_tells_who_has_no_chat_and_keeps_to_ones_plans(talk: Talk) -> None:
    answer = await ask(talk, "coordinator", "/nhac sxd")
    assert answer.answer.context["unreachable"] == ["Sở Xây dựng"]
    await talk.enrol("other", "dong", "stc", "coordinator")  # coordinates no plan
    assert (await ask(talk, "other", "/nhac stc")).answer.context["sent_count"] == 0
    for chat in ("stc", "leader"):
        assert (await ask(talk, chat, "/nhac stc")).template == "not_allowed"
    assert await reminders(talk) == []


# ------------------------------------------------------------------ /doi


async def test_handover_ends_the_givers_enrolments_only_when_another_uses_the_code(
    talk: Talk,
) -> None:
    await talk.enrol("stc", "dong", "sxd")  # speaks for two agencies
    code = code_of(await ask(talk, "stc", "/doi"))
    assert (await ask(talk, "stc", "/viec")).template == "viec"
    assert (await ask(talk, "stc", f"/start {code}")).template == "code_own"
    assert (
        await only(talk.say("-9", f"/start {code}", sender="x"))
    ).template == "code_private_only"
    welcome, card, told = await talk.say("new", f"/start {code}")
    assert (welcome.template, card.template, card.chat) == ("welcome", "handover_card", "new")
    assert (told.template, told.chat) == ("handed_over", "stc")
    assert (await ask(talk, "stc", "/viec")).template == "stranger"
    agencies = (await ask(talk, "new", "/viec")).answer.context["agencies"]
    assert agencies == ["Sở Tài chính", "Sở Xây dựng"]
    assert (await ask(talk, "third", f"/start {code}")).template == "code_wrong"


async def test_handover_of_what_was_taken_away_opens_nothing(talk: Talk) -> None:
    code = code_of(await ask(talk, "stc", "/doi"))
    async with talk.database.write() as connection:
        await connection.execute(update(Enrolment).values(ended_at=NOW))
    assert (await ask(talk, "new", f"/start {code}")).template == "code_wrong"


async def test_who_stands_in_is_enrolled_until_the_last_day(talk: Talk) -> None:
    answer = await ask(talk, "stc", "/doi nghỉ đến 5/12")
    assert "đến hết ngày 05/12/2026" in answer.html
    await talk.say("new", f"/start {code_of(answer)}")
    assert (await ask(talk, "stc", "/viec")).template == "viec"  # still there
    talk.now = datetime(2026, 12, 5, 10, 0, tzinfo=UTC)
    assert (await ask(talk, "new", "/viec")).template == "viec"
    talk.now = datetime(2026, 12, 6, 1, 0, tzinfo=UTC)
    assert (await ask(talk, "new", "/viec")).template == "stranger"
    assert (await ask(talk, "stc", "/viec")).template == "viec"


async def test_morning_after_a_leave_reminds_the_stand_in_no_more(talk: Talk) -> None:
    await talk.say("new", f"/start {code_of(await ask(talk, 'stc', '/doi nghỉ đến 10/11'))}")
    stc = await talk.agency_id("dong", "stc")
    async with talk.database.read() as connection:
        last_day, day_after = date(2026, 11, 10), date(2026, 11, 11)
        assert len((await list_recipients(connection, [stc], today=last_day))[stc]) == 2
        assert len((await list_recipients(connection, [stc], today=day_after))[stc]) == 1
    later = datetime(2026, 11, 11, 1, 0, tzinfo=UTC)
    async with talk.database.write() as connection:
        await compose_morning(connection, talk.registry, "dong", now=later, result=MorningResult())
    assert {row.address for row in await rows(talk, _REMINDED)} == {"stc", "coordinator"}


async def test_standing_in_never_shortens_ones_own_enrolment(talk: Talk) -> None:
    await talk.enrol("colleague", "dong", "stc")
    await talk.say("colleague", f"/start {code_of(await ask(talk, 'stc', '/doi nghỉ đến 5/12'))}")
    talk.now = datetime(2026, 12, 20, 1, 0, tzinfo=UTC)
    assert (await ask(talk, "colleague", "/viec")).template == "viec"


@pytest.mark.parametrize(
    "text", ["/doi nghỉ", "/doi nghỉ đến 31/2", "/doi ai đó", "/doi nghỉ đến 1/1/2020"]
)
async def test_leave_without_a_clear_last_day_is_asked_about(talk: Talk, text: str) -> None:
    assert (await ask(talk, "stc", text)).template == "usage"
    assert await rows(talk, select(Decision)) == []


async def test_leave_over_new_year_is_read_as_next_year(talk: Talk) -> None:
    answer = await ask(talk, "stc", "/doi nghỉ đến ngày 3/1")
    assert answer.answer.context["until"] == "2027-01-03"


# ------------------------------------------------------------------ what is kept of a person


async def test_erased_person_is_nobody_and_the_agencys_answers_stay(talk: Talk) -> None:
    await talk.say("stc", "/viec")
    await talk.say("stc", "1 xong")
    async with talk.database.write() as connection:
        await connection.execute(
            update(InboxEvent).values(raw=b'{"from":{"id":"stc","name":"Lan"}}', state="done")
        )
        ((person_id,),) = (
            await connection.execute(select(Identity.person_id).where(Identity.sender == "stc"))
        ).all()
        kept = await personal_data.collect_personal_data(connection, person_id)
    assert kept is not None
    assert (kept["name"], kept["identities"][0]["sender"]) == ("Chị <Lan>", "stc")
    assert [reply["said"] for reply in kept["replies"]] == ["completed"]
    assert kept["raw_updates"] > 0
    async with talk.database.write() as connection:
        erased = await personal_data.erase_person(connection, person_id, now=talk.now)
        assert (erased.identities, erased.enrolments, erased.chats) == (1, 1, 1)
        after = await personal_data.collect_personal_data(connection, person_id)
        assert after is not None
        assert (after["name"], after["identities"], after["raw_updates"]) == (None, [], 0)
        for table, column in ((Chat, Chat.address), (Identity, Identity.sender)):
            found = await connection.execute(select(table).where(column == "stc"))
            assert found.first() is None
        said = (await connection.execute(select(StatusReply))).one()
        assert (said.said, said.person_id) == ("completed", person_id)
        assert await personal_data.erase_person(
            connection, person_id, now=talk.now
        ) == personal_data.ErasureResult(0, 0, 1, 0)
    history = await ask(talk, "coordinator", "/lichsu BC.1")
    assert "Sở Tài chính: báo cáo đã hoàn thành" in history.html
    assert "Lan" not in history.html
    assert (await ask(talk, "stc", "/viec")).template == "stranger"


async def test_person_is_listed_and_removed(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    async with talk.database.write() as connection:
        listed = await people.list_enrolled(connection, today=NOW.date(), province="dong")
        assert [(row.name or row.title, row.role) for row in listed] == [
            ("Chị <Lan>", "leader"),
            ("Chị <Lan>", "coordinator"),
            ("Chị <Lan>", "focal"),
            ("Nhóm", "focal"),
        ]
        group = listed[-1]
        assert await removal.remove_group(connection, group.chat_id, now=NOW) == 1
        assert await removal.remove_person(connection, listed[2].person_id, now=NOW) == 1
        stc = listed[2]
        assert (
            await enrolments.list_chat_enrolments(
                connection, stc.chat_id, person_id=stc.person_id, today=NOW.date()
            )
            == []
        )


async def test_a_code_comes_with_a_picture_where_the_channel_sends_pictures(talk: Talk) -> None:
    capabilities = replace(WITHOUT, messenger="Zalo", most_people=3)
    await add_bot(talk, capabilities, "7001", link="https://bot.test/7001")
    answer = await ask(talk, "coordinator", "/moi sxd")
    assert answer.answer.context["qr"] == {
        "link": "https://bot.test/7001",
        "send": code_of(answer),
    }
    content = Content("code_made", answer.answer.context, ())
    shown = [
        RENDERER.render(content, sends, repeated=False, plain=False, address="1")
        for sends in (replace(WITH_BUTTONS, max_caption=1024), WITH_BUTTONS)
    ]
    assert shown[0].picture is not None
    assert shown[0].picture.startswith(b"\x89PNG")
    assert shown[1].picture is None
