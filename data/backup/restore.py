"""Prepare a copy of a backup so that the service may go on from it.

Guarantees:
- A message sent since the backup is not sent again, as far as the replaced database can tell.
- A message that may have been sent is parked and shown; a number typed under a forgotten list means no item.
- Whose rights ended since the backup has none, as far as the replaced database can tell.
- No number given since the backup is given again.
- Chats with any activity since the backup are told of it, once.

Only the copy changes. SQLite only: PostgreSQL has backups of its own.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from data.backup.counters import raise_counters, read_counters
from data.backup.removals import drop_files, end_again
from data.backup.state import (
    BACKED_UP_AT,
    RestoreState,
    attach_readonly,
    format_stored_instant,
)
from data.clock import civil_date, civil_time

RESTORED_TEMPLATE = "restored"
UNKNOWN = "restored from a backup: it may have been sent since"
_OUTCOME_COLUMNS = (
    *("state", "sent_at", "remote_id", "attempts", "repeats", "claim_epoch", "claimed_at"),
    *("error", "context"),
)


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """Changes of the copy: messages known to be sent, messages parked, chats that will be told."""

    sent: int
    parked: int
    chats: int


def prepare_restored_copy(
    copy: Path,
    backup: RestoreState,
    became: Path | None,
    *,
    replaced: Path | None = None,
    now: datetime,
) -> RestoreResult:
    """Prepare a copy of a backup, at the newest schema.

    became: the database that the backup became, as it now is. None where there is none or nobody can
    tell: then every waiting message is parked, and every chat with people in it is told. replaced: what can
    then be read in its place, such as a database begun anew or restored before.
    """
    since = backup.made_at or now
    continues = became is not None
    present = became or replaced
    with closing(sqlite3.connect(copy.resolve().as_uri(), uri=True, isolation_level=None)) as file:
        file.execute("PRAGMA secure_delete=ON")
        counters: dict[str, int] = {}
        if present is not None:
            attach_readonly(file, present)
            counters = read_counters(file, "present")
        file.execute("BEGIN IMMEDIATE")
        raise_counters(file, counters, is_whole=continues)
        if present is not None:
            end_again(file, continues=continues)
        drop_files(file, continues=continues)
        enrolled = _list_enrolled_chats(file, now)
        chats = _list_active_chats(file, enrolled) if continues else enrolled
        sent = _copy_outcomes(file) if continues else 0
        parked = 0 if continues else _park(file, now)
        file.execute("UPDATE account SET owner = NULL, owned_until = NULL")
        _forget_lists(file, chats)
        _tell_chats(file, chats, since, now=now)
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


def _copy_outcomes(file: sqlite3.Connection) -> int:
    """Copy the outcomes of messages and reports that waited in the backup, and what ran once since."""
    changes = ", ".join(f"{column} = b.{column}" for column in _OUTCOME_COLUMNS)
    matched = file.execute(
        f"UPDATE message SET {changes} "  # noqa: S608
        "FROM present.message AS b WHERE message.id = b.id AND message.created_at = b.created_at "
        "AND message.chat_id = b.chat_id AND message.state IN ('pending', 'claimed')"
    ).rowcount
    pending = file.execute("SELECT count(*) FROM message WHERE state = 'pending'").fetchone()[0]
    file.execute(
        "INSERT OR IGNORE INTO job_run (job, subject, run_on, finished_at) "
        "SELECT job, subject, run_on, finished_at FROM present.job_run"
    )
    file.execute(
        "INSERT OR IGNORE INTO week_facts (province, week_on, scope, code, facts, made_at) "
        "SELECT province, week_on, scope, code, facts, made_at FROM present.week_facts"
    )
    file.execute(
        "UPDATE report_request SET state = b.state, done_at = b.done_at, why = b.why "
        "FROM present.report_request AS b WHERE report_request.id = b.id "
        "AND report_request.asked_at = b.asked_at AND report_request.state = 'new'"
    )
    file.execute(
        "UPDATE account SET epoch = max(account.epoch, b.epoch) FROM present.account AS b "
        "WHERE account.id = b.id"
    )
    return int(matched - pending)


def _park(file: sqlite3.Connection, now: datetime) -> int:
    """Park the waiting messages, which may have been sent; the next morning replaces earlier broadcasts."""
    return file.execute(
        "UPDATE message SET state = 'uncertain', error = ?, claim_epoch = NULL "
        "WHERE state = 'claimed' OR (state = 'pending' AND "
        "(broadcast_on IS NULL OR broadcast_on >= ?))",
        (UNKNOWN, civil_date(now).isoformat()),
    ).rowcount


def _list_enrolled_chats(file: sqlite3.Connection, now: datetime) -> list[int]:
    """Return every living chat with people in it."""
    return [
        row[0]
        for row in file.execute(
            "SELECT DISTINCT chat.id FROM chat JOIN enrolment ON enrolment.chat_id = chat.id "
            "WHERE chat.state = 'living' AND enrolment.ended_at IS NULL"
            " AND (enrolment.until_on IS NULL OR enrolment.until_on >= ?) ORDER BY chat.id",
            (civil_date(now).isoformat(),),
        )
    ]


def _list_active_chats(file: sqlite3.Connection, enrolled: list[int]) -> list[int]:
    """Return the enrolled chats with a message sent or an update received since the backup."""
    rows = file.execute(
        "SELECT b.chat_id FROM present.message AS b LEFT JOIN main.message AS m ON m.id = b.id "
        "WHERE b.sent_at IS NOT NULL AND m.sent_at IS NULL UNION "
        "SELECT chat.id FROM present.inbox_event AS e JOIN chat "
        "ON chat.account_id = e.account_id AND chat.address = e.address "
        "WHERE e.id > (SELECT coalesce(max(id), 0) FROM main.inbox_event)"
    )
    active = {row[0] for row in rows}
    return [chat for chat in enrolled if chat in active]


def _forget_lists(file: sqlite3.Connection, chats: list[int]) -> None:
    """Forget the last list and the open question of chats, so that a bare number means nothing there."""
    rows = [(chat,) for chat in chats]
    file.executemany("UPDATE chat SET last_menu_message_id = NULL WHERE id = ?", rows)
    file.executemany("DELETE FROM dialog WHERE chat_id = ?", rows)


def _tell_chats(
    file: sqlite3.Connection, chats: list[int], since: datetime, *, now: datetime
) -> None:
    """Put a notice into each chat."""
    context = json.dumps(
        {"day": civil_date(since).isoformat(), "hour": f"{civil_time(since):%H:%M}"}
    )
    at = format_stored_instant(now)
    file.executemany(
        "INSERT INTO message (account_id, chat_id, priority, template, context, buttons, "
        "created_at, send_at) "
        "SELECT account_id, id, 2, ?, ?, '[]', ?, ? FROM chat WHERE id = ?",
        [(RESTORED_TEMPLATE, context, at, at, chat) for chat in chats],
    )
