"""How commands read what is typed: dates, instants, provinces, plans, agencies.

Promises that what is not understood is refused in Vietnamese with the form that is; that names are taken
in any spelling the registry knows; and that where several could be meant, all are named and none taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

import typer

from bot.cli.output import CommandFailed

if TYPE_CHECKING:
    from data.registry.province import Province
    from data.registry.registry import Registry
    from data.registry.schema import AgencyEntry

_MOST_NAMED = 6


def parse_day(text: str) -> date:
    """Return a civil date typed as 2026-11-15 or 15/11/2026."""
    from data.sheets.phrases import read_day

    try:
        return read_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def parse_instant(text: str) -> datetime:
    """Return an aware instant typed as ISO 8601 with its offset; a naive one is refused."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(
            f"«{text}» không phải thời điểm. Hãy viết dạng 2026-11-09T07:30+07:00."
        ) from None
    if value.utcoffset() is None:
        raise typer.BadParameter(
            f"«{text}» thiếu múi giờ. Hãy viết rõ, ví dụ {text.strip()}+07:00."
        )
    return value


def parse_role(text: str) -> str:
    """Return a role: focal, coordinator or leader, by its English or Vietnamese name."""
    from data.text import fold

    roles = {
        "focal": "focal", "dau moi": "focal",
        "coordinator": "coordinator", "theo doi": "coordinator",
        "leader": "leader", "lanh dao": "leader",
    }  # fmt: skip
    found = roles.get(fold(text))
    if found is None:
        raise typer.BadParameter(
            f"«{text}» không phải vai trò. Hãy chọn focal (đầu mối), coordinator (theo dõi)"
            " hoặc leader (lãnh đạo)."
        )
    return found


def find_province(registry: Registry, text: str) -> Province:
    """Return the province that a slug or a name means, with or without marks."""
    province = registry.find_province(text)
    if province is not None:
        return province
    known = ", ".join(sorted(registry.provinces))
    raise CommandFailed(f"Không có tỉnh «{text}» trong sổ bộ. Hãy chọn: {known}.")


def find_plan_code(registry: Registry, text: str, province: str | None) -> str:
    """Return the code of the one plan that a number or code means."""
    within = None if province is None else find_province(registry, province).code
    found = registry.find_plans(text, province=within)
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandFailed(
            f"Có {len(found)} kế hoạch số «{text}»: {_named(found)}. Hãy ghi mã, hoặc thêm --province."
        )
    raise CommandFailed(
        f"Không có kế hoạch «{text}». Hãy xem các kế hoạch bằng «nhacviec plan list»."
    )


def find_agency(province: Province, text: str, *, on: date) -> AgencyEntry:
    """Return the one agency of a province that words mean, alive on a date or named exactly."""
    found = province.find(text, on=on)
    if len(found) == 1:
        return found[0]
    if found:
        names = _named(f"{entry.name} ({entry.code})" for entry in found)
        raise CommandFailed(
            f"«{text}» có thể là {len(found)} cơ quan: {names}. Hãy ghi rõ hơn, hoặc ghi mã."
        )
    raise CommandFailed(
        f"{province.name} không có cơ quan «{text}». Hãy xem lại chính tả,"
        f" hoặc tệp agencies/{province.code}.yaml."
    )


def _named(names: Iterable[str]) -> str:
    every = list(names)
    rest = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" và {rest} nữa" if rest > 0 else "")
