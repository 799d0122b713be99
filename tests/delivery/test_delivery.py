"""Delivery against a real local Bot API server: every ending leads where the design says."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.channels.local import LIKE_ZALO, LocalChannel
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from data.clock import ZONE, SteppedClock, SystemClock
from data.db.database import Database
from data.models import Agency, Chat, ChatAlias, Enrolment, Message, Obligation, Person
from data.outbox import messages as outbox
from data.registry.registry import Registry
from data.registry.workdays import Workdays
from jobs.channel import Channel, OutgoingMessage, Receipt, Unknown
from jobs.delivery.sending_hours import next_sending_at
from tests.support.loaded_province import load_world
from tests.support.outbox_rows import (
    MORNING,
    account,
    attempts,
    broadcast,
    chat,
    chats,
    message,
    put,
    row_of_account,
    row_of_chat,
    sender,
)
from tests.support.telegram_server import TOKEN, BotApi


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


async def one_chat(database: Database, address: str = "5", **more: Any) -> tuple[int, int]:
    account_id = await account(database)
    return account_id, await chat(database, account_id, address, **more)


# ------------------------------------------------------------------ order and hours


async def test_answers_go_first_then_notices_then_broadcasts(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    telegram.capabilities = replace(telegram.capabilities, in_flight=1)
    places = await chats(database, account_id, 6)
    for number, priority in enumerate((2, 1, 0, 2, 1, 0)):
        await put(database, account_id, places[number], f"{number}", priority=priority)
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"sent": 6}
    assert api.texts() == ["2", "5", "1", "4", "0", "3"]


async def test_messages_of_one_chat_keep_their_order_and_are_never_in_flight_together(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    for number in range(8):
        await put(database, account_id, chat_id, f"trang {number}", priority=2)
    api.misbehave("late", seconds=0.05, times=1)
    await sender(database, {account_id: telegram}).run_until_idle()
    assert api.texts() == [f"trang {number}" for number in range(8)]


async def test_broadcasts_wait_for_sending_hours_and_answers_do_not(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    evening = datetime(2026, 11, 20, 17, 31, tzinfo=ZONE)  # a Friday
    clock = SteppedClock(evening)
    delivery = sender(database, {account_id: telegram}, clock=clock)
    await put(database, account_id, chat_id, "nhắc", priority=2, now=evening)
    await put(database, account_id, chat_id, "đáp", priority=0, now=evening)
    assert await delivery.run_until_idle() == {"sent": 1}
    clock.move_to(datetime(2026, 11, 22, 10, 0, tzinfo=ZONE))  # Sunday
    assert await delivery.run_until_idle() == {}
    clock.move_to(datetime(2026, 11, 23, 7, 0, tzinfo=ZONE))
    assert await delivery.run_until_idle() == {"sent": 1}
    assert api.texts() == ["đáp", "nhắc"]


def test_sending_hours_open_at_seven_of_the_next_working_day(registry: Registry) -> None:
    workdays: Workdays = registry.workdays

    def opens(*moment: int) -> datetime:
        return next_sending_at(datetime(*moment, tzinfo=ZONE), workdays).astimezone(ZONE)  # type: ignore[misc, arg-type]

    assert opens(2026, 11, 23, 9, 15) == datetime(2026, 11, 23, 9, 15, tzinfo=ZONE)
    assert opens(2026, 11, 23, 6, 59) == datetime(2026, 11, 23, 7, 0, tzinfo=ZONE)
    assert opens(2026, 11, 23, 17, 31) == datetime(2026, 11, 25, 7, 0, tzinfo=ZONE)  # 24/11 is off
    assert opens(2026, 11, 27, 20, 0) == datetime(2026, 11, 30, 7, 0, tzinfo=ZONE)


async def test_a_message_for_later_goes_when_its_time_has_come(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    clock = SteppedClock(MORNING)
    delivery = sender(database, {account_id: telegram}, clock=clock)
    await put(database, account_id, chat_id, "mai", send_at=MORNING + timedelta(days=1))
    assert await delivery.run_until_idle() == {}
    clock.move_to(MORNING + timedelta(days=1))
    assert await delivery.run_until_idle() == {"sent": 1}


# ------------------------------------------------------------------ what is not sent


async def test_a_message_with_nothing_left_to_say_is_skipped(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    message_id = await put(database, account_id, chat_id, "", template="nothing")
    assert await sender(database, {account_id: telegram}).run_until_idle() == {"skipped": 1}
    assert (await message(database, message_id)).state == "skipped"
    assert await attempts(database, message_id) == []
    assert api.messages == []


async def test_a_message_that_cannot_be_put_into_words_is_parked_and_the_rest_goes_on(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    places = await chats(database, account_id, 9)
    bad = [await put(database, account_id, place, "", template="unsayable") for place in places[:4]]
    for place in places[4:]:
        await put(database, account_id, place, "tốt")
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"not_renderable": 4, "sent": 5}
    row = await message(database, bad[0])
    assert (row.state, row.error) == ("failed", "KeyError: 'a name that the template wants'")


async def test_a_message_the_database_cannot_read_is_parked_and_the_rest_goes_on(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    places = await chats(database, account_id, 5)
    bad = await put(database, account_id, places[0], "", template="unreadable")
    for place in places[1:]:
        await put(database, account_id, place, "tốt")
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"not_renderable": 1, "sent": 4}
    row = await message(database, bad)
    assert row.state == "failed"
    assert row.error.startswith("DataError: ")


async def test_a_message_with_a_value_nobody_understands_is_parked_and_the_rest_goes_on(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    places = await chats(database, account_id, 5)
    bad = await put(database, account_id, places[1], "", template="garbled")
    for place in (places[0], *places[2:]):
        await put(database, account_id, place, "tốt")
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"not_renderable": 1, "sent": 4}
    row = await message(database, bad)
    assert (row.state, row.error) == ("failed", "ValueError: no date")


# ------------------------------------------------------------------ errors are decisions


@pytest.mark.parametrize("kind", ["server_error", "portal"])
async def test_what_never_arrived_is_tried_again_after_a_pause(
    database: Database, api: BotApi, telegram: TelegramChannel, kind: str
) -> None:
    account_id, chat_id = await one_chat(database)
    clock = SteppedClock(MORNING)
    delivery = sender(database, {account_id: telegram}, clock=clock)
    message_id = await put(database, account_id, chat_id, "một")
    after = await put(database, account_id, chat_id, "hai")
    api.misbehave(kind)
    assert await delivery.run_until_idle() == {"transient": 1}
    row = await message(database, message_id)
    assert row.state == "pending"
    assert MORNING + timedelta(seconds=0.5) <= row.send_at <= MORNING + timedelta(seconds=1)
    clock.move_to(MORNING + timedelta(seconds=2))
    assert await delivery.run_until_idle() == {"sent": 2}
    assert sorted(api.texts()) == ["hai", "một"]
    assert await attempts(database, message_id) == ["transient", "sent"]
    assert (await message(database, after)).repeats == 0


async def test_a_server_that_is_down_is_not_hammered(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, 200))
    api.misbehave("server_error", times=10_000)
    clock = SteppedClock(MORNING)
    delivery = sender(database, {account_id: telegram}, clock=clock)
    for _ in range(20):
        await delivery.run_until_idle()
        clock.move_to(await clock.now() + timedelta(seconds=1))
    assert api.methods().count("sendMessage") <= 15


@pytest.mark.parametrize(
    ("kind", "arrived"),
    [("lost", 3), ("hang", 0), ("dropped", 0), ("garbage", 0), ("bad_gateway", 0)],
)
async def test_what_may_have_arrived_is_repeated_twice_marked_and_then_parked(
    database: Database, api: BotApi, telegram: TelegramChannel, kind: str, arrived: int
) -> None:
    account_id, chat_id = await one_chat(database)
    message_id = await put(database, account_id, chat_id, "một")
    api.misbehave(kind, times=3)
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"unknown": 3}
    assert api.texts() == ["một", "một (gửi lại)", "một (gửi lại)"][:arrived]
    row = await message(database, message_id)
    assert (row.state, row.repeats) == ("uncertain", 2)
    assert await attempts(database, message_id) == ["unknown"] * 3


class Silent(LocalChannel):
    """A channel with a scarce quota whose answers never come."""

    async def send(self, message: OutgoingMessage) -> Receipt:
        raise Unknown("no answer")


async def test_where_repeating_costs_quota_an_unknown_outcome_is_parked_at_once(
    database: Database,
) -> None:
    account_id = await account(database, "local")
    chat_id = await chat(database, account_id, "a")
    message_id = await put(database, account_id, chat_id, "một")
    channel = Silent(capabilities=replace(LIKE_ZALO, repeats_unknown=False))
    assert await sender(database, {account_id: channel}).run_until_idle() == {"unknown": 1}
    assert (await message(database, message_id)).state == "uncertain"


async def test_a_platforms_wait_is_obeyed_for_that_chat_and_survives_a_restart(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    slow, other = await chats(database, account_id, 2)
    first = await put(database, account_id, slow, "chậm")
    await put(database, account_id, other, "khác")
    api.misbehave("rate_limited", seconds=7, chat=1_000_000)
    clock = SteppedClock(MORNING)
    channels: dict[int, Channel] = {account_id: telegram}
    counts = await sender(database, channels, clock=clock).run_until_idle()
    assert counts == {"rate_limited": 1, "sent": 1}
    assert (await row_of_chat(database, slow)).halted_until == MORNING + timedelta(seconds=7)
    clock.move_to(MORNING + timedelta(seconds=6))
    assert await sender(database, channels, clock=clock).run_until_idle() == {}
    clock.move_to(MORNING + timedelta(seconds=7))
    assert await sender(database, channels, clock=clock).run_until_idle() == {"sent": 1}
    assert (await message(database, first)).repeats == 0


async def test_waits_asked_for_in_many_chats_halt_the_account(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, 50))
    api.misbehave("rate_limited", seconds=5, times=1000)
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts["rate_limited"] <= 6


async def test_a_group_that_became_a_supergroup_is_followed_and_the_message_sent_once(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database, "-77", kind="group")
    first = await put(database, account_id, chat_id, "một")
    await put(database, account_id, chat_id, "hai")
    api.migrate(-77, -100_500)
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"moved": 1, "sent": 2}
    assert [(taken.chat, taken.text) for taken in api.messages] == [
        (-100_500, "một"),
        (-100_500, "hai"),
    ]
    assert (await row_of_chat(database, chat_id)).address == "-100500"
    assert await attempts(database, first) == ["moved", "sent"]
    async with database.read() as connection:
        alias = (await connection.execute(select(ChatAlias.address, ChatAlias.chat_id))).one()
    assert tuple(alias) == ("-77", chat_id)


async def test_where_the_new_address_is_a_chat_already_the_two_become_one(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database, "-77", kind="group")
    newcomer = await chat(database, account_id, "-100500", kind="group")
    await put(database, account_id, chat_id, "cũ")
    waiting = await put(database, account_id, newcomer, "mới", send_at=MORNING + timedelta(hours=1))
    api.migrate(-77, -100_500)
    await sender(database, {account_id: telegram}).run_until_idle()
    assert (await row_of_chat(database, chat_id)).address == "-100500"
    assert (await message(database, waiting)).chat_id == chat_id
    assert (await row_of_chat(database, newcomer)).state == "gone"
    assert api.texts() == ["cũ"]


async def test_chats_that_move_in_circles_are_given_up(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database, "-77", kind="group")
    message_id = await put(database, account_id, chat_id, "một")
    api.misbehave("migrated", chat=-77, to=-88, times=9)
    api.misbehave("migrated", chat=-88, to=-77, times=9)
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts["moved"] == 4
    assert (await message(database, message_id)).state == "failed"


async def test_a_deleted_topic_goes_on_in_the_forum_itself(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database, "-100500", kind="group", thread="12")
    await put(database, account_id, chat_id, "một")
    api.misbehave("no_topic")
    assert await sender(database, {account_id: telegram}).run_until_idle() == {
        "moved": 1,
        "sent": 1,
    }
    assert [(taken.chat, taken.thread) for taken in api.messages] == [(-100_500, "")]
    assert (await row_of_chat(database, chat_id)).thread == ""


async def test_a_refused_payload_goes_once_more_as_plain_text_and_is_then_parked(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    places = await chats(database, account_id, 2)
    mended = await put(database, account_id, places[0], "Kế hoạch <1901>", raw=True)
    hopeless = await put(database, account_id, places[1], "x" * 4097)
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"rejected": 3, "sent": 1}
    assert [(taken.text, taken.html) for taken in api.messages] == [("Kế hoạch <1901>", False)]
    assert await attempts(database, mended) == ["rejected", "sent"]
    row = await message(database, hopeless)
    assert (row.state, row.error) == ("failed", "400 Bad Request: message is too long")


async def test_an_edit_replaces_its_message_and_repeating_it_changes_nothing(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    first = await put(database, account_id, chat_id, "danh sách", buttons=[[("Đã nhận", "ack:7")]])
    delivery = sender(database, {account_id: telegram})
    await delivery.run_until_idle()
    remote = (await message(database, first)).remote_id
    assert api.messages[0].buttons == ((("Đã nhận", "ack:7"),),)
    edit = await put(database, account_id, chat_id, "đã ghi", edits=remote)
    again = await put(database, account_id, chat_id, "đã ghi", edits=remote)
    assert await delivery.run_until_idle() == {"sent": 2}
    assert [taken.text for taken in api.edits] == ["đã ghi"]
    assert (await message(database, edit)).remote_id == remote
    assert (await message(database, again)).remote_id == remote


async def test_an_edit_of_a_message_that_is_gone_becomes_a_new_message(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    message_id = await put(database, account_id, chat_id, "đã ghi", edits="99")
    counts = await sender(database, {account_id: telegram}).run_until_idle()
    assert counts == {"rejected": 1, "sent": 1}
    assert api.texts() == ["đã ghi"]
    assert (await message(database, message_id)).edits is None


async def test_a_refused_token_stops_the_account_and_keeps_its_messages(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    ids = await broadcast(database, account_id, await chats(database, account_id, 10))
    api.misbehave("unauthorised", times=3)
    delivery = sender(database, {account_id: telegram})
    assert await delivery.run_until_idle() == {"unauthorised": 3}  # what was in flight, no more
    stopped = await row_of_account(database, account_id)
    assert (stopped.stopped_at, stopped.stopped_why) == (MORNING, "refused: 401 Unauthorized")
    assert await delivery.run_until_idle() == {}
    await account(database)  # opened again with a token that is taken
    assert await delivery.run_until_idle() == {"sent": 10}
    states = {(await message(database, message_id)).state for message_id in ids}
    assert states == {"sent"}


# ------------------------------------------------------------------ chats that are lost


async def agency_world(database: Database, registry: Registry) -> dict[str, Any]:
    """Lạng Sơn with one agency whose person has a private chat, and the coordinator's chat."""
    await load_world(database, registry, now=MORNING)
    account_id = await account(database)
    async with database.write() as connection:
        agency = (
            await connection.execute(
                select(Agency).where(Agency.province == "lang-son", Agency.code == "so-tai-chinh")
            )
        ).one()
        coordinator_id = await connection.scalar(
            select(Agency.id).where(Agency.province == "lang-son", Agency.code == "so-khcn")
        )
        person_id = await connection.scalar(
            insert(Person).values(name="A", created_at=MORNING).returning(Person.id)
        )
        obligation_id = await connection.scalar(
            select(Obligation.id).where(Obligation.agency_id == agency.id).limit(1)
        )
    found = {"account": account_id, "agency": agency.id, "obligation": obligation_id}
    for name, address, kind, agency_id, role, person in (
        ("own", "51", "private", agency.id, "focal", person_id),
        ("steering", "-60", "group", coordinator_id, "coordinator", None),
    ):
        found[name] = await chat(database, account_id, address, kind=kind)
        async with database.write() as connection:
            await connection.execute(
                insert(Enrolment).values(
                    chat_id=found[name],
                    person_id=person,
                    agency_id=agency_id,
                    role=role,
                    enrolled_at=MORNING,
                )
            )
    found["person"] = person_id
    return found


