"""The first schema; 0001 and 0002 were those of before the first release."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_table(
        "account",
        _id(),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("title", sa.String(120)),
        sa.Column("link", sa.String(200)),
        sa.Column("stopped_at", _INSTANT),
        sa.Column("stopped_why", sa.Text),
        sa.Column("stopped_until", _INSTANT),
        sa.Column("halted_until", _INSTANT),
        sa.Column("owner", sa.String(80)),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("owned_until", _INSTANT),
        sa.Column("polled_to", _KEY),
        sa.UniqueConstraint("channel", "name"),
    )
    _create_table(
        "agency",
        _id(),
        sa.Column("province", sa.String(60), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("short", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("valid_from", sa.Date),
        sa.Column("valid_until", sa.Date),
        sa.Column("folded", sa.Text, nullable=False),
        sa.UniqueConstraint("province", "code"),
    )
    _create_table(
        "download",
        _id(),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("mime", sa.String(100), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
    )
    _index("ix_download_expires_at", "download", ["expires_at"])
    _create_table(
        "evidence_content",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    _create_table(
        "job_run",
        _id(),
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("run_on", sa.Date, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("job", "subject", "run_on"),
    )
    _create_table(
        "meta",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    _create_table(
        "person",
        _id(),
        sa.Column("name", sa.String(120)),
        sa.Column("prefers_chat_id", _KEY),
        sa.Column("created_at", _INSTANT, nullable=False),
    )
    _create_table(
        "registry_file",
        sa.Column("path", sa.String(200), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("loaded_at", _INSTANT, nullable=False),
    )
    _create_table(
        "week_facts",
        _id(),
        sa.Column("province", sa.String(60), nullable=False),
        sa.Column("week_on", sa.Date, nullable=False),
        sa.Column("scope", sa.String(12), nullable=False),
        sa.Column("code", sa.String(100), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("province", "week_on", "scope", "code"),
    )
    _create_table(
        "chat",
        _id(),
        _ref("account_id", "account"),
        sa.Column("address", sa.String(80), nullable=False),
        sa.Column("thread", sa.String(40), nullable=False, server_default=""),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("title", sa.String(200)),
        sa.Column("state", sa.String(10), nullable=False, server_default="living"),
        sa.Column("gone_at", _INSTANT),
        sa.Column("gone_why", sa.Text),
        sa.Column("halted_until", _INSTANT),
        sa.Column("last_seen_at", _INSTANT),
        sa.Column("last_menu_message_id", _KEY),
        sa.Column("greeted_at", _INSTANT),
        sa.Column("menu", sa.String(40)),
        sa.UniqueConstraint("account_id", "address", "thread"),
    )
    _create_table(
        "decision",
        _id(),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("plan_code", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        _ref("person_id", "person", nullable=True),
        sa.Column("decided_by", sa.String(120), nullable=False),
        sa.Column("decided_at", _INSTANT, nullable=False),
    )
    _forbid_changes("decision")
    _create_table(
        "identity",
        _id(),
        _ref("account_id", "account"),
        sa.Column("sender", sa.String(80), nullable=False),
        _ref("person_id", "person"),
        sa.UniqueConstraint("account_id", "sender"),
    )
    _create_table(
        "inbox_event",
        _id(),
        _ref("account_id", "account"),
        sa.Column("update_id", sa.String(80), nullable=False),
        sa.Column("address", sa.String(80)),
        sa.Column("remote_id", sa.String(80)),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="new"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("handled_at", _INSTANT),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("account_id", "update_id"),
    )
    _index("ix_inbox_event_account_id_received_at", "inbox_event", ["account_id", "received_at"])
    _index("ix_inbox_event_new", "inbox_event", ["account_id", "id"], where="state = 'new'")
    _index("ix_inbox_event_parked", "inbox_event", ["account_id"], where="state = 'parked'")
    _create_table(
        "plan",
        _id(),
        sa.Column("code", sa.String(100), nullable=False),
        sa.Column("province", sa.String(60), nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("short", sa.String(60)),
        sa.Column("issued_on", sa.Date, nullable=False),
        _ref("coordinator_id", "agency", nullable=True),
        sa.Column("tracked_from", sa.Date, nullable=False),
        sa.Column("closed_on", sa.Date),
        sa.Column("withdrawn_at", _INSTANT),
        sa.UniqueConstraint("code"),
    )
    _create_table(
        "wrong_code",
        _id(),
        _ref("account_id", "account"),
        sa.Column("who", sa.String(90), nullable=False),
        sa.Column("tried_at", _INSTANT, nullable=False),
    )
    _index("ix_wrong_code_account_id_who", "wrong_code", ["account_id", "who"])
    _create_table(
        "account_warning",
        _id(),
        _ref("account_id", "account"),
        _ref("chat_id", "chat"),
        sa.Column("what", sa.String(10), nullable=False),
        sa.Column("month_on", sa.Date, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("told_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("chat_id", "account_id", "what", "month_on", "level"),
    )
    _create_table(
        "calendar_feed",
        _id(),
        _ref("chat_id", "chat"),
        _ref("person_id", "person", nullable=True),
        _ref("agency_id", "agency"),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
    )
    _index("ix_calendar_feed_chat_id", "calendar_feed", ["chat_id"])
    _create_table(
        "chat_alias",
        _id(),
        _ref("account_id", "account"),
        sa.Column("address", sa.String(80), nullable=False),
        _ref("chat_id", "chat"),
        sa.UniqueConstraint("account_id", "address"),
    )
    _create_table(
        "enrolment",
        _id(),
        _ref("chat_id", "chat"),
        _ref("person_id", "person", nullable=True),
        _ref("agency_id", "agency"),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("may_decide", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("enrolled_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("until_on", sa.Date),
        sa.Column("given_by_id", _KEY),
    )
    _index("ix_enrolment_agency_id_role", "enrolment", ["agency_id", "role"])
    _index("ix_enrolment_chat_id", "enrolment", ["chat_id"])
    _index(
        "uq_enrolment_not_ended",
        "enrolment",
        ["chat_id", "person_id", "agency_id", "role", "may_decide"],
        where="ended_at IS NULL",
        unique=True,
    )
    _create_table(
        "invitation",
        _id(),
        sa.Column("code_hash", sa.String(64), nullable=False),
        _ref("offer_id", "decision", nullable=True),
        _ref("agency_id", "agency"),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("may_decide", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("until_on", sa.Date),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT),
        _ref("used_chat_id", "chat", nullable=True),
        _ref("made_by_id", "enrolment", nullable=True),
        sa.UniqueConstraint("code_hash"),
    )
    _create_table(
        "message",
        _id(),
        _ref("account_id", "account"),
        _ref("chat_id", "chat"),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("template", sa.String(60), nullable=False),
        sa.Column("context", sa.JSON, nullable=False),
        sa.Column("buttons", sa.JSON, nullable=False),
        _ref("agency_id", "agency", nullable=True),
        sa.Column("page", sa.Integer, nullable=False, server_default="1"),
        sa.Column("pages", sa.Integer, nullable=False, server_default="1"),
        sa.Column("dedupe_key", sa.String(120)),
        sa.Column("secret", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("reply_to", sa.String(80)),
        sa.Column("edits", sa.String(80)),
        sa.Column("broadcast_on", sa.Date),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("send_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="pending"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("repeats", sa.Integer, nullable=False, server_default="0"),
        sa.Column("plain", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("claim_epoch", sa.Integer),
        sa.Column("claimed_at", _INSTANT),
        sa.Column("sent_at", _INSTANT),
        sa.Column("remote_id", sa.String(80)),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("dedupe_key"),
    )
    _index("ix_message_chat_id_remote_id", "message", ["chat_id", "remote_id"])
    _index("ix_message_claimed", "message", ["account_id"], where="state = 'claimed'")
    _index(
        "ix_message_outbox",
        "message",
        ["account_id", "priority", "send_at"],
        where="state = 'pending'",
    )
    _index(
        "ix_message_parked",
        "message",
        ["account_id", "state"],
        where="state IN ('failed', 'uncertain')",
    )
    _index("ix_message_retried", "message", ["chat_id"], where="state = 'pending' AND attempts > 0")
    _index("ix_message_sent", "message", ["account_id", "sent_at"], where="sent_at IS NOT NULL")
    _create_table(
        "report_duty",
        _id(),
        _ref("plan_id", "plan"),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("clause", sa.Text, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("frequency", sa.String(20), nullable=False),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("via", sa.Text),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("withdrawn_at", _INSTANT),
        sa.UniqueConstraint("plan_id", "code"),
    )
    _create_table(
        "report_request",
        _id(),
        _ref("plan_id", "plan"),
        sa.Column("period", sa.String(12), nullable=False),
        sa.Column("form", sa.String(10), nullable=False),
        _ref("chat_id", "chat"),
        _ref("person_id", "person", nullable=True),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="new"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("taken_at", _INSTANT),
        sa.Column("done_at", _INSTANT),
        sa.Column("why", sa.Text),
    )
    _index("ix_report_request_new", "report_request", ["id"], where="state = 'new'")
    _create_table(
        "target_value",
        _id(),
        _ref("plan_id", "plan"),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("value", sa.String(30)),
        _ref("agency_id", "agency"),
        _ref("person_id", "person", nullable=True),
        _ref("chat_id", "chat", nullable=True),
        _ref("event_id", "inbox_event", nullable=True),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("said_at", _INSTANT, nullable=False),
        _ref("undoes_id", "target_value", nullable=True),
    )
    _index("ix_target_value_plan_id_code", "target_value", ["plan_id", "code"])
    _forbid_changes("target_value")
    _create_table(
        "task",
        _id(),
        _ref("plan_id", "plan"),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("section", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("period_raw", sa.Text, nullable=False),
        sa.Column("period_kind", sa.String(30), nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("withdrawn_at", _INSTANT),
        sa.UniqueConstraint("plan_id", "code"),
    )
    _index("ix_task_plan_id", "task", ["plan_id"])
    _create_table(
        "assignment",
        _id(),
        _ref("task_id", "task"),
        _ref("agency_id", "agency"),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("needs_decision", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("withdrawn_at", _INSTANT),
        sa.UniqueConstraint("task_id", "agency_id"),
    )
    _index("ix_assignment_agency_id", "assignment", ["agency_id"])
    _create_table(
        "delivery",
        _id(),
        _ref("message_id", "message"),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text),
    )
    _index("ix_delivery_message_id", "delivery", ["message_id"])
    _index("ix_delivery_unknown", "delivery", ["at"], where="outcome = 'unknown'")
    _create_table(
        "obligation",
        _id(),
        _ref("plan_id", "plan"),
        _ref("duty_id", "report_duty", nullable=True),
        _ref("assignment_id", "assignment", nullable=True),
        _ref("agency_id", "agency"),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("period", sa.String(12), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("due_words", sa.Text, nullable=False),
        sa.Column("due_proposed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("extended_to", sa.Date),
        sa.Column("base_on", sa.Date, nullable=False),
        sa.Column("judged_on", sa.Date, nullable=False),
        sa.Column("state", sa.String(12), nullable=False, server_default="open"),
        sa.Column("percent", sa.Integer),
        sa.Column("progress", sa.String(12)),
        sa.Column("blocked_at", _INSTANT),
        sa.Column("disputed_at", _INSTANT),
        sa.Column("extension_asked_at", _INSTANT),
        sa.Column("returned_at", _INSTANT),
        sa.Column("acknowledged_until", sa.Date),
        sa.Column("submitted_at", _INSTANT),
        sa.Column("done_on", sa.Date),
        sa.Column("confirmed_at", _INSTANT),
        sa.Column("confirmed_by", sa.String(120)),
        sa.Column("late_told", sa.Integer, nullable=False, server_default="0"),
        sa.Column("remind_on", sa.Date),
        sa.Column("rung", sa.Integer),
        sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
        sa.Column("revised_on", sa.Date),
        sa.UniqueConstraint("duty_id", "agency_id", "period"),
        sa.UniqueConstraint("assignment_id", "agency_id", "period"),
    )
    _index("ix_obligation_agency_id_state_due_on", "obligation", ["agency_id", "state", "due_on"])
    _index(
        "ix_obligation_done_late",
        "obligation",
        ["assignment_id"],
        where="state = 'confirmed' AND done_on > judged_on",
    )
    _index(
        "ix_obligation_duty_id_due_on",
        "obligation",
        ["duty_id", "due_on"],
        where="duty_id IS NOT NULL",
    )
    _index(
        "ix_obligation_plan_id_state_judged_on",
        "obligation",
        [
            "plan_id",
            "state",
            "judged_on",
            "base_on",
            "agency_id",
            "assignment_id",
            "kind",
            "done_on",
        ],
    )
    _index("ix_obligation_remind_on", "obligation", ["remind_on"], where="remind_on IS NOT NULL")
    _create_table(
        "dialog",
        _id(),
        _ref("chat_id", "chat"),
        _ref("person_id", "person", nullable=True),
        sa.Column("asks", sa.String(30), nullable=False),
        _ref("obligation_id", "obligation", nullable=True),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("chat_id", "person_id"),
    )
    _create_table(
        "explanation",
        _id(),
        _ref("obligation_id", "obligation"),
        _ref("agency_id", "agency"),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="asked"),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("asked_by", sa.String(120), nullable=False),
        _ref("asked_person_id", "person", nullable=True),
        _ref("asked_chat_id", "chat", nullable=True),
        sa.Column("answered_at", _INSTANT),
        sa.Column("answer", sa.Text),
        _ref("answered_person_id", "person", nullable=True),
    )
    _index("ix_explanation_obligation_id", "explanation", ["obligation_id"])
    _index(
        "uq_explanation_asked",
        "explanation",
        ["obligation_id"],
        where="state = 'asked'",
        unique=True,
    )
    _create_table(
        "message_item",
        _id(),
        _ref("message_id", "message"),
        sa.Column("position", sa.Integer, nullable=False),
        _ref("obligation_id", "obligation"),
        sa.Column("rung", sa.Integer),
        sa.UniqueConstraint("message_id", "position"),
    )
    _index("ix_message_item_obligation_id", "message_item", ["obligation_id"])
    _create_table(
        "reminder",
        _id(),
        _ref("obligation_id", "obligation"),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("rung", sa.Integer, nullable=False),
        sa.Column("reminded_on", sa.Date, nullable=False),
        sa.UniqueConstraint("obligation_id", "due_on", "rung"),
    )
    _create_table(
        "status_reply",
        _id(),
        _ref("obligation_id", "obligation", nullable=True),
        _ref("assignment_id", "assignment", nullable=True),
        _ref("agency_id", "agency"),
        sa.Column("said", sa.String(20), nullable=False),
        sa.Column("percent", sa.Integer),
        sa.Column("until", sa.Date),
        sa.Column("document", sa.String(120)),
        sa.Column("document_on", sa.Date),
        sa.Column("note", sa.Text),
        _ref("undoes_id", "status_reply", nullable=True),
        sa.Column("before", sa.JSON, nullable=False),
        _ref("person_id", "person", nullable=True),
        _ref("chat_id", "chat", nullable=True),
        _ref("event_id", "inbox_event", nullable=True),
        sa.Column("said_at", _INSTANT, nullable=False),
    )
    _index("ix_status_reply_assignment_id", "status_reply", ["assignment_id"])
    _index("ix_status_reply_chat_id", "status_reply", ["chat_id"])
    _index("ix_status_reply_obligation_id", "status_reply", ["obligation_id"])
    _index(
        "ix_status_reply_undoes_id", "status_reply", ["undoes_id"], where="undoes_id IS NOT NULL"
    )
    _forbid_changes("status_reply")
    _create_table(
        "evidence",
        _id(),
        _ref("obligation_id", "obligation"),
        _ref("reply_id", "status_reply", nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("mime", sa.String(80), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column(
            "sha256", sa.String(64), sa.ForeignKey("evidence_content.sha256"), nullable=False
        ),
        _ref("person_id", "person", nullable=True),
        _ref("chat_id", "chat", nullable=True),
        sa.Column("document", sa.String(120)),
        sa.Column("document_on", sa.Date),
        sa.Column("album", sa.String(80)),
        sa.Column("kept_at", _INSTANT, nullable=False),
    )
    _index("ix_evidence_obligation_id", "evidence", ["obligation_id"])
    _index("ix_evidence_album", "evidence", ["chat_id", "album"], where="album IS NOT NULL")
    _index("ix_evidence_kept_at", "evidence", ["kept_at"])
    _create_table(
        "duty_form",
        _id(),
        _ref("duty_id", "report_duty"),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("mime", sa.String(80), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column(
            "sha256", sa.String(64), sa.ForeignKey("evidence_content.sha256"), nullable=False
        ),
        _ref("person_id", "person", nullable=True),
        sa.Column("attached_by", sa.String(120), nullable=False),
        sa.Column("attached_at", _INSTANT, nullable=False),
        sa.Column("removed_by", sa.String(120)),
        sa.Column("removed_at", _INSTANT),
    )
    _index("ix_duty_form_duty_id", "duty_form", ["duty_id"])
    _create_table(
        "extension_request",
        _id(),
        _ref("obligation_id", "obligation"),
        _ref("reply_id", "status_reply", nullable=True),
        sa.Column("until", sa.Date, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False, server_default="open"),
        sa.Column("asked_at", _INSTANT, nullable=False),
        _ref("person_id", "person", nullable=True),
        _ref("chat_id", "chat", nullable=True),
        sa.Column("granted_until", sa.Date),
        sa.Column("decided_at", _INSTANT),
        _ref("decision_id", "decision", nullable=True),
    )
    _index("ix_extension_request_obligation_id", "extension_request", ["obligation_id"])
    _index(
        "uq_extension_request_open",
        "extension_request",
        ["obligation_id"],
        where="state IN ('open', 'offered')",
        unique=True,
    )


def downgrade() -> None:
    """The first schema has nothing before it: restore a backup instead."""
    raise RuntimeError("no schema comes before 0003; restore a backup")


def _create_table(name: str, *columns: Any) -> None:
    """Create a table; a number that its key had is not given again (see data/models/base.py)."""
    op.create_table(name, *columns, sqlite_autoincrement=True)


def _id() -> sa.Column[Any]:
    return sa.Column("id", _KEY, primary_key=True)


def _ref(name: str, table: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a column that refers to the key of a table."""
    return sa.Column(name, _KEY, sa.ForeignKey(f"{table}.id"), nullable=nullable)


