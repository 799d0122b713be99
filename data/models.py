"""The tables: what the documents say, what follows from it, people and chats, what goes out and in.

Promises one word per meaning (ARCHITECTURE.md, Words). Instants (`*_at`, `*_until` of a lease) are aware
UTC; dates (`*_on`) are civil dates of the province's zone. StatusReply and Decision are append-only:
triggers of the first migration refuse any change. Holds no rule and no query.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Utc(TypeDecorator[datetime]):
    """An aware UTC instant; refuses naive values. SQLite keeps it as text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime refused: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables, with names for every constraint so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc, date: Date, dict[str, Any]: JSON, list[Any]: JSON}


Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only for INTEGER keys


# ------------------------------------------------------------------ what the documents say


class RegistryFile(Base):
    """One registry file as last loaded: the whole content, from which the rules are reckoned."""

    __tablename__ = "registry_file"
    path: Mapped[str] = mapped_column(String(200), primary_key=True)  # "plans/gia-lai-1901-2020.yaml"
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[datetime]


class Agency(Base):
    """One agency of a province, dead or alive."""

    __tablename__ = "agency"
    __table_args__ = (UniqueConstraint("province", "code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    province: Mapped[str] = mapped_column(String(60))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    short: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(30))
    position: Mapped[int]  # the official order within the province
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    folded: Mapped[str] = mapped_column(Text)  # name and spellings without marks, for searching


class Plan(Base):
    """One plan. `code` names it among all provinces: province-number-year."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code: Mapped[str] = mapped_column(String(100))
    province: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(Text)
    issued_on: Mapped[date]
    coordinator_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))  # as of today
    tracked_from: Mapped[date]
    closed_on: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]  # its file is gone


class Task(Base):
    """One task of a plan, for queries and search."""

    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    section: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(String(200))  # short, for lists
    period_raw: Mapped[str] = mapped_column(Text)
    period_kind: Mapped[str] = mapped_column(String(30))
    ends_on: Mapped[date | None]
    folded: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None]


class ReportDuty(Base):
    """One reporting regime of a plan."""

    __tablename__ = "report_duty"
    __table_args__ = (UniqueConstraint("plan_id", "code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    clause: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(String(200))
    frequency: Mapped[str] = mapped_column(String(20))
    receiver: Mapped[str] = mapped_column(Text)
    via: Mapped[str | None] = mapped_column(Text)
    quote: Mapped[str] = mapped_column(Text)
    withdrawn_at: Mapped[datetime | None]


class Assignment(Base):
    """One agency on one task, from a date until a date (inclusive); every task with a lead has them."""

    __tablename__ = "assignment"
    __table_args__ = (
        UniqueConstraint("task_id", "agency_id"),
        Index("ix_assignment_agency_id", "agency_id"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    needs_decision: Mapped[bool] = mapped_column(server_default=false())  # its work was split
    # state of a task that never falls due; one that does has it on its obligation
    state: Mapped[str] = mapped_column(String(12), server_default="open")
    percent: Mapped[int | None]
    withdrawn_at: Mapped[datetime | None]


# ------------------------------------------------------------------ what follows from them


class Obligation(Base):
    """One dated thing an agency owes: an occurrence of a report duty, or a task's phase end.

    state: open, submitted, confirmed, withdrawn, superseded ("returned" is open with returned_at).
    remind_on, rung: the next rung and its day while one is to come, else null; recomputed whenever
    what they rest on changes, so a morning reads only what is due.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("duty_id", "agency_id", "period"),
        UniqueConstraint("assignment_id", "agency_id", "period"),
        Index("ix_obligation_remind_on", "remind_on", sqlite_where=text("remind_on IS NOT NULL"),
              postgresql_where=text("remind_on IS NOT NULL")),
        Index("ix_obligation_agency_id_state_due_on", "agency_id", "state", "due_on"),
        Index("ix_obligation_plan_id_state_due_on", "plan_id", "state", "due_on"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("report_duty.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))  # the owner as of its due date
    kind: Mapped[str] = mapped_column(String(12))  # report, phase_end, one_off
    code: Mapped[str] = mapped_column(String(40))  # of the duty or task
    period: Mapped[str] = mapped_column(String(12))
    due_on: Mapped[date]
    due_words: Mapped[str] = mapped_column(Text)
    due_proposed: Mapped[bool] = mapped_column(server_default=false())
    extended_to: Mapped[date | None]
    base_on: Mapped[date]  # last working day on or before the effective due
    judged_on: Mapped[date]  # the last day that is judged on time
    state: Mapped[str] = mapped_column(String(12), server_default="open")
    percent: Mapped[int | None]
    progress: Mapped[str | None] = mapped_column(String(12))  # not_started, in_progress, as last said
    blocked_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    extension_asked_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    acknowledged_until: Mapped[date | None]
    submitted_at: Mapped[datetime | None]
    done_on: Mapped[date | None]
    remind_on: Mapped[date | None]
    rung: Mapped[int | None]


class Reminder(Base):
    """One rung for one obligation at one effective due, from the moment it was put into a message."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("obligation_id", "due_on", "rung"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    due_on: Mapped[date]  # the effective due it spoke of
    rung: Mapped[int]
    reminded_on: Mapped[date]


# ------------------------------------------------------------------ people and chats


class Account(Base):
    """One bot on a channel, and which process owns it.

    owner, epoch, owned_until: the lease. Every new owner raises the epoch; claims carry it.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("channel", "name"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))  # telegram, zalo_bot, local
    name: Mapped[str] = mapped_column(String(80))  # the bot's own id, never the token
    title: Mapped[str | None] = mapped_column(String(120))  # @username, for links
    stopped_at: Mapped[datetime | None]  # refused by the platform; nothing is sent until it is mended
    stopped_why: Mapped[str | None] = mapped_column(Text)
    halted_until: Mapped[datetime | None]  # the platform said wait, for the whole account
    owner: Mapped[str | None] = mapped_column(String(80))
    epoch: Mapped[int] = mapped_column(server_default="0")
    owned_until: Mapped[datetime | None]
    polled_to: Mapped[int | None] = mapped_column(Key)  # next update offset


class Person(Base):
    """Somebody who may answer or read."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime]


class Identity(Base):
    """A person's sender id on an account."""

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("account_id", "sender"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    sender: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))


class Chat(Base):
    """An address on an account. A chat that moved keeps its row and changes its address."""

    __tablename__ = "chat"
    __table_args__ = (UniqueConstraint("account_id", "address", "thread"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    address: Mapped[str] = mapped_column(String(80))
    thread: Mapped[str] = mapped_column(String(40), server_default="")  # a forum topic, or ""
    kind: Mapped[str] = mapped_column(String(10))  # private, group
    title: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), server_default="living")  # living, gone
    gone_at: Mapped[datetime | None]
    gone_why: Mapped[str | None] = mapped_column(Text)
    halted_until: Mapped[datetime | None]  # the platform said wait, for this chat
    last_seen_at: Mapped[datetime | None]
    last_menu_message_id: Mapped[int | None] = mapped_column(Key)  # the list its numbers belong to
    wrong_codes: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None]  # too many wrong codes
    greeted_at: Mapped[datetime | None]  # the help text for strangers, not too often


class ChatAlias(Base):
    """An address a chat had before it moved (a group that became a supergroup)."""

    __tablename__ = "chat_alias"
    __table_args__ = (UniqueConstraint("account_id", "address"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    address: Mapped[str] = mapped_column(String(80))
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))


class Enrolment(Base):
    """A chat (and the person, unless it is a group's) in a role for an agency."""

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("chat_id", "person_id", "agency_id", "role"),
        Index("ix_enrolment_agency_id_role", "agency_id", "role"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    role: Mapped[str] = mapped_column(String(12))  # focal, coordinator, leader
    may_decide: Mapped[bool] = mapped_column(server_default=false())
    enrolled_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Invitation(Base):
    """A one-use code that enrols a chat; only its hash is kept."""

    __tablename__ = "invitation"
    __table_args__ = (UniqueConstraint("code_hash"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    role: Mapped[str] = mapped_column(String(12))
    may_decide: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_chat_id: Mapped[int | None] = mapped_column(ForeignKey("chat.id"))


# ------------------------------------------------------------------ what goes out


class Message(Base):
    """One outgoing chat message. state: pending, claimed, sent, failed, uncertain, skipped.

    template and context say what to render; a reminder's items stand in message_item and are read
    again when it is rendered, so that what was answered meanwhile is left out.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_outbox", "account_id", "priority", "send_at",
              sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
        Index("ix_message_claimed", "account_id",
              sqlite_where=text("state = 'claimed'"), postgresql_where=text("state = 'claimed'")),
        Index("ix_message_chat_id_remote_id", "chat_id", "remote_id"),
        UniqueConstraint("dedupe_key"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    priority: Mapped[int]  # 0 an answer to somebody who waits, 1 a notice, 2 a broadcast
    template: Mapped[str] = mapped_column(String(60))
    context: Mapped[dict[str, Any]]
    buttons: Mapped[list[Any]]  # rows of [label, action]; see jobs.channel.Button
    agency_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))  # whose items it lists
    page: Mapped[int] = mapped_column(server_default="1")
    pages: Mapped[int] = mapped_column(server_default="1")
    dedupe_key: Mapped[str | None] = mapped_column(String(120))  # the same thing is never put twice
    reply_to: Mapped[str | None] = mapped_column(String(80))  # remote id of what it answers
    edits: Mapped[str | None] = mapped_column(String(80))  # remote id of the message it replaces
    broadcast_on: Mapped[date | None]  # the morning it was composed for
    created_at: Mapped[datetime]
    send_at: Mapped[datetime]  # not before
    state: Mapped[str] = mapped_column(String(10), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    repeats: Mapped[int] = mapped_column(server_default="0")  # sent again after an unknown outcome
    plain: Mapped[bool] = mapped_column(server_default=false())  # markup was refused once
    claim_epoch: Mapped[int | None]
    claimed_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    remote_id: Mapped[str | None] = mapped_column(String(80))
    error: Mapped[str | None] = mapped_column(Text)


class MessageItem(Base):
    """One line of a list in a message: its number there, the obligation, and the rung it stands for."""

    __tablename__ = "message_item"
    __table_args__ = (
        UniqueConstraint("message_id", "position"),
        Index("ix_message_item_obligation_id", "obligation_id"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    position: Mapped[int]
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    rung: Mapped[int | None]


class Delivery(Base):
    """One attempt to send a message, and how it ended."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_message_id", "message_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    attempt: Mapped[int]
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(20))  # sent, transient, rate_limited, moved, gone, …
    detail: Mapped[str | None] = mapped_column(Text)


# ------------------------------------------------------------------ what comes in


class InboxEvent(Base):
    """One incoming update as stored before it was acknowledged. state: new, done, parked, refused."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("account_id", "update_id"),
        Index("ix_inbox_event_new", "account_id", "id",
              sqlite_where=text("state = 'new'"), postgresql_where=text("state = 'new'")),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    update_id: Mapped[str] = mapped_column(String(80))
    address: Mapped[str | None] = mapped_column(String(80))  # the chat, where it could be told
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), server_default="new")
    attempts: Mapped[int] = mapped_column(server_default="0")
    handled_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class StatusReply(Base):
    """What somebody said of an obligation or assignment; append-only. undo is a row of its own."""

    __tablename__ = "status_reply"
    __table_args__ = (
        Index("ix_status_reply_obligation_id", "obligation_id"),
        Index("ix_status_reply_assignment_id", "assignment_id"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int | None] = mapped_column(ForeignKey("obligation.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    # acknowledge, not_started, in_progress, completed, blocked, extension, dispute, undo
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
    """A human act laid over the documents; append-only, dated and attributed."""

    __tablename__ = "decision"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))  # assign, confirm_date, open_duty, close_plan, track_from
    plan_code: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(80))  # a task's or duty's code, or "" for the plan
    details: Mapped[dict[str, Any]]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_by: Mapped[str] = mapped_column(String(120))  # a person's name, or "quản trị"
    decided_at: Mapped[datetime]


class JobRun(Base):
    """One run of a job that must happen once for a subject and day (a province's morning)."""

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


