"""Guessing: codes, addresses of files and calendars. Few tries, and nothing told by an answer or its time."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from bot.channels.messenger import WebhookAddress
from bot.conversation.router import Router
from bot.sandbox.guard import Guard
from bot.web.calendars import calendar_route
from bot.web.files import file_route
from data.clock import SteppedClock
from data.db.database import Database
from data.files import PNG, load_link_key, store_file
from data.models import Chat, Enrolment
from jobs.channel import Incoming
from jobs.rendering import links as rendering_links
from jobs.rendering.links import Links
from tests.support.conversations import TEMPLATES, Talk, small_registry
from tests.support.outbox_rows import account

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
WRONG = "AAAAA-{:05d}"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin()


async def enrolled(talk: Talk) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.count(Enrolment.id))) or 0)


async def say_wrong(talk: Talk, chat: str, times: int, *, sender: str | None = None) -> list[str]:
    """Type wrong codes; returns the templates of the answers."""
    answers = []
    for number in range(times):
        answers += await talk.say(chat, WRONG.format(number), sender=sender)
    return [answer.template for answer in answers]


async def test_the_fifth_wrong_code_locks_its_sender_for_an_hour_at_most(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    assert await say_wrong(talk, "c", 5) == ["code_wrong"] * 4 + ["code_locked"]
    assert (await talk.say("c", code))[0].template == "code_locked"
    for minutes in range(10, 60, 10):  # trying on changes nothing
        talk.now = NOW + timedelta(minutes=minutes)
        assert await say_wrong(talk, "c", 40) == ["code_locked"] * 2
    talk.now = NOW + timedelta(minutes=59)
    await talk.say("c", code)
    assert await enrolled(talk) == 0
    talk.now = NOW + timedelta(minutes=60)
    assert (await talk.say("c", code))[0].template == "welcome"


async def test_wrong_codes_are_forgotten_one_by_one(talk: Talk) -> None:
    for _ in range(40):
        assert await say_wrong(talk, "c", 1) == ["code_wrong"]
        talk.now += timedelta(minutes=15)  # four within any hour


async def test_a_clock_that_was_ahead_locks_nobody(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    talk.now = NOW + timedelta(days=2)
    await say_wrong(talk, "c", 5)
    talk.now = NOW
    assert (await talk.say("c", code))[0].template == "welcome"


async def test_however_many_guess_nobody_else_is_locked_out(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    for number in range(300):
        assert "code_locked" in await say_wrong(talk, f"c{number}", 5)
    assert (await talk.say("newcomer", f"/start {code}"))[0].template == "welcome"


async def test_in_a_group_a_sender_locks_nobody_else(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    assert await say_wrong(talk, "-1", 5, sender="guesser") == ["code_wrong"] * 4 + ["code_locked"]
    assert (await talk.say("-1", code, sender="guesser"))[0].template == "code_locked"
    assert (await talk.say("-1", code, sender="honest"))[0].template == "welcome"


async def test_a_sender_has_five_tries_in_all_chats_and_topics_together(database: Database) -> None:
    talk = await Talk(database, small_registry(), NOW).begin()
    code = await talk.invite("dong", "stc", "focal")
    templates = []
    for chat in ("c", "-1", "-2", "-3", "-4"):
        templates += await say_wrong(talk, chat, 1, sender="c")
    assert templates == ["code_wrong"] * 4 + ["code_locked"]
    assert (await talk.say("-5", code, sender="c"))[0].template == "code_locked"


async def test_senders_without_a_name_share_five_tries_in_a_forum_whatever_the_topic(
    talk: Talk,
) -> None:
    code = await talk.invite("dong", "stc", "focal")

    async def say(topic: str, text: str) -> str:
        incoming = Incoming(
            talk.account_id, f"{topic}:{text}", "-1", "group", "text", text=text, thread=topic
        )
        router = Router(lambda: talk.registry, TEMPLATES)
        async with talk.database.write() as connection:
            answers = await router.handle(connection, incoming, event_id=None, now=talk.now)
        return answers[0].template

    said = [await say(str(topic), WRONG.format(topic)) for topic in range(5)]
    assert said == ["code_wrong"] * 4 + ["code_locked"]
    assert await say("9", code) == "code_locked"
    assert (await talk.say("-2", code))[0].template == "welcome"  # another group is another place


async def test_another_account_has_tries_of_its_own(talk: Talk) -> None:
    code = await talk.invite("dong", "stc", "focal")
    await say_wrong(talk, "c", 5)
    assert (await talk.say("c", f"/start {code}"))[0].template == "code_locked"
    talk.account_id = await account(talk.database, "telegram", "4242")
    assert (await talk.say("c", f"/start {code}"))[0].template == "welcome"


async def test_that_a_sender_is_locked_is_told_twice_in_ten_minutes(talk: Talk) -> None:
    assert (await talk.say("c", "xin chào"))[0].template == "stranger"
    assert await say_wrong(talk, "c", 40) == ["code_wrong"] * 4 + ["code_locked"] * 2
    talk.now += timedelta(minutes=10)
    assert await say_wrong(talk, "c", 40) == ["code_locked"] * 2


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
