"""How fast questions are answered with a million obligations stored.

Makes a SQLite file by bulk insert (34 provinces, ten plans each, all agencies and years of history),
asks each question many times through the real router, rendering and the commit included, and prints
median, 95th percentile, processor time, and how many times as long as the bare look-up each takes:
one read by key through the same engine, measured all along the run. Beside it stands what an empty
commit costs (one row written, nothing asked): every question's time holds one.
Run from the repository's root, on a machine that does nothing else:

    python -m benchmarks.queries [--obligations 1000000] [--repeat 60] [--json] [--file big.db]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from benchmarks.million import NOW, TODAY, fill, registry_of
from bot.conversation.router import Router
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.models import Agency, Chat, Message
from data.outbox.messages import ANSWER, enqueue
from data.registry.registry import Registry
from jobs.channel import Capabilities, Incoming
from jobs.rendering.renderer import Renderer

AIM_MS = 50.0
TEMPLATES = Path(__file__).parent.parent / "templates"
CHANNEL = Capabilities(4096, True, True, True, "html", 3, True)


QUESTIONS = (
    ("leader", "/status"),
    ("coordinator", "/status"),
    ("leader", "/status 3"),
    ("leader", "/status 3 III.7"),
    ("leader", "/status BC.1 4"),
    ("leader", "/status Sở Số 3"),
    ("leader", "/status chuyển đổi số"),
    ("focal", "/status"),
    ("focal", "/viec"),
    ("leader", "/quahan"),
    ("leader", "/quahan trang 5"),
    ("coordinator", "/quahan 3"),
    ("coordinator", "/chuanop"),
    ("coordinator", "/chuanop 3 BC.1"),
    ("leader", "/lydo 3"),
    ("focal", "/quahan"),
    ("leader", "/sapden"),
    ("focal", "/sapden"),
    ("leader", "/tim du lieu hạ tầng"),
    ("leader", "/tim không có chữ này"),
    ("focal", "/tim dữ liệu"),
    ("leader", "/nhiemvu 3 III.7"),
    ("leader", "/lichsu Sở Số 3"),
    ("coordinator", "/donvi"),
)  # fmt: skip


async def ask(
    database: Database, router: Router, renderer: Renderer, registry: Registry, who: str, text: str
) -> float:
    """Answer one question as the service does, rendering included; returns milliseconds."""
    incoming = Incoming(1, "1", who, "private", "text", sender=who, text=text)
    began = time.perf_counter()
    async with database.write() as connection:
        answers = await router.handle(connection, incoming, event_id=None, now=NOW)
        for answer in answers:
            message_id = await enqueue(
                connection,
                account_id=1,
                chat_id=1,
                template=answer.template,
                context=answer.context,
                buttons=[[(b.label, b.action) for b in row] for row in answer.buttons],
                items=[(item, None) for item in answer.items],
                priority=ANSWER,
                now=NOW,
            )
            row = (await connection.execute(select(Message).where(Message.id == message_id))).one()
            content = await renderer.content(
                connection, row, today=TODAY, workdays=registry.workdays
            )
            assert content is not None
            renderer.render(content, CHANNEL, repeated=False, plain=False, address="x")
    return (time.perf_counter() - began) * 1000


async def bare_lookup(database: Database) -> float:
    """Return how long one look-up by key through the same engine takes, in milliseconds."""
    began = time.perf_counter()
    async with database.read() as connection:
        await connection.execute(select(Agency.name).where(Agency.id == 1))
    return (time.perf_counter() - began) * 1000


async def bare_commit(database: Database) -> float:
    """Return how long it takes to write one row and nothing else, in milliseconds."""
    began = time.perf_counter()
    async with database.write() as connection:
        await connection.execute(update(Chat).where(Chat.id == 1).values(last_seen_at=NOW))
    return (time.perf_counter() - began) * 1000


async def measure(path: Path, total: int, repeat: int, *, is_new: bool) -> dict[str, Any]:
    """Make the file if it is new, ask everything, return the figures."""
    chance = random.Random(7)  # the same file every time
    registry = registry_of(chance, 1)
    database = Database(f"sqlite+aiosqlite:///{path}")
    made = 0.0
    await upgrade_schema(database)  # a file that is used again may be of an older schema
    if is_new:
        began = time.perf_counter()
        fill(path, registry, total, chance)
        made = time.perf_counter() - began
        print(f"made {path} in {made:.0f} s", file=sys.stderr)
    with sqlite3.connect(path) as file:
        (stored,) = file.execute("SELECT count(*) FROM obligation").fetchone()
    router, renderer = Router(lambda: registry, TEMPLATES), Renderer(TEMPLATES)
    rows = []
    every_lookup: list[float] = []
    every_commit: list[float] = []
    for who, text in QUESTIONS:
        times, busy = [], []
        # Measured in between, so that a machine that is busy for a while is so for both.
        lookups, commits = [], []
        for turn in range(repeat + 3):
            before = time.process_time()
            spent = await ask(database, router, renderer, registry, who, text)
            if turn >= 3:  # the first compile templates and statements
                times.append(spent)
                busy.append((time.process_time() - before) * 1000)
                lookups.append(await bare_lookup(database))
                commits.append(await bare_commit(database))
        times.sort()
        p95 = times[min(int(len(times) * 0.95), len(times) - 1)]
        rows.append(
            {
                "who": who,
                "asked": text,
                "p50_ms": round(statistics.median(times), 1),
                "p95_ms": round(p95, 1),
                "processor_ms": round(statistics.median(busy), 1),
                "times_bare": round(statistics.median(times) / statistics.median(lookups), 1),
                "within_aim": p95 < AIM_MS,
            }
        )
        every_lookup += lookups
        every_commit += commits
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    await database.dispose()
    return {
        "obligations": stored,
        "repeat": repeat,
        "aim_p95_ms": AIM_MS,
        "bare_lookup_ms": round(statistics.median(every_lookup), 2),
        "bare_commit_ms": round(statistics.median(every_commit), 2),
        "questions": rows,
    }


def main() -> None:
    """Measure and print a table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--obligations", type=int, default=1_000_000)
    options.add_argument("--repeat", type=int, default=60)
    options.add_argument("--file", type=Path, help="kept and used again; default: a temporary one")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.file or Path(folder) / "big.db"
        figures = asyncio.run(
            measure(path, chosen.obligations, chosen.repeat, is_new=not path.exists())
        )
    if chosen.json:
        print(json.dumps(figures, ensure_ascii=False, indent=2))
        return
    print(
        f"{figures['obligations']:,} obligations; bare look-up {figures['bare_lookup_ms']} ms,"
        f" bare commit {figures['bare_commit_ms']} ms"
    )
    print(
        f"{'who':12} {'asked':28} {'p50 ms':>8} {'p95 ms':>8} {'cpu ms':>8} {'× bare':>8}"
        f"  aim p95 < {AIM_MS:.0f} ms"
    )
    for row in figures["questions"]:
        verdict = "ok" if row["within_aim"] else "OVER"
        print(
            f"{row['who']:12} {row['asked']:28} {row['p50_ms']:8.1f} {row['p95_ms']:8.1f}"
            f" {row['processor_ms']:8.1f} {row['times_bare']:8.1f}  {verdict}"
        )


if __name__ == "__main__":
    main()
