"""What restoring a backup undoes: rows, decisions and enrolments made since, and removals since. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from data.backup.removals import ERASED_PERSONS, SAME_ENROLMENTS
from data.backup.state import (
    COUNTED_TABLES,
    RestoreState,
    attach_readonly,
    format_stored_instant,
    open_readonly,
    parse_stored_instant,
)

Holder = tuple[str, str, str]  # the name of a person or group, the agency's, the role

_HOLDERS = (
    "SELECT coalesce(person.name, chat.title, ''), agency.name, e.role FROM {enrolments}"
    " JOIN {schema}.agency ON agency.id = e.agency_id JOIN {schema}.chat ON chat.id = e.chat_id"
    " LEFT JOIN {schema}.person ON person.id = e.person_id WHERE {condition} ORDER BY e.id"
)
_REMOVED = _HOLDERS.format(
    schema="main",
    enrolments=f"(SELECT m.* FROM {SAME_ENROLMENTS} WHERE m.ended_at IS NULL AND p.ended_at IS NOT NULL) AS e",  # noqa: S608
    condition=f"coalesce(e.person_id NOT IN ({ERASED_PERSONS}), true)",
)
_ENROLLED = _HOLDERS.format(
    schema="present",
    enrolments="present.enrolment AS e",
    condition="e.ended_at IS NULL AND e.id > (SELECT coalesce(max(id), 0) FROM main.enrolment)",
)
_DECIDED = (
    "SELECT decided_at, kind, plan_code, subject, decided_by FROM present.decision"
    " WHERE plan_code <> '' AND id > (SELECT coalesce(max(id), 0) FROM main.decision) ORDER BY id"
)
# Codes that opened a door when the backup was made, and do so no longer.
_SPENT_CODES = (
    "SELECT count(*) FROM main.invitation AS m LEFT JOIN present.invitation AS p"
    " ON p.code_hash = m.code_hash WHERE m.used_at IS NULL AND m.expires_at > :now"
    " AND (p.used_at IS NOT NULL OR p.expires_at <= :now OR (:continues AND p.id IS NULL))"
)


@dataclass(frozen=True, slots=True)
class LostDecision:
    """A decision on a plan that a backup does not hold."""

    decided_at: datetime | None
    kind: str
    plan_code: str
    subject: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class Undone:
    """What restoring a backup undoes, and what of it is done again.

    is_known: the replaced database grew from the backup; else there may be more than is listed here.
    Lost: rows (number by table), decisions, enrolled. Done again: removed (roles that ended; without the
    erased), erased (numbers of persons), codes (how many were used or withdrawn).
    """

    is_known: bool
    rows: dict[str, int] = field(default_factory=dict)
    decisions: tuple[LostDecision, ...] = ()
    enrolled: tuple[Holder, ...] = ()
    removed: tuple[Holder, ...] = ()
    erased: tuple[int, ...] = ()
    codes: int = 0


def read_undone(
    backup_file: Path, backup: RestoreState, present: Path, *, continues: bool, now: datetime
) -> Undone:
    """Return what restoring a backup undoes in a readable database, both at the same schema.

    continues: the present database grew from the backup.
    """
    values = {"continues": continues, "now": format_stored_instant(now)}
    with open_readonly(backup_file) as file:
        attach_readonly(file, present)
        removed = Undone(
            is_known=continues,
            removed=tuple(file.execute(_REMOVED, values)),
            erased=tuple(row[0] for row in file.execute(f"{ERASED_PERSONS} ORDER BY m.id")),
            codes=file.execute(_SPENT_CODES, values).fetchone()[0],
        )
        if not continues:
            return removed
        count = "SELECT count(*) FROM present.{0} WHERE id > ?"
        return replace(
            removed,
            rows={
                table: file.execute(count.format(table), (backup.highest[table],)).fetchone()[0]
                for table in COUNTED_TABLES
            },
            decisions=tuple(
                LostDecision(parse_stored_instant(at), *rest)
                for at, *rest in file.execute(_DECIDED)
            ),
            enrolled=tuple(file.execute(_ENROLLED)),
        )
