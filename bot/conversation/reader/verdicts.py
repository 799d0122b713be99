"""What coordinators say of reported completions: "xác nhận tất cả", "2 trả lại vì thiếu phụ lục", "duyệt 1, 3". Pure.

Guarantees: only words that say nothing else are a verdict; a reason keeps the words as typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from data.text import compose

VerdictKind = Literal["confirm", "return", "until"]
_LONGEST = 4_200  # characters
_ITEM = r"(?:(?:việc|viec|số|so|mục|muc|nhiệm\s+vụ|nhiem\s+vu)\s+){0,2}\d{1,3}"
_ITEMS = rf"{_ITEM}(?:\s*(?:,|;|và|va|\s)\s*{_ITEM})*"
_CONFIRM = r"(?:xác\s+nhận|xac\s+nhan|duyệt|duyet|chấp\s+nhận|chap\s+nhan)(?:\s+(?:hoàn\s+thành|hoan\s+thanh))?"
_ASSENT = rf"(?:{_CONFIRM}|đồng\s+ý|dong\s+y|nhất\s+trí|nhat\s+tri|ok|oke|okay)"
_EVERY = r"(?:tất\s+cả|tat\s+ca|toàn\s+bộ|toan\s+bo|hết|het|cả\s+danh\s+sách|ca\s+danh\s+sach)"
_BACK = (
    r"(?:trả\s+(?:lại|về)|tra\s+(?:lai|ve)"
    r"|(?:chưa|chua|không|khong)\s+(?:đạt|dat)(?:\s+(?:yêu\s+cầu|yeu\s+cau))?"
    r"|(?:không|khong)\s+(?:đồng\s+ý|dong\s+y|xác\s+nhận|xac\s+nhan)|từ\s+chối|tu\s+choi)"
)
_POLITE = r"(?:\s+(?:nhé|nhe|ạ|a|đi|di|em|giúp|giup|luôn|luon|nha))*\s*[.!]*"
_REASON = r"(?:\s*[:;,.\-–]\s*|\s+|$)(?:(?:vì|vi|do|bởi|lý\s+do|lí\s+do|ly\s+do)\b\s*:?\s*)?(?P<reason>.*)"
_ASKS = r"(?:(?:xin|đề\s+nghị|de\s+nghi|thì|thi|cho)\s+)?"
_UNTIL = (
    rf"(?:(?P<items>{_ITEM})\s*[:.,\-–)]?\s*)?(?:(?:chỉ|chi|cho|{_ASSENT})\s+)*"
    r"(?:(?:gia\s+hạn|gia\s+han|lùi|lui)\s+)?(?:đến|den|tới|toi)\s+(?P<reason>.*?\d.*?)"
    rf"(?:\s+(?:thôi|thoi))?{_POLITE}"
)
_SHAPES: tuple[tuple[VerdictKind, str], ...] = (
    ("confirm", rf"{_CONFIRM}\s+(?P<every>{_EVERY}){_POLITE}"),
    ("confirm", rf"(?P<every>{_EVERY})\s+{_CONFIRM}{_POLITE}"),
    ("confirm", rf"{_ASSENT}\s+(?P<items>{_ITEMS}){_POLITE}"),
    ("confirm", rf"(?P<items>{_ITEMS})\s*[:.,\-–]?\s*{_ASSENT}{_POLITE}"),
    ("confirm", rf"{_ASSENT}{_POLITE}"),
    ("return", rf"(?P<items>{_ITEM})\s*[:.,\-–)]?\s*{_ASKS}{_BACK}{_REASON}"),
    ("return", rf"{_ASKS}(?:{_BACK}|trả|tra)\s+(?P<items>{_ITEM}){_REASON}"),
    ("return", rf"{_ASKS}{_BACK}{_REASON}"),
    ("until", _UNTIL),
)
_PATTERNS = tuple(
    (kind, re.compile(rf"\s*{shape}\s*", re.IGNORECASE | re.DOTALL)) for kind, shape in _SHAPES
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said. numbers: of the items it is said of, none for the one that is shown; is_all: of all that wait.

    reason: of "until" the words of the date.
    """

    kind: VerdictKind
    numbers: tuple[int, ...] = ()
    reason: str = ""
    is_all: bool = False


def read_verdict(text: str) -> Verdict | None:
    """Return what a text says of reported completions; None for other words."""
    if len(text) > _LONGEST:
        return None
    composed = compose(text)
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(composed)
        if match is None:
            continue
        found = match.groupdict()
        numbers = tuple(
            dict.fromkeys(int(each) for each in re.findall(r"\d+", found.get("items") or ""))
        )
        return Verdict(kind, numbers, (found.get("reason") or "").strip(), bool(found.get("every")))
    return None
