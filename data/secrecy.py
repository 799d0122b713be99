"""Tell a secrecy mark from ordinary words: MẬT, TỐI MẬT, TUYỆT MẬT as a person would see them. Pure.

A mark stands apart from the words around it: alone on a line, in brackets, beside a sign, before a text in
other letters, behind "Độ mật:". "Bí mật nhà nước", "mật độ" and a sentence about levels are no marks.

Guarantees:
- How a mark is typed makes no difference: Unicode form, full-width letters, invisible characters, letters
  that only look Latin, TCVN3 and VNI spellings, letters spaced out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from data.text import compose, fold

_FOREIGN = re.compile("[\u0370-\u04ff]")
# Cyrillic and Greek capitals and small letters that look like those of the marks.
_LOOK_ALIKE = str.maketrans(
    "МмАаТтОоІіУуЕеКкНΜμΑαΤτΟοΙιΥΕΚκΝН", "MmAaTtOoIiYyEeKkHMmAaTtOoIiYEKkNH"
)
_LEGACY = {
    "mët": "mật",
    "tèi": "tối",
    "tuyöt": "tuyệt",
    "maät": "mật",
    "toái": "tối",
    "tuyeät": "tuyệt",
}
_HINTS_AT_LEGACY = re.compile("[ëËäÄ]")
_LEVELS = {
    **dict.fromkeys(("mật", "mât"), 1),
    **dict.fromkeys(("tốimật", "tốimât", "tôimật"), 2),
    **dict.fromkeys(("tuyệtmật", "tuyêtmật", "tuyệtmât", "tuyêtmât"), 3),
}
_BARE_LEVELS = {"mat": 1, "toimat": 2, "tuyetmat": 3}
_NO_LEVEL = re.compile(r"$|(?:thuong|binh thuong|khong|chua|cong khai|rong rai|none|n a|0|x)\b")

# What stands beside a level in one mark: how urgent, which copy, for whom.
_BESIDE = r"(?:thuong khan|hoa toc|khan|hen gio|ban so|so \d+|ban \d+|a|b|c|\d+)"
_BESIDE_ONLY = re.compile(rf"{_BESIDE}(?: {_BESIDE})*")
_PAPER = (
    r"(?:tai lieu|van ban|cong van|bao cao|ke hoach|to trinh|quyet dinh|ho so|thong bao|bien ban|giay moi"
    r"|phu luc|du thao|ban do|cong dien|chi thi|nghi quyet|de an|phuong an|danh sach|so \d|kinh gui|cv|bc|kh|qd|ttr|tb)"
)
_PAPER_FIRST = re.compile(rf"{_PAPER}\b")
_PAPER_ONLY = re.compile(rf"(?:dau |do |loai |cap |muc )?(?:{_PAPER}|dau|do|cap do)")
# Words of which "mật" is only the first half: "mật độ", "mật khẩu".
_COMPOUND = re.compile(
    r"(?:do|khau|ong|ma|thiet|vu|nghi|danh|hieu|thu|dam|lenh|chi|giao|tong|hoa|mia|son|nguyet|thuyet|ngot|phong)\b"
)
_LABEL = re.compile(
    r"\b(?:(?P<marked>(?:(?:mức|cấp) )?độ[ -](?:(?P<guarded>bảo )?m[ậâ]t)|(?:mức|cấp) mật|dấu (?:chỉ )?(?:độ )?mật)"
    r"|(?P<bare>(?:(?:muc|cap) )?(?:do (?:bao )?mat)|(?:muc|cap) mat|dau (?:chi )?(?:do )?mat))"
    r"[ .…]*(?P<sign>[:=]|[-–—>→;|]+(?= )|(?= ))(?P<value>[^\n;|]{0,60})",
    re.IGNORECASE,
)
_COPULA = re.compile(r"^(?:là|la)\b[ :]*", re.IGNORECASE)
_ROUND = re.compile(r"\(([^()]{1,20})\)")
_BRACKETS = re.compile(r"[\[【{<〔「『]([^\[\]【】{}<>〔〕「」『』]{1,60})[\]】}>〕」』]")
# Signs that set a mark apart; commas and quotation marks do not: they list and speak of levels.
_APART = re.compile(r"\s*[^\w\s,'\"“”‘’`&«»]+\s*|_+|\s{2,}")
_GAP = re.compile(r"[^\S\n]{2,}|\t")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_NUMBERING = re.compile(r"^\W*(?:\d{1,3}[.)]\s*)?(?:(?:re|fw|fwd)\s*:\s*)*", re.IGNORECASE)
_SLUG = re.compile(r"[\s_.+\-–—]+")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
# In a file's name "…_MẬT" after these is one word of two: "bảo mật", "bí mật".
_BEFORE_MAT = frozenset(
    fold("bảo bí cơ an tuần trần thiết thân nội rỉ đường ong ngọt độ giải túi trăng").split(" ")
)


# Words before a level that speak of it: "không có văn bản TỐI MẬT", "đóng dấu TỐI MẬT".
_SPEAKS_OF_LEVEL = re.compile(
    r"\b(?:khong|chua|cam|dau|do|muc|cap|loai|dang|la|ve|van ban|tai lieu|thong tin|ho so|danh muc|hoac|va|hay)$"
    r"|\b(?:khong|chua|cam|bao ve|quan ly|ra soat|quy dinh)\b"
)
_LONGEST_NAME = 500


class _Mark(NamedTuple):
    level: int
    capitals: bool  # every letter of the level
    accented: bool
    beside: bool  # something of a mark stands beside it


def is_marked_secret(text: str) -> bool:
    """Tell whether any line of a text bears a secrecy mark."""
    seen = _as_seen(text)
    return any(map(_is_marked_line, seen.splitlines())) if _may_be_marked(seen) else False


def is_name_marked_secret(name: str) -> bool:
    """Tell whether a file's name bears a secrecy mark: "TOI_MAT_bao cao.docx", "báo cáo (mật).pdf"."""
    seen = _as_seen(name[:_LONGEST_NAME])
    if not _may_be_marked(seen):
        return False
    stem = _ENDING.sub("", seen)
    if any(_is_marked_line(each) for each in (seen, stem)) and "_" not in stem.strip("_"):
        return True
    if any(_level(found[1].split()) for found in _ROUND.finditer(stem)):
        return True
    words = [word for word in _SLUG.split(re.sub(r"[()\[\]{}]", " ", stem)) if word]
    return _is_marked_line(" ".join(words)) or _is_marked_slug(words)


