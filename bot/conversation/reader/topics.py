"""What a question is about, where the registry can answer it: the day, who gave it, to whom it goes.

Guarantees:
- Pure. Only words already read as a question, or a short phrase that is one, are given topics.
- A question that asks more than its topics say so (`asks_more`), so that it is passed on as well.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from data.text import fold

_WHEN = r"(?:khi nao|bao gio|hom nao|ngay nao|ngay may|luc nao|chung nao|thang may|thang nao|may gio|bn)"
_WHICH = r"(?:don vi|co quan|so|phong|noi|cho|nguoi|can bo|bo phan)"
_WHO = rf"(?:ai|dau|mo|{_WHICH} (?:nao|mo|gi))"
_SUBJECT = (
    r"(?: (?:thi|la|phai|can|em|ben|minh|toi|don vi|anh|chi|chung|so|xa|phuong|moi|se|cuoi cung|cai nay"
    r"|viec nay"
    r"|bao cao nay|nhiem vu nay))*"
)
_DO = r"(?:nop|gui|goi|bao cao|trinh|chuyen|hoan thanh|xong|lam xong|thuc hien xong)"
_GAP = r"(?: (?!mau\b|bieu\b|tu\b|lay\b|lieu\b|theo\b)\w+){0,4}?"
_WHAT = r"(?:gi|j|chi|sao|the nao)"

# Topic → its phrases in folded words, looked for in what is surely a question.
_PHRASES: dict[str, str] = {
    "due": (
        rf"(?<!gia )(?<!lui )han{_GAP} (?:{_WHEN}|may|bao nhieu)|{_WHEN}{_SUBJECT} (?:{_DO}|het han|den han"
        rf"|toi han)"
        rf"|{_DO}{_GAP} (?:truoc |vao |den )?{_WHEN}|con (?:lai )?(?:may|bao nhieu) ngay(?: nua)?"
        rf"|con bao lau(?: nua)?|(?:may|bao nhieu|bn) ngay nua"
        rf"|con han|(?:qua|het|toi|den|sap) han (?:chua|ch|khong|ko|k)|(?:khi nao|bao gio) (?:thi )?han"
        rf"|{_WHEN} (?:la )?han"
        rf"|(?:han chot|deadline|han nop|thoi han)(?: la)?(?: {_WHEN}| gi)?|(?<!gia )(?<!lui )han {_WHAT}\b"
    ),
    "receiver": (
        rf"(?:nop|gui|goi|bao cao|trinh){_GAP} (?:cho |ve |toi |den |len |qua |o |tai )*{_WHO}\b"
        rf"|noi nhan|{_WHO} (?:se )?(?:nhan|tiep nhan)|dia chi (?:nhan|nop|gui)"
    ),
    "giver": (
        rf"{_WHO} (?:da )?(?:giao|phan cong|yeu cau|ban hanh|ky|bat|ra)\b|(?:can cu|dua|theo) (?:vao "
        rf"|tren )?(?:dau|gi|co so nao|muc nao)"
        r"|(?:van ban|cong van|quyet dinh|can cu)(?: \w+)?(?: nao| gi| so may| so bao nhieu| o dau)"
        r"|ke hoach (?:nao|so may|so bao nhieu)"
        r"|so (?:ke hoach|van ban|cong van)|can cu phap ly|giao (?:o|tai|trong|theo) (?:dau|muc nao)"
        r"|(?:thuoc|o|tai|trong) (?:ke hoach|van ban|muc|dieu|khoan|phan|trang) (?:nao|may|gi)|(?:o )?dau ra\b"
    ),
    "follower": (
        rf"{_WHO} (?:la )?(?:dang )?(?:theo doi|dau moi|tong hop|giai dap|huong dan)|lien he (?:voi |qua "
        rf"|cho )?{_WHO}\b"
        rf"|hoi {_WHO}\b|so dien thoai|sdt|dien thoai|dau moi (?:la |theo doi |lien he )*{_WHO}"
        rf"|lien he(?: o dau)?$"
    ),
    "holder": (
        rf"(?:ai|ben nao|{_WHICH} nao) (?:phai |se )?(?:phoi hop|lam|thuc hien|chu tri|chiu trach nhiem"
        rf"|phu trach|bao cao|nop)\b"
        rf"|(?:chu tri|phoi hop|thuc hien)(?: voi)? (?:la )?{_WHO}\b|cua (?:ai|{_WHICH} nao)"
    ),
    "content": (
        rf"noi dung(?: \w+){{0,3}}|(?:viec|nhiem vu|muc|cai nay|bao cao nay|nay|so"
        rf"|day)(?: \w+){{0,2}}? la (?:viec |nhiem vu |cai |bao cao )?{_WHAT}"
        rf"|(?:ve|noi) (?:cai |viec |van de |noi dung )*(?:gi|j|chi)\b|(?:phai |can )?lam (?:cai |viec "
        rf"|nhung )*(?:gi|j|chi)\b"
        rf"|bao cao (?:cai |viec |nhung |noi dung )*(?:gi|j)\b|yeu cau(?: \w+)? (?:gi|la gi)|(?:chi tiet"
        rf"|cu the)(?: \w+)? {_WHAT}|nghia la gi"
        rf"|gom (?:nhung |cai )*gi|toan van|^(?:la )?(?:viec|nhiem vu|bao cao|nv|cai) (?:gi|j|chi(?! tieu)"
        rf"|nao)\b"
        r"|^(?:la )?(?:gi|j|sao|chi)(?: (?:vay|rua|the|a|anh|chi|em|z|v))*$"
    ),
    "plan": (
        rf"ke hoach(?: \w+){{0,4}}? (?:ve|noi|la|gom|quy dinh) (?:cai |viec |nhung )*{_WHAT}"
        rf"|noi dung (?:cua )?ke hoach|ten (?:cua )?ke hoach|ke hoach (?:gi|j)\b"
    ),
    "form": (
        r"(?:bieu )?mau(?: bao cao| bieu| bc| so lieu| de cuong)?(?: (?:lay |tai )?o dau| nao| gi| moi"
        r"| dau| khong| ko)?\b"
        r"|bieu mau|de cuong|\bform\b"
        r"|tai lieu huong dan|file huong dan"
    ),
    "state": (
        r"(?:ghi nhan|xac nhan|he thong nhan|duyet)(?: \w+){0,4}? chua\b|(?:em|minh|toi|ben em|don vi em"
        r"|don vi)(?: da)? (?:nop|bao cao|gui)"
        r"(?: bao cao)? (?:chua|hay chua)\b|(?:tinh trang|trang thai)(?: \w+){0,3}"
    ),
}  # fmt: skip
_TOPICS = {topic: re.compile(rf"\b(?:{words})") for topic, words in _PHRASES.items()}
# What is asked in so few words that it need not have the form of a question.
_SHORT: dict[str, re.Pattern[str]] = {
    topic: re.compile(words)
    for topic, words in {
        "due": (
            r"(?:thoi )?han(?: nop| chot| cuoi| bao cao| hoan thanh| the nao)*|deadline|con (?:may"
            r"|bao nhieu) ngay(?: nua)?"
        ),
        "receiver": r"noi nhan|(?:gui|nop) (?:cho )?ai|nop o dau|gui (?:ve )?dau",
        "giver": r"can cu|ai giao|(?:so )?van ban nao|can cu van ban",
        "follower": (
            r"(?:so dien thoai|sdt|dien thoai)(?: lien he)?|lien he(?: ai)?|(?:ai|nguoi|don vi"
            r"|co quan) theo doi"
        ),
        "holder": r"(?:don vi|co quan) (?:chu tri|phoi hop|thuc hien)",
        "content": r"noi dung|chi tiet|toan van",
        "plan": r"ke hoach(?: gi| nao)?|ten ke hoach",
        "form": (
            r"(?:(?:gui|giup|em|xin|anh|chi|lai|file|co|bieu|toi|minh) )*(?:mau|de cuong)(?: bao cao| bieu| bc"
            r"| de cuong)*"
        ),
        "state": r"tinh trang|trang thai|da ghi nhan chua",
    }.items()
}
# Words around a question that ask nothing more.
_AROUND = re.compile(
    r"\b(?:da|vang|thua|em|anh|chi|a|ah|oi|cho|hoi|xin|vay|the|nhi|bot|nhe|nha|co|bac|ban|minh|toi|e|giup"
    r"|voi|biet|muon"
    r"|la|thi|cua|viec|nhiem vu|bao cao|nay|do|kia|muc|so|ke hoach|nao|gi|va|nhung|cai|ngay|nam|quy|thang"
    r"|ky|don vi|sr|ad"
    r"|ben|tui|admin|lam on|phai|can|duoc|ve|o|tai|nua|roi|hay|den|trong|nhu|cac|nop|gui|chot|cuoi"
    r"|hoi them|vao|cho hoi"
    r"|nhe a|sep|kinh|chao|anh chi|rua|z|ha|ak|ta|he|nghe|zay|dzay|may|bao nhieu|chinh xac|cu the|lai|tin|dung"
    r"|de nghi|vui long|dong chi|he thong|thong tin|thuc hien|han|hang nam|dinh ky)\b"
)
_MORE = re.compile(  # asks what no registry knows
    r"\b(?:vuong|kho khan|(?:da|vua) (?:gui|nop|bao cao|lam|xong)|dang (?:lam|thuc hien)|neu|thi sao"
    r"|tai sao|vi sao|sao lai|lam sao|nhu the nao|the nao|duoc khong|duoc ko|co phai"
    r"|bat buoc|co can|kinh phi"
    r"|hop|so lieu|phu luc|cot|ban giay|ban cung|ban mem|truc|email|mail|phan mem|hay la|hay|hoac|ky so"
    r"|dong dau|may ban|may to"
    r"|may ky|gia han|lui|mien|nham|khac|huong dan|nhan duoc|dung khong|dung ko|phai khong|bi mat|ro"
    r"|giai thich|sap doi)\b"
)
_MOST_AROUND = 4  # words left beside topics: the name of what is asked about
_PLAN_NUMBER = re.compile(r"\b(?:ke hoach|kh)(?: so)? (\d{1,5})\b(?: kh ubnd| kh)?(?: nam \d{4})?")
_AFTER = r"(?! (?:ngay|thang|tuan|nam|quy|xa|phuong|don vi|so|nguoi|gio|h|bien|cot|bieu|ban)\b)"
_NUMBERS = re.compile(
    rf"\b(?:viec|nhiem vu|bao cao|noi dung|muc|cai|nd|dau viec|cua|so|nv)(?: so)?((?: (?:va |so "
    rf"|viec )?\d{{1,3}}\b{_AFTER})+)"
)
_LEADING = re.compile(
    rf"^(?:(?:da|em|cho|hoi|anh|chi|oi|thua|a|xin) )*(\d{{1,3}}(?: (?:va )?\d{{1,3}})*)\b{_AFTER}(?= \D)"
)
_SELF = re.compile(
    r"(?:(?:da|xin|cho|hoi|oi|em|anh|chi|alo|a|the|vay|u|ua|nhung|ma) )*"
    r"(?:(?:ban|em|day|bot|bot nay|may|he thong|he thong nay|so nay|tai khoan nay|nick nay|ben kia|ai day"
    r"|anh|chi|ad|day la so|tin nay)"
    r"(?: (?:la|cua|thuoc|o))+ (?:ai|gi|cai gi|he thong gi|bot gi|don vi nao|co quan nao|dau|nguoi hay may"
    r"|nguoi hay bot|robot|bot|so nao)"
    r"|ai (?:day|vay|the|nhan tin|dang nhan tin|nhan|dang nhan|gui tin nay|gui tin|nhan cho toi"
    r"|nhan tin cho toi|dang noi|nhan do|nhan day)(?: may hay nguoi| nguoi hay may)?"
    r"|(?:bot|may|nguoi that|nguoi) (?:a|ha|phai khong|hay sao|hay may|hay bot)|day la he thong gi"
    r"|he thong gi(?: day)?|(?:co )?phai (?:la )?(?:bot|may|robot|nguoi that) (?:khong|ko|a|hong)"
    r"|tin (?:nhan )?(?:gi|cua ai)"
    r"|lua dao (?:a|ha|phai khong))"
    r"(?: (?:a|vay|the|day|nhi|ha|ban|em|anh|chi|z|do|oi|nay|rua))*"
)  # fmt: skip
_ANNOUNCES = re.compile(
    r"(?:(?:da|anh|chi|em|thua|oi|bot|ban|alo|a) )*(?:cho |xin )?(?:(?:em|toi|minh|ben em|don vi"
    r"|don vi em) )?(?:xin )?(?:duoc )?"
    r"(?:hoi|hoi chut|hoi ti|hoi xiu|hoi mot chut|hoi them|hoi tham|hoi them chut|co cau hoi|muon hoi"
    r"|hoi co quan theo doi)"
    r"(?: (?:a|voi|nhe|nha|chut|ti|anh|chi|viec nay|mot viec|1 viec|cai|cai nay))*"
)
_COLOUR = re.compile(r"\bm[àá]u\b", re.IGNORECASE)  # without marks it is a form
_OTHER_DOCUMENT = re.compile(r"\d+/(?!KH\b)[A-ZĐ]{2,}")
_COMMANDS: dict[str, re.Pattern[str]] = {
    "viec": re.compile(
        r"(?:(?:em|ben em|minh|toi|don vi|don vi em|don vi toi|co quan|hom nay|tuan nay|thang nay|hien|gio"
        r"|hien nay) )*"
        r"(?:(?:con|co|phai lam|dang co|no) (?:lai )?(?:nhung )?(?:viec|nhiem vu|bao cao|noi dung) (?:gi|nao|j)"
        r"|con (?:may|bao nhieu) (?:viec|nhiem vu|bao cao)|(?:nhung )?(?:viec|nhiem vu|bao cao) (?:gi"
        r"|nao) (?:sap|da|dang )?(?:den|toi|qua|con)(?: han)?"
        r"|con (?:lai )?(?:phai )?(?:nop|lam|bao cao|gui|thuc hien) (?:nhung )?(?:gi|j|viec gi|cai gi"
        r"|bao cao nao)"
        r"|con no (?:gi|bao cao nao|viec gi)|danh sach (?:viec|nhiem vu))(?: (?:khong|ko|k|nua|chua|a|vay|nhi"
        r"|the|phai lam|can lam|chua lam|chua nop|chua xong|chua bao cao))*"
    ),
    "help": re.compile(
        r"(?:(?:em|toi|minh|cho|hoi|xin|bot|muon|thi|phai) )*"
        r"(?:(?:tra loi|dung|su dung|bao xong|bao cao xong|phan hoi|nhan tin|tuong tac)(?: (?:bot|he thong"
        r"|tin nay|viec|nhu|bang|cach))* (?:the nao|ra sao|lam sao|sao)"
        r"|(?:lam sao|lam the nao|cach nao|muon) (?:de )?(?:tra loi|dung|su dung|bao xong"
        r"|phan hoi)(?: (?:thi )?(?:go|bam|nhan) (?:gi|sao|vao dau|the nao))?"
        r"|(?:go|bam|nhan) (?:gi|vao dau|nut nao|the nao)|bao xong thi (?:nhan|go|bam) (?:sao|gi|the nao)"
        r"|huong dan su dung|cach dung|cach tra loi"
        r"|(?:neu )?(?:(?!ai |gui |nop )\w+ ){1,5}thi (?:bao|bam|go|nhan)(?: cao| tin)? (?:the nao|ra sao|sao"
        r"|o dau|vao dau|gi|ntn))"
        r"(?: (?:a|vay|nhi|the|bot|day|em|anh|chi))*"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What a question is about.

    topics: in the order of _PHRASES; none: the registry does not know. numbers, codes: the items that it names;
    plan: a plan's number; reports: it speaks of a report alone. words: the folded words left, say of a title.
    asks_more: it also asks what the registry does not know.
    """

    topics: tuple[str, ...]
    numbers: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    plan: str = ""
    reports: bool = False
    words: tuple[str, ...] = ()
    asks_more: bool = False


