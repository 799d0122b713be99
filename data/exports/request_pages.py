"""What was asked for and handed in as pages of an export: later dates, explanations, evidence, target values.

Promises as export_rows.py does that persons stand by name alone and nothing leads to a chat; files stand by
name, size and hash, never by content. Reads only.
"""

from __future__ import annotations

from sqlalchemy import Executable, select
from sqlalchemy.orm import aliased

from data.exports.page import (
    OBLIGATION_COLUMNS,
    PERSON_COLUMN,
    PLAN_COLUMN,
    ExportColumn,
    ExportPage,
    ExportScope,
    make_query_page,
    select_obligation_columns,
)
from data.models import (
    Agency,
    Evidence,
    Explanation,
    ExtensionRequest,
    Obligation,
    Person,
    Plan,
    TargetValue,
)
from data.sheets.labels import EXPLANATION_LABELS, EXTENSION_LABELS


def _requests(scope: ExportScope) -> Executable:
    asked = ExtensionRequest
    return (
        select_obligation_columns(
            asked,
            Obligation.agency_id,
            *(asked.asked_at, asked.until, asked.reason, Person.name),
            *(asked.state, asked.granted_until, asked.decided_at),
        )
        .outerjoin(Person, Person.id == asked.person_id)
        .where(scope.plans())
        .order_by(asked.id)
    )


def _explanations(scope: ExportScope) -> Executable:
    asking, answering = aliased(Person), aliased(Person)
    return (
        select_obligation_columns(
            Explanation,
            Explanation.agency_id,
            *(Explanation.state, Explanation.asked_at, Explanation.question, asking.name),
            *(Explanation.answered_at, Explanation.answer, answering.name),
        )
        .outerjoin(asking, asking.id == Explanation.asked_person_id)
        .outerjoin(answering, answering.id == Explanation.answered_person_id)
        .where(scope.plans())
        .order_by(Explanation.id)
    )


def _evidence(scope: ExportScope) -> Executable:
    return (
        select_obligation_columns(
            Evidence,
            Obligation.agency_id,
            *(Evidence.reply_id, Evidence.name, Evidence.mime, Evidence.size),
            *(Evidence.sha256, Evidence.kept_at, Person.name),
        )
        .outerjoin(Person, Person.id == Evidence.person_id)
        .where(scope.plans())
        .order_by(Evidence.id)
    )


def _target_values(scope: ExportScope) -> Executable:
    said, undoing = TargetValue, aliased(TargetValue)
    undone = select(undoing.id).where(undoing.undoes_id == said.id).exists()
    return (
        select(Plan.code, said.code, said.year, said.value, Agency.code, Agency.name)
        .add_columns(said.words, said.said_at, Person.name, undone)
        .join(Plan, Plan.id == said.plan_id)
        .join(Agency, Agency.id == said.agency_id)
        .outerjoin(Person, Person.id == said.person_id)
        # An undo holds no value; what it took back is marked instead.
        .where(scope.plans(), said.undoes_id.is_(None))
        .order_by(said.id)
    )


REQUEST_PAGES: tuple[ExportPage, ...] = (
    make_query_page(
        "extension_requests",
        "Xin gia hạn",
        (
            *OBLIGATION_COLUMNS,
            ExportColumn("asked_at", "Xin lúc", 17),
            ExportColumn("until", "Xin đến"),
            ExportColumn("reason", "Lý do", 50),
            PERSON_COLUMN,
            ExportColumn("state", "Kết quả", 20, EXTENSION_LABELS),
            ExportColumn("granted_until", "Được đến"),
            ExportColumn("decided_at", "Quyết định lúc", 17),
        ),
        _requests,
    ),
    make_query_page(
        "explanations",
        "Giải trình",
        (
            *OBLIGATION_COLUMNS,
            ExportColumn("state", "Tình trạng", 16, EXPLANATION_LABELS),
            ExportColumn("asked_at", "Hỏi lúc", 17),
            ExportColumn("question", "Câu hỏi", 50),
            ExportColumn("asked_by", "Người hỏi", 20),
            ExportColumn("answered_at", "Trả lời lúc", 17),
            ExportColumn("answer", "Trả lời", 50),
            ExportColumn("answered_by", "Người trả lời", 20),
        ),
        _explanations,
    ),
    make_query_page(
        "evidence",
        "Minh chứng",
        (
            *OBLIGATION_COLUMNS,
            ExportColumn("reply", "Số câu", 10),
            ExportColumn("name", "Tên tệp", 36),
            ExportColumn("mime", "Dạng", 20),
            ExportColumn("size", "Dung lượng (byte)"),
            ExportColumn("sha256", "SHA-256", 66),
            ExportColumn("kept_at", "Lúc", 17),
            PERSON_COLUMN,
        ),
        _evidence,
    ),
    make_query_page(
        "target_values",
        "Giá trị chỉ tiêu",
        (
            PLAN_COLUMN,
            ExportColumn("code", "Mã", 10),
            ExportColumn("year", "Năm", 8),
            ExportColumn("value", "Giá trị", 12),
            ExportColumn("agency_code", "Mã cơ quan"),
            ExportColumn("agency", "Cơ quan", 32),
            ExportColumn("words", "Lời đã gõ", 40),
            ExportColumn("said_at", "Lúc", 17),
            PERSON_COLUMN,
            ExportColumn("undone", "Đã rút lại", 10),
        ),
        _target_values,
    ),
)
