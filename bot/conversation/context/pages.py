"""Pages: which page was asked for, the way to the others, and long texts cut to fit.

Promises that a page button says what a typed command would ("/tim nhà máy trang 2"), so that nothing
need be remembered; and that no text is cut within a word. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobs.channel import Button

ButtonRows = tuple[tuple[Button, ...], ...]

_PAGE = re.compile(r"(.*?)\btrang (\d{1,5})", re.IGNORECASE | re.DOTALL)
_UNITS_FOR_A_FULL_PAGE = 4000  # where messages are shorter, a page holds half as much
_FRAME = 700  # units of heading, legend and hints around blocks
_LONGEST_ACTION = 64  # bytes


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of several; offset: how many lines stand before it."""

    number: int
    count: int
    size: int

    @property
    def offset(self) -> int:
        """Return how many lines stand on the pages before."""
        return (self.number - 1) * self.size

    def context(self) -> dict[str, int]:
        """Return what templates show of it."""
        return {"page": self.number, "pages": self.count}


def parse_page(words: str) -> tuple[str, int]:
    """Return a command's words without "trang N", and N; where there are no buttons, pages are typed."""
    match = _PAGE.fullmatch(words.strip())
    return (words.strip(), 1) if match is None else (match[1].strip(), int(match[2]))


def clamp_page(total: int, asked: int, size: int) -> ListPage:
    """Return the page asked for of so many lines; one beyond the last is the last."""
    count = max(1, -(-total // size))
    return ListPage(min(max(asked, 1), count), count, size)


def page_size(longest: int, full: int) -> int:
    """Return how many lines a page holds on a channel whose messages are so long at most."""
    return full if longest >= _UNITS_FOR_A_FULL_PAGE else full // 2


def page_buttons(name: str, page: int, pages: int, words: str = "") -> ButtonRows:
    """Return the row that leads to the pages before and after, if there are any.

    words: what was asked, in a form short enough for a button (else none is shown: it can be typed).
    """
    row = []
    for number, label in ((page - 1, "◀ Trang trước"), (page + 1, "Trang sau ▶")):
        action = f"page:{name}:{number}" + (f":{words}" if words else "")
        if 1 <= number <= pages and len(action.encode()) <= _LONGEST_ACTION:
            row.append(Button(label, action))
    return (tuple(row),) if row else ()


def command_button(label: str, name: str, words: str) -> ButtonRows:
    """Return a row with a button that asks a command, as if it had been typed; none if too long."""
    action = f"go:{name}:{words}"
    return ((Button(label, action),),) if len(action.encode()) <= _LONGEST_ACTION else ()


def split_into_pages(blocks: Sequence[dict[str, Any]], longest: int) -> list[list[dict[str, Any]]]:
    """Cut blocks ({"kind", "text", …}) into pages that fit a message; a long text is cut between words.

    Never returns an empty list; a heading is not left alone at a page's end.
    """
    room = max(longest - _FRAME, 200)
    pages: list[list[dict[str, Any]]] = [[]]
    left = room
    for block in blocks:
        for part in _parts(block, room):
            weight = _weight(part)
            if weight > left and pages[-1]:
                carried = [pages[-1].pop()] if pages[-1][-1]["kind"] == "heading" else []
                if not pages[-1]:
                    pages.pop()
                pages.append(carried)
                left = room - sum(_weight(each) for each in carried)
            pages[-1].append(part)
            left -= weight
    return pages


def _parts(block: dict[str, Any], room: int) -> list[dict[str, Any]]:
    if _weight(block) <= room:
        return [block]
    parts: list[dict[str, Any]] = []
    words: list[str] = []
    used = 0
    for word in re.findall(r"\S{1,150}\s*", block["text"]):
        weight = _units(word)
        if words and used + weight > room * 3 // 4:
            parts.append({**block, "text": "".join(words).rstrip()})
            words, used = [], 0
        words.append(word)
        used += weight
    parts.append({**block, "text": "".join(words).rstrip()})
    return parts


def _weight(block: dict[str, Any]) -> int:
    return _units(block["text"]) + 40


def _units(text: str) -> int:
    return len(html.escape(text).encode("utf-16-le")) // 2
