"""Killed at every step of a start, and of a first one: composed once and whole, loaded once and whole."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import func, select

from data.db.database import Database
from data.models import (
    Agency,
    Assignment,
    JobRun,
    Message,
    MessageItem,
    Obligation,
    Plan,
    RegistryFile,
    Reminder,
    Task,
    WeekFacts,
)
from tests.support.kill_setup import Mortals, mortals, setting_for
from tests.support.loaded_province import counted
from tests.support.prepared_databases import Prepared
from tests.support.start_steps import Birth
from tests.support.telegram_server import BotApi

pytestmark = pytest.mark.slow

MONDAY = "2026-11-16T07:30:00+07:00"
MOST_STEPS = 600


async def rows(database: Database, *columns: Any) -> list[Any]:
    async with database.read() as connection:
        found = await connection.execute(select(*columns).order_by(*columns))
        return [tuple(row) for row in found]


async def composed(database: Database) -> dict[str, list[Any]]:
    """Return what a morning with its week leaves behind, without numbers of rows."""
    items = (
        select(
            Message.dedupe_key, MessageItem.position, MessageItem.obligation_id, MessageItem.rung
        )
        .join(MessageItem, MessageItem.message_id == Message.id)
        .order_by(Message.dedupe_key, MessageItem.position)
    )
    async with database.read() as connection:
        listed = [tuple(row) for row in await connection.execute(items)]
    return {
        "messages": await rows(
            database, Message.chat_id, Message.template, Message.dedupe_key, Message.state
        ),
        "items": listed,
        "reminders": await rows(
            database, Reminder.obligation_id, Reminder.due_on, Reminder.rung, Reminder.reminded_on
        ),
        "rungs": await rows(database, Obligation.id, Obligation.rung, Obligation.remind_on),
        "runs": await rows(database, JobRun.job, JobRun.subject, JobRun.run_on),
        "facts": await rows(database, WeekFacts.province, WeekFacts.scope, WeekFacts.code),
    }


@asynccontextmanager
async def forks_of(database: Database) -> AsyncIterator[Mortals]:
    async with BotApi() as api:
        setting = setting_for(database, api, morning=MONDAY, lives=0)
        async with mortals(setting) as forks:
            await forks.ready
            yield forks


async def undisturbed_by_death(database: Database, work: str) -> None:
    async with forks_of(database) as forks:
        assert await (await forks.spawn(Birth(work=work))).ended == 0


async def killed_at_every_step(database: Database, work: str, *, whole: Any = None) -> list[str]:
    """Start again and again, each time killed a step later, until a start ends; returns the places.

    whole: a table that one transaction fills, so that no death leaves it filled in part.
    """
    counts: set[int] = set()
    places: list[str] = []
    async with forks_of(database) as forks:
        for step in range(1, MOST_STEPS):
            start = await forks.spawn(Birth(work=work, die_at=step))
            status = await start.ended
            if status == 0:
                break
            assert status == -signal.SIGKILL
            places += start.places
            if whole is not None:
                counts.add(await counted(database, whole))
        else:
            raise AssertionError("a start has no end")
    assert len(places) == step - 1
    if whole is not None:
        assert counts == {0, await counted(database, whole)}
    return places


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_morning_with_its_week_killed_at_every_step_are_composed_once_and_whole(
    prepared: Prepared, kind: str
) -> None:
    undisturbed, database = [
        await prepared.copy(kind, readers=3, askers=2, composed=False) for _ in range(2)
    ]
    await undisturbed_by_death(undisturbed, "start")
    places = await killed_at_every_step(database, "start")
    expected, found = await composed(undisturbed), await composed(database)
    print(
        f"{kind}: a start killed at each of {len(places)} steps: {len(found['messages'])} messages,"
        f" {len(found['items'])} items, {len(found['reminders'])} reminders, each once"
    )
    assert found == expected
    assert {template for _, template, _, _ in found["messages"]} == {"reminder"}
    assert found["facts"]  # the week's figures are kept in the same transaction
    assert {job for job, _, _ in found["runs"]} == {"morning", "digest"}
    assert {"INSERT INTO message", "INSERT INTO reminder", "UPDATE obligation"} <= set(places)
    for each in (undisturbed, database):
        await each.dispose()


async def loaded(database: Database) -> dict[str, Any]:
    async with database.read() as connection:
        counts = {
            table.__tablename__: await connection.scalar(select(func.count()).select_from(table))
            for table in (Plan, Task, Agency, Assignment, Obligation)
        }
    files = await rows(database, RegistryFile.path, RegistryFile.sha256)
    owed = await rows(database, Obligation.code, Obligation.period, Obligation.due_on)
    return {**counts, "files": files, "owed": owed}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_first_start_killed_at_every_step_loads_the_registry_once_and_whole(
    prepared: Prepared, kind: str
) -> None:
    undisturbed, database = [await prepared.empty(kind) for _ in range(2)]
    await undisturbed_by_death(undisturbed, "load")
    places = await killed_at_every_step(database, "load", whole=Obligation)
    expected, found = await loaded(undisturbed), await loaded(database)
    print(f"{kind}: a first load killed at each of {len(places)} steps: {found['obligation']} owed")
    assert found == expected
    assert found["obligation"] > 0
    for each in (undisturbed, database):
        await each.dispose()
