"""JSON as strangers send it.

Promises ValueError for whatever is none, also for what is nested so deep that Python gives up on it.
"""

from __future__ import annotations

import json
from typing import Any


def parse_json(body: bytes) -> Any:
    """Return what a body holds; raises ValueError for what is no JSON, or nested beyond reading."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
