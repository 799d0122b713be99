"""Shorten a morning's message that goes by a channel with less room than it was laid out for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def is_laid_out_for_more(context: Mapping[str, Any], limit: int) -> bool:
    """Tell whether a morning's message was laid out for more characters than the limit."""
    return bool(context.get("room", 0) > limit)


def shorter_contexts(context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the context with less and less shown: names, lines of the week and of others, items in full.

    One item and one line of others stay. What is shown no more is counted, as where it was laid out.
    """
    now = dict(context)
    while now["shown"] > max(now["full"], 1):
        now = {**now, "shown": now["shown"] - 1}
        yield now
    while now["week"]:
        week = now["week"]
        left = week["lines"][:-1]
        told = any(not line.get("more") for line in left)
        if not (told or now["shown"] or now["silent"] or now["escalated"]):
            break
        now = {**now, "week": {**week, "lines": left, "cut": week["cut"] + 1} if told else None}
        yield now
    for others in ("escalated", "silent"):
        while now["lines"][others] > 1:
            now = {**now, "lines": {**now["lines"], others: now["lines"][others] - 1}}
            yield now
    while now["full"] > 1:
        now = {**now, "full": now["full"] - 1, "shown": now["shown"] - 1}
        yield now
