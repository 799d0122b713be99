"""Messages that cannot be put into words: each is parked alone and shown, whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from bot.cli.doctor.finding import CheckContext
from bot.cli.doctor.stored import check_failures
from bot.config import Settings
from bot.web.metrics import render_metrics
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Message
from data.registry.workdays import Workdays
from jobs.channel import Channel
from jobs.delivery.dispatcher import Dispatcher
from tests.support.conversations import RENDERER
from tests.support.outbox_rows import MORNING, account, broadcast, chats
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

CHATS = 40
# What stands in the row of a message, and how it is told why that cannot be said.
FAULTY: dict[int, tuple[str, dict[str, Any], str]] = {
    3: ("no_such_template", {}, "TemplateNotFound"),
    7: ("recorded", {}, "UndefinedError"),  # a name that the template wants is missing
    11: ("reminder", {"agency": "Sở"}, "KeyError"),  # likewise, before anything is rendered
    17: ("report_ready", {"as_of": "ngày nào đó"}, "Error"),  # the template raises
    18: ("report_ready", {"attach": "x"}, "Error"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["telegram", "zalo_bot"])
async def test_what_cannot_be_said_is_parked_alone_and_shown(database: Database, kind: str) -> None:
    account_id = await account(database, kind, "7001")
    ids = await broadcast(database, account_id, await chats(database, account_id, CHATS))
    async with database.write() as connection:
        for number, message_id in enumerate(ids):
            template, context, _ = FAULTY.get(number, ("sorry", {}, ""))
            changed = update(Message).where(Message.id == message_id)
            await connection.execute(changed.values(template=template, context=context))
    async with BotApi() as telegram, ZaloApi() as zalo:
        channel: Channel = TelegramChannel(TOKEN, base_url=telegram.url, limits=PacingLimits())
        if kind == "zalo_bot":
            channel = ZaloBotChannel(TOKENS[0], base_url=zalo.url, limits=PacingLimits())
        await channel.open()
        delivery = Dispatcher(
            database,
            {account_id: channel},
            RENDERER,
            Workdays,
            SteppedClock(MORNING),
            owner="tests",
        )
        counts = await delivery.run_until_idle()
        await channel.close()
        arrived = len(telegram.messages) + len(zalo.messages)
    async with database.read() as connection:
        case = CheckContext(Settings(), MORNING, Workdays(), None, (), ())
        (finding,) = await check_failures(connection, case)
        failed = (
            await connection.execute(
                select(Message.id, Message.error)
                .where(Message.state == "failed")
                .order_by(Message.id)
            )
        ).all()
    page = (await render_metrics(database, {}, now=MORNING, workdays=Workdays())).decode()
    print(f"{kind}: messages {CHATS}, arrived {arrived}, {dict(counts)}, doctor: {finding.found}")
    assert counts == {"sent": CHATS - len(FAULTY), "not_renderable": len(FAULTY)}
    assert arrived == CHATS - len(FAULTY)
    assert [row.id for row in failed] == [ids[number] for number in FAULTY]
    for row, (_, _, why) in zip(failed, FAULTY.values(), strict=True):
        assert why in row.error.partition(":")[0], row.error
    assert str(len(FAULTY)) in finding.found
    labels = f'{{account="7001",channel="{kind}",state="failed"}}'
    assert f"nhacviec_account_messages_parked{labels} {len(FAULTY)}.0" in page
