"""`plan load`, `plan diff` and `plan close`: the registry's files and the database.

Guarantees: `diff` changes nothing; each of the others is one transaction.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated

from sqlalchemy import insert, update

from bot.cli.database import (
    open_for_reading,
    open_for_writing,
    read_registry_files,
    require_registry,
)
from bot.cli.lookup import find_plan_code
from bot.cli.options import JsonOption, PlanArgument, ProvinceOption, day_option
from bot.cli.output import CommandFailed, print_json, print_table, show_progress
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from bot.service.registry import load_and_plan
from data.clock import SystemClock, civil_date
from data.loading.load import sync_registry
from data.loading.upsert import LoadResult, RegistryChange
from data.models import Decision, Plan
from data.registry.registry import Registry
from data.rows import row_fields
from jobs.planning.materialise import materialise

ADMINISTRATOR = "quản trị"
_HOW = {"new": "thêm", "changed": "đổi", "withdrawn": "rút", "restored": "khôi phục"}
_WHAT = {
    "plan": "kế hoạch",
    "task": "nhiệm vụ",
    "duty": "chế độ báo cáo",
    "agency": "cơ quan",
    "file": "tệp",
}


class _Undo(Exception):
    """Rolls back a transaction that only showed the changes."""


@examples("plan load")
def plan_load() -> None:
    """Load the registry's files into the database and plan the obligations."""
    settings = load_settings()
    registry = read_registry_files(settings)
    result = asyncio.run(_load(settings, registry))
    _print_changes(result.changes)
    print(
        f"Đã nạp {result.plans} kế hoạch, {result.tasks} nhiệm vụ, {result.agencies} cơ quan."
        " Câu trả lời đã nhận được giữ nguyên."
    )


@examples("plan diff")
def plan_diff(as_json: JsonOption = False) -> None:
    """Print the changes that `plan load` would make."""
    settings = load_settings()
    registry = read_registry_files(settings)
    changes = asyncio.run(_diff(settings, registry)).changes
    if as_json:
        names = ("what", "code", "how", "before", "after")
        print_json([row_fields(change, *names) for change in changes])
    else:
        _print_changes(changes)


@examples("plan close 1901 --on 2026-12-31")
def plan_close(
    number: PlanArgument,
    on: Annotated[date, day_option("--on", "Ngày cuối cùng kế hoạch còn được theo dõi.")],
    province: ProvinceOption = None,
) -> None:
    """Close a plan after a day: later deadlines get no reminder."""
    settings = load_settings()
    code, name = asyncio.run(_close(settings, number, on, province))
    print(f"Kế hoạch {name} ({code}) đóng sau ngày {on:%d/%m/%Y}.")


async def _load(settings: Settings, registry: Registry) -> LoadResult:
    now = await SystemClock().now()
    with show_progress("Đang nạp"):
        async with open_for_writing(settings) as database, database.write(alone=True) as connection:
            return await load_and_plan(connection, registry, now=now)


async def _diff(settings: Settings, registry: Registry) -> LoadResult:
    now = await SystemClock().now()
    result = LoadResult()
    async with open_for_reading(settings) as database:
        try:
            async with database.write(alone=True) as connection:
                result = await sync_registry(connection, registry, now=now, today=civil_date(now))
                raise _Undo
        except _Undo:
            return result


async def _close(
    settings: Settings, number: str, on: date, province: str | None
) -> tuple[str, str]:
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write(alone=True) as connection:
        registry = await require_registry(connection)
        code = find_plan_code(registry, number, province)
        plan = registry.plans[code]
        if on < plan.issued_on:
            raise CommandFailed(
                f"Ngày đóng {on:%d/%m/%Y} trước ngày ban hành {plan.issued_on:%d/%m/%Y}. Hãy xem lại."
            )
        await connection.execute(update(Plan).where(Plan.code == code).values(closed_on=on))
        await connection.execute(
            insert(Decision).values(
                kind="close_plan",
                plan_code=code,
                subject="",
                details={"on": on.isoformat()},
                decided_by=ADMINISTRATOR,
                decided_at=now,
            )
        )
        await materialise(connection, registry, today=civil_date(now))
        return code, plan.number


def _print_changes(changes: list[RegistryChange]) -> None:
    print_table(
        "",
        ("Gì", "Mã", "Thay đổi", "Trước", "Sau"),
        [(_WHAT[c.what], c.code, _HOW[c.how], c.before, c.after) for c in changes],
        empty="Không có gì thay đổi.",
    )
