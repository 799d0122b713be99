"""Kinds of agencies as people name them: "các sở", "xã, phường"; such words never name one agency. Pure."""

from __future__ import annotations

import re
from typing import Literal

from data.text import fold

AgencyGroup = Literal["departments", "communes", "others"]

AGENCY_GROUPS: tuple[AgencyGroup, ...] = ("departments", "communes", "others")
DEPARTMENT_KINDS = frozenset({"office", "department", "inspectorate", "board"})  # sở, ban, ngành
COMMUNE_KIND = "commune"
_NOT_WORDS = re.compile(r"\W+")
_BEFORE = re.compile(r"^(?:(?:tat ca|toan bo|cac|nhung|uy ban nhan dan|ubnd|cap)(?: |$))+")
_NAMES: dict[str, AgencyGroup] = {
    **dict.fromkeys(
        ("so", "ban nganh", "so nganh", "so ban nganh", "so ban nganh tinh"), "departments"
    ),
    **dict.fromkeys(
        ("xa", "phuong", "dac khu", "xa phuong", "phuong xa", "xa va phuong", "xa phuong dac khu"),
        "communes",
    ),
    **dict.fromkeys(("co quan khac", "don vi khac", "co quan don vi khac"), "others"),
}  # fmt: skip
_OTHER_GENERIC = frozenset(
    {"ban", "nganh", "phong", "chi cuc", "huyen", "thi xa", "thanh pho", "co quan", "don vi"}
)


def group_of_kind(kind: str) -> AgencyGroup:
    """Return the group that an agency's kind (data.registry.schema.AgencyKind) is counted in."""
    if kind in DEPARTMENT_KINDS:
        return "departments"
    return "communes" if kind == COMMUNE_KIND else "others"


def named_group(words: str) -> AgencyGroup | None:
    """Return the group of agencies that words name as a whole ("các xã", "UBND xã, phường"), else None."""
    return _NAMES.get(_bare(words))


def is_generic(words: str) -> bool:
    """Tell whether words are what many agencies are called ("xã", "sở", "cơ quan"), and so name none."""
    return named_group(words) is not None or _bare(words) in _OTHER_GENERIC


def _bare(words: str) -> str:
    return _BEFORE.sub("", _NOT_WORDS.sub(" ", fold(words)).strip())
