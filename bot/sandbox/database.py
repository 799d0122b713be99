"""The sandbox's database, made anew at each start: its file, its mark, its chats and people.

Guarantees:
- Only an earlier sandbox's file is removed, and never while another program has it open.
- The database is marked as a sandbox; the service refuses to run on it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.sandbox.people import SandboxChat, build_chats
from data.db.errors import DatabaseUnusable
from data.models import Agency, Chat, Enrolment, Identity, Meta, Person, Plan
from data.os_errors import explain_os_error
from data.registry.registry import Registry

MARK = "sandbox"


def remove_earlier_database(path: Path) -> None:
    """Make the folder, and remove an earlier sandbox's file with SQLite's own files beside it.

    Raises DatabaseUnusable where the file is not a sandbox's, is open elsewhere, or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            _check(path)
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
    except OSError as error:
        raise DatabaseUnusable(
            f"Không ghi được vào thư mục {path.parent} ({explain_os_error(error)})."
            " Hãy kiểm tra quyền của thư mục này."
        ) from error


def _check(path: Path) -> None:
    """Raise DatabaseUnusable unless the file is an earlier sandbox's and no program has it open."""
    keep = "Hãy chuyển tệp này sang chỗ khác rồi chạy lại."
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as file:
            if not _is_ours(file):
                raise DatabaseUnusable(
                    f"{path} không phải tệp của bản chạy thử nên được giữ nguyên. {keep}"
                )
            # Leaving WAL mode needs an exclusive lock, so it fails while another sandbox has the file open.
            file.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise DatabaseUnusable(
                f"Một bản chạy thử khác đang dùng {path}. Hãy dừng bản đó (Ctrl-C) rồi chạy lại."
            ) from error
        raise DatabaseUnusable(f"Không đọc được {path} như một tệp SQLite. {keep}") from error


def _is_ours(file: sqlite3.Connection) -> bool:
    """Tell whether a file is marked as a sandbox, or is empty after an interrupted start."""
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


async def mark_as_sandbox(connection: AsyncConnection) -> None:
    """Mark the database as a sandbox; call it before any other insert."""
    await connection.execute(insert(Meta).values(key=MARK, value="1"))


async def add_chats(
    connection: AsyncConnection, registry: Registry, account_id: int, *, now: datetime, today: date
) -> list[SandboxChat]:
    """Add every province's chats, and the people and enrolments of those that begin enrolled."""
    wanted = [
        chat
        for province in registry.provinces.values()
        for chat in build_chats(
            province, await _coordinating(connection, province.code), today=today
        )
    ]
    ids = await connection.scalars(
        insert(Chat).returning(Chat.id, sort_by_parameter_order=True),
        [
            {
                "account_id": account_id,
                "address": chat.address,
                "kind": chat.kind,
                "title": chat.name if chat.kind == "group" else None,
            }
            for chat in wanted
        ],
    )
    chats = [replace(chat, id=key) for chat, key in zip(wanted, ids.all(), strict=True)]
    people = [chat for chat in chats if chat.kind == "private" and chat.agency is not None]
    person_ids = await connection.scalars(
        insert(Person).returning(Person.id, sort_by_parameter_order=True),
        [{"name": chat.speakers[0].name, "created_at": now} for chat in people],
    )
    persons = {chat.id: key for chat, key in zip(people, person_ids.all(), strict=True)}
    await connection.execute(
        insert(Identity),
        [
            {"account_id": account_id, "sender": chat.address, "person_id": persons[chat.id]}
            for chat in people
        ],
    )
    rows = await connection.execute(select(Agency.id, Agency.province, Agency.code))
    agency_ids = {(row.province, row.code): row.id for row in rows}
    await connection.execute(
        insert(Enrolment),
        [
            {
                "chat_id": chat.id,
                "person_id": persons.get(chat.id),  # a group is enrolled as such
                "agency_id": agency_ids[chat.province, chat.agency],
                "role": chat.role,
                "may_decide": chat.role == "leader",
                "enrolled_at": now,
            }
            for chat in chats
            if chat.agency is not None
        ],
    )
    return chats


async def _coordinating(connection: AsyncConnection, province: str) -> set[str]:
    """Return the codes of the agencies that coordinate a plan of a province."""
    codes = await connection.scalars(
        select(Agency.code)
        .join(Plan, Plan.coordinator_id == Agency.id)
        .where(Plan.province == province)
        .distinct()
    )
    return set(codes)
