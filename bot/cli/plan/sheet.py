"""`plan import` and `plan template`: an Excel sheet to fill in, and the draft plan it becomes.

Guarantees: no draft is written while a cell is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.database import read_registry_files
from bot.cli.files import write_new_file
from bot.cli.options import parse_path
from bot.cli.output import show_progress
from bot.cli.tree import examples
from bot.config import load_settings
from data.sheets.plan_import import format_plan_draft, read_plan_workbook
from data.sheets.plan_template import blank_workbook


@examples("plan import ke-hoach.xlsx")
def plan_import(
    file: Annotated[
        Path, typer.Argument(parser=parse_path, metavar="TỆP.xlsx", help="Tệp đã điền theo mẫu.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=parse_path,
            metavar="TỆP.yaml",
            help="Nơi ghi bản nháp [mặc định: theo mã kế hoạch].",
        ),
    ] = None,
) -> None:
    """Draft a plan file from a filled-in sheet."""
    registry = read_registry_files(load_settings())
    with show_progress("Đang đọc bảng"):
        plan = read_plan_workbook(file, registry)
    name = f"{plan.province}-{plan.number.split('/')[0]}-{plan.issued_on.year}.yaml"
    path = out or Path(name)
    write_new_file(path, format_plan_draft(plan, source=file.name).encode())
    print(
        f"Đã ghi bản nháp {path}: {len(plan.tasks)} nhiệm vụ, {len(plan.report_duties)} chế độ báo cáo,"
        f" {len(plan.targets)} chỉ tiêu.\nHãy đọc lại, chép vào plans/ của sổ bộ, rồi chạy"
        " «nhacviec check» và «nhacviec plan load»."
    )


@examples("plan template ke-hoach.xlsx")
def plan_template(
    file: Annotated[
        Path, typer.Argument(parser=parse_path, metavar="TỆP.xlsx", help="Tệp mới, chưa có.")
    ],
) -> None:
    """Write an empty sheet to fill in."""
    write_new_file(file, blank_workbook())
    print(f"Đã ghi mẫu {file}. Sau khi điền, chạy «nhacviec plan import {file}».")
