"""One-use codes: in the database they stand as long as they are on their way, and no longer."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.local import LIKE_ZALO, LocalChannel
from bot.channels.local import make_local_update as typed_update
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from data.clock import SteppedClock
from data.contacts.codes import may_hold_code
from data.db.database import Database
from data.models import Account, Chat, InboxEvent, Message
from data.outbox import messages as outbox
from jobs.channel import Incoming
from jobs.delivery.dispatcher import Dispatcher
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.support.conversations import RENDERER, small_registry
from tests.support.database_scan import bytes_hold, columns_with
from tests.support.outbox_rows import account, chat
from tests.support.round_trip import Whole
from tests.support.telegram_server import TOKEN, BotApi

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
CODE = "7KQ2M-VX4TZ"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def telegram(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits(), answer_seconds=0.3)
    await channel.open()
    yield channel
    await channel.close()


async def put_code(database: Database) -> tuple[int, int]:
    """Put a code for a chat into the outbox; returns account and message."""
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    context = {
        "kind": "invite",
        "role": "focal",
        "agencies": ["Sở Xây dựng"],
        "code": CODE,
        "days": 7,
        "until": "",
        "links": [],
    }
    async with database.write() as connection:
        message_id = await outbox.enqueue(
            connection,
            account_id=account_id,
            chat_id=chat_id,
            template="code_made",
            context=context,
            priority=outbox.ANSWER,
            now=NOW,
            secret=True,
        )
    assert message_id is not None
    return account_id, message_id


def delivery(database: Database, account_id: int, channel: Any, owner: str = "tests") -> Dispatcher:
    registry = small_registry()
    clock = SteppedClock(NOW)
    return Dispatcher(
        database, {account_id: channel}, RENDERER, lambda: registry.workdays, clock, owner=owner
    )


async def state(database: Database, message_id: int) -> str:
    async with database.read() as connection:
        found = await connection.scalar(select(Message.state).where(Message.id == message_id))
    return str(found)


# ------------------------------------------------------------------ what goes out


async def test_a_code_is_emptied_once_it_was_sent(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, message_id = await put_code(database)
    assert await columns_with(database, CODE) == ["message.context"]
    await delivery(database, account_id, telegram).run_until_idle()
    assert CODE in api.texts()[0]
    assert await state(database, message_id) == "sent"
    assert await columns_with(database, CODE) == []
    assert not await bytes_hold(database, CODE)


@pytest.mark.parametrize(
    ("kind", "ends"),
    [("bad_request", "failed"), ("blocked", "skipped"), ("hang", "uncertain")],
)
async def test_a_code_that_was_given_up_is_emptied_too_and_no_error_holds_it(
    database: Database,
    api: BotApi,
    telegram: TelegramChannel,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    ends: str,
) -> None:
    account_id, message_id = await put_code(database)
    api.misbehave(kind, times=9)
    with caplog.at_level(logging.DEBUG, logger="nhacviec"):
        await delivery(database, account_id, telegram).run_until_idle()
    assert await state(database, message_id) == ends
    assert await columns_with(database, CODE) == []
    assert CODE not in caplog.text


async def test_a_code_that_goes_again_still_has_its_words(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, message_id = await put_code(database)
    api.misbehave("server_error")  # nothing arrived: it waits for another try
    await delivery(database, account_id, telegram).run_until_idle()
    assert await state(database, message_id) == "pending"
    assert await columns_with(database, CODE) != []


async def test_a_code_claimed_by_a_process_that_died_is_sent_again_and_then_emptied(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id, message_id = await put_code(database)
    await die_with(database, message_id)
    await delivery(database, account_id, telegram).run_until_idle()
    assert CODE in api.texts()[0]
    assert await state(database, message_id) == "sent"
    assert await columns_with(database, CODE) == []


async def test_where_a_dead_owners_claim_is_not_repeated_the_code_is_emptied(
    database: Database,
) -> None:
    account_id, message_id = await put_code(database)
    await die_with(database, message_id)
    channel = LocalChannel(capabilities=replace(LIKE_ZALO, repeats_unknown=False))
    await delivery(database, account_id, channel).run_until_idle()
    assert await state(database, message_id) == "uncertain"
    assert await columns_with(database, CODE) == []


async def die_with(database: Database, message_id: int) -> None:
    """Leave a message claimed, as a process does that is killed while it sends."""
    async with database.write() as connection:
        await connection.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(state="claimed", claim_epoch=0, attempts=1, claimed_at=NOW)
        )
        await connection.execute(update(Account).values(epoch=1))


# ------------------------------------------------------------------ what comes in


@pytest.fixture
async def whole(database: Database) -> Whole:
    whole = await Whole(database, NOW).begin()
    await whole.enrol("coordinator", "skhcn", "coordinator")
    return whole


async def test_from_moi_to_the_door_no_code_stays_anywhere(whole: Whole) -> None:
    told = await whole.say("coordinator", "/moi Sở Xây dựng")
    code = told.split("/start ")[1].split()[0].rstrip("<.")[:11]
    assert len(code) == 11
    assert await columns_with(whole.database, code) == []
    assert "Sở Xây dựng" in await whole.say("new", f"/start {code}")
    assert await columns_with(whole.database, code) == []
    assert not await bytes_hold(whole.database, code)


@pytest.mark.sqlite
async def test_no_code_stays_in_the_log_of_a_service_that_nobody_has_checkpointed(
    database: Database,
) -> None:
    """The code was sent and not used yet: whoever reads the log could enrol with it."""
    assert database.file is not None
    service = Database(f"sqlite+aiosqlite:///{database.file}", checkpoints=True)
    whole = await Whole(service, NOW).begin()
    await whole.enrol("coordinator", "skhcn", "coordinator")
    told = await whole.say("coordinator", "/moi Sở Xây dựng")
    code = told.split("/start ")[1].split()[0].rstrip("<.")[:11]
    files = [Path(f"{database.file}{end}") for end in ("", "-wal")]
    assert [code.encode() in file.read_bytes() for file in files] == [False, False]
    await whole.say("stranger", f"mã của tôi là {code} phải không")
    assert [code.encode() in file.read_bytes() for file in files] == [False, False]
    await service.dispose()


@pytest.mark.parametrize("typed", ["{}", "/start {}", "mã của tôi là {} phải không"])
async def test_a_code_that_opened_nothing_is_not_kept_as_typed(whole: Whole, typed: str) -> None:
    code = await whole.code("stc", "leader")
    await whole.say("coordinator", typed.format(code.lower() if typed == "{}" else code))
    await whole.say("new", typed.format(code.replace("-", "")))
    await whole.say(
        "new", "xong", reply_to=f"tin có mã {code}"
    )  # as platforms quote what is replied to
    assert await columns_with(whole.database, code) == []


async def test_ordinary_words_are_kept_as_they_came(whole: Whole) -> None:
    await whole.say("coordinator", "đang làm, dự kiến 12345-67 xong")
    async with whole.database.read() as connection:
        raw = (await connection.execute(select(InboxEvent.raw))).scalars().all()
    assert b"12345-67" in raw[-1]


async def test_a_code_whose_handling_fails_is_kept_neither_in_the_error_nor_in_the_update(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(
        connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> list[Any]:
        await connection.execute(
            insert(Chat).values(title=incoming.text)
        )  # refused by the database
        raise AssertionError

    account_id = await account(database, "local")
    raw = typed_update(address="a", chat_kind="private", kind="text", sender="a", text=CODE)
    inbox = Inbox(database, {account_id: LocalChannel()}, failing, SteppedClock(NOW))
    await store_updates(database, account_id, [raw], now=NOW)
    with caplog.at_level(logging.DEBUG, logger="nhacviec"):
        await inbox.handle_pending()
    async with database.read() as connection:
        event = (await connection.execute(select(InboxEvent.__table__))).one()
    assert (event.state, event.attempts, event.error) == ("parked", 3, "IntegrityError")
    assert await columns_with(database, CODE) == []
    assert CODE not in caplog.text


@pytest.mark.parametrize(
    ("text", "quoted", "holds"),
    [
        (CODE, "", True),
        ("7kq2m vx4tz", "", True),
        ("xong", f"Mã mời: {CODE}.", True),
        ("xong", f"https://t.me/bot?start={CODE}", True),
        ("xong", "", False),
        ("báo cáo 12/BC-SKHCN ngày 10-11-2026", "", False),
    ],
)
def test_what_may_hold_a_code_is_told(text: str, quoted: str, holds: bool) -> None:
    raw = json.dumps({"text": text, "reply_to_message": {"text": quoted}}).encode()
    assert may_hold_code(raw, text) is holds
