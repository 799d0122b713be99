"""The command `invite`: a one-use code, the links that open a bot, and a picture of one.

Promises that a code is printed once and never stored in clear, that no existing file is written over,
and that no code is made where the picture that was asked for could not be drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from sqlalchemy import select

from bot.cli.arguments import find_agency, find_province
from bot.cli.database import open_for_writing
from bot.cli.output import CommandFailed, print_json
from bot.config import Settings, load_settings
from data.accounts.usage import AccountUsage
from data.clock import SystemClock, civil_date
from data.contacts.enrolments import Role
from data.contacts.invitations import CODE_DAYS
from data.contacts.invitations import create_invitation as make_code
from data.contacts.invite_links import list_invite_links
from data.loading.load import read_registry
from data.models import Agency
from data.registry.province import is_alive
from jobs.channel import Capabilities
from jobs.rendering.qr import render_qr as draw


def capabilities_lookup(settings: Settings) -> Callable[[AccountUsage], Capabilities | None]:
    """Return what tells what an account's channel can do, as it is set."""
    from bot.service.accounts import capabilities_for_kind  # a messenger's library takes its time

    return lambda use: capabilities_for_kind(settings, use.channel)


def print_invite_links(ways: Iterable[Mapping[str, Any]]) -> None:
    """Print a line for each way to use a code; see data.contacts.invite_links.InviteLink."""
    for way in ways:
        if not way["private"]:
            print(f"{way['messenger']}: các bot đã đủ người. Hãy thêm bot (.env.example).")
        elif way["send"]:
            print(f"{way['messenger']}: mở {way['private']} rồi gửi: {way['send']}")
        else:
            print(f"{way['messenger']} ({way['bot']}): mở {way['private']}")
            if way["group"]:
                print(f"{way['messenger']} ({way['bot']}), thêm vào nhóm: {way['group']}")


def invite(
    *,
    province: str,
    agency: str,
    role: str,
    may_decide: bool,
    qr: Path | None,
    as_json: bool,
) -> None:
    """Print a new one-use code with what opens each bot that is known; draw it where asked to."""
    if may_decide and role != "leader":
        raise CommandFailed("--may-decide chỉ dùng với --role leader.")
    settings = load_settings()
    with _new_file(qr) as picture:
        made = asyncio.run(
            _invite(settings, province, agency, cast(Role, role), may_decide, qr is not None)
        )
        if picture is not None:
            way = _drawn(made)
            picture.write(draw(way["private"], send=way["send"] or None))
    made["qr"] = None if qr is None else str(qr)
    if as_json:
        print_json(made)
    else:
        _print(made)


def _print(made: dict[str, Any]) -> None:
    print(f"{made['agency']} ({made['role']}): {made['code']}")
    print(f"Mã dùng một lần, hạn {CODE_DAYS} ngày. Người nhận nhắn cho bot: /start {made['code']}")
    print_invite_links(made["links"])
    if made["qr"]:
        way = _drawn(made)
        then = f"; dưới hình là mã cần gửi: {way['send']}" if way["send"] else ""
        print(f"Hình QR mở {way['bot']}: {made['qr']}{then}")


def _drawn(made: dict[str, Any]) -> dict[str, Any]:
    """Return the way in that is drawn: one whose code must be typed first, for its link says less."""
    ways: list[dict[str, Any]] = [way for way in made["links"] if way["private"]]
    return min(ways, key=lambda way: not way["send"])


@contextmanager
def _new_file(path: Path | None) -> Iterator[BinaryIO | None]:
    """Open a new file that does not stay if anything fails; None where none is asked for."""
    if path is None:
        yield None
        return
    try:
        file = path.open("xb")
    except FileExistsError:
        raise CommandFailed(f"Đã có {path}. Hãy chọn tên khác; tệp cũ không bị ghi đè.") from None
    except OSError as error:
        raise CommandFailed(f"Không ghi được {path}: {error.strerror}.") from None
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _invite(
    settings: Settings,
    province: str,
    agency: str,
    role: Role,
    may_decide: bool,
    drawn: bool,
) -> dict[str, Any]:
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        registry = await read_registry(connection)
        if registry is None:
            raise CommandFailed("Chưa nạp sổ bộ. Hãy chạy «nhacviec plan load» trước.")
        home = find_province(registry, province)
        today = civil_date(now)
        entry = find_agency(home, agency, on=today)
        if not is_alive(entry, today):
            heirs = [
                home.agencies[code].name for code in home.successor_of(entry.code, today).codes
            ]
            raise CommandFailed(
                f"{entry.name} không còn hoạt động. Hãy mời cơ quan nhận việc: {', '.join(heirs)}."
            )
        agency_id = await connection.scalar(
            select(Agency.id).where(Agency.province == home.code, Agency.code == entry.code)
        )
        if agency_id is None:
            raise CommandFailed(f"Chưa nạp {entry.name}. Hãy chạy «nhacviec plan load» trước.")
        code = await make_code(
            connection, agency_id=agency_id, role=role, may_decide=may_decide, now=now
        )
        found = await list_invite_links(
            connection,
            code,
            group=role != "leader",
            capabilities=capabilities_lookup(settings),
            today=today,
        )
        if drawn and not any(
            way.private for way in found
        ):  # the code is taken back with the transaction
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
        "links": [asdict(way) for way in found],
    }
