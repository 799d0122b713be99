"""Updates that no platform should send: each is parked or let be, and every other one is answered.

Real updates are spoilt at random by a seed (a part taken away, or of another kind, huge, nested, with
characters that no database takes), a few are spoilt by hand, and between them somebody goes on asking.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from bot.channels.messenger import WebhookAddress
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from bot.channels.zalo.channel import ZaloBotChannel
from bot.conversation.router import Router
from bot.web.metrics import render_metrics
from bot.web.routes import Webhook, make_web_app
from data.clock import SteppedClock
from data.contacts import enrolments
from data.db.database import Database
from data.models import Agency, InboxEvent, Message
from data.registry.workdays import Workdays
from jobs.channel import Channel
from jobs.inbox.intake import poll_updates, store_webhook
from jobs.inbox.worker import Inbox
from tests.support.conversations import TEMPLATES, small_registry
from tests.support.loaded_province import counted, load_world
from tests.support.outbox_rows import MORNING, account, chat
from tests.support.telegram_server import TOKEN, BotApi
from tests.support.zalo_server import TOKENS, ZaloApi

SPOILT = 90
EVERY = 5  # so many spoilt ones, then one that must be answered
ASKS, ODD = "5", "7"  # who goes on asking, and whose updates are spoilt: both are enrolled
_NESTED: Any = "x"
for _ in range(400):
    _NESTED = [_NESTED]
STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 3.5, 10**30, float("inf"), "", "x" * 4096, "\x00", "a\x00b", "\ud800"),
    *([], {}, [None], {"id": None}, _NESTED, "١٢", "🙂" * 2000, "../../etc/passwd"),
)
BY_HAND = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe\x00",
    b'{"update_id": 1e400}',
    b'{"update_id": "7"}',
    b'{"update_id": ' + b"9" * 3000 + b"}",
    b'{"update_id": ' + b"9" * 5000 + b"}",
    b'{"event_name": 7, "message": {}}',
    b'{"update_id": 8, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"event_name": "message.text.received", "message": ' + b"[" * 100_000,
)


def on_telegram(number: int) -> dict[str, Any]:
    """Return a real update from the odd chat: words, a press, a picture, a membership."""
    place = {"id": int(ODD), "type": "private", "first_name": "An"}
    who = {"id": int(ODD), "is_bot": False, "first_name": "An", "last_name": "Lê"}
    head = {"message_id": number, "date": 1_795_000_000, "chat": place, "from": who}
    status = {"user": {**who, "is_bot": True}, "status": "member"}
    size = {"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9, "file_size": 9}
    kinds: tuple[dict[str, Any], ...] = (
        {"message": {**head, "text": "1 xong", "reply_to_message": {**head, "text": "x"}}},
        {"callback_query": {"id": "1", "from": who, "chat_instance": "1", "data": "ack:1",
                            "message": {**head, "text": "x"}}},
        {"message": {**head, "photo": [size], "caption": "ảnh"}},
        {"my_chat_member": {"chat": place, "from": who, "date": 1_795_000_000,
                            "old_chat_member": status, "new_chat_member": status}},
    )  # fmt: skip
    return {"update_id": 10 * number, **kinds[number % len(kinds)]}


def on_zalo(number: int) -> dict[str, Any]:
    kind = ("text", "image", "sticker")[number % 3]
    message = {
        "from": {"id": ODD, "display_name": "An", "is_bot": False},
        "chat": {"id": ODD, "chat_type": "PRIVATE"},
        "message_id": f"odd{number}",
        "date": 1_790_000_000_000,
        "text": "1 xong",
        "photo": "https://x.zdn.vn/x.jpg",
    }
    return {"event_name": f"message.{kind}.received", "message": message}


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*at, key)
        if isinstance(part, dict | list):
            yield from paths(part, (*at, key))


def spoil(update: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Take a part of an update away, or put something strange in its place; its number stays."""
    spoilt = copy.deepcopy(update)
    parts = [each for each in paths(spoilt) if each != ("update_id",)]
    some = chance.sample(parts, chance.choice((1, 1, 2)))
    for *before, last in sorted(some, key=len, reverse=True):  # never within what is strange
        inner: Any = spoilt
        for key in before:
            inner = inner[key]
        if chance.random() < 0.3:
            del inner[last]
        else:
            inner[last] = chance.choice(STRANGE)
    return spoilt


def stream(kind: str) -> list[dict[str, Any]]:
    """Return spoilt updates with good ones between them, in the order in which they come."""
    chance = random.Random(f"{kind} 20261123")
    make = on_telegram if kind == "telegram" else on_zalo
    found = []
    for number in range(1, SPOILT + 1):
        found.append(spoil(make(number), chance))
        if number % EVERY == 0:
            good = make(0)
            words = json.dumps(good).replace(f'"id": {ODD}', f'"id": {ASKS}')
            good = json.loads(words.replace(f'"id": "{ODD}"', f'"id": "{ASKS}"'))
            good["message"] |= {"text": "/help"}
            good["message"].pop("reply_to_message", None)
            if kind == "telegram":
                good["update_id"] = 10 * number + 5
            else:
                good["message"]["message_id"] = f"good{number}"
            found.append(good)
    return found


