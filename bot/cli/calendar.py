"""`nhacviec calendar`: an agency's due dates as an .ics file.

Guarantees: entries and UIDs are those of the chat command /lich, so that one file replaces the other.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.database import open_for_reading, require_registry
from bot.cli.files import write_new_file
from bot.cli.lookup import find_agency, find_province
from bot.cli.options import RequiredProvinceOption, parse_path, role_option
from bot.cli.output import CommandFailed, show_progress
from bot.cli.tree import examples
from bot.config import TEMPLATES, Settings, load_settings
from data.clock import SystemClock, civil_date
from data.files import load_link_key
from jobs.calendars.entries import Agenda, load_agenda
from jobs.calendars.ics import installation_id, render_ics


@examples(
    "calendar «Sở Tài chính» --province gia-lai --out lich-stc.ics",
    "calendar so-khcn --province lang-son --role «theo dõi» --out theo-doi.ics",
)
def calendar(
    agency: Annotated[str, typer.Argument(metavar="CƠ_QUAN", help="Tên, tên tắt hoặc mã cơ quan.")],
    province: RequiredProvinceOption,
    out: Annotated[
        Path,
        typer.Option(
            "--out", parser=parse_path, metavar="TỆP.ics", help="Tệp mới; không ghi đè tệp đã có."
        ),
    ],
    role: Annotated[
        str,
        role_option(
            "«đầu mối»: nhiệm vụ của cơ quan; «theo dõi»: thêm các kỳ báo cáo mà cơ quan theo dõi."
        ),
    ] = "đầu mối",
) -> None:
    """Write an agency's calendar; for a coordinator also the reports that it awaits."""
    if role == "leader":
        raise CommandFailed("Lịch là của đầu mối hoặc theo dõi.")
    with show_progress("Đang lập lịch"):
        agenda, content = asyncio.run(_render(load_settings(), agency, province, role))
    write_new_file(out, content)
    count = sum(not entry.cancelled for entry in agenda.entries)
    print(f"Đã ghi {out}: {count} mốc hạn của {agenda.agency} đến {agenda.until:%d/%m/%Y}.")


async def _render(
    settings: Settings, agency: str, province: str, role: str
) -> tuple[Agenda, bytes]:
    now = await SystemClock().now()
    today = civil_date(now)
    async with open_for_reading(settings) as database:
        async with database.read() as connection:
            registry = await require_registry(connection)
            home = find_province(registry, province)
            agenda = await load_agenda(
                connection,
                registry,
                province=home.code,
                agency=find_agency(home, agency, on=today).code,
                coordinating=role == "coordinator",
                today=today,
            )
        # The only write: the key, where no service has made it yet, so that UIDs stay the same.
        async with database.write() as connection:
            key = await load_link_key(connection)
    content = render_ics(agenda, installation=installation_id(key), now=now, templates=TEMPLATES)
    return agenda, content
