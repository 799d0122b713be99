"""What was asked for and handed in as pages of an export: later dates, explanations, evidence, target values.

Promises as export_rows.py does that persons stand by name alone and nothing leads to a chat; files stand by
name, size and hash, never by content. Reads only.
"""

from __future__ import annotations

from sqlalchemy import Executable, select
from sqlalchemy.orm import aliased

from data.exports.page import ABOUT, PERSON, PLAN, Field, Page, Scope, about, page_of
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
from data.sheets.labels import EXPLAINED, REQUESTED


def _requests(scope: Scope) -> Executable:
    asked = ExtensionRequest
    return (
        about(
            asked,
            Obligation.agency_id,
            *(asked.asked_at, asked.until, asked.reason, Person.name),
            *(asked.state, asked.granted_until, asked.decided_at),
        )
        .outerjoin(Person, Person.id == asked.person_id)
        .where(scope.plans())
        .order_by(asked.id)
    )


def _explanations(scope: Scope) -> Executable:
    asking, answering = aliased(Person), aliased(Person)
    return (
        about(
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


def _evidence(scope: Scope) -> Executable:
    return (
        about(
            Evidence,
            Obligation.agency_id,
            *(Evidence.reply_id, Evidence.name, Evidence.mime, Evidence.size),
            *(Evidence.sha256, Evidence.kept_at, Person.name),
        )
        .outerjoin(Person, Person.id == Evidence.person_id)
        .where(scope.plans())
        .order_by(Evidence.id)
    )


def _target_values(scope: Scope) -> Executable:
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


ASKED_PAGES: tuple[Page, ...] = (
    page_of(
        "extension_requests",
        "Xin gia hạn",
        (
            *ABOUT,
            Field("asked_at", "Xin lúc", 17),
            Field("until", "Xin đến"),
            Field("reason", "Lý do", 50),
            PERSON,
            Field("state", "Kết quả", 20, REQUESTED),
            Field("granted_until", "Được đến"),
            Field("decided_at", "Quyết định lúc", 17),
        ),
        _requests,
    ),
    page_of(
        "explanations",
        "Giải trình",
        (
            *ABOUT,
            Field("state", "Tình trạng", 16, EXPLAINED),
            Field("asked_at", "Hỏi lúc", 17),
            Field("question", "Câu hỏi", 50),
            Field("asked_by", "Người hỏi", 20),
            Field("answered_at", "Trả lời lúc", 17),
            Field("answer", "Trả lời", 50),
            Field("answered_by", "Người trả lời", 20),
        ),
        _explanations,
    ),
    page_of(
        "evidence",
        "Minh chứng",
        (
            *ABOUT,
            Field("reply", "Số câu", 10),
            Field("name", "Tên tệp", 36),
            Field("mime", "Dạng", 20),
            Field("size", "Dung lượng (byte)"),
            Field("sha256", "SHA-256", 66),
            Field("kept_at", "Lúc", 17),
            PERSON,
        ),
        _evidence,
    ),
    page_of(
        "target_values",
        "Giá trị chỉ tiêu",
        (
            PLAN,
            Field("code", "Mã", 10),
            Field("year", "Năm", 8),
            Field("value", "Giá trị", 12),
            Field("agency_code", "Mã cơ quan"),
            Field("agency", "Cơ quan", 32),
            Field("words", "Lời đã gõ", 40),
            Field("said_at", "Lúc", 17),
            PERSON,
            Field("undone", "Đã rút lại", 10),
        ),
        _target_values,
    ),
)
