"""Pages of extension requests, explanations, evidence and target values.

Guarantees:
- Persons appear by name alone.
- Files appear by name, size and hash, never by content.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import aliased

from data.exports.page import (
    AGENCY_CODE_COLUMN,
    AGENCY_COLUMN,
    OBLIGATION_COLUMNS,
    PERSON_COLUMN,
    PLAN_COLUMN,
    ExportColumn,
    ExportPage,
    join_obligation,
    make_query_page,
)
from data.models import (
    Agency,
    DutyForm,
    Evidence,
    Explanation,
    ExtensionRequest,
    Person,
    Plan,
    ReportDuty,
    TargetValue,
)
from data.sheets.labels import EXPLANATION_LABELS, EXTENSION_LABELS

_EXTENSION_REQUESTS = make_query_page(
    "extension_requests",
    "Đề nghị gia hạn",
    (
        *OBLIGATION_COLUMNS,
        ExportColumn("asked_at", "Đề nghị lúc", 17, ExtensionRequest.asked_at),
        ExportColumn("until", "Đề nghị đến", 14, ExtensionRequest.until),
        ExportColumn("reason", "Lý do", 50, ExtensionRequest.reason),
        PERSON_COLUMN,
        ExportColumn("state", "Kết quả", 20, ExtensionRequest.state, EXTENSION_LABELS),
        ExportColumn("granted_until", "Được đến", 14, ExtensionRequest.granted_until),
        ExportColumn("decided_at", "Quyết định lúc", 17, ExtensionRequest.decided_at),
    ),
    lambda query: (
        join_obligation(query, ExtensionRequest)
        .outerjoin(Person, Person.id == ExtensionRequest.person_id)
        .order_by(ExtensionRequest.id)
    ),
)

_asker, _answerer = aliased(Person), aliased(Person)
_EXPLANATIONS = make_query_page(
    "explanations",
    "Giải trình",
    (
        *OBLIGATION_COLUMNS,
        ExportColumn("state", "Tình trạng", 16, Explanation.state, EXPLANATION_LABELS),
        ExportColumn("asked_at", "Hỏi lúc", 17, Explanation.asked_at),
        ExportColumn("question", "Câu hỏi", 50, Explanation.question),
        ExportColumn("asked_by", "Người hỏi", 20, _asker.name),
        ExportColumn("answered_at", "Trả lời lúc", 17, Explanation.answered_at),
        ExportColumn("answer", "Trả lời", 50, Explanation.answer),
        ExportColumn("answered_by", "Người trả lời", 20, _answerer.name),
    ),
    lambda query: (
        join_obligation(query, Explanation, Explanation.agency_id)
        .outerjoin(_asker, _asker.id == Explanation.asked_person_id)
        .outerjoin(_answerer, _answerer.id == Explanation.answered_person_id)
        .order_by(Explanation.id)
    ),
)

_EVIDENCE = make_query_page(
    "evidence",
    "Minh chứng",
    (
        *OBLIGATION_COLUMNS,
        ExportColumn("reply", "Số câu", 10, Evidence.reply_id),
        ExportColumn("name", "Tên tệp", 36, Evidence.name),
        ExportColumn("mime", "Dạng", 20, Evidence.mime),
        ExportColumn("size", "Dung lượng (byte)", 14, Evidence.size),
        ExportColumn("sha256", "SHA-256", 66, Evidence.sha256),
        ExportColumn("document", "Văn bản ghi kèm", 20, Evidence.document),
        ExportColumn("document_on", "Ngày văn bản", 12, Evidence.document_on),
        ExportColumn("kept_at", "Lúc", 17, Evidence.kept_at),
        PERSON_COLUMN,
    ),
    lambda query: (
        join_obligation(query, Evidence)
        .outerjoin(Person, Person.id == Evidence.person_id)
        .order_by(Evidence.id)
    ),
)

_FORMS = make_query_page(
    "forms",
    "Mẫu báo cáo",
    (
        PLAN_COLUMN,
        ExportColumn("code", "Mã", 10, ReportDuty.code),
        ExportColumn("name", "Tên tệp", 36, DutyForm.name),
        ExportColumn("mime", "Dạng", 20, DutyForm.mime),
        ExportColumn("size", "Dung lượng (byte)", 14, DutyForm.size),
        ExportColumn("sha256", "SHA-256", 66, DutyForm.sha256),
        ExportColumn("attached_at", "Gắn lúc", 17, DutyForm.attached_at),
        ExportColumn("attached_by", "Nơi gắn", 32, DutyForm.attached_by),
        ExportColumn("removed_at", "Gỡ lúc", 17, DutyForm.removed_at),
        ExportColumn("removed_by", "Nơi gỡ", 32, DutyForm.removed_by),
        PERSON_COLUMN,
    ),
    lambda query: (
        query.select_from(DutyForm)
        .join(ReportDuty, ReportDuty.id == DutyForm.duty_id)
        .join(Plan, Plan.id == ReportDuty.plan_id)
        .outerjoin(Person, Person.id == DutyForm.person_id)
        .order_by(DutyForm.id)
    ),
)

_undo = aliased(TargetValue)
_undone = select(_undo.id).where(_undo.undoes_id == TargetValue.id).exists()
_TARGET_VALUES = make_query_page(
    "target_values",
    "Giá trị chỉ tiêu",
    (
        PLAN_COLUMN,
        ExportColumn("code", "Mã", 10, TargetValue.code),
        ExportColumn("year", "Năm", 8, TargetValue.year),
        ExportColumn("value", "Giá trị", 12, TargetValue.value),
        AGENCY_CODE_COLUMN,
        AGENCY_COLUMN,
        ExportColumn("words", "Lời đã gõ", 40, TargetValue.words),
        ExportColumn("said_at", "Lúc", 17, TargetValue.said_at),
        PERSON_COLUMN,
        ExportColumn("undone", "Đã rút lại", 10, _undone),
    ),
    lambda query: (
        query.select_from(TargetValue)
        .join(Plan, Plan.id == TargetValue.plan_id)
        .join(Agency, Agency.id == TargetValue.agency_id)
        .outerjoin(Person, Person.id == TargetValue.person_id)
        # An undo holds no value; the value that it took back is marked instead.
        .where(TargetValue.undoes_id.is_(None))
        .order_by(TargetValue.id)
    ),
)

REQUEST_PAGES: tuple[ExportPage, ...] = (
    _EXTENSION_REQUESTS,
    _EXPLANATIONS,
    _EVIDENCE,
    _FORMS,
    _TARGET_VALUES,
)
