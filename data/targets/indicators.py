"""Targets (chỉ tiêu) as figures: what they are called, which are one indicator in several years, when one is met.

Promises that two targets count as one indicator only where their words are the same but for the figure
and words that carry no meaning, the unit is the same and the years are not; whatever differs more is an
indicator of its own. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache

from data.registry.schema import TargetEntry
from data.registry.titles import TITLE_LIMIT, shorten
from data.text import fold

Indicator = tuple[TargetEntry, ...]

_NUMBER = r"\d+(?:[.,]\d+)?"
_FIGURE = re.compile(
    rf"(?:\b(?:đạt|chiếm|từ|trên|dưới|tối thiểu|tối đa|ít nhất|không quá)\s+)*"
    rf"(?P<low>{_NUMBER})(?:\s*%?\s*[-–]\s*(?P<high>{_NUMBER}))?(?!\w)\s*%?(?:\s*/\s*năm|\s+trở lên)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
# What the same indicator may say in one year and leave out in another: "sử dụng (nền tảng) hợp đồng điện tử".
_STOP_WORDS = frozenset(fold("sử dụng nền tảng có các được xây dựng").split())


def has_figure(target: TargetEntry) -> bool:
    """Tell whether a value can be held against the target: its document gives a figure."""
    return target.value is not None and target.comparator is not None


def unit_of(target: TargetEntry) -> str:
    """Return the target's unit, "" for none."""
    return target.unit or ""


def is_percent(target: TargetEntry) -> bool:
    """Tell whether the unit is a percentage: "%", "% GRDP", "%/năm"."""
    return unit_of(target).startswith("%")


def goal_numbers(target: TargetEntry) -> tuple[Decimal, ...]:
    """Return the figure of the target: one number, a range's two, or none."""
    if target.value is None:
        return ()
    figures = target.value if isinstance(target.value, tuple) else (target.value,)
    return tuple(Decimal(str(figure)).normalize() for figure in figures)


def is_met(target: TargetEntry, value: Decimal) -> bool | None:
    """Tell whether a value reaches the target; None where the target has no figure.

    A percentage "=" is reached by more as well ("đạt 80%" is no ceiling), any other number that stands
    alone only by itself; a range by its lower end, and by more than its upper one.
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
    """Return how far a value has come toward the target, 0 to 1; only what is met has come all the way."""
    if is_met(target, value):
        return Decimal(1)
    goal = goal_numbers(target)[0]
    below = target.comparator in ("<", "<=")  # there the value is too great
    over, under = (goal, value) if below else (value, goal)
    return min(max(over / under, Decimal(0)), Decimal("0.99")) if under > 0 else Decimal(0)


# ------------------------------------------------------------------ words


def short_target_name(target: TargetEntry) -> str:
    """Return the target's words in short, without its figure; one amid them is "…"."""
    before, after = _around(target)
    parts = [part for part in (before.strip(), after.strip(" .,;")) if part]
    rest = " ".join(" … ".join(parts).split())
    return shorten(rest[:1].upper() + rest[1:], TITLE_LIMIT) or target.code


@lru_cache(maxsize=1024)
def target_search_words(target: TargetEntry) -> tuple[str, ...]:
    """Return the words by which the target can be named: lower case, with marks, without its figure."""
    return tuple(_WORD.findall(" ".join(_around(target)).lower()))


def group_by_indicator(targets: Iterable[TargetEntry]) -> list[Indicator]:
    """Return the targets as indicators, each with its years in order, in the document's order."""
    found: list[list[TargetEntry]] = []
    by_name: dict[tuple[frozenset[str], str], list[TargetEntry]] = {}
    for target in targets:
        key = (frozenset(_content(target)), unit_of(target))
        group = by_name.get(key)
        years = [known.year for known in group or ()]
        if group is None or not has_figure(target) or target.year in (None, *years):
            group = [target]
            found.append(group)
            if has_figure(target) and target.year is not None:
                by_name[key] = group
        else:
            group.append(target)
    return [tuple(sorted(group, key=lambda target: target.year or 0)) for group in found]


def target_for_year(indicator: Sequence[TargetEntry], year: int) -> TargetEntry:
    """Return the target of an indicator that a year works toward: the next one, else the last."""
    return next(
        (target for target in indicator if target.year is None or target.year >= year),
        indicator[-1],
    )


def _content(target: TargetEntry) -> list[str]:
    return [word for word in map(fold, target_search_words(target)) if word not in _STOP_WORDS]


def _around(target: TargetEntry) -> tuple[str, str]:
    """Return the target's text before and after its own figure and what belongs to that ("đạt trên 80%")."""
    text = unicodedata.normalize("NFC", target.text)
    own = goal_numbers(target)
    for match in _FIGURE.finditer(text):
        said = [match[name] for name in ("low", "high") if match[name] is not None]
        if tuple(Decimal(number.replace(",", ".")).normalize() for number in said) == own:
            return text[: match.start()], text[match.end() :]
    return text, ""
