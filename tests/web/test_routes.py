"""The service's web side: webhooks and health, asked as a platform or a monitor would."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from bot.channels.messenger import WebhookAddress
from bot.channels.telegram.account import SECRET_HEADER
from bot.web.health import check_health
from bot.web.routes import MAX_BODY_BYTES, Webhook, make_web_app
from data import job_runs
from data.clock import SteppedClock
from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.models import Account, Base, Chat, Message
from tests.support.conversations import small_registry
from tests.support.loaded_province import morning_of

NOW = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
UPDATE = b'{"update_id": 7, "message": {"text": "xong"}}'


class Store:
    """What the inbox is to a webhook: keeps a body, or fails as told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.fails: Exception | None = None

    async def receive(self, body: bytes) -> None:
        if self.fails:
            raise self.fails
        self.bodies.append(body)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def client(database: Database, store: Store) -> AsyncIterator[httpx.AsyncClient]:
    hook = Webhook(WebhookAddress("/telegram/8001", SECRET_HEADER, "s3cret-Token"), store.receive)
    app = make_web_app(database, SteppedClock(NOW), [hook])
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.test") as made:
        yield made


def secret(value: str = "s3cret-Token") -> dict[str, str]:
    return {SECRET_HEADER: value}


async def test_an_update_is_stored_as_it_came_before_200(
    client: httpx.AsyncClient, store: Store
) -> None:
    answer = await client.post("/telegram/8001", content=UPDATE, headers=secret())
    assert answer.status_code == 200
    assert store.bodies == [UPDATE]


