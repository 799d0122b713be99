"""What a SQLite file of the service holds: its revision, last instants and row counts. Reads only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

BACKED_UP_AT = (
    "backed_up_at"  # key of Meta: when this copy, or the last copy of this database, was made
)

# The last answer, message and update, each with the column of its instant.
_LAST = {"status_reply": "said_at", "message": "sent_at", "inbox_event": "received_at"}
COUNTED_TABLES = ("status_reply", "decision", "target_value", "inbox_event", "enrolment", "message")


class BackupUnusable(Exception):
    """The file cannot be restored; str() is a Vietnamese sentence that says why."""


@dataclass(frozen=True, slots=True)
class RestoreState:
    """The content of a database. made_at: when the copy was made, else the last instant in it."""

    revision: str
    sandbox: bool
    made_at: datetime | None
    answered_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    rows: dict[str, int] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)


def inspect_backup(path: Path) -> RestoreState:
    """Return the state of a file after checking that it is whole; raises BackupUnusable."""
    try:
        with open_readonly(path) as file:
            verdict = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise BackupUnusable(f"{path} đã hỏng ({verdict}).")
            if file.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise BackupUnusable(f"{path} đã hỏng: có dòng trỏ đến dòng không còn.")
            return _read_state(file)
    except sqlite3.Error as error:
        raise BackupUnusable(f"{path} không phải cơ sở dữ liệu của Nhắc Việc ({error}).") from None


def is_continuation(backup: RestoreState, backup_file: Path, present_file: Path) -> bool:
    """Tell whether the present database grew from the backup: then ids mean the same in both."""
    key = backup.highest.get("message")
    installation = "SELECT value FROM meta WHERE key = 'link_key'"  # made once, at its first start
    message = "SELECT chat_id, template, created_at FROM message WHERE id = ?"
    with open_readonly(backup_file) as then, open_readonly(present_file) as now:
        made = {file.execute(installation).fetchone() for file in (then, now)} - {None}
        if len(made) > 1:
            return False
        found = [file.execute(message, (key,)).fetchone() for file in (then, now)]
    return not key or found[0] == found[1]


def find_living_owner(path: Path, own_name: str, *, now: datetime) -> str | None:
    """Return the process that owns an account of a file at an instant; own_name: a dead one's name."""
    with open_readonly(path) as file:
        row = file.execute(
            "SELECT owner FROM account WHERE owner <> ? AND owned_until > ?",
            (own_name, format_stored_instant(now)),
        ).fetchone()
        return None if row is None else str(row[0])


def attach_readonly(file: sqlite3.Connection, present: Path) -> None:
    """Attach the database in use as "present", without the right to write."""
    file.execute("ATTACH DATABASE ? AS present", (f"{present.resolve().as_uri()}?mode=ro",))


@contextmanager
def open_readonly(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file without the right to write."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as file:
        yield file


def format_stored_instant(instant: datetime) -> str:
    """Return an instant as SQLite stores it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def parse_stored_instant(stored: str | None) -> datetime | None:
    """Return an instant that SQLite stores; None for none."""
    return None if stored is None else datetime.fromisoformat(stored).replace(tzinfo=UTC)


def _read_state(file: sqlite3.Connection) -> RestoreState:
    meta = dict(file.execute("SELECT key, value FROM meta"))
    last = {
        table: parse_stored_instant(
            file.execute(f"SELECT max({column}) FROM {table}").fetchone()[0]  # noqa: S608
        )
        for table, column in _LAST.items()
    }
    instants = [each for each in last.values() if each is not None]
    if BACKED_UP_AT in meta:
        instants.append(datetime.fromisoformat(meta[BACKED_UP_AT]))
    numbers = {
        table: file.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608
        for table in COUNTED_TABLES
    }
    return RestoreState(
        revision=str(file.execute("SELECT version_num FROM alembic_version").fetchone()[0]),
        sandbox=meta.get("sandbox") == "1",
        made_at=max(instants, default=None),
        answered_at=last["status_reply"],
        sent_at=last["message"],
        received_at=last["inbox_event"],
        rows={table: count for table, (count, _) in numbers.items()},
        highest={table: highest for table, (_, highest) in numbers.items()},
    )
