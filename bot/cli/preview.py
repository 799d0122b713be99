"""`nhacviec preview`: the reminders between two dates, computed from the registry's files.

Guarantees:
- It needs no database and changes none; where there is one, its decisions count.
- The keys of its JSON stay as they are, for the programs that read them.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date
from typing import Annotated

from bot.cli.database import database_exists, open_for_reading, read_registry_files
from bot.cli.lookup import find_province
from bot.cli.options import JsonOption, ProvinceOption, day_option
from bot.cli.output import (
    CommandFailed,
    print_json,
    print_table,
    show_progress,
)
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.rules.overrides import NO_DECISIONS, Decisions
from data.rules.preview import preview_rungs
from data.sheets.labels import KIND_LABELS
from jobs.rendering.dates import long_date


@examples("preview --from 2026-10-01 --to 2026-12-31")
def preview(
    since: Annotated[date, day_option("--from", "Từ ngày này.")],
    until: Annotated[date, day_option("--to", "Đến hết ngày này.")],
    province: ProvinceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every rung that would be sent between two dates if nobody replies."""
    if until < since:
        raise CommandFailed("Ngày --to trước ngày --from. Hãy đổi lại.")
    settings = load_settings()
    registry = read_registry_files(settings)
    within = None if province is None else find_province(registry, province).code
    with show_progress("Đang tính"):
        decisions = asyncio.run(_read_decisions(settings))
        rows = preview_rungs(
            registry,
            since=since,
            until=until,
            province=within,
            decisions=decisions or NO_DECISIONS,
        )
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    print(
        "Tính theo tệp sổ bộ; chưa có cơ sở dữ liệu nên không có quyết định nào."
        if decisions is None
        else "Tính theo tệp sổ bộ và các quyết định đã ghi trong cơ sở dữ liệu."
    )
    print_table(
        "",
        ("Ngày", "Tỉnh", "Cơ quan", "Kế hoạch", "Mã", "Loại", "Hạn", "Theo văn bản", "Nấc", "Còn"),
        [
            (
                long_date(row.date),
                registry.provinces[row.province].name,
                row.agency or "(chưa rõ ai nhận)",
                row.plan,
                row.code,
                KIND_LABELS[row.kind],
                row.due_on,
                row.due_words or "dự kiến",
                f"{row.rung:+d}" if row.rung else "0",
                row.working_days_left,
            )
            for row in rows
        ],
        empty="Không có lời nhắc nào trong khoảng này.",
    )


async def _read_decisions(settings: Settings) -> Decisions | None:
    """Return the recorded decisions, or None where there is no database yet."""
    if not database_exists(settings):
        return None
    from data.progress.decisions import load_decisions

    async with open_for_reading(settings) as database, database.read() as connection:
        return await load_decisions(connection)
