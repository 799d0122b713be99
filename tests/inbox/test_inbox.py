"""The inbox: stored first, handled once, in order within a chat; what is secret is never stored."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels.local import LocalChannel, make_local_update
from bot.channels.pacing import PacingLimits
from bot.channels.telegram.channel import TelegramChannel
from data import inbox as data_inbox
from data.accounts.leases import LEASE_SECONDS
from data.clock import SteppedClock
from data.db.database import Database
from data.inbox import holds_secret
from data.models import Chat, InboxEvent, Message, Meta
from data.secrecy import is_marked_secret
from jobs.channel import Answer, Incoming, RawUpdate
from jobs.delivery.lease import AccountLease
from jobs.inbox.intake import store_updates, store_webhook
from jobs.inbox.worker import Inbox
from tests.channels.test_telegram import membership, text_update
from tests.support.outbox_rows import (
    MORNING,
    account,
    chat,
    put,
    row_of_account,
    row_of_chat,
    sender,
)
from tests.support.telegram_server import TOKEN, BotApi


class Notebook:
    """A handler that writes down what came in, in the transaction, and answers with the same words."""

    def __init__(self) -> None:
        self.failures = 0

    async def __call__(
        self, connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> list[Answer]:
        await connection.execute(
            insert(Meta).values(key=f"{event_id:06}", value=f"{incoming.address}:{incoming.text}")
        )
        if incoming.text == "hỏng" or (incoming.text == "lần ba" and self.failures < 2):
            self.failures += 1
            raise RuntimeError("a fault of ours")
        return [Answer("words", {"text": f"đã nhận {incoming.text}"})]


async def noted(database: Database) -> list[str]:
    async with database.read() as connection:
        rows = await connection.execute(
            select(Meta.value).where(Meta.key.like("0%")).order_by(Meta.key)
        )
        return list(rows.scalars())


async def events(database: Database) -> list[Any]:
    async with database.read() as connection:
        rows = await connection.execute(select(InboxEvent.__table__).order_by(InboxEvent.id))
        return list(rows.all())


async def outgoing(database: Database) -> list[tuple[str, str, str]]:
    async with database.read() as connection:
        rows = await connection.execute(
            select(Chat.address, Message.template, Message.context)
            .join(Chat, Chat.id == Message.chat_id)
            .order_by(Message.id)
        )
        return [(row.address, row.template, row.context.get("text", "")) for row in rows]


def typed(address: str, text: str) -> RawUpdate:
    return make_local_update(
        address=address, chat_kind="private", kind="text", sender=address, text=text
    )


@pytest.fixture
async def local(database: Database) -> int:
    account_id = await account(database, "local")
    for address in ("a", "b", "c"):
        await chat(database, account_id, address)
    return account_id


def inbox_of(database: Database, local: int, notebook: Notebook) -> Inbox:
    return Inbox(database, {local: LocalChannel()}, notebook, SteppedClock(MORNING))


# ------------------------------------------------------------------ once, and in order


async def test_an_update_that_comes_twice_is_handled_once(database: Database, local: int) -> None:
    inbox = inbox_of(database, local, Notebook())
    one = typed("a", "xong")
    for _ in range(3):
        await store_updates(database, local, [one, one], now=MORNING)
        await inbox.handle_pending()
    assert await noted(database) == ["a:xong"]
    assert await outgoing(database) == [("a", "words", "đã nhận xong")]


async def test_each_chat_is_handled_in_order_though_many_are_side_by_side(
    database: Database, local: int
) -> None:
    batch = [typed(address, str(number)) for number in range(10) for address in ("a", "b", "c")]
    await store_updates(database, local, batch, now=MORNING)
    one, two = (inbox_of(database, local, Notebook()) for _ in range(2))
    await asyncio.gather(one.handle_pending(), two.handle_pending())  # even two at once
    lines = await noted(database)
    assert len(lines) == 30
    answers = await outgoing(database)
    for address in ("a", "b", "c"):
        mine = [text for place, _, text in answers if place == address]
        assert mine == [f"đã nhận {number}" for number in range(10)]


async def test_a_failing_event_leaves_no_trace_is_tried_three_times_and_then_parked(
    database: Database, local: int
) -> None:
    notebook = Notebook()
    batch = [typed("a", "trước"), typed("a", "hỏng"), typed("a", "sau"), typed("b", "khác")]
    await store_updates(database, local, batch, now=MORNING)
    await inbox_of(database, local, notebook).handle_pending()
    assert notebook.failures == 3
    assert sorted(await noted(database)) == ["a:sau", "a:trước", "b:khác"]
    rows = await events(database)
    assert [(row.state, row.attempts) for row in rows] == [
        ("done", 0),
        ("parked", 3),
        ("done", 0),
        ("done", 0),
    ]
    assert rows[1].error == "RuntimeError: a fault of ours"
    answers = [line for line in await outgoing(database) if line[0] == "a"]
    assert answers == [
        ("a", "words", "đã nhận trước"),
        ("a", "sorry", ""),
        ("a", "words", "đã nhận sau"),
    ]


async def test_an_event_that_fails_twice_still_counts_once(database: Database, local: int) -> None:
    await store_updates(database, local, [typed("a", "lần ba")], now=MORNING)
    await inbox_of(database, local, Notebook()).handle_pending()
    assert await noted(database) == ["a:lần ba"]
    assert [row.state for row in await events(database)] == ["done"]


async def test_a_malformed_update_is_parked_and_the_rest_goes_on(
    database: Database, local: int
) -> None:
    batch = [
        RawUpdate("x1", b'{"kind": "text"'),
        RawUpdate("x2", b"\xff\x00"),
        typed("a", "tốt"),
    ]
    await store_updates(database, local, batch, now=MORNING)
    assert await inbox_of(database, local, Notebook()).handle_pending() == 3
    rows = await events(database)
    assert [row.state for row in rows] == ["parked", "parked", "done"]
    assert rows[0].error.startswith("malformed: ")
    assert await noted(database) == ["a:tốt"]


async def test_an_answer_may_go_to_another_chat(database: Database, local: int) -> None:
    other = await chat(database, local, "coordinator")

    async def tell(
        connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> list[Answer]:
        return [Answer("words", {"text": "báo"}, to_chat=other)]

    await store_updates(database, local, [typed("a", "xin gia hạn")], now=MORNING)
    await Inbox(database, {local: LocalChannel()}, tell, SteppedClock(MORNING)).handle_pending()
    assert await outgoing(database) == [("coordinator", "words", "báo")]


# ------------------------------------------------------------------ secrecy


@pytest.mark.parametrize(
    "text",
    [
        "MẬT",
        "mật",
        "Tối mật",
        "TUYỆT MẬT",
        "Kính gửi Sở\n\n  [ TỐI  MẬT ] \nNội dung",
        "**MẬT**",
        "Độ mật: tối mật",
        "ĐỘ MẬT : Mật",
        "Ðộ mật: Mật",
        "Công văn 12\r\nđộ mật： A",
        "M\u1eacT\u2028Nội dung",
        "\u200bMẬT",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_secrecy_mark_is_seen_in_any_case_and_form(text: str, form: Any) -> None:
    assert is_marked_secret(unicodedata.normalize(form, text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bảo mật hệ thống thông tin",
        "III.1a: mật ong đã xong",
        "Mật độ dân cư",
        "đã gửi báo cáo mật khẩu",
        "tối nay gửi",
        "chế độ mật thiết",
    ],
)
def test_ordinary_words_are_no_secrecy_mark(text: str) -> None:
    assert not is_marked_secret(text)
    assert not is_marked_secret(unicodedata.normalize("NFD", text))


def test_somebody_called_mat_may_write() -> None:
    raw = json.dumps(text_update("đã xong", **{"from": {"id": 5, "first_name": "Mật"}})).encode()
    assert not holds_secret(raw)
    quoted = text_update("xem này", reply_to_message={"caption": "TỐI MẬT"})
    assert holds_secret(json.dumps(quoted).encode())
    assert holds_secret('{"text": broken\nMẬT\n'.encode())


async def test_a_text_with_a_secrecy_mark_is_refused_before_it_is_stored(
    database: Database, local: int
) -> None:
    notebook = Notebook()
    secret = typed("a", "TỐI MẬT\nkế hoạch phòng thủ")
    await store_updates(database, local, [secret, typed("a", "thường")], now=MORNING)
    await store_updates(database, local, [secret], now=MORNING)
    await inbox_of(database, local, notebook).handle_pending()
    refused = (await events(database))[0]
    assert (refused.state, refused.raw, refused.address) == ("refused", b"", None)
    assert refused.update_id == secret.update_id
    assert await noted(database) == ["a:thường"]
    assert [line[1] for line in await outgoing(database)] == ["refused_secret", "words"]
    async with database.read() as connection:
        everything = (await connection.exec_driver_sql("SELECT * FROM inbox_event")).all()
    assert "phòng thủ" not in repr(everything)


async def test_a_stranger_who_sends_a_secret_is_not_answered(
    database: Database, local: int
) -> None:
    await store_updates(database, local, [typed("stranger", "MẬT")], now=MORNING)
    assert await outgoing(database) == []


# ------------------------------------------------------------------ chats that move and go


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def telegram(api: BotApi) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(TOKEN, base_url=api.url, limits=PacingLimits())
    await channel.open()
    yield channel
    await channel.close()


def raw(update_id: int, content: dict[str, Any]) -> bytes:
    return json.dumps({"update_id": update_id, **content}).encode()


async def test_a_webhook_body_is_stored_and_handled_and_its_press_acknowledged(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await chat(database, account_id, "5")
    press = {
        "id": "q1",
        "from": {"id": 5, "is_bot": False, "first_name": "An"},
        "chat_instance": "1",
        "data": "ack:7",
        "message": {"message_id": 3, "date": 1, "chat": {"id": 5, "type": "private"}},
    }
    body = raw(9, {"callback_query": press})
    await store_webhook(database, telegram, account_id, body, now=MORNING)
    await store_webhook(database, telegram, account_id, body, now=MORNING)
    with pytest.raises(ValueError, match=r".*"):
        await store_webhook(database, telegram, account_id, b"hello", now=MORNING)
    woken: list[bool] = []
    inbox = Inbox(
        database,
        {account_id: telegram},
        Notebook(),
        SteppedClock(MORNING),
        answered=lambda: woken.append(True),
    )
    await inbox.handle_pending()
    assert api.answered_presses == ["q1"]
    assert woken
    await sender(database, {account_id: telegram}).run_until_idle()
    assert api.texts(5) == ["đã nhận ack:7"]


async def test_a_blocked_chat_is_paused_and_a_group_that_moved_is_followed(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    private = await chat(database, account_id, "5")
    group = await chat(database, account_id, "-77", kind="group")
    waiting = await put(database, account_id, private, "đợi", priority=2)
    for number, content in enumerate(
        (
            membership("member", "kicked"),
            text_update("", chat={"id": -77, "type": "group"}, migrate_to_chat_id=-1005),
            text_update("", chat={"id": -1005, "type": "supergroup"}, migrate_from_chat_id=-77),
            membership("member", "kicked", id=99),  # of a chat we never knew
        )
    ):
        await store_webhook(database, telegram, account_id, raw(number, content), now=MORNING)
    notebook = Notebook()
    await Inbox(database, {account_id: telegram}, notebook, SteppedClock(MORNING)).handle_pending()
    assert await noted(database) == []
    assert (await row_of_chat(database, private)).state == "gone"
    assert (await row_of_chat(database, group)).address == "-1005"
    async with database.read() as connection:
        state = await connection.execute(select(Message.state).where(Message.id == waiting))
        assert state.scalar_one() == "failed"
        assert len((await connection.execute(select(Chat.id))).all()) == 2


# ------------------------------------------------------------------ the service


async def owned(
    database: Database, account_id: int, clock: SteppedClock | None = None
) -> dict[int, AccountLease]:
    account_lease = AccountLease(account_id, "tests", database, clock or SteppedClock(MORNING))
    assert await account_lease.take(repeats_unknown=True) is None
    return {account_id: account_lease}


async def test_polled_updates_are_answered_and_the_next_poll_goes_on_after_them(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await chat(database, account_id, "5")
    clock = SteppedClock(MORNING)
    answered = asyncio.Event()
    inbox = Inbox(database, {account_id: telegram}, Notebook(), clock, answered=answered.set)
    running = asyncio.create_task(inbox.run(polled_leases=await owned(database, account_id)))
    last = [api.push(text_update(str(number))) for number in range(5)][-1]
    async with asyncio.timeout(10):
        while len(await noted(database)) < 5:
            await answered.wait()
            answered.clear()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await noted(database) == [f"5:{number}" for number in range(5)]
    assert (await row_of_account(database, account_id)).polled_to == last + 1
    async with database.read() as connection:
        assert (
            await data_inbox.load_offset(
                connection, account_id, quiet_since=MORNING - timedelta(days=6)
            )
            == last + 1
        )
        # after a week of silence the platform numbers anew: ask for whatever there is
        assert (
            await data_inbox.load_offset(
                connection, account_id, quiet_since=MORNING + timedelta(days=1)
            )
            is None
        )


async def test_who_lost_the_account_asks_the_platform_no_more_even_after_a_fault(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    await chat(database, account_id, "5")
    clock = SteppedClock(MORNING)
    (account_lease,) = (await owned(database, account_id, clock)).values()
    inbox = Inbox(database, {account_id: telegram}, Notebook(), clock)
    api.misbehave("server_error", method="getUpdates")
    running = asyncio.create_task(inbox.run(polled_leases={account_id: account_lease}))
    async with asyncio.timeout(10):
        while "getUpdates" not in api.methods():
            await asyncio.sleep(0.01)
        clock.move_to(MORNING + timedelta(seconds=LEASE_SECONDS))  # it ran out, and was not renewed
        await asyncio.sleep(2.0)  # longer than the pause after a fault
        assert api.methods().count("getUpdates") == 1
        await account_lease.renew()  # nobody took it meanwhile
        while api.methods().count("getUpdates") < 2:
            await asyncio.sleep(0.01)
    number = api.push(text_update("một"))
    async with asyncio.timeout(10):
        while (await row_of_account(database, account_id)).polled_to != number + 1:
            await asyncio.sleep(0.01)
    polls = api.methods().count("getUpdates")
    account_lease.drop()
    await asyncio.sleep(0.2)
    api.push(text_update("hai"))
    await asyncio.sleep(0.3)
    assert api.methods().count("getUpdates") <= polls + 1  # the one that was open
    assert await noted(database) == ["5:một"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_poll_with_a_refused_token_stops_the_account_and_ends(
    database: Database, api: BotApi, telegram: TelegramChannel
) -> None:
    account_id = await account(database)
    api.misbehave("unauthorised", method="getUpdates")
    inbox = Inbox(database, {account_id: telegram}, Notebook(), SteppedClock(MORNING))
    running = asyncio.create_task(inbox.run(polled_leases=await owned(database, account_id)))
    async with asyncio.timeout(10):
        while (await row_of_account(database, account_id)).stopped_at is None:
            await asyncio.sleep(0.02)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await row_of_account(database, account_id)).stopped_why == "refused: 401 Unauthorized"


# ------------------------------------------------------------------ who waits is shown that it takes time


class Slow(LocalChannel):
    """A channel that notes where typing was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.typing: list[str] = []

    async def show_typing(self, incoming: Incoming) -> None:
        self.typing.append(f"{incoming.address}:{incoming.text}")