def _index(
    name: str, table: str, columns: list[str], *, where: str | None = None, unique: bool = False
) -> None:
    """Create an index, of the rows of a condition alone where there is one."""
    condition = None if where is None else sa.text(where)
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def _forbid_changes(table: str) -> None:
    """Make a table append-only: the database itself refuses any update, delete, replacement or truncation.

    SQLite fires no delete trigger for a row that REPLACE puts another in the place of; so an insert that
    names a number in use is refused. Such a table has no other unique key, by which a row could be replaced.
    """
    words = f"'{table} is append-only'"
    if op.get_bind().dialect.name == "sqlite":
        replaces = f"INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"  # noqa: S608
        for name, act in (
            ("update", f"UPDATE ON {table}"),
            ("delete", f"DELETE ON {table}"),
            ("replace", replaces),
        ):
            op.execute(
                f"CREATE TRIGGER {table}_no_{name} BEFORE {act} "
                f"BEGIN SELECT RAISE(ABORT, {words}); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION {words}; END $$"
    )
    for name, acts in (("append_only", "UPDATE OR DELETE"), ("no_truncate", "TRUNCATE")):
        each = "STATEMENT" if acts == "TRUNCATE" else "ROW"
        op.execute(
            f"CREATE TRIGGER {table}_{name} BEFORE {acts} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION {table}_append_only()"
        )
