"""Tables of the outbox: messages, the lines of their lists, the attempts to send."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Key


class Message(Base):
    """One outgoing chat message. state: pending, claimed, sent, failed, uncertain, skipped.

    secret: its words must not be kept (a code, people's names): the context is emptied once it ends.
    template and context are rendered. A reminder's items are rows of message_item, read again when it is
    rendered, so that items answered meanwhile are left out.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "ix_message_outbox",
            "account_id",
            "priority",
            "send_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_message_claimed",
            "account_id",
            sqlite_where=text("state = 'claimed'"),
            postgresql_where=text("state = 'claimed'"),
        ),
        Index(
            "ix_message_sent",
            "account_id",
            "sent_at",
            sqlite_where=text("sent_at IS NOT NULL"),
            postgresql_where=text("sent_at IS NOT NULL"),
        ),
        Index(
            "ix_message_parked",
            "account_id",
            "state",
            sqlite_where=text("state IN ('failed', 'uncertain')"),
            postgresql_where=text("state IN ('failed', 'uncertain')"),
        ),
        Index(
            "ix_message_retried",
            "chat_id",
            sqlite_where=text("state = 'pending' AND attempts > 0"),
            postgresql_where=text("state = 'pending' AND attempts > 0"),
        ),
        Index("ix_message_chat_id_remote_id", "chat_id", "remote_id"),
        UniqueConstraint("dedupe_key"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    priority: Mapped[int]  # 0 an answer, 1 a notice, 2 a broadcast
    template: Mapped[str] = mapped_column(String(60))
    context: Mapped[dict[str, Any]]
    buttons: Mapped[list[Any]]  # rows of [label, action]; see jobs.channel.Button
    agency_id: Mapped[int | None] = mapped_column(
        ForeignKey("agency.id")
    )  # the agency of its items
    page: Mapped[int] = mapped_column(server_default="1")
    pages: Mapped[int] = mapped_column(server_default="1")
    dedupe_key: Mapped[str | None] = mapped_column(
        String(120)
    )  # the same message is never put twice
    secret: Mapped[bool] = mapped_column(server_default=false())
    reply_to: Mapped[str | None] = mapped_column(String(80))  # remote id of the message it answers
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
    """One line of a list in a message: its number, the obligation and the rung."""

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
    __table_args__ = (
        Index("ix_delivery_message_id", "message_id"),
        Index(
            "ix_delivery_unknown",
            "at",
            sqlite_where=text("outcome = 'unknown'"),
            postgresql_where=text("outcome = 'unknown'"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    attempt: Mapped[int]
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(
        String(20)
    )  # sent, transient, rate_limited, moved, gone, …
    detail: Mapped[str | None] = mapped_column(Text)
