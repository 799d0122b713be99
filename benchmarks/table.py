"""Rows of figures, the file that keeps them, and the table in benchmarks/README.md."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

TOP = Path(__file__).parent.parent
RESULTS = TOP / "benchmarks" / "results.json"
BEGIN, END = "<!-- figures: python -m benchmarks --write-readme -->", "<!-- end of figures -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One aim and what was measured; ratio: ours to bare, where there is something bare to compare with.

    aim_ratio: the same aim as a ratio to bare, where it is a time that was set on another machine.
    """

    name: str
    aim: str
    ours: float
    unit: str
    met: bool
    bare: float | None = None
    ratio: float | None = None
    bare_is: str = ""  # what it was compared with
    aim_ratio: float | None = None

    @property
    def verdict(self) -> str:
        """Whether the aim was met: in figures, as a ratio, or not."""
        if self.met:
            return "yes"
        as_ratio = self.aim_ratio is not None and self.ratio is not None
        return "as a ratio" if as_ratio and self.ratio <= self.aim_ratio else "no"  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much each row does; `quick` only shows that the benchmarks work."""

    quick: bool = False
    rounds: int = 5
    sent_a_round: int = 500
    paced: int = 1_000
    burst: int = 5_000
    lone: int = 60
    small: int = 10_000
    large: int = 1_000_000
    tasks: int = 100_000
    agencies: int = 3_800
    chats: int = 5_000
    due: int = 100_000
    existing: int = 100_000
    repeat: int = 40
    file: Path | None = None  # of a million obligations, kept between runs


QUICK = Sizes(
    quick=True, rounds=1, sent_a_round=40, paced=45, burst=100, lone=5, small=1_000, large=20_000,
    tasks=600, agencies=150, chats=200, due=2_000, existing=2_000, repeat=3,
)  # fmt: skip


def rounded(value: float | None) -> float | None:
    """Return three digits that count."""
    if value is None or value == 0:
        return value
    shown = float(f"{value:.3g}")
    return int(shown) if shown >= 100 else shown


def this_machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def as_json(rows: Sequence[Row], *, on: date, where: dict[str, Any]) -> dict[str, Any]:
    """Return the rows with the day and the machine, as they are kept."""
    kept = [asdict(row) | {"verdict": row.verdict} for row in rows]
    for row in kept:
        row |= {key: rounded(row[key]) for key in ("ours", "bare", "ratio", "aim_ratio")}
    return {"date": on.isoformat(), "machine": where, "rows": kept}


def merged(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of before with those that were measured anew in their place."""
    fresh = {row["name"]: row for row in now["rows"]}
    rows = [fresh.pop(row["name"], row) for row in before.get("rows", [])]
    machine = {**before.get("machine", {}), **now["machine"]}
    return {**now, "machine": machine, "rows": [*rows, *fresh.values()]}


def markdown(figures: dict[str, Any]) -> str:
    """Return the table as Markdown; a line that says so where nothing was measured."""
    if not figures.get("rows"):
        return "Not measured yet."
    where = figures["machine"]
    lines = [
        f"Measured on {figures['date']}: {where['cores']} cores ({where['processor']}), Python {where['python']},"
        f" SQLite {where['sqlite']}" + (f", PostgreSQL {where['postgresql']}" if "postgresql" in where else "") + ".",
        "",
        "| what | aim | measured | beside it | ratio | met |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in figures["rows"]:
        bare = "" if row["bare"] is None else f"{row['bare']:,} ({row['bare_is']})"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:,}"
        ours = f"{row['ours']:,} {row['unit']}"
        met = "**no**" if row["verdict"] == "no" else row["verdict"]
        lines.append(f"| {row['name']} | {_aim(row)} | {ours} | {bare} | {ratio} | {met} |")
    return "\n".join(lines)


def _aim(row: dict[str, Any]) -> str:
    if row["aim_ratio"] is None:
        return str(row["aim"])
    return f"{row['aim']}, or {row['aim_ratio']:g} times what stands beside"


def write_into(path: Path, figures: dict[str, Any]) -> None:
    """Put the table between its two marks in a file; raises ValueError where they are missing."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} has no place for figures")
    path.write_text(f"{before}{BEGIN}\n{markdown(figures)}\n{END}{after}", encoding="utf-8")


def show(figures: dict[str, Any]) -> None:
    """Print the table for people."""
    print(f"{'what':52} {'aim':>26} {'ours':>22} {'bare':>10} {'ratio':>8}  met")
    for row in figures["rows"]:
        ours = f"{row['ours']:,} {row['unit']}"
        bare = "" if row["bare"] is None else f"{row['bare']:,}"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:,}"
        met = row["verdict"].replace("no", "NO")
        print(f"{row['name']:52} {row['aim']:>26} {ours:>22} {bare:>10} {ratio:>8}  {met}")
    sys.stdout.flush()


def load() -> dict[str, Any]:
    """Return the figures kept last; nothing where there are none."""
    if not RESULTS.exists():
        return {}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[min(int(len(values) * 0.95), len(values) - 1)]
