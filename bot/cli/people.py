"""`nhacviec people`: who is enrolled; end, hand over, show and erase a person.

Guarantees:
- The replies of an agency stay on record when a person goes.
- A handover code is printed once and never stored in clear.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.database import open_for_reading, open_for_writing, require_registry
from bot.cli.invite_links import load_invite_links, print_invite_links
from bot.cli.leaving import GROUP_MARK, describe_leaving, load_leaving, remove_leaving
from bot.cli.lookup import find_agency, find_province
from bot.cli.options import (
    AgencyOption,
    JsonOption,
    ProvinceOption,
    YesOption,
    parse_row_number,
)
from bot.cli.output import CommandFailed, ask_before, print_json, print_table
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.contacts import invitations, people
from data.models import Agency
from data.privacy import personal_data
from data.rows import row_fields
from data.sheets.labels import ROLE_LABELS

PersonArgument = Annotated[
    int,
    typer.Argument(
        parser=parse_row_number, metavar="SỐ", help="Số của người, như «people list» cho thấy."
    ),
]


@examples("people list --province gia-lai --agency «Sở Tài chính»")
def people_list(
    province: ProvinceOption = None,
    agency: AgencyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print who is enrolled: a person by its number, the group of chat 5 as g5."""
    if agency is not None and province is None:
        raise CommandFailed("Hãy thêm --province: cùng một tên cơ quan có ở nhiều tỉnh.")
    rows = asyncio.run(_load_enrolled(load_settings(), province, agency))
    if as_json:
        print_json(rows)
        return
    print_table(
        "",
        ("Số", "Tên", "Tỉnh", "Cơ quan", "Vai trò", "Kênh", "Chat", "Lần cuối", "Đến hết"),
        [
            (
                row["who"],
                row["name"],
                row["province"],
                row["agency"],
                ROLE_LABELS[row["role"]] + (" (được quyết định)" if row["may_decide"] else ""),
                row["channel"],
                ("nhóm" if row["kind"] == "group" else "riêng")
                + (" (mất)" if row["state"] == "gone" else ""),
                row["last_seen_at"],
                row["until_on"],
            )
            for row in rows
        ],
        empty="Chưa có ai đăng ký. Hãy cấp mã bằng «nhacviec invite».",
    )


