"""Look through a photo or an Office file for a secrecy mark, and for what exhausts who opens it. Pure.

Called in a process of its own (attachments.py).
"""

from __future__ import annotations

import io
import re
from typing import Literal

from data.secrecy import is_marked_secret
from data.untrusted.archives import (
    ArchiveBomb,
    ArchiveLimits,
    ArchiveUnreadable,
    look_through_archive,
)

Fault = Literal["", "secret", "heavy", "broken", "lost"]
"""Why a file is not kept: it is marked secret, heavy to open, or broken; "" where it may be kept."""

ARCHIVE = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")

_LIMITS = ArchiveLimits(unpacked=150_000_000, elements=3_000_000)
_MOST_PIXELS = 120_000_000  # the largest of telephones' cameras; 4 bytes each where they are shown
# Runs of Vietnamese text as .doc and .xls keep it: two bytes a letter.
_WIDE_TEXT = re.compile(
    rb"(?:[\x07\x09\x0b-\x0d\x20-\x7e\xa0-\xff]\x00|[\x00-\xff][\x01\x03\x1e]){3,}"
)
_CELL_ENDS = re.compile(r"[\r\x07\x0b\x0c]")


def look_through_attachment(content: bytes) -> Fault:
    """Return why a file is not to be kept."""
    if content.startswith(ARCHIVE):
        return _look_through_office(content)
    if content.startswith(OLD_OFFICE):
        runs = (found[0].decode("utf-16-le", "replace") for found in _WIDE_TEXT.finditer(content))
        return "secret" if any(map(_is_marked, runs)) else ""
    return _look_at_picture(content)


def _is_marked(words: str) -> bool:
    return is_marked_secret(_CELL_ENDS.sub("\n", words))


class _Marked(Exception):
    """A text with a secrecy mark was read."""


def _look_through_office(content: bytes) -> Fault:
    def hear(words: str) -> None:
        if is_marked_secret(words):
            raise _Marked

    try:
        look_through_archive(content, _LIMITS, told=hear)
    except _Marked:
        return "secret"
    except ArchiveBomb:
        return "heavy"
    except ArchiveUnreadable:
        return "broken"
    return ""


def _look_at_picture(content: bytes) -> Fault:
    """Tell whether a picture is larger than may be shown; its pixels are not unpacked."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # judged below
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as picture:
            width, height = picture.size
    except Exception:
        return ""
    return "heavy" if width * height > _MOST_PIXELS else ""
