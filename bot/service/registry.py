"""The registry in a process: as the database holds it, refreshed when `nhacviec plan load` changes it."""

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
) -> tuple[LoadResult, PlanningCounts]:
    """Load a registry and plan its obligations, in the caller's transaction."""
    today = civil_date(now)
    result = await sync_registry(connection, registry, now=now, today=today)
    return result, await materialise(connection, registry, today=today)


async def plan_all_obligations(
    database: Database, registry: Registry, *, today: date
) -> PlanningCounts:
    """Plan the obligations of all plans, in one transaction a plan to let other writers in between."""
    total, ladders = PlanningCounts(), LadderCache(registry)
    async with database.read() as connection:
        codes = (await connection.scalars(select(Plan.code).order_by(Plan.id))).all()
    for code in codes:
        async with database.write(
            alone=True
        ) as connection:  # two writers would insert the same rows
            done = await materialise(
                connection, registry, today=today, plan_code=code, ladders=ladders
            )
        for name in ("added", "moved", "withdrawn", "kept"):
            setattr(total, name, getattr(total, name) + getattr(done, name))
    return total


class LoadedRegistry:
    """The registry of the database; calling it returns the current one."""

    def __init__(self, registry: Registry, version: tuple[tuple[str, str], ...]) -> None:
        self._registry = registry
        self._version = version

    @classmethod
    async def of(cls, database: Database) -> LoadedRegistry | None:
        """Read the registry; None where nothing was loaded yet."""
        async with database.read() as connection:
            registry = await read_registry(connection)
            if registry is None:
                return None
            return cls(registry, await _version(connection))

    def __call__(self) -> Registry:
        return self._registry

    async def refresh(self, database: Database) -> bool:
        """Read the registry again if `plan load` changed it; return whether it did."""
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
