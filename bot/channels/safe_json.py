"""JSON from strangers: any body that is no JSON raises ValueError."""

from __future__ import annotations

import json
from typing import Any


def parse_json(body: bytes) -> Any:
    """Parse a body; ValueError for no JSON, or for JSON nested too deep for Python's reader."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
