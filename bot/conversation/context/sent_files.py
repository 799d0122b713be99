"""Files that came with a message: each kept, or refused with the reason that templates name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from bot.conversation.context.turn import Turn
from data.progress.evidence import EvidenceTooBig, EvidenceTypeNotAllowed
from data.progress.evidence_quota import EvidenceQuotaReached
from data.progress.forms import TooManyForms

_LONGEST_NAME = 80
_REASONS: dict[type[Exception], str] = {
    EvidenceTooBig: "too_big",
    EvidenceTypeNotAllowed: "not_allowed",
    EvidenceQuotaReached: "too_many",
    TooManyForms: "too_many",
}


class KeptFile(NamedTuple):
    """A file that goes with an answer: its safe name, its type, its bytes."""

    name: str
    mime: str
    content: bytes


class SentFiles(NamedTuple):
    """The files of an answer: those that go with it, and the refused as _parts/refused_file names them."""

    kept: tuple[KeptFile, ...]
    refused: list[dict[str, str]]


async def keep_sent_files(
    turn: Turn, keep: Callable[[str, bytes], Awaitable[dict[str, object]]]
) -> tuple[list[dict[str, object]], list[dict[str, str]]]:
    """Keep each file of the turn's message; returns what keep() said of those kept, and the refused.

    keep takes a file's name and content. A file whose content was not taken in is refused with its fault.
    """
    kept: list[dict[str, object]] = []
    refused: list[dict[str, str]] = []
    for file in turn.incoming.files:
        why = ""
        if file.content is None:
            why = file.fault or "lost"
        else:
            try:
                kept.append(await keep(file.name, file.content))
            except tuple(_REASONS) as fault:
                why = _REASONS[type(fault)]
        if why:
            refused.append({"name": file.name[:_LONGEST_NAME] or "tệp", "why": why})
    return kept, refused
