"""The commands that carry a whole database: `move` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.help import JsonOption
from bot.cli.tree import examples

DryRun = Annotated[bool, typer.Option("--dry-run", help="Chỉ kiểm tra và cho xem; không ghi gì.")]


@examples(
    "move --to postgresql+psycopg://nhacviec@db.tinh.vn/nhacviec --dry-run",
    "move --to-file /etc/nhacviec/dia-chi-moi",
)
def move(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="ĐỊA_CHỈ", help="Cơ sở dữ liệu mới, còn trống."),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(
            "--to-file", metavar="TỆP", help="Tệp chứa địa chỉ ấy, để mật khẩu không hiện ra."
        ),
    ] = None,
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Chuyển mọi dữ liệu sang cơ sở dữ liệu khác (SQLite sang PostgreSQL), đếm và so từng bảng."""
    from bot.cli import move as moving

    moving.move(to=to, to_file=to_file, dry_run=dry_run, as_json=json)


@examples(
    "restore sao-luu/nhacviec-2026-11-09.db --dry-run",
    "restore sao-luu/nhacviec-2026-11-09.db --yes",
)
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="TỆP", help="Bản sao lưu do «nhacviec backup» làm ra.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại.")] = False,
    dry_run: DryRun = False,
    json: JsonOption = False,
) -> None:
    """Đưa một bản sao lưu vào thay cơ sở dữ liệu; tệp cũ được giữ lại bên cạnh."""
    from bot.cli import restore as restoring

    restoring.restore(file, yes=yes, dry_run=dry_run, as_json=json)
