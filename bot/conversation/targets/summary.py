"""Template data of one indicator: its goals, the values reported, a progress bar."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from data.clock import civil_date
from data.targets.indicators import (
    goal_numbers,
    has_figure,
    is_met,
    short_target_name,
    target_completion,
    unit_of,
)
from data.targets.numbers import format_vietnamese_number
from data.targets.statuses import TargetStatus
from data.targets.values import ReportedValue

_BLOCKS = 10
_MOST_NAMES = 4


def target_line(group: Sequence[TargetStatus], seen: Collection[int] | None) -> dict[str, Any]:
    """Return the template data of an indicator (keys of templates/_parts/targets).

    seen: the agencies whose values the caller may see with their names; None: all.
    """
    targets = [status.target for status in group]
    reported = {value.id: value for status in group for value in status.reported}
    counting = {value.id for status in group for value in status.of}
    shown = [value for value in reported.values() if seen is None or value.agency_id in seen]
    shown.sort(key=lambda value: (value.id not in counting, -value.year))
    return {
        "codes": [target.code for target in targets],
        "name": short_target_name(targets[0]),
        "unit": unit_of(targets[0]),
        "goals": [_goal(status) for status in group if has_figure(status.target)],
        "said": [_reported_value(value, value.id in counting) for value in shown[:_MOST_NAMES]],
        "more": max(len(shown) - _MOST_NAMES, 0) if seen is None else 0,
        "differs": any(status.has_conflict for status in group),
    }


def _goal(status: TargetStatus) -> dict[str, Any]:
    target, value = status.target, status.value
    return {
        "year": target.year,
        "comparator": target.comparator,
        "figures": [format_vietnamese_number(figure) for figure in goal_numbers(target)],
        "value": None if value is None else format_vietnamese_number(value),
        "value_year": status.year,
        "met": None if value is None else is_met(target, value),
        "bar": "" if value is None else progress_bar(target_completion(target, value)),
        "differs": status.has_conflict,
    }


def _reported_value(value: ReportedValue, counts: bool) -> dict[str, Any]:
    return {
        "agency": value.agency,
        "person": value.person,
        "year": value.year,
        "value": format_vietnamese_number(value.value),
        "on": civil_date(value.said_at).isoformat(),
        "counts": counts,
    }


def progress_bar(part: Decimal) -> str:
    """Return a share as ten blocks; only a whole fills all ten."""
    full = int(part * _BLOCKS)
    return "▓" * full + "░" * (_BLOCKS - full)
