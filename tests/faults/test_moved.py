"""A group becomes a supergroup in the middle of a morning: its messages, people and list go with it."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select

from bot.channels.pacing import PacingLimits, Window
from bot.channels.telegram.channel import TelegramChannel
from bot.conversation.router import Router
from data.clock import SteppedClock
from data.contacts import enrolments
from data.db.database import Database
from data.models import Agency, Chat, Enrolment
from jobs.channel import Channel
from jobs.delivery.dispatcher import Dispatcher
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from jobs.morning.run import run_mornings
from tests.support.conversations import RENDERER, TEMPLATES, small_registry
from tests.support.loaded_province import load_world, morning_of
from tests.support.outbox_rows import account, chat
from tests.support.telegram_server import TOKEN, BotApi

DAY = date(2026, 11, 2)  # a Monday
GROUP, SUPERGROUP = -77, -100_777
PACE = PacingLimits(chat=(Window(1, 2.0),))  # pages of a chat go two seconds apart
LAN = 55
PEOPLE = 40  # each with a chat of their own, of another agency


async def enrolled(database: Database, account_id: int) -> int:
    """Enrol forty people of Sở Xây dựng, one of Sở Tài chính and that one's group; returns the group."""
    now = morning_of(DAY)
    async with database.read() as connection:
        rows = await connection.execute(
            select(Agency.code, Agency.id).where(Agency.province == "dong")
        )
        agencies = {row.code: row.id for row in rows}
    for sender in (LAN, *range(1_000, 1_000 + PEOPLE)):
        chat_id = await chat(database, account_id, str(sender))
        async with database.write() as connection:
            person = await enrolments.ensure_person(
                connection, account_id, str(sender), "Lan", now=now
            )
            await enrolments.enrol(
                connection,
                chat_id=chat_id,
                person_id=person,
                agency_id=agencies["stc" if sender == LAN else "sxd"],
                role="focal",
                now=now,
            )
    group = await chat(database, account_id, str(GROUP), kind="group")
    async with database.write() as connection:
        await connection.execute(
            insert(Enrolment).values(
                chat_id=group, agency_id=agencies["stc"], role="focal", enrolled_at=now
            )
        )
    return group


def said(text: str) -> bytes:
    """Return Lan's words in the supergroup, as Telegram posts them."""
    place = {"id": SUPERGROUP, "type": "supergroup", "title": "Sở Tài chính"}
    who = {"id": LAN, "is_bot": False, "first_name": "Lan"}
    message = {"message_id": 9, "date": 1_790_000_000, "chat": place, "from": who, "text": text}
    return json.dumps({"update_id": 5, "message": message}).encode()


@pytest.mark.slow
async def test_a_group_that_moves_in_mid_broadcast_takes_its_list_and_its_people_with_it(
    database: Database,
) -> None:
    registry = small_registry()
    await load_world(database, registry, now=morning_of(DAY))
    account_id = await account(database)
    group = await enrolled(database, account_id)
    clock = SteppedClock(morning_of(DAY))
    async with BotApi() as api:
        channel = TelegramChannel(TOKEN, base_url=api.url, limits=PACE)
        await channel.open()
        channels: dict[int, Channel] = {account_id: channel}
        delivery = Dispatcher(
            database, channels, RENDERER, lambda: registry.workdays, clock, owner="tests"
        )
        inbox = Inbox(database, channels, Router(lambda: registry, TEMPLATES).handle, clock)
        put = (await run_mornings(database, registry, now=await clock.now())).messages
        sending = asyncio.create_task(delivery.run_until_idle())
        async with asyncio.timeout(60):
            while not api.messages:
                await asyncio.sleep(0.002)
            api.migrate(GROUP, SUPERGROUP)
            counts = await sending
        # To the old address nothing came, and what was for it came once.
        here = [taken for taken in api.messages if taken.chat == SUPERGROUP]
        others = [taken for taken in api.messages if taken.chat != SUPERGROUP]
        assert len(api.messages) == put
        assert len({taken.chat for taken in others}) == PEOPLE + 1
        assert (len(api.texts(GROUP)), len(here)) == (0, 1)
        assert counts == {"sent": put, "moved": 1}
        # A bare number is of the list that arrived there.
        update = channel.split(said("5 đang làm 60%"))
        await store_updates(database, account_id, [update], now=await clock.now())
        await inbox.handle_pending()
        await delivery.run_until_idle()
        answer = api.messages[-1]
        assert answer.chat == SUPERGROUP
        assert "Tuyên truyền" in answer.text
        # The next morning goes there at once.
        before = len(api.messages)
        clock.move_to(await clock.now() + timedelta(days=4))
        await run_mornings(database, registry, now=await clock.now())
        counts = await delivery.run_until_idle()
        await channel.close()
    later = [taken.chat for taken in api.messages[before:]]
    async with database.read() as connection:
        row = (await connection.execute(select(Chat).where(Chat.id == group))).one()
        stays = (await connection.execute(select(Enrolment.chat_id))).scalars().all()
    print(
        f"moved: {put} messages, at the new address {len(here)}, others {len(others)},"
        f" tried in vain {counts.get('moved', 0) + 1}, the next morning {later.count(SUPERGROUP)}"
    )
    assert (row.address, row.state) == (str(SUPERGROUP), "living")
    assert group in stays
    assert SUPERGROUP in later
    assert set(counts) == {"sent"}
