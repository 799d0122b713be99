"""A province on four Zalo bots: a spent quota, a revoked token, and who hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from bot.channels.pacing import PacingLimits
from bot.channels.zalo.channel import ZaloBotChannel
from data.accounts import leases
from data.clock import ZONE, SteppedClock, civil_date
from data.contacts.invite_links import InviteLink, list_invite_links
from data.db.database import Database
from data.models import Account, Agency, Chat, Enrolment, Identity, InboxEvent, Message, Person
from data.registry.registry import Registry
from jobs.delivery.dispatcher import Dispatcher
from jobs.delivery.usage import accounts_in_use
from jobs.morning.run import MorningResult, compose_morning
from tests.support.conversations import RENDERER
from tests.support.loaded_province import load_world
from tests.support.zalo_server import TOKENS, ZaloApi

FRIDAY = datetime(2026, 11, 20, 7, 30, tzinfo=ZONE)
AGENCIES = 160

pytestmark = pytest.mark.slow  # real servers, a whole province


@dataclass
class Office:
    """Agencies of two provinces, forty to a bot, each with one person; some have a second chat."""

    database: Database
    registry: Registry
    api: ZaloApi
    clock: SteppedClock
    channels: dict[int, ZaloBotChannel] = field(default_factory=dict)
    chats: dict[str, int] = field(default_factory=dict)  # by address

    async def enrol(self, address: str, account_id: int, agency_id: int, role: str) -> None:
        async with self.database.write() as connection:
            person = await connection.scalar(
                insert(Person).values(name=None, created_at=FRIDAY).returning(Person.id)
            )
            chat = await connection.scalar(
                insert(Chat)
                .values(account_id=account_id, address=address, kind="private")
                .returning(Chat.id)
            )
            await connection.execute(
                insert(Identity).values(account_id=account_id, sender=address, person_id=person)
            )
            await connection.execute(
                insert(Enrolment).values(
                    chat_id=chat,
                    person_id=person,
                    agency_id=agency_id,
                    role=role,
                    enrolled_at=FRIDAY,
                )
            )
            self.chats[address] = chat

    async def morning(self) -> MorningResult:
        result, now = MorningResult(), await self.clock.now()
        capabilities = {key: bot.capabilities for key, bot in self.channels.items()}
        async with self.database.write() as connection:
            accounts = await accounts_in_use(
                connection, lambda use: capabilities.get(use.account_id), today=civil_date(now)
            )
            for province in ("gia-lai", "lang-son"):
                await compose_morning(
                    connection,
                    self.registry,
                    province,
                    now=now,
                    result=result,
                    capabilities=capabilities,
                    accounts=accounts,
                )
        return result

    async def deliver(self) -> None:
        delivery = Dispatcher(
            self.database,
            self.channels,
            RENDERER,
            lambda: self.registry.workdays,
            self.clock,
            owner="test",
        )
        await delivery.run_until_idle()

    async def states(self, account_id: int | None = None) -> dict[str, int]:
        query = select(Message.state, func.count()).group_by(Message.state)
        if account_id is not None:
            query = query.where(Message.account_id == account_id)
        async with self.database.read() as connection:
            rows = await connection.execute(query)
            return {row[0]: int(row[1]) for row in rows}

    def heard(self, address: str) -> list[str]:
        return self.api.texts(address)


@pytest.fixture
async def office(database: Database, registry: Registry) -> AsyncIterator[Office]:
    await load_world(database, registry, now=FRIDAY)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(ZaloApi())
        office = Office(database, registry, api, SteppedClock(FRIDAY))
        for token in TOKENS:
            channel = ZaloBotChannel(token, base_url=api.url, limits=PacingLimits())
            await channel.open()
            stack.push_async_callback(channel.close)
            async with database.write() as connection:
                key = await leases.ensure_account(
                    connection, channel="zalo_bot", name=channel.name, title=channel.title
                )
            office.channels[key] = channel
        async with database.read() as connection:
            rows = await connection.execute(
                select(Agency.id, Agency.province, Agency.code)
                .where(
                    Agency.province.in_(("gia-lai", "lang-son")),
                    Agency.valid_until.is_(None),
                    Agency.kind.in_(("department", "committee", "commune", "ward")),
                )
                .order_by(Agency.province, Agency.position)
            )
            agencies = rows.all()
        keys = list(office.channels)
        for number, agency in enumerate(agencies[:AGENCIES]):
            await office.enrol(f"u{number}", keys[number // 40], agency.id, "focal")
        steering = next(a for a in agencies if (a.province, a.code) == ("gia-lai", "so-khcn"))
        await office.enrol("coordinator", keys[3], steering.id, "coordinator")
        # Ten agencies of the first bot have somebody on the last one too.
        for number in range(10):
            await office.enrol(f"second{number}", keys[3], agencies[number].id, "focal")
        yield office


async def test_160_agencies_on_four_bots_all_hear_of_the_morning(office: Office) -> None:
    result = await office.morning()
    await office.deliver()
    assert await office.states() == {"sent": result.messages}
    bots = {taken.bot for taken in office.api.messages}
    assert len(bots) == 4
    assert all(len(text) <= 2000 for text in office.api.texts())


async def test_a_quota_spent_in_mid_run_loses_nothing_and_is_told_once(office: Office) -> None:
    first = next(iter(office.channels))
    capabilities = office.channels[first].capabilities
    office.channels[first].capabilities = replace(capabilities, monthly_messages=15)
    result = await office.morning()
    before = await office.states(first)
    office.api.quotas[office.api.bot_id(TOKENS[0])] = 15
    await office.deliver()
    states = await office.states()
    assert set(states) <= {"sent", "failed", "skipped"}
    assert before["pending"] > 30  # one message each of its forty people
    async with office.database.read() as connection:
        account = (await connection.execute(select(Account).where(Account.id == first))).one()
    assert account.stopped_why is not None
    assert account.stopped_why.startswith("spent")
    assert account.stopped_until == datetime(2026, 12, 1, tzinfo=ZONE)
    # The ten with a second person lost nothing at all; each text was taken once.
    told = [text for text in office.heard("coordinator") if "tạm thời không gửi được tin" in text]
    assert len(told) == 1
    assert "đã dùng hết số tin của tháng" in told[0]
    assert "01/12/2026" in told[0]
    assert len(office.api.messages) + states.get("failed", 0) + states.get("skipped", 0) == (
        result.messages + len(told)
    )
    # What nobody else could carry is told to who coordinates on the next morning.
    office.clock.move_to(FRIDAY + timedelta(days=3))
    before_monday = len(office.heard("coordinator"))
    await office.morning()
    await office.deliver()
    monday = "\n".join(office.heard("coordinator")[before_monday:])
    assert "Chưa có kênh nhận tin, đề nghị chuyển giúp:" in monday
    assert "cơ quan khác" in monday


async def hear(office: Office, account_id: int, count: int) -> None:
    """Let so many messages of people come in at a bot."""
    async with office.database.write() as connection:
        await connection.execute(
            insert(InboxEvent),
            [
                {"account_id": account_id, "update_id": f"{n}", "raw": b"", "received_at": FRIDAY}
                for n in range(count)
            ],
        )


async def test_where_both_ways_reach_the_cap_a_bot_told_to_wait_rests_until_the_next_day(
    office: Office,
) -> None:
    first = next(iter(office.channels))
    capabilities = office.channels[first].capabilities
    office.channels[first].capabilities = replace(capabilities, monthly_messages=100)
    await hear(office, first, 90)
    await office.morning()
    office.api.quotas[office.api.bot_id(TOKENS[0])] = 10
    await office.deliver()
    async with office.database.read() as connection:
        account = (await connection.execute(select(Account).where(Account.id == first))).one()
    assert (account.stopped_why or "").startswith("spent")
    assert account.stopped_until == datetime(2026, 11, 21, tzinfo=ZONE)
    assert set(await office.states()) <= {"sent", "failed", "skipped"}


async def test_the_account_goes_on_by_itself_in_the_new_month(office: Office) -> None:
    first = next(iter(office.channels))
    async with office.database.write() as connection:
        until = datetime(2026, 12, 1, tzinfo=ZONE)
        await leases.stop_account(connection, first, why="spent", now=FRIDAY, until=until)
        assert await leases.resume_accounts(connection, now=until - timedelta(seconds=1)) == 0
        assert await leases.resume_accounts(connection, now=until) == 1
    result = await office.morning()
    await office.deliver()
    assert await office.states() == {"sent": result.messages}


async def test_a_token_revoked_in_mid_run_loses_nothing_and_the_right_people_are_told(
    office: Office,
) -> None:
    second = list(office.channels)[1]
    result = await office.morning()
    office.api.revoke_after[TOKENS[1]] = 10
    await office.deliver()
    states = await office.states()
    assert set(states) <= {"sent", "failed"}
    assert states["failed"] > 20  # nobody else of these agencies is anywhere
    assert states["sent"] + states["failed"] == result.messages + 1
    (told,) = [text for text in office.heard("coordinator") if "tạm thời không gửi được" in text]
    assert "Tài khoản gửi tin «Bot Nhắc Việc 2» tạm" in told
    assert "khoá" in told
    assert "báo trực tiếp" in told
    async with office.database.read() as connection:
        account = (await connection.execute(select(Account).where(Account.id == second))).one()
    assert account.stopped_until is None
    assert account.stopped_why.startswith("refused")
    # Mended: the next start opens it again, and everything is told there on the next morning.
    office.api.revoke_after.clear()
    office.api.revoked.clear()
    async with office.database.write() as connection:
        await leases.ensure_account(connection, channel="zalo_bot", name="7002")
    office.clock.move_to(FRIDAY + timedelta(days=3))
    before = len(office.api.messages)
    await office.morning()
    await office.deliver()
    again = {taken.chat for taken in office.api.messages[before:]}
    assert len({chat for chat in again if chat.startswith("u")}) > 20


async def test_levels_crossed_are_told_once_by_whichever_bot_the_coordinator_uses(
    office: Office,
) -> None:
    await office.morning()
    await office.deliver()
    friday = "\n".join(office.heard("coordinator"))
    for number in (1, 2, 3):  # forty people each, of fifty
        assert (
            friday.count(f"Tài khoản Zalo «Bot Nhắc Việc {number}» đã có 40/50 người (80 %).") == 1
        )
    assert (
        friday.count("Tài khoản Zalo «Bot Nhắc Việc 4» có 51 người, quá 50 người mà nền tảng") == 1
    )
    # Seven tenths of the month of the first bot are gone with that morning.
    first = next(iter(office.channels))
    sent = (await office.states(first))["sent"]
    capabilities = office.channels[first].capabilities
    office.channels[first].capabilities = replace(capabilities, monthly_messages=sent * 10 // 7)
    for day in (3, 5):  # Monday and Wednesday; 24/11 is a day off
        office.clock.move_to(FRIDAY + timedelta(days=day))
        await office.morning()
        await office.deliver()
    later = "\n".join(office.heard("coordinator")).removeprefix(friday)
    (line,) = [line for line in later.split("\n") if "số tin tháng 11" in line]
    assert f": {sent}/{sent * 10 // 7} (gửi {sent}, nhận 0)." in line
    assert "người (80 %)" not in later
    assert set(await office.states()) <= {"sent", "skipped"}


async def test_a_new_code_is_for_the_bot_with_room_and_none_is_named_where_all_are_full(
    office: Office,
) -> None:
    async def ways(most_people: int) -> list[InviteLink]:
        capabilities = replace(ZaloBotChannel.capabilities, most_people=most_people)
        async with office.database.read() as connection:
            return await list_invite_links(
                connection,
                "CODE",
                group=True,
                capabilities=lambda _: capabilities,
                today=FRIDAY.date(),
            )

    async with office.database.write() as connection:
        for key, channel in office.channels.items():
            assert channel.link is not None
            await connection.execute(
                update(Account).where(Account.id == key).values(link=channel.link)
            )
    first, second, *_ = office.channels.values()
    (way,) = await ways(50)
    assert (way.private, way.send, way.group) == (first.link, "CODE", None)
    await office.enrol("new", next(iter(office.channels)), 1, "focal")
    (way,) = await ways(50)
    assert way.private == second.link
    (way,) = await ways(40)
    assert (way.messenger, way.private, way.send) == ("Zalo", "", "")
