"""The command line of sheets: `export`, `import-status`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.help import JsonOption
from bot.cli.plans__cli_plans import Province
from bot.cli.tree import examples


@examples(
    "export --out nhac-viec.xlsx",
    "export --out gia-lai.json --province gia-lai",
    "export --status 1901 --out trang-thai.xlsx",
    "export --status 1901 --agency «Sở Tài chính» --out trang-thai-stc.xlsx",
)
def export(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="TỆP", help="Tệp mới: .xlsx, .json hoặc .jsonl (mỗi dòng một mục)."
        ),
    ],
    province: Province = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="SỐ", help="Chỉ một kế hoạch.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="SỐ",
            help="Thay vào đó, ghi bảng để điền trạng thái các việc của một kế hoạch.",
        ),
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CƠ_QUAN", help="Với --status: chỉ việc của một cơ quan."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Với --status: cả việc đã xác nhận hoàn thành.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Ghi đè tệp đã có.")] = False,
    json: JsonOption = False,
) -> None:
    """Xuất sổ bộ và mọi điều đã ghi ra một tệp, hoặc bảng trạng thái để điền rồi nhập lại."""
    from bot.cli import export as exporting
    from bot.cli.output import CommandFailed

    if status is None:
        if agency is not None or every:
            raise CommandFailed("--agency và --all chỉ dùng cùng --status.")
        exporting.export(out, province=province, plan=plan, force=force, as_json=json)
        return
    if plan is not None:
        raise CommandFailed("Hãy chọn một: --plan (mọi điều đã ghi) hoặc --status (bảng để điền).")
    exporting.write_status_export(
        out, status, province=province, agency=agency, every=every, force=force, as_json=json
    )


@examples(
    "import-status trang-thai.xlsx --by «Nguyễn Văn A» --dry-run",
    "import-status trang-thai.xlsx --by «Nguyễn Văn A»",
)
def import_status(
    file: Annotated[
        Path, typer.Argument(metavar="TỆP.xlsx", help="Bảng của «export --status», đã điền.")
    ],
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="TÊN", help="Ai nhập bảng: họ tên hoặc bộ phận; được ghi vào hồ sơ."
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Chỉ xem, không ghi.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại.")] = False,
    force_conflicts: Annotated[
        bool,
        typer.Option(
            "--force-conflicts", help="Ghi cả những dòng có trạng thái đã đổi sau khi xuất bảng."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Nhập lại bảng trạng thái đã điền: cho xem từng thay đổi, hỏi lại, rồi ghi tất cả hoặc không gì."""
    from bot.cli import import_status

    import_status.import_status(
        file,
        by=by,
        dry_run=dry_run,
        yes=yes,
        force_conflicts=force_conflicts,
        as_json=json,
    )
