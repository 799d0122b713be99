"""`nhacviec invite`: a one-use code, the links that open a bot, and a picture of one link.

Guarantees:
- A code is printed once and never stored in clear.
- No code is made where its picture cannot be drawn or written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import typer
from sqlalchemy import select

from bot.cli.database import open_for_writing, require_registry
from bot.cli.files import refuse_existing_file
from bot.cli.invite_links import load_invite_links, print_invite_links
from bot.cli.lookup import find_agency, find_province
from bot.cli.options import JsonOption, RequiredProvinceOption, parse_path, role_option
from bot.cli.output import CommandFailed, print_json
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.contacts.enrolments import Role
from data.contacts.invitations import CODE_DAYS, create_invitation
from data.models import Agency
from data.os_errors import explain_os_error
from data.registry.province import is_alive
from jobs.rendering.qr import render_qr


@examples(
    "invite --province gia-lai --agency «Sở Tài chính» --role «đầu mối»",
    "invite --province gia-lai --agency stc --role «đầu mối» --qr moi-stc.png",
)
def invite(
    province: RequiredProvinceOption,
    agency: Annotated[
        str, typer.Option("--agency", metavar="CƠ_QUAN", help="Tên, tên tắt hoặc mã cơ quan.")
    ],
    role: Annotated[str, role_option("«đầu mối», «theo dõi» hoặc «lãnh đạo».")],
    may_decide: Annotated[
        bool,
        typer.Option(
            "--may-decide",
            help="Lãnh đạo được quyết định thay cơ quan theo dõi về nhiệm vụ của chính cơ quan ấy.",
        ),
    ] = False,
    qr: Annotated[
        Path | None,
        typer.Option(
            "--qr",
            parser=parse_path,
            metavar="TỆP.png",
            help="Ghi thêm hình QR mở bot; tệp đã có không bị ghi đè.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a new code with the links of each known bot, and draw one link if asked."""
    if may_decide and role != "leader":
        raise CommandFailed("--may-decide chỉ dùng với --role leader.")
    settings = load_settings()
    with _new_picture(qr) as picture:
        invitation = asyncio.run(
            _create(settings, province, agency, cast(Role, role), may_decide, qr is not None)
        )
        if picture is not None:
            link = _link_to_draw(invitation)
            picture.write(render_qr(link["private"], send=link["send"] or None))
    invitation["qr"] = None if qr is None else str(qr)
    if as_json:
        print_json(invitation)
    else:
        _print(invitation)


def _print(invitation: dict[str, Any]) -> None:
    code = invitation["code"]
    print(f"{invitation['agency']} ({invitation['role']}): {code}")
    print(f"Mã dùng một lần, hạn {CODE_DAYS} ngày. Người nhận nhắn cho Hệ thống: /start {code}")
    print_invite_links(invitation["links"])
    if invitation["qr"]:
        link = _link_to_draw(invitation)
        then = f"; dưới hình là mã cần gửi: {link['send']}" if link["send"] else ""
        print(f"Hình QR mở {link['bot']}: {invitation['qr']}{then}")


def _link_to_draw(invitation: dict[str, Any]) -> dict[str, Any]:
    """Return a link whose code must be typed, if any: that link alone does not hold the code."""
    links: list[dict[str, Any]] = [link for link in invitation["links"] if link["private"]]
    return min(links, key=lambda link: not link["send"])


@contextmanager
def _new_picture(path: Path | None) -> Iterator[BinaryIO | None]:
    """Open a new file that is removed if anything fails; None where no picture is asked for."""
    if path is None:
        yield None
        return
    try:
        file = path.open("xb")
    except FileExistsError:
        raise refuse_existing_file(path) from None
    except OSError as error:
        raise CommandFailed(f"Không ghi được {path}: {explain_os_error(error)}.") from None
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _create(
    settings: Settings,
    province: str,
    agency: str,
    role: Role,
    may_decide: bool,
    with_picture: bool,
) -> dict[str, Any]:
    now = await SystemClock().now()
    today = civil_date(now)
    async with open_for_writing(settings) as database, database.write() as connection:
        registry = await require_registry(connection)
        home = find_province(registry, province)
        entry = find_agency(home, agency, on=today)
        if not is_alive(entry, today):
            heirs = [
                home.agencies[code].name for code in home.successor_of(entry.code, today).codes
            ]
            raise CommandFailed(
                f"{entry.name} không còn hoạt động. Hãy mời cơ quan tiếp nhận nhiệm vụ: {', '.join(heirs)}."
            )
        agency_id = await connection.scalar(
            select(Agency.id).where(Agency.province == home.code, Agency.code == entry.code)
        )
        if agency_id is None:
            raise CommandFailed(f"Chưa nạp {entry.name}. Hãy chạy «nhacviec plan load» trước.")
        code = await create_invitation(
            connection, agency_id=agency_id, role=role, may_decide=may_decide, now=now
        )
        links = await load_invite_links(
            connection, settings, code, group=role != "leader", today=today
        )
        if with_picture and not any(link["private"] for link in links):  # undoes the code as well
            raise CommandFailed(
                "Chưa có bot nào để vẽ QR: bot chưa chạy lần nào, hoặc các bot Zalo đã đủ người."
                " Hãy chạy «nhacviec run» một lần, hoặc thêm bot."
            )
    return {
        "code": code,
        "province": home.code,
        "agency": entry.name,
        "role": role,
        "may_decide": may_decide,
        "days": CODE_DAYS,
        "links": links,
    }
