"""Orders of those who follow plans, in free words, to a command: "nhắc các sở chưa nộp", "giao 5 cho Sở Y tế". Pure.

Guarantees: words that are no such order as a whole give None; what they name is for the command to judge.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from data.text import fold

_LONGEST = 150  # characters
_ENDS = re.compile(
    r"(?: (?:chua|khong)(?: thay)? (?:nop|bao cao|gui|tra loi|co bao cao)(?: bao cao)?| (?:nop|gui) bao cao"
    r"| (?:a|nhe|nha|di|giup|giup em|giup toi|voi|luon|ngay|ho))+$"
)
_EVERYBODY = frozenset({"", "tat ca", "het", "moi noi", "cac noi", "cac don vi", "cac co quan"})
_WHAT = r"(?:con |co |dang |nhung |cac )*(?:ai|gi|(?:noi|don vi|co quan|viec|nhiem vu|ket qua|cai) (?:gi|nao))"
_SHAPES: tuple[tuple[str, str], ...] = (
    ("nhac", r"(?:nhac nho|nhac|don doc)(?: cho)?(?: (?!lai\b|toi\b|em\b|minh\b|vao\b|sau\b)(?P<about>.+))?"),
    ("giaitrinh", r"(?:de nghi|yeu cau) giai trinh(?: cua| doi voi)? (?P<about>.+)"),
    ("giaitrinh", r"(?:de nghi|yeu cau) (?P<about>.+) giai trinh"),
    ("giao", r"giao (?:viec |nhiem vu )?(?P<about>.+?) cho (?P<to>.+)"),
    ("baocao", r"(?:xuat|soan|lap|lam|tao) (?:ban )?bao cao(?: tong hop)?(?: (?P<about>.+))?"),
    ("xacnhan", rf"{_WHAT} (?:dang |con )*(?:cho|can) (?:toi |em |minh )?(?:xac nhan|duyet)(?: khong)?"),
    ("giahan", rf"{_WHAT} (?:dang |con )*(?:xin|de nghi) gia han(?: khong)?"),
    ("giahan", r"(?:con |co )*de nghi gia han nao(?: khong| cho duyet)*"),
    ("cauhoi", r"(?:con |co )*cau hoi nao(?: chua tra loi| khong| cho tra loi)*"),
)  # fmt: skip
_NAMES = "ke hoach|kh|so(?! \\d)|ubnd|xa|phuong|dac khu|ban|van phong|thanh tra|cong an"
_THING = "(?:viec |nhiem vu |bao cao |nhung )?(?:gi|nao)"
_DUE = "(?:den|toi) han"
_LOOKS: tuple[tuple[str, str], ...] = (
    ("sapden", rf"(?:(?:hom nay|tuan nay|sap toi) )?(?:con |co )?{_THING} (?:sap |se )?{_DUE}(?: khong)?"),
    ("sapden", rf"(?:sap|chuan bi) {_DUE}(?: (?:nhung |cac )?{_THING})?"),
    ("status", r"(?:tien do|tinh hinh|ket qua)(?: thuc hien| cua)* (?P<about>.+)"),
    ("status", rf"(?:xem )?(?P<about>(?:{_NAMES}) \S+(?: \S+){{0,6}})"),
)  # fmt: skip
_PATTERNS = tuple((command, re.compile(shape)) for command, shape in (*_SHAPES, *_LOOKS))


class SpokenOrder(NamedTuple):
    """The command meant, what it is about as typed ("" where that is everything), and for /giao to whom."""

    command: str
    about: str = ""
    to: str = ""


def read_spoken_order(text: str) -> SpokenOrder | None:
    """Return the order that a text gives, None for other words."""
    if len(text) > _LONGEST or "\n" in text.strip():
        return None
    typed = [(word.strip(",.;:?!"), fold(word)) for word in text.split()]
    typed = [(word, folded) for word, folded in typed if folded]
    line = _ENDS.sub("", " ".join(folded for _, folded in typed))
    for command, pattern in _PATTERNS:
        match = pattern.fullmatch(line)
        if match is None:
            continue
        found = match.groupdict()
        about, to = (
            _as_typed(typed, *match.span(name)) if found.get(name) else ""
            for name in ("about", "to")
        )
        return SpokenOrder(command, "" if fold(about) in _EVERYBODY else about, to)
    return None


def _as_typed(typed: list[tuple[str, str]], start: int, end: int) -> str:
    """Return the words as typed between two places of the folded line."""
    at, words = 0, []
    for word, folded in typed:
        if start <= at < end:
            words.append(word)
        at += len(folded) + 1
    return " ".join(words)
