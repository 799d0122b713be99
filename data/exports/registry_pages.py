"""The registry as pages of an export: plans, tasks, who is on them, report duties, targets, agencies.

Promises what is loaded in the database, also what its files dropped since (marked as withdrawn), in the
documents' own words. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Executable, select

from data.exports.page import (
    PLAN_COLUMN,
    ExportColumn,
    ExportPage,
    ExportScope,
    make_query_page,
    make_static_page,
)
from data.models import Agency, Assignment, Plan, ReportDuty, Task
from data.registry.schema import PlanFile
from data.sheets.labels import FREQUENCY_LABELS

_CODE = ExportColumn("code", "Mã", 10)
_WITHDRAWN = ExportColumn("withdrawn_at", "Rút lúc", 16)


def _plans(scope: ExportScope) -> Executable:
    return (
        select(Plan.__table__, Agency.name.label("coordinator"))
        .outerjoin(Agency, Agency.id == Plan.coordinator_id)
        .where(scope.plans())
        .order_by(Plan.province, Plan.issued_on, Plan.code)
    )


def _plan(scope: ExportScope, row: Any) -> Sequence[Any]:
    file = scope.registry.plans.get(row.code)
    return (
        row.code,
        row.province,
        row.number,
        row.title,
        row.issued_on,
        file.signer if file else None,
        row.coordinator,
        file.replaces if file else None,
        row.tracked_from,
        row.closed_on,
        row.withdrawn_at,
    )


def _tasks(scope: ExportScope) -> Executable:
    return (
        select(Task.__table__, Plan.code.label("plan"))
        .join(Plan, Plan.id == Task.plan_id)
        .where(scope.plans())
        .order_by(Plan.code, Task.position, Task.id)
    )


def _task(scope: ExportScope, row: Any) -> Sequence[Any]:
    file = scope.registry.plans.get(row.plan)
    entry = _entry(file.tasks if file else (), row.code)
    return (
        row.plan,
        row.code,
        row.section,
        row.text,
        list(entry.leads) if entry else [],
        list(entry.supports) if entry else [],
        row.period_raw,
        row.ends_on,
        row.withdrawn_at,
    )


def _assignments(scope: ExportScope) -> Executable:
    return (
        select(
            Plan.code,
            Task.code,
            Agency.code,
            Agency.name,
            Assignment.valid_from,
            Assignment.valid_until,
            Assignment.needs_decision,
            Assignment.withdrawn_at,
        )
        .join(Task, Task.id == Assignment.task_id)
        .join(Plan, Plan.id == Task.plan_id)
        .join(Agency, Agency.id == Assignment.agency_id)
        .where(scope.plans())
        .order_by(Assignment.id)
    )


def _duties(scope: ExportScope) -> Executable:
    return (
        select(ReportDuty.__table__, Plan.code.label("plan"))
        .join(Plan, Plan.id == ReportDuty.plan_id)
        .where(scope.plans())
        .order_by(Plan.code, ReportDuty.position, ReportDuty.id)
    )


def _duty(scope: ExportScope, row: Any) -> Sequence[Any]:
    file = scope.registry.plans.get(row.plan)
    entry = _entry(file.report_duties if file else (), row.code)
    return (
        row.plan,
        row.code,
        row.clause,
        row.title,
        list(entry.from_) if entry else [],
        row.receiver,
        row.via,
        row.frequency,
        entry.deadline.raw if entry and entry.deadline else None,
        row.quote,
        row.withdrawn_at,
    )


def _entry(entries: Sequence[Any], code: str) -> Any:
    return next((entry for entry in entries if entry.code == code), None)


def _targets(scope: ExportScope) -> list[Sequence[Any]]:
    return [
        (
            code,
            target.code,
            target.text,
            target.year,
            target.comparator,
            "-".join(f"{part:g}" for part in target.value)
            if isinstance(target.value, tuple)
            else target.value,
            target.unit,
        )
        for code, plan in _files(scope)
        for target in plan.targets
    ]


def _files(scope: ExportScope) -> Iterator[tuple[str, PlanFile]]:
    for code, plan in scope.registry.plans.items():
        if scope.plan in (None, code) and scope.province in (None, plan.province):
            yield code, plan


def _agencies(scope: ExportScope) -> Executable:
    return (
        select(
            Agency.province,
            Agency.code,
            Agency.name,
            Agency.short,
            Agency.kind,
            Agency.valid_from,
            Agency.valid_until,
        )
        .where(scope.agencies())
        .order_by(Agency.province, Agency.position, Agency.id)
    )


def _successions(scope: ExportScope) -> list[Sequence[Any]]:
    return [
        (
            province.code,
            passed.from_,
            province.agencies[passed.from_].name,
            passed.to,
            province.agencies[passed.to].name,
            passed.on,
            passed.part,
            passed.needs_decision,
        )
        for province in scope.registry.provinces.values()
        if scope.only_province in (None, province.code)
        for passed in province.file.successions
    ]


REGISTRY_PAGES: tuple[ExportPage, ...] = (
    make_query_page(
        "plans",
        "Kế hoạch",
        (
            ExportColumn("code", "Mã", 20),
            ExportColumn("province", "Tỉnh", 12),
            ExportColumn("number", "Số"),
            ExportColumn("title", "Tiêu đề", 60),
            ExportColumn("issued_on", "Ngày ban hành"),
            ExportColumn("signer", "Người ký", 20),
            ExportColumn("coordinator", "Cơ quan theo dõi", 30),
            ExportColumn("replaces", "Thay thế"),
            ExportColumn("tracked_from", "Theo dõi từ"),
            ExportColumn("closed_on", "Đóng sau ngày"),
            _WITHDRAWN,
        ),
        _plans,
        _plan,
    ),
    make_query_page(
        "tasks",
        "Nhiệm vụ",
        (
            PLAN_COLUMN,
            _CODE,
            ExportColumn("section", "Nhóm", 30),
            ExportColumn("text", "Nội dung", 70),
            ExportColumn("leads", "Chủ trì", 32),
            ExportColumn("supports", "Phối hợp", 32),
            ExportColumn("period", "Thời gian", 20),
            ExportColumn("ends_on", "Kết thúc"),
            _WITHDRAWN,
        ),
        _tasks,
        _task,
    ),
    make_query_page(
        "assignments",
        "Giao việc",
        (
            PLAN_COLUMN,
            _CODE,
            ExportColumn("agency_code", "Mã cơ quan"),
            ExportColumn("agency", "Cơ quan", 32),
            ExportColumn("valid_from", "Từ ngày"),
            ExportColumn("valid_until", "Đến hết ngày"),
            ExportColumn("needs_decision", "Chờ quyết định"),
            _WITHDRAWN,
        ),
        _assignments,
    ),
    make_query_page(
        "report_duties",
        "Chế độ báo cáo",
        (
            PLAN_COLUMN,
            _CODE,
            ExportColumn("clause", "Mục"),
            ExportColumn("title", "Tên", 30),
            ExportColumn("from", "Ai báo cáo", 32),
            ExportColumn("to", "Gửi", 30),
            ExportColumn("via", "Qua", 30),
            ExportColumn("frequency", "Kỳ", 12, FREQUENCY_LABELS),
            ExportColumn("deadline", "Hạn", 30),
            ExportColumn("quote", "Câu trích", 70),
            _WITHDRAWN,
        ),
        _duties,
        _duty,
    ),
    make_static_page(
        "targets",
        "Chỉ tiêu",
        (
            PLAN_COLUMN,
            _CODE,
            ExportColumn("text", "Nội dung", 70),
            ExportColumn("year", "Năm", 8),
            ExportColumn("comparator", "So sánh", 10),
            ExportColumn("value", "Giá trị", 12),
            ExportColumn("unit", "Đơn vị", 12),
        ),
        _targets,
    ),
    make_query_page(
        "agencies",
        "Cơ quan",
        (
            ExportColumn("province", "Tỉnh", 12),
            ExportColumn("code", "Mã", 20),
            ExportColumn("name", "Tên", 44),
            ExportColumn("short", "Tên tắt", 24),
            ExportColumn("kind", "Loại"),
            ExportColumn("valid_from", "Từ ngày"),
            ExportColumn("valid_until", "Đến hết ngày"),
        ),
        _agencies,
    ),
    make_static_page(
        "successions",
        "Kế thừa",
        (
            ExportColumn("province", "Tỉnh", 12),
            ExportColumn("from_code", "Mã cơ quan cũ", 20),
            ExportColumn("from", "Cơ quan cũ", 40),
            ExportColumn("to_code", "Mã cơ quan nhận", 20),
            ExportColumn("to", "Cơ quan nhận", 40),
            ExportColumn("on", "Từ ngày"),
            ExportColumn("part", "Phần việc", 30),
            ExportColumn("needs_decision", "Chờ quyết định"),
        ),
        _successions,
    ),
)
