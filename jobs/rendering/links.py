"""Signed addresses of files and calendars on our own web side.

Guarantees:
- A changed number, expiry or signature opens nothing.
- A file's address expires with the file; a calendar's stays valid until its row ends.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime

FILES, CALENDARS = "/tep", "/lich"
_SIGNED = 32  # hexadecimal digits: 128 bits


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks addresses. base_url: the public address, None without one."""

    base_url: str | None
    key: bytes = field(repr=False)

    def file_url(self, download_id: int, name: str, *, until: datetime) -> str | None:
        """Return a file's address, valid until an instant; None without a public address."""
        stamp = int(until.timestamp())
        path = f"{FILES}/{download_id}-{stamp}-{self._sign('file', download_id, stamp)}/{name}"
        return self.base_url + path if self.base_url else None

    def read_file_token(self, token: str, *, now: datetime) -> int | None:
        """Return the id of the file that a token opens; None for a wrong or expired token."""
        number, stamp, signed = _parts(token, 3)
        if not self._is_signed(signed, "file", number, stamp):
            return None
        return int(number) if datetime.fromtimestamp(int(stamp), UTC) > now else None

    def calendar_url(self, feed_id: int) -> str | None:
        """Return a calendar's address; None without a public address."""
        path = f"{CALENDARS}/{feed_id}-{self._sign('calendar', feed_id)}.ics"
        return self.base_url + path if self.base_url else None

    def read_calendar_token(self, token: str) -> int | None:
        """Return the id of the calendar that a token opens; None for a wrong token."""
        number, signed = _parts(token, 2)
        return int(number) if self._is_signed(signed, "calendar", number) else None

    def _sign(self, *parts: object) -> str:
        signed = ":".join(map(str, parts))
        return hmac.new(self.key, signed.encode(), hashlib.sha256).hexdigest()[:_SIGNED]

    def _is_signed(self, signature: str, *parts: str) -> bool:
        are_numbers = all(each.isascii() and each.isdecimal() for each in parts[1:])
        return are_numbers and hmac.compare_digest(signature.encode(), self._sign(*parts).encode())


def _parts(token: str, count: int) -> list[str]:
    parts = token.split("-")
    return parts if len(parts) == count else [""] * count