@pytest.mark.parametrize("given", [None, "", "s3cret-Toke", "s3cret-Token ", "khác"])
async def test_a_wrong_secret_is_refused_before_the_body_is_read(
    client: httpx.AsyncClient, store: Store, given: str | None
) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield UPDATE

    headers = {} if given is None else {SECRET_HEADER: given.encode()}
    answer = await client.post("/telegram/8001", content=body(), headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 403
    assert (read, store.bodies) == (0, [])


async def test_a_body_is_read_no_further_than_its_limit(
    client: httpx.AsyncClient, store: Store
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b"x" * 1024

    streamed = await client.post("/telegram/8001", content=endless(), headers=secret())
    declared = await client.post(
        "/telegram/8001", content=b"x" * (MAX_BODY_BYTES + 1), headers=secret()
    )
    full = await client.post("/telegram/8001", content=b"x" * MAX_BODY_BYTES, headers=secret())
    assert [streamed.status_code, declared.status_code] == [413, 413]
    assert full.status_code == 200
    assert [len(body) for body in store.bodies] == [MAX_BODY_BYTES]


async def test_what_is_no_update_is_answered_200_so_that_its_chat_goes_on(
    client: httpx.AsyncClient, store: Store
) -> None:
    store.fails = ValueError("no update")
    answer = await client.post("/telegram/8001", content=b"not json", headers=secret())
    assert answer.status_code == 200


@pytest.mark.parametrize("fault", [DatabaseUnusable("hết chỗ"), OSError("disk")])
async def test_what_could_not_be_stored_is_answered_500_so_that_it_comes_again(
    client: httpx.AsyncClient, store: Store, fault: Exception
) -> None:
    store.fails = fault
    answer = await client.post("/telegram/8001", content=UPDATE, headers=secret())
    assert answer.status_code == 500
    assert "hết chỗ" not in answer.text


async def test_only_post_on_a_known_path_reaches_the_store(
    client: httpx.AsyncClient, store: Store
) -> None:
    got = await client.get("/telegram/8001", headers=secret())
    elsewhere = await client.post("/telegram/8002", content=UPDATE, headers=secret())
    assert (got.status_code, elsewhere.status_code) == (405, 404)
    assert store.bodies == []


def test_a_webhook_without_a_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        WebhookAddress("/telegram/8001", SECRET_HEADER, "")


class SignedAddress(WebhookAddress):
    """Of a platform that signs its bodies, as some do: the header holds a digest, not a secret."""

    def may_read(self, headers: Mapping[str, str]) -> bool:
        return self.header in headers

    def is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        wanted = hashlib.sha256(body + self.secret.encode()).hexdigest()
        return hmac.compare_digest(headers[self.header].encode(), wanted.encode())


async def test_a_platform_may_sign_the_body_instead(database: Database, store: Store) -> None:
    hook = Webhook(SignedAddress("/signed", "X-Signature", "s3cret"), store.receive)
    app = make_web_app(database, SteppedClock(NOW), [hook])
    transport = httpx.ASGITransport(app=app)
    signature = hashlib.sha256(UPDATE + b"s3cret").hexdigest()
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.test") as client:
        for headers, body in (
            ({}, UPDATE),
            ({"X-Signature": "s3cret"}, UPDATE),
            ({"X-Signature": signature}, UPDATE + b" "),
        ):
            answer = await client.post("/signed", content=body, headers=headers)
            assert (answer.status_code, store.bodies) == (403, [])
        answer = await client.post("/signed", content=UPDATE, headers={"X-Signature": signature})
        assert (answer.status_code, store.bodies) == (200, [UPDATE])


async def test_every_answer_carries_the_safe_headers(client: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/nothing"):
        answer = await client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def add_account(database: Database, *, owned_until: datetime | None, **more: object) -> None:
    async with database.write() as connection:
        await connection.execute(
            insert(Account).values(
                id=1,
                channel="telegram",
                name="8001",
                epoch=1,
                owned_until=owned_until,
                **more,
            )
        )
        await connection.execute(
            insert(Chat).values(id=1, account_id=1, address="5", kind="private", thread="")
        )


async def add_message(
    database: Database, *, state: str, send_at: datetime, created_at: datetime | None = None
) -> None:
    async with database.write() as connection:
        await connection.execute(
            insert(Message).values(
                account_id=1,
                chat_id=1,
                priority=2,
                template="reminder",
                context={},
                buttons=[],
                created_at=created_at or send_at,
                send_at=send_at,
                state=state,
            )
        )


async def test_health_tells_owner_and_the_oldest_message_that_should_be_out(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, owned_until=NOW + timedelta(seconds=20), owner="host:1")
    await add_message(database, state="pending", send_at=NOW - timedelta(seconds=90))
    later = NOW + timedelta(days=1)
    await add_message(database, state="pending", send_at=later, created_at=NOW)
    await add_message(database, state="sent", send_at=NOW - timedelta(days=1))
    answer = await client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ok": True,
        "faults": [],
        "database": "ok",
        "clock": "ok",
        "accounts": [
            {
                "channel": "telegram",
                "name": "8001",
                "stopped": False,
                "stopped_until": None,
                "owned": True,
                "owner": "host:1",
            }
        ],
        "oldest_due_seconds": 90,
        "lost_chats": 0,
        "mornings": [],
    }


async def test_health_is_bad_where_an_account_is_stopped(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, owned_until=NOW + timedelta(seconds=20), stopped_at=NOW)
    answer = await client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["accounts"][0]["stopped"] is True


async def test_health_is_good_while_a_bot_rests_until_a_known_day(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_account(
        database,
        owned_until=NOW + timedelta(seconds=20),
        stopped_at=NOW,
        stopped_until=NOW + timedelta(days=3),
    )
    assert (await client.get("/healthz")).status_code == 200


async def test_health_is_bad_where_a_message_is_due_for_an_hour(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, owned_until=NOW + timedelta(seconds=20))
    await add_message(database, state="pending", send_at=NOW - timedelta(minutes=61))
    answer = await client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["oldest_due_seconds"] == 3660


async def test_health_tells_each_province_its_last_morning_and_is_bad_where_todays_is_missing(
    database: Database,
) -> None:
    registry = small_registry()  # whose mornings are at 07:30

    async def told(instant: datetime) -> tuple[bool, list[tuple[Any, ...]]]:
        found = await check_health(database, registry, now=instant)
        return found["ok"], [tuple(each.values()) for each in found["mornings"]]

    async with database.write() as connection:
        await job_runs.record_run(connection, "morning", "dong", date(2026, 11, 9), now=NOW)
    monday, tuesday = date(2026, 11, 9), date(2026, 11, 10)
    early = [("dong", "2026-11-09", False), ("tay", None, False)]
    missing = [("dong", "2026-11-09", True), ("tay", None, True)]
    assert await told(morning_of(monday, 7, 44)) == (True, early)
    assert await told(morning_of(monday, 8)) == (False, [early[0], ("tay", None, True)])
    assert await told(morning_of(tuesday, 7, 44)) == (True, early)
    assert await told(morning_of(tuesday, 7, 45)) == (False, missing)
    assert await told(morning_of(tuesday, 18)) == (True, early)  # nothing goes out any more
    assert await told(morning_of(date(2026, 11, 14), 9)) == (True, early)  # a Saturday
    async with database.write() as connection:
        for province in ("dong", "tay"):
            await job_runs.record_run(connection, "morning", province, tuesday, now=NOW)
    assert (await told(morning_of(tuesday, 9)))[0] is True


async def test_a_broadcast_that_waits_for_the_morning_is_no_late_one(database: Database) -> None:
    saturday = morning_of(date(2026, 11, 14), 9)
    await add_account(database, owned_until=saturday + timedelta(seconds=20))
    await add_message(database, state="pending", send_at=saturday - timedelta(hours=3))
    found = await check_health(database, small_registry(), now=saturday)
    assert (found["ok"], found["oldest_due_seconds"]) == (True, None)


async def test_a_bot_that_is_set_no_longer_and_that_nobody_owns_does_not_make_it_bad(
    database: Database,
) -> None:
    await add_account(database, owned_until=None, stopped_at=NOW)
    assert (await check_health(database, None, (), now=NOW))["ok"] is True
    assert (await check_health(database, None, {("telegram", "8001")}, now=NOW))["ok"] is False


async def test_a_bot_that_is_set_and_was_refused_at_the_start_makes_it_bad(
    database: Database,
) -> None:
    await add_account(database, owned_until=NOW + timedelta(seconds=15))
    keys = [("telegram", "8001"), ("zalo_bot", "7001")]
    assert (await check_health(database, None, keys[:1], now=NOW))["ok"] is True
    found = await check_health(database, None, keys, now=NOW)
    assert found["faults"] == ["7001 (Zalo), dịch vụ: chưa chạy lần nào với bot này."]


async def test_health_is_bad_where_the_owner_is_gone(
    client: httpx.AsyncClient, database: Database
) -> None:
    await add_account(database, owned_until=NOW - timedelta(seconds=1))
    answer = await client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["oldest_due_seconds"] is None


async def test_health_is_bad_where_the_database_cannot_be_read(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    answer = await client.get("/healthz")
    assert answer.status_code == 503
    told = answer.json()
    assert told.pop("why") in ("OperationalError", "ProgrammingError")  # of a file, of a server
    assert told == {"ok": False, "database": "failed"}