@examples("people remove 12", "people remove g5 --yes")
def people_remove(
    who: Annotated[str, typer.Argument(metavar="SỐ", help="Số của người (12) hoặc của nhóm (g5).")],
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """End all enrolments of a person or group, after saying which and asking."""
    settings = load_settings()
    leaving = asyncio.run(load_leaving(settings, who))
    ask_before(describe_leaving(leaving), yes=yes, as_json=as_json)
    ended = asyncio.run(remove_leaving(settings, leaving))
    if as_json:
        print_json({"who": who, "ended": ended})
        return
    print(f"Đã kết thúc {ended} vai trò của {who}. Câu trả lời đã ghi giữ nguyên.")


@examples("people handover 12")
def people_handover(person: PersonArgument, as_json: JsonOption = False) -> None:
    """Print a one-use code; its user takes over every enrolment of the person."""
    handover = asyncio.run(_create_handover(load_settings(), person))
    if as_json:
        print_json(handover)
        return
    code = handover["code"]
    print(f"Mã bàn giao {', '.join(handover['agencies'])}: {code}")
    print(
        f"Mã dùng một lần, hạn {invitations.CODE_DAYS} ngày. Người nhận nhắn riêng cho Hệ thống:"
        f" /start {code}. Khi đó người số {person} không nhận tin nữa."
    )
    print_invite_links(handover["links"])


@examples("people show 12 --json")
def people_show(person: PersonArgument, as_json: JsonOption = False) -> None:
    """Print all data kept about a person."""
    kept = asyncio.run(_collect(load_settings(), person))
    if as_json:
        print_json(kept)
        return
    print(
        f"Người số {person}: {kept['name'] or '(không có tên)'},"
        f" từ {civil_date(kept['created_at']):%d/%m/%Y}"
    )
    print_table(
        "\nĐịnh danh trên các kênh",
        ("Kênh", "Tài khoản bot", "Mã người dùng"),
        [(row["channel"], row["account"], row["sender"]) for row in kept["identities"]],
        empty="Không còn định danh nào.",
    )
    print_table(
        "\nVai trò",
        ("Tỉnh", "Cơ quan", "Vai trò", "Chat", "Từ", "Đến"),
        [
            (
                row["province"],
                row["agency"],
                ROLE_LABELS[row["role"]],
                row["address"],
                row["enrolled_at"],
                row["ended_at"] or row["until_on"],
            )
            for row in kept["enrolments"]
        ],
        empty="Không có vai trò nào.",
    )
    print_table(
        "\nCâu trả lời (hồ sơ của cơ quan)",
        ("Lúc", "Cơ quan", "Nội dung", "%", "Đến", "Văn bản", "Ghi chú"),
        [
            (
                row["said_at"],
                row["agency"],
                row["said"],
                row["percent"],
                row["until"],
                row["document"],
                row["note"],
            )
            for row in kept["replies"]
        ],
        empty="Chưa trả lời nhiệm vụ nào.",
    )
    print(
        f"\nNgoài ra: {kept['messages']} tin đã gửi vào chat riêng, {kept['raw_updates']} tin"
        f" nhận được (nội dung thô tự xoá sau 30 ngày), {kept['decisions']} quyết định,"
        f" {kept['extension_requests']} đề nghị gia hạn, {kept['explanations']} giải trình,"
        f" {kept['evidence']} tệp minh chứng."
    )


@examples("people erase 12", "people erase 12 --yes")
def people_erase(
    person: PersonArgument, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Erase the personal data of a person, after asking."""
    settings = load_settings()
    kept = asyncio.run(_collect(settings, person))
    ask_before(_describe_erasing(person, kept), yes=yes, as_json=as_json)
    erased = asyncio.run(_erase(settings, person))
    if as_json:
        print_json({"person": person, **asdict(erased)})
        return
    print(
        f"Đã xoá: {erased.identities} định danh, {erased.chats} chat riêng, {erased.updates} tin thô;"
        f" kết thúc {erased.enrolments} vai trò. Câu trả lời và quyết định giữ nguyên, đứng tên cơ quan."
        " Nội dung đã gõ trong câu trả lời vẫn như cũ."
    )


async def _load_enrolled(settings: Settings, province: str | None, agency: str | None) -> list[Any]:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        slug: str | None = None
        agency_id: int | None = None
        if province is not None:
            registry = await require_registry(connection)
            home = find_province(registry, province)
            slug = home.code
            if agency is not None:
                code = find_agency(home, agency, on=today).code
                agency_id = await connection.scalar(
                    select(Agency.id).where(Agency.province == slug, Agency.code == code)
                )
        rows = await people.list_enrolled(
            connection, today=today, province=slug, agency_id=agency_id
        )
    return [
        {
            "who": f"{GROUP_MARK}{row.chat_id}" if row.person_id is None else str(row.person_id),
            "name": row.title if row.person_id is None else row.name,
            **row_fields(
                row, "province", "agency", "role", "may_decide", "channel", "kind", "state"
            ),
            **row_fields(row, "enrolled_at", "last_seen_at", "until_on"),
        }
        for row in rows
    ]


def _describe_erasing(person: int, kept: dict[str, Any]) -> str:
    living = [row for row in kept["enrolments"] if row["ended_at"] is None]
    return (
        f"Sẽ xoá hẳn tên, {len(kept['identities'])} định danh, chat riêng và"
        f" {kept['raw_updates']} tin thô của người số {person} ({kept['name'] or 'không có tên'}),"
        f" và kết thúc {len(living)} vai trò. Câu trả lời ở lại hồ sơ cơ quan, không còn tên."
        " Không lấy lại được."
    )


async def _create_handover(settings: Settings, person: int) -> dict[str, Any]:
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        await _require_person(connection, person)
        try:
            code, every = await invitations.create_handover_code(
                connection, person_id=person, until_on=None, now=now
            )
        except ValueError:
            raise CommandFailed(f"Người số {person} không giữ vai trò nào để bàn giao.") from None
        links = await load_invite_links(
            connection, settings, code, group=False, today=civil_date(now)
        )
    return {
        "person": person,
        "code": code,
        "days": invitations.CODE_DAYS,
        "agencies": list(dict.fromkeys(each.agency for each in every)),
        "links": links,
    }


async def _collect(settings: Settings, person: int) -> dict[str, Any]:
    async with open_for_reading(settings) as database, database.read() as connection:
        kept = await personal_data.collect_personal_data(connection, person)
    if kept is None:
        raise _unknown_person(person)
    return kept


async def _erase(settings: Settings, person: int) -> personal_data.ErasureResult:
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        await _require_person(connection, person)
        return await personal_data.erase_person(connection, person, now=now)


async def _require_person(connection: AsyncConnection, person: int) -> None:
    if await people.load_person(connection, person) is None:
        raise _unknown_person(person)


def _unknown_person(person: int) -> CommandFailed:
    return CommandFailed(f"Không có người số {person}. Hãy xem «nhacviec people list».")
