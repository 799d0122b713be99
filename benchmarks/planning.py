"""How long obligations take to be made, and a registry to be loaded; and what both hold in memory.

Each runs in a process of its own, at full size and at a tenth, so that its peak of memory is its own. Beside
it, in the same process: the same rows put into a table of the same columns by sqlite3 alone.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.million import WORDS, province_text
from benchmarks.places import MORNING
from benchmarks.table import Row, Sizes
from data.clock import civil_date
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.loading.load import sync_registry
from data.registry.registry import Registry
from jobs.planning.materialise import materialise

AIM_MADE, AIM_LOADED, FLAT = 30.0, 10.0, 1.2
# Seconds that sqlite3 alone took for as many, where the aims were set.
MADE_THERE, LOADED_THERE = 2.2, 0.17
TODAY = civil_date(MORNING)
DUTIES, MONTHS = 2, 15  # of a plan; ahead
_SAMPLE = 100_000
_HEAD = """number: "{number}/KH-UBND"
province: p0
title: "Kế hoạch số {number}"
issued_on: 2026-01-05
signer: "A"
coordinator: "Sở Khoa học và Công nghệ"
source: none.txt
"""
_GROUP = """groups:
  - code: tatca
    name: các đơn vị
    spellings: ["các đơn vị"]
    members: [{kinds: [department, commune]}]
"""


def owing_registry(obligations: int) -> dict[str, str]:
    """Return the files of a province whose agencies owe monthly reports, about so many in fifteen months."""
    texts = {"agencies/p0.yaml": province_text(0) + _GROUP}
    each = MONTHS * 109  # all agencies but the committee
    for number in range(max(round(obligations / (each * DUTIES)), 1)):
        text = _HEAD.format(number=number + 1) + "report_duties:\n"
        for duty in range(DUTIES):
            text += (
                f'  - {{code: BC.{duty}, clause: "mục V", from: ["các đơn vị"], to: "UBND tỉnh",'
                ' frequency: monthly, quote: "báo cáo"}\n'
            )
        texts[f"plans/p0-{number + 1}.yaml"] = text
    return texts


def task_registry(tasks: int) -> dict[str, str]:
    """Return the files of a province with so many tasks, a hundred a plan."""
    chance = random.Random(7)
    texts = {"agencies/p0.yaml": province_text(0)}
    for number in range(max(tasks // 100, 1)):
        text = _HEAD.format(number=number + 1) + "tasks:\n"
        for task in range(min(tasks, 100)):
            words = " ".join(chance.choices(WORDS, k=30))
            text += (
                f'  - {{code: "III.{task}", text: "{words}", leads: ["Sở Số {task % 18}"],'
                ' period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}\n'
            )
        texts[f"plans/p0-{number + 1}.yaml"] = text
    return texts


async def planning(sizes: Sizes) -> list[Row]:
    """Measure both at full size and at a tenth."""
    made, tenth = await _apart("made", sizes.large), await _apart("made", sizes.large // 10)
    loaded = await _apart("loaded", sizes.tasks)
    bare = {"bare_is": "sqlite3 alone, s"}
    return [
        Row(f"{made['rows']:,} obligations made with their reminders", f"< {AIM_MADE:.0f} s", made["seconds"], "s",
            made["seconds"] < AIM_MADE, made["bare"], made["seconds"] / made["bare"],
            aim_ratio=AIM_MADE / MADE_THERE, **bare),
        Row("their peak of memory", f"≤ {FLAT} of a tenth's", made["peak_mb"], "MB",
            made["peak_mb"] <= FLAT * tenth["peak_mb"], tenth["peak_mb"], made["peak_mb"] / tenth["peak_mb"],
            f"{tenth['rows']:,} obligations, MB"),
        Row(f"registry of {loaded['rows']:,} tasks loaded", f"< {AIM_LOADED:.0f} s", loaded["seconds"], "s",
            loaded["seconds"] < AIM_LOADED, loaded["bare"], loaded["seconds"] / loaded["bare"],
            aim_ratio=AIM_LOADED / LOADED_THERE, **bare),
        Row("its peak of memory", f"≤ {FLAT} of what the files hold", loaded["peak_mb"], "MB",
            loaded["peak_mb"] <= FLAT * loaded["held_mb"], loaded["held_mb"],
            loaded["peak_mb"] / loaded["held_mb"], "the files read, MB"),
    ]  # fmt: skip


async def _apart(what: str, size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.planning", what, str(size)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(out)
    return found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _measure(what: str, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planning.db"
        database = Database(f"sqlite+aiosqlite:///{path}")
        await upgrade_schema(database)
        registry = Registry.from_texts(
            owing_registry(size) if what == "made" else task_registry(size)
        )
        held = _peak()
        began = time.perf_counter()
        async with database.write(alone=True) as connection:
            await sync_registry(
                connection, registry, now=MORNING, today=TODAY, tracked_from=date(2026, 11, 1)
            )
        if what == "made":
            began = time.perf_counter()
            async with database.write(alone=True) as connection:
                await materialise(connection, registry, today=TODAY)
        seconds, peak = time.perf_counter() - began, _peak()
        await database.dispose()
        table = "obligation" if what == "made" else "task"
        rows, bare = _by_sqlite_alone(path, table)
    return {"seconds": seconds, "rows": rows, "bare": bare, "peak_mb": peak, "held_mb": held}


def _by_sqlite_alone(path: Path, table: str) -> tuple[int, float]:
    """Return how many rows a table has and how long sqlite3 takes to insert as many into a file of their own.

    Into the same file it would move the pages, too, that the long transaction before left in the log.
    """
    with closing(sqlite3.connect(path)) as file:
        (count,) = file.execute(f"SELECT count(*) FROM {table}").fetchone()
        found = file.execute(f"SELECT * FROM {table} LIMIT {_SAMPLE}")
        names = ",".join(column[0] for column in found.description)
        rows = found.fetchall()
    with closing(sqlite3.connect(path.with_name("bare.db"))) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=FULL")
        file.execute(f"CREATE TABLE bare ({names})")
        file.commit()
        places = ",".join("?" * len(rows[0]))
        began = time.perf_counter()
        file.executemany(f"INSERT INTO bare VALUES ({places})", rows)
        file.commit()
        seconds = time.perf_counter() - began
    return count, seconds * count / len(rows)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(sys.argv[1], int(sys.argv[2])))))
