"""Words in Telegram's messages that are not the sender's own, by the fields that say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.channel import Borrowed

# In order. Servers before Bot API 7.0 write forward_from and the like in place of forward_origin.
_SIGNS: tuple[tuple[Borrowed, tuple[str, ...]], ...] = (
    (
        "forwarded",
        (
            "forward_origin",
            "forward_date",
            "forward_from",
            "forward_from_chat",
            "forward_sender_name",
            "is_automatic_forward",
        ),
    ),
    ("via_bot", ("via_bot",)),
    ("elsewhere", ("external_reply", "reply_to_story")),
)


def find_borrowed(message: Mapping[str, Any]) -> Borrowed:
    """Return whose words a message holds; message: its JSON object."""
    for borrowed, keys in _SIGNS:
        if any(message.get(key) for key in keys):
            return borrowed
    return ""
