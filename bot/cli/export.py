"""`nhacviec export`: registry and history as a file, or a plan's statuses as a sheet to fill in.

Guarantees: a file is written whole or not at all, and only its owner may read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.database import open_for_reading, require_registry
from bot.cli.files import replaced_file, require_free_path
from bot.cli.lookup import find_agency, find_plan_code, find_province
from bot.cli.options import ForceOption, JsonOption, PlanOption, ProvinceOption, parse_path
from bot.cli.output import CommandFailed, print_json, print_table, show_progress
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.exports.page import ExportScope
from data.exports.record_pages import EXPORT_PAGES, write_pages
from data.exports.writers import JsonSink, Sink, WorkbookSink
from data.sheets.status_sheet import STATUS_SHEET_LIMITS, load_status_rows, write_status_sheet

_FORMS = (".xlsx", ".json", ".jsonl")


@examples(
    "export --out nhac-viec.xlsx",
    "export --out gia-lai.json --province gia-lai",
    "export --status 1901 --out trang-thai.xlsx",
    "export --status 1901 --agency «Sở Tài chính» --out trang-thai-stc.xlsx",
)
def export(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            parser=parse_path,
            metavar="TỆP",
            help="Tệp mới: .xlsx, .json hoặc .jsonl (mỗi dòng một mục).",
        ),
    ],
    province: ProvinceOption = None,
    plan: PlanOption = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="SỐ",
            help="Thay vào đó, ghi bảng để điền trạng thái các nhiệm vụ của một kế hoạch.",
        ),
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option(
            "--agency", metavar="CƠ_QUAN", help="Với --status: chỉ nhiệm vụ của một cơ quan."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Với --status: cả nhiệm vụ đã xác nhận hoàn thành.")
    ] = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write registry and history, or with --status the sheet of a plan's statuses."""
    if status is None:
        if agency is not None or every:
            raise CommandFailed("--agency và --all chỉ dùng cùng --status.")
        _export_records(out, province, plan, force=force, as_json=as_json)
        return
    if plan is not None:
        raise CommandFailed("Hãy chọn một: --plan (mọi điều đã ghi) hoặc --status (bảng để điền).")
    with show_progress("Đang xuất"), _new_file(out, force, (".xlsx",)) as path:
        code, rows = asyncio.run(
            _write_sheet(load_settings(), path, status, province, agency, every)
        )
    if as_json:
        print_json({"file": str(out), "plan": code, "rows": rows})
        return
    print(
        f"Đã ghi {out}: {rows} nhiệm vụ của kế hoạch {code}. Điền các cột bên phải, rồi chạy"
        f" «nhacviec import-status {out.name}»."
    )


def _export_records(
    out: Path, province: str | None, plan: str | None, *, force: bool, as_json: bool
) -> None:
    with show_progress("Đang xuất") as tell, _new_file(out, force, _FORMS) as path:
        counts = asyncio.run(
            _write_records(load_settings(), path, out.suffix, province, plan, tell)
        )
    if as_json:
        print_json({"file": str(out), "pages": counts})
        return
    titles = {page.key: page.title for page in EXPORT_PAGES}
    print_table(
        f"Đã ghi {out}",
        ("Trang", "Số dòng"),
        [(titles[key], count) for key, count in counts.items()],
        empty="",
    )


@contextmanager
def _new_file(out: Path, force: bool, forms: tuple[str, ...]) -> Iterator[Path]:
    if out.suffix not in forms:
        raise CommandFailed(f"{out.name}: tên tệp phải kết thúc bằng {' hoặc '.join(forms)}.")
    require_free_path(out, force=force)
    with replaced_file(out, force=force) as path:
        yield path
        path.chmod(0o600)  # it holds every reply


async def _write_records(
    settings: Settings,
    path: Path,
    form: str,
    province: str | None,
    plan: str | None,
    tell: Callable[[str], None],
) -> dict[str, int]:
    now = await SystemClock().now()
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await require_registry(connection)
        scope = ExportScope(
            connection,
            registry,
            None if province is None else find_province(registry, province).code,
            None if plan is None else find_plan_code(registry, plan, province),
        )
        about = {"exported_at": now, "province": scope.province, "plan": scope.plan}
        sink: Sink = (
            WorkbookSink(path) if form == ".xlsx" else JsonSink(path, about, lines=form == ".jsonl")
        )
        return await write_pages(scope, sink, tell)


async def _write_sheet(
    settings: Settings,
    path: Path,
    number: str,
    province: str | None,
    agency: str | None,
    every: bool,
) -> tuple[str, int]:
    now = await SystemClock().now()
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await require_registry(connection)
        code = find_plan_code(registry, number, province)
        home = registry.province_of(code)
        today = civil_date(now)
        wanted = None if agency is None else find_agency(home, agency, on=today).code
        rows = await load_status_rows(
            connection, code, home, agency=wanted, include_confirmed=every, today=today
        )
    if not rows:
        raise CommandFailed(
            "Không có nhiệm vụ nào đang mở. Hãy thêm --all, hoặc chọn kế hoạch khác."
        )
    if len(rows) > STATUS_SHEET_LIMITS.rows:
        raise CommandFailed(
            f"Có {len(rows)} nhiệm vụ, quá {STATUS_SHEET_LIMITS.rows} dòng một bảng. Hãy thêm --agency."
        )
    write_status_sheet(path, rows, made_at=now)
    return code, len(rows)
