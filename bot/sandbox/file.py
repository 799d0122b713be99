"""The sandbox's own database: made anew at each start, with a chat for every agency.

Promises to remove nothing but an earlier sandbox's file, and not while another program has it open;
and to mark its own as a sandbox, which the service refuses. Knows no page and no channel's ways.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts import Role
from data.database import DatabaseUnusable
from data.folding import fold
from data.models import Agency, Chat, Enrolment, Identity, Meta, Person, Plan
from data.planfile import AgencyEntry
from data.province import Province, lives
from data.registry import Registry

MARK = "sandbox"


@dataclass(frozen=True, slots=True)
class LocalChat:
    """One chat of the sandbox: who one is in it."""

    id: int
    address: str
    province: str
    agency: str  # the agency's code
    name: str
    role: Role
    folded: str  # for the search box


def remove_earlier(path: Path) -> None:
    """Make the folder, and remove an earlier sandbox's file with what SQLite keeps beside it.

    Raises DatabaseUnusable for a file that is not a sandbox's, that is open elsewhere, or that may not
    be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _check(path)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
    except OSError as error:
        raise DatabaseUnusable(
            f"Không ghi được vào thư mục {path.parent} ({error.strerror})."
            " Hãy kiểm tra quyền của thư mục này."
        ) from error


def _check(path: Path) -> None:
    """Raise DatabaseUnusable unless the file is an earlier sandbox's that nobody has open."""
    keep = "Hãy chuyển tệp này sang chỗ khác rồi chạy lại."
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as file:
            if not _is_ours(file):
                raise DatabaseUnusable(
                    f"{path} không phải tệp của bản chạy thử nên được giữ nguyên. {keep}"
                )
            # Leaving WAL needs the file to itself: it fails while another sandbox has it open.
            file.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise DatabaseUnusable(
                f"Một bản chạy thử khác đang dùng {path}. Hãy dừng bản đó (Ctrl-C) rồi chạy lại."
            ) from error
        raise DatabaseUnusable(f"Không đọc được {path} như một tệp SQLite. {keep}") from error


def _is_ours(file: sqlite3.Connection) -> bool:
    """Tell whether a file is marked as a sandbox, or holds nothing yet (a start that was broken off)."""
    tables = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "meta" in tables:
        found = file.execute("SELECT value FROM meta WHERE key = ?", (MARK,)).fetchone()
        if found is not None:
            return bool(found[0] == "1")
    if "account" in tables:
        return (
            not file.execute("SELECT 1 FROM account LIMIT 1").fetchall()
            and not file.execute("SELECT 1 FROM registry_file LIMIT 1").fetchall()
        )
    return not tables


async def mark(connection: AsyncConnection) -> None:
    """Mark the database as a sandbox, before anything else is put into it."""
    await connection.execute(insert(Meta).values(key=MARK, value="1"))


async def add_chats(
    connection: AsyncConnection, registry: Registry, account_id: int, *, now: datetime, today: date
) -> list[LocalChat]:
    """Add a chat with its person for whoever a newcomer may be; returns them as they are listed.

    For each province: each coordinating agency's coordinator, a leader who may decide, then the focal
    point of every agency that lives today, in the official order.
    """
    roles = [
        (province, agency, role)
        for province in registry.provinces.values()
        for agency, role in await _roles(connection, province, today)
    ]
    rows = await connection.execute(select(Agency.id, Agency.province, Agency.code))
    agency_ids = {(row.province, row.code): row.id for row in rows}
    addresses = [f"{province.code}/{agency.code}/{role}" for province, agency, role in roles]
    names = [_name(agency, role) for _province, agency, role in roles]
    chat_ids = await connection.scalars(
        insert(Chat).returning(Chat.id, sort_by_parameter_order=True),
        [
            {"account_id": account_id, "address": address, "kind": "private"}
            for address in addresses
        ],
    )
    person_ids = await connection.scalars(
        insert(Person).returning(Person.id, sort_by_parameter_order=True),
        [{"name": name[:120], "created_at": now} for name in names],
    )
    people = list(zip(roles, addresses, chat_ids.all(), person_ids.all(), strict=True))
    await connection.execute(
        insert(Identity),
        [
            {"account_id": account_id, "sender": address, "person_id": person_id}
            for _role, address, _chat, person_id in people
        ],
    )
    await connection.execute(
        insert(Enrolment),
        [
            {
                "chat_id": chat_id,
                "person_id": person_id,
                "agency_id": agency_ids[province.code, agency.code],
                "role": role,
                "may_decide": role == "leader",
                "enrolled_at": now,
            }
            for (province, agency, role), _address, chat_id, person_id in people
        ],
    )
    return [
        LocalChat(
            id=chat_id,
            address=address,
            province=province.code,
            agency=agency.code,
            name=_name(agency, role),
            role=role,
            folded=fold(f"{_name(agency, role)} {province.searchable(agency.code)}"),
        )
        for (province, agency, role), address, chat_id, _person in people
    ]


async def _roles(
    connection: AsyncConnection, province: Province, today: date
) -> list[tuple[AgencyEntry, Role]]:
    """Return who one may be in a province, in the order of the list."""
    coordinators = await connection.scalars(
        select(Agency.code)
        .join(Plan, Plan.coordinator_id == Agency.id)
        .where(Plan.province == province.code)
        .distinct()
    )
    codes = set(coordinators)
    living = [agency for agency in province.file.agencies if lives(agency, today)]
    above: list[tuple[AgencyEntry, Role]] = [
        (agency, "coordinator") for agency in living if agency.code in codes
    ]
    leading = next((agency for agency in living if agency.kind == "committee"), None)
    if leading is not None:
        above.append((leading, "leader"))
    return above + [(agency, "focal") for agency in living]


def _name(agency: AgencyEntry, role: Role) -> str:
    return f"Lãnh đạo {agency.short or agency.name}" if role == "leader" else agency.name