@asynccontextmanager
async def platform(kind: str) -> AsyncIterator[tuple[Any, Channel]]:
    if kind == "telegram":
        async with BotApi() as api:
            channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits())
            await channel.open()
            yield api, channel
            await channel.close()
        return
    async with ZaloApi() as zalo:
        bot = ZaloBotChannel(TOKENS[0], base_url=zalo.url, limits=PacingLimits(), poll_floor=0.0)
        await bot.open()
        yield zalo, bot
        await bot.close()


async def office(database: Database, channel: Channel) -> int:
    """Enrol who asks and who is odd at Sở Tài chính of Đông; returns the account."""
    await load_world(database, small_registry(), now=MORNING)
    account_id = await account(database, channel.kind, channel.name)
    async with database.read() as connection:
        agency_id = await connection.scalar(
            select(Agency.id).where(Agency.province == "dong", Agency.code == "stc")
        )
    assert agency_id is not None
    for address in (ASKS, ODD):
        chat_id = await chat(database, account_id, address)
        async with database.write() as connection:
            person = await enrolments.ensure_person(
                connection, account_id, address, "An", now=MORNING
            )
            await enrolments.enrol(
                connection,
                chat_id=chat_id,
                person_id=person,
                agency_id=agency_id,
                role="focal",
                now=MORNING,
            )
    return account_id


async def post(
    database: Database, channel: Channel, account_id: int, bodies: list[bytes]
) -> Counter[int]:
    """Post every body to the account's webhook; returns how many were answered how."""

    async def take(body: bytes) -> None:
        await store_webhook(database, channel, account_id, body, now=MORNING)

    web = make_web_app(
        database,
        SteppedClock(MORNING),
        [Webhook(WebhookAddress("/in", "X-Secret", "s3cret"), take)],
    )
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.test") as client:
        return Counter(
            [
                (await client.post("/in", content=body, headers={"X-Secret": "s3cret"})).status_code
                for body in bodies
            ]
        )


async def fetch(
    database: Database, channel: Channel, account_id: int, api: Any, updates: list[Any]
) -> None:
    """Let every update be polled and stored."""
    for update in updates:
        if channel.kind == "telegram":
            api.push(update, update_id=update["update_id"])
        else:
            api.push(update)
    clock = SteppedClock(MORNING)

    async def ours() -> bool:
        return True

    polling = asyncio.create_task(
        poll_updates(database, channel, account_id, clock, stored=lambda: None, is_owned=ours)
    )
    async with asyncio.timeout(60):
        while api.waiting_updates():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # the last one is given, and now it is kept
    polling.cancel()
    await asyncio.wait([polling])


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kept", "kind", "way"),
    [
        ("database", "telegram", "webhook"),
        ("database", "telegram", "poll"),
        ("database", "zalo_bot", "poll"),
        ("postgres", "telegram", "webhook"),
        ("postgres", "zalo_bot", "webhook"),
    ],
    indirect=["kept"],
)
async def test_spoilt_updates_are_parked_and_shown_and_every_other_is_answered(
    kept: Database, kind: str, way: str
) -> None:
    database = kept
    updates = stream(kind)
    good = SPOILT // EVERY
    answered: Counter[int] = Counter()
    async with platform(kind) as (api, channel):
        account_id = await office(database, channel)
        if way == "webhook":
            bodies = [json.dumps(update).encode() for update in updates]
            bodies[3:3] = BY_HAND
            answered = await post(database, channel, account_id, bodies)
        else:
            await fetch(database, channel, account_id, api, updates)
        registry = small_registry()
        router = Router(lambda: registry, TEMPLATES)
        clock = SteppedClock(MORNING)
        async with asyncio.timeout(60):
            await Inbox(database, {account_id: channel}, router.handle, clock).handle_pending()
    async with database.read() as connection:
        rows = await connection.execute(
            select(InboxEvent.state, func.count()).group_by(InboxEvent.state)
        )
        states: dict[str, int] = {row[0]: row[1] for row in rows}
        helped = await connection.scalar(select(func.count()).where(Message.template == "help"))
    page = (await render_metrics(database, {}, now=MORNING, workdays=Workdays())).decode()
    print(
        f"{kind}, {way}, {database.engine.dialect.name}: spoilt {SPOILT}, good {good},"
        f" answered {helped}, events {states}, HTTP {dict(answered)}"
    )
    assert states.keys() <= {"done", "parked"}
    assert helped == good
    assert states["parked"] > SPOILT // 10
    labels = f'{{account="{channel.name}",channel="{kind}"}}'
    assert f"nhacviec_account_inbox_parked{labels} {states['parked']}.0" in page
    assert answered.keys() <= {200, 413}
    assert await counted(database, InboxEvent, InboxEvent.state == "new") == 0
