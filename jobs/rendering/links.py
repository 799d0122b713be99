"""Addresses of our own web side that nobody can guess.

Promises that an address works only as it was made: number, day of expiry and signature belong together.
A file's address ends with the file; a calendar's has no end of its own and is judged by its row. Pure.
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
    """Makes and judges addresses. base_url: the public address, None where there is none."""

    base_url: str | None
    key: bytes = field(repr=False)

    def file_url(self, download_id: int, name: str, *, until: datetime) -> str | None:
        """Return a file's address, which works until an instant; None without a public address."""
        stamp = int(until.timestamp())
        path = f"{FILES}/{download_id}-{stamp}-{self._sign('file', download_id, stamp)}/{name}"
        return self.base_url + path if self.base_url else None

    def read_file_token(self, token: str, *, now: datetime) -> int | None:
        """Return the file that an address's token opens now; None for a wrong or expired one."""
        number, stamp, signed = _parts(token, 3)
        if not self._is_signed(signed, "file", number, stamp):
            return None
        return int(number) if datetime.fromtimestamp(int(stamp), UTC) > now else None

    def calendar_url(self, feed_id: int) -> str | None:
        """Return a calendar's address; None without a public address."""
        path = f"{CALENDARS}/{feed_id}-{self._sign('calendar', feed_id)}.ics"
        return self.base_url + path if self.base_url else None

    def read_calendar_token(self, token: str) -> int | None:
        """Return the calendar that an address's token opens; None for a wrong one."""
        number, signed = _parts(token, 2)
        return int(number) if self._is_signed(signed, "calendar", number) else None

    def _sign(self, *what: object) -> str:
        words = ":".join(str(each) for each in what)
        return hmac.new(self.key, words.encode(), hashlib.sha256).hexdigest()[:_SIGNED]

    def _is_signed(self, given: str, *what: str) -> bool:
        numbers = all(each.isascii() and each.isdecimal() for each in what[1:])
        return numbers and hmac.compare_digest(given.encode(), self._sign(*what).encode())


def _parts(token: str, count: int) -> list[str]:
    parts = token.split("-")
    return parts if len(parts) == count else [""] * count