def read_topics(text: str, *, codes: Collection[str] = (), is_question: bool) -> Question:
    """Return what a question is about. codes: the task codes that may be named.

    is_question: the words were read as a question; else only a short phrase counts ("hạn nộp").
    """
    folded = fold(_COLOUR.sub(" ", text))
    named: list[str] = []
    for code in sorted(codes, key=len, reverse=True):
        bare = fold(code)
        folded, count = re.subn(rf"(?<!\S){re.escape(bare)}(?!\S)", "", folded)
        named += [code] if count else []
    folded = " ".join(folded.split())
    plan = _PLAN_NUMBER.search(folded)
    if plan is not None:
        folded = f"{folded[: plan.start()]}ke hoach{folded[plan.end() :]}"
    numbers: list[int] = []
    for pattern in (_LEADING, _NUMBERS):
        for match in pattern.finditer(folded):
            numbers += [int(number) for number in re.findall(r"\d+", match[1])]
        folded = pattern.sub(lambda found: found[0].replace(found[1], " "), folded)
    folded = " ".join(folded.split())
    topics = _list_topics(folded, is_question=is_question)
    rest = folded
    for topic in topics:
        rest = _TOPICS[topic].sub(" ", rest)
    left = _AROUND.sub(" ", rest).split()
    # "Nội dung" and "kế hoạch" also stand where something else is asked of them.
    if "plan" in topics:
        topics = tuple(topic for topic in topics if topic != "content")
    if len(topics) > 1 and "content" in topics:
        topics = tuple(topic for topic in topics if topic != "content")
    return Question(
        topics,
        tuple(dict.fromkeys(number for number in numbers if number)),
        tuple(named),
        plan[1] if plan is not None else "",
        reports=bool(re.search(r"\bbao cao (?:nay|do|tren|kia)\b|^bao cao\b", folded)),
        words=tuple(left),
        asks_more=bool(topics)
        and (
            len(left) > _MOST_AROUND
            or _MORE.search(rest) is not None
            or _OTHER_DOCUMENT.search(text) is not None
        ),
    )


