"""The command line of people: `people list`, `remove`, `handover`, `show`, `erase`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.help import JsonOption
from bot.cli.tree import examples

Person = Annotated[
    int, typer.Argument(metavar="SỐ", help="Số của người, như «people list» cho thấy.")
]


@examples("people list --province gia-lai --agency «Sở Tài chính»")
def people_list(
    province: Annotated[
        str | None, typer.Option("--province", metavar="TỈNH", help="Chỉ một tỉnh: gia-lai.")
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option("--agency", metavar="CƠ_QUAN", help="Chỉ một cơ quan; cần --province."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Liệt kê người và nhóm đang đăng ký, vai trò, kênh, lần cuối."""
    from bot.cli import people as commands

    commands.list_(province=province, agency=agency, as_json=json)


@examples("people remove 12", "people remove g5")
def people_remove(
    who: Annotated[str, typer.Argument(metavar="SỐ", help="Số của người (12) hoặc của nhóm (g5).")],
    json: JsonOption = False,
) -> None:
    """Thôi mọi vai trò của một người hay nhóm; câu trả lời đã ghi giữ nguyên."""
    from bot.cli import people as commands

    commands.remove(who, as_json=json)


@examples("people handover 12")
def people_handover(person: Person, json: JsonOption = False) -> None:
    """Cấp mã bàn giao: ai dùng mã sẽ thay người này; mã chỉ hiện lần này."""
    from bot.cli import people as commands

    commands.handover(person, as_json=json)


@examples("people show 12 --json")
def people_show(person: Person, json: JsonOption = False) -> None:
    """Xem mọi điều đang lưu về một người (Luật Bảo vệ dữ liệu cá nhân)."""
    from bot.cli import people as commands

    commands.show(person, as_json=json)


@examples("people erase 12", "people erase 12 --yes")
def people_erase(
    person: Person,
    yes: Annotated[bool, typer.Option("--yes", help="Không hỏi lại.")] = False,
    json: JsonOption = False,
) -> None:
    """Xoá dữ liệu cá nhân của một người; hồ sơ của cơ quan giữ nguyên, không còn tên."""
    from bot.cli import people as commands

    commands.erase(person, yes=yes, as_json=json)
