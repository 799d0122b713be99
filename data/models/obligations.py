"""Tables of obligations and their reminders."""

from __future__ import annotations

from datetime import date, datetime

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

LIVE_STATES = ("open", "submitted", "confirmed")  # all but withdrawn and superseded


class Obligation(Base):
    """One dated thing an agency owes: an occurrence of a report duty, a task's phase end, or the state
    of an undated task, asked once a year.

    state: open, submitted, confirmed, withdrawn, superseded ("returned" is open with returned_at).
    remind_on, rung: the next rung and its day, null where none follows; recomputed with every change
    that bears on them, so a morning reads only what is due.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("duty_id", "agency_id", "period"),
        UniqueConstraint("assignment_id", "agency_id", "period"),
        Index(
            "ix_obligation_remind_on",
            "remind_on",
            sqlite_where=text("remind_on IS NOT NULL"),
            postgresql_where=text("remind_on IS NOT NULL"),
        ),
        Index("ix_obligation_agency_id_state_due_on", "agency_id", "state", "due_on"),
        # Covers the counts and lists of a plan: they read this index alone, and skip the confirmed rows,
        # by far the most.
        Index(
            "ix_obligation_plan_id_state_judged_on",
            "plan_id",
            "state",
            "judged_on",
            "base_on",
            "agency_id",
            "assignment_id",
            "kind",
            "done_on",
        ),
        Index(
            "ix_obligation_duty_id_due_on",
            "duty_id",
            "due_on",
            sqlite_where=text("duty_id IS NOT NULL"),
            postgresql_where=text("duty_id IS NOT NULL"),
        ),
        Index(
            "ix_obligation_done_late",
            "assignment_id",
            sqlite_where=text("state = 'confirmed' AND done_on > judged_on"),
            postgresql_where=text("state = 'confirmed' AND done_on > judged_on"),
        ),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("report_duty.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignment.id"))
    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"))  # the owner as of its due date
    kind: Mapped[str] = mapped_column(String(12))  # report, phase_end, one_off, undated
    code: Mapped[str] = mapped_column(String(40))  # of the duty or task
    period: Mapped[str] = mapped_column(String(12))
    due_on: Mapped[date]
    due_words: Mapped[str] = mapped_column(Text)
    due_proposed: Mapped[bool] = mapped_column(server_default=false())
    extended_to: Mapped[date | None]
    base_on: Mapped[date]  # last working day on or before the effective due
    judged_on: Mapped[date]  # the last day that is judged on time; 9999-12-31: never late
    state: Mapped[str] = mapped_column(String(12), server_default="open")
    percent: Mapped[int | None]
    # not_started, in_progress, by the last answer
    progress: Mapped[str | None] = mapped_column(String(12))
    blocked_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    extension_asked_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    acknowledged_until: Mapped[date | None]
    submitted_at: Mapped[datetime | None]
    done_on: Mapped[date | None]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(120))  # a name, or "tự động"
    # escalation: 1 the agency was warned of it, 2 the coordinator was told, 3 the leader was told
    late_told: Mapped[int] = mapped_column(server_default="0")
    remind_on: Mapped[date | None]
    rung: Mapped[int | None]
    # how often the deadline was moved, confirmed, cancelled or restored, and the last day of it;
    # calendars tell by it which of two copies is newer
    revision: Mapped[int] = mapped_column(server_default="0")
    revised_on: Mapped[date | None]


class Reminder(Base):
    """One rung for one obligation at one effective due, since it was put into a message."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("obligation_id", "due_on", "rung"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    due_on: Mapped[date]  # the effective due in that message
    rung: Mapped[int]
    reminded_on: Mapped[date]
