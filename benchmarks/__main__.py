"""Every aim measured beside the bare library: `python -m benchmarks` (or `make bench`).

Prints one table and writes benchmarks/results.json. Run from the repository's root, on a machine that does
nothing else; half an hour. Rows measured alone (--only) take their place among those kept before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import kills, mornings, planning, sending, starting, stored, table, timing
from benchmarks.places import SERVERS
from benchmarks.table import QUICK, Row, Sizes

Group = Callable[[Sizes], Awaitable[Sequence[Row]]]
GROUPS: dict[str, Group] = {
    "sending": sending.full_path,
    "timing": timing.bursts_and_lone,
    "pacing": timing.paced,
    "planning": planning.planning,
    "mornings": mornings.mornings,
    "starting": starting.starting,
    "stored": stored.stored,
    "kills": kills.kills,
}


def main() -> int:
    """Measure what was asked for; 1 where an aim was missed, as a ratio too."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--only", action="append", choices=[*GROUPS], help="a group of rows")
    options.add_argument("--quick", action="store_true", help="small sizes: shows that it works")
    options.add_argument("--json", action="store_true", help="print figures instead of a table")
    options.add_argument(
        "--file", type=Path, help="a file of a million obligations, kept between runs"
    )
    options.add_argument(
        "--write-readme", action="store_true", help="put the kept figures in benchmarks/README.md"
    )
    chosen = options.parse_args()
    if chosen.write_readme:
        table.write_into(table.RESULTS.with_name("README.md"), table.load())
        return 0
    sizes = replace(QUICK if chosen.quick else Sizes(), file=chosen.file)
    rows: list[Row] = []
    for name in chosen.only or GROUPS:
        began = time.monotonic()
        rows += asyncio.run(GROUPS[name](sizes))
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    where = {**table.this_machine(), **SERVERS}
    figures = table.as_json(rows, on=datetime.now(UTC).date(), where=where)
    if not chosen.quick:
        kept = table.merged(table.load(), figures)
        table.RESULTS.write_text(
            json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
    if chosen.json:
        print(json.dumps(figures, ensure_ascii=False, indent=1))
    else:
        table.show(figures)
    return 0 if all(row.verdict != "no" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
