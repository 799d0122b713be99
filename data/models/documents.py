"""Tables of the documents: files, agencies, plans, tasks, report duties, assignments."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from data.models.base import Base, Key


class RegistryFile(Base):
    """One registry file as last loaded, with its whole content, which the rules read."""

    __tablename__ = "registry_file"
    path: Mapped[str] = mapped_column(String(200), primary_key=True)  # "plans/gia-lai-1901.yaml"
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    loaded_at: Mapped[datetime]


class Agency(Base):
    """One agency of a province, dissolved or not."""

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
    short: Mapped[str | None] = mapped_column(String(60))  # what people call it: "CMCN 4.0"
    issued_on: Mapped[date]
    coordinator_id: Mapped[int | None] = mapped_column(ForeignKey("agency.id"))  # as of today
    tracked_from: Mapped[date]
    closed_on: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]  # its file was removed


class Task(Base):
    """One task of a plan, for queries and search."""

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("plan_id", "code"),
        Index("ix_task_plan_id", "plan_id"),  # in the order of ids, by which figures group
    )
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
    withdrawn_at: Mapped[datetime | None]
