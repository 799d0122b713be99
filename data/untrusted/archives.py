"""Look through an Office file, a ZIP of XML parts, before anything is built of it. Pure.

Guarantees:
- All is read once, in small pieces; nothing is kept but the text of one paragraph.
- Refused: too many parts, too much unpacked, too many or too deep elements, document types (which alone
  declare entities: ECMA-376 Part 2, §8.1.1.1.3), an attribute or text without end, other packings than ZIP's own.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

NO_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, IndexError,
              AttributeError, SyntaxError, NotImplementedError, RuntimeError, OverflowError,
              OSError)  # fmt: skip
_MOST_PARTS = 1000  # files within the file
_DEEPEST = 60  # nested elements; sheets of Excel and LibreOffice stay below 20
_READ_BYTES = 1 << 16
_LONGEST_SILENCE = (
    4 << 20
)  # bytes without an element or text: an attribute or a comment without end
_LONGEST_TEXT = 2_000_000  # characters of one paragraph or cell
_MOST_STYLES = 300_000  # elements; Excel itself allows 65,490 formats
_MOST_MERGED = 1000  # are named
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# Elements that hold one text to read: paragraphs, cells, headers of sheets, what a file says of itself.
_HEADERS = frozenset(
    f"{page}{place}" for page in ("odd", "even", "first") for place in ("Header", "Footer")
)
_PARAGRAPHS = _HEADERS | {
    *("p", "si", "is", "text", "v"),
    *("title", "subject", "description", "keywords", "category"),
}
_TEXTS = _PARAGRAPHS - {"p", "si", "is", "text"} | {"t"}
_BREAKS = {"tab": "\t", "br": "\n", "cr": "\n"}
_NAMES = {"sheet": "name", "textpath": "string"}  # a page's title, a watermark
_HEADER_CODE = re.compile(r'&(?:"[^"]*"|\d+|[A-Za-z])')


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How large a file may be unpacked, and how many XML elements it may have altogether."""

    unpacked: int
    elements: int


class ArchiveBomb(Exception):
    """The file would exhaust who builds it."""


class ArchiveUnreadable(Exception):
    """The file is no ZIP, or a part that should be XML is none."""


def look_through_archive(
    content: bytes,
    limits: ArchiveLimits,
    *,
    told: Callable[[str], None] = lambda _: None,
    merged: dict[str, list[str]] | None = None,
) -> None:
    """Read all parts; raises ArchiveBomb, ArchiveUnreadable. told: called with every text in them.

    merged: is filled with the merged cells of each part, at most _MOST_MERGED.
    zipfile reads no more of a part than its declared size, and refuses one that holds more.
    """
    left = [limits.elements]
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > limits.unpacked:
                raise ArchiveBomb
            if any(part.compress_type not in _PACKINGS for part in parts):
                raise ArchiveUnreadable
            for part in parts:
                reader = _Reader(left, told, styles=part.filename.endswith("styles.xml"))
                with archive.open(part) as stream:
                    try:
                        reader.read(stream)
                    except expat.ExpatError:  # fine for a picture or a printer's settings
                        if part.filename.lower().endswith((".xml", ".rels")):
                            raise ArchiveUnreadable from None
                if merged is not None and reader.merged:
                    merged[part.filename] = reader.merged
    except NO_ARCHIVE:
        raise ArchiveUnreadable from None


class _Reader:
    """Reads one part; counts down the elements that are left."""

    def __init__(self, left: list[int], told: Callable[[str], None], *, styles: bool) -> None:
        self._left = left
        self._told = told
        self._styles = _MOST_STYLES if styles else None
        self._depth = 0
        self._silence = 0
        self._texts = 0  # how many elements that hold text are open
        self._open: list[list[str]] = []
        self._length = 0
        self.merged: list[str] = []

    def read(self, stream: Any) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._hear
        parser.StartDoctypeDeclHandler = _refuse
        while piece := stream.read(_READ_BYTES):
            self._silence += len(piece)
            if self._silence > _LONGEST_SILENCE:
                raise ArchiveBomb
            parser.Parse(piece)
        parser.Parse(b"", True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._silence = 0
        self._depth += 1
        self._left[0] -= 1
        if self._styles is not None:
            self._styles -= 1
        if self._depth > _DEEPEST or self._left[0] < 0 or (self._styles or 0) < 0:
            raise ArchiveBomb
        local = name.rpartition(":")[2]
        if local == "mergeCell" and len(self.merged) < _MOST_MERGED:
            self.merged.append(attributes.get("ref", ""))
        if local in _NAMES and _NAMES[local] in attributes:
            self._told(attributes[_NAMES[local]])
        if local in _PARAGRAPHS:
            self._open.append([])
            self._length = 0
        if local in _TEXTS:
            self._texts += 1
        if local in _BREAKS and self._open:
            self._open[-1].append(_BREAKS[local])

    def _end(self, name: str) -> None:
        self._silence = 0
        self._depth -= 1
        local = name.rpartition(":")[2]
        if local in _TEXTS:
            self._texts -= 1
        if local in _PARAGRAPHS and self._open:
            words = "".join(self._open.pop())
            if local in _HEADERS:
                words = _HEADER_CODE.sub("\t", words)
            if words and not words.isdecimal():
                self._told(words)

    def _hear(self, words: str) -> None:
        self._silence = 0
        if self._texts and self._open:
            self._length += len(words)
            if self._length > _LONGEST_TEXT:
                raise ArchiveBomb
            self._open[-1].append(words)


def _refuse(*_what: object) -> None:
    raise ArchiveBomb
