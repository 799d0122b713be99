"""What a page of a workbook hides behind its values: merged cells, and formulas that were never computed. Pure.

Guarantees:
- One pass over the page's XML keeps a bounded number of marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from xml.parsers import expat

MOST_MARKS = 1000  # a page with more is told by these
_READ_BYTES = 1 << 16
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def list_merged_rows(references: Iterable[str]) -> list[tuple[int, int, int, int]]:
    """Return top, bottom, left and right, from 1, of the cells merged over several rows: "B2:B5"."""
    found = []
    for reference in references:
        corners = [_place(each) for each in reference.split(":")]
        if len(corners) == 2 and corners[0] is not None and corners[1] is not None:
            (top, left), (bottom, right) = corners[0], corners[1]
            if bottom > top:
                found.append((top, bottom, left, right))
    return found


def find_uncomputed(stream: Any) -> list[tuple[int, int]]:
    """Return row and column, from 1, of formulas without a value; stream: a page's XML, found sound before."""
    found: list[tuple[int, int]] = []
    cell, kind, within = "", "", ""
    formula = value = False

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal cell, kind, within, formula, value
        within = name.rpartition(":")[2]
        if within == "c":
            cell, kind = attributes.get("r", ""), attributes.get("t", "")
            formula = value = False
        elif within == "f":
            formula = True

    def hear(words: str) -> None:
        nonlocal value
        value = value or (within == "v" and bool(words))

    def end(name: str) -> None:
        nonlocal within
        within = ""
        # a formula whose result is no words at all has the kind "str", and an empty value
        if kind != "str" and name.rpartition(":")[2] == "c" and formula and not value:
            place = _place(cell)
            if place is not None and len(found) < MOST_MARKS:
                found.append(place)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = hear
    while piece := stream.read(_READ_BYTES):
        parser.Parse(piece)
    parser.Parse(b"", True)
    return found


def _place(reference: str) -> tuple[int, int] | None:
    """Return row and column of "B7", from 1; None for no reference."""
    match = _CELL.fullmatch(reference.replace("$", ""))
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column
