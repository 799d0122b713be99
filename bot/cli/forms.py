"""`nhacviec form`: attach a form or guidance file to a report, list the forms, remove one.

Guarantees:
- A file is looked through as those that people send; one that is refused says why and changes nothing.
- What is replaced or removed stays on record.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select

from bot.cli.database import open_for_reading, open_for_writing, require_registry
from bot.cli.lookup import find_plan_code, find_province
from bot.cli.options import (
    JsonOption,
    PlanArgument,
    ProvinceOption,
    YesOption,
    parse_path,
    parse_row_number,
)
from bot.cli.output import CommandFailed, ask_before, print_json, print_table
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.models import DutyForm, Plan, ReportDuty
from data.os_errors import explain_os_error
from data.progress import forms
from data.progress.evidence import MAX_EVIDENCE_BYTES, EvidenceTooBig, EvidenceTypeNotAllowed
from data.untrusted.attachments import judge_attachment

_BY = "quản trị"
_MEGABYTES = MAX_EVIDENCE_BYTES // (1024 * 1024)
_FAULTS = {
    "secret": "tệp có dấu chỉ độ mật; hệ thống không dùng cho tài liệu mật",
    "heavy": "tệp quá nặng khi mở; hãy dùng bản PDF",
    "broken": "tệp hỏng, không mở được",
    "lost": "máy đang bận, chưa xem được tệp; hãy thử lại",
    "too_big": f"tệp lớn hơn {_MEGABYTES} MB",
    "not_allowed": "chỉ nhận ảnh (JPEG, PNG, WebP, HEIC), PDF, Word, Excel không có macro",
    "too_many": f"báo cáo này đã có {forms.MOST_FORMS:02} tệp; hãy gỡ bớt, hoặc dùng tệp cùng tên để thay",
}


@examples("form attach 1901 BC.1 bieu-mau.docx")
def form_attach(
    number: PlanArgument,
    code: Annotated[str, typer.Argument(metavar="MÃ", help="Mã báo cáo, ví dụ BC.1.")],
    file: Annotated[
        Path,
        typer.Argument(parser=parse_path, metavar="TỆP", help="Tệp mẫu hoặc hướng dẫn."),
    ],
    province: ProvinceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Attach a file to a report; one of the same name is replaced."""
    try:
        size = file.stat().st_size
        content = file.read_bytes() if size <= MAX_EVIDENCE_BYTES else b""
    except OSError as error:
        raise CommandFailed(f"Không đọc được {file}: {explain_os_error(error)}.") from None
    if size > MAX_EVIDENCE_BYTES:
        raise CommandFailed(f"Chưa gắn {file.name}: {_FAULTS['too_big']}.")
    attached = asyncio.run(_attach(load_settings(), number, province, code, file.name, content))
    if as_json:
        print_json(attached)
        return
    done = "Đã thay" if attached["replaced"] else "Đã gắn"
    print(f"{done} {attached['name']} vào {attached['title']} [{attached['code']}]"
          f", Kế hoạch {attached['plan']}. Mẫu đi cùng tin nhắc.")  # fmt: skip