async def reminder(database: Database, world: dict[str, Any], place: str, **more: Any) -> int:
    return await put(
        database,
        world["account"],
        world[place],
        "nhắc việc",
        priority=2,
        items=[(world["obligation"], -5)],
        agency_id=world["agency"],
        broadcast_on=MORNING.date(),
        **more,
    )


@pytest.mark.parametrize("kind", ["blocked", "not_found"])
async def test_reminders_of_a_lost_chat_go_to_the_coordinator_who_is_told_once(
    database: Database, registry: Registry, api: BotApi, telegram: TelegramChannel, kind: str
) -> None:
    world = await agency_world(database, registry)
    first = await reminder(database, world, "own")
    await reminder(database, world, "own", page=2, pages=2)
    answer = await put(
        database, world["account"], world["own"], "đáp", send_at=MORNING + timedelta(hours=1)
    )
    api.misbehave(kind, chat=51, times=9)
    delivery = sender(database, {world["account"]: telegram})
    counts = await delivery.run_until_idle()
    assert counts["gone"] == 1
    row = await row_of_chat(database, world["own"])
    assert (row.state, row.gone_at) == ("gone", MORNING)
    assert api.texts(-60).count("nhắc việc") == 2
    assert (await message(database, first)).chat_id == world["steering"]
    assert (await message(database, answer)).state == "skipped"
    async with database.read() as connection:
        notices = (
            await connection.execute(select(Message).where(Message.template == "notice_chat_gone"))
        ).all()
    assert [notice.chat_id for notice in notices] == [world["steering"]]
    assert notices[0].context["agencies"] == ["Sở Tài chính"]
    assert notices[0].priority == outbox.NOTICE


