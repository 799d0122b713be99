"""A backup in the place of a database: what each holds, and what has to be settled before it goes on.

Promises that what was sent since the backup is not sent again, as far as the database that it replaces can
tell; that what nobody can tell is parked and shown; that a number typed under a list which is forgotten
means no item; and that chats in which anything happened since are told so, once. Changes the copy alone.
SQLite only: a server's backups are its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from data.clock import civil_date, civil_time

BACKED_UP_AT = "backed_up_at"  # of Meta: when this copy was made, or the last one of this database
RESTORED_TEMPLATE = "restored"
UNKNOWN = "restored from a backup: it may have been sent since"
_GAP = 1_000_000  # numbers that may have been given since, where nobody can tell how many
_OLD_ADDRESSES = timedelta(days=90)  # longer than any address of a file is good for

# What people and the program said last, each with the column that tells when.
_LAST = {"status_reply": "said_at", "message": "sent_at", "inbox_event": "received_at"}
_LOST = ("status_reply", "decision", "target_value", "inbox_event", "enrolment", "message")


class BackupUnusable(Exception):
    """The file cannot be restored; str() is a Vietnamese sentence that says why."""


@dataclass(frozen=True, slots=True)
class RestoreState:
    """What a database holds. made_at: when the copy was made, else the last instant found in it."""

    revision: str
    sandbox: bool
    made_at: datetime | None
    answered_at: datetime | None
    sent_at: datetime | None
    received_at: datetime | None
    rows: dict[str, int] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What was done to the copy: messages known to be sent, messages parked, chats that will be told."""

    sent: int
    parked: int
    chats: int


def inspect_backup(path: Path) -> RestoreState:
    """Return what a file holds, after checking that it is whole; raises Unfit."""
    try:
        with _opened(path) as file:
            verdict = file.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise BackupUnusable(f"{path} đã hỏng ({verdict}).")
            if file.execute("PRAGMA foreign_key_check").fetchone() is not None:
                raise BackupUnusable(f"{path} đã hỏng: có dòng trỏ đến dòng không còn.")
            return _read_state(file)
    except sqlite3.Error as error:
        raise BackupUnusable(f"{path} không phải cơ sở dữ liệu của Nhắc Việc ({error}).") from None


def is_continuation(backup: RestoreState, backup_file: Path, present_file: Path) -> bool:
    """Tell whether one database is what the other became: then its numbers mean the same."""
    key = backup.highest.get("message")
    if not key:
        return True
    query = "SELECT chat_id, template, created_at FROM message WHERE id = ?"
    with _opened(backup_file) as then, _opened(present_file) as now:
        return bool(then.execute(query, (key,)).fetchone() == now.execute(query, (key,)).fetchone())


def count_lost_rows(backup: RestoreState, present: Path) -> dict[str, int]:
    """Return how many rows of each kind came after the backup, in what it became."""
    with _opened(present) as file:
        return {
            table: file.execute(
                f"SELECT count(*) FROM {table} WHERE id > ?",  # noqa: S608
                (backup.highest.get(table, 0),),
            ).fetchone()[0]
            for table in _LOST
        }


def find_living_owner(path: Path, own_name: str, *, now: datetime) -> str | None:
    """Return who owns an account of a file at an instant, other than a dead one of this name."""
    with _opened(path) as file:
        row = file.execute(
            "SELECT owner FROM account WHERE owner <> ? AND owned_until > ?",
            (own_name, _format_instant(now)),
        ).fetchone()
        return None if row is None else str(row[0])


def prepare_restored_copy(
    copy: Path, backup: RestoreState, became: Path | None, *, now: datetime
) -> RestoreResult:
    """Make a copy of a backup, at the newest schema, fit to go on.

    became: the database that the backup became, as it now is; None where there is none or nobody can
    tell: then every message that waited is parked, and every chat with people in it is told.
    """
    since = backup.made_at or now
    with closing(sqlite3.connect(copy, isolation_level=None)) as file:
        if became is not None:
            file.execute("ATTACH DATABASE ? AS became", (f"{became.resolve().as_uri()}?mode=ro",))
        file.execute("BEGIN IMMEDIATE")
        chats = _list_enrolled_chats(file) if became is None else _list_active_chats(file)
        sent = 0 if became is None else _copy_outcomes(file)
        parked = _park(file, now) if became is None else 0
        file.execute("UPDATE account SET owner = NULL, owned_until = NULL")
        _forget_lists(file, chats)
        _skip_used_ids(file, became is not None, now)
        _tell(file, chats, since, known=became is not None, now=now)
        file.execute("COMMIT")
    return RestoreResult(sent, parked, len(chats))


