"""Objections to the figures: "khiếu nại số liệu: …", "số liệu quá hạn của xã là sai, đã nộp ngày 10/11"."""

from __future__ import annotations

import re

from data.text import compose, fold

_FIGURES = r"(?:so lieu|thong ke|con so)"
_LATE = r"(?:qua han|cham|tre han|chua (?:nop|gui|bao cao|hoan thanh|thuc hien))"
_WRONG = r"(?:sai|(?:khong|chua) (?:dung|chinh xac|khop|phu hop)|oan)"
_BEFORE = (  # a number or code, politeness, who speaks
    r"(?:\w+ )??(?:(?:\d+|bc|viec|nhiem vu|so|muc|da|thua|anh|chi|em|toi|minh|chung toi|don vi|co quan"
    r"|xa|phuong|ubnd|xin|thay|nhan) )*"
)
_NAMED = re.compile(rf"\bkhieu nai (?:ve |cac |cai )*(?:{_FIGURES}|thong tin|viec tinh|{_LATE})\b")
_COLON = re.compile(r"\bkh(?:iếu|ieu)\s+n(?:ại|ai)\s*:", re.IGNORECASE)
_WRONG_FIGURES = re.compile(rf"{_BEFORE}(?:{_FIGURES}|he thong)\b.*?\b{_WRONG}\b")
_CLAIMS = re.compile(
    rf"\b{_LATE}\b|\bhe thong\b"
    rf"|\b{_WRONG}\b.* da (?:\w+ )??(?:nop|gui|bao cao|hoan thanh|xong|co van ban)\b"
)
_WRONGLY_LATE = re.compile(
    rf"\b(?:tinh|ghi|bao(?! cao)|noi|neu|xep|{_FIGURES}|he thong|danh sach)\b.*?\b{_LATE}\b"
    rf"(?: \w+){{0,5}}? (?:la |thi )?{_WRONG}\b"
)
_ASKS_REVIEW = re.compile(
    rf"{_BEFORE}(?:de nghi|xin|nho|kien nghi|mong) (?:\w+ ){{0,4}}?"
    rf"(?:xem|ra soat|kiem tra|dinh chinh|dieu chinh|sua) (?:lai )?(?:cac )?{_FIGURES}\b"
)
# Trouble has a cause, and what is supposed is not so. "đơn vị", "tiến độ" fold to the same letters.
_CAUSE = re.compile(r"\b(?:(?<!don )vi|(?<!tien )do|nen|vuong|kho khan|neu)\b")


def names_objection(text: str) -> bool:
    """Tell whether words call themselves an objection to figures."""
    return bool(_NAMED.search(fold(text)) or _COLON.search(compose(text)))


def objects_to_figures(text: str) -> bool:
    """Tell whether words say that figures about the sender's own agency are wrong.

    Trouble with figures ("chưa xong vì số liệu sai"), and figures that the sender corrects, are no objection.
    """
    if names_objection(text):
        return True
    folded = fold(text)
    if _CAUSE.search(folded):
        return False
    wrong = _WRONG_FIGURES.match(folded) and _CLAIMS.search(folded)
    return bool(wrong or _WRONGLY_LATE.search(folded) or _ASKS_REVIEW.match(folded))
