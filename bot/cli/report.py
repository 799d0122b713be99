"""Commands that put reports together: `report`, `urge`.

Promises that a file which exists is left alone unless --force says otherwise, that a failure leaves no
half of one, that nothing is written to the database, and nothing sent to anybody.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path

from bot.cli.arguments import find_plan_code
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed, print_json
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.db.database import Database
from data.loading.load import read_registry
from data.registry.registry import Registry
from data.registry.titles import period_name
from data.reports.facts import ReportFacts, UrgingFacts, find_sum_errors
from data.reports.gather import PlanNotLoaded, gather_report_facts
from data.reports.period import next_report_period, read_report_period, span_of
from jobs.reports.make import SHEET, URGING, WORD, ReportFile, ReportRefusal, make_report

_FORMS = {".docx": WORD, ".xlsx": SHEET}
Progress = Callable[[int, int], None]


def report(
    numbers: list[str],
    *,
    out: Path | None,
    period: str | None,
    as_of: date | None,
    province: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write the consolidated report of a plan (a sheet: of several), or print its facts as JSON."""
    if out is None and not as_json:
        raise CommandFailed("Hãy ghi --out TỆP.docx hoặc --out TỆP.xlsx, hoặc --json.")
    form = None if out is None else _form_of(out, force)
    if len(numbers) > 1 and (form != SHEET or as_json):
        raise CommandFailed(
            "Nhiều kế hoạch một lúc chỉ soạn được bảng: hãy đặt --out TỆP.xlsx, không có --json."
        )
    facts, made, codes = asyncio.run(
        _report(load_settings(), numbers, form, period, as_of=as_of, province=province)
    )
    if out is not None and made is not None:
        _write(out, made.content, force=force)
    if as_json:
        print_json(asdict(facts))
        return
    if codes > 1:
        print(f"Đã ghi {out}: {codes} kế hoạch, số liệu đến {facts.as_of:%d/%m/%Y}.")
        return
    estimate = " (ước)" if facts.is_estimate else ""
    silent = f"; {len(facts.silent)} cơ quan chưa báo cáo gì" if facts.silent else ""
    print(
        f"Đã ghi {out}: {facts.figures.total} nhiệm vụ, {facts.lines} dòng cơ quan, số liệu đến"
        f" {facts.as_of:%d/%m/%Y}{estimate}{silent}."
    )


def urge(number: str, *, out: Path, as_of: date | None, province: str | None, force: bool) -> None:
    """Write the draft of a letter that urges the agencies late beyond what reminders do."""
    if _form_of(out, force) != WORD:
        raise CommandFailed("Công văn đôn đốc là tệp Word: hãy đặt --out TỆP.docx.")
    made = asyncio.run(_urge(load_settings(), number, as_of, province))
    _write(out, made.content, force=force)
    assert isinstance(made.facts, UrgingFacts)
    count = sum(len(each.items) for each in made.facts.agencies)
    print(
        f"Đã ghi dự thảo {out}: {count} việc quá hạn của {len(made.facts.agencies)} cơ quan."
        " Hãy đọc lại, ghi số và trình ký; không gửi cho ai."
    )


async def _report(
    settings: Settings,
    numbers: list[str],
    form: str | None,
    period: str | None,
    *,
    as_of: date | None,
    province: str | None,
) -> tuple[ReportFacts, ReportFile | None, int]:
    """Return the facts, the file that shows them, and of how many plans it is."""
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database:
        registry = await _registry(database)
        named = [find_plan_code(registry, number, province) for number in numbers]
        codes = list(dict.fromkeys(named))  # one said twice is one sheet
        wanted = _period(registry, codes[0], period, today)
        day = _day(as_of, today)
        if day < span_of(wanted).first:
            raise CommandFailed(f"Kỳ {period_name(wanted)} chưa bắt đầu nên chưa có số liệu.")
        if form is None:
            return await _facts(database, registry, codes[0], wanted, day), None, 1
        with _progress("Đang soạn") as progress:
            made = await make_report(
                database, registry, codes, period=wanted, form=form, as_of=day, progress=progress
            )
    made = _not_refused(made)
    assert isinstance(made.facts, ReportFacts)
    return made.facts, made, len(codes)


async def _urge(
    settings: Settings, number: str, as_of: date | None, province: str | None
) -> ReportFile:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database:
        registry = await _registry(database)
        code = find_plan_code(registry, number, province)
        made = await make_report(
            database,
            registry,
            code,
            period=str(today.year),
            form=URGING,
            as_of=_day(as_of, today),
        )
    return _not_refused(made)


async def _facts(
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


async def _registry(database: Database) -> Registry:
    async with database.read() as connection:
        registry = await read_registry(connection)
    if registry is None:
        raise CommandFailed("Chưa nạp sổ bộ. Hãy chạy «nhacviec plan load» trước.")
    return registry


def _period(registry: Registry, code: str, words: str | None, today: date) -> str:
    if words is None:
        duties = registry.plans[code].report_duties
        return next_report_period({duty.frequency for duty in duties}, today=today)
    period = read_report_period(words, today=today)
    if period is None:
        raise CommandFailed(f"Không hiểu kỳ «{words}». Hãy ghi như: 2026, 2026-H1, 2026-Q4.")
    return period


def _day(as_of: date | None, today: date) -> date:
    if as_of is not None and as_of > today:
        raise CommandFailed(f"Ngày --as-of {as_of:%d/%m/%Y} chưa đến nên chưa có số liệu.")
    return as_of or today


def _not_refused(made: ReportFile | ReportRefusal) -> ReportFile:
    if isinstance(made, ReportRefusal):
        raise CommandFailed(made.reason)
    return made


# ------------------------------------------------------------------ files, progress


def _form_of(out: Path, force: bool) -> str:
    form = _FORMS.get(out.suffix.lower())
    if form is None:
        raise CommandFailed(f"Không rõ loại tệp {out}. Hãy đặt tên đuôi .docx hoặc .xlsx.")
    if out.exists() and not force:
        raise CommandFailed(f"Đã có {out}. Hãy chọn tên khác, hoặc thêm --force để ghi đè.")
    if not out.parent.is_dir():
        raise CommandFailed(f"Không có thư mục {out.parent}.")
    return form


def _write(out: Path, content: bytes, *, force: bool) -> None:
    """Write a file whole or not at all; one that exists only with force."""
    beside = out.with_name(f".{out.name}.part")
    try:
        beside.write_bytes(content)
        if not force and out.exists():  # made while this was drawn
            raise CommandFailed(f"Đã có {out}. Hãy chọn tên khác, hoặc thêm --force để ghi đè.")
        beside.replace(out)
    except OSError as error:
        raise CommandFailed(f"Không ghi được {out}: {error.strerror}.") from None
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """Show on a terminal how many tasks are drawn; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
