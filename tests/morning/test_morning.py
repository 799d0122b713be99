"""The morning run: what goes out, once, and to whom."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import false, func, insert, literal, null, select, update

from data.db.database import Database
from data.models import (
    Agency,
    Chat,
    Enrolment,
    JobRun,
    Message,
    MessageItem,
    Obligation,
    Plan,
    Reminder,
)
from data.registry.registry import Registry
from jobs.delivery.prepare import MessagePreparer
from jobs.morning.run import run_mornings
from jobs.planning.rungs import recompute
from tests.support.conversations import RENDERER, WITH_BUTTONS, WITHOUT
from tests.support.loaded_province import items_of, load_world, messages_to, morning_of, open_chats

FRIDAY = date(2026, 11, 20)


async def sent_all(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(
            update(Message).where(Message.state == "pending").values(state="sent")
        )


@pytest.mark.parametrize("first", [date(2026, 11, 20), date(2026, 11, 23)])  # a Monday, too
async def test_a_chat_gets_one_message_a_morning_whatever_there_is_to_tell(
    database: Database, registry: Registry, first: date
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    await open_chats(database, now=morning_of(FRIDAY), province="gia-lai")
    await open_chats(
        database, now=morning_of(FRIDAY), province="gia-lai", only={"so-khcn"}, role="coordinator"
    )
    await open_chats(
        database, now=morning_of(FRIDAY), province="gia-lai", only={"so-khcn"}, role="leader"
    )
    result = await run_mornings(database, registry, now=morning_of(first))
    assert "gia-lai" in result.provinces
    assert result.messages > 80
    assert result.weekly > 2
    async with database.read() as connection:
        rows = await connection.execute(
            select(Message.chat_id, func.count()).group_by(Message.chat_id)
        )
        assert {count for _, count in rows} == {1}
        contexts = await connection.scalars(select(Message.context))
        assert all(context["full"] <= 5 for context in contexts)
        sizes = await connection.execute(
            select(func.count()).select_from(MessageItem).group_by(MessageItem.message_id)
        )
        assert max(sizes.scalars()) > 10


async def test_the_same_morning_again_composes_nothing(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    await open_chats(database, now=morning_of(FRIDAY), province="lang-son")
    first = await run_mornings(database, registry, now=morning_of(FRIDAY))
    again = await run_mornings(database, registry, now=morning_of(FRIDAY, 9))
    assert first.messages > 0
    assert (again.messages, again.items, again.provinces) == (0, 0, [])


async def test_a_reminder_is_composed_once_when_two_runs_overlap(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    await open_chats(database, now=morning_of(FRIDAY), province="lang-son")
    results = await asyncio.gather(
        *(run_mornings(database, registry, now=morning_of(FRIDAY)) for _ in range(3))
    )
    assert sum("lang-son" in result.provinces for result in results) == 1
    async with database.read() as connection:
        twice = await connection.execute(
            select(Reminder.obligation_id)
            .group_by(Reminder.obligation_id, Reminder.due_on, Reminder.rung)
            .having(func.count() > 1)
        )
        assert twice.all() == []


@pytest.mark.parametrize(
    ("day", "hour", "minute"),
    [
        (date(2026, 11, 21), 8, 0),  # a Saturday
        (date(2026, 11, 24), 8, 0),  # a day off from 2026 on
        (date(2026, 11, 20), 6, 59),
        (date(2026, 11, 20), 7, 29),  # before the province's hour
        (date(2026, 11, 20), 17, 31),
    ],
)
async def test_nothing_is_composed_outside_sending_hours(
    database: Database, registry: Registry, day: date, hour: int, minute: int
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    await open_chats(database, now=morning_of(FRIDAY), province="lang-son")
    result = await run_mornings(database, registry, now=morning_of(day, hour, minute))
    assert result.messages == 0


async def test_ten_days_down_make_one_message_not_ten(
    database: Database, registry: Registry
) -> None:
    start = date(2026, 10, 30)
    await load_world(database, registry, now=morning_of(start))
    chats = await open_chats(database, now=morning_of(start), province="lang-son", only={"so-y-te"})
    chat = chats["lang-son", "so-y-te"]
    await run_mornings(database, registry, now=morning_of(start))
    await sent_all(database)
    before = len(await messages_to(database, chat))
    await run_mornings(database, registry, now=morning_of(start + timedelta(days=12), 10))
    after = await messages_to(database, chat)
    assert len(after) == before + 1
    (line,) = await items_of(database, after[-1].id)
    assert line.rung == 1  # of −5, −3, −1, 0 and +1 only the latest is told


async def test_a_message_that_never_left_is_replaced_the_next_morning(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 11, 2)))
    chats = await open_chats(
        database, now=morning_of(date(2026, 11, 2)), province="lang-son", only={"so-y-te"}
    )
    chat = chats["lang-son", "so-y-te"]
    await run_mornings(database, registry, now=morning_of(date(2026, 11, 2)))
    await run_mornings(database, registry, now=morning_of(date(2026, 11, 3)))
    old, second = await messages_to(database, chat)
    assert (old.state, second.state) == ("skipped", "pending")
    # The report of 2025 was due before the plan was tracked: it is asked about once, behind the others.
    assert [line.rung for line in await items_of(database, second.id)][:2] == [-5, 50]


async def test_an_answer_silences_the_ladder(database: Database, registry: Registry) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 11, 2)))
    chats = await open_chats(
        database, now=morning_of(date(2026, 11, 2)), province="lang-son", only={"so-y-te"}
    )
    async with database.write() as connection:
        owed = await connection.execute(
            select(Obligation.id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Agency.province == "lang-son", Agency.code == "so-y-te")
        )
        ids = list(owed.scalars())
        await connection.execute(
            update(Obligation)
            .where(Obligation.id.in_(ids))
            .values(state="submitted", submitted_at=morning_of(date(2026, 11, 2)))
        )
        await recompute(connection, registry, ids, today=date(2026, 11, 2))
    for day in (2, 4, 6, 9, 10, 12, 16):
        await run_mornings(database, registry, now=morning_of(date(2026, 11, day)))
        await sent_all(database)
    messages = await messages_to(database, chats["lang-son", "so-y-te"])
    assert [message.broadcast_on.day for message in messages] == [2, 9, 16]  # of the weeks alone
    assert [await items_of(database, message.id) for message in messages] == [[], [], []]


async def test_what_nobody_answers_for_goes_to_the_coordinator(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(
        database,
        now=morning_of(FRIDAY),
        province="lang-son",
        only={"so-khcn"},
        role="coordinator",
    )
    result = await run_mornings(database, registry, now=morning_of(FRIDAY))
    (message,) = await messages_to(database, chats["lang-son", "so-khcn"])
    # Its own are items to answer; those of agencies without a chat are told in a few lines.
    assert len(await items_of(database, message.id)) > 2
    assert len(message.context["silent"]) > 60
    assert message.context["lines"]["silent"] <= 5
    assert "lang-son" in result.provinces


async def test_silent_agencies_are_told_again_when_the_message_never_left(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(date(2026, 11, 2)))
    chats = await open_chats(
        database,
        now=morning_of(date(2026, 11, 2)),
        province="lang-son",
        only={"so-khcn"},
        role="coordinator",
    )
    await run_mornings(database, registry, now=morning_of(date(2026, 11, 2)))
    await run_mornings(database, registry, now=morning_of(date(2026, 11, 3)))
    pages = await messages_to(database, chats["lang-son", "so-khcn"])
    first, second = (page for page in pages if page.context["silent"])
    assert first.state == "skipped"
    assert set(second.context["silent"]) == set(first.context["silent"])


async def test_a_gone_chat_is_passed_over(database: Database, registry: Registry) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(
        database, now=morning_of(FRIDAY), province="lang-son", only={"so-y-te"}
    )
    chat = chats["lang-son", "so-y-te"]
    async with database.write() as connection:
        await connection.execute(update(Chat).where(Chat.id == chat).values(state="gone"))
    result = await run_mornings(database, registry, now=morning_of(FRIDAY))
    assert await messages_to(database, chat) == []
    assert result.unreachable > 0


async def test_what_could_not_be_addressed_is_tried_again_the_next_morning(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    await run_mornings(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(
        database, now=morning_of(FRIDAY), province="lang-son", only={"so-y-te"}
    )
    await run_mornings(database, registry, now=morning_of(date(2026, 11, 23)))
    (message,) = await messages_to(database, chats["lang-son", "so-y-te"])
    report, *undated = await items_of(database, message.id)
    assert report.rung == 10
    assert {line.rung for line in undated} == {-10}


async def test_ended_phases_are_asked_about_once_behind_what_is_dated(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(database, now=morning_of(FRIDAY), province="gia-lai", only={"so-y-te"})
    chat = chats["gia-lai", "so-y-te"]
    await run_mornings(database, registry, now=morning_of(FRIDAY))
    await sent_all(database)
    (message,) = await messages_to(database, chat)
    async with database.read() as connection:
        rows = await connection.scalars(
            select(Obligation.kind)
            .join(MessageItem, MessageItem.obligation_id == Obligation.id)
            .where(MessageItem.message_id == message.id)
            .order_by(MessageItem.position)
        )
        kinds = list(dict.fromkeys(rows))
    assert kinds == ["report", "phase_end", "undated"]
    for day in (date(2026, 11, 23), date(2026, 11, 25), date(2026, 12, 1)):
        await run_mornings(database, registry, now=morning_of(day))
        await sent_all(database)
    async with database.read() as connection:
        rows = await connection.execute(
            select(func.count())
            .select_from(MessageItem)
            .join(Obligation, Obligation.id == MessageItem.obligation_id)
            .join(Message, Message.id == MessageItem.message_id)
            .where(Obligation.kind == "phase_end", Message.broadcast_on > FRIDAY)
        )
        assert int(rows.scalar_one()) == 0


async def test_a_phase_that_ended_just_before_it_was_tracked_is_not_asked_about_again(
    database: Database, registry: Registry
) -> None:
    """Ended on 31/12/2025, tracked from the day after: the fifth working day would be Friday 9/1."""
    await load_world(database, registry, now=morning_of(date(2026, 1, 1)))
    await open_chats(database, now=morning_of(date(2026, 1, 1)), only={"so-y-te"})
    asked: dict[date, int] = {}
    for day in (date(2026, 1, 5), date(2026, 1, 9), date(2026, 1, 29)):
        await run_mornings(database, registry, now=morning_of(day))
        await sent_all(database)
        async with database.read() as connection:
            asked[day] = (
                await connection.scalar(
                    select(func.count())
                    .select_from(MessageItem)
                    .join(Message, Message.id == MessageItem.message_id)
                    .join(Obligation, Obligation.id == MessageItem.obligation_id)
                    .where(
                        Message.broadcast_on == day,
                        Obligation.code == "III.6c",
                        Obligation.due_on == date(2025, 12, 31),
                    )
                )
                or 0
            )
    assert list(asked.values()) == [1, 0, 0]


async def test_a_morning_is_recorded_once_for_a_province(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    for hour in (8, 9, 10):
        await run_mornings(database, registry, now=morning_of(FRIDAY, hour))
    async with database.read() as connection:
        rows = await connection.execute(select(JobRun.subject).where(JobRun.job == "morning"))
        assert sorted(rows.scalars()) == ["dak-lak", "dong-thap", "gia-lai", "lang-son"]


async def test_a_chat_of_two_provinces_gets_the_mornings_of_both(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    first = await open_chats(
        database, now=morning_of(FRIDAY), province="lang-son", only={"so-y-te"}
    )
    chat = first["lang-son", "so-y-te"]
    async with database.write() as connection:
        other = await connection.execute(
            select(Agency.id).where(Agency.province == "gia-lai", Agency.code == "so-y-te")
        )
        await connection.execute(
            insert(Enrolment).values(
                chat_id=chat,
                agency_id=other.scalar_one(),
                role="focal",
                enrolled_at=morning_of(FRIDAY),
            )
        )
    result = await run_mornings(database, registry, now=morning_of(FRIDAY))
    assert result.failed == []
    told = {message.context["agency_code"] for message in await messages_to(database, chat)}
    agencies = {message.agency_id for message in await messages_to(database, chat)}
    assert told == {"so-y-te"}
    assert len(agencies) == 2


async def test_a_closed_plan_is_reminded_of_no_more(database: Database, registry: Registry) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(
        database, now=morning_of(FRIDAY), province="lang-son", only={"so-y-te"}
    )
    async with database.write() as connection:
        await connection.execute(
            update(Plan)
            .where(Plan.code == "lang-son-131-2020")
            .values(closed_on=date(2026, 11, 19))
        )
    await run_mornings(database, registry, now=morning_of(FRIDAY))
    assert await messages_to(database, chats["lang-son", "so-y-te"]) == []


async def test_a_morning_that_goes_on_by_a_smaller_channel_shows_less_and_is_not_cut(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    for role in ("focal", "coordinator", "leader"):
        await open_chats(
            database, now=morning_of(FRIDAY), province="gia-lai", only={"so-khcn"}, role=role
        )
    laid_out_for = dict.fromkeys(range(1, 9), WITH_BUTTONS)
    await run_mornings(
        database, registry, now=morning_of(date(2026, 11, 23)), capabilities=laid_out_for
    )
    preparer = MessagePreparer(RENDERER, WITHOUT, lambda: registry.workdays)
    claimed = select(
        Message.__table__,
        null().label("chat_state"),
        false().label("needs_right"),
        null().label("enrolled_until"),
        literal("1").label("address"),
        literal("").label("thread"),
    )
    async with database.write() as connection:
        rows = (await connection.execute(claimed.where(Message.template == "reminder"))).all()
        contents = await preparer.read(connection, rows, today=date(2026, 11, 23))
        after = {row.id: row.context for row in (await connection.execute(claimed)).all()}
    texts = [each.text for each in await preparer.prepare(rows, contents)]
    assert len(rows) > 1
    assert all(len(text) <= WITHOUT.max_text for text in texts)
    assert not any(text.endswith("…") for text in texts)
    assert any(after[row.id]["shown"] < row.context["shown"] for row in rows)
    for row, text in zip(rows, texts, strict=True):
        shown = after[row.id]["shown"]
        assert (f"\n{shown}. " in text) == (shown > 0)
        assert f"\n{shown + 1}. " not in text
