"""Load the registry into the database, and read it back.

Guarantees:
- Loading twice changes nothing, and keeps every answer; rows that a file drops are withdrawn, never deleted.
- The files' content is stored, so a process computes with the registry as loaded, whatever the files are now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import case, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import chunks
from data.loading.assignments import load_assignments
from data.loading.upsert import (
    LoadResult,
    RegistryChange,
    is_different,
    update_rows,
    upsert_rows,
    withdraw_rows,
)
from data.models import Agency, Plan, RegistryFile, ReportDuty, Task
from data.progress.decisions import load_overrides
from data.registry.registry import Registry
from data.registry.schema import GIVEN_CODE, CalendarFile, PlanFile, ProvinceFile
from data.registry.titles import duty_title, task_title
from data.registry.workdays import Workdays
from data.rows import row_fields
from data.rules.due_dates import phase_end
from data.rules.overrides import Overrides
from data.rules.owners import coordinator_of
from data.text import fold

_MODELS: dict[str, type[BaseModel]] = {
    "plans": PlanFile,
    "agencies": ProvinceFile,
    "calendar": CalendarFile,
}
_PLANS_AT_ONCE = 20  # plans whose rows are read, compared and written together


async def sync_registry(
    connection: AsyncConnection,
    registry: Registry,
    *,
    now: datetime,
    today: date,
    tracked_from: date | None = None,
) -> LoadResult:
    """Bring the rows in line with the registry and return the changes.

    tracked_from: of plans loaded for the first time; default today. Obligations are not touched:
    call jobs.planning.materialise.materialise in the same transaction.
    """
    result = LoadResult()
    before = await read_registry(connection)
    await _store_files(connection, registry, now, result)
    agencies = await _load_agencies(connection, registry, result)
    loaded = await _load_plans(connection, registry, agencies, now, today, tracked_from, result)
    overrides = await load_overrides(connection)
    for codes in chunks(list(registry.plans), _PLANS_AT_ONCE):
        some = {code: loaded[code] for code in codes}
        await load_duties(connection, registry, some, overrides=overrides, now=now, result=result)
        for code in some:
            if before is not None and code in before.plans:
                result.changes.extend(
                    _list_rule_changes(code, before.plans[code], registry.plans[code])
                )
        await _load_tasks(connection, registry, some, now, result)
        await load_assignments(
            connection, registry, some, overrides=overrides, now=now, today=today
        )
    result.plans = len(registry.plans)
    result.tasks = sum(len(plan.tasks) for plan in registry.plans.values())
    result.agencies = len(agencies)
    return result


def _list_rule_changes(plan_code: str, old: PlanFile, new: PlanFile) -> list[RegistryChange]:
    """Return the changes that no row shows: of a report's deadline or owners, of a task's leads."""
    changes: list[RegistryChange] = []
    duties = {duty.code: duty for duty in old.report_duties}
    for duty in new.report_duties:
        was = duties.get(duty.code)
        if was is not None and (was.deadline, was.from_) != (duty.deadline, duty.from_):
            words = [
                "; ".join(d.from_) + ": " + (d.deadline.raw if d.deadline else "không ghi ngày")
                for d in (was, duty)
            ]
            changes.append(RegistryChange("duty", f"{plan_code} {duty.code}", "changed", *words))
    tasks = {task.code: task for task in old.tasks}
    for task in new.tasks:
        before = tasks.get(task.code)
        if before is not None and before.leads != task.leads:
            words = ["; ".join(before.leads), "; ".join(task.leads)]
            changes.append(RegistryChange("task", f"{plan_code} {task.code}", "changed", *words))
    return changes


async def read_registry(connection: AsyncConnection) -> Registry | None:
    """Return the registry as last loaded, or None before the first load."""
    files: dict[str, Any] = {}
    rows = await connection.execute(
        select(RegistryFile.path, RegistryFile.content).order_by(RegistryFile.path)
    )
    for path, content in rows:
        files[path] = _MODELS[path.split("/")[0]].model_validate_json(content)
    return Registry(files, {}) if files else None


async def read_workdays(connection: AsyncConnection) -> Workdays | None:
    """Return the calendar as last loaded, or None where nothing was; parses no plans and agencies."""
    is_calendar = RegistryFile.path.startswith("calendar/")
    query = select(case((is_calendar, RegistryFile.content))).order_by(RegistryFile.path)
    contents = (await connection.scalars(query)).all()
    if not contents:
        return None
    return Workdays(CalendarFile.model_validate_json(each) for each in contents if each is not None)


async def is_loaded(connection: AsyncConnection, registry: Registry) -> bool:
    """Tell whether the database holds exactly these files."""
    rows = await connection.execute(select(RegistryFile.path, RegistryFile.sha256))
    return {row.path: row.sha256 for row in rows} == registry.sha256


async def _store_files(
    connection: AsyncConnection, registry: Registry, now: datetime, result: LoadResult
) -> None:
    rows = await connection.execute(select(RegistryFile.path, RegistryFile.sha256))
    stored = {row.path: row.sha256 for row in rows}
    for path, model in registry.files.items():
        sha256 = registry.sha256[path]
        if stored.get(path) == sha256:
            continue
        result.changes.append(RegistryChange("file", path, "changed" if path in stored else "new"))
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
        result.changes.append(RegistryChange("file", path, "withdrawn"))
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
                **row_fields(entry, "name", "kind", "valid_from", "valid_until"),
                "short": entry.short or entry.name,
                "position": position,
                "folded": province.searchable(entry.code),
            }
            old = known.get((province.code, entry.code))
            if old is None:
                fresh.append({"province": province.code, "code": entry.code, **values})
            elif is_different(old, values):
                result.changes.append(
                    RegistryChange(
                        "agency", f"{province.code}/{entry.code}", "changed", old.name, entry.name
                    )
                )
                await update_rows(connection, Agency, [{"row_id": old.id, **values}])
        for part in chunks(fresh):
            added = await connection.execute(
                insert(Agency).returning(Agency.id, Agency.province, Agency.code), part
            )
            ids.update({(row.province, row.code): row.id for row in added})
        if fresh:
            result.changes.append(
                RegistryChange("agency", f"{province.code} ({len(fresh)})", "new")
            )
    return ids


async def _load_plans(
    connection: AsyncConnection,
    registry: Registry,
    agencies: Mapping[tuple[str, str], int],
    now: datetime,
    today: date,
    tracked_from: date | None,
    result: LoadResult,
) -> dict[str, int]:
    """Bring the plans in line; returns the ids of all plans by code."""
    # Locked, so that nobody decides on a plan between the decisions read here and what they make.
    plans = select(Plan.__table__).order_by(Plan.id).with_for_update(key_share=True)
    known = {row.code: row for row in await connection.execute(plans)}
    rows: list[tuple[str, Any, dict[str, Any]]] = []
    for code, plan in registry.plans.items():
        home = registry.provinces[plan.province]
        coordinator = coordinator_of(home, plan, on=today)
        old = known.get(code)
        values = {
            "code": code,
            **row_fields(plan, "province", "number", "title", "short", "issued_on"),
            "coordinator_id": agencies[plan.province, coordinator] if coordinator else None,
            "tracked_from": old.tracked_from if old is not None else tracked_from or today,
            "withdrawn_at": None,
        }
        rows.append((code, old, values))
    await upsert_rows(connection, Plan, rows, "plan", result)
    gone = [(code, row) for code, row in known.items() if code not in registry.plans]
    await withdraw_rows(connection, Plan, gone, "plan", now, result)
    ids = await connection.execute(select(Plan.code, Plan.id))
    return {row.code: row.id for row in ids}


async def load_duties(
    connection: AsyncConnection,
    registry: Registry,
    plans: Mapping[str, int],
    *,
    overrides: Overrides,
    now: datetime,
    result: LoadResult,
) -> None:
    """Bring the report duties of some plans in line; with that of tasks given in chat where there are any."""
    known = await _known(connection, ReportDuty, plans)
    rows: list[tuple[str, Any, dict[str, Any]]] = []
    for plan_code, plan_id in plans.items():
        file = registry.plans[plan_code]
        gives = bool(overrides.opened.get((plan_code, GIVEN_CODE)))
        for position, duty in enumerate(file.duties if gives else file.report_duties):
            values = {
                "plan_id": plan_id,
                **row_fields(duty, "code", "clause", "frequency", "via", "quote"),
                "position": position,
                "title": duty_title(duty),
                "receiver": duty.to,
                "withdrawn_at": None,
            }
            rows.append(_match_row(known, plan_code, values))
    await upsert_rows(connection, ReportDuty, rows, "duty", result)
    await withdraw_rows(connection, ReportDuty, known.items(), "duty", now, result)


async def _load_tasks(
    connection: AsyncConnection,
    registry: Registry,
    plans: Mapping[str, int],
    now: datetime,
    result: LoadResult,
) -> None:
    known = await _known(connection, Task, plans)
    rows: list[tuple[str, Any, dict[str, Any]]] = []
    for plan_code, plan_id in plans.items():
        for position, task in enumerate(registry.plans[plan_code].tasks):
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
            rows.append(_match_row(known, plan_code, values))
    await upsert_rows(connection, Task, rows, "task", result)
    await withdraw_rows(connection, Task, known.items(), "task", now, result)


async def _known(
    connection: AsyncConnection, model: type[Task | ReportDuty], plans: Mapping[str, int]
) -> dict[str, Any]:
    """Return the rows of plans by the name under which changes are reported: plan and own code."""
    codes = {plan_id: code for code, plan_id in plans.items()}
    rows = await connection.execute(
        select(model.__table__).where(model.plan_id.in_(plans.values())).order_by(model.id)
    )
    return {f"{codes[row.plan_id]} {row.code}": row for row in rows.all()}


def _match_row(
    known: dict[str, Any], plan_code: str, values: dict[str, Any]
) -> tuple[str, Any, dict[str, Any]]:
    """Return (name, stored row, values) for upsert_rows; the row is taken out of those known."""
    name = f"{plan_code} {values['code']}"
    return name, known.pop(name, None), values
