"""The command line of the weekly digest: `digest`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from bot.cli.help import JsonOption
from bot.cli.plans__cli_plans import day_option
from bot.cli.tree import examples


@examples(
    "digest gia-lai",
    "digest gia-lai --week 2026-11-16 --agency «Sở Tài chính»",
    "digest gia-lai --week 2026-11-16 --leader --json",
)
def digest(
    province: Annotated[str, typer.Argument(metavar="TỈNH", help="Tỉnh: gia-lai, «Gia Lai».")],
    week: Annotated[
        date | None,
        day_option("--week", "Một ngày trong tuần đã gửi [mặc định: tuần này, nếu gửi bây giờ]."),
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CƠ_QUAN", help="Chỉ bản tin của một cơ quan."),
    ] = None,
    leader: Annotated[bool, typer.Option("--leader", help="Chỉ bản tin của lãnh đạo.")] = False,
    json: JsonOption = False,
) -> None:
    """Xem lại bản tin tuần đã gửi, hoặc xem trước bản tin tuần này; không gửi gì."""
    from bot.cli import digest as commands

    commands.digest(province, week=week, agency=agency, leader=leader, as_json=json)
