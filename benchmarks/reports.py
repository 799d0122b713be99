"""How long a consolidated report of 3,000 tasks × 150 agencies takes, and how much memory.

Makes SQLite files by bulk insert (parts with an answer or without one, some confirmed, some late), at full
size, with a tenth of the tasks and with a tenth of the agencies, and makes the document and the sheet of
each in a process of its own, through jobs.reports.make.make_report. Prints seconds (gathering apart) and the
peak of memory. A document holds a row a task, and memory grows with those; it must not grow with the
answers behind them. Run from the repository's root, on a machine that does nothing else:

    python -m benchmarks.reports [--tasks 3000] [--agencies 150] [--json] [--no-sheet]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.million import WORDS
from data.db.database import Database
from data.db.upgrade import upgrade_schema
from data.registry.registry import Registry
from data.reports.gather import gather_report_facts
from data.reports.sums import find_sum_errors
from data.rules.ladder import compute_due_date
from jobs.reports.make import SHEET, WORD, ReportFile, make_report

AIM_SECONDS = 20.0  # gathering and the document
FLAT = 1.2  # peak of memory at full size, times that with a tenth of the agencies
DAY = date(2026, 11, 20)
PLAN = "p-1-2026"
_NOTES = ("đang triển khai", "Đề nghị Sở hướng dẫn biểu mẫu", "Chưa bố trí kinh phí")
_NOTED = 0.02  # of the answers; more proposals than that nobody reads
_TASKS_A_SECTION = 100


def registry_of(agencies: int) -> Registry:
    """Return a province of so many agencies, with a plan whose reports all of them owe."""
    lines = ["province: p", "name: Tỉnh", "agencies:"]
    lines.append('  - {code: ubnd, name: "UBND tỉnh", kind: committee}')
    lines.append('  - {code: skhcn, name: "Sở Khoa học và Công nghệ", kind: public_unit}')
    for index in range(agencies):
        kind, name = ("department", "Sở") if index < 20 else ("commune", "UBND xã")
        lines.append(f'  - {{code: a{index}, name: "{name} Số {index}", kind: {kind}}}')
    lines += ["groups:", '  - {code: so, name: các sở, spellings: ["các sở"],']
    lines.append("     members: [{kinds: [department, commune]}]}")
    plan = (
        'number: "1/KH-UBND"\nprovince: p\ntitle: "Kế hoạch lớn"\nissued_on: 2026-01-05\n'
        'signer: "A"\ncoordinator: "Sở Khoa học và Công nghệ"\nsource: none.txt\nreport_duties:\n'
        '  - {code: BC.1, clause: "mục V", from: ["các sở"], to: "UBND tỉnh",\n'
        '     via: "Sở Khoa học và Công nghệ", frequency: annual, quote: "báo cáo",\n'
        '     deadline: {operator: before, month: 11, day: 15, raw: "trước ngày 15/11"}}\n'
        '  - {code: BC.2, clause: "mục V", from: ["Sở Khoa học và Công nghệ"], to: "UBND tỉnh",\n'
        '     frequency: annual, quote: "báo cáo"}\n'
    )
    return Registry.from_texts({"agencies/p.yaml": "\n".join(lines) + "\n", "plans/p-1.yaml": plan})


def fill(path: Path, registry: Registry, tasks: int, agencies: int) -> None:
    """Insert the plan, its tasks and, for each task and agency, an obligation with its answers."""
    chance = random.Random(20261120)
    file = sqlite3.connect(path)
    file.execute("PRAGMA synchronous=OFF")
    file.execute("PRAGMA foreign_keys=OFF")
    for index, entry in enumerate(registry.provinces["p"].file.agencies, 1):
        file.execute(
            "INSERT INTO agency (id, province, code, name, short, kind, position, folded)"
            " VALUES (?,'p',?,?,?,?,?,'')",
            (index, entry.code, entry.name, entry.name, entry.kind, index),
        )
    file.execute(
        "INSERT INTO plan (id, code, province, number, title, issued_on, coordinator_id, tracked_from)"
        " VALUES (1,?,'p','1/KH-UBND','Kế hoạch lớn','2026-01-05',2,'2026-01-05')",
        (PLAN,),
    )
    for number, code in ((1, "BC.1"), (2, "BC.2")):
        file.execute(
            "INSERT INTO report_duty (id, plan_id, code, position, clause, title, frequency, receiver,"
            " quote) VALUES (?,1,?,?,'mục V','Báo cáo','annual','UBND tỉnh','báo cáo')",
            (number, code, number),
        )
    file.execute("INSERT INTO person (id, name, created_at) VALUES (1,'Lan','2026-01-05 00:00:00')")
    for task in range(1, tasks + 1):
        text = " ".join(chance.choices(WORDS, k=40))
        section = f"Nhóm nhiệm vụ {1 + task // _TASKS_A_SECTION}"
        file.execute(
            "INSERT INTO task (id, plan_id, code, position, section, text, title, period_raw,"
            " period_kind, ends_on, folded) VALUES (?,1,?,?,?,?,?,'2026','fixed','2026-12-31','')",
            (task, f"III.{task}", task, section, text, text[:100]),
        )
        _parts(file, registry, chance, task, agencies)
    file.execute("ANALYZE")
    file.commit()
    file.close()


def _parts(
    file: sqlite3.Connection, registry: Registry, chance: random.Random, task: int, agencies: int
) -> None:
    day = date(2026, 10 + 2 * (task % 2), 31)  # half is late
    due = compute_due_date(day, registry.workdays)
    first = (task - 1) * agencies
    obligations, replies = [], []
    for index in range(agencies):
        key, owner = first + index + 1, index + 3
        state = chance.choices(("open", "submitted", "confirmed"), (5, 2, 3))[0]
        done = None if state == "open" else f"2026-{chance.choice((9, 10, 11)):02}-05"
        at = None if done is None else f"{done} 02:00:00.000000"
        obligations.append(
            (key, key, owner, f"III.{task}", day.isoformat(), due.base.isoformat(),
             due.judged.isoformat(), state, done, at, at if state == "confirmed" else None)
        )  # fmt: skip
        if state != "open" or chance.random() < 0.7:
            said = "completed"
            if state == "open":
                said = "blocked" if chance.random() < _NOTED else "in_progress"
            said_at = at or "2026-10-07 02:00:00.000000"
            note = chance.choice(_NOTES) if chance.random() < _NOTED else None
            replies.append((key, key, owner, said, chance.randrange(100), note, said_at))
    file.executemany(
        "INSERT INTO assignment (id, task_id, agency_id, valid_from) VALUES (?,?,?,'2026-01-05')",
        [(row[0], task, row[2]) for row in obligations],
    )
    file.executemany(
        "INSERT INTO obligation (id, plan_id, assignment_id, agency_id, kind, code, period, due_on,"
        " base_on, judged_on, due_words, state, done_on, submitted_at, confirmed_at)"
        " VALUES (?,1,?,?,'phase_end',?,'end',?,?,?,'2026',?,?,?,?)",
        obligations,
    )
    file.executemany(
        "INSERT INTO status_reply (obligation_id, assignment_id, agency_id, said, percent, note, before,"
        " said_at, person_id) VALUES (?,?,?,?,?,?,'{}',?,1)",
        replies,
    )


async def measure(path: Path, form: str, agencies: int) -> dict[str, Any]:
    """Make one report and return how long it took; progress goes to standard error."""
    registry = registry_of(agencies)
    database = Database(f"sqlite+aiosqlite:///{path}")
    begun = time.perf_counter()
    async with database.read() as connection:
        facts = await gather_report_facts(connection, registry, PLAN, period="2026", as_of=DAY)
    gathered = time.perf_counter() - begun
    assert find_sum_errors(facts) == []

    def progress(done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            print(f"\r{form}: {done}/{total}", end="", file=sys.stderr, flush=True)

    begun = time.perf_counter()
    made = await make_report(
        database, registry, PLAN, period="2026", form=form, as_of=DAY, progress=progress
    )
    seconds = time.perf_counter() - begun
    print(file=sys.stderr)
    await database.dispose()
    assert isinstance(made, ReportFile), made
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "form": form,
        "tasks": facts.figures.total,
        "lines": facts.lines,
        "gathering_s": round(gathered, 1),
        "seconds": round(seconds, 1),
        "megabytes": round(len(made.content) / 1e6, 1),
        "peak_mb": round(peak / 1024),
    }


def in_a_process(path: Path, form: str, agencies: int) -> dict[str, Any]:
    """Measure in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "benchmarks.reports", "--file", str(path)]
    command += ["--form", form, "--agencies", str(agencies)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print a table, or JSON."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    options.add_argument("--tasks", type=int, default=3000)
    options.add_argument("--agencies", type=int, default=150)
    options.add_argument("--no-sheet", action="store_true")
    options.add_argument("--json", action="store_true")
    options.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--form", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.form:
        print(json.dumps(asyncio.run(measure(chosen.file, chosen.form, chosen.agencies))))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        tenths = (max(chosen.tasks // 10, 1), max(chosen.agencies // 10, 1))
        sizes = (
            (tenths[0], chosen.agencies),
            (chosen.tasks, tenths[1]),
            (chosen.tasks, chosen.agencies),
        )
        for tasks, agencies in sizes:
            path = Path(folder) / f"{tasks}-{agencies}.db"
            asyncio.run(_made(path, tasks, agencies))
            forms = (WORD,) if chosen.no_sheet else (WORD, SHEET)
            rows += [in_a_process(path, form, agencies) for form in forms]
    if chosen.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'form':6}{'tasks':>8}{'lines':>10}{'gather s':>10}{'all s':>8}{'MB':>8}{'peak MB':>9}")
    for row in rows:
        print(
            f"{row['form']:6}{row['tasks']:>8}{row['lines']:>10}{row['gathering_s']:>10}"
            f"{row['seconds']:>8}{row['megabytes']:>8}{row['peak_mb']:>9}"
        )
    *_, small, full = (row for row in rows if row["form"] == WORD)
    in_time, flat = full["seconds"] < AIM_SECONDS, full["peak_mb"] < FLAT * small["peak_mb"]
    print(f"the document under {AIM_SECONDS:.0f} s: {'ok' if in_time else 'OVER'};", end=" ")
    print(f"memory under {FLAT} × that of a tenth of the answers: {'ok' if flat else 'OVER'}")


async def _made(path: Path, tasks: int, agencies: int) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await upgrade_schema(database)
    await database.dispose()
    fill(path, registry_of(agencies), tasks, agencies)


if __name__ == "__main__":
    main()
