"""The Jinja environment of all templates, with the filters that write dates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from data.registry.short_names import cut_between_words
from jobs.rendering.dates import full_date, hour_words, long_date, short_date

_LONGEST_SHOWN = 1000  # characters; with the frame around it this fits messages of 2,000


@cache
def template_environment(folder: Path) -> Environment:
    """Return the templates of a folder, one environment a process: compiling takes longer than sending."""
    environment = _Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # they are part of the program
    )
    environment.filters.update(
        hoa=upper_first,
        so=padded,
        dai=within_a_message,
        ngay=long_date,
        ngay_nam=full_date,
        ngay_ngan=short_date,
        gio=hour_words,
    )
    return environment


class _Environment(Environment):
    """Looks up "item.late" among a dict's keys first: a missing attribute costs more to ask for."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def padded(number: int) -> str:
    """Return a count as it stands in a sentence: "05", "12", "1.234"."""
    return f"{number:02}" if 0 < number < 10 else f"{number:,}".replace(",", ".")


def within_a_message(words: str) -> str:
    """Return what somebody wrote as far as one message about it may show it; the history has it whole."""
    if len(words) <= _LONGEST_SHOWN:
        return words
    return f"{cut_between_words(words, _LONGEST_SHOWN)} (xem toàn văn: /nhiemvu và mã)"


def upper_first(text: str) -> str:
    """Return the text with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]
