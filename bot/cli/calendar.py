"""`nhacviec calendar`: an agency's due dates as an .ics file, for who has no chat that takes files.

Promises the entries and UIDs of the file that /lich gives, so that one takes the place of the other, and
that an existing file is never written over.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.cli.arguments import find_agency, find_province
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed, show_progress
from bot.cli.plans_sheet import write_new_file
from bot.config import TEMPLATES, Settings, load_settings
from data.clock import SystemClock, civil_date
from data.files import load_link_key
from data.loading.load import read_registry
from jobs.calendars.entries import Agenda, load_agenda
from jobs.calendars.ics import installation_id, render_ics


def write(agency: str, *, province: str, role: str, out: Path) -> None:
    """Write the calendar of an agency, or (role coordinator) also what it awaits of others."""
    if role == "leader":
        raise CommandFailed("Lịch là của focal (đầu mối) hoặc coordinator (theo dõi).")
    with show_progress("Đang lập lịch"):
        agenda, content = asyncio.run(_made(load_settings(), agency, province, role))
    write_new_file(out, content)
    count = sum(not entry.cancelled for entry in agenda.entries)
    print(f"Đã ghi {out}: {count} mốc hạn của {agenda.agency} đến {agenda.until:%d/%m/%Y}.")


async def _made(settings: Settings, agency: str, province: str, role: str) -> tuple[Agenda, bytes]:
    now = await SystemClock().now()
    today = civil_date(now)
    async with open_for_reading(settings) as database:
        async with database.read() as connection:
            registry = await read_registry(connection)
            if registry is None:
                raise CommandFailed("Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load».")
            home = find_province(registry, province)
            agenda = await load_agenda(
                connection,
                registry,
                province=home.code,
                agency=find_agency(home, agency, on=today).code,
                coordinating=role == "coordinator",
                today=today,
            )
        # The one thing written: the key, where no service has made it yet, so that UIDs stay.
        async with database.write() as connection:
            key = await load_link_key(connection)
    content = render_ics(agenda, installation=installation_id(key), now=now, templates=TEMPLATES)
    return agenda, content
