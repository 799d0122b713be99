"""The log: one line an event (instant, level, what, key=value …) on standard error.

Promises that no secret reaches a handler: bot tokens in addresses and every configured secret are
replaced, whichever library wrote the line and in an error's traceback too, also as they stand in addresses
and in base64; and that nothing logged begins a line of its own or steers a terminal. Never logs at DEBUG
what people wrote; libraries that print whole requests are held at WARNING.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from base64 import b64encode
from functools import lru_cache
from textwrap import indent
from urllib.parse import quote, quote_plus

from bot.config import Settings
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


def redact(text: str, settings: Settings | None) -> str:
    """Return the text with every token and configured secret hidden."""
    return _hide(text, _forms(settings.secrets) if settings is not None else ())


def _hide(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        text = text.replace(form, _HIDDEN)
    return _TOKEN.sub(_HIDDEN, text)


@lru_cache(maxsize=8)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the secrets as they may stand in a line, the longest first."""
    # a bot's token without its number is as good as whole
    parts = {*secrets, *(part.partition(":")[2] for part in secrets if _HALVED.fullmatch(part))}
    forms = set(parts)
    for part in parts:
        forms |= {quote(part, safe=""), quote(part), quote_plus(part), repr(part)[1:-1]}
        forms |= {b64encode(part.encode()).decode().rstrip("="), part.encode().hex()}
    return tuple(sorted(filter(None, forms), key=len, reverse=True))


class _RedactingFormatter(logging.Formatter):
    """Formats a record and then hides secrets in the finished line, tracebacks included."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.converter = time.gmtime
        self._forms = _forms(settings.secrets)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; a traceback follows indented, so that nothing in it can pass for another event."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        words = f"{at} {record.levelname.lower()} {record.getMessage()}"
        words = words.replace("\r", "").replace("\n", "\\n")
        if record.exc_info:
            words = f"{words}\n{indent(self.formatException(record.exc_info), '    ')}"
        return escape_invisible(_hide(words, self._forms))
