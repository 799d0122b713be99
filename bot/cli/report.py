"""`nhacviec report` and `nhacviec urge`: drafts of reports and of urging letters as files.

Guarantees:
- A file is written whole or not at all, and replaces an existing one only with --force.
- Nothing is written to the database or sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.database import open_for_reading, require_registry
from bot.cli.files import replaced_file, require_free_path
from bot.cli.lookup import find_plan_code
from bot.cli.options import (
    ForceOption,
    JsonOption,
    PlanArgument,
    ProvinceOption,
    day_option,
    parse_late_days,
    parse_path,
)
from bot.cli.output import CommandFailed, count_progress, print_json
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.db.database import Database
from data.registry.registry import Registry
from data.registry.titles import period_name
from data.reports.facts import ReportFacts
from data.reports.gather import PlanNotLoaded, gather_report_facts
from data.reports.late_agencies import LATE_DAYS, UrgingFacts
from data.reports.period import next_report_period, read_report_period, span_of
from data.reports.sums import find_sum_errors
from jobs.reports.make import (
    SHEET,
    URGING,
    WORD,
    ReportFile,
    ReportRefusal,
    make_report,
    notes_name,
)

_FORMS = {".docx": WORD, ".xlsx": SHEET}
AsOfOption = Annotated[
    date | None, day_option("--as-of", "Số liệu đến ngày này [mặc định: hôm nay].")
]


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
        Path | None,
        typer.Option("--out", parser=parse_path, metavar="TỆP", help="Tệp .docx hoặc .xlsx."),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(
            "--period", metavar="KỲ", help="2026, 2026-H1, 2026-Q4 [mặc định: kỳ hiện tại]."
        ),
    ] = None,
    as_of: AsOfOption = None,
    province: ProvinceOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the consolidated report of a plan (a sheet: of several), or print its facts as JSON."""
    if out is None and not as_json:
        raise CommandFailed("Hãy ghi --out TỆP.docx hoặc --out TỆP.xlsx, hoặc --json.")
    form = None if out is None else _form_of(out, force)
    if out is not None and form == WORD:
        require_free_path(out.with_name(notes_name(out.name)), force=force)
    if len(numbers) > 1 and (form != SHEET or as_json):
        raise CommandFailed(
            "Nhiều kế hoạch một lúc chỉ soạn được bảng: hãy đặt --out TỆP.xlsx, không có --json."
        )
    facts, file, plans = asyncio.run(
        _make_report(load_settings(), numbers, form, period, as_of=as_of, province=province)
    )
    if out is not None and file is not None:
        _write(out, file.content, force=force)
        if file.notes is not None:
            _write(out.with_name(notes_name(out.name)), file.notes, force=force)
    if as_json:
        print_json(asdict(facts))
        return
    if plans > 1:
        print(f"Đã ghi {out}: {plans} kế hoạch, số liệu đến {facts.as_of:%d/%m/%Y}.")
        return
    estimate = " (ước)" if facts.is_estimate else ""
    silent = f"; {len(facts.silent)} cơ quan chưa báo cáo" if facts.silent else ""
    blanks = ""
    if out is not None and file is not None and file.notes is not None:
        blanks = (
            f" Còn {len(file.blanks)} chỗ cần người viết. Nguồn từng số liệu:"
            f" {out.with_name(notes_name(out.name))}."
        )
    print(
        f"Đã ghi {out}: {facts.figures.total} nhiệm vụ, {facts.lines} dòng cơ quan, số liệu đến"
        f" {facts.as_of:%d/%m/%Y}{estimate}{silent}.{blanks}"
    )


@examples("urge 131 --out don-doc.docx", "urge 131 --late-days 10 --out don-doc.docx")
def urge(
    number: PlanArgument,
    out: Annotated[
        Path, typer.Option("--out", parser=parse_path, metavar="TỆP.docx", help="Tệp .docx.")
    ],
    late_days: Annotated[
        int,
        typer.Option(
            "--late-days",
            parser=parse_late_days,
            metavar="SỐ",
            help="Chỉ nêu nội dung quá hạn từ ngần này ngày làm việc.",
        ),
    ] = LATE_DAYS,
    as_of: AsOfOption = None,
    province: ProvinceOption = None,
    force: ForceOption = False,
) -> None:
    """Write a draft letter to the agencies that were reminded and are late for so many working days."""
    if _form_of(out, force) != WORD:
        raise CommandFailed("Công văn đôn đốc là tệp Word: hãy đặt --out TỆP.docx.")
    letter = asyncio.run(_make_letter(load_settings(), number, late_days, as_of, province))
    _write(out, letter.content, force=force)
    assert isinstance(letter.facts, UrgingFacts)
    agencies = letter.facts.agencies
    count = sum(len(each.items) for each in agencies)
    print(
        f"Đã ghi dự thảo {out}: {count} nội dung quá hạn từ {late_days} ngày làm việc của"
        f" {len(agencies)} cơ quan. Hãy đọc lại {len(letter.blanks)} chỗ tô vàng, ghi số và trình ký."
    )


