"""Tables of extensions, explanations, evidence, forms of report duties and open dialogs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Key


class ExtensionRequest(Base):
    """A request for a later date. state: open, granted, refused, offered, withdrawn.

    offered: the coordinator named another date, which the agency has not accepted yet. granted_until: that
    date, or the one granted. An obligation has at most one open or offered request.
    """

    __tablename__ = "extension_request"
    __table_args__ = (
        Index("ix_extension_request_obligation_id", "obligation_id"),
        Index(
            "uq_extension_request_open",
            "obligation_id",
            unique=True,
            sqlite_where=text("state IN ('open', 'offered')"),
            postgresql_where=text("state IN ('open', 'offered')"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("status_reply.id"))
    until: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), server_default="open")
    asked_at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    chat_id: Mapped[int | None] = mapped_column(ForeignKey("chat.id"))  # that gets the decision
    granted_until: Mapped[date | None]
    decided_at: Mapped[datetime | None]
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"))


class Explanation(Base):
    """An explanation (giải trình) asked of an agency. state: asked, answered, withdrawn.

    An obligation has at most one that is asked.
    """

    __tablename__ = "explanation"
    __table_args__ = (
        Index("ix_explanation_obligation_id", "obligation_id"),
        Index(
            "uq_explanation_asked",
            "obligation_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))  # that must explain
    question: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), server_default="asked")
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(120))  # the agency that asked
    asked_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_chat_id: Mapped[int | None] = mapped_column(
        ForeignKey("chat.id")
    )  # that gets the explanation
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(Text)
    answered_person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class Evidence(Base):
    """A photo or file that proves an answer; its bytes are stored once, in evidence_content."""

    __tablename__ = "evidence"
    __table_args__ = (
        Index("ix_evidence_obligation_id", "obligation_id"),
        Index(
            "ix_evidence_album",
            "chat_id",
            "album",
            sqlite_where=text("album IS NOT NULL"),
            postgresql_where=text("album IS NOT NULL"),
        ),
        Index("ix_evidence_kept_at", "kept_at"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("status_reply.id"))
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(ForeignKey("evidence_content.sha256"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    chat_id: Mapped[int | None] = mapped_column(ForeignKey("chat.id"))
    document: Mapped[str | None] = mapped_column(String(120))  # written beneath it
    document_on: Mapped[date | None]
    album: Mapped[str | None] = mapped_column(String(80))  # the same for what was sent together
    kept_at: Mapped[datetime]


class EvidenceContent(Base):
    """The bytes of evidence and forms, by their SHA-256."""

    __tablename__ = "evidence_content"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class DutyForm(Base):
    """A form or guidance file of a report duty, which goes with its reminders until it is removed.

    Replaced is removed, and another attached. Its bytes are stored once, in evidence_content.
    """

    __tablename__ = "duty_form"
    __table_args__ = (Index("ix_duty_form_duty_id", "duty_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    duty_id: Mapped[int] = mapped_column(ForeignKey("report_duty.id"))
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(ForeignKey("evidence_content.sha256"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    attached_by: Mapped[str] = mapped_column(String(120))  # an agency, or "quản trị"
    attached_at: Mapped[datetime]
    removed_by: Mapped[str | None] = mapped_column(String(120))
    removed_at: Mapped[datetime | None]


class Dialog(Base):
    """An open question to a person in a chat; their next words are the answer."""

    __tablename__ = "dialog"
    __table_args__ = (UniqueConstraint("chat_id", "person_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    # extension_until, extension_reason, evidence, blocked_reason, explanation, refusal, …
    asks: Mapped[str] = mapped_column(String(30))
    obligation_id: Mapped[int | None] = mapped_column(ForeignKey("obligation.id"))
    details: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
