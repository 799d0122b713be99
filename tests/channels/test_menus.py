"""Menus of commands by role, on a local Bot API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels.local import LocalChannel
from bot.channels.pacing import PacingLimits, Window
from bot.channels.telegram.channel import TelegramChannel
from bot.conversation.commands import COMMANDS, STRANGER_COMMANDS, menus_by_role
from bot.conversation.context.access import ROLES_BY_ACTION as WHO_MAY
from data.contacts import enrolments
from data.contacts.chats import pause_chat
from data.db.database import Database
from data.models import Account, Agency, Chat, Enrolment
from data.outbox import lost_chats
from jobs.menus import MOST_A_STEP, RETRY_AFTER, MenuUpdater
from tests.support import outbox_rows
from tests.support.conversations import small_registry
from tests.support.loaded_province import load_world
from tests.support.outbox_rows import MORNING as NOW
from tests.support.telegram_server import TOKEN, BotApi


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.3)
    await channel.open()
    yield channel
    await channel.close()


@pytest.fixture
async def account(database: Database) -> int:
    await load_world(database, small_registry(), now=NOW)
    return await outbox_rows.account(database)


async def enrol(
    database: Database, account: int, address: str, role: enrolments.Role, **more: Any
) -> int:
    """Enrol a chat of its own, a group where the address is one; returns the chat."""
    group = address.startswith("-")
    chat = await outbox_rows.chat(
        database, account, address, kind="group" if group else "private", **more
    )
    await enrol_again(database, account, chat, address, role)
    return chat


async def enrol_again(
    database: Database, account: int, chat: int, address: str, role: enrolments.Role
) -> None:
    async with database.write() as connection:
        agency = await connection.scalar(select(Agency.id).where(Agency.code == "stc").limit(1))
        assert agency is not None
        person = (
            None
            if address.startswith("-")
            else await enrolments.ensure_person(connection, account, address, "Lan", now=NOW)
        )
        await enrolments.enrol(
            connection, chat_id=chat, person_id=person, agency_id=agency, role=role, now=NOW
        )


async def end(database: Database, chat: int) -> None:
    async with database.write() as connection:
        await connection.execute(
            update(Enrolment).where(Enrolment.chat_id == chat).values(ended_at=NOW)
        )


def offered(api: BotApi, chat: int) -> list[str]:
    return [one["command"] for one in api.menus[chat]]


def times(api: BotApi) -> int:
    return sum(method.endswith("MyCommands") for method in api.methods())


# ------------------------------------------------------------------ who is offered what


def test_a_private_menu_names_exactly_what_the_role_may_use() -> None:
    for role in ("coordinator", "leader", "focal"):
        names = [name for name, _ in menus_by_role()[role]]
        assert names == [name for name in COMMANDS if role in WHO_MAY[name]]


def test_a_groups_menu_leaves_out_what_is_a_persons_own() -> None:
    in_group = {name for name, _ in menus_by_role()["coordinator-group"]}
    assert {"viec", "status", "donvi", "help"} <= in_group
    assert not {"moi", "doi", "xacnhan", "giao", "nhac"} & in_group


def test_strangers_are_offered_help_alone_and_learn_no_other_command() -> None:
    assert [name for name, _ in STRANGER_COMMANDS] == ["help"]
    assert all(len(words) <= 256 for commands in menus_by_role().values() for _, words in commands)


# ------------------------------------------------------------------ steps


async def test_each_chat_is_offered_the_menu_of_its_highest_role_once(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    await enrol(database, account, "5", "focal")
    both = await enrol(database, account, "6", "focal")
    await enrol_again(database, account, both, "6", "coordinator")
    await enrol(database, account, "-7", "focal")
    await outbox_rows.chat(database, account, "8")  # nobody is enrolled there
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    assert await jobs.step(now=NOW) == 3
    assert set(api.menus) == {5, 6, -7}
    assert "moi" not in offered(api, 5)
    assert "moi" in offered(api, 6)
    assert "doi" in offered(api, 5)
    assert "doi" not in offered(api, -7)
    assert await jobs.step(now=NOW) == 0
    assert (
        await MenuUpdater(database, {account: channel}, menus_by_role()).step(now=NOW) == 0
    )  # a new process
    assert times(api) == 3


async def test_a_menu_follows_the_role_and_is_taken_away_with_the_last_enrolment(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    chat = await enrol(database, account, "5", "focal")
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    await jobs.step(now=NOW)
    await enrol_again(database, account, chat, "5", "coordinator")
    assert await jobs.step(now=NOW) == 1
    assert "moi" in offered(api, 5)
    await end(database, chat)
    assert await jobs.step(now=NOW) == 1
    assert api.menus == {}
    assert await jobs.step(now=NOW) == 0


async def test_a_program_with_other_commands_offers_them_anew(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    await enrol(database, account, "5", "focal")
    await MenuUpdater(database, {account: channel}, menus_by_role()).step(now=NOW)
    newer = MenuUpdater(
        database, {account: channel}, {**menus_by_role(), "focal": [("moi_tinh", "mới tinh")]}
    )
    assert await newer.step(now=NOW) == 1
    assert offered(api, 5) == ["moi_tinh"]


async def test_the_topics_of_a_forum_share_one_menu(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    await enrol(database, account, "-7", "focal", thread="1")
    await enrol(database, account, "-7", "coordinator", thread="2")
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    assert await jobs.step(now=NOW) == 1
    assert "donvi" in offered(api, -7)
    assert await jobs.step(now=NOW) == 0


async def test_a_group_that_moved_is_offered_its_menu_at_the_new_address(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    chat = await enrol(database, account, "-7", "focal")
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    await jobs.step(now=NOW)
    async with database.write() as connection:
        await lost_chats.follow_moved_chat(connection, chat, "-1007")
    assert await jobs.step(now=NOW) == 1
    assert -1007 in api.menus


async def test_a_channel_without_menus_and_a_lost_chat_are_left_alone(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    chat = await enrol(database, account, "5", "focal")
    assert (
        await MenuUpdater(database, {account: LocalChannel()}, menus_by_role()).step(now=NOW) == 0
    )
    async with database.write() as connection:
        await pause_chat(connection, chat, why="blocked", now=NOW)
    assert await MenuUpdater(database, {account: channel}, menus_by_role()).step(now=NOW) == 0
    assert times(api) == 0


# ------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize("kind", ["blocked", "not_found", "bad_request", "migrated"])
async def test_a_chat_that_refuses_holds_up_no_other_and_is_tried_again_later(
    database: Database, account: int, api: BotApi, channel: TelegramChannel, kind: str
) -> None:
    refusing = await enrol(database, account, "5", "focal")
    await enrol(database, account, "6", "focal")
    api.misbehave(kind, method="setMyCommands", chat=5, to=-1005)
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    assert await jobs.step(now=NOW) == 1
    assert set(api.menus) == {6}
    assert await jobs.step(now=NOW + timedelta(minutes=1)) == 0
    assert times(api) == 2
    assert (
        await outbox_rows.row_of_chat(database, refusing)
    ).state == "living"  # nothing is paused
    assert await jobs.step(now=NOW + RETRY_AFTER) == 1
    assert set(api.menus) == {5, 6}


@pytest.mark.parametrize("kind", ["server_error", "dropped", "unauthorised"])
async def test_trouble_of_the_network_ends_the_step_and_the_next_goes_on(
    database: Database, account: int, api: BotApi, channel: TelegramChannel, kind: str
) -> None:
    await enrol(database, account, "5", "focal")
    await enrol(database, account, "6", "focal")
    api.misbehave(kind, method="setMyCommands")
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    assert await jobs.step(now=NOW) == 0
    assert times(api) == 1
    assert await jobs.step(now=NOW + timedelta(minutes=1)) == 2


async def test_what_the_platform_asks_to_wait_is_waited(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    await enrol(database, account, "5", "focal")
    api.misbehave("rate_limited", method="setMyCommands", seconds=100)
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    assert await jobs.step(now=NOW) == 0
    assert await jobs.step(now=NOW + timedelta(seconds=60)) == 0
    assert times(api) == 1
    assert await jobs.step(now=NOW + timedelta(seconds=120)) == 1


async def test_a_stopped_or_halted_account_is_not_asked(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    await enrol(database, account, "5", "focal")
    for column, since in (("stopped_at", NOW), ("halted_until", NOW + timedelta(minutes=1))):
        async with database.write() as connection:
            await connection.execute(update(Account).values(**{column: since}))
        assert await MenuUpdater(database, {account: channel}, menus_by_role()).step(now=NOW) == 0
        async with database.write() as connection:
            await connection.execute(update(Account).values(**{column: None}))
    assert times(api) == 0


async def test_a_step_offers_few_and_whoever_has_no_menu_yet_comes_first(
    database: Database, account: int, api: BotApi, channel: TelegramChannel
) -> None:
    for number in range(1, MOST_A_STEP + 6):
        await enrol(database, account, str(number), "focal")
    async with database.write() as connection:
        await connection.execute(
            update(Chat).where(Chat.address != "25").values(menu="focal:of_old")
        )
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    assert await jobs.step(now=NOW) == MOST_A_STEP
    assert 25 in api.menus
    assert await jobs.step(now=NOW) == 5


async def test_menus_keep_the_pace_of_messages_and_wait_for_no_chat_for_long(
    database: Database, account: int, api: BotApi
) -> None:
    limits = PacingLimits(broadcast=(Window(2, 0.3),), group=(Window(1, 60.0),))
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=limits)
    await channel.open()
    busy = await enrol(database, account, "-7", "focal")
    for number in range(1, 5):
        await enrol(database, account, str(number), "focal")
    jobs = MenuUpdater(database, {account: channel}, menus_by_role())
    channel.pacing.take(busy, group=True, at=asyncio.get_running_loop().time())
    assert await jobs.step(now=NOW) == 4
    assert -7 not in api.menus
    at = [at for at, method, _ in api.requests if method == "setMyCommands"]
    assert at[2] - at[0] > 0.25
    assert at[3] - at[1] > 0.25
    await channel.close()
