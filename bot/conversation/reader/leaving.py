"""Words by which a person says that they no longer are the one to write to: retired, moved, on leave.

Guarantees: pure; what an agency says of a task ("bên em không phụ trách việc này") is no such thing.
"""

from __future__ import annotations

import re
from typing import Literal

from data.text import fold

Leaving = Literal["gone", "away"]

_OPENING = (
    r"(?:(?:da|vang|thua|bao cao|xin|kinh|thong bao|anh|chi|em|e|a|chu|bac|oi|bot|la|rang|hien|nay"
    r"|hien nay|hien tai|thuc ra) )*"
)
_SUBJECT = r"(?:(?:toi|em|e|minh|tui|chau|anh|chi|ban than|ca nhan|dong chi|nguoi nay)(?: (?:toi|em|minh))? )?"
_TIME = r"(?:(?:da|vua|moi|sap|se|thi|duoc|chinh thuc|cung|xin|phai|chuan bi|tu (?:ngay|thang) \d+(?: \d+)*) )*"
_PLACE = (
    r"(?:co quan|don vi|phong|so|noi|cho|cong tac|huyen|xa|phuong|bo phan|nganh|vi tri|tinh|ban|ubnd"
    r"|trung uong|cho khac|cong viec)"
)
_NO_LONGER = r"(?:(?:khong|ko|k|kg|hong) con|thoi|thoi khong|het|khong tiep tuc)"
_GONE = (
    r"(?:nghi huu|ve huu|huu tri|huu roi|nghi che do|nghi cong tac|chuyen cong tac|chuyen viec"
    r"|chuyen nganh|doi cong tac"
    rf"|chuyen (?:cong tac )?(?:sang|ve|den|qua|len) (?:cong tac )?{_PLACE}(?: \w+){{0,6}}?"
    rf"|(?:luan chuyen|dieu dong|biet phai)(?: \w+){{0,6}}?"
    r"|thoi viec|nghi viec|nghi lam|roi (?:co quan|don vi)"
    rf"|{_NO_LONGER} (?:duoc )?(?:phan cong )?(?:phu trach|lam dau moi|dau moi|lam viec|cong tac|lam"
    rf"|theo doi)(?: \w+){{0,6}}?"
    r"|khong (?:phu trach|lam dau moi)(?: \w+){0,5} nua|(?:co quan|don vi|so)?(?: em| toi)? ?(?:da "
    r"|moi )?(?:doi|thay) (?:dau moi|nguoi phu trach|can bo phu trach)"
    r"|ban giao (?:lai )?(?:cong viec |het |mang nay |dau moi |viec |viec nay )?(?:lai )?cho (?:anh"
    r"|chi|dong chi|em|co|chu|ban|nguoi)(?: \w+){0,5}?)"
)
_AWAY = (
    r"(?:nghi (?:thai san|om|phep|sinh|de|benh|dai ngay|che do om)|di (?:hoc|dieu tri|nam vien|vien)|nam vien"
    r"|nghi (?:den|toi|tu|may|mot|\d)|vang mat|di vang)"
)
_CLOSING = (
    r"(?: (?:roi|a|nhe|nha|va|tu|ngay|thang|nam|quy|\d+|ay|day|oi|luon|em|anh|chi|den|het|toi|tuan"
    r"|sau|nay|nua|moi nguoi|dau nam|hom qua))*"
)
# A successor, named or asked for: "nhờ nhắn chị Lan", "người mới là anh Nam".
_SUCCESSOR = (
    r"(?: (?:nho|xin|de nghi|vui long|mong|tu nay|nay|moi|co gi|co viec gi|viec nay|hay|bay gio"
    r"|hien)?(?: \w+){0,4}?"
    r" (?:nhan|gui|lien he|lien lac|chuyen|hoi|nhan tin|la|thay|phu trach|tiep nhan|doi|nguoi moi"
    r"|lam thay)(?: \w+){0,8})?"
)
_SAID = {
    "gone": re.compile(f"{_OPENING}{_SUBJECT}{_TIME}{_GONE}{_CLOSING}{_SUCCESSOR}"),
    "away": re.compile(f"{_OPENING}{_SUBJECT}{_TIME}(?:dang )?{_AWAY}(?: \\w+){{0,10}}"),
}
_NEW_PERSON = re.compile(
    rf"{_OPENING}(?:nguoi|can bo|dau moi|chuyen vien)(?: (?:phu trach|theo doi|dau moi|moi|bay gio"
    rf"|hien nay|nay|cua so|cua xa|cua don vi))+ la (?!ai\b)\w+(?: \w+){{0,6}}"
)
_OF_TASK = re.compile(r"\b(?:xong|hoan thanh|da gui|da nop|dang lam|dang thuc hien)\b")


def says_leaving(text: str) -> Leaving | None:
    """Tell whether words say that their sender is gone for good, or away for a time."""
    folded = fold(text)
    if len(folded) > 200 or _OF_TASK.search(folded):
        return None
    if _SAID["gone"].fullmatch(folded) or _NEW_PERSON.fullmatch(folded):
        return "gone"
    return "away" if _SAID["away"].fullmatch(folded) else None
