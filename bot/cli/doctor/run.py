"""The command `doctor`: checks accounts, installation and database; exit code 1 where anything is bad.

Guarantees: it changes nothing, runs beside the service and without network, and ends within seconds; a check
that fails stops no other.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import typer
from sqlalchemy import insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.database import database_exists, read_calendar_files, refuse_lost_database
from bot.cli.doctor import installation, platforms, server, stored
from bot.cli.doctor.finding import CheckContext
from bot.cli.errors import describe_error
from bot.cli.options import JsonOption
from bot.cli.output import print_json, show_progress
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from bot.health.finding import Finding
from bot.health.running import judge_writing
from data.clock import Clock, SystemClock
from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.db.server_clock import clock_for
from data.models import Meta
from data.registry.files import RegistryFault
from data.registry.workdays import Workdays

_TRIED = "doctor"  # key of the row that is taken back
CHECK_TIMEOUT_SECONDS = 15.0  # seconds for one check of the database
MARKS = {"ok": "✓", "warn": "!", "bad": "✗"}

StoredCheck = Callable[[AsyncConnection, CheckContext], Awaitable[list[Finding]]]
DATABASE_CHECKS: tuple[StoredCheck, ...] = (
    *stored.CHECKS,
    *server.CHECKS,
    *installation.STORED_CHECKS,
)


@examples("doctor", "doctor --json")
def doctor(as_json: JsonOption = False) -> None:
    """Print the findings of every check; exit with 1 where something must be mended."""
    settings = load_settings()
    with show_progress("Đang kiểm tra"):
        found = asyncio.run(run_checks(settings))
    counts = Counter(finding.level for finding in found)
    if as_json:
        print_json({"ok": not counts["bad"], "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            print(format_finding(finding))
        print(f"\n{counts['ok']} tốt, {counts['warn']} cần để ý, {counts['bad']} phải sửa.")
    if counts["bad"]:
        raise typer.Exit(1)


def format_finding(finding: Finding) -> str:
    """Format a finding as one line."""
    todo = f" → {finding.todo}" if finding.todo else ""
    return f"{MARKS[finding.level]} {finding.about}: {finding.found}{todo}"


async def run_checks(settings: Settings, clock: Clock | None = None) -> list[Finding]:
    """Run every check; return the findings in the order of the report.

    clock: replaces this machine's, and a database server's in the checks of the database.
    """
    here = clock or SystemClock()
    answers, skews = await platforms.ask_platforms(settings, here)
    case = CheckContext(
        settings, await here.now(), _workdays(settings), _file(settings), answers, skews
    )
    found = [finding for check in platforms.CHECKS for finding in check(case)]
    found += await _check_database(case, by_server=clock is None)
    found += [finding for check in installation.CHECKS for finding in check(case)]
    return found


async def _check_database(case: CheckContext, *, by_server: bool) -> list[Finding]:
    about = "Cơ sở dữ liệu"
    found: list[Finding] = []
    try:
        refuse_lost_database(case.settings)
        if not database_exists(case.settings):
            todo = "Hãy chạy «nhacviec run» hoặc «nhacviec plan load»; nếu đã chạy, sửa NHACVIEC_DATABASE_URL."
            return [Finding("bad", about, "chưa có.", todo)]
        async with _opened(case.settings) as database:
            if by_server and not database.is_sqlite:  # stored instants are the server's
                with suppress(SQLAlchemyError, OSError):  # the checks report it
                    async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                        case = replace(case, now=await clock_for(database).now())
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                found.append(await _try_writing(database))
            for check in DATABASE_CHECKS:
                async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                    found += await _run_database_check(database, check, case)
    except TimeoutError:
        todo = "Hãy kiểm tra máy chủ cơ sở dữ liệu, hoặc đĩa."
        found.append(
            Finding("bad", about, f"không trả lời trong {CHECK_TIMEOUT_SECONDS:.0f} giây.", todo)
        )
    except DatabaseUnusable as error:
        found.append(Finding("bad", about, str(error)))
    return list(dict.fromkeys(found))  # a fault that stops every check is reported once


async def _run_database_check(
    database: Database, check: StoredCheck, case: CheckContext
) -> list[Finding]:
    try:
        async with database.read() as connection:
            return await check(connection, case)
    except (SQLAlchemyError, OSError) as error:
        return [Finding("bad", "Cơ sở dữ liệu", " ".join(describe_error(error)[0].split()))]


class _Undo(Exception):
    """Rolls back what was only tried."""


async def _try_writing(database: Database) -> Finding:
    """Write a row and take it back, as the service writes; a database that cannot be read is told elsewhere."""
    try:
        async with database.write() as connection:
            await connection.execute(insert(Meta).values(key=_TRIED, value=""))
            raise _Undo
    except (_Undo, SQLAlchemyError, OSError):
        return judge_writing(database.trouble)
    except DatabaseUnusable as error:
        return judge_writing(str(error))


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_url)
    try:
        yield database
    finally:
        await database.dispose()


def _workdays(settings: Settings) -> Workdays:
    """Return the calendar of the files; an empty one where they are faulty, which check_registry reports."""
    try:
        return read_calendar_files(settings)
    except RegistryFault:
        return Workdays()


def _file(settings: Settings) -> Path | None:
    url = make_url(settings.database_url)
    is_file = url.get_backend_name() == "sqlite" and url.database
    return Path(str(url.database)) if is_file else None
