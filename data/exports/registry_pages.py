"""The registry as pages of an export: plans, tasks, who is on them, report duties, targets, agencies.

Promises what is loaded in the database, also what its files dropped since (marked as withdrawn), in the
documents' own words. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Executable, select

from data.exports.page import PLAN, Field, Page, Scope, listed, page_of
from data.models import Agency, Assignment, Plan, ReportDuty, Task
from data.registry.schema import PlanFile
from data.sheets.labels import FREQUENCIES

_CODE = Field("code", "Mã", 10)
_WITHDRAWN = Field("withdrawn_at", "Rút lúc", 16)


def _plans(scope: Scope) -> Executable:
    return (
        select(Plan.__table__, Agency.name.label("coordinator"))
        .outerjoin(Agency, Agency.id == Plan.coordinator_id)
        .where(scope.plans())
        .order_by(Plan.province, Plan.issued_on, Plan.code)
    )


def _plan(scope: Scope, row: Any) -> Sequence[Any]:
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


def _tasks(scope: Scope) -> Executable:
    return (
        select(Task.__table__, Plan.code.label("plan"))
        .join(Plan, Plan.id == Task.plan_id)
        .where(scope.plans())
        .order_by(Plan.code, Task.position, Task.id)
    )


def _task(scope: Scope, row: Any) -> Sequence[Any]:
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


def _assignments(scope: Scope) -> Executable:
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


def _duties(scope: Scope) -> Executable:
    return (
        select(ReportDuty.__table__, Plan.code.label("plan"))
        .join(Plan, Plan.id == ReportDuty.plan_id)
        .where(scope.plans())
        .order_by(Plan.code, ReportDuty.position, ReportDuty.id)
    )


def _duty(scope: Scope, row: Any) -> Sequence[Any]:
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


def _targets(scope: Scope) -> list[Sequence[Any]]:
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


def _files(scope: Scope) -> Iterator[tuple[str, PlanFile]]:
    for code, plan in scope.registry.plans.items():
        if scope.plan in (None, code) and scope.province in (None, plan.province):
            yield code, plan


def _agencies(scope: Scope) -> Executable:
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


def _successions(scope: Scope) -> list[Sequence[Any]]:
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
        if scope.home in (None, province.code)
        for passed in province.file.successions
    ]


REGISTRY_PAGES: tuple[Page, ...] = (
    page_of(
        "plans",
        "Kế hoạch",
        (
            Field("code", "Mã", 20),
            Field("province", "Tỉnh", 12),
            Field("number", "Số"),
            Field("title", "Tiêu đề", 60),
            Field("issued_on", "Ngày ban hành"),
            Field("signer", "Người ký", 20),
            Field("coordinator", "Cơ quan theo dõi", 30),
            Field("replaces", "Thay thế"),
            Field("tracked_from", "Theo dõi từ"),
            Field("closed_on", "Đóng sau ngày"),
            _WITHDRAWN,
        ),
        _plans,
        _plan,
    ),
    page_of(
        "tasks",
        "Nhiệm vụ",
        (
            PLAN,
            _CODE,
            Field("section", "Nhóm", 30),
            Field("text", "Nội dung", 70),
            Field("leads", "Chủ trì", 32),
            Field("supports", "Phối hợp", 32),
            Field("period", "Thời gian", 20),
            Field("ends_on", "Kết thúc"),
            _WITHDRAWN,
        ),
        _tasks,
        _task,
    ),
    page_of(
        "assignments",
        "Giao việc",
        (
            PLAN,
            _CODE,
            Field("agency_code", "Mã cơ quan"),
            Field("agency", "Cơ quan", 32),
            Field("valid_from", "Từ ngày"),
            Field("valid_until", "Đến hết ngày"),
            Field("needs_decision", "Chờ quyết định"),
            _WITHDRAWN,
        ),
        _assignments,
    ),
    page_of(
        "report_duties",
        "Chế độ báo cáo",
        (
            PLAN,
            _CODE,
            Field("clause", "Mục"),
            Field("title", "Tên", 30),
            Field("from", "Ai báo cáo", 32),
            Field("to", "Gửi", 30),
            Field("via", "Qua", 30),
            Field("frequency", "Kỳ", 12, FREQUENCIES),
            Field("deadline", "Hạn", 30),
            Field("quote", "Câu trích", 70),
            _WITHDRAWN,
        ),
        _duties,
        _duty,
    ),
    listed(
        "targets",
        "Chỉ tiêu",
        (
            PLAN,
            _CODE,
            Field("text", "Nội dung", 70),
            Field("year", "Năm", 8),
            Field("comparator", "So sánh", 10),
            Field("value", "Giá trị", 12),
            Field("unit", "Đơn vị", 12),
        ),
        _targets,
    ),
    page_of(
        "agencies",
        "Cơ quan",
        (
            Field("province", "Tỉnh", 12),
            Field("code", "Mã", 20),
            Field("name", "Tên", 44),
            Field("short", "Tên tắt", 24),
            Field("kind", "Loại"),
            Field("valid_from", "Từ ngày"),
            Field("valid_until", "Đến hết ngày"),
        ),
        _agencies,
    ),
    listed(
        "successions",
        "Kế thừa",
        (
            Field("province", "Tỉnh", 12),
            Field("from_code", "Mã cơ quan cũ", 20),
            Field("from", "Cơ quan cũ", 40),
            Field("to_code", "Mã cơ quan nhận", 20),
            Field("to", "Cơ quan nhận", 40),
            Field("on", "Từ ngày"),
            Field("part", "Phần việc", 30),
            Field("needs_decision", "Chờ quyết định"),
        ),
        _successions,
    ),
)
