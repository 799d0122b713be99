"""The short name of a task, made from the document's words where its plan file gives none. Pure.

Guarantees:
- It begins at the verb: without who does it, "Căn cứ …", "Trên cơ sở …" or "Chủ trì, phối hợp với …".
- It has at most TITLE_LIMIT characters, and is cut between clauses, else between words and marked "…".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

TITLE_LIMIT = 110
_SHORTEST = 25  # letters of a clause that says enough alone
_LEAST_KEPT = 40  # letters before a boundary at which a long clause is cut
# Words with which tasks of provincial plans begin. In lower case: "Sở Xây dựng" is no verb.
_VERBS = (
    "ban hành", "bảo đảm", "bố trí", "báo cáo", "chỉ đạo", "công bố", "công khai", "cụ thể hóa", "cung cấp",
    "cập nhật", "duy trì", "đánh giá", "đào tạo", "đảm bảo", "đầu tư", "đẩy mạnh", "đề nghị", "đề xuất",
    "định hướng", "đôn đốc", "đổi mới", "đưa", "hoàn thiện", "hoàn thành", "hình thành", "huy động", "hướng dẫn",
    "hợp tác", "khuyến khích", "kiểm tra", "lập", "lồng ghép", "mở rộng", "nâng cao", "nâng cấp", "nghiên cứu",
    "phát động", "phát huy", "phát triển", "phổ biến", "quán triệt", "rà soát", "sử dụng", "tăng cường",
    "tạo điều kiện", "tạo lập", "tập trung", "tham dự", "tham mưu", "thẩm định", "thiết lập", "tham gia",
    "thu hút", "thực hiện", "thực thi", "tiếp tục", "tổ chức", "triển khai", "tuyên truyền", "ưu tiên",
    "ứng dụng", "vận hành", "xác định", "xây dựng", "điều phối",
)  # fmt: skip
_VERB = re.compile(r"(?<!\w)(?<!các )(?:" + "|".join(map(re.escape, _VERBS)) + r")(?!\w)")
# Who does it, and circumstances that precede the verb.
_SUBJECT = re.compile(
    r"(?:Các (?:sở|cơ quan|đơn vị|địa phương)|Sở|Ban|UBND|Ủy ban|Công an|Bộ|Chi nhánh|Văn phòng|Thủ trưởng|"
    r"Cục|Báo|Đài|Liên minh|Hội|Trường)\b"
)
_CIRCUMSTANCE = re.compile(
    r"(?:căn cứ|trên cơ sở|theo|thực hiện theo|để|nhằm|khi|hằng năm|hàng năm|định kỳ|từng bước|tích cực|chủ động)\b",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"(?:tích cực |chủ động )?(?:chủ trì,? )?(?:và )?phối hợp (?:chặt chẽ )?(?:với|cùng)\b|chủ trì,",
    re.IGNORECASE,
)
# Where a long clause may end, the words after it not said.
_BOUNDARY = re.compile(
    r"(?: nhằm | để | theo | trên cơ sở | trong đó | đáp ứng | bảo đảm | đảm bảo | phù hợp với | tạo điều kiện |"
    r" phục vụ | gắn với | trên địa bàn | giai đoạn | bao gồm | góp phần | trước hết | đã được | trong việc |, )"
)
_WEAK_BOUNDARY = re.compile(
    r"(?: của | thực hiện | về | cho | trong | trên | và | với | từng bước | từng | cũng như | có )"
)
_DANGLING = re.compile(r"(?: (?:và|cho|của|các|với|về|như|là))+$")


def short_name(text: str, *, leads: Sequence[str] = (), limit: int = TITLE_LIMIT) -> str:
    """Return the short name of a task with this text; leads: who does it, in the document's words."""
    clause = " ".join(text.replace("\n", " ").split())
    for lead in sorted(leads, key=len, reverse=True):
        if clause.startswith(lead):
            clause = clause[len(lead) :].lstrip(" ,:;").removeprefix("và ")
    clause = _from_verb(clause)
    return _fit(clause[:1].upper() + clause[1:], limit)


def cut_between_words(text: str, limit: int) -> str:
    """Return the text within the limit, cut between words and marked "…" where it is longer."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    if not text[limit - 1].isspace():
        cut = cut.rsplit(" ", 1)[0] if " " in cut else ""
    return f"{cut.rstrip(' .;:,')}…"


def first_clause(text: str) -> str:
    """Return the first sentence or clause that says enough alone."""
    for stop in (". ", "; "):
        head = text.split(stop, 1)[0]
        if len(head) >= _SHORTEST:
            text = head
    return text.rstrip(" .;:,")


def _from_verb(clause: str) -> str:
    """Return a clause from its verb on; a clause whose verb is not known stays as it is."""
    for _ in range(4):  # who, why, with whom
        start = 0
        if _SUBJECT.match(clause) or _LEADING.match(clause):
            led = _LEADING.match(clause)
            start = led.end() if led is not None else 0
        elif not _CIRCUMSTANCE.match(clause):
            break
        led = _LEADING.search(clause, start)
        verb = _VERB.search(clause, start)
        if led is not None and (verb is None or led.start() < verb.start()):
            verb = _VERB.search(clause, led.end())
        if verb is None or verb.start() == 0:
            break
        clause = clause[verb.start() :]
    return clause


def _fit(clause: str, limit: int) -> str:
    clause = first_clause(clause)
    if len(clause) <= limit:
        return clause
    for boundary in (_BOUNDARY, _WEAK_BOUNDARY):
        ends = [match.start() for match in boundary.finditer(clause, _LEAST_KEPT, limit + 12)]
        ends = [end for end in ends if end < limit]  # a closing quotation mark may follow
        if ends:
            return _close_quotes(_DANGLING.sub("", clause[: ends[-1]]).rstrip(" .;:,"))
    return cut_between_words(clause, limit)


def _close_quotes(clause: str) -> str:
    if clause.count("“") > clause.count("”"):
        return f"{clause}”"
    return f'{clause}"' if clause.count('"') % 2 else clause