def asks_who_speaks(text: str) -> bool:
    """Tell whether words ask who sends these messages: "bạn là ai"."""
    return _SELF.fullmatch(fold(text)) is not None


def announces_question(text: str) -> bool:
    """Tell whether words only say that a question comes: "cho em hỏi chút"."""
    return _ANNOUNCES.fullmatch(fold(text)) is not None


def read_command(text: str) -> str:
    """Return the command that a question means, "viec" or "help"; "" for other words."""
    folded = fold(text)
    return next((name for name, words in _COMMANDS.items() if words.fullmatch(folded)), "")


def _list_topics(folded: str, *, is_question: bool) -> tuple[str, ...]:
    short = re.sub(r"^(?:(?:da|em|anh|chi|oi|cho|hoi|xin|biet|a|thua|e|minh|ve) )+", "", folded)
    short = re.sub(
        r"(?: (?:a|nhe|nha|voi|vay|nhi|the|oi|em|anh|chi|cua|viec|so|nay|bao cao|nhiem vu|muc|di))+$",
        "",
        short,
    )
    for topic, words in _SHORT.items():
        if words.fullmatch(short):
            return (topic,)
    if not is_question:
        return ()
    if re.search(r"\b(?:ai|gi|nao|dau) cung\b|\blam gi (?:co|ma|duoc)\b", folded):
        return ()  # "ngày nào cũng nhắc" asks nothing
    form = _TOPICS["form"].search(folded)
    if form is not None:  # "mẫu báo cáo ở đâu" asks for no receiver
        folded = f"{folded[: form.start()]} {folded[form.end() :]}"
    return tuple(
        topic
        for topic, words in _TOPICS.items()
        if (form is not None if topic == "form" else words.search(folded))
    )
