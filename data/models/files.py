"""Tables of files, weekly facts, report requests, values of targets, and calendars."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Key


class Download(Base):
    """A file made for a person (a picture, a report), kept until it expires.

    A channel sends its bytes, or an address of our web pages that serves them.
    """

    __tablename__ = "download"
    __table_args__ = (Index("ix_download_expires_at", "expires_at"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))  # a file's name, without folders
    mime: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class WeekFacts(Base):
    """The facts of one week's digest about one agency, plan or province.

    Written once, so that any digest can be drawn again.
    """

    __tablename__ = "week_facts"
    __table_args__ = (UniqueConstraint("province", "week_on", "scope", "code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    province: Mapped[str] = mapped_column(String(60))
    week_on: Mapped[date]  # the Monday of the week in which the digest is sent
    scope: Mapped[str] = mapped_column(String(12))  # agency, plan, coordinator, province
    code: Mapped[str] = mapped_column(String(100))  # of the agency or plan; "" for the province
    facts: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]


class ReportRequest(Base):
    """A consolidated report requested in a chat. state: new, done, refused.

    taken_at: since when a process makes it; another process may take it if that one does not finish.
    """

    __tablename__ = "report_request"
    __table_args__ = (
        Index(
            "ix_report_request_new",
            "id",
            sqlite_where=text("state = 'new'"),
            postgresql_where=text("state = 'new'"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    # "2026", "2026-H1", "2026-Q4"; of a letter the fewest working days late
    period: Mapped[str] = mapped_column(String(12))
    form: Mapped[str] = mapped_column(String(10))  # docx, xlsx, urging
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), server_default="new")
    attempts: Mapped[int] = mapped_column(server_default="0")
    taken_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    why: Mapped[str | None] = mapped_column(Text)  # the reason of a refusal


class TargetValue(Base):
    """A reported value of a target (chỉ tiêu) in a year; append-only, an undo is a row of its own."""

    __tablename__ = "target_value"
    __table_args__ = (Index("ix_target_value_plan_id_code", "plan_id", "code"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    code: Mapped[str] = mapped_column(String(40))  # the target's, as its file has it
    year: Mapped[int]
    value: Mapped[str | None] = mapped_column(String(30))  # a decimal, "82.5"; null in an undo
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))  # that reports it
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    chat_id: Mapped[int | None] = mapped_column(ForeignKey("chat.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("inbox_event.id"))
    words: Mapped[str] = mapped_column(Text)  # as they were typed
    said_at: Mapped[datetime]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("target_value.id"))


class CalendarFeed(Base):
    """A calendar of an agency's obligations, or of reports a coordinator awaits, at a secret address.

    It ends with the enrolment of its chat, or when the chat asks for a new address.
    """

    __tablename__ = "calendar_feed"
    __table_args__ = (Index("ix_calendar_feed_chat_id", "chat_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chat.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))
    role: Mapped[str] = mapped_column(String(12))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
