"""Tables of incoming updates, answers, decisions and job runs; and marks of this database."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Key


class InboxEvent(Base):
    """One incoming update as stored before it was acknowledged. state: new, done, parked, refused."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("account_id", "update_id"),
        Index(
            "ix_inbox_event_new",
            "account_id",
            "id",
            sqlite_where=text("state = 'new'"),
            postgresql_where=text("state = 'new'"),
        ),
        Index(
            "ix_inbox_event_parked",
            "account_id",
            sqlite_where=text("state = 'parked'"),
            postgresql_where=text("state = 'parked'"),
        ),
        Index("ix_inbox_event_account_id_received_at", "account_id", "received_at"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    update_id: Mapped[str] = mapped_column(String(80))
    address: Mapped[str | None] = mapped_column(String(80))  # of the chat, where known
    remote_id: Mapped[str | None] = mapped_column(String(80))  # of the message on the platform
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), server_default="new")
    attempts: Mapped[int] = mapped_column(server_default="0")
    handled_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class StatusReply(Base):
    """An answer about an obligation or assignment; append-only. An undo is a row of its own."""

    __tablename__ = "status_reply"
    __table_args__ = (
        Index("ix_status_reply_obligation_id", "obligation_id"),
        Index("ix_status_reply_assignment_id", "assignment_id"),
        Index("ix_status_reply_chat_id", "chat_id"),
        Index(
            "ix_status_reply_undoes_id",
            "undoes_id",
            sqlite_where=text("undoes_id IS NOT NULL"),
            postgresql_where=text("undoes_id IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int | None] = mapped_column(ForeignKey("obligation.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    # acknowledge, not_started, in_progress, completed, blocked, extension, dispute, question, objection, undo
    said: Mapped[str] = mapped_column(String(20))
    percent: Mapped[int | None]
    until: Mapped[date | None]
    document: Mapped[str | None] = mapped_column(String(120))
    document_on: Mapped[date | None]
    note: Mapped[str | None] = mapped_column(Text)
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("status_reply.id"))
    before: Mapped[dict[str, Any]]  # the obligation's state before it, so that undo can restore it
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    chat_id: Mapped[int | None] = mapped_column(ForeignKey("chat.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("inbox_event.id"))
    said_at: Mapped[datetime]


class Decision(Base):
    """A human act that overrides the documents; append-only, dated and attributed."""

    __tablename__ = "decision"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    # assign, confirm_date, open_duty, close_plan, track_from, …
    kind: Mapped[str] = mapped_column(String(30))
    plan_code: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(80))  # a task's or duty's code, or "" for the plan
    details: Mapped[dict[str, Any]]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    # an agency, "quản trị" or "tự động"; never a person's name: the row can never be changed
    decided_by: Mapped[str] = mapped_column(String(120))
    decided_at: Mapped[datetime]


class JobRun(Base):
    """One run of a job that runs once for a subject and day (a province's morning)."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "subject", "run_on"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    job: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(60))
    run_on: Mapped[date]
    finished_at: Mapped[datetime]


class Meta(Base):
    """A few facts of this database: its mark as sandbox, the registry's version."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
