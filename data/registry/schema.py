"""Models of the registry's files: a plan, a province's agencies, a year's calendar.

Unknown keys are faults. Checks within one file are here; registry.py checks files against each other.
"""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

NonEmptyText = Annotated[str, Field(min_length=1)]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-zĐđ][0-9A-Za-zĐđ.\-]*$", max_length=40)]
_WALL = r"^([01]\d|2[0-3]):[0-5]\d$"  # a wall-clock time
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9\-]*$", max_length=60)]

PeriodKind = Literal[
    "fixed",
    "fixed_deadline_only",
    "open_ended",
    "recurring_annual",
    "conditional",
    "not_stated",
    "missing",
]
Frequency = Literal[
    "annual",
    "semiannual",
    "quarterly",
    "monthly",
    "every_3_years",
    "every_5_years",
    "one_off",
    "ad_hoc",
]
InsideKind = Literal[
    "committee",  # Ủy ban nhân dân tỉnh
    "steering",  # ban chỉ đạo
    "office",  # Văn phòng UBND tỉnh
    "department",  # sở
    "inspectorate",  # Thanh tra tỉnh
    "board",  # ban quản lý, ban dân tộc
    "public_unit",  # đơn vị sự nghiệp
    "district",  # UBND huyện, thị xã, thành phố (đến 30/6/2025)
    "commune",  # UBND xã, phường
]
# Outside the People's Committee: asked ("đề nghị"), never escalated.
OutsideKind = Literal[
    "party",
    "front",
    "mass_organisation",
    "association",
    "press",
    "police",
    "military",
    "bank",
    "social_insurance",
    "statistics",
    "justice",
    "enterprise",
]
AgencyKind = InsideKind | OutsideKind
OUTSIDE_KINDS: frozenset[str] = frozenset(get_args(OutsideKind))


class RegistryEntry(BaseModel):
    """Base of all entries of a file: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Period(RegistryEntry):
    """The period of a task, as written and as understood (years, both inclusive)."""

    raw: str
    kind: PeriodKind
    start_year: int | None = Field(default=None, ge=1990, le=2100)
    end_year: int | None = Field(default=None, ge=1990, le=2100)

    @model_validator(mode="after")
    def _agrees_with_its_kind(self) -> Self:
        if self.kind == "fixed" and (self.start_year is None or self.end_year is None):
            raise ValueError("giai đoạn «fixed» cần start_year và end_year.")
        if self.kind == "fixed_deadline_only" and self.end_year is None:
            raise ValueError("giai đoạn «fixed_deadline_only» cần end_year.")
        if self.start_year and self.end_year and self.start_year > self.end_year:
            raise ValueError("start_year sau end_year. Hãy đổi lại.")
        if self.kind not in ("fixed", "fixed_deadline_only") and self.end_year is not None:
            raise ValueError(f"giai đoạn «{self.kind}» không có end_year.")
        return self


class TaskEntry(RegistryEntry):
    """One task (nhiệm vụ) of a plan; leads and supports are the document's own words."""

    code: Code
    section: str | None = None
    text: NonEmptyText
    short: Annotated[str, Field(min_length=5, max_length=110)] | None = None  # its name in lists
    leads: list[NonEmptyText] = []
    supports: list[NonEmptyText] = []
    actions: list[NonEmptyText] = []
    period: Period


class Deadline(RegistryEntry):
    """When a report is due: `before` excludes the day, `on` includes it."""

    operator: Literal["before", "on"]
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    year: int | None = Field(default=None, ge=1990, le=2100)
    raw: NonEmptyText

    @model_validator(mode="after")
    def _is_a_day(self) -> Self:
        try:
            date(self.year or 2024, self.month, self.day)
        except ValueError:
            raise ValueError(f"không có ngày {self.day}/{self.month}. Hãy sửa lại.") from None
        return self


