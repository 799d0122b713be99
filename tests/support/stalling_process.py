"""A process for the tests to kill in the middle: `python -m tests.support.stalling_process DATABASE NOW WHAT WHERE`.

Does once what `nhacviec run` does: WHAT is "report" (what chats asked for) or "morning". Where it
comes to WHERE, "drawing" (one task of a report is drawn) or the beginning of an SQL statement, it says so
on its standard output and goes no further.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from datetime import datetime
from types import FrameType
from typing import Any

from sqlalchemy import event

from data.clock import SteppedClock
from data.db.database import Database
from jobs.morning.run import run_mornings
from jobs.reports.requests import ReportWorker
from tests.support.conversations import WITH_BUTTONS, small_registry


def stall(where: str) -> None:
    print(where, flush=True)
    threading.Event().wait()


def stall_at(database: Database, where: str) -> None:
    if where == "drawing":

        def called(frame: FrameType, what: str, _argument: Any) -> None:
            # What a drawing thread calls after each task, to be told whether to go on.
            if (
                what == "call"
                and frame.f_code.co_qualname == "_draw_in_thread.<locals>.report_progress"
            ):
                stall(where)

        threading.setprofile(called)
        return

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def _executing(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith(where):
            stall(where)


async def main() -> None:
    url, instant, what, where = sys.argv[1:]
    database, now = Database(url), datetime.fromisoformat(instant)
    stall_at(database, where)
    if what == "report":
        await ReportWorker(database, small_registry, SteppedClock(now)).step()
    else:
        capabilities = {1: WITH_BUTTONS}
        await run_mornings(database, small_registry(), now=now, capabilities=capabilities)
    print("done", flush=True)
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(main())
