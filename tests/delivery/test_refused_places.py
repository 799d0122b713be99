"""Places where a message cannot be shown: a closed topic, a muted bot, a group without pictures or files.

Nothing is parked silently: words go where they can be read, and what was lost is told and comes back.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.conversation.router import Router
from bot.web.health import check_health
from data.clock import SteppedClock
from data.contacts import enrolments
from data.db.database import Database
from data.files import store_file
from data.models import Agency, Enrolment, Message, Obligation
from data.outbox import messages as outbox
from jobs.channel import Channel
from jobs.delivery.dispatcher import Dispatcher
from jobs.inbox.intake import store_webhook
from jobs.inbox.worker import Inbox
from tests.support.conversations import RENDERER, TEMPLATES, small_registry
from tests.support.loaded_province import load_world
from tests.support.outbox_rows import (
    MORNING,
    account,
    attempts,
    chat,
    message,
    put,
    row_of_chat,
    sender,
    workdays,
)
from tests.support.telegram_server import TOKEN, BotApi

FORUM, STEERING = -100_600, -100_700


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def telegram(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.4)
    await channel.open()
    yield channel
    await channel.close()


async def seat(
    database: Database, account_id: int, code: str, address: int, role: Any, thread: str = ""
) -> int:
    """Enrol a group, or a topic of it, for an agency of Đông."""
    chat_id = await chat(
        database, account_id, str(address), kind="group", thread=thread, title="Tổ 06"
    )
    async with database.write() as connection:
        found = select(Agency.id).where(Agency.province == "dong", Agency.code == code)
        agency_id = (await connection.execute(found)).scalar_one()
        await enrolments.enrol(
            connection, chat_id=chat_id, person_id=None, agency_id=agency_id, role=role, now=MORNING
        )
    return chat_id


async def office(database: Database, thread: str = "") -> dict[str, int]:
    """Sở Tài chính in a topic of its forum, its second group, and those who coordinate in theirs."""
    await load_world(database, small_registry(), now=MORNING)
    account_id = await account(database)
    return {
        "account": account_id,
        "topic": await seat(database, account_id, "stc", FORUM, "focal", thread),
        "steering": await seat(database, account_id, "skhcn", STEERING, "coordinator"),
    }


async def remind(database: Database, world: dict[str, int], text: str, **more: Any) -> int:
    async with database.write() as connection:
        agency = select(Agency.id).where(Agency.province == "dong", Agency.code == "stc")
        agency_id = (await connection.execute(agency)).scalar_one()
        owed = select(Obligation.id).where(Obligation.agency_id == agency_id).limit(1)
        obligation_id = (await connection.execute(owed)).scalar_one()
        message_id = await outbox.enqueue(
            connection,
            account_id=world["account"],
            chat_id=world["topic"],
            template="words",
            context={"text": text},
            items=[(obligation_id, -5)],
            priority=outbox.BROADCAST,
            now=MORNING,
            agency_id=agency_id,
            broadcast_on=MORNING.date(),
            **more,
        )
    assert message_id is not None
    return message_id


def real_words(
    database: Database, world: dict[str, int], telegram: TelegramChannel, clock: SteppedClock
) -> Dispatcher:
    """A sender that renders the program's own templates."""
    channels: dict[int, Channel] = {world["account"]: telegram}
    return Dispatcher(database, channels, RENDERER, workdays, clock, owner="tests")


async def notices(database: Database) -> list[dict[str, Any]]:
    async with database.read() as connection:
        rows = await connection.execute(
            select(Message.context).where(Message.template.in_(("notice_chat_gone",)))
        )
        return [row.context for row in rows]


async def come_in(
    database: Database, telegram: TelegramChannel, account_id: int, update: dict[str, Any]
) -> None:
    """Let an update come in and be handled."""
    async with database.read() as connection:
        count = len((await connection.execute(select(Message.id))).all())
    body = json.dumps({"update_id": 9000 + count, **update}).encode()
    await store_webhook(database, telegram, account_id, body, now=MORNING)
    registry = small_registry()
    router = Router(lambda: registry, TEMPLATES)
    clock = SteppedClock(MORNING)
    await Inbox(database, {account_id: telegram}, router.handle, clock).handle_pending()


def in_topic(thread: str, **more: Any) -> dict[str, Any]:
    place = {"id": FORUM, "type": "supergroup", "title": "Tổ 06", "is_forum": True}
    who = {"id": 77, "is_bot": False, "first_name": "Lan"}
    topic = {"message_thread_id": int(thread), "is_topic_message": True} if thread else {}
    head = {"message_id": 500, "date": 1_795_000_000, "chat": place, "from": who, **topic}
    return {"message": {**head, **more}}


