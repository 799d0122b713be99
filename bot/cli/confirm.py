"""`nhacviec confirm`: confirm the completions that came by status sheets, after they were looked at.

Guarantees:
- Only what a sheet brought, and what the coordinating agency of the plan decides: never what it owes itself.
- One transaction: exactly the rows shown, each in the decision log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.database import open_for_reading, open_for_writing, require_registry
from bot.cli.lookup import find_plan_code
from bot.cli.options import DryRunOption, JsonOption, PlanArgument, ProvinceOption, YesOption
from bot.cli.output import CommandFailed, print_json, print_table, require_consent
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.models import Obligation, Plan
from data.progress.deciders import Decider, decidable_condition
from data.progress.replies import lock_obligations
from data.progress.submissions import confirm_submission, list_submitted_ids
from data.registry.titles import obligation_title
from data.rules.holders import Holders
from data.sheets.status_import import from_sheet_condition
from jobs.rendering.items import load_obligation_rows

_NOBODY = 0  # no person: who works on the command line is not known by one
_DECIDED_BY = "quản trị"


@examples("confirm 131 --dry-run", "confirm 131 --yes")
def confirm(
    number: PlanArgument,
    province: ProvinceOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the completions that sheets brought and nobody confirmed yet; once agreed to, confirm them."""
    if as_json and not (yes or dry_run):
        raise CommandFailed("Với --json hãy thêm --yes (xác nhận ngay) hoặc --dry-run (chỉ xem).")
    settings = load_settings()
    rows = asyncio.run(_load(settings, number, province))
    if not as_json:
        print_table(
            "",
            ("Mã", "Nội dung", "Cơ quan", "Kỳ", "Hoàn thành ngày"),
            [
                (row.code, obligation_title(row), row.owner_name, row.period, row.done_on)
                for row in rows
            ],
            empty="Không có kết quả nào nhập từ bảng đang chờ xác nhận.",
        )
    confirmed = 0
    if rows and not dry_run:
        if not yes:
            require_consent(
                f"Xác nhận hoàn thành {len(rows)} nội dung?",
                verb="xác nhận",
                refused="Đã dừng, chưa xác nhận gì.",
            )
        confirmed = asyncio.run(_confirm(settings, number, province, [row.id for row in rows]))
    if as_json:
        print_json({"waiting": [row.id for row in rows], "confirmed": confirmed})
    elif confirmed:
        print(f"Đã xác nhận hoàn thành {confirmed} nội dung. Các cơ quan không được báo tin riêng.")


async def _load(settings: Settings, number: str, province: str | None) -> list[Any]:
    async with open_for_reading(settings) as database, database.read() as connection:
        ids = await _list_waiting(connection, number, province)
        rows = await load_obligation_rows(connection, ids)
        return [rows[key] for key in ids]


async def _list_waiting(
    connection: AsyncConnection, number: str, province: str | None
) -> Sequence[int]:
    registry = await require_registry(connection)
    code = find_plan_code(registry, number, province)
    plan = (
        await connection.execute(
            select(Plan.id, Plan.province, Plan.coordinator_id).where(Plan.code == code)
        )
    ).one_or_none()
    if plan is None or plan.coordinator_id is None:
        return []
    holders = Holders(registry.provinces[plan.province], on=civil_date(await SystemClock().now()))
    decides = await decidable_condition(
        connection, holders, plan.province, Decider(_NOBODY, plan.coordinator_id)
    )
    return await list_submitted_ids(
        connection, (Obligation.plan_id == plan.id) & decides & from_sheet_condition()
    )


async def _confirm(
    settings: Settings, number: str, province: str | None, shown: Sequence[int]
) -> int:
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        await lock_obligations(connection, shown)
        if list(await _list_waiting(connection, number, province)) != list(shown):
            raise CommandFailed(
                "Dữ liệu vừa đổi trong lúc xem; chưa xác nhận gì. Hãy chạy lại lệnh này."
            )
        rows = await load_obligation_rows(connection, shown)
        done = [
            await confirm_submission(
                connection, rows[key], person_id=None, decided_by=_DECIDED_BY, now=now
            )
            for key in shown
        ]
    return sum(done)
