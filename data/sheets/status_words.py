"""Read the words of a status cell as offices write them. Pure.

Guarantees:
- Nothing that says "not", "nearly" or asks is a completion.
"""

from __future__ import annotations

import re

from data.progress.replies import ReplyKind
from data.sheets.status_sheet import REPLY_KIND_BY_LABEL
from data.text import compose, fold

# What offices write for each choice, folded. Nothing that says "not" or "nearly" is a completion.
_SYNONYMS: dict[ReplyKind, tuple[str, ...]] = {
    "completed": (
        "xong",
        "da xong",
        "hoan thanh",
        "da hoan thanh",
        "hoan tat",
        "da hoan tat",
        "da thuc hien xong",
        "da lam xong",
        "hoan thanh dung han",
        "hoan thanh qua han",
    ),
    "in_progress": (
        "dang lam",
        "dang thuc hien",
        "dang thuc hien trong han",
        "dang thuc hien qua han",
        "dang trien khai",
        "dang tien hanh",
        "dang xu ly",
        "dang hoan thien",
    ),
    "not_started": (
        "chua lam",
        "chua thuc hien",
        "chua trien khai",
        "chua bat dau",
        "chua tien hanh",
    ),
    "blocked": (
        "vuong mac",
        "co kho khan vuong mac",
        "gap vuong mac",
        "co vuong mac",
        "dang vuong",
        "dang vuong mac",
        "gap kho khan",
    ),
}
_KIND_BY_FOLDED: dict[str, ReplyKind] = {
    **{fold(words): code for words, code in REPLY_KIND_BY_LABEL.items()},
    **{words: code for code, every in _SYNONYMS.items() for words in every},
}
_WITH_PERCENT = re.compile(r"(.+?)[\s:(,-]*(100|[0-9]{1,2})\s*%\)?")


def read_said(words: str) -> tuple[ReplyKind | None, int | None]:
    """Return the state of a cell's words, and the per cent that ends them: "đang thực hiện 60%"; None for unsure."""
    if "?" in compose(words):  # who asks has not said it
        return None, None
    folded = fold(words)
    if match := _WITH_PERCENT.fullmatch(words.strip().rstrip(".")):
        return _KIND_BY_FOLDED.get(fold(match[1])), int(match[2])
    return _KIND_BY_FOLDED.get(folded), None
