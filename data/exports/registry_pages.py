"""Pages of the registry: plans, tasks, assignments, report duties, targets, agencies, successions.

Guarantees:
- An entry that its file no longer has is exported too, with the instant at which it was withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from data.exports.page import (
    AGENCY_CODE_COLUMN,
    AGENCY_COLUMN,
    PLAN_COLUMN,
    ExportColumn,
    ExportPage,
    ExportScope,
    make_query_page,
    make_registry_page,
)
from data.models import Agency, Assignment, Plan, ReportDuty, Task
from data.registry.province import Province
from data.registry.schema import (
    AgencyEntry,
    ReportDutyEntry,
    SuccessionEntry,
    TargetEntry,
    TaskEntry,
)
from data.sheets.labels import FREQUENCY_LABELS

_PLANS = make_query_page(
    "plans",
    "Kế hoạch",
    (
        ExportColumn("code", "Mã", 20, Plan.code),
        ExportColumn("province", "Tỉnh", 12, Plan.province),
        ExportColumn("number", "Số", 14, Plan.number),
        ExportColumn("title", "Tiêu đề", 60, Plan.title),
        ExportColumn("issued_on", "Ngày ban hành", 14, Plan.issued_on),
        ExportColumn("signer", "Người ký", 20, read=lambda file: file.signer if file else None),
        ExportColumn("coordinator", "Cơ quan theo dõi", 30, Agency.name),
        ExportColumn("replaces", "Thay thế", 14, read=lambda file: file.replaces if file else None),
        ExportColumn("tracked_from", "Theo dõi từ", 14, Plan.tracked_from),
        ExportColumn("closed_on", "Đóng sau ngày", 14, Plan.closed_on),
        ExportColumn("withdrawn_at", "Rút lúc", 16, Plan.withdrawn_at),
    ),
    lambda query: (
        query.select_from(Plan)
        .outerjoin(Agency, Agency.id == Plan.coordinator_id)
        .order_by(Plan.province, Plan.issued_on, Plan.code)
    ),
    source=lambda scope, row: scope.registry.plans.get(row.code),
)


def _task_entry(scope: ExportScope, row: Any) -> TaskEntry | None:
    file = scope.registry.plans.get(row.plan)
    return next((task for task in file.tasks if task.code == row.code), None) if file else None


_TASKS = make_query_page(
    "tasks",
    "Nhiệm vụ",
    (
        PLAN_COLUMN,
        ExportColumn("code", "Mã", 10, Task.code),
        ExportColumn("section", "Nhóm", 30, Task.section),
        ExportColumn("text", "Nội dung", 70, Task.text),
        ExportColumn("leads", "Chủ trì", 32, read=lambda task: task.leads if task else []),
        ExportColumn("supports", "Phối hợp", 32, read=lambda task: task.supports if task else []),
        ExportColumn("period", "Thời gian", 20, Task.period_raw),
        ExportColumn("ends_on", "Kết thúc", 14, Task.ends_on),
        ExportColumn("withdrawn_at", "Rút lúc", 16, Task.withdrawn_at),
    ),
    lambda query: (
        query.select_from(Task)
        .join(Plan, Plan.id == Task.plan_id)
        .order_by(Plan.code, Task.position, Task.id)
    ),
    source=_task_entry,
)

_ASSIGNMENTS = make_query_page(
    "assignments",
    "Giao nhiệm vụ",
    (
        PLAN_COLUMN,
        ExportColumn("code", "Mã", 10, Task.code),
        AGENCY_CODE_COLUMN,
        AGENCY_COLUMN,
        ExportColumn("valid_from", "Từ ngày", 14, Assignment.valid_from),
        ExportColumn("valid_until", "Đến hết ngày", 14, Assignment.valid_until),
        ExportColumn("needs_decision", "Chờ quyết định", 14, Assignment.needs_decision),
        ExportColumn("withdrawn_at", "Rút lúc", 16, Assignment.withdrawn_at),
    ),
    lambda query: (
        query.select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .join(Plan, Plan.id == Task.plan_id)
        .join(Agency, Agency.id == Assignment.agency_id)
        .order_by(Assignment.id)
    ),
)


def _duty_entry(scope: ExportScope, row: Any) -> ReportDutyEntry | None:
    file = scope.registry.plans.get(row.plan)
    return next((duty for duty in file.duties if duty.code == row.code), None) if file else None


_REPORT_DUTIES = make_query_page(
    "report_duties",
    "Chế độ báo cáo",
    (
        PLAN_COLUMN,
        ExportColumn("code", "Mã", 10, ReportDuty.code),
        ExportColumn("clause", "Mục", 14, ReportDuty.clause),
        ExportColumn("title", "Tên", 30, ReportDuty.title),
        ExportColumn("from", "Ai báo cáo", 32, read=lambda duty: duty.from_ if duty else []),
        ExportColumn("to", "Gửi", 30, ReportDuty.receiver),
        ExportColumn("via", "Qua", 30, ReportDuty.via),
        ExportColumn("frequency", "Kỳ", 12, ReportDuty.frequency, FREQUENCY_LABELS),
        ExportColumn(
            "deadline",
            "Hạn",
            30,
            read=lambda duty: duty.deadline.raw if duty and duty.deadline else None,
        ),
        ExportColumn("quote", "Câu trích", 70, ReportDuty.quote),
        ExportColumn("withdrawn_at", "Rút lúc", 16, ReportDuty.withdrawn_at),
    ),
    lambda query: (
        query.select_from(ReportDuty)
        .join(Plan, Plan.id == ReportDuty.plan_id)
        .order_by(Plan.code, ReportDuty.position, ReportDuty.id)
    ),
    source=_duty_entry,
)


class _PlanTarget(NamedTuple):
    plan_code: str
    target: TargetEntry


def _list_targets(scope: ExportScope) -> Iterator[_PlanTarget]:
    for code, plan in scope.registry.plans.items():
        if scope.plan in (None, code) and scope.province in (None, plan.province):
            for target in plan.targets:
                yield _PlanTarget(code, target)


def _target_value(each: _PlanTarget) -> float | str | None:
    value = each.target.value
    return "-".join(f"{part:g}" for part in value) if isinstance(value, tuple) else value


_TARGETS = make_registry_page(
    "targets",
    "Chỉ tiêu",
    (
        ExportColumn("plan", "Kế hoạch", 20, read=lambda each: each.plan_code),
        ExportColumn("code", "Mã", 10, read=lambda each: each.target.code),
        ExportColumn("text", "Nội dung", 70, read=lambda each: each.target.text),
        ExportColumn("year", "Năm", 8, read=lambda each: each.target.year),
        ExportColumn("comparator", "So sánh", 10, read=lambda each: each.target.comparator),
        ExportColumn("value", "Giá trị", 12, read=_target_value),
        ExportColumn("unit", "Đơn vị", 12, read=lambda each: each.target.unit),
    ),
    _list_targets,
)

_AGENCIES = make_query_page(
    "agencies",
    "Cơ quan",
    (
        ExportColumn("province", "Tỉnh", 12, Agency.province),
        ExportColumn("code", "Mã", 20, Agency.code),
        ExportColumn("name", "Tên", 44, Agency.name),
        ExportColumn("short", "Tên tắt", 24, Agency.short),
        ExportColumn("kind", "Loại", 14, Agency.kind),
        ExportColumn("valid_from", "Từ ngày", 14, Agency.valid_from),
        ExportColumn("valid_until", "Đến hết ngày", 14, Agency.valid_until),
    ),
    lambda query: query.order_by(Agency.province, Agency.position, Agency.id),
    where=ExportScope.agencies,
)


class _ProvinceSuccession(NamedTuple):
    province: Province
    entry: SuccessionEntry

    @property
    def old(self) -> AgencyEntry:
        return self.province.agencies[self.entry.from_]

    @property
    def new(self) -> AgencyEntry:
        return self.province.agencies[self.entry.to]


def _list_successions(scope: ExportScope) -> Iterator[_ProvinceSuccession]:
    for province in scope.registry.provinces.values():
        if scope.only_province in (None, province.code):
            for entry in province.file.successions:
                yield _ProvinceSuccession(province, entry)


_SUCCESSIONS = make_registry_page(
    "successions",
    "Kế thừa",
    (
        ExportColumn("province", "Tỉnh", 12, read=lambda each: each.province.code),
        ExportColumn("from_code", "Mã cơ quan cũ", 20, read=lambda each: each.old.code),
        ExportColumn("from", "Cơ quan cũ", 40, read=lambda each: each.old.name),
        ExportColumn("to_code", "Mã cơ quan nhận", 20, read=lambda each: each.new.code),
        ExportColumn("to", "Cơ quan nhận", 40, read=lambda each: each.new.name),
        ExportColumn("on", "Từ ngày", 14, read=lambda each: each.entry.on),
        ExportColumn("part", "Phần thực hiện", 30, read=lambda each: each.entry.part),
        ExportColumn(
            "needs_decision", "Chờ quyết định", 14, read=lambda each: each.entry.needs_decision
        ),
    ),
    _list_successions,
)

REGISTRY_PAGES: tuple[ExportPage, ...] = (
    _PLANS,
    _TASKS,
    _ASSIGNMENTS,
    _REPORT_DUTIES,
    _TARGETS,
    _AGENCIES,
    _SUCCESSIONS,
)
