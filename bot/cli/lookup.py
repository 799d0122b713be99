"""Find the province, plan or agency that a typed name means.

Guarantees:
- A name is understood in every spelling that the registry knows, with or without marks.
- A name with several meanings is refused with a list of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from bot.cli.output import CommandFailed
from data.registry.agency_kinds import is_generic

if TYPE_CHECKING:
    from data.registry.province import Province
    from data.registry.registry import Registry
    from data.registry.schema import AgencyEntry

_MOST_NAMED = 6


def find_province(registry: Registry, text: str) -> Province:
    """Return the province of a slug or a name."""
    province = registry.find_province(text)
    if province is not None:
        return province
    known = ", ".join(sorted(registry.provinces))
    raise CommandFailed(f"Không có tỉnh «{text}» trong sổ bộ. Hãy chọn: {known}.")


def find_plan_code(registry: Registry, text: str, province: str | None) -> str:
    """Return the code of the one plan that has a number or code."""
    within = None if province is None else find_province(registry, province).code
    codes = registry.find_plans(text, province=within)
    if len(codes) == 1:
        return codes[0]
    if codes:
        raise CommandFailed(
            f"Có {len(codes)} kế hoạch số «{text}»: {_first_names(codes)}."
            " Hãy ghi mã, hoặc thêm --province."
        )
    raise CommandFailed(
        f"Không có kế hoạch «{text}». Hãy xem các kế hoạch bằng «nhacviec plan list»."
    )


def find_agency(province: Province, text: str, *, on: date) -> AgencyEntry:
    """Return the one agency of a province that has a name, alive on a date or named exactly."""
    entries = province.find(text, on=on)
    if len(entries) == 1:
        return entries[0]
    if entries:
        names = _first_names(f"{entry.name} ({entry.code})" for entry in entries)
        raise CommandFailed(
            f"«{text}» có thể là {len(entries)} cơ quan: {names}. Hãy ghi rõ hơn, hoặc ghi mã."
        )
    if is_generic(text):
        raise CommandFailed(
            f"«{text}» là tên chung của nhiều cơ quan. Hãy ghi tên đầy đủ, ví dụ: Sở Tài chính."
        )
    raise CommandFailed(
        f"{province.name} không có cơ quan «{text}». Hãy xem lại chính tả,"
        f" hoặc tệp agencies/{province.code}.yaml."
    )


def _first_names(names: Iterable[str]) -> str:
    every = list(names)
    rest = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" và {rest} nữa" if rest > 0 else "")
