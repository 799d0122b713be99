"""The registry as a process knows it: loaded into the database once, and noticed when it changes.

Promises that a first start loads the files by itself and that a later one never does: from then on a
person decides with `nhacviec plan load`, and a running service takes the change up by itself.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.db.database import Database
from data.loading.load import read_registry, sync_registry
from data.loading.upsert import LoadResult
from data.models import Plan, RegistryFile
from data.registry.registry import Registry
from jobs.planning.ladder_cache import LadderCache
from jobs.planning.materialise import PlanningCounts, materialise


async def load_and_plan(
    connection: AsyncConnection, registry: Registry, *, now: datetime
) -> LoadResult:
    """Load a registry and plan its obligations, within the caller's transaction."""
    today = civil_date(now)
    result = await sync_registry(connection, registry, now=now, today=today)
    await materialise(connection, registry, today=today)
    return result


async def plan_all_obligations(
    database: Database, registry: Registry, *, today: date
) -> PlanningCounts:
    """Plan the obligations of all plans, one transaction a plan, so that who writes meanwhile gets a turn."""
    total, ladders = PlanningCounts(), LadderCache(registry)
    async with database.read() as connection:
        codes = (await connection.scalars(select(Plan.code).order_by(Plan.id))).all()
    for code in codes:
        async with database.write(alone=True) as connection:  # two would add the same ones
            done = await materialise(
                connection, registry, today=today, plan_code=code, ladders=ladders
            )
        for name in ("added", "moved", "withdrawn", "kept"):
            setattr(total, name, getattr(total, name) + getattr(done, name))
    return total


class LoadedRegistry:
    """The registry as the database holds it; called, it returns the present one."""

    def __init__(self, registry: Registry, version: tuple[tuple[str, str], ...]) -> None:
        self._registry = registry
        self._version = version

    @classmethod
    async def of(cls, database: Database) -> LoadedRegistry | None:
        """Read the registry from a database; None where nothing was loaded yet."""
        async with database.read() as connection:
            registry = await read_registry(connection)
            if registry is None:
                return None
            return cls(registry, await _version(connection))

    def __call__(self) -> Registry:
        return self._registry

    async def refresh(self, database: Database) -> bool:
        """Take up what `plan load` changed meanwhile; returns whether there was anything."""
        async with database.read() as connection:
            version = await _version(connection)
            if version == self._version:
                return False
            registry = await read_registry(connection)
        if registry is None:
            return False
        self._registry, self._version = registry, version
        return True


async def _version(connection: AsyncConnection) -> tuple[tuple[str, str], ...]:
    rows = await connection.execute(
        select(RegistryFile.path, RegistryFile.sha256).order_by(RegistryFile.path)
    )
    return tuple((row.path, row.sha256) for row in rows)
