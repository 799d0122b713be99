"""Text of the sandbox page: safe HTML, plain text in messenger-sized pieces, times.

Guarantees:
- Only the tags of messengers reach the page, whatever a text holds.
- No piece is longer than a messenger's limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from html import escape
from html.parser import HTMLParser

from markupsafe import Markup

from data.clock import ZONE, require_aware
from data.text import utf16_length

_TAGS = frozenset({"b", "strong", "i", "em", "u", "s", "code", "pre", "blockquote"})
_SCHEMES = ("https://", "http://")


def safe_html(text: str) -> Markup:
    """Return a message's HTML with only the tags of messengers, each closed.

    Links keep an http(s) address and open in a new tab. Other tags go; their text stays.
    """
    cleaner = _Cleaner()
    cleaner.feed(text)
    cleaner.close()
    return cleaner.result()


def preview_line(text: str, *, is_html: bool) -> str:
    """Return a message as one line of plain text, for the list of chats."""
    words = Markup(text).striptags() if is_html else text  # noqa: S704 - comes out as plain text
    return " ".join(words.split())[:160]


def split_text(text: str, max_units: int) -> Iterator[str]:
    """Yield a text in pieces of at most `max_units` UTF-16 units, cut between paragraphs, lines, then words."""
    rest = text.strip()
    while utf16_length(rest) > max_units:
        head = _fitting(rest, max_units)
        for joint in ("\n\n", "\n", " "):
            cut = head.rfind(joint)
            if cut > 0:
                break
        else:
            cut = len(head)
        yield rest[:cut].rstrip()
        rest = rest[cut:].lstrip()
    if rest:
        yield rest


def wall_time(instant: datetime) -> str:
    """Return an instant's time of day in the province's zone: "07:30"."""
    return f"{require_aware(instant).astimezone(ZONE):%H:%M}"


def _fitting(text: str, most: int) -> str:
    """Return the longest beginning of a text that has at most `max_units` UTF-16 units."""
    return text.encode("utf-16-le")[: most * 2].decode("utf-16-le", errors="ignore")


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._parts.append("\n")
        elif tag in _TAGS:
            self._parts.append(f"<{tag}>")
            self._open.append(tag)
        elif tag == "a":
            address = dict(attrs).get("href") or ""
            if address.startswith(_SCHEMES):
                self._parts.append(
                    f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">'
                )
                self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while True:
                last = self._open.pop()
                self._parts.append(f"</{last}>")
                if last == tag:
                    break

    def handle_data(self, data: str) -> None:
        self._parts.append(escape(data))

    def result(self) -> Markup:
        closing = "".join(f"</{tag}>" for tag in reversed(self._open))
        return Markup("".join(self._parts) + closing)  # noqa: S704 - every part is ours or escaped
