"""`nhacviec targets`: what a plan's targets have come to, as agencies said it.

Promises that nothing is written, and that a figure that agencies differ on is shown as theirs and not as one.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from decimal import Decimal

from bot.cli.arguments import find_plan_code
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed, print_json, print_table
from bot.config import Settings, load_settings
from data.targets.facts import TargetFacts

_COMPARED = {">=": "từ ", ">": "trên ", "<=": "không quá ", "<": "dưới "}


def show(number: str, *, province: str | None, as_json: bool) -> None:
    """Print a plan's targets: goal, year, what is reached, who said so."""
    facts = asyncio.run(_facts(load_settings(), number, province))
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
    from data.targets.numbers import format_vietnamese_number

    return "" if number is None else _with_unit(format_vietnamese_number(Decimal(number)), unit)


def _with_unit(number: str, unit: str) -> str:
    return f"{number}{'' if unit.startswith('%') else ' '}{unit}".strip()


async def _facts(settings: Settings, number: str, province: str | None) -> list[TargetFacts]:
    from sqlalchemy import select

    from data.loading.load import read_registry
    from data.models import Plan
    from data.targets.values import load_target_facts

    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await read_registry(connection)
        if registry is None:
            raise CommandFailed("Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load».")
        code = find_plan_code(registry, number, province)
        row = (
            await connection.execute(select(Plan.id, Plan.coordinator_id).where(Plan.code == code))
        ).one()
        return await load_target_facts(connection, registry.plans[code], row.id, row.coordinator_id)
