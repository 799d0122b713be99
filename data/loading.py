"""Loading the registry into the database, and reading it back.

Promises that loading is idempotent, that it keeps every answer, and that what a file drops becomes
withdrawn, never deleted. The files' content is kept beside the rows, so that a process reckons with
the registry as loaded, whatever happens to the files meanwhile. Never writes a file.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.changes import Change, LoadResult, differs, upsert, upsert_all, withdraw
from data.decisions import overlay_of
from data.folding import fold
from data.models import (
    Agency,
    Assignment,
    Plan,
    RegistryFile,
    ReportDuty,
    Task,
)
from data.overlay import Overlay
from data.owners import coordinator_of
from data.periods import phase_end
from data.planfile import CalendarFile, PlanFile, ProvinceFile
from data.planning import assignments
from data.registry import Registry
from data.titles import duty_title, task_title

_MODELS: dict[str, type[BaseModel]] = {
    "plans": PlanFile,
    "agencies": ProvinceFile,
    "calendar": CalendarFile,
}
_CHUNK = 1000
HORIZON = timedelta(days=457)  # fifteen months


async def load(
    connection: AsyncConnection,
    registry: Registry,
    *,
    now: datetime,
    today: date,
    tracked_from: date | None = None,
) -> LoadResult:
    """Bring the rows in line with the registry and tell what changed.

    tracked_from: for plans loaded for the first time; default today. Obligations are not touched:
    call jobs.obligations.materialise in the same transaction.
    """
    result = LoadResult()
    before = await registry_of(connection)
    await _keep_files(connection, registry, now, result)
    agencies = await _load_agencies(connection, registry, result)
    plans = {row.code: row for row in await connection.execute(select(Plan.__table__))}
    overlay = await overlay_of(connection)
    for code, plan in registry.plans.items():
        home = registry.provinces[plan.province]
        coordinator = coordinator_of(home, plan, on=today)
        values: dict[str, Any] = {
            "province": plan.province,
            "number": plan.number,
            "title": plan.title,
            "issued_on": plan.issued_on,
            "coordinator_id": agencies[plan.province, coordinator] if coordinator else None,
            "withdrawn_at": None,
        }
        old = plans.get(code)
        if old is None:
            values["tracked_from"] = tracked_from or today
        plan_id = await upsert(
            connection, Plan, code, old, {"code": code, **values}, "plan", result
        )
        await _load_duties(connection, plan_id, code, plan, now, result)
        if before is not None and code in before.plans:
            result.changes.extend(_moved(code, before.plans[code], plan))
        await _load_tasks(connection, plan_id, code, plan, now, result)
        await load_assignments(
            connection, registry, code, plan_id, overlay=overlay, now=now, today=today
        )
    for code, row in plans.items():
        if code not in registry.plans and row.withdrawn_at is None:
            result.changes.append(Change("plan", code, "withdrawn"))
            await connection.execute(update(Plan).where(Plan.id == row.id).values(withdrawn_at=now))
    result.plans = len(registry.plans)
    result.tasks = sum(len(plan.tasks) for plan in registry.plans.values())
    result.agencies = len(agencies)
    return result


def _moved(plan_code: str, old: PlanFile, new: PlanFile) -> list[Change]:
    """Tell what rows do not show: a report's deadline or who owes it, a task's leads."""
    changes: list[Change] = []
    duties = {duty.code: duty for duty in old.report_duties}
    for duty in new.report_duties:
        was = duties.get(duty.code)
        if was is not None and (was.deadline, was.from_) != (duty.deadline, duty.from_):
            said = [
                "; ".join(d.from_) + ": " + (d.deadline.raw if d.deadline else "không ghi ngày")
                for d in (was, duty)
            ]
            changes.append(Change("duty", f"{plan_code} {duty.code}", "changed", *said))
    tasks = {task.code: task for task in old.tasks}
    for task in new.tasks:
        before = tasks.get(task.code)
        if before is not None and before.leads != task.leads:
            said = ["; ".join(before.leads), "; ".join(task.leads)]
            changes.append(Change("task", f"{plan_code} {task.code}", "changed", *said))
    return changes


async def registry_of(connection: AsyncConnection) -> Registry | None:
    """Return the registry as last loaded, or None where nothing was."""
    files: dict[str, Any] = {}
    rows = await connection.execute(
        select(RegistryFile.path, RegistryFile.content).order_by(RegistryFile.path)
    )
    for path, content in rows:
        files[path] = _MODELS[path.split("/")[0]].model_validate_json(content)
    return Registry(files, {}) if files else None


async def is_loaded(connection: AsyncConnection, registry: Registry) -> bool:
    """Tell whether the database holds exactly these files."""
    rows = await connection.execute(select(RegistryFile.path, RegistryFile.sha256))
    return {row.path: row.sha256 for row in rows} == registry.sha256


async def _keep_files(
    connection: AsyncConnection, registry: Registry, now: datetime, result: LoadResult
) -> None:
    rows = await connection.execute(select(RegistryFile.path, RegistryFile.sha256))
    stored = {row.path: row.sha256 for row in rows}
    for path, model in registry.files.items():
        sha256 = registry.sha256[path]
        if stored.get(path) == sha256:
            continue
        result.changes.append(Change("file", path, "changed" if path in stored else "new"))
        await connection.execute(delete(RegistryFile).where(RegistryFile.path == path))
        await connection.execute(
            insert(RegistryFile).values(
                path=path,
                sha256=sha256,
                content=model.model_dump_json(by_alias=True),
                loaded_at=now,
            )
        )
    for path in stored.keys() - registry.files.keys():
        result.changes.append(Change("file", path, "withdrawn"))
        await connection.execute(delete(RegistryFile).where(RegistryFile.path == path))


async def _load_agencies(
    connection: AsyncConnection, registry: Registry, result: LoadResult
) -> dict[tuple[str, str], int]:
    rows = await connection.execute(select(Agency.__table__))
    known = {(row.province, row.code): row for row in rows}
    ids = {key: row.id for key, row in known.items()}
    for province in registry.provinces.values():
        fresh: list[dict[str, Any]] = []
        for position, entry in enumerate(province.file.agencies):
            values = {
                "name": entry.name,
                "short": entry.short or entry.name,
                "kind": entry.kind,
                "position": position,
                "valid_from": entry.valid_from,
                "valid_until": entry.valid_until,
                "folded": province.searchable(entry.code),
            }
            old = known.get((province.code, entry.code))
            if old is None:
                fresh.append({"province": province.code, "code": entry.code, **values})
            elif differs(old, values):
                result.changes.append(
                    Change(
                        "agency", f"{province.code}/{entry.code}", "changed", old.name, entry.name
                    )
                )
                await connection.execute(update(Agency).where(Agency.id == old.id).values(**values))
        for start in range(0, len(fresh), _CHUNK):
            added = await connection.execute(
                insert(Agency).returning(Agency.id, Agency.province, Agency.code),
                fresh[start : start + _CHUNK],
            )
            ids.update({(row.province, row.code): row.id for row in added})
        if fresh:
            result.changes.append(Change("agency", f"{province.code} ({len(fresh)})", "new"))
    return ids


async def _load_duties(
    connection: AsyncConnection,
    plan_id: int,
    plan_code: str,
    plan: PlanFile,
    now: datetime,
    result: LoadResult,
) -> None:
    rows = await connection.execute(
        select(ReportDuty.__table__).where(ReportDuty.plan_id == plan_id)
    )
    known = {row.code: row for row in rows}
    said: list[tuple[str, Any, dict[str, Any]]] = []
    for position, duty in enumerate(plan.report_duties):
        values = {
            "plan_id": plan_id,
            "code": duty.code,
            "position": position,
            "clause": duty.clause,
            "title": duty_title(duty),
            "frequency": duty.frequency,
            "receiver": duty.to,
            "via": duty.via,
            "quote": duty.quote,
            "withdrawn_at": None,
        }
        said.append((f"{plan_code} {duty.code}", known.get(duty.code), values))
    await upsert_all(connection, ReportDuty, said, "duty", result)
    gone = known.keys() - {duty.code for duty in plan.report_duties}
    await withdraw(connection, ReportDuty, plan_code, "duty", [known[c] for c in gone], now, result)


async def _load_tasks(
    connection: AsyncConnection,
    plan_id: int,
    plan_code: str,
    plan: PlanFile,
    now: datetime,
    result: LoadResult,
) -> None:
    rows = await connection.execute(select(Task.__table__).where(Task.plan_id == plan_id))
    known = {row.code: row for row in rows}
    said: list[tuple[str, Any, dict[str, Any]]] = []
    for position, task in enumerate(plan.tasks):
        values = {
            "plan_id": plan_id,
            "code": task.code,
            "position": position,
            "section": task.section,
            "text": "\n".join((task.text, *task.actions)),
            "title": task_title(task),
            "period_raw": task.period.raw,
            "period_kind": task.period.kind,
            "ends_on": phase_end(task.period),
            "folded": fold(" ".join((task.code, task.text, *task.actions))),
            "withdrawn_at": None,
        }
        said.append((f"{plan_code} {task.code}", known.get(task.code), values))
    await upsert_all(connection, Task, said, "task", result)
    gone = known.keys() - {task.code for task in plan.tasks}
    await withdraw(connection, Task, plan_code, "task", [known[c] for c in gone], now, result)


async def load_assignments(
    connection: AsyncConnection,
    registry: Registry,
    plan_code: str,
    plan_id: int,
    *,
    overlay: Overlay,
    now: datetime,
    today: date,
) -> None:
    """Bring a loaded plan's assignments in line with its file and with what was decided."""
    plan = registry.plans[plan_code]
    home = registry.provinces[plan.province]
    tasks = await connection.execute(select(Task.code, Task.id).where(Task.plan_id == plan_id))
    task_ids = {row.code: row.id for row in tasks}
    codes = await connection.execute(
        select(Agency.code, Agency.id).where(Agency.province == plan.province)
    )
    agencies = {row.code: row.id for row in codes}
    wanted: dict[tuple[int, int], dict[str, Any]] = {}
    for task in plan.tasks:
        assigned = overlay.of(plan_code, task.code)
        for item in assignments(home, plan, task, until=today + HORIZON, assigned=assigned):
            key = (task_ids[task.code], agencies[item.agency])
            wanted[key] = {
                "task_id": key[0],
                "agency_id": key[1],
                "valid_from": item.since,
                "valid_until": item.until,
                "needs_decision": item.needs_decision,
                "withdrawn_at": None,
            }
    await _write_assignments(connection, plan_id, wanted, now)


async def _write_assignments(
    connection: AsyncConnection,
    plan_id: int,
    wanted: dict[tuple[int, int], dict[str, Any]],
    now: datetime,
) -> None:
    rows = await connection.execute(
        select(Assignment.__table__)
        .join(Task, Task.id == Assignment.task_id)
        .where(Task.plan_id == plan_id)
    )
    known = {(row.task_id, row.agency_id): row for row in rows}
    fresh = [values for key, values in wanted.items() if key not in known]
    for start in range(0, len(fresh), _CHUNK):
        await connection.execute(insert(Assignment), fresh[start : start + _CHUNK])
    for key, row in known.items():
        values = wanted.get(key)
        if values is None:
            if row.withdrawn_at is None:
                await connection.execute(
                    update(Assignment).where(Assignment.id == row.id).values(withdrawn_at=now)
                )
        elif differs(row, values):
            await connection.execute(
                update(Assignment).where(Assignment.id == row.id).values(**values)
            )