async def test_reminders_of_a_lost_chat_go_to_the_same_persons_next_chat(
    database: Database, registry: Registry, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await agency_world(database, registry)
    second = await chat(database, world["account"], "52")
    async with database.write() as connection:
        await connection.execute(
            insert(Enrolment).values(
                chat_id=second,
                person_id=world["person"],
                agency_id=world["agency"],
                role="focal",
                enrolled_at=MORNING,
            )
        )
    await reminder(database, world, "own")
    api.misbehave("blocked", chat=51, times=9)
    await sender(database, {world["account"]: telegram}).run_until_idle()
    assert api.texts(52) == ["nhắc việc"]
    assert "nhắc việc" not in api.texts(-60)


async def test_where_colleagues_were_told_the_same_a_lost_chats_reminder_is_not_doubled(
    database: Database, registry: Registry, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await agency_world(database, registry)
    world["colleague"] = await chat(database, world["account"], "-52", kind="group")
    async with database.write() as connection:
        await connection.execute(
            insert(Enrolment).values(
                chat_id=world["colleague"],
                agency_id=world["agency"],
                role="focal",
                enrolled_at=MORNING,
            )
        )
    lost = await reminder(database, world, "own")
    await reminder(database, world, "colleague")
    api.misbehave("blocked", chat=51, times=9)
    await sender(database, {world["account"]: telegram}).run_until_idle()
    assert api.texts(-52) == ["nhắc việc"]
    assert (await message(database, lost)).state == "skipped"


async def test_where_nobody_is_left_to_tell_a_reminder_is_parked(
    database: Database, registry: Registry, api: BotApi, telegram: TelegramChannel
) -> None:
    world = await agency_world(database, registry)
    api.misbehave("kicked", chat=-60, times=9)
    await put(database, world["account"], world["steering"], "trước", priority=2)
    api.misbehave("blocked", chat=51, times=9)
    message_id = await reminder(database, world, "own")
    await sender(database, {world["account"]: telegram}).run_until_idle()
    row = await message(database, message_id)
    assert (row.state, row.error) == ("failed", "the chat is gone and nobody is left to tell")


async def test_what_is_put_for_a_chat_that_is_gone_is_not_sent_there(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database, state="gone", gone_at=MORNING)
    message_id = await put(database, account_id, chat_id, "một")
    assert await sender(database, {account_id: telegram}).run_until_idle() == {"gone": 1}
    assert api.messages == []
    assert (await message(database, message_id)).state == "skipped"


# ------------------------------------------------------------------ owners


async def test_two_processes_never_send_for_one_account_at_once(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, 60))
    api.misbehave("late", seconds=0.05, times=3)
    channels: dict[int, Channel] = {account_id: telegram}
    one = asyncio.create_task(sender(database, channels, owner="một").run_until_idle())
    await asyncio.sleep(0.05)
    assert await sender(database, channels, owner="hai").run_until_idle() == {"not_owned": 1}
    assert (await one)["sent"] == 60
    assert len(set(api.texts())) == 60


async def test_an_owner_that_is_taken_over_stops_and_records_nothing_more(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, 40))
    clock = SteppedClock(MORNING)
    channels: dict[int, Channel] = {account_id: telegram}
    api.misbehave("late", seconds=0.2, times=3)
    old = asyncio.create_task(sender(database, channels, owner="cũ", clock=clock).run_until_idle())
    while api.methods().count("sendMessage") < 3:
        await asyncio.sleep(0.01)
    later = SteppedClock(MORNING + timedelta(seconds=31))
    counts = await sender(database, channels, owner="mới", clock=later).run_until_idle()
    assert counts["sent"] == 40
    assert await old == {}
    assert sum(text.endswith("(gửi lại)") for text in api.texts()) == 3


