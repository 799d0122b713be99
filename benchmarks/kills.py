"""A broadcast killed two hundred times: the figures of the test that proves it, on both databases, three seeds.

Runs tests/kills/test_broadcast.py, one process by polling, and reads the line that each run prints.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE

from benchmarks.places import TOP
from benchmarks.table import Row, Sizes

AIM_A_KILL, MOST_OF_ONE = 3.0, 3
_TEST = (
    "tests/kills/test_broadcast.py::test_a_broadcast_that_is_killed_again_and_again_loses_nothing"
)
_TOLD = re.compile(
    r"(\w+), 1 process\(es\), poll, seed \d: kills (\d+).*? lost (\d+),"
    r" repeats (\d+) \([\d.]+ a kill\), most of one (\d+)"
)


async def kills(sizes: Sizes) -> list[Row]:
    """Run the test for each database and seed; nothing where only small sizes are wanted."""
    if sizes.quick:
        return []
    runs = [
        f"{_TEST}[{kind}-1-poll-{seed}]" for kind in ("sqlite", "postgres") for seed in (1, 2, 3)
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-s", "-m", "slow or long", *runs]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=TOP, stdout=PIPE, env={**os.environ}
    )
    out, _ = await process.communicate()
    told = [[int(part) for part in found.groups()[1:]] for found in _TOLD.finditer(out.decode())]
    passed = process.returncode == 0 and len(told) == len(runs)
    if not told:
        raise RuntimeError(out.decode()[-2000:])
    killed = sum(one[0] for one in told)
    lost, repeats, most = (
        sum(one[1] for one in told),
        sum(one[2] for one in told),
        max(one[3] for one in told),
    )
    name = f"2,000 messages, killed {killed // len(told)} times, {len(told)} runs"
    return [
        Row(f"{name}: lost", "0", lost, "messages", passed and lost == 0),
        Row(f"{name}: repeats a kill", f"≤ {AIM_A_KILL:g}", repeats / killed, "messages",
            passed and repeats <= AIM_A_KILL * killed),
        Row(f"{name}: most often one reminder", f"≤ {MOST_OF_ONE}", most, "times", passed and most <= MOST_OF_ONE),
    ]  # fmt: skip
