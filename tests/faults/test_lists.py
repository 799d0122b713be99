"""A morning that did not wholly arrive, by the real delivery over a real server: what a number means then."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select

from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.conversation.router import Router
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Chat, Message, MessageItem, Obligation, StatusReply
from jobs.delivery.dispatcher import Dispatcher
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.support.conversations import RENDERER, TEMPLATES, Seat, Talk, small_registry
from tests.support.telegram_server import TOKEN, BotApi

SUNDAY = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)


class Bot:
    """The service in one chat, step by step."""

    def __init__(self, talk: Talk, api: BotApi, channel: TelegramChannel) -> None:
        self.talk, self.api, self.channel = talk, api, channel
        self.clock = SteppedClock(talk.now)
        self._numbers = count(5000)
        accounts = {talk.account_id: channel}
        self.delivery = Dispatcher(
            talk.database, accounts, RENDERER, lambda: talk.registry.workdays, self.clock, owner="a"
        )
        capabilities = {talk.account_id: channel.capabilities}
        router = Router(lambda: talk.registry, TEMPLATES, capabilities=capabilities)
        self.inbox = Inbox(talk.database, accounts, router.handle, self.clock)

    async def hear(self, text: str) -> str:
        """Let the person say something; returns the last text that stands in the chat."""
        place = {"id": 7, "type": "private", "first_name": "Lan"}
        who = {"id": 7, "is_bot": False, "first_name": "Lan"}
        message = {
            "message_id": 9000, "date": 1_790_000_000, "chat": place, "from": who, "text": text,
        }  # fmt: skip
        body = json.dumps({"update_id": next(self._numbers), "message": message}).encode()
        await store_updates(
            self.talk.database,
            self.talk.account_id,
            [self.channel.split(body)],
            now=await self.clock.now(),
        )
        await self.inbox.handle_pending()
        await self.delivery.run_until_idle()
        return self.api.texts(7)[-1]

    async def said(self) -> list[str]:
        async with self.talk.database.read() as connection:
            return list(await connection.scalars(select(StatusReply.said)))


@pytest.mark.parametrize(
    ("fault", "how", "state"),
    [
        ("lost", {"times": 3}, "uncertain"),
        ("dropped", {"times": 3}, "uncertain"),
        ("bad_request", {"times": 2, "words": "Bad Request: refused"}, "failed"),
    ],
)
async def test_number_of_a_page_that_never_arrived_is_asked_about(
    database: Database, fault: str, how: dict[str, Any], state: str
) -> None:
    talk = await Talk(database, small_registry(), SUNDAY).begin(Seat("7", "dong", "stc"))
    async with BotApi() as api:
        channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits())
        await channel.open()
        try:
            bot = Bot(talk, api, channel)
            assert "1. Báo cáo năm 2026" in await bot.hear("/viec")
            bot.clock.move_to(MONDAY)
            await _morning(talk, [["1", "2"], ["8"]])
            api.misbehave(fault, chat=7, **how)
            await bot.delivery.run_until_idle()
            assert await _states(talk) == [state, "sent"]
            asked = await bot.hear("1 xong")
            assert await bot.said() == []
            assert "chưa ghi nhận gì" in asked
            assert "Rà soát chi ngân sách" in asked
            assert "Báo cáo năm 2026" in asked
            assert await bot.said() == []
            echo = await bot.hear("2 xong")  # of the two that were asked about
            assert "Đã ghi nhận: Báo cáo năm 2026" in echo
        finally:
            await channel.close()


async def _morning(talk: Talk, pages: list[list[str]]) -> None:
    """Put a morning's pages into the outbox, with the tasks of these codes."""
    async with talk.database.write() as connection:
        chat_id = await connection.scalar(select(Chat.id).where(Chat.address == "7"))
        agency_id = await talk.agency_id("dong", "stc")
        number = 1
        for page, codes in enumerate(pages, 1):
            context = {
                "agency": "Sở Tài chính", "agency_code": "stc", "asked": False, "left_out": 0,
                "undecided": [], "silent": [],
            }  # fmt: skip
            added = await connection.execute(
                insert(Message)
                .values(
                    account_id=talk.account_id, chat_id=chat_id, agency_id=agency_id, priority=2,
                    template="reminder", context=context, buttons=[], created_at=MONDAY,
                    send_at=MONDAY, page=page, pages=len(pages), broadcast_on=MONDAY.date(),
                )
                .returning(Message.id)
            )  # fmt: skip
            message_id = added.scalar_one()
            for code in codes:
                owed = await connection.scalar(
                    select(Obligation.id).where(Obligation.code == code).order_by(Obligation.id)
                )
                await connection.execute(
                    insert(MessageItem).values(
                        message_id=message_id, position=number, obligation_id=owed, rung=0
                    )
                )
                number += 1


async def _states(talk: Talk) -> list[str]:
    async with talk.database.read() as connection:
        states = select(Message.state).where(Message.priority == 2).order_by(Message.page)
        return list(await connection.scalars(states))
