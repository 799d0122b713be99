"""`plan load`, `plan diff` and `plan close`: the registry's files and the database.

Guarantees: `diff` changes nothing; each of the others is one transaction, and asks before anything ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.database import (
    open_for_reading,
    open_for_writing,
    read_registry_files,
    require_registry,
)
from bot.cli.lookup import find_plan_code
from bot.cli.options import JsonOption, PlanArgument, ProvinceOption, YesOption, day_option
from bot.cli.output import (
    CommandFailed,
    ask_before,
    format_number,
    print_json,
    print_table,
    show_progress,
)
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from bot.service.registry import load_and_plan
from data.clock import SystemClock, civil_date
from data.loading.load import sync_registry
from data.loading.upsert import LoadResult, RegistryChange
from data.models import Decision, Obligation, Plan
from data.registry.registry import Registry
from data.rows import row_fields
from jobs.planning.materialise import materialise

_MOST_NAMED = 6
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


@examples("plan load", "plan load --yes")
def plan_load(yes: YesOption = False) -> None:
    """Load the registry's files into the database and plan the obligations; ask where anything ends."""
    settings = load_settings()
    registry = read_registry_files(settings)
    result, ends = asyncio.run(_load(settings, registry, agreed=yes))
    if ends:
        ask_before(ends, yes=yes)
        result, _ = asyncio.run(_load(settings, registry, agreed=True))
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
    yes: YesOption = False,
) -> None:
    """Close a plan after a day, after asking: later deadlines get no reminder."""
    settings = load_settings()
    closing = asyncio.run(_close(settings, number, on, province, agreed=yes))
    if not yes:
        ask_before(closing.would, yes=yes)
        asyncio.run(_close(settings, number, on, province, agreed=True))
    print(f"Kế hoạch {closing.number} ({closing.code}) đóng sau ngày {on:%d/%m/%Y}.")


async def _load(settings: Settings, registry: Registry, *, agreed: bool) -> tuple[LoadResult, str]:
    """Load, unless something would end that was not agreed to: then nothing changed, and this says what."""
    now = await SystemClock().now()
    result, ends = LoadResult(), ""
    with show_progress("Đang nạp"):
        async with open_for_writing(settings) as database:
            with suppress(_Undo):
                async with database.write(alone=True) as connection:
                    result, counts = await load_and_plan(connection, registry, now=now)
                    ends = "" if agreed else _describe_endings(result.changes, counts.withdrawn)
                    if ends:
                        raise _Undo
    return result, ends


def _describe_endings(changes: Sequence[RegistryChange], obligations: int) -> str:
    """Return what a load ends: rows that the files dropped, and obligations; "" for nothing."""
    gone = [f"{_WHAT[each.what]} {each.code}" for each in changes if each.how == "withdrawn"]
    if not gone and not (changes and obligations):
        return ""
    more = len(gone) - _MOST_NAMED
    names = ", ".join(gone[:_MOST_NAMED]) + (f" và {more} mục nữa" if more > 0 else "")
    return (
        (f"Sổ bộ không còn {names}. " if gone else "")
        + f"Nạp sẽ rút {format_number(obligations)} nhiệm vụ, không nhắc nữa; câu trả lời giữ nguyên."
        " Mọi thay đổi: «nhacviec plan diff»."
    )


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


@dataclass(frozen=True, slots=True)
class _Closing:
    """A plan to close, and the sentence that says what closing it does."""

    code: str
    number: str
    would: str


async def _close(
    settings: Settings, number: str, on: date, province: str | None, *, agreed: bool
) -> _Closing:
    """Close a plan; not agreed: change nothing."""
    async with open_for_writing(settings) as database:
        with suppress(_Undo):
            async with database.write(alone=True) as connection:
                closing = await _close_within(connection, number, on, province)
                if not agreed:
                    raise _Undo
    return closing


async def _close_within(
    connection: AsyncConnection, number: str, on: date, province: str | None
) -> _Closing:
    now = await SystemClock().now()
    registry = await require_registry(connection)
    code = find_plan_code(registry, number, province)
    plan = registry.plans[code]
    if on < plan.issued_on:
        raise CommandFailed(
            f"Ngày đóng {on:%d/%m/%Y} trước ngày ban hành {plan.issued_on:%d/%m/%Y}. Hãy xem lại."
        )
    withdrawn = await _count_withdrawn(connection, code)
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
    counts = await materialise(connection, registry, today=civil_date(now), plan_code=code)
    reopened = withdrawn + counts.withdrawn - await _count_withdrawn(connection, code)
    would = (
        f"Kế hoạch {plan.number} ({code}) sẽ đóng sau ngày {on:%d/%m/%Y}:"
        f" {format_number(counts.withdrawn)} nhiệm vụ có hạn sau ngày ấy được rút, không nhắc nữa."
        + (f" {format_number(reopened)} nhiệm vụ đã rút được theo dõi lại." if reopened else "")
        + " Câu trả lời giữ nguyên."
    )
    return _Closing(code, plan.number, would)


async def _count_withdrawn(connection: AsyncConnection, plan_code: str) -> int:
    query = select(func.count()).select_from(Obligation).join(Plan, Plan.id == Obligation.plan_id)
    found = Plan.code == plan_code, Obligation.state == "withdrawn"
    return await connection.scalar(query.where(*found)) or 0


def _print_changes(changes: list[RegistryChange]) -> None:
    print_table(
        "",
        ("Gì", "Mã", "Thay đổi", "Trước", "Sau"),
        [(_WHAT[c.what], c.code, _HOW[c.how], c.before, c.after) for c in changes],
        empty="Không có gì thay đổi.",
    )