@examples("form list", "form list 1901 --json", "form list 1901 --removed")
def form_list(
    number: Annotated[str | None, typer.Argument(metavar="SỐ", help="Chỉ một kế hoạch.")] = None,
    province: ProvinceOption = None,
    removed: Annotated[
        bool, typer.Option("--removed", help="Cả những tệp đã gỡ hoặc thay.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the forms of reports, oldest first."""
    rows = asyncio.run(_list(load_settings(), number, province, removed))
    if as_json:
        print_json(rows)
        return
    print_table(
        "",
        ("Số", "Kế hoạch", "Mã", "Tệp", "KB", "Nơi gắn", "Ngày", "Ngày gỡ"),
        [
            (
                row["id"],
                row["plan"],
                row["code"],
                row["name"],
                max(1, row["size"] // 1024),
                row["attached_by"],
                civil_date(row["attached_at"]),
                civil_date(row["removed_at"]) if row["removed_at"] else None,
            )
            for row in rows
        ],
        empty="Chưa có mẫu báo cáo nào. Hãy gắn bằng «nhacviec form attach».",
    )


@examples("form remove 3", "form remove 3 --yes")
def form_remove(
    form: Annotated[
        int,
        typer.Argument(
            parser=parse_row_number, metavar="SỐ", help="Số của tệp, như «form list» cho thấy."
        ),
    ],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove a form from its report, after saying which and asking."""
    settings = load_settings()
    rows = asyncio.run(_list(settings, None, None, False))
    found = next((row for row in rows if row["id"] == form), None)
    if found is None:
        raise CommandFailed(f"Không có mẫu số {form}. Hãy xem «nhacviec form list».")
    would = f"Sẽ gỡ {found['name']} khỏi báo cáo {found['code']}, Kế hoạch {found['plan']}."
    ask_before(would, yes=yes, as_json=as_json)
    removed = asyncio.run(_remove(settings, form))
    if as_json:
        print_json({"id": form, "removed": removed})
        return
    print(f"Đã gỡ {found['name']}." if removed else f"{found['name']} đã được gỡ từ trước.")


async def _attach(
    settings: Settings, number: str, province: str | None, code: str, name: str, content: bytes
) -> dict[str, Any]:
    fault: str = await judge_attachment(content, name)
    if fault:
        raise CommandFailed(f"Chưa gắn {name}: {_FAULTS[fault]}.")
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        registry = await require_registry(connection)
        plan_code = find_plan_code(registry, number, province)
        codes = [each.code for each in registry.plans[plan_code].report_duties]
        named = next((each for each in codes if each.casefold() == code.strip().casefold()), None)
        duty = None
        if named is not None:
            duty = await forms.find_form_duty(connection, plan_code, named)
        if duty is None:
            raise CommandFailed(
                f"Kế hoạch «{number}» không có báo cáo «{code}». Các báo cáo: {', '.join(codes)}."
            )
        try:
            form = await forms.attach_form(
                connection,
                duty_id=duty.id,
                name=name,
                content=content,
                person_id=None,
                attached_by=_BY,
                now=now,
            )
        except EvidenceTooBig:
            fault = "too_big"
        except EvidenceTypeNotAllowed:
            fault = "not_allowed"
        except forms.TooManyForms:
            fault = "too_many"
        if fault:
            raise CommandFailed(f"Chưa gắn {name}: {_FAULTS[fault]}.")
    return {
        "id": form.id,
        "name": form.name,
        "size": form.size,
        "replaced": form.replaced,
        "plan": duty.plan_number,
        "code": duty.code,
        "title": duty.title,
    }


async def _list(
    settings: Settings, number: str | None, province: str | None, removed: bool
) -> list[dict[str, Any]]:
    async with open_for_reading(settings) as database, database.read() as connection:
        query = (
            select(
                DutyForm.id,
                Plan.number.label("plan"),
                ReportDuty.code,
                DutyForm.name,
                DutyForm.mime,
                DutyForm.size,
                DutyForm.sha256,
                DutyForm.attached_by,
                DutyForm.attached_at,
                DutyForm.removed_by,
                DutyForm.removed_at,
            )
            .join(ReportDuty, ReportDuty.id == DutyForm.duty_id)
            .join(Plan, Plan.id == ReportDuty.plan_id)
            .order_by(DutyForm.id)
        )
        if not removed:
            query = query.where(DutyForm.removed_at.is_(None))
        if number is not None or province is not None:
            registry = await require_registry(connection)
            if number is not None:
                query = query.where(Plan.code == find_plan_code(registry, number, province))
            elif province is not None:
                query = query.where(Plan.province == find_province(registry, province).code)
        return [dict(row._mapping) for row in await connection.execute(query)]


async def _remove(settings: Settings, form_id: int) -> bool:
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        return await forms.remove_form(connection, form_id, removed_by=_BY, now=now)
