"""Why something is not done yet: what agencies said of it, one reason for each obligation, and its theme.

Guarantees: words that were taken back, and those of earlier requests once a later one is answered, do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from data.models import Agency, Explanation, ExtensionRequest, Obligation, StatusReply
from data.progress.extensions import OPEN_EXTENSION_STATES
from data.text import fold

# The first theme of which a reason has a word, and the words, folded. None is a word that means something else
# without its marks: "bão" and "báo", "gấp" and "gặp", "mạng" and "mang".
REASON_THEMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "kinh phí",
        (
            *(
                "kinh phi",
                "nguon von",
                "von dau tu",
                "bo tri von",
                "thieu von",
                "ngan sach",
                "du toan",
            ),
            *("giai ngan", "thieu tien", "nguon tai chinh"),
        ),
    ),
    (
        "nhân lực",
        (
            *(
                "nhan luc",
                "nhan su",
                "bien che",
                "thieu nguoi",
                "can bo",
                "kiem nhiem",
                "nghi phep",
            ),
            *("nghi om", "thai san"),
        ),
    ),
    ("mặt bằng", ("mat bang", "thu hoi dat", "dat dai", "nguon goc dat", "den bu", "tai dinh cu")),
    (
        "hạ tầng, phần mềm",
        (
            *("ha tang", "phan mem", "duong truyen", "thiet bi", "may chu", "may tinh", "ky thuat"),
            *("he thong thong tin", "loi he thong", "ket noi"),
        ),
    ),
    ("mua sắm, đấu thầu", ("dau thau", "mua sam", "nha thau", "goi thau")),
    (
        "chờ hướng dẫn, văn bản",
        (
            "huong dan",
            "van ban",
            "chua co quy dinh",
            "thong tu",
            "nghi dinh",
            "dinh muc",
            "don gia",
        ),
    ),
    (
        "chờ cơ quan khác",
        (
            *("phoi hop", "y kien", "don vi khac", "co quan khac", "cac don vi", "cac phong"),
            *("tham dinh", "phe duyet", "chua cung cap", "trinh ky"),
        ),
    ),
    ("số liệu", ("so lieu", "du lieu", "thong ke", "dang tong hop")),
    ("sắp xếp tổ chức", ("sap nhap", "sap xep", "hop nhat", "giai the", "ban giao", "chuyen giao")),
    ("thiên tai", ("thien tai", "con bao", "bao so", "lu lut", "mua lu", "sat lo", "dich benh")),
    ("thời gian, khối lượng", ("thoi gian", "khoi luong", "nhieu viec", "qua tai", "khong kip")),
)
OTHER_THEME = "lý do khác"


@dataclass(frozen=True, slots=True)
class Reason:
    """What an agency said last of one obligation; source: explanation, blocked, extension, dispute, answer."""

    obligation_id: int
    agency: str  # short name of the owner
    source: str
    words: str
    at: datetime


def reason_theme(words: str) -> str:
    """Return the theme of a reason, OTHER_THEME where none is known."""
    folded = f" {fold(words)} "
    return next(
        (
            theme
            for theme, phrases in REASON_THEMES
            if any(f" {phrase} " in folded for phrase in phrases)
        ),
        OTHER_THEME,
    )


async def list_reasons(connection: AsyncConnection, condition: ColumnElement[bool]) -> list[Reason]:
    """Return the latest reason given for each open obligation of a condition, in the official order.

    An explanation goes before what was said without being asked.
    """
    undone = aliased(StatusReply)
    said = (
        select(
            Obligation.id.label("obligation_id"),
            StatusReply.said.label("source"),
            StatusReply.note.label("words"),
            StatusReply.said_at.label("at"),
            literal(0).label("place"),
        )
        .join(StatusReply, StatusReply.obligation_id == Obligation.id)
        .where(
            condition,
            Obligation.state == "open",
            StatusReply.said.in_(("blocked", "not_started", "dispute")),
            func.length(func.trim(StatusReply.note)) > 0,
            ~select(undone.id).where(undone.undoes_id == StatusReply.id).exists(),
        )
    )
    asked = (
        select(
            Obligation.id,
            literal("extension"),
            ExtensionRequest.reason,
            ExtensionRequest.asked_at,
            literal(0),
        )
        .join(ExtensionRequest, ExtensionRequest.obligation_id == Obligation.id)
        .where(
            condition,
            Obligation.state == "open",
            ExtensionRequest.state.in_(OPEN_EXTENSION_STATES),
            func.length(func.trim(ExtensionRequest.reason)) > 0,
        )
    )
    explained = (
        select(
            Obligation.id,
            literal("explanation"),
            Explanation.answer,
            Explanation.answered_at,
            literal(1),
        )
        .join(Explanation, Explanation.obligation_id == Obligation.id)
        .where(condition, Obligation.state == "open", Explanation.state == "answered")
    )
    every = union_all(said, asked, explained).subquery()
    rows = await connection.execute(
        select(every, Agency.short.label("agency"))
        .join(Obligation, Obligation.id == every.c.obligation_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .order_by(Agency.position, Obligation.id, every.c.place, every.c.at)
    )
    latest: dict[int, Any] = {}
    for row in rows:
        latest[row.obligation_id] = row
    return [
        Reason(
            row.obligation_id,
            row.agency,
            "answer" if row.source == "not_started" else row.source,
            " ".join(row.words.split()),
            row.at,
        )
        for row in latest.values()
    ]
