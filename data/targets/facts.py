"""One target and what it has come to, as reports show it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One target and what it has come to. value None: nobody has said.

    goal None: the document gives no figure. met None: it cannot be told.
    """

    code: str
    text: str
    year: int | None
    comparator: str | None
    goal: str | None
    unit: str
    value: str | None
    value_year: int | None
    source: str  # short names of who said it, "" for nobody
    met: bool | None
