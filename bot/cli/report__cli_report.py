"""The command line of reports: `report`, `urge`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.help import JsonOption
from bot.cli.plans__cli_plans import Number, Province, day_option
from bot.cli.tree import examples

AsOf = Annotated[date | None, day_option("--as-of", "Số liệu đến ngày này [mặc định: hôm nay].")]
Force = Annotated[bool, typer.Option("--force", help="Ghi đè tệp đã có.")]


@examples(
    "report 131 --period 2026 --out bao-cao.docx",
    "report 1901 1331 --province gia-lai --out bao-cao.xlsx",
    "report 1901 --period 2026-H1 --json",
)
def report(
    numbers: Annotated[
        list[str],
        typer.Argument(metavar="SỐ", help="Số hoặc mã kế hoạch; nhiều kế hoạch chỉ với tệp .xlsx."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="TỆP", help="Tệp .docx hoặc .xlsx.")
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(
            "--period", metavar="KỲ", help="2026, 2026-H1, 2026-Q4 [mặc định: kỳ hiện tại]."
        ),
    ] = None,
    as_of: AsOf = None,
    province: Province = None,
    force: Force = False,
    json: JsonOption = False,
) -> None:
    """Soạn báo cáo tổng hợp của kế hoạch từ những gì các cơ quan đã trả lời; không thêm điều gì."""
    from bot.cli import report as commands

    commands.report(
        numbers,
        out=out,
        period=period,
        as_of=as_of,
        province=province,
        force=force,
        as_json=json,
    )


@examples("urge 131 --out don-doc.docx")
def urge(
    number: Number,
    out: Annotated[Path, typer.Option("--out", metavar="TỆP.docx", help="Tệp .docx.")],
    as_of: AsOf = None,
    province: Province = None,
    force: Force = False,
) -> None:
    """Soạn dự thảo công văn đôn đốc các cơ quan quá hạn lâu; người đọc lại, ký và gửi."""
    from bot.cli import report as commands

    commands.urge(number, out=out, as_of=as_of, province=province, force=force)
