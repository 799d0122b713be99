"""`plan list` and `plan show`: the plans as the registry's files give them.

Guarantees: the keys of the JSON of `plan show` stay as they are, for the programs that read them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bot.cli.database import database_exists, open_for_reading, read_registry_files
from bot.cli.lookup import find_plan_code, find_province
from bot.cli.options import JsonOption, PlanArgument, ProvinceOption
from bot.cli.output import format_cell, print_json, print_table
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.registry.schema import PlanFile
from data.registry.titles import task_title
from data.rows import row_fields
from data.sheets.labels import FREQUENCY_LABELS


@examples("plan list", "plan list --province gia-lai")
def plan_list(province: ProvinceOption = None, as_json: JsonOption = False) -> None:
    """Print every plan of the registry, and whether the database tracks it."""
    settings = load_settings()
    registry = read_registry_files(settings)
    within = None if province is None else find_province(registry, province).code
    tracked = asyncio.run(_load_tracked(settings))
    rows = [
        {
            "code": code,
            **row_fields(plan, "number", "province", "title", "issued_on", "coordinator"),
            "tasks": len(plan.tasks),
            "report_duties": len(plan.report_duties),
            "targets": len(plan.targets),
            "tracked_from": tracked[code].tracked_from if code in tracked else None,
            "closed_on": tracked[code].closed_on if code in tracked else None,
        }
        for code, plan in registry.plans.items()
        if within is None or plan.province == within
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        "",
        ("Mã", "Số", "Ban hành", "Theo dõi", "Nhiệm vụ", "Báo cáo", "Tình trạng"),
        [
            (
                row["code"],
                row["number"],
                row["issued_on"],
                row["coordinator"],
                row["tasks"],
                row["report_duties"],
                _tracking_words(row["tracked_from"], row["closed_on"]),
            )
            for row in rows
        ],
        empty="Sổ bộ chưa có kế hoạch nào.",
    )


@examples("plan show 1901", "plan show 131/KH-UBND --json")
def plan_show(
    number: PlanArgument, province: ProvinceOption = None, as_json: JsonOption = False
) -> None:
    """Print one plan: its tasks, report duties and targets."""
    registry = read_registry_files(load_settings())
    plan = registry.plans[find_plan_code(registry, number, province)]
    if as_json:
        print_json(_plan_as_json(plan))
        return
    home = registry.provinces[plan.province]
    print(f"Kế hoạch số {plan.number} ngày {plan.issued_on:%d/%m/%Y} của UBND {home.name}")
    print(plan.title)
    if plan.short:
        print(f"Tên gọi tắt: {plan.short}.")
    print(f"Người ký: {plan.signer}. Cơ quan theo dõi: {plan.coordinator}.")
    if plan.replaces:
        print(f"Thay thế: {plan.replaces}.")
    print_table(
        "Nhiệm vụ",
        ("Mã", "Tên gọi tắt", "Nội dung", "Chủ trì", "Phối hợp", "Thời gian"),
        [
            (
                t.code,
                task_title(t),
                "\n".join((t.text, *t.actions)),
                t.leads,
                t.supports,
                t.period.raw,
            )
            for t in plan.tasks
        ],
        empty="Không có nhiệm vụ.",
    )
    print_table(
        "Chế độ báo cáo",
        ("Mã", "Ai", "Gửi", "Qua", "Kỳ", "Hạn", "Căn cứ"),
        [
            (
                d.code,
                d.from_,
                d.to,
                d.via,
                FREQUENCY_LABELS[d.frequency],
                d.deadline and d.deadline.raw,
                d.clause,
            )
            for d in plan.report_duties
        ],
        empty="Không có chế độ báo cáo.",
    )
    print_table(
        "Chỉ tiêu",
        ("Mã", "Nội dung", "Năm", "So sánh", "Giá trị", "Đơn vị"),
        [(t.code, t.text, t.year, t.comparator, t.value, t.unit) for t in plan.targets],
        empty="Không có chỉ tiêu.",
    )
    for note in plan.notes:
        print(f"Ghi chú: {note}")


def _tracking_words(tracked_from: object, closed_on: object) -> str:
    if tracked_from is None:
        return "chưa nạp"
    return (
        f"từ {format_cell(tracked_from)}" if closed_on is None else f"đóng {format_cell(closed_on)}"
    )


def _plan_as_json(plan: PlanFile) -> dict[str, Any]:
    return {
        **row_fields(plan, "number", "province", "title", "issued_on"),
        **row_fields(plan, "signer", "coordinator", "replaces"),
        "tasks": [
            {
                **row_fields(task, "code", "section", "text", "leads", "supports", "actions"),
                "period": task.period.model_dump(include={"raw", "kind", "start_year", "end_year"}),
            }
            for task in plan.tasks
        ],
        "report_duties": [
            {
                "code": duty.code,
                "from": duty.from_,
                **row_fields(duty, "to", "via", "frequency"),
                "deadline": duty.deadline
                and duty.deadline.model_dump(include={"operator", "month", "day", "year", "raw"}),
                "quote": duty.quote,
            }
            for duty in plan.report_duties
        ],
        "targets": [
            {
                **row_fields(target, "code", "text", "year", "comparator"),
                "value": _figure(target.value),
                "unit": target.unit,
            }
            for target in plan.targets
        ],
    }


def _figure(value: Any) -> Any:
    """Return 100 for 100.0, as documents write it, and a list for a range."""
    if isinstance(value, tuple):
        return [_figure(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def _load_tracked(settings: Settings) -> dict[str, Any]:
    if not database_exists(settings):
        return {}
    from sqlalchemy import select

    from data.models import Plan

    async with open_for_reading(settings) as database, database.read() as connection:
        rows = await connection.execute(select(Plan.code, Plan.tracked_from, Plan.closed_on))
        return {row.code: row for row in rows}
