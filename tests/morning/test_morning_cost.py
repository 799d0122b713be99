"""What a morning costs: statements by what there is to do, not by each line of it; and what it writes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from data import job_runs
from data.db.database import Database
from data.db.statements import bulk_insert
from data.figures.states import overdue_condition
from data.models import Message, MessageItem, Obligation, Reminder
from data.obligations import due
from data.outbox import messages as outbox
from data.registry.registry import Registry
from jobs.morning import escalation
from jobs.morning.layout import ChatMorning
from jobs.morning.run import run_mornings
from jobs.morning.unsent import replace_unsent
from jobs.planning.rungs import recompute
from tests.support.conversations import Seat, Talk, small_registry
from tests.support.loaded_province import counted, load_world, morning_of, open_chats
from tests.support.outbox_rows import MORNING, account, chat, put

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
RUNGS = ("obligation_id", "due_on", "rung", "reminded_on")


@contextmanager
def heard(database: Database) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """Collect the statements that are executed, with their parameters."""
    statements: list[tuple[str, tuple[object, ...]]] = []

    def note(_c: object, _k: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, tuple(parameters)))  # type: ignore[arg-type]

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_a_morning_takes_few_statements_however_many_lines_it_tells(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    await open_chats(database, now=morning_of(FRIDAY))
    with heard(database) as statements:
        result = await run_mornings(database, registry, now=morning_of(FRIDAY))
    assert len(result.provinces) == 4
    assert result.messages > 300
    assert result.items > 1000
    assert len(statements) < 70 * len(result.provinces)  # the week among them
    with heard(database) as statements:
        await run_mornings(database, registry, now=morning_of(FRIDAY, 9))
    assert len(statements) == 1  # and of one that is over nothing is begun


async def test_what_is_done_is_told_of_the_asked_subjects_and_day(database: Database) -> None:
    async with database.write() as connection:
        for subject, day in (("a", FRIDAY), ("b", MONDAY), ("c", FRIDAY)):
            assert await job_runs.record_run(connection, "morning", subject, day, now=MORNING)
        assert await job_runs.list_finished_subjects(connection, "morning", ("a", "b"), FRIDAY) == {
            "a"
        }
        assert (
            await job_runs.list_finished_subjects(connection, "week", ("a", "b"), FRIDAY) == set()
        )


@pytest.mark.sqlite  # whose planner needs no rows to choose an index
async def test_what_never_left_is_found_by_partial_indexes(database: Database) -> None:
    with heard(database) as statements:
        async with database.write() as connection:
            await replace_unsent(connection, "dong", MONDAY)
    plans = []
    async with database.read() as connection:
        for statement, parameters in statements[:2]:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(" ".join(row[-1] for row in plan))
    assert "ix_message_outbox" in plans[0]
    assert "ix_message_parked" in plans[1]


async def test_messages_are_put_at_once_with_their_lines_and_never_twice(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=MORNING)
    account_id = await account(database)
    chat_id = await chat(database, account_id, "5")
    first = await put(database, account_id, chat_id, "x", dedupe_key="a")
    messages = [
        {
            "account_id": account_id,
            "chat_id": chat_id,
            "template": "words",
            "context": {"text": key},
            "agency_id": None,
            "page": 1,
            "pages": 1,
            "dedupe_key": key,
        }
        for key in "abc"
    ]
    async with database.write() as connection:
        owed = (await connection.scalars(select(Obligation.id).limit(3))).all()
        lines = {"a": [(1, owed[0], None)], "c": [(11, owed[1], -5), (12, owed[2], None)]}
        done = await outbox.enqueue_all(
            connection, messages, lines, priority=outbox.BROADCAST, now=MORNING, send_at=MORNING
        )
        assert done == 2
        found = await connection.execute(
            select(Message.dedupe_key, MessageItem.position, MessageItem.obligation_id, MessageItem.rung)
            .join(MessageItem, MessageItem.message_id == Message.id)
            .order_by(MessageItem.position)
        )  # fmt: skip
        assert found.all() == [("c", 11, owed[1], -5), ("c", 12, owed[2], None)]
        kept = await connection.execute(select(Message.context).where(Message.id == first))
        assert kept.scalar_one()["text"] == "x"


async def test_plain_rows_that_stand_already_are_kept_only_where_that_is_asked_for(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=MORNING)
    async with database.write() as connection:
        owed = (await connection.scalars(select(Obligation.id).limit(2))).all()
        rows = [(key, "2026-12-31", -5, "2026-11-23") for key in owed]
        await bulk_insert(connection, Reminder, RUNGS, rows[:1])
        await bulk_insert(connection, Reminder, RUNGS, [])
        await bulk_insert(connection, Reminder, RUNGS, rows, ignore_existing=True)
        found = await connection.execute(select(Reminder.due_on, Reminder.reminded_on))
        assert found.all() == [(date(2026, 12, 31), MONDAY)] * 2
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await bulk_insert(connection, Reminder, RUNGS, rows[:1])


async def test_obligations_that_stand_alike_are_reckoned_as_if_each_were_alone(
    database: Database, registry: Registry
) -> None:
    """All at once, and one by one: with answers, extensions and told rungs among them."""
    await load_world(database, registry, now=morning_of(FRIDAY))
    every = select(
        Obligation.id, Obligation.base_on, Obligation.judged_on, Obligation.rung, Obligation.remind_on
    ).order_by(Obligation.id)  # fmt: skip
    changed: list[Callable[[int], object]] = [
        lambda rest: update(Obligation).where(Obligation.id % 7 == rest).values(extended_to=MONDAY),
        lambda rest: (
            update(Obligation).where(Obligation.id % 5 == rest).values(acknowledged_until=MONDAY)
        ),
    ]
    async with database.write() as connection:
        for rest, change in enumerate(changed):
            await connection.execute(change(rest))  # type: ignore[call-overload]
        told = select(Obligation.id, Obligation.due_on).where(Obligation.id % 3 == 0)
        await connection.execute(
            insert(Reminder),
            [
                {"obligation_id": key, "due_on": due_on, "rung": 0, "reminded_on": FRIDAY}
                for key, due_on in await connection.execute(told)
            ],
        )
        ids = list((await connection.scalars(select(Obligation.id))).all())
        await recompute(connection, registry, ids, today=FRIDAY)
        together = (await connection.execute(every)).all()
        await connection.execute(update(Obligation).values(rung=99, remind_on=None))
        for key in ids[::11]:
            await recompute(connection, registry, [key], today=FRIDAY)
        alone = (await connection.execute(every)).all()
    assert [row for row in together if row.id in set(ids[::11])] == [
        row for row in alone if row.id in set(ids[::11])
    ]
    assert {row.rung for row in alone} > {99, None}


async def test_the_longest_late_is_told_first_and_once_to_who_follows_and_leads(
    database: Database,
) -> None:
    talk = await Talk(database, small_registry(), morning_of(date(2026, 11, 9))).begin(
        Seat("both", "dong", "skhcn", "coordinator"), Seat("stc", "dong", "stc")
    )
    await talk.enrol("both", "dong", "ubnd", "leader")
    today = date(2026, 12, 31)
    async with database.write() as connection:
        stc = await talk.agency_id("dong", "stc")
        mine = select(Obligation.id).where(
            Obligation.agency_id == stc, Obligation.state == "open", Obligation.kind != "undated"
        )
        ids = sorted((await connection.scalars(mine)).all())
        assert len(ids) > 1
        for number, key in enumerate(ids):  # the later its number, the longer it is late
            await connection.execute(
                update(Obligation)
                .where(Obligation.id == key)
                .values(
                    judged_on=date(2026, 11, 28 - number), late_told=1, due_on=date(2026, 11, 28)
                )
            )
        chat_mornings: dict[int, ChatMorning] = {}
        await escalation.escalate(connection, talk.registry, "dong", chat_mornings, today=today)
        (chat_morning,) = chat_mornings.values()
        assert [item.row.id for item in chat_morning.escalated] == ids[::-1]
        assert chat_morning.leaders_of
        told = select(func.count()).where(Obligation.late_told == escalation.LEADER)
        assert await connection.scalar(told) == len(ids)
        late = await due.load_late(connection, "dong", overdue_condition(today), told=(1, 2))
        assert late == []
    assert await counted(database, Message) > 0
