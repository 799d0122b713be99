"""The log on standard error: one line an event (local time, level, name, key=value …), redacted.

Guarantees:
- No secret is printed, whichever library wrote the line: bot tokens and every configured secret are hidden, in
  tracebacks too, also as quoted in addresses and in base64.
- Nothing logged begins a line of its own or steers a terminal.
- Libraries that print whole requests log from WARNING on.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from base64 import b64encode
from datetime import datetime
from functools import lru_cache
from textwrap import indent
from urllib.parse import quote, quote_plus

from bot.config import Settings
from data.clock import ZONE
from data.text import escape_invisible

# A bot's token as platforms write it into addresses: bot123:ABC.
_TOKEN = re.compile(r"\d{3,}:[A-Za-z0-9_-]{20,}")
_HALVED = re.compile(r"\d+:\S{6,}")
_HIDDEN = "‹giấu›"
_TALKATIVE = ("httpx", "httpcore", "aiosqlite", "apscheduler", "alembic", "uvicorn")


def configure_logging(settings: Settings) -> None:
    """Send the log to standard error, redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_RedactingFormatter(settings))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _local_time(seconds: float | None) -> time.struct_time:
    """Return an instant's wall-clock time in the province's zone, as people compare it with their own."""
    at = time.time() if seconds is None else seconds
    return datetime.fromtimestamp(at, ZONE).timetuple()


def redact(text: str, settings: Settings | None) -> str:
    """Return the text with every token and configured secret hidden."""
    return _hide(text, _forms(settings.secrets) if settings is not None else ())


def _hide(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        text = text.replace(form, _HIDDEN)
    return _TOKEN.sub(_HIDDEN, text)


@lru_cache(maxsize=8)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return every form in which the secrets may be printed, the longest first."""
    # a bot's token without its number is as good as the whole
    parts = {*secrets, *(part.partition(":")[2] for part in secrets if _HALVED.fullmatch(part))}
    forms = set(parts)
    for part in parts:
        forms |= {quote(part, safe=""), quote(part), quote_plus(part), repr(part)[1:-1]}
        forms |= {b64encode(part.encode()).decode().rstrip("="), part.encode().hex()}
    return tuple(sorted(filter(None, forms), key=len, reverse=True))


class _RedactingFormatter(logging.Formatter):
    """Formats a record and hides secrets in the finished line, traceback included."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.converter = _local_time
        self._forms = _forms(settings.secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; an indented traceback follows, so that none of it passes for another event."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S+07:00")
        line = f"{at} {record.levelname.lower()} {record.getMessage()}"
        line = line.replace("\r", "").replace("\n", "\\n")
        if record.exc_info:
            line = f"{line}\n{indent(self.formatException(record.exc_info), '    ')}"
        return escape_invisible(_hide(line, self._forms))
