"""`nhacviec targets`: a plan's targets and the figures that agencies report for them.

Guarantees: figures on which agencies differ are shown as each agency's, never as one.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from decimal import Decimal

from sqlalchemy import select

from bot.cli.database import open_for_reading, require_registry
from bot.cli.lookup import find_plan_code
from bot.cli.options import JsonOption, PlanArgument, ProvinceOption
from bot.cli.output import print_json, print_table
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.models import Plan
from data.targets.facts import TargetFacts
from data.targets.numbers import format_vietnamese_number
from data.targets.statuses import load_target_facts

_COMPARED = {">=": "từ ", ">": "trên ", "<=": "không quá ", "<": "dưới "}


@examples("targets 1331", "targets 1331/KH-UBND --json")
def targets(
    number: PlanArgument, province: ProvinceOption = None, as_json: JsonOption = False
) -> None:
    """Print a plan's targets: goal, year, figure reached, and its source."""
    facts = asyncio.run(_load_facts(load_settings(), number, province))
    if as_json:
        print_json([asdict(each) for each in facts])
        return
    print_table(
        "",
        ("Mã", "Chỉ tiêu", "Năm", "Mục tiêu", "Đã đạt", "Của năm", "Kết quả", "Theo"),
        [
            (
                each.code,
                each.text,
                each.year,
                _goal(each),
                _figure(each.value, each.unit),
                each.value_year,
                {True: "đạt", False: "chưa đạt", None: ""}[each.met],
                each.source,
            )
            for each in facts
        ],
        empty="Kế hoạch này không có chỉ tiêu nào.",
    )


def _goal(facts: TargetFacts) -> str:
    if facts.goal is None:
        return "không có con số"
    ends = " - ".join(_figure(part, "") for part in facts.goal.split(" - "))
    return _COMPARED.get(facts.comparator or "", "") + _with_unit(ends, facts.unit)


def _figure(number: str | None, unit: str) -> str:
    return "" if number is None else _with_unit(format_vietnamese_number(Decimal(number)), unit)


def _with_unit(number: str, unit: str) -> str:
    return f"{number}{'' if unit.startswith('%') else ' '}{unit}".strip()


async def _load_facts(settings: Settings, number: str, province: str | None) -> list[TargetFacts]:
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await require_registry(connection)
        code = find_plan_code(registry, number, province)
        row = (
            await connection.execute(select(Plan.id, Plan.coordinator_id).where(Plan.code == code))
        ).one()
        return await load_target_facts(connection, registry.plans[code], row.id, row.coordinator_id)
