"""Read stored updates by their account's channel, and check what comes out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from jobs.channel import Channel, Incoming


def parse_event(channels: Mapping[int, Channel], event: Row[Any]) -> Incoming | None:
    """Read one stored update; None where there is nothing to do.

    Raises ValueError, or whatever a strange one makes a parser raise.
    """
    incoming = channels[event.account_id].parse(event.account_id, event.raw)
    if incoming is not None:
        _check_text(incoming)
    return incoming


def expects_answer(incoming: Incoming) -> bool:
    """Tell whether the sender waits for an answer: not in a group where they speak to others."""
    if incoming.kind not in ("text", "other"):
        return False
    is_addressed = incoming.text.startswith("/") or incoming.reply_to is not None
    return incoming.chat_kind == "private" or is_addressed


def _check_text(incoming: Incoming) -> None:
    """Raise ValueError for texts that are none, and for ids that fit no column."""
    texts = (incoming.sender_name, incoming.chat_title, incoming.text, incoming.album)
    of_files = [part for file in incoming.files for part in (file.ref, file.name)]
    if not all(isinstance(each, str) for each in (*texts, *of_files)):
        raise ValueError("what should be words is none")
    named = ((incoming.address, 80), (incoming.thread, 40), (incoming.sender, 80))
    for name, most in (*named, (incoming.album, 80)):
        if len(name) > most or not name.isprintable():
            raise ValueError("the name of a chat, sender or album is none")