@pytest.mark.parametrize(
    ("thread", "why"), [("12", "topic_closed"), ("", "topic_closed"), ("", "forbidden")]
)
async def test_what_cannot_be_shown_goes_the_way_of_a_lost_chat_and_is_told_once(
    database: Database, api: BotApi, telegram: TelegramChannel, thread: str, why: str
) -> None:
    world = await office(database, thread)
    if why == "forbidden":
        api.muted.add(FORUM)
    else:
        api.closed_topics.add((FORUM, thread))
    first = await remind(database, world, "trang 1", page=1, pages=2)
    await remind(database, world, "trang 2", page=2, pages=2)
    channels: dict[int, Channel] = {world["account"]: telegram}
    await sender(database, channels).run_until_idle()
    assert [(taken.chat, taken.text) for taken in api.messages if "trang" in taken.text] == [
        (STEERING, "trang 1"),
        (STEERING, "trang 2"),
    ]
    assert (await message(database, first)).state == "sent"
    row = await row_of_chat(database, world["topic"])
    assert (row.state, row.thread) == ("gone", thread)  # the same chat, not the forum's other part
    assert row.gone_why.startswith(f"{why}: 400 ")
    assert [(each["why"], each["agencies"]) for each in await notices(database)] == [
        (why, ["Sở Tài chính"])
    ]
    found = await check_health(database, now=MORNING)
    assert found["lost_chats"] == 1