def mark_backed_up(path: Path, *, now: datetime) -> None:
    """Note in a database when a copy was made; harmless where it is locked or has no such table."""
    with closing(sqlite3.connect(path, timeout=1)) as file:
        try:
            file.execute("PRAGMA wal_autocheckpoint=0")  # the service's connection does that
            with file:
                file.execute(
                    "INSERT OR REPLACE INTO meta VALUES (?, ?)", (BACKED_UP_AT, now.isoformat())
                )
        except sqlite3.OperationalError:
            return


# ------------------------------------------------------------------ what each holds


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as file:
        yield file


def _read_state(file: sqlite3.Connection) -> RestoreState:
    meta = dict(file.execute("SELECT key, value FROM meta"))
    last = {
        table: _parse_instant(file.execute(f"SELECT max({column}) FROM {table}").fetchone()[0])  # noqa: S608
        for table, column in _LAST.items()
    }
    known = [each for each in last.values() if each is not None]
    made = meta.get(BACKED_UP_AT)
    marked = [datetime.fromisoformat(made)] if made is not None else []
    there = {row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    numbers = {
        table: file.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608
        for table in _LOST
        if table in there  # an older program had fewer
    }
    return RestoreState(
        revision=str(file.execute("SELECT version_num FROM alembic_version").fetchone()[0]),
        sandbox=meta.get("sandbox") == "1",
        made_at=max([*known, *marked], default=None),
        answered_at=last["status_reply"],
        sent_at=last["message"],
        received_at=last["inbox_event"],
        rows={table: found[0] for table, found in numbers.items()},
        highest={table: found[1] for table, found in numbers.items()},
    )


def _parse_instant(kept: str | None) -> datetime | None:
    return None if kept is None else datetime.fromisoformat(kept).replace(tzinfo=UTC)


def _format_instant(instant: datetime) -> str:
    """Return an instant as the database keeps it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


# ------------------------------------------------------------------ what was sent since


def _copy_outcomes(file: sqlite3.Connection) -> int:
    """Take over how messages ended that still waited, and which mornings and weeks were told."""
    fates = (
        "state",
        "sent_at",
        "remote_id",
        "attempts",
        "repeats",
        "claim_epoch",
        "claimed_at",
        "error",
    )
    ended = file.execute(
        f"UPDATE message SET {', '.join(f'{c} = b.{c}' for c in fates)}, context = b.context "  # noqa: S608
        "FROM became.message AS b WHERE message.id = b.id AND message.created_at = b.created_at "
        "AND message.chat_id = b.chat_id AND message.state IN ('pending', 'claimed')"
    ).rowcount
    waits = file.execute("SELECT count(*) FROM message WHERE state = 'pending'").fetchone()[0]
    file.execute(
        "INSERT OR IGNORE INTO job_run (job, subject, run_on, finished_at) "
        "SELECT job, subject, run_on, finished_at FROM became.job_run"
    )
    file.execute(
        "INSERT OR IGNORE INTO week_facts (province, week_on, scope, code, facts, made_at) "
        "SELECT province, week_on, scope, code, facts, made_at FROM became.week_facts"
    )
    file.execute(
        "UPDATE account SET epoch = max(account.epoch, b.epoch) FROM became.account AS b "
        "WHERE account.id = b.id"
    )
    return int(ended - waits)


def _park(file: sqlite3.Connection, now: datetime) -> int:
    """Park what waited: nobody can tell whether it was sent. Of earlier mornings the next one speaks."""
    return file.execute(
        "UPDATE message SET state = 'uncertain', error = ?, claim_epoch = NULL "
        "WHERE state = 'claimed' OR (state = 'pending' AND "
        "(broadcast_on IS NULL OR broadcast_on >= ?))",
        (UNKNOWN, civil_date(now).isoformat()),
    ).rowcount


# ------------------------------------------------------------------ who is told


def _list_enrolled_chats(file: sqlite3.Connection) -> list[int]:
    """Return every living chat with people in it."""
    return [
        row[0]
        for row in file.execute(
            "SELECT DISTINCT chat.id FROM chat JOIN enrolment ON enrolment.chat_id = chat.id "
            "WHERE chat.state = 'living' AND enrolment.ended_at IS NULL ORDER BY chat.id"
        )
    ]


def _list_active_chats(file: sqlite3.Connection) -> list[int]:
    """Return the chats, of those with people in them, that wrote or were written to since the backup."""
    found = file.execute(
        "SELECT b.chat_id FROM became.message AS b LEFT JOIN main.message AS m ON m.id = b.id "
        "WHERE b.sent_at IS NOT NULL AND m.sent_at IS NULL UNION "
        "SELECT chat.id FROM became.inbox_event AS e JOIN chat "
        "ON chat.account_id = e.account_id AND chat.address = e.address "
        "WHERE e.id > (SELECT coalesce(max(id), 0) FROM main.inbox_event)"
    )
    touched = {row[0] for row in found}
    return [chat for chat in _list_enrolled_chats(file) if chat in touched]


def _forget_lists(file: sqlite3.Connection, chats: list[int]) -> None:
    """Have no bare number and no open question mean what it meant before the backup."""
    rows = [(chat,) for chat in chats]
    file.executemany("UPDATE chat SET last_menu_message_id = NULL WHERE id = ?", rows)
    file.executemany("DELETE FROM dialog WHERE chat_id = ?", rows)


def _skip_used_ids(file: sqlite3.Connection, known: bool, now: datetime) -> None:
    """Keep addresses of files and calendars given out since from opening what is made from now on.

    An address holds a row's number and SQLite counts on from the highest: a row that opens nothing
    stands behind the highest that was given.
    """

    def behind(table: str) -> int:
        own = file.execute(f"SELECT coalesce(max(id), 0) FROM main.{table}").fetchone()[0]  # noqa: S608
        if not known:
            return int(own) + _GAP
        there = file.execute(f"SELECT coalesce(max(id), 0) FROM became.{table}").fetchone()[0]  # noqa: S608
        return int(max(own, there)) + 1

    file.execute(
        "INSERT INTO download (id, name, mime, content, made_at, expires_at) "
        "VALUES (?, '', 'text/plain', x'', ?, ?)",
        (behind("download"), _format_instant(now), _format_instant(now + _OLD_ADDRESSES)),
    )
    file.execute(
        "INSERT INTO calendar_feed (id, chat_id, agency_id, role, made_at, ended_at) "
        "SELECT ?, chat.id, agency.id, 'focal', ?, ? FROM chat, agency LIMIT 1",
        (behind("calendar_feed"), _format_instant(now), _format_instant(now)),
    )


def _tell(
    file: sqlite3.Connection, chats: list[int], since: datetime, *, known: bool, now: datetime
) -> None:
    """Put a notice into each chat, within sending hours; its numbers are none that were given before."""
    highest = file.execute("SELECT coalesce(max(id), 0) FROM main.message").fetchone()[0]
    if known:
        there = file.execute("SELECT coalesce(max(id), 0) FROM became.message").fetchone()[0]
        first = max(highest, there) + 1
    else:
        first = highest + _GAP
    context = json.dumps(
        {"day": civil_date(since).isoformat(), "hour": f"{civil_time(since):%H:%M}"}
    )
    file.executemany(
        "INSERT INTO message (id, account_id, chat_id, priority, template, context, buttons, "
        "created_at, send_at) "
        "SELECT ?, account_id, id, 2, ?, ?, '[]', ?, ? FROM chat WHERE id = ?",
        [
            (
                first + number,
                RESTORED_TEMPLATE,
                context,
                _format_instant(now),
                _format_instant(now),
                chat,
            )
            for number, chat in enumerate(chats)
        ],
    )