class ReportDutyEntry(RegistryEntry):
    """One reporting regime (chế độ báo cáo): its owners, receiver, frequency and deadline."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, populate_by_name=True
    )

    code: Code
    clause: NonEmptyText  # where in the document, as people cite it: "mục V.5"
    from_: list[NonEmptyText] = Field(alias="from")
    to: NonEmptyText
    via: str | None = None
    frequency: Frequency
    deadline: Deadline | None = None
    quote: NonEmptyText

    @model_validator(mode="after")
    def _one_off_has_its_year(self) -> Self:
        if self.frequency == "one_off" and (self.deadline is None or self.deadline.year is None):
            raise ValueError("báo cáo một lần (one_off) cần ngày có năm.")
        if self.frequency == "ad_hoc" and self.deadline is not None:
            raise ValueError("báo cáo đột xuất (ad_hoc) không có hạn; bỏ deadline.")
        return self


# The code, in every plan, of tasks that its coordinator gives in chat: "giao thêm".
GIVEN_CODE = "GT"


class TargetEntry(RegistryEntry):
    """One target (chỉ tiêu); value and comparator are null where the document gives no figure."""

    code: Code
    text: NonEmptyText
    year: int | None = None
    comparator: Literal[">=", ">", "=", "<=", "<", "range"] | None = None
    value: float | tuple[float, float] | None = None
    unit: str | None = None


class PlanFile(RegistryEntry):
    """One plan (kế hoạch): all content of its document that is tracked."""

    number: Annotated[str, Field(pattern=r"^\d+/[A-ZĐ\-]+$")]
    province: Slug
    title: NonEmptyText
    short: Annotated[str, Field(min_length=2, max_length=60)] | None = None  # what people call it
    issued_on: date
    signer: NonEmptyText
    coordinator: NonEmptyText
    replaces: str | None = None
    source: NonEmptyText  # the document's file name; texts are checked against it
    legal_bases: list[NonEmptyText] = []
    notes: list[NonEmptyText] = []  # for readers of the document: gaps, repeats, doubts
    ladder: dict[Literal["report", "phase_end"], list[int]] | None = None
    tasks: list[TaskEntry] = []
    report_duties: list[ReportDutyEntry] = []
    targets: list[TargetEntry] = []

    @model_validator(mode="after")
    def _keeps_the_code_of_given_tasks_free(self) -> Self:
        codes = {task.code for task in self.tasks} | {duty.code for duty in self.report_duties}
        if GIVEN_CODE in codes:
            raise ValueError(
                f"mã {GIVEN_CODE} dành cho nhiệm vụ giao thêm bằng /mo; hãy đặt mã khác."
            )
        return self

    @cached_property
    def duties(self) -> tuple[ReportDutyEntry, ...]:
        """Return the report duties, and the one under which tasks given in chat are kept."""
        given = ReportDutyEntry(
            code=GIVEN_CODE,
            clause="giao thêm",
            from_=[],
            to=self.coordinator,
            frequency="ad_hoc",
            quote="nhiệm vụ cơ quan theo dõi giao thêm qua Hệ thống",
        )
        return (*self.report_duties, given)


class AgencyEntry(RegistryEntry):
    """One agency (cơ quan); valid from and until are inclusive civil dates."""

    code: Slug
    name: NonEmptyText
    short: str | None = None
    kind: AgencyKind
    spellings: list[NonEmptyText] = []
    valid_from: date | None = None
    valid_until: date | None = None
    territory: Slug | None = None  # of a commune: its province before the merger
    unverified: str | None = None

    @model_validator(mode="after")
    def _lives_forward(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from sau valid_until. Hãy đổi lại.")
        return self


class MemberRule(RegistryEntry):
    """Members of a group between two inclusive dates: by kind, or by code."""

    kinds: list[AgencyKind] = []
    agencies: list[Slug] = []
    valid_from: date | None = None
    valid_until: date | None = None


class GroupEntry(RegistryEntry):
    """A group named in documents ("các sở, ban, ngành"); without members nobody is reminded."""

    code: Slug
    name: NonEmptyText
    spellings: list[NonEmptyText]
    members: list[MemberRule] = []


class SuccessionEntry(RegistryEntry):
    """Agency `from` passes its work to agency `to` from a date.

    part: the field of work that passed; None: the whole, or the bulk of it. needs_decision: the work was
    split, so a person decides task by task.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, populate_by_name=True
    )

    from_: Slug = Field(alias="from")
    to: Slug
    on: date
    part: str | None = None
    needs_decision: bool = False
    unverified: str | None = None


class Escalation(RegistryEntry):
    """Working days late after which the coordinating agency, then the leaders, are told."""

    coordinator: int = Field(default=3, ge=1)
    leader: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.leader < self.coordinator:
            raise ValueError("escalation: lãnh đạo không được báo trước cơ quan theo dõi.")
        return self


class ProvinceFile(RegistryEntry):
    """A province's agencies, groups and successions, and its few settings."""

    province: Slug
    name: NonEmptyText
    merged_on: date | None = None  # from this day its communes include another province's
    morning: Annotated[str, Field(pattern=_WALL)] = "07:30"
    judged_strictly: bool = False
    most_extensions: int = Field(default=1, ge=0)  # granted, for one obligation
    escalation: Escalation = Escalation()
    agencies: list[AgencyEntry]
    groups: list[GroupEntry] = []
    successions: list[SuccessionEntry] = []


class DayEntry(RegistryEntry):
    """One day that differs from its weekday, with the reason as people call it."""

    date: date
    reason: NonEmptyText


class CalendarFile(RegistryEntry):
    """The days off and the worked weekend days of one year; an unconfirmed year is "dự kiến"."""

    year: int = Field(ge=2000, le=2100)
    confirmed: bool
    source: NonEmptyText
    days_off: list[DayEntry]
    days_worked: list[DayEntry] = []

    @model_validator(mode="after")
    def _holds_its_own_year_once(self) -> Self:
        days = [entry.date for entry in (*self.days_off, *self.days_worked)]
        strangers = [day for day in days if day.year != self.year]
        if strangers:
            raise ValueError(f"ngày {strangers[0]} không thuộc năm {self.year}.")
        if len(set(days)) != len(days):
            raise ValueError("có ngày ghi hai lần. Hãy bỏ bớt.")
        if any(entry.date.weekday() < 5 for entry in self.days_worked):
            raise ValueError("days_worked chỉ ghi thứ Bảy, Chủ nhật phải làm bù.")
        return self
