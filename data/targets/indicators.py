"""Targets (chỉ tiêu): their goals and names, when a goal is met, which targets are one indicator.

Guarantees: targets are one indicator only where unit and words agree, apart from the figure and _STOP_WORDS,
and each has a year of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache

from data.registry.schema import TargetEntry
from data.registry.titles import shorten
from data.text import fold

Indicator = tuple[TargetEntry, ...]

_NUMBER = r"\d+(?:[.,]\d+)?"
_FIGURE = re.compile(
    rf"(?:\b(?:đạt|chiếm|từ|trên|dưới|tối thiểu|tối đa|ít nhất|không quá)\s+)*"
    rf"(?P<low>{_NUMBER})(?:\s*%?\s*[-–]\s*(?P<high>{_NUMBER}))?(?!\w)\s*%?(?:\s*/\s*năm|\s+trở lên)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
# Words that an indicator may have in one year and lack in another: "sử dụng (nền tảng) hợp đồng điện tử".
_STOP_WORDS = frozenset(fold("sử dụng nền tảng có các được xây dựng").split())


def has_figure(target: TargetEntry) -> bool:
    """Tell whether the target's document gives a figure to compare values with."""
    return target.value is not None and target.comparator is not None


def unit_of(target: TargetEntry) -> str:
    """Return the target's unit, "" for none."""
    return target.unit or ""


def is_percent(target: TargetEntry) -> bool:
    """Tell whether the unit is a percentage: "%", "% GRDP", "%/năm"."""
    return unit_of(target).startswith("%")


def goal_numbers(target: TargetEntry) -> tuple[Decimal, ...]:
    """Return the target's figure: one number, two of a range, or none."""
    if target.value is None:
        return ()
    figures = target.value if isinstance(target.value, tuple) else (target.value,)
    return tuple(Decimal(str(figure)).normalize() for figure in figures)


def is_met(target: TargetEntry, value: Decimal) -> bool | None:
    """Tell whether a value reaches the target; None where the target has no figure.

    A percentage "=" is reached by more as well ("đạt 80%" is no ceiling), any other "=" only exactly. A
    range is reached from its lower end, without a ceiling.
    """
    if not has_figure(target):
        return None
    goal = goal_numbers(target)[0]
    match target.comparator:
        case ">":
            return value > goal
        case "<":
            return value < goal
        case "<=":
            return value <= goal
        case "=":
            return value >= goal if is_percent(target) else value == goal
    return value >= goal


def target_completion(target: TargetEntry, value: Decimal) -> Decimal:
    """Return the progress of a value toward the target, 0 to 1; 1 only where it is met."""
    if is_met(target, value):
        return Decimal(1)
    goal = goal_numbers(target)[0]
    below = target.comparator in ("<", "<=")  # there the value is too great
    over, under = (goal, value) if below else (value, goal)
    return min(max(over / under, Decimal(0)), Decimal("0.99")) if under > 0 else Decimal(0)


def short_target_name(target: TargetEntry) -> str:
    """Return the target's words in short, with "…" for a figure amid them."""
    before, after = _around(target)
    parts = [part for part in (before.strip(), after.strip(" .,;")) if part]
    rest = " ".join(" … ".join(parts).split())
    return shorten(rest[:1].upper() + rest[1:]) or target.code


@lru_cache(maxsize=1024)
def target_search_words(target: TargetEntry) -> tuple[str, ...]:
    """Return the words that name the target: lower case, with marks, without its figure."""
    return tuple(_WORD.findall(" ".join(_around(target)).lower()))


def group_by_indicator(targets: Iterable[TargetEntry]) -> list[Indicator]:
    """Return the targets as indicators in the document's order, each with its years in order."""
    groups: list[list[TargetEntry]] = []
    by_name: dict[tuple[frozenset[str], str], list[TargetEntry]] = {}
    for target in targets:
        key = (frozenset(_content(target)), unit_of(target))
        group = by_name.get(key)
        years = [known.year for known in group or ()]
        if group is None or not has_figure(target) or target.year in (None, *years):
            group = [target]
            groups.append(group)
            if has_figure(target) and target.year is not None:
                by_name[key] = group
        else:
            group.append(target)
    return [tuple(sorted(group, key=lambda target: target.year or 0)) for group in groups]


def target_for_year(indicator: Sequence[TargetEntry], year: int) -> TargetEntry:
    """Return the target of an indicator that counts in a year: the next one, else the last."""
    return next(
        (target for target in indicator if target.year is None or target.year >= year),
        indicator[-1],
    )


def _content(target: TargetEntry) -> list[str]:
    return [word for word in map(fold, target_search_words(target)) if word not in _STOP_WORDS]


def _around(target: TargetEntry) -> tuple[str, str]:
    """Return the target's text before and after its own figure with its qualifiers ("đạt trên 80%")."""
    text = unicodedata.normalize("NFC", target.text)
    own = goal_numbers(target)
    for match in _FIGURE.finditer(text):
        numbers = [match[name] for name in ("low", "high") if match[name] is not None]
        if tuple(Decimal(number.replace(",", ".")).normalize() for number in numbers) == own:
            return text[: match.start()], text[match.end() :]
    return text, ""
