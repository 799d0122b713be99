"""Guessing: codes, addresses of files and calendars. Few tries, and nothing told by an answer or its time."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select
from starlette.applications import Starlette

from bot.channels.messenger import WebhookAddress
from bot.conversation.contacts.enrol import GREET_EVERY
from bot.sandbox.guard import Guard
from bot.web.calendars import calendar_route
from bot.web.files import file_route
from data.clock import SteppedClock
from data.contacts.invitations import MAX_WRONG_CODES, MAX_WRONG_PER_ACCOUNT
from data.db.database import Database
from data.files import PNG, load_link_key, store_file
from data.models import Chat, Enrolment
from jobs.rendering import links as rendering_links
from jobs.rendering.links import Links
from tests.support.conversations import Talk, small_registry
from tests.support.outbox_rows import account

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
WRONG = "AAAAA-{:05d}"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin()


async def enrolled(talk: Talk) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.count(Enrolment.id))) or 0)


async def tried(talk: Talk, count: int) -> None:
    """Leave so many wrong codes as chats leave them that stay one below their own lock."""
    each = MAX_WRONG_CODES - 1
    row = {
        "account_id": talk.account_id,
        "kind": "private",
        "wrong_codes": each,
        "last_seen_at": NOW,
    }
    async with talk.database.write() as connection:
        rows = [{**row, "address": f"c{number}"} for number in range(count // each)]
        await connection.execute(insert(Chat), rows)


async def test_many_chats_together_have_no_more_tries_than_an_account_allows(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    await tried(talk, MAX_WRONG_PER_ACCOUNT - 4)
    for number in range(4):
        assert (await talk.say("last", WRONG.format(number)))[0].template == "code_wrong"
    assert (await talk.say("newcomer", f"/start {code}"))[0].template == "code_locked"
    assert await enrolled(talk) == 0
    talk.now += timedelta(hours=1)
    assert (await talk.say("newcomer", f"/start {code}"))[0].template == "welcome"


async def test_another_account_goes_on_while_one_is_guessed_at(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    await tried(talk, MAX_WRONG_PER_ACCOUNT)
    assert (await talk.say("newcomer", f"/start {code}"))[0].template == "code_locked"
    talk.account_id = await account(talk.database, "telegram", "4242")
    assert (await talk.say("newcomer", f"/start {code}"))[0].template == "welcome"


async def test_a_locked_chat_is_told_so_once_and_tries_are_not_counted_on(talk: Talk) -> None:
    told = []
    for number in range(40):
        told += [answer.template for answer in await talk.say("c", WRONG.format(number))]
    assert told == ["code_wrong"] * (MAX_WRONG_CODES - 1) + ["code_locked"] * 2
    talk.now += GREET_EVERY
    assert [each.template for each in await talk.say("c", WRONG.format(1))] == ["code_locked"]


async def test_expired_used_and_unknown_codes_are_answered_word_for_word_alike(talk: Talk) -> None:
    used = await talk.invite("dong", "stc", "focal")
    await talk.say("first", f"/start {used}")
    expired = await talk.invite("dong", "sxd", "focal")
    talk.now += timedelta(days=8)
    said = {
        (await talk.say(f"c{number}", f"/start {code}"))[0].html
        for number, code in enumerate((used, expired, "ZZZZZ-ZZZZZ"))
    }
    assert len(said) == 1
    assert await enrolled(talk) == 1


@pytest.mark.parametrize(
    "text",
    ["/start ' OR 1=1 --", "/start %", "/start _____-_____", "/start AAAAA-AAAA*", "/start \x00"],
)
async def test_a_code_is_compared_whole_and_is_no_pattern(talk: Talk, text: str) -> None:
    await talk.invite("dong", "stc", "focal")
    assert (await talk.say("c", text))[0].template in ("code_wrong", "stranger")
    assert await enrolled(talk) == 0


# ------------------------------------------------------------------ addresses


async def test_a_guessed_address_is_answered_as_one_that_ended(database: Database) -> None:
    clock = SteppedClock(NOW)
    async with database.write() as connection:
        links = Links("https://x.vn", await load_link_key(connection))
        until = NOW + timedelta(days=30)
        number = await store_file(connection, name="a.png", mime=PNG, content=b"PNG", now=NOW)
    mine = links.file_url(number, "a.png", until=until)
    assert mine is not None
    path = mine.removeprefix("https://x.vn")
    token = path.split("/")[2]
    stem, sign = token.rpartition("-")[::2]
    other = Links("https://x.vn", b"another key of another installation")
    guesses = [
        f"{stem}-{'0' * 32}", f"{stem}-{sign[:-1]}", f"{stem}-{sign}0", f"{stem}-{sign.upper()}",
        f"{number + 1}-{stem.split('-')[1]}-{sign}", f"{number}-9999999999-{sign}",
        f"{number}-99999999999999999999-{sign}", f"{number}--{sign}", "1-2-3-4", "--", "²-²-²",
        other.file_url(number, "a.png", until=until).split("/")[4],  # type: ignore[union-attr]
        links.calendar_url(number).split("/")[4].removesuffix(".ics"),  # type: ignore[union-attr]
    ]  # fmt: skip
    registry = small_registry()
    routes = [
        file_route(database, clock, links),
        calendar_route(database, clock, links, lambda: registry),
    ]
    transport = httpx.ASGITransport(app=Starlette(routes=routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert (await client.get(path)).status_code == 200
        answers = {
            (answer.status_code, answer.text)
            for guess in guesses
            for answer in [await client.get(f"/tep/{guess}/a.png")]
        }
        assert answers == {(404, "Không có tệp này, hoặc đã hết hạn tải.")}
        feeds = {
            (answer.status_code, answer.text)
            for guess in (*guesses, f"1-{'0' * 32}", token)
            for answer in [await client.get(f"/lich/{guess}.ics")]
        }
        assert feeds == {(404, "Không có lịch này, hoặc đã ngừng.")}
        clock.move_to(until)
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("judge", [WebhookAddress.may_read, Links._is_signed, Guard._fits])
def test_secrets_are_compared_in_constant_time(judge: Any) -> None:
    # A measured difference of nanoseconds proves nothing either way on a busy machine; what is called does.
    code = inspect.unwrap(judge).__code__
    assert "compare_digest" in code.co_names
    assert " == " not in inspect.getsource(judge)
    assert rendering_links._SIGNED * 4 == 128  # bits


async def test_who_guesses_leaves_neither_name_nor_words(talk: Talk) -> None:
    for number in range(10):
        await talk.say("c", WRONG.format(number))
    async with talk.database.read() as connection:
        row = (await connection.execute(select(Chat.__table__))).one()
    assert (row.title, row.address) == (None, "c")