def _as_seen(text: str) -> str:
    seen = unicodedata.normalize("NFC", text.replace("\x00", ""))
    if _HINTS_AT_LEGACY.search(seen):
        seen = _WORD.sub(_in_unicode, seen)
    if _FOREIGN.search(seen):
        seen = seen.translate(_LOOK_ALIKE)
    return _GAP.sub("  ", compose(seen))


def _may_be_marked(seen: str) -> bool:
    """Tell whether the letters of "mật" stand in a text at all: a cheap look before the lines are read."""
    letters = fold(seen).replace(" ", "")
    return any(each in letters for each in ("mat", "met", "maat"))


def _is_marked_line(line: str) -> bool:
    line = line.strip()
    whole = _mark_of(line)
    if whole is not None and (whole.accented or whole.capitals or whole.beside or whole.level > 1):
        return True
    if any(_mark_of(found[1]) for found in _BRACKETS.finditer(line)):
        return True
    return _has_marked_label(line) or _has_part_apart(line) or _opens_with_mark(line)


def _in_unicode(word: re.Match[str]) -> str:
    """Spell a word of a mark typed in TCVN3 or VNI as Unicode does; any other stays."""
    found = _LEGACY.get(word[0].casefold())
    if found is None:
        return word[0]
    return found.upper() if sum(letter.isupper() for letter in word[0]) > 1 else found


def _mark_of(part: str) -> _Mark | None:
    """Return the mark that a part of a line is, with nothing but what belongs to a mark; None for more."""
    words = _WORD.findall(part)
    if len(words) > 12:
        return None
    spread = "".join(words)
    if len(words) > 2 and all(len(word) == 1 for word in words):  # "M Ậ T"
        words = re.findall(r"(?i)t[oố]i|tuy[eêệ]t|m[aâậ]t|\S+", spread)
    for size, start in ((2, 0), (1, 0), (2, 1), (1, 1), (2, 2), (1, 2)):
        chosen = words[start : start + size]
        level = _level(chosen)
        if level is None:
            continue
        before, after = fold(" ".join(words[:start])), fold(" ".join(words[start + size :]))
        urgent = _BESIDE_ONLY.fullmatch(before) is not None
        if before and not urgent and not _PAPER_ONLY.fullmatch(before):
            continue
        if after and not _BESIDE_ONLY.fullmatch(after):
            continue
        if before and not urgent and not (level.capitals or level.level > 1):
            continue  # "văn bản mật" is said, "văn bản MẬT" is marked
        beside = f"{before if urgent else ''}{after}".strip()
        return level._replace(beside=bool(beside) and not beside.isdecimal())
    return None


def _level(words: list[str]) -> _Mark | None:
    said = "".join(words)
    capitals = said.isupper()
    small = said.casefold()
    if small in _LEVELS:
        return _Mark(_LEVELS[small], capitals, True, False)
    if small in _BARE_LEVELS:
        return _Mark(_BARE_LEVELS[small], capitals, False, False)
    return None


def _has_marked_label(line: str) -> bool:
    """Tell whether "Độ mật:" names a level, or anything but none; without its sign it must name one."""
    for found in _LABEL.finditer(line):
        value = _COPULA.sub("", found["value"].strip(" \t.:|"))
        first = _APART.split(value)[0] if value else ""
        mark = _mark_of(value) or _mark_of(first)
        if mark is not None:
            return True
        opens = not line[: found.start()].strip(" -–•*·+.0123456789()[]|")
        if (
            found["sign"] == ":"
            and found["marked"]
            and not found["guarded"]  # "Mức độ bảo mật: cao" is said of systems
            and opens
            and _NO_LEVEL.match(fold(value)) is None
        ):
            return True
    return False


