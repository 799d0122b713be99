"""Head and foot of an official document by its issuer.

Guarantees:
- Nghị định 30/2020/NĐ-CP, Phụ lục I, phần I, mục II: the superior body (khoản 2), the abbreviation in
  the number (khoản 3), the place (khoản 4), the signer's post (khoản 7).
- Number, day and signer's name stay blank: a person fills them in.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from data.text import collapse_whitespace, fold

# Luật Tổ chức chính quyền địa phương 2025: cities directly under the central government.
_CITIES = {"ha noi", "hai phong", "hue", "da nang", "can tho", "ho chi minh"}
_ONE_LINE = 26  # capitals that fit into 70 mm, bold of 12 points
_KINDS = ("BAN CHỈ ĐẠO", "BAN QUẢN LÝ")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_SHORT = {
    "UBND": "Ủy ban nhân dân",
    "VP": "Văn phòng",
    "BCĐ": "Ban Chỉ đạo",
    "BQL": "Ban Quản lý",
}
_COMMUNE = re.compile(r"^Ủy ban nhân dân ((?:xã|phường|đặc khu|thị trấn) (.+))$", re.IGNORECASE)
# Names have commas too ("Sở Văn hóa, Thể thao và Du lịch"): only a comma before a body separates two.
_BETWEEN_BODIES = re.compile(
    r"\s*[,;]\s*(?=(?:UBND|Ủy ban|Uỷ ban|HĐND|Hội đồng|Ban |BCĐ|Sở |Bộ |Văn phòng|VP |Tỉnh ủy|Tỉnh uỷ|Thường trực ))"
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Head and foot of a document. superior "": none; authority "": the signer signs for himself."""

    superior: str
    issuer: tuple[str, ...]  # its lines
    symbol: str  # "SKHCN", for the number
    place: str
    authority: str  # "TM. ỦY BAN NHÂN DÂN"
    post: str  # "GIÁM ĐỐC"


@dataclass(frozen=True, slots=True)
class _Rank:
    opening: str  # of the folded name
    post: str
    authority: str = ""
    of_committee: bool = False  # its superior is the People's Committee of the province


_RANKS = (
    _Rank("so", "GIÁM ĐỐC", of_committee=True),
    _Rank("uy ban nhan dan", "CHỦ TỊCH", "TM. ỦY BAN NHÂN DÂN"),
    _Rank("uy ban mat tran", "CHỦ TỊCH", "TM. BAN THƯỜNG TRỰC"),
    _Rank("van phong", "CHÁNH VĂN PHÒNG", of_committee=True),
    _Rank("ban chi dao", "TRƯỞNG BAN", "TM. BAN CHỈ ĐẠO", of_committee=True),
    _Rank("ban", "TRƯỞNG BAN", of_committee=True),
    _Rank("thanh tra", "CHÁNH THANH TRA", of_committee=True),
    _Rank("cong an", "GIÁM ĐỐC"),
    _Rank("bo chi huy", "CHỈ HUY TRƯỞNG"),
    _Rank("chi cuc", "CHI CỤC TRƯỞNG"),
    _Rank("cuc", "CỤC TRƯỞNG"),
    _Rank("toa an", "CHÁNH ÁN"),
    _Rank("vien kiem sat", "VIỆN TRƯỞNG"),
    _Rank("bao hiem", "GIÁM ĐỐC"),
    _Rank("ngan hang", "GIÁM ĐỐC"),
    _Rank("lien hiep", "CHỦ TỊCH"),
    _Rank("bao", "TỔNG BIÊN TẬP"),
)
_OTHER = _Rank("", "THỦ TRƯỞNG CƠ QUAN")


