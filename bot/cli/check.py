"""`nhacviec check`: every fault of the registry's files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.database import read_registry_files
from bot.cli.options import JsonOption, parse_path
from bot.cli.output import CommandFailed, print_json, show_progress
from bot.cli.tree import examples
from bot.config import load_settings
from data.registry.files import FileFault, RegistryFault
from data.registry.registry import Registry
from data.rows import row_fields


@examples("check", "check --seeds văn-bản-gốc/")
def check(
    seeds: Annotated[
        Path | None,
        typer.Option(
            "--seeds",
            parser=parse_path,
            metavar="THƯ_MỤC",
            help="Thư mục văn bản gốc: đối chiếu từng câu trích.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print every fault and exit with 1 if there is one."""
    settings = load_settings()
    if seeds is not None and not seeds.is_dir():
        raise CommandFailed(f"Không có thư mục văn bản gốc {seeds}. Hãy kiểm tra đường dẫn.")
    faults: list[FileFault] = []
    counts: dict[str, int] = {}
    try:
        registry = read_registry_files(settings)
        counts = _count(registry)
        if seeds is not None:
            with show_progress("Đang đối chiếu văn bản gốc"):
                faults = registry.check_against(seeds)
    except RegistryFault as fault:
        faults = fault.faults
    if as_json:
        rows = [row_fields(fault, "file", "line", "message") for fault in faults]
        print_json({"ok": not faults, **counts, "faults": rows})
        if faults:
            raise typer.Exit(1)
        return
    if faults:
        raise CommandFailed(
            "\n".join(str(fault) for fault in faults)
            + f"\nSổ bộ {settings.registry} có {len(faults)} chỗ sai."
        )
    compared = "" if seeds is None else " Mọi câu trích có trong văn bản gốc."
    print(
        f"Sổ bộ đúng: {counts['plans']} kế hoạch, {counts['tasks']} nhiệm vụ,"
        f" {counts['report_duties']} chế độ báo cáo, {counts['targets']} chỉ tiêu,"
        f" {counts['agencies']} cơ quan.{compared}"
    )


def _count(registry: Registry) -> dict[str, int]:
    plans = registry.plans.values()
    return {
        "plans": len(plans),
        "tasks": sum(len(plan.tasks) for plan in plans),
        "report_duties": sum(len(plan.report_duties) for plan in plans),
        "targets": sum(len(plan.targets) for plan in plans),
        "agencies": sum(len(home.agencies) for home in registry.provinces.values()),
    }
