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

# The first theme of which a reason has a word, and the words, folded.
REASON_THEMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("kinh phí", ("kinh phi", "nguon von", "von dau tu", "bo tri von", "ngan sach", "du toan")),
    ("chờ hướng dẫn, văn bản", ("huong dan", "van ban", "quy dinh", "thong tu", "nghi dinh")),
    ("nhân lực", ("nhan luc", "can bo", "bien che", "thieu nguoi", "nhan su", "nghi phep")),
    ("số liệu", ("so lieu", "du lieu", "thong ke")),
    ("chờ phối hợp", ("phoi hop", "cho y kien", "don vi khac", "cac don vi", "cac phong")),
    ("kỹ thuật, hệ thống", ("ky thuat", "phan mem", "ha tang", "duong truyen", "thiet bi", "mang")),
    ("thời gian", ("thoi gian", "gap", "khoi luong", "dang tong hop", "trinh ky")),
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