async def _make_report(
    settings: Settings,
    numbers: list[str],
    form: str | None,
    period: str | None,
    *,
    as_of: date | None,
    province: str | None,
) -> tuple[ReportFacts, ReportFile | None, int]:
    """Return the facts, their file (None without a form), and the number of plans."""
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database:
        registry = await _load_registry(database)
        # a plan named twice is one sheet
        codes = list(dict.fromkeys(find_plan_code(registry, each, province) for each in numbers))
        period = _read_period(registry, codes[0], period, today)
        day = _require_past(as_of, today)
        if day < span_of(period).first:
            raise CommandFailed(f"Kỳ {period_name(period)} chưa bắt đầu nên chưa có số liệu.")
        if form is None:
            return await _gather_facts(database, registry, codes[0], period, day), None, 1
        with count_progress("Đang soạn") as progress:
            file = _require_made(
                await make_report(
                    database,
                    registry,
                    codes,
                    period=period,
                    form=form,
                    as_of=day,
                    progress=progress,
                )
            )
    assert isinstance(file.facts, ReportFacts)
    return file.facts, file, len(codes)


async def _make_letter(
    settings: Settings, number: str, late_days: int, as_of: date | None, province: str | None
) -> ReportFile:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database:
        registry = await _load_registry(database)
        code = find_plan_code(registry, number, province)
        day = _require_past(as_of, today)
        return _require_made(
            await make_report(
                database,
                registry,
                code,
                period=str(today.year),
                form=URGING,
                as_of=day,
                late_days=late_days,
            )
        )


async def _load_registry(database: Database) -> Registry:
    async with database.read() as connection:
        return await require_registry(connection)


async def _gather_facts(
    database: Database, registry: Registry, code: str, period: str, as_of: date
) -> ReportFacts:
    async with database.read() as connection:
        try:
            facts = await gather_report_facts(
                connection, registry, code, period=period, as_of=as_of
            )
        except PlanNotLoaded:
            raise CommandFailed(
                f"Kế hoạch {code} chưa được nạp. Hãy chạy «nhacviec plan load»."
            ) from None
    if reasons := find_sum_errors(facts):
        raise CommandFailed(" ".join(reasons))
    return facts


def _read_period(registry: Registry, code: str, words: str | None, today: date) -> str:
    if words is None:
        duties = registry.plans[code].report_duties
        return next_report_period({duty.frequency for duty in duties}, today=today)
    period = read_report_period(words, today=today)
    if period is None:
        raise CommandFailed(f"Không hiểu kỳ «{words}». Hãy ghi như: 2026, 2026-H1, 2026-Q4.")
    return period


def _require_past(as_of: date | None, today: date) -> date:
    """Return the day of the figures, by default today; a later day is refused."""
    if as_of is not None and as_of > today:
        raise CommandFailed(f"Ngày --as-of {as_of:%d/%m/%Y} chưa đến nên chưa có số liệu.")
    return as_of or today


def _require_made(result: ReportFile | ReportRefusal) -> ReportFile:
    if isinstance(result, ReportRefusal):
        raise CommandFailed(result.reason)
    return result


def _form_of(out: Path, force: bool) -> str:
    form = _FORMS.get(out.suffix.lower())
    if form is None:
        raise CommandFailed(f"Không rõ loại tệp {out}. Hãy đặt tên đuôi .docx hoặc .xlsx.")
    require_free_path(out, force=force)
    if not out.parent.is_dir():
        raise CommandFailed(f"Không có thư mục {out.parent}.")
    return form


def _write(out: Path, content: bytes, *, force: bool) -> None:
    with replaced_file(out, force=force) as path:
        path.write_bytes(content)