def build_letterhead(agency: str, province: str) -> Letterhead:
    """Return head and foot of a document of an agency of a province.

    Names may be full or short ("UBND tỉnh", "Sở KH&CN"). An unknown kind of body has no superior and
    the post "THỦ TRƯỞNG CƠ QUAN", which a person corrects.
    """
    name = full_name(agency)
    whole = province_name(province).upper()
    rank = next(
        (rank for rank in _RANKS if f"{fold(name)} ".startswith(f"{rank.opening} ")), _OTHER
    )
    superior = f"UBND {whole}" if rank.of_committee else ""
    issuer = _in_lines(name.upper())
    place = province
    if commune := _COMMUNE.match(name):
        issuer, place = ("ỦY BAN NHÂN DÂN", commune[1].upper()), commune[2]
    elif rank.opening == "uy ban nhan dan":
        issuer = ("ỦY BAN NHÂN DÂN", whole)
    elif rank.opening == "van phong":
        issuer = ("VĂN PHÒNG",)
    elif fold(name) == "cong an tinh":
        superior, issuer = "BỘ CÔNG AN", (f"CÔNG AN {whole}",)
    symbol = "UBND" if issuer[0] == "ỦY BAN NHÂN DÂN" else abbreviation(name)
    return Letterhead(superior, issuer, symbol, place, rank.authority, rank.post)


def _in_lines(name: str) -> tuple[str, ...]:
    """Return a name in one line, or in two where it is too long for its column.

    It breaks before "VÀ" or after the kind of body where both parts fit, else near the middle.
    """
    if len(name) <= _ONE_LINE:
        return (name,)
    middle = len(name) / 2
    spaces = [place for place, letter in enumerate(name) if letter == " "]
    best = [
        place
        for place in spaces
        if (name.startswith("VÀ ", place + 1) or name[:place] in _KINDS)
        and max(place, len(name) - place - 1) <= _ONE_LINE
    ]
    cut = min(best or spaces, key=lambda place: abs(place - middle), default=len(name))
    return (name[:cut], name[cut + 1 :]) if cut < len(name) else (name,)


def full_name(agency: str) -> str:
    """Return an agency's name with the usual abbreviation at its start written out."""
    words = collapse_whitespace(agency).split(" ")
    while words and words[0] in _SHORT:
        head = _SHORT[words[0]]
        rest = words[1:]
        if rest and rest[0] in _SHORT:  # "VP UBND tỉnh"
            return f"{head} {full_name(' '.join(rest))}"
        return " ".join([head, *rest])
    return " ".join(words)


def province_name(province: str) -> str:
    """Return a province's name with its kind: "tỉnh Gia Lai", "thành phố Huế"."""
    kind = "thành phố" if fold(province) in _CITIES else "tỉnh"
    return f"{kind} {province}"


def abbreviation(name: str) -> str:
    """Return an agency's abbreviation for a number: the initials of its words, without "và".

    "tỉnh" counts only in short names: "CAT", "TTT", but "UBND". Tones go, letters stay (Đ, Ư).
    """
    words = [word for word in re.split(r"[\s,–-]+", full_name(name)) if word and fold(word) != "va"]
    plain = [word for word in words if fold(word) != "tinh"]
    letters = "".join(
        "".join(filter(str.isalpha, word)) if word.isupper() else word[0]
        for word in (plain if len(plain) > 2 or not plain else words)
    )
    bare = "".join(x for x in unicodedata.normalize("NFD", letters) if x not in _TONES)
    return unicodedata.normalize("NFC", bare).upper()


def split_bodies(words: str) -> list[str]:
    """Return the bodies of an enumeration: "UBND tỉnh, Ban Chỉ đạo …" are two."""
    return [body for body in _BETWEEN_BODIES.split(collapse_whitespace(words)) if body]


def issuer_of(number: str, province: str) -> str:
    """Return a plan's issuer by its number ("1901/KH-UBND"), "" where the number has none."""
    return f"Ủy ban nhân dân {province_name(province)}" if number.endswith("-UBND") else ""


def official_long_date(day: date) -> str:
    """Return a day in the decree's words (Phụ lục I, phần I, mục II khoản 4): "ngày 05 tháng 8 năm 2020"."""
    month = f"{day.month:02}" if day.month < 3 else f"{day.month}"
    return f"ngày {day.day:02} tháng {month} năm {day.year}"