async def test_a_notice_goes_on_to_the_next_chat_of_those_it_is_for(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await office(database)
    second = await seat(database, world["account"], "skhcn", -100_800, "coordinator")
    asked = await put(
        database, world["account"], world["steering"], "xin gia hạn", priority=outbox.NOTICE
    )
    await put(database, world["account"], world["steering"], "đáp")
    api.closed_topics.add((STEERING, ""))
    channels: dict[int, Channel] = {world["account"]: telegram}
    await sender(database, channels).run_until_idle()
    row = await message(database, asked)
    assert (row.state, row.chat_id) == ("sent", second)
    assert [(taken.chat, taken.text) for taken in api.messages if taken.chat < 0] == [
        (-100_800, "xin gia hạn")
    ]
    async with database.write() as connection:  # where nobody else is left it is shown as failed
        await connection.execute(delete(Enrolment).where(Enrolment.chat_id == world["steering"]))
    alone = await put(database, world["account"], second, "xin gia hạn", priority=outbox.NOTICE)
    api.closed_topics.add((-100_800, ""))
    await sender(database, channels).run_until_idle()
    assert (await message(database, alone)).state == "failed"


@pytest.mark.parametrize("sign", ["forum_topic_reopened", "general_forum_topic_unhidden"])
@pytest.mark.parametrize("thread", ["12", ""])
async def test_a_topic_that_reopens_is_the_same_chat_at_once(
    database: Database, api: BotApi, telegram: TelegramChannel, thread: str, sign: str
) -> None:
    world = await office(database, thread)
    api.closed_topics.add((FORUM, thread))
    await remind(database, world, "một")
    channels: dict[int, Channel] = {world["account"]: telegram}
    await sender(database, channels).run_until_idle()
    api.closed_topics.clear()
    await come_in(database, telegram, world["account"], in_topic(thread, **{sign: {}}))
    assert (await row_of_chat(database, world["topic"])).state == "living"
    await remind(database, world, "hai")
    await sender(database, channels).run_until_idle()
    assert [(taken.chat, taken.thread, taken.text) for taken in api.messages][-1] == (
        FORUM,
        thread,
        "hai",
    )
    assert (await check_health(database, now=MORNING))["lost_chats"] == 0


async def test_somebody_who_writes_in_a_reopened_topic_brings_it_back(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await office(database, "12")
    api.closed_topics.add((FORUM, "12"))
    await remind(database, world, "một")
    channels: dict[int, Channel] = {world["account"]: telegram}
    await sender(database, channels).run_until_idle()
    api.closed_topics.clear()
    await come_in(database, telegram, world["account"], in_topic("12", text="/help"))
    assert (await row_of_chat(database, world["topic"])).state == "living"
    await real_words(database, world, telegram, SteppedClock(MORNING)).run_until_idle()
    assert (api.messages[-1].chat, api.messages[-1].thread) == (FORUM, "12")


async def test_a_group_that_goes_on_forbidding_and_asking_is_told_of_once_not_each_day(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await office(database)
    api.muted.add(FORUM)
    clock = SteppedClock(MORNING)
    delivery = real_words(database, world, telegram, clock)
    for day in range(4):
        clock.move_to(MORNING + timedelta(days=7 * day))
        await come_in(database, telegram, world["account"], in_topic("", text="/help"))
        await delivery.run_until_idle()
        assert (await row_of_chat(database, world["topic"])).state == "gone"
        assert len(await notices(database)) == 1
    api.muted.clear()
    await come_in(database, telegram, world["account"], in_topic("", text="/help"))
    await delivery.run_until_idle()
    assert (await row_of_chat(database, world["topic"])).state == "living"
    api.muted.add(FORUM)  # a new loss after it worked again is told
    clock.move_to(MORNING + timedelta(days=35))
    await come_in(database, telegram, world["account"], in_topic("", text="/help"))
    await delivery.run_until_idle()
    assert len(await notices(database)) == 2


async def test_a_bot_that_is_muted_by_its_membership_is_told_of_as_forbidden(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await office(database)
    user = {"id": 4242, "is_bot": True, "first_name": "Nhắc Việc"}
    muted = {"user": user, "status": "restricted", "can_send_messages": False}
    free = {"user": user, "status": "member"}

    def change(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        group = in_topic("")["message"]
        return {"my_chat_member": {**group, "old_chat_member": old, "new_chat_member": new}}

    await come_in(database, telegram, world["account"], change(free, muted))
    assert [each["why"] for each in await notices(database)] == ["forbidden"]
    assert (await row_of_chat(database, world["topic"])).state == "gone"
    await remind(database, world, "một")
    await come_in(database, telegram, world["account"], change(muted, free))
    assert (await row_of_chat(database, world["topic"])).state == "living"


# ------------------------------------------------------------------ without pictures, without files


async def send_file(
    database: Database, telegram: TelegramChannel, template: str, context: dict[str, Any],
    file: tuple[str, bytes, str],
) -> int:  # fmt: skip
    account_id = await account(database)
    chat_id = await chat(database, account_id, str(FORUM), kind="group")
    name, content, mime = file
    async with database.write() as connection:
        key = await store_file(connection, name=name, content=content, mime=mime, now=MORNING)
        message_id = await outbox.enqueue(
            connection,
            account_id=account_id,
            chat_id=chat_id,
            template=template,
            context={**context, "attach": key},
            buttons=[[("Xem", "go:viec:")]],
            priority=outbox.ANSWER,
            now=MORNING,
        )
    assert message_id is not None
    delivery = real_words(database, {"account": account_id}, telegram, SteppedClock(MORNING))
    assert await delivery.run_until_idle() == {"files_forbidden": 1, "sent": 1}
    assert await attempts(database, message_id) == ["files_forbidden", "sent"]
    assert (await row_of_chat(database, chat_id)).state == "living"  # it takes words as before
    return message_id


async def test_where_pictures_are_forbidden_their_words_go_without_and_say_so(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    api.without_photos.add(FORUM)
    context = {"name": "Đông", "number": "10/KH-UBND", "on": "2026-11-23"}
    await send_file(
        database, telegram, "digest_picture", context, ("a.png", b"\x89PNG", "image/png")
    )
    (taken,) = api.messages
    assert taken.text.startswith("Kế hoạch 10/KH-UBND đến 23/11/2026")
    assert "Biểu đồ không gửi được vào đây" in taken.text
    assert taken.buttons == ((("Xem", "go:viec:"),),)
    assert api.pictures == []


async def test_where_files_are_forbidden_the_words_say_how_to_get_the_file(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    api.without_files.add(FORUM)
    context = {
        "plan_code": "dong-10-2026", "number": "10/KH-UBND", "period": "năm 2026",
        "period_code": "2026", "form": "docx", "as_of": "2026-11-09", "silent": [],
        "silent_more": 0, "is_estimate": False, "is_short": False,
        "tasks": {"total": 4, "done_on_time": 0, "done_late": 0, "open_on_time": 4,
                  "open_late": 0, "waiting": 0},
        "undated": 0, "ended_before": 0,
        "blanks": 9,
    }  # fmt: skip
    await send_file(
        database, telegram, "report_ready", context, ("a.docx", b"PK", "application/octet-stream")
    )
    (taken,) = api.messages
    assert "Ở đây không gửi được tệp" in taken.text
    assert "nhắn riêng cho Hệ thống /baocao dong-10-2026 2026" in taken.text
    assert api.documents == []


async def test_a_chat_that_a_bot_cannot_write_to_first_is_lost_and_no_message_parked_for_it(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await office(database)
    for words in (
        "Bad Request: group chat was deactivated",
        "Bad Request: PEER_ID_INVALID",
        "Bad Request: CHANNEL_PRIVATE",
    ):
        async with database.write() as connection:
            await connection.execute(
                insert(Message).values(
                    account_id=world["account"], chat_id=world["topic"], priority=0,
                    template="words", context={"text": "đáp"}, buttons=[],
                    created_at=MORNING, send_at=MORNING,
                )
            )  # fmt: skip
        api.misbehave("bad_request", chat=FORUM, words=words)
        channels: dict[int, Channel] = {world["account"]: telegram}
        await sender(database, channels).run_until_idle()
        assert (await row_of_chat(database, world["topic"])).state == "gone"
    async with database.read() as connection:
        states = await connection.scalars(select(Message.state).where(Message.priority == 0))
        assert set(states) == {"skipped"}
