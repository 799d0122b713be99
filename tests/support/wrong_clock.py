"""The program on a machine whose clock is wrong: `python -m tests.support.wrong_clock SECONDS COMMAND …`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import time_machine


def main() -> None:
    off = timedelta(seconds=float(sys.argv[1]))
    with time_machine.travel(datetime.now(UTC) + off, tick=True):
        from bot.__main__ import main as program

        program(sys.argv[2:])


if __name__ == "__main__":
    main()
