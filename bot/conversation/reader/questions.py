"""Questions: whether a row of tokens asks something.

Guarantees:
- Asking words that ask nothing ("chưa làm gì", "khi nào xong em báo") are no questions.
"""

from __future__ import annotations

import re

from bot.conversation.reader import states as reply_states
from bot.conversation.reader.tokens import Token
from data.text import fold

_TIMED = re.compile(r"bao gio|khi nao|luc nao|chung nao|hom nao|ngay nao|may|bao nhieu")
NO_WH = re.compile(r"\b(?:no|not) (?:\w+ ){0,4}?wh\b")
"""An asking word that asks nothing: "chưa làm gì"."""
_ENDS_IN_CHUA = re.compile(
    r"\b(?:done|send|report|ack|yes|work|have|get|already) (?:or )?not (?:polite )*(?:, )?$"
    # "đã nhận được báo cáo của em chưa", but not "xong phần cứng, còn phần mềm chưa"
    r"|(?:^|, )(?!(?:\w+ )*(?:rest|and|but|num|part|step|no) )(?:\w+ )*"
    r"(?:past|done|send|have|get) (?:\w+ )+not (?:polite )*(?:, )?$"
)
_ENDS_IN_KHONG = re.compile(r"\b(?:have|order|term|get) (?:\w+ )*no (?:polite )*(?:, )?$")
_THEN_TOLD = re.compile(r"\bdone (?:\w+ )*?(?:said|send|report|work)\b")
_WHITHER = re.compile(r"\b(?:let|to|send|report) (?:polite )?wh\b")
_MATCHED = re.compile(  # "xong đến đâu báo đến đó", "bao giờ có vốn thì mới xong": no question
    r"\bto wh (?:\w+ )*?to polite\b|\bwh (?:\w+ )+?thi only\b|\bwh done thi\b"
)
_SCORN = re.compile(r"\bpast (?:\w+ )?(?:send|report|work) wh\b|\bwh said\b")


_NUMBERED = re.compile(  # "1 kinh phí lấy ở đâu", but not "2 năm rồi chưa có kinh phí"
    r"(?P<number>\d{1,3}) (?!(?:nam|thang|ngay|tuan|quy|gio|phut|xa|phuong|so|noi|don vi|co quan|nguoi|lan|ty|trieu"
    r"|nghin|viec|nhiem vu|bao cao|van ban|phan|buoc|khoan|loai|ban|dot|ky|cai|muc|chi tieu)\b)[a-z]"
)


def find_asked_number(text: str) -> int | None:
    """Return the number of an item with which a question begins; None where it counts something."""
    match = _NUMBERED.match(fold(text))
    return None if match is None else int(match["number"])


def is_question(row: list[Token], line: str) -> bool:
    """Tell whether a row asks something; line: its tags, a blank after each."""
    tags = {token.tag for token in row}
    if tags <= {"?", "polite", "person", ",", "tagq"}:
        return False
    if tags & {"?", "inquire"}:
        return True
    if "wh" in tags and not NO_WH.search(line):
        return _asks_what(row, line, tags)
    if any(
        token.when and token.when.until is None and token.when.named == "length" for token in row
    ):
        return re.search(r"\brest (?:span|after)\b", line) is not None  # "còn mấy ngày nữa"
    if tags & {"doubt", "said"}:
        return False
    if "tagq" in tags or _ENDS_IN_CHUA.search(line) or _ENDS_IN_KHONG.search(line):
        return True
    if "form" in tags and not tags & {"done", "prog", "past", "fine", "order", "by"}:
        return True
    return "or" in tags and not tags & {"done", "prog", "not", "no"}


def _asks_what(row: list[Token], line: str, tags: set[str]) -> bool:
    """Tell a question from what only has its words: "khi nào xong em báo", "xong đâu mà xong"."""
    if _MATCHED.search(line):
        return False
    timed = any(token.tag == "wh" and _TIMED.fullmatch(token.word) for token in row)
    if not reply_states.DONE.search(line):
        return not _SCORN.search(line) and not (timed and "said" in tags)
    if timed:
        return not _THEN_TOLD.search(line)
    return bool(tags & {"if", "thi", "order"}) or _WHITHER.search(line) is not None
