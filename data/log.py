"""Log lines: an event, then key=value.

Guarantees:
- Every module uses the same keys: `message` (outbox row), `update` (inbox row), `account`, `chat`, `province`,
  `outcome`, `error` (the kind of a fault). One search follows a message on its way.
- A line holds ids and kinds, never a person's words, a name or a secret.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

_key_values = structlog.processors.LogfmtRenderer(sort_keys=False, bool_as_flag=False)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a part of the program, as "delivery"; bot.service.logs sets its handlers."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(f"nhacviec.{name}"),
        processors=[structlog.stdlib.filter_by_level, _as_line],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def _as_line(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """Return the arguments for the standard library's logger; a key without a value is left out."""
    options = {"exc_info": event.pop("exc_info", None)}
    name = str(event.pop("event"))
    values = {key: value for key, value in event.items() if value is not None}
    line = f"{name} {_key_values(logger, method, values)}" if values else name
    return (line,), options