def slow_inbox(
    database: Database, local: int, channel: Slow, *, seconds: float, typing_after: float = 0.2
) -> Inbox:
    async def handle(
        connection: AsyncConnection, incoming: Incoming, *, event_id: int, now: datetime
    ) -> list[Answer]:
        await asyncio.sleep(seconds)
        return [Answer("words", {"text": "đã nhận"})]

    clock = SteppedClock(MORNING)
    return Inbox(database, {local: channel}, handle, clock, typing_after=typing_after)


def in_group(text: str, *, kind: str = "text", reply_to: str | None = None) -> RawUpdate:
    return make_local_update(
        address="-7", chat_kind="group", kind=kind, sender="a", text=text, reply_to=reply_to
    )


async def test_a_slow_answer_shows_typing_once_and_a_quick_one_never(
    database: Database, local: int
) -> None:
    channel = Slow()
    await store_updates(database, local, [typed("a", "nhanh")], now=MORNING)
    await slow_inbox(database, local, channel, seconds=0, typing_after=60).handle_pending()
    assert channel.typing == []
    await store_updates(database, local, [typed("a", "chậm")], now=MORNING)
    await slow_inbox(database, local, channel, seconds=0.6).handle_pending()
    assert channel.typing == ["a:chậm"]
    assert len(await outgoing(database)) == 2


@pytest.mark.slow
async def test_what_is_overheard_in_a_group_and_what_is_pressed_shows_no_typing(
    database: Database, local: int
) -> None:
    channel = Slow()
    await chat(database, local, "-7", kind="group")
    for one in (
        in_group("chào cả nhà"),
        in_group("ack:1", kind="action"),
        in_group("/viec"),
        in_group("xong", reply_to="m1"),
    ):
        await store_updates(database, local, [one], now=MORNING)
    await slow_inbox(database, local, channel, seconds=0.4).handle_pending()
    assert channel.typing == ["-7:/viec", "-7:xong"]


async def test_typing_that_never_ends_delays_no_answer(database: Database, local: int) -> None:
    class Stuck(Slow):
        async def show_typing(self, incoming: Incoming) -> None:
            await asyncio.sleep(3600)

    await store_updates(database, local, [typed("a", "chậm")], now=MORNING)
    async with asyncio.timeout(20):
        await slow_inbox(database, local, Stuck(), seconds=0.4).handle_pending()
    assert await outgoing(database) == [("a", "words", "đã nhận")]
