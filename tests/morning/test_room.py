"""The mornings of five real plans fit their channel, and use its room."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from data.db.database import Database
from data.models import Account, Message, MessageItem
from data.registry.registry import Registry
from data.text import utf16_length
from jobs.channel import Capabilities
from jobs.morning.layout import FULL_ITEMS
from jobs.morning.run import run_mornings
from tests.rendering.test_renderer import RENDERER, TELEGRAM, ZALO
from tests.support.loaded_province import load_world, morning_of, open_chats

LOADED = date(2026, 2, 2)
UNLIMITED = 100_000


@pytest.mark.sqlite
@pytest.mark.parametrize("day", [date(2026, 10, 26), date(2026, 12, 7)], ids=str)
@pytest.mark.parametrize("channel", [ZALO, TELEGRAM], ids=["short", "long"])
async def test_a_morning_fits_its_channel_and_hides_items_only_where_room_is_used(
    database: Database, registry: Registry, day: date, channel: Capabilities
) -> None:
    await load_world(database, registry, now=morning_of(LOADED))
    await open_chats(database, now=morning_of(day))
    async with database.read() as connection:
        accounts = (await connection.execute(select(Account.id))).scalars().all()
    await run_mornings(
        database, registry, now=morning_of(day), capabilities=dict.fromkeys(accounts, channel)
    )
    async with database.read() as connection:
        listed = dict(
            (
                await connection.execute(
                    select(MessageItem.message_id, func.count()).group_by(MessageItem.message_id)
                )
            ).all()
        )
        rows = await connection.execute(
            select(Message.__table__).where(Message.broadcast_on == day)
        )
        for message in rows.all():
            content = await RENDERER.content(
                connection, message, today=day, workdays=registry.workdays
            )
            assert content is not None
            out = RENDERER.render(
                content,
                replace(channel, max_text=UNLIMITED),
                repeated=False,
                plain=False,
                address="1",
            )
            length = utf16_length(out.text)
            assert length <= channel.max_text
            if message.context["shown"] < listed.get(message.id, 0):
                in_full = message.context["full"] == FULL_ITEMS
                assert in_full or length >= channel.max_text * 0.55, out.text
