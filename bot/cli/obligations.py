"""`nhacviec obligations`: the duties of agencies, by effective due date.

Guarantees: nothing is written; withdrawn and superseded obligations are left out.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any

from sqlalchemy import func, select

from bot.cli.database import open_for_reading, require_registry
from bot.cli.lookup import find_agency, find_province
from bot.cli.options import AgencyOption, JsonOption, ProvinceOption, day_option
from bot.cli.output import CommandFailed, print_json, print_table
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.models import Agency, Obligation, Plan
from data.registry.registry import Registry
from data.rows import row_fields
from data.rules.states import official_days_left
from data.sheets.labels import KIND_LABELS, STATE_LABELS

_COLUMNS = (
    "Hạn",
    "Còn (ngày làm việc)",
    "Tỉnh",
    "Cơ quan",
    "Kế hoạch",
    "Mã",
    "Loại",
    "Kỳ",
    "Tình trạng",
    "Nhắc tới",
)


@examples("obligations --province gia-lai --from 2026-10-01 --to 2026-12-31")
def obligations(
    province: ProvinceOption = None,
    agency: AgencyOption = None,
    since: Annotated[date | None, day_option("--from", "Hạn từ ngày này.")] = None,
    until: Annotated[date | None, day_option("--to", "Hạn đến hết ngày này.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print obligations by effective due date."""
    if agency is not None and province is None:
        raise CommandFailed("Hãy thêm --province: cùng một tên cơ quan có ở nhiều tỉnh.")
    rows = asyncio.run(_load_rows(load_settings(), province, agency, since, until))
    if as_json:
        print_json(rows)
        return
    print_table(
        "",
        _COLUMNS,
        [
            (
                row["extended_to"] or row["due_on"],
                row["working_days_left"],
                row["province"],
                row["agency"],
                row["plan"],
                row["code"],
                KIND_LABELS[row["kind"]],
                row["period"],
                STATE_LABELS[row["state"]],
                row["remind_on"],
            )
            for row in rows
        ],
        empty="Không có nhiệm vụ nào trong khoảng này.",
    )


async def _load_rows(
    settings: Settings,
    province: str | None,
    agency: str | None,
    since: date | None,
    until: date | None,
) -> list[dict[str, Any]]:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await require_registry(connection)
        effective = func.coalesce(Obligation.extended_to, Obligation.due_on)
        query = (
            select(
                Obligation.__table__,
                Plan.number.label("plan"),
                Plan.province,
                Agency.name.label("agency"),
            )
            .join(Plan, Plan.id == Obligation.plan_id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Obligation.state.not_in(("withdrawn", "superseded")))
            .order_by(effective, Plan.province, Agency.position, Plan.number, Obligation.code)
        )
        if province is not None:
            home = find_province(registry, province)
            query = query.where(Plan.province == home.code)
            if agency is not None:
                wanted = find_agency(home, agency, on=today)
                query = query.where(Agency.code == wanted.code)
        if since is not None:
            query = query.where(effective >= since)
        if until is not None:
            query = query.where(effective <= until)
        return [_as_json(row, registry, today) for row in await connection.execute(query)]


def _as_json(row: Any, registry: Registry, today: date) -> dict[str, Any]:
    return {
        **row_fields(row, "id", "province", "agency", "plan", "code", "kind", "period"),
        **row_fields(row, "due_on", "due_words", "due_proposed", "extended_to", "state", "percent"),
        "working_days_left": official_days_left(row, today=today, workdays=registry.workdays),
        **row_fields(row, "remind_on", "rung"),
    }
