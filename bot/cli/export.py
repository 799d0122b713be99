"""`nhacviec export`: registry and history as a file, or a plan's statuses as a sheet to fill in.

Promises that a file appears whole or not at all, that an existing one is never written over without
being told to, and that only who made it may read it: it holds all that agencies said.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.arguments import find_agency, find_plan_code, find_province
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed, print_json, print_table, show_progress
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.exports.page import ExportScope
from data.exports.record_pages import EXPORT_PAGES, write_pages
from data.exports.writers import JsonSink, Sink, WorkbookSink
from data.loading.load import read_registry
from data.registry.registry import Registry
from data.sheets import status_sheet

_FORMS = (".xlsx", ".json", ".jsonl")


def export(
    out: Path, *, province: str | None, plan: str | None, force: bool, as_json: bool
) -> None:
    """Write registry and history to a workbook, or to JSON where the file's name ends so."""
    _check_output_path(out, force, forms=_FORMS)
    with show_progress("Đang xuất") as tell, _write_atomically(out, force) as path:
        counts = asyncio.run(_export(load_settings(), path, out.suffix, province, plan, tell))
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


def write_status_export(
    out: Path,
    number: str,
    *,
    province: str | None,
    agency: str | None,
    every: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the sheet in which an office fills in where a plan's tasks and reports stand."""
    _check_output_path(out, force, forms=(".xlsx",))
    with show_progress("Đang xuất"), _write_atomically(out, force) as path:
        code, rows = asyncio.run(_status(load_settings(), path, number, province, agency, every))
    if as_json:
        print_json({"file": str(out), "plan": code, "rows": rows})
        return
    print(
        f"Đã ghi {out}: {rows} việc của kế hoạch {code}. Điền các cột bên phải, rồi chạy"
        f" «nhacviec import-status {out.name}»."
    )


# ------------------------------------------------------------------ files


def _check_output_path(out: Path, force: bool, *, forms: tuple[str, ...]) -> None:
    if out.suffix not in forms:
        raise CommandFailed(f"{out.name}: tên tệp phải kết thúc bằng {' hoặc '.join(forms)}.")
    if out.exists() and not force:
        raise CommandFailed(f"Đã có {out}. Hãy chọn tên khác, hoặc thêm --force để ghi đè.")


@contextmanager
def _write_atomically(out: Path, force: bool) -> Iterator[Path]:
    """Yield a path beside `out` that becomes it in the end; what was begun is gone after a fault."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
            path = Path(folder) / out.name
            yield path
            _check_output_path(
                out, force, forms=(out.suffix,)
            )  # somebody else may have made it meanwhile
            path.chmod(0o600)
            path.replace(out)
    except OSError as error:
        raise CommandFailed(f"Không ghi được {out}: {error.strerror or error}.") from None


# ------------------------------------------------------------------ at the database


async def _export(
    settings: Settings,
    path: Path,
    form: str,
    province: str | None,
    plan: str | None,
    tell: Callable[[str], None],
) -> dict[str, int]:
    now = await SystemClock().now()
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await _load_registry(connection)
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


async def _status(
    settings: Settings,
    path: Path,
    number: str,
    province: str | None,
    agency: str | None,
    every: bool,
) -> tuple[str, int]:
    now = await SystemClock().now()
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await _load_registry(connection)
        code = find_plan_code(registry, number, province)
        home = registry.province_of(code)
        today = civil_date(now)
        wanted = None if agency is None else find_agency(home, agency, on=today).code
        rows = await status_sheet.load_status_rows(
            connection, code, home, agency=wanted, include_confirmed=every, today=today
        )
    if not rows:
        raise CommandFailed("Không có việc nào đang mở. Hãy thêm --all, hoặc chọn kế hoạch khác.")
    if len(rows) > status_sheet.STATUS_SHEET_LIMITS.rows:
        raise CommandFailed(
            f"Có {len(rows)} việc, quá {status_sheet.STATUS_SHEET_LIMITS.rows} dòng một bảng. Hãy thêm --agency."
        )
    status_sheet.write_status_sheet(path, rows, made_at=now)
    return code, len(rows)


async def _load_registry(connection: AsyncConnection) -> Registry:
    registry = await read_registry(connection)
    if registry is None:
        raise CommandFailed("Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load» trước.")
    return registry
