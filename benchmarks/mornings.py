"""A morning of all provinces: 3,800 agencies, 5,000 chats, 100,000 things due, put into messages.

Beside it sqlite3 alone inserts as many rows as the morning wrote. What follows is the platform's limit; how
well that is used is measured with its own server (benchmarks.timing).
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.million import AGENCIES, NOW, TODAY, fill, registry_of
from benchmarks.stored import _schema
from benchmarks.table import Row, Sizes
from data.db.database import Database
from jobs.morning.run import run_mornings

AIM_SECONDS = 10.0


async def mornings(sizes: Sizes) -> list[Row]:
    """Measure one morning of every province."""
    provinces = -(-sizes.agencies // AGENCIES)
    chance = random.Random(7)
    registry = registry_of(chance, provinces, plans=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mornings.db"
        await _schema(path)
        fill(path, registry, 2 * sizes.due, chance, provinces=provinces, plans=1)
        due = _prepared(path, sizes)
        database = Database(f"sqlite+aiosqlite:///{path}")
        began = time.perf_counter()
        result = await run_mornings(database, registry, now=NOW)
        seconds = time.perf_counter() - began
        await database.dispose()
        assert not result.failed, result.failed
        assert result.items == due, (result.items, due)
        bare = _bare(path)
    name = f"{due:,} things due, {provinces * AGENCIES:,} agencies, {sizes.chats:,} chats: composed"
    return [
        Row(name, f"< {AIM_SECONDS:.0f} s", seconds, "s", seconds < AIM_SECONDS, bare, seconds / bare,
            f"sqlite3 alone, s, {result.messages:,} messages"),
    ]  # fmt: skip


def _prepared(path: Path, sizes: Sizes) -> int:
    """Let the wanted number be due in all provinces, and give every agency its chats; returns the number."""
    file = sqlite3.connect(path)
    file.execute("PRAGMA synchronous=OFF")
    file.execute(
        "UPDATE obligation SET state = 'open', done_on = NULL, rung = 1, remind_on = ? WHERE id IN"
        " (SELECT id FROM obligation WHERE judged_on < ? ORDER BY (id * 7919) % 1000003 LIMIT ?)",
        (TODAY.isoformat(), TODAY.isoformat(), sizes.due),
    )
    (due,) = file.execute("SELECT count(*) FROM obligation WHERE remind_on IS NOT NULL").fetchone()
    agencies = [row[0] for row in file.execute("SELECT id FROM agency ORDER BY id")]
    for number in range(sizes.chats):
        agency, key = agencies[number % len(agencies)], 1000 + number
        file.execute(
            "INSERT INTO chat (id, account_id, address, thread, kind, state)"
            " VALUES (?, 1, ?, '', 'group', 'living')", (key, f"-{key}"),
        )  # fmt: skip
        file.execute(
            "INSERT INTO enrolment (chat_id, agency_id, role, may_decide, enrolled_at)"
            " VALUES (?, ?, 'focal', 0, '2026-01-01 00:00:00.000000')", (key, agency),
        )  # fmt: skip
    file.execute("ANALYZE")
    file.commit()
    file.close()
    return int(due)


def _bare(path: Path) -> float:
    """Return how long sqlite3 takes to insert the rows that the morning wrote, into tables without indexes."""
    file = sqlite3.connect(path)
    file.execute("PRAGMA wal_autocheckpoint=0")  # copying the log into the file is no part of it
    seconds = 0.0
    for table in ("message", "message_item", "reminder"):
        rows = file.execute(f"SELECT * FROM {table}").fetchall()
        file.execute(f"CREATE TABLE bare_{table} AS SELECT * FROM {table} LIMIT 0")
        places = ",".join("?" * len(rows[0]))
        began = time.perf_counter()
        file.executemany(f"INSERT INTO bare_{table} VALUES ({places})", rows)
        file.commit()
        seconds += time.perf_counter() - began
    file.close()
    return seconds
