"""Three processes on one PostgreSQL whose clocks tick at the same instant: each job is done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from bot.app import App, open_app
from bot.channels.local import LIKE_TELEGRAM, LocalChannel
from bot.config import Settings, list_setting_names
from bot.service.startup import RESTARTING, release_unused_accounts
from data.accounts import leases
from data.accounts.leases import Lease
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Account, Decision, JobRun, Message, Obligation
from jobs.channel import Channel
from jobs.planning.auto_confirm import WORKING_DAYS
from tests.service.test_concurrency_postgres import registry_folder  # noqa: F401
from tests.support.conversations import Seat, Talk, small_registry
from tests.support.loaded_province import counted
from tests.support.outbox_rows import account, row_of_account

pytestmark = pytest.mark.slow
MONDAY = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # eight in the morning in Vietnam
LATER = MONDAY + timedelta(days=3 * WORKING_DAYS)


class Bot(LocalChannel):
    """A local bot that shows menus, and remembers them."""

    def __init__(self) -> None:
        super().__init__("test", capabilities=replace(LIKE_TELEGRAM, menus=True))
        self.menus: list[str] = []

    async def offer_menu(self, address: str, commands: Sequence[tuple[str, str]]) -> None:
        self.menus.append(address)


@pytest.fixture
async def talk(postgres: Database) -> Talk:
    return await Talk(postgres, small_registry(), MONDAY).begin(
        Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
    )


@pytest.fixture
async def three(
    talk: Talk,
    registry_folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[list[App]]:
    """Three processes with the same account, whose clock is at Monday morning."""
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    url = talk.database.url.render_as_string(hide_password=False)
    settings = Settings.model_validate({"database_url": url, "registry_dir": registry_folder})

    async def bot(settings: Settings, *, stopping: asyncio.Event | None) -> list[Channel]:
        return [Bot()]

    async with AsyncExitStack() as stack:
        apps = []
        for _ in range(3):
            clock = SteppedClock(MONDAY)
            apps.append(
                await stack.enter_async_context(open_app(settings, clock=clock, connector=bot))
            )
            apps[-1].draw = None
        yield apps


async def tick(apps: Sequence[App], job: str, *, at: datetime = MONDAY) -> None:
    for app in apps:
        assert isinstance(app.clock, SteppedClock)
        app.clock.move_to(at)
    await asyncio.gather(*(app.jobs[job]() for app in apps))


async def test_a_job_that_ticks_in_three_processes_at_once_is_done_once(
    talk: Talk, three: list[App]
) -> None:
    database = talk.database
    owed = await counted(database, Obligation)
    async with database.write() as connection:
        gone = await connection.execute(delete(Obligation).where(Obligation.code == "2"))
        assert gone.rowcount > 1
    await tick(three, "plan")
    assert await counted(database, Obligation) == owed

    await tick(three, "morning")
    assert await counted(database, JobRun, JobRun.job == "morning", JobRun.subject == "dong") == 1
    assert await put_twice(database) == []
    assert await counted(database, Message) > 2  # beside the answers to who enrolled

    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    await tick(three, "confirming", at=LATER)
    assert await counted(database, Decision, Decision.kind == "confirm") == 1

    await tick(three, "housekeeping", at=LATER)

    async with database.write() as connection:
        await leases.stop_account(
            connection, talk.account_id, why="spent: 429", now=MONDAY, until=MONDAY
        )
    await tick(three, "accounts")
    assert (await row_of_account(database, talk.account_id)).stopped_at is None


async def put_twice(database: Database) -> list[tuple[int, str, int]]:
    """Return chat, template and page of what a chat would get more than once."""
    what = (Message.chat_id, Message.template, Message.page)
    async with database.read() as connection:
        rows = await connection.execute(
            select(*what)
            .where(Message.state == "pending")
            .group_by(*what, Message.agency_id)
            .having(func.count() > 1)
        )
        return [(row[0], row[1], row[2]) for row in rows]


async def test_menus_are_offered_by_the_accounts_owner_alone(talk: Talk, three: list[App]) -> None:
    await tick(three, "menus")
    assert [app.accounts[talk.account_id].menus for app in three] == [[], [], []]  # type: ignore[attr-defined]
    owner = three[1].delivery.account_leases[talk.account_id]
    assert await owner.take(repeats_unknown=True) is None
    assert (
        await three[2].delivery.account_leases[talk.account_id].take(repeats_unknown=True)
    ) is not None
    await tick(three, "menus")
    offered = [sorted(app.accounts[talk.account_id].menus) for app in three]  # type: ignore[attr-defined]
    assert offered == [[], ["7", "8"], []]


# ------------------------------------------------------------------ accounts that nobody seems to have


async def lost(database: Database, account_id: int, *, now: datetime) -> bool:
    """Let a process that has not this account start, and tell whether it let go of it."""
    await release_unused_accounts(database, {}, now=now, starting=True)
    return (await row_of_account(database, account_id)).stopped_at is not None


async def owned_until(database: Database, account_id: int, now: datetime) -> None:
    async with database.write() as connection:
        epoch = await leases.take_lease(connection, account_id, "máy kia", now=now)
        assert epoch is not None
        await leases.release_lease(connection, Lease(account_id, "máy kia", epoch), now=now)


async def test_an_account_whose_process_is_starting_again_is_not_let_go(postgres: Database) -> None:
    its = await account(postgres)
    await owned_until(postgres, its, MONDAY)
    assert not await lost(postgres, its, now=MONDAY)
    assert not await lost(postgres, its, now=MONDAY + RESTARTING - timedelta(seconds=1))
    async with postgres.write() as connection:  # it is back, and has yet to take the lease
        back = MONDAY + RESTARTING
        await leases.ensure_account(connection, channel="telegram", name="4242", now=back)
    assert not await lost(postgres, its, now=back + timedelta(seconds=30))
    assert await lost(postgres, its, now=back + RESTARTING)


async def test_of_an_account_of_which_nothing_is_known_the_time_counts_from_the_first_look(
    postgres: Database,
) -> None:
    its = await account(postgres)
    async with postgres.write() as connection:
        await connection.execute(update(Account).values(owned_until=None, owner=None))
    assert not await lost(postgres, its, now=MONDAY)
    assert not await lost(postgres, its, now=MONDAY + RESTARTING - timedelta(seconds=1))
    assert await lost(postgres, its, now=MONDAY + RESTARTING)


async def test_an_account_that_a_living_process_owns_is_never_let_go(postgres: Database) -> None:
    its = await account(postgres)
    async with postgres.write() as connection:
        assert await leases.take_lease(connection, its, "máy kia", now=MONDAY + RESTARTING * 2)
    assert not await lost(postgres, its, now=MONDAY + RESTARTING * 2)


@pytest.mark.sqlite
async def test_on_one_machine_an_account_that_is_set_no_longer_is_let_go_at_once(
    database: Database,
) -> None:
    its = await account(database)
    await owned_until(database, its, MONDAY)
    await release_unused_accounts(
        database, {}, now=MONDAY, starting=False
    )  # of a process that runs on
    assert (await row_of_account(database, its)).stopped_at is None
    assert await lost(database, its, now=MONDAY)


async def test_no_morning_is_composed_before_a_start_has_planned(
    three: list[App], talk: Talk
) -> None:
    app, stopping = three[0], asyncio.Event()

    async def serve() -> None:
        await stopping.wait()

    async with talk.database.write(alone=True):  # what planning waits for
        running = asyncio.create_task(app.run(stopping, serve))
        await asyncio.sleep(62 - datetime.now(UTC).second % 60)  # the jobs' minute has come
        assert await counted(talk.database, JobRun, JobRun.job == "morning") == 0
        assert not running.done()
    async with asyncio.timeout(30):
        while not await counted(talk.database, JobRun, JobRun.job == "morning"):
            await asyncio.sleep(0.05)
    stopping.set()
    await running
