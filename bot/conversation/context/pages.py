"""Pages of lists and long texts: the page asked for, and texts cut between words to fit."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_PAGE = re.compile(r"(.*?)\btrang (\d{1,5})", re.IGNORECASE | re.DOTALL)
_UNITS_FOR_A_FULL_PAGE = 4000  # UTF-16 units; where messages are shorter, a page holds half
WORDS_A_MESSAGE = 1100  # characters; with its frame this fits the shortest messages (2,000)
_FRAME = 700  # UTF-16 units of heading, legend and hints around blocks


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of several."""

    number: int
    count: int
    size: int

    @property
    def offset(self) -> int:
        """Return the number of lines on the pages before."""
        return (self.number - 1) * self.size

    def context(self) -> dict[str, int]:
        """Return its template data."""
        return {"page": self.number, "pages": self.count}


def parse_page(words: str) -> tuple[str, int]:
    """Return a command's words without "trang N", and N; without buttons people type pages."""
    match = _PAGE.fullmatch(words.strip())
    return (words.strip(), 1) if match is None else (match[1].strip(), int(match[2]))


def clamp_page(total: int, asked: int, size: int) -> ListPage:
    """Return the page asked for of `total` lines; one beyond the last is the last."""
    count = max(1, -(-total // size))
    return ListPage(min(max(asked, 1), count), count, size)


def page_size(longest: int, full: int) -> int:
    """Return the lines a page holds where a message has at most `longest` UTF-16 units."""
    return full if longest >= _UNITS_FOR_A_FULL_PAGE else full // 2


def split_into_pages(blocks: Sequence[dict[str, Any]], longest: int) -> list[list[dict[str, Any]]]:
    """Cut blocks ({"kind", "text", …}) into pages that fit a message; a long text is cut between words.

    Returns at least one page; no page ends with a heading.
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


def split_words(text: str, longest: int = WORDS_A_MESSAGE) -> list[str]:
    """Cut words of a person between words into parts that fit any messenger's message; at least one part."""
    parts, left = [], text.strip()
    while len(left) > longest:
        cut = max(left.rfind(" ", longest // 2, longest), left.rfind("\n", longest // 2, longest))
        cut = longest if cut < 0 else cut
        parts.append(left[:cut].rstrip())
        left = left[cut:].lstrip()
    return [*parts, left]


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