def _has_part_apart(line: str) -> bool:
    """Tell whether a part of a line that signs set apart is a mark; several levels are a list of them."""
    signs = _APART.findall(line)
    parts = _APART.split(line)
    if len(parts) < 2:
        return False
    marks = {place: mark for place, part in enumerate(parts) if (mark := _mark_of(part))}
    unmarked = any(fold(part) in ("thuong", "khong mat") for part in parts)
    if not marks or unmarked or len({mark.level for mark in marks.values()}) > 1:
        return False
    for place, mark in marks.items():
        if _names_level(parts[place - 1 : place], -1) or _names_level(
            parts[place + 1 : place + 2], 0
        ):
            continue  # "không gửi Mật/Tối mật/Tuyệt mật"
        if mark.capitals or (mark.accented and mark.level > 1):
            return True
        after = signs[place].strip() if place < len(signs) else ""
        before = signs[place - 1].strip() if place else ""
        titled = parts[place].strip()[:1].isupper() and mark.accented
        if before == "(" and after.startswith(")") and mark.accented:
            return True
        labelled = before == ":" and _PAPER_ONLY.fullmatch(fold(parts[place - 1]))
        if titled and (
            labelled or (place == 0 and after == ":") or (not after and before in _DASHES)
        ):
            return True
    return False


def _names_level(parts: list[str], end: int) -> bool:
    """Tell whether the neighbour of a mark opens (end 0) or ends (end -1) with a level too."""
    words = _WORD.findall(parts[0]) if parts else []
    if end == 0:
        return any(_level(words[:size]) for size in (2, 1)) and not _COMPOUND.match(
            fold(" ".join(words[1:3]))
        )
    before = fold(words[-2]) if len(words) > 1 else ""
    return before not in _BEFORE_MAT and any(_level(words[-size:]) for size in (2, 1))


_DASHES = ("-", "–", "—", "/", "|")


def _opens_with_mark(line: str) -> bool:
    """Tell whether a line opens with a mark in capitals, before words that are of no word with it.

    "MẬT Báo cáo phòng thủ", "TỐI MẬT BÁO CÁO" are marked, "MẬT ĐỘ DÂN SỐ" is not. A number before a mark at
    the end of the line is the document's: "Công văn 12/CV-CAT MẬT".
    """
    words = _NUMBERING.sub("", line).split(" ")
    for size in (2, 1):
        mark = _level(words[:size])
        rest = [word for word in words[size:] if word]
        if mark is None or not mark.capitals or not rest:
            continue
        following = fold(" ".join(rest[:4]))
        if _PAPER_FIRST.match(following):
            return True
        if mark.level < 3 and not mark.accented:
            continue  # "TOI MAT DIEN THOAI" has lost a telephone
        if mark.level == 1 and _COMPOUND.match(following):
            continue
        if mark.level > 1 and re.match(r"(?:la|va|hoac|thi|khong|phai|duoc|gom)\b", following):
            continue  # "TỐI MẬT là độ mật thứ hai"
        if mark.level > 1 or not rest[0].isupper():
            return True
    for size in (2, 1):
        mark = _level(words[-size:])
        before = words[-size - 1] if len(words) > size else ""
        if mark is None or not mark.capitals:
            continue
        small = [word for word in words[:-size] if word.islower()]
        if mark.level > 1 and mark.accented and _is_said_of_text(words[:-size], small, line):
            return True
        ends_list = mark.accented and before.endswith(",") and line.casefold().count("mật") == 1
        if re.search(r"\d", before) or ends_list:
            return True
    return False


def _is_said_of_text(before: list[str], small: list[str], line: str) -> bool:
    """Tell whether "TỐI MẬT" at the end marks the words before it, among small letters: "đã xong TỐI MẬT"."""
    speaks_of_level = _SPEAKS_OF_LEVEL.search(fold(" ".join(before))) is not None
    return bool(small) and not speaks_of_level and line.casefold().count("mật") == 1


def _is_marked_slug(words: list[str]) -> bool:
    """Tell whether the words of a file's name hold a level: at either end, or in capitals among small letters."""
    small_around = any(word.islower() for word in words)
    for size in (2, 1):
        for start in range(len(words) - size + 1):
            mark = _level(words[start : start + size])
            if mark is None:
                continue
            at_end = start + size == len(words)
            before = fold(words[start - 1]) if start else ""
            following = fold(" ".join(words[start + size : start + size + 3]))
            if mark.level > 1 and (mark.accented or mark.capitals or at_end):
                return True
            if mark.level > 1 and not start and re.match(rf"{_PAPER}|\d", following):
                return True
            if mark.level > 1 or before in _BEFORE_MAT or _COMPOUND.match(following):
                continue
            if mark.accented and (at_end or not start or mark.capitals):
                return True
            paper = " ".join(words[:start])
            if mark.accented and following[:1].isdecimal() and _PAPER_ONLY.fullmatch(fold(paper)):
                return True  # "Công văn mật 12"
            if mark.capitals and (small_around or (not start and _PAPER_FIRST.match(following))):
                return True
            if mark.capitals and at_end and re.search(r"\d", before):
                return True
    return False
