"""Reading ahead: every message is offered once, in order, and waits are those of what holds it up."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from bot.channels.pacing import PacingLimits, SlidingWindows, Window
from bot.channels.telegram.capabilities import LIMITS as TELEGRAM
from data.db.database import Database
from data.models import Delivery
from data.outbox.queue import list_recent_sends
from jobs.delivery.queue import SendQueue
from tests.support.outbox_rows import MORNING, account, broadcast, chat, chats, put, workdays


async def test_each_message_is_offered_once_however_many_pages_are_read(
    database: Database,
) -> None:
    account_id = await account(database, "local")
    ids = await broadcast(database, account_id, await chats(database, account_id, 250))
    ahead = SendQueue(account_id, SlidingWindows(PacingLimits()), database, workdays)
    offered: list[int] = []
    while chosen := (await ahead.choose(MORNING, 3, set())).chosen:
        offered += [one.message.id for one in chosen]
    assert offered == ids


async def test_a_full_account_is_waited_for_and_not_the_first_chat_in_line(
    database: Database,
) -> None:
    account_id = await account(database)
    first, second, third = await chats(database, account_id, 3)
    await broadcast(database, account_id, [first, first, second, third])
    limits = PacingLimits(broadcast=(Window(2, 0.5),), chat=(Window(1, 60.0),))
    ahead = SendQueue(account_id, SlidingWindows(limits), database, workdays)
    choice = await ahead.choose(MORNING, 3, set())
    assert [one.message.chat_id for one in choice.chosen] == [first, second]
    choice = await ahead.choose(MORNING, 3, set())
    assert (choice.chosen, choice.paced) == ([], True)
    assert 0 < choice.seconds <= 0.5


async def test_a_long_line_before_one_group_does_not_hold_up_the_chats_behind_it(
    database: Database,
) -> None:
    account_id = await account(database)
    group = await chat(database, account_id, "-9", kind="group")
    (other,) = await chats(database, account_id, 1)
    await broadcast(database, account_id, [group] * 300 + [other])
    ahead = SendQueue(account_id, SlidingWindows(TELEGRAM), database, workdays)
    choice = await ahead.choose(MORNING, 2, set())
    assert [one.message.chat_id for one in choice.chosen] == [group, other]


async def test_an_answer_goes_before_broadcasts_that_were_read_already(database: Database) -> None:
    account_id = await account(database)
    places = await chats(database, account_id, 5)
    await broadcast(database, account_id, places[:4])
    ahead = SendQueue(account_id, SlidingWindows(PacingLimits()), database, workdays)
    await ahead.choose(MORNING, 1, set())
    answer = await put(database, account_id, places[4], "đáp")
    ahead.refresh()
    choice = await ahead.choose(MORNING, 1, set(places[:1]))
    assert [one.message.id for one in choice.chosen] == [answer]


async def test_sends_of_another_account_fill_no_window_of_this_one(database: Database) -> None:
    first, second = await account(database), await account(database, "telegram", "4243")
    where = await chat(database, first, "7")
    message_id = await put(database, first, where, "một")
    async with database.write() as connection:
        await connection.execute(
            insert(Delivery).values(message_id=message_id, attempt=1, at=MORNING, outcome="sent")
        )
    minute = timedelta(minutes=1)
    span = {"since": MORNING - minute, "until": MORNING + minute}
    async with database.read() as connection:
        own = await list_recent_sends(connection, first, **span)
        assert [tuple(row) for row in own] == [(where, MORNING)]
        assert list(await list_recent_sends(connection, second, **span)) == []
