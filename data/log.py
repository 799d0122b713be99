"""The log's lines: what happened, then key=value.

Promises one form and the same keys in every module, so that one search follows a thing on its way:
`message` (a row of the outbox), `update` (a row of the inbox), `account`, `chat`, `province`; `outcome` how
it ended, `error` the kind of a fault. Never a person's words, a name or a secret: numbers and kinds alone.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

_key_values = structlog.processors.LogfmtRenderer(sort_keys=False, bool_as_flag=False)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the log of a part of the program: "delivery", "inbox"; see bot.service.logs for where it goes."""
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
    """Return what the standard library's logger is called with; a key without a value is left out."""
    about = {"exc_info": event.pop("exc_info", None)}
    happened = str(event.pop("event"))
    values = {key: value for key, value in event.items() if value is not None}
    line = f"{happened} {_key_values(logger, method, values)}" if values else happened
    return (line,), about
