"""The command line of plans: `plan list`, `show`, `load`, `diff`, `close`, `import`, `template`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import arguments
from bot.cli.help import JsonOption
from bot.cli.tree import examples

Province = Annotated[
    str | None, typer.Option("--province", metavar="TỈNH", help="Chỉ một tỉnh: gia-lai, «Gia Lai».")
]
Number = Annotated[
    str, typer.Argument(metavar="SỐ", help="Số kế hoạch (1901, 1901/KH-UBND) hoặc mã kế hoạch.")
]


def day_option(flag: str, help_: str) -> object:
    """Return an option that takes a civil date."""
    return typer.Option(flag, parser=arguments.parse_day, metavar="NGÀY", help=help_)


@examples("plan list", "plan list --province gia-lai")
def plan_list(province: Province = None, json: JsonOption = False) -> None:
    """Liệt kê các kế hoạch trong sổ bộ."""
    from bot.cli import plans

    plans.list_(province=province, as_json=json)


@examples("plan show 1901", "plan show 131/KH-UBND --json")
def plan_show(number: Number, province: Province = None, json: JsonOption = False) -> None:
    """Xem một kế hoạch: nhiệm vụ, chế độ báo cáo, chỉ tiêu."""
    from bot.cli import plans

    plans.show(number, province=province, as_json=json)


@examples("plan load")
def plan_load() -> None:
    """Nạp sổ bộ vào cơ sở dữ liệu; câu trả lời đã nhận được giữ nguyên."""
    from bot.cli import plans_load as loading

    loading.load()


@examples("plan diff")
def plan_diff(json: JsonOption = False) -> None:
    """Xem «plan load» sẽ thay đổi gì, chưa thay đổi."""
    from bot.cli import plans_load as loading

    loading.diff(as_json=json)


@examples("plan close 1901 --on 2026-12-31")
def plan_close(
    number: Number,
    on: Annotated[date, day_option("--on", "Ngày cuối cùng kế hoạch còn được theo dõi.")],
    province: Province = None,
) -> None:
    """Đóng một kế hoạch: sau ngày này không nhắc nữa, lịch sử giữ nguyên."""
    from bot.cli import plans_load as loading

    loading.close(number, on=on, province=province)


@examples("plan import ke-hoach.xlsx")
def plan_import(
    file: Annotated[Path, typer.Argument(metavar="TỆP.xlsx", help="Tệp đã điền theo mẫu.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="TỆP.yaml", help="Nơi ghi bản nháp [mặc định: theo mã kế hoạch]."
        ),
    ] = None,
) -> None:
    """Đọc bảng nhiệm vụ đã điền thành tệp kế hoạch nháp; chỗ sai được chỉ rõ từng ô."""
    from bot.cli import plans_sheet as sheets

    sheets.import_(file, out=out)


@examples("plan template ke-hoach.xlsx")
def plan_template(
    file: Annotated[Path, typer.Argument(metavar="TỆP.xlsx", help="Tệp mới, chưa có.")],
) -> None:
    """Ghi một bảng Excel trống để điền kế hoạch."""
    from bot.cli import plans_sheet as sheets

    sheets.template(file)
