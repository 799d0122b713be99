"""`nhacviec evidence-sheet`: what one agency owed and did in a month, as a spreadsheet.

Guarantees:
- A file is written whole or not at all, and replaces an existing one only with --force.
- Nothing is written to the database or sent; no person is named.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.database import open_for_reading, require_registry
from bot.cli.files import replaced_file, require_free_path
from bot.cli.lookup import find_agency, find_province
from bot.cli.options import ForceOption, JsonOption, RequiredProvinceOption, parse_path
from bot.cli.output import CommandFailed, print_json
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.reports.evidence_facts import EvidenceFacts
from data.reports.evidence_sheet import load_evidence_facts
from data.reports.period import read_month
from jobs.reports.evidence_sheet import evidence_xlsx


@examples(
    "evidence-sheet 'Sở Tài chính' --province gia-lai --month 2026-11 --out minh-chung.xlsx",
    "evidence-sheet so-tai-chinh --province gia-lai --month 11/2026 --json",
)
def evidence_sheet(
    agency: Annotated[str, typer.Argument(metavar="CƠ_QUAN", help="Tên hoặc mã cơ quan.")],
    province: RequiredProvinceOption,
    month: Annotated[
        str, typer.Option("--month", metavar="THÁNG", help="2026-11 [mặc định: tháng này].")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=parse_path, metavar="TỆP", help="Tệp .xlsx."),
    ] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write an agency's evidence of a month (Nghị định 335/2025/NĐ-CP), or print it as JSON."""
    if out is None and not as_json:
        raise CommandFailed("Hãy ghi --out TỆP.xlsx, hoặc --json.")
    if out is not None:
        if out.suffix.lower() != ".xlsx":
            raise CommandFailed(f"Bảng kê là tệp Excel: hãy đặt tên đuôi .xlsx, không phải {out}.")
        require_free_path(out, force=force)
    facts = asyncio.run(_load(load_settings(), agency, province, month))
    if out is not None:
        with replaced_file(out, force=force) as path:
            path.write_bytes(evidence_xlsx(facts))
    if as_json:
        print_json(asdict(facts))
        return
    print(
        f"Đã ghi {out}: {facts.agency}, tháng {facts.month:%m/%Y}, {len(facts.lines)} nội dung,"
        f" số liệu đến {facts.as_of:%d/%m/%Y}."
    )


async def _load(settings: Settings, agency: str, province: str, month: str) -> EvidenceFacts:
    today = civil_date(await SystemClock().now())
    first = read_month(month, today=today)
    if first is None:
        raise CommandFailed(f"Không hiểu tháng «{month}». Hãy ghi như: 2026-11.")
    if first > today:
        raise CommandFailed(f"Tháng {first:%m/%Y} chưa bắt đầu nên chưa có số liệu.")
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await require_registry(connection)
        home = find_province(registry, province)
        entry = find_agency(home, agency, on=today)
        return await load_evidence_facts(
            connection, registry, home.code, entry.code, month=first, today=today
        )
