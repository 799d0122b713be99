"""`nhacviec registry init`: the office's own copy of the shipped registry."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import parse_path
from bot.cli.output import CommandFailed
from bot.cli.tree import examples
from bot.config import SHIPPED_REGISTRY
from data.os_errors import explain_os_error

_FOLDERS = ("plans", "agencies", "calendar")


@examples("registry init so-bo")
def registry_init(
    folder: Annotated[
        Path,
        typer.Argument(
            parser=parse_path, metavar="THƯ_MỤC", help="Thư mục mới, chưa có hoặc còn trống."
        ),
    ] = Path("registry"),
) -> None:
    """Copy the shipped registry into a new folder, all of it or nothing."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandFailed(f"{folder} đã có và không trống. Hãy chọn thư mục khác.")
    part = folder.with_name(f"{folder.name}.part")
    try:
        for name in _FOLDERS:
            (part / name).mkdir(parents=True)
            for path in sorted((SHIPPED_REGISTRY / name).glob("*.yaml")):
                shutil.copyfile(path, part / name / path.name)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise CommandFailed(f"Không ghi được {folder}: {explain_os_error(error)}.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    print(
        f"Đã chép sổ bộ vào {folder}. Hãy đặt NHACVIEC_REGISTRY_DIR={folder.resolve()},"
        " sửa tệp theo ý cơ quan rồi chạy «nhacviec check»."
    )
