"""`nhacviec import-status`: a filled-in status sheet, recorded after its differences were agreed to.

Guarantees:
- One transaction: every row or none, and exactly the rows shown.
- A row is recorded as a reply in a chat is: "đã xong" waits for confirmation, rungs are planned again.
- Unlike in a chat, nobody is notified of a blocked task: the coordinator brings the sheet in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.database import open_for_reading, open_for_writing, require_registry
from bot.cli.options import JsonOption, YesOption, parse_path
from bot.cli.output import (
    CommandFailed,
    print_json,
    print_table,
    require_consent,
    show_progress,
)
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.progress.replies import lock_obligations, record_reply
from data.registry.registry import Registry
from data.registry.titles import period_name
from data.secrecy import is_marked_secret
from data.sheets.status_import import StatusChange, diff_status, note_with_origin
from data.sheets.status_reader import FilledStatusRow, read_status_sheet
from data.sheets.workbook import ImportRefused
from data.text import collapse_whitespace
from jobs.planning.rungs import recompute

_LONGEST_NAME = 80
_MOST_FAULTS, _MOST_NOTICES = 200, 50


@examples(
    "import-status trang-thai.xlsx --by «Nguyễn Văn A» --dry-run",
    "import-status trang-thai.xlsx --by «Nguyễn Văn A»",
)
def import_status(
    file: Annotated[
        Path,
        typer.Argument(
            parser=parse_path, metavar="TỆP.xlsx", help="Bảng của «export --status», đã điền."
        ),
    ],
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="TÊN", help="Ai nhập bảng: họ tên hoặc bộ phận; được ghi vào hồ sơ."
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Chỉ xem, không ghi.")] = False,
    yes: YesOption = False,
    force_conflicts: Annotated[
        bool,
        typer.Option(
            "--force-conflicts", help="Ghi cả những dòng có trạng thái đã đổi sau khi xuất bảng."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the changes of a filled-in sheet and, once agreed to, record them."""
    by = _read_name(by)
    if as_json and not (yes or dry_run):
        raise CommandFailed("Với --json hãy thêm --yes (ghi ngay) hoặc --dry-run (chỉ xem).")
    settings = load_settings()
    now = asyncio.run(SystemClock().now())
    try:
        with show_progress("Đang đọc bảng"):
            sheet = read_status_sheet(file, today=civil_date(now))
            changes = asyncio.run(_diff(settings, sheet.filled, sheet.faults))
    except ImportRefused as refused:
        raise _shorten(refused) from None
    wanted = [change for change in changes if force_conflicts or not change.conflict]
    if not as_json:
        _show(changes, sheet.notices, left_out=len(changes) - len(wanted))
    if wanted and not dry_run:
        if not yes:
            require_consent(
                f"Ghi {len(wanted)} thay đổi?", verb="ghi", refused="Đã dừng, chưa ghi gì."
            )
        with show_progress("Đang ghi"):
            asyncio.run(_record(settings, sheet.filled, changes, wanted, by=by, now=now))
    recorded = 0 if dry_run else len(wanted)
    if as_json:
        print_json(
            {
                "changes": [_as_json(change) for change in changes],
                "notices": sheet.notices,
                "recorded": recorded,
            }
        )
    elif recorded:
        print(f"Đã ghi {recorded} thay đổi. «Đã hoàn thành» còn chờ cơ quan theo dõi xác nhận.")


def _read_name(by: str) -> str:
    name = collapse_whitespace(by)
    if not name or len(name) > _LONGEST_NAME or is_marked_secret(name):
        raise CommandFailed("--by: hãy ghi họ tên hoặc bộ phận nhập bảng, không quá 80 chữ.")
    return name


def _shorten(refused: ImportRefused) -> ImportRefused:
    rest = len(refused.faults) - _MOST_FAULTS
    if rest <= 0:
        return refused
    return ImportRefused([*refused.faults[:_MOST_FAULTS], f"… và {rest} lỗi nữa."])


def _show(changes: Sequence[StatusChange], notices: Sequence[str], *, left_out: int) -> None:
    for notice in notices[:_MOST_NOTICES]:
        print(notice)
    if len(notices) > _MOST_NOTICES:
        print(f"… và {len(notices) - _MOST_NOTICES} lưu ý nữa.")
    print_table(
        "",
        ("Dòng", "Cơ quan", "Mã", "Kỳ", "Hiện nay", "Thành", "Lưu ý"),
        [
            (
                change.row,
                change.agency,
                change.code,
                period_name(change.period),
                change.before,
                change.after,
                "đã đổi sau khi xuất bảng" if change.conflict else "",
            )
            for change in changes
        ],
        empty="Không có gì thay đổi.",
    )
    if left_out:
        print(
            f"{left_out} dòng có trạng thái đã đổi sau khi xuất bảng: không ghi. Hãy xuất bảng mới,"
            " hoặc thêm --force-conflicts để ghi đè."
        )


def _as_json(change: StatusChange) -> dict[str, Any]:
    return {key: value for key, value in asdict(change).items() if key != "made_at"}


async def _diff(
    settings: Settings, filled: Sequence[FilledStatusRow], faults: Sequence[str]
) -> list[StatusChange]:
    async with open_for_reading(settings) as database, database.read() as connection:
        return await diff_status(connection, filled, faults)


async def _record(
    settings: Settings,
    filled: Sequence[FilledStatusRow],
    shown: Sequence[StatusChange],
    wanted: Sequence[StatusChange],
    *,
    by: str,
    now: datetime,
) -> None:
    async with open_for_writing(settings) as database, database.write() as connection:
        registry = await require_registry(connection)
        await lock_obligations(connection, [each.key.obligation_id for each in filled])
        if await diff_status(connection, filled) != list(shown):
            raise CommandFailed(
                "Dữ liệu vừa đổi trong lúc xem; chưa ghi gì. Hãy chạy lại lệnh này."
            )
        await record_changes(connection, registry, wanted, by=by, now=now, today=civil_date(now))


async def record_changes(
    connection: AsyncConnection,
    registry: Registry,
    changes: Sequence[StatusChange],
    *,
    by: str,
    now: datetime,
    today: date,
) -> None:
    """Record each change as a reply without a chat, and plan the next rungs again.

    Call within the transaction that compared the changes (diff_status).
    """
    for change in changes:
        await record_reply(
            connection,
            obligation_id=change.obligation_id,
            said=change.said,
            percent=change.percent,
            document=change.document,
            document_on=change.document_on,
            note=note_with_origin(change, by),
            person_id=None,
            chat_id=None,
            event_id=None,
            now=now,
            today=today,
            workdays=registry.workdays,
        )
    ids = [change.obligation_id for change in changes]
    await recompute(connection, registry, ids, today=today)
