"""`nhacviec plan import` and `plan template`: a sheet to fill in, and the draft it becomes.

Promises that an existing file is never written over, and that nothing is written while a cell is wrong.
"""

from __future__ import annotations

from pathlib import Path

from bot.cli.database import read_registry_files
from bot.cli.output import CommandFailed, show_progress
from bot.config import load_settings
from data.sheets.plan_import import format_plan_draft, read_plan_workbook
from data.sheets.plan_template import blank_workbook


def import_(file: Path, *, out: Path | None) -> None:
    """Draft a plan file from a filled-in sheet; an existing file is never written over."""
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


def template(file: Path) -> None:
    """Write an empty sheet to fill in; an existing file is never written over."""
    write_new_file(file, blank_workbook())
    print(f"Đã ghi mẫu {file}. Điền xong, chạy «nhacviec plan import {file}».")


def write_new_file(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; raises CommandFailed where it is, or cannot be written."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise CommandFailed(f"Đã có {path}. Hãy chọn tên khác; tệp cũ không bị ghi đè.") from None
    except OSError as error:
        raise CommandFailed(f"Không ghi được {path}: {error.strerror}.") from None
