"""What the stateful tests stand on: one loop and one database for all runs of a machine, and how long.

In a suite the runs are few and always the same. To search for longer, at random:

    STATEFUL=5000 python -m pytest -n 0 -m slow -s tests/outbox/test_outbox_stateful.py

with the number of runs a machine; what fails is printed as a program that fails again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import event, text

from data.db.database import Database

SEARCH = int(os.environ.get("STATEFUL", "0"))
SHRINKS = "SHRINK" in os.environ
T = TypeVar("T")
Seating = Callable[[Database], Awaitable[None]]


class Ground:
    """One event loop, and databases on one file that is made anew for every run.

    kinds: what stands on the file; several, as several processes would.
    """

    def __init__(self, template: Path, folder: Path, *kinds: type[Database]) -> None:
        self._runner = asyncio.Runner()
        self.template = template
        self._path = folder / "stateful.db"
        self.databases = [kind(f"sqlite+aiosqlite:///{self._path}") for kind in kinds]
        for database in self.databases:
            event.listen(database.engine.sync_engine, "connect", _without_waiting_for_the_disk)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def begin(self) -> None:
        """Take the file back to how it was."""
        for database in self.databases:
            self.do(database.dispose())
        for left in self._path.parent.glob(f"{self._path.name}*"):
            left.unlink()
        shutil.copy(self.template, self._path)

    def prepare(self, work: Seating) -> None:
        """Let every run begin with what the work makes of the file."""

        async def make() -> None:
            await work(self.databases[0])
            for database in self.databases:
                await database.dispose()

        self.begin()
        self.do(make())
        prepared = self._path.with_name("prepared.db")
        shutil.copy(self._path, prepared)
        self.template = prepared

    def close(self) -> None:
        for database in self.databases:
            self.do(database.dispose())
        self._runner.close()


class OnServer(Ground):
    """The same on a database server: what a run wrote is taken away again, and people are seated anew."""

    def __init__(self, url: str, seat: Seating) -> None:
        self._runner = asyncio.Runner()
        self._seat = seat
        self.databases = [Database(url)]

    def begin(self) -> None:
        async def clear() -> None:
            async with self.databases[0].write() as connection:
                # past the triggers that refuse it
                await connection.execute(text("SET LOCAL session_replication_role = replica"))
                await connection.execute(
                    text("TRUNCATE account, person, message RESTART IDENTITY CASCADE")
                )
            await self._seat(self.databases[0])

        self.do(clear())


class Machine(RuleBasedStateMachine):
    """A machine whose rules run their coroutines on the ground."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.ground.begin()
        self.database = self.ground.databases[0]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.ground.do(work)


def run(machine: type[Machine], ground: Any, *, runs: int, steps: int) -> None:
    """Run a machine so many times with so many steps, the same ones each time unless searching."""
    chosen = settings(
        max_examples=SEARCH or runs,
        stateful_step_count=steps,
        derandomize=not SEARCH,
        database=None,
        deadline=None,
        print_blob=bool(SEARCH),
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if SHRINKS else (Phase.generate,),
    )
    machine.ground = ground
    run_state_machine_as_test(machine, settings=chosen)


@contextmanager
def ground_on(template: Path, folder: Path, *kinds: type[Database]) -> Iterator[Ground]:
    """Open a ground and close it."""
    ground = Ground(template, folder, *(kinds or (Database,)))
    try:
        yield ground
    finally:
        ground.close()


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    """What is tested here is what is written, not whether it outlives the machine."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=OFF")
    cursor.close()