@pytest.mark.sqlite
async def test_a_locked_database_delays_and_loses_nothing(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await broadcast(database, account_id, await chats(database, account_id, 5))
    delivery = sender(database, {account_id: telegram})
    api.misbehave("late", seconds=0.2, times=1)
    running = asyncio.create_task(delivery.run())
    while not api.requests or api.methods()[-1] != "sendMessage":
        await asyncio.sleep(0.005)
    other = sqlite3.connect(str(database.file), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(0.5)
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(20):
        while len(api.messages) < 5:
            await asyncio.sleep(0.02)
        delivery.stop()
        await running
    assert sorted(api.texts()) == [f"tin {number}" for number in range(5)]


# ------------------------------------------------------------------ the service


async def test_the_service_sends_within_moments_of_the_instant_and_of_a_wake(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, chat_id = await one_chat(database)
    now = datetime.now(UTC)
    due = now + timedelta(seconds=1)
    await put(database, account_id, chat_id, "đúng lúc", now=now, send_at=due)
    delivery = sender(database, {account_id: telegram}, clock=SystemClock())
    running = asyncio.create_task(delivery.run())
    async with asyncio.timeout(10):
        while not api.messages:
            await asyncio.sleep(0.002)
        late = (datetime.now(UTC) - due).total_seconds()
        assert 0 <= late < 0.5
        await put(database, account_id, chat_id, "đáp", now=datetime.now(UTC))
        delivery.wake()
        while len(api.messages) < 2:
            await asyncio.sleep(0.002)
        delivery.stop()
        await running
    assert (await row_of_account(database, account_id)).owner is None


async def test_stopping_records_what_was_in_flight(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    ids = await broadcast(database, account_id, await chats(database, account_id, 30))
    api.misbehave("late", seconds=0.3, times=3)
    delivery = sender(database, {account_id: telegram})
    running = asyncio.create_task(delivery.run())
    while api.methods().count("sendMessage") < 3:
        await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    states = [(await message(database, message_id)).state for message_id in ids]
    assert states == ["sent"] * 3 + ["pending"] * 27
    assert len(api.messages) == 3


async def test_run_until_idle_is_refused_while_the_service_is_at_work(
    database: Database, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    delivery = sender(database, {account_id: telegram})
    running = asyncio.create_task(delivery.run())
    await asyncio.sleep(0.01)
    with pytest.raises(RuntimeError):
        await delivery.run_until_idle()
    delivery.stop()
    await running


async def test_each_message_leaves_a_line_in_the_log_without_words_names_or_token(
    database: Database,
    api: BotApi,
    telegram: TelegramChannel,
    caplog: pytest.LogCaptureFixture,
) -> None:
    account_id, chat_id = await one_chat(database, title="Nhóm kín")
    message_id = await put(database, account_id, chat_id, "lời riêng")
    with caplog.at_level(logging.DEBUG, logger="nhacviec"):
        await sender(database, {account_id: telegram}).run_until_idle()
    lines = [record.getMessage() for record in caplog.records if record.name == "nhacviec.delivery"]
    (line,) = lines
    assert line == (
        f"message.ended message={message_id} account={account_id} chat={chat_id}"
        " template=words page=1/1 attempt=1 outcome=sent remote=1"
    )
    assert TOKEN not in caplog.text
    assert "lời riêng" not in caplog.text


async def test_local_chats_are_never_paced(database: Database) -> None:
    account_id = await account(database, "local")
    chat_id = await chat(database, account_id, "a", kind="group")
    for number in range(60):
        await put(database, account_id, chat_id, f"{number}", priority=2)
    started = asyncio.get_running_loop().time()
    counts = await sender(database, {account_id: LocalChannel()}).run_until_idle()
    assert counts == {"sent": 60}
    assert asyncio.get_running_loop().time() - started < 30  # paced, it would take three minutes
    async with database.read() as connection:
        remote = await connection.execute(select(Message.remote_id))
        assert len(set(remote.scalars())) == 60
        assert (await connection.execute(select(Chat.halted_until))).scalar() is None
