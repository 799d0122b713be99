"""One target and its value, as reports show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One target and its value; None: not reported, or agencies differ.

    goal None: the document gives no figure. met None: unknown.
    """

    code: str
    text: str
    year: int | None
    comparator: str | None
    goal: str | None
    unit: str
    value: str | None
    value_year: int | None
    source: str  # short names of the reporting agencies, "" for none
    met: bool | None
