"""Photos and files that answer a question: in reply to its notice, beneath "tl 37", or after "Trả lời".

Guarantees:
- Only types that are kept as evidence go on; a file that is refused says why.
"""

from __future__ import annotations

from bot.conversation.context.dialogs import close_open_question, find_open_question
from bot.conversation.context.sent_files import KeptFile, SentFiles, keep_sent_files
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.question import (
    ANSWER_QUESTION_DIALOG,
    answer_question,
    find_answered_question,
)
from data.progress.evidence import (
    MAX_EVIDENCE_BYTES,
    EvidenceTooBig,
    EvidenceTypeNotAllowed,
    detect_mime_type,
    safe_file_name,
)
from jobs.channel import Answer


async def answer_question_by_files(turn: Turn) -> list[Answer] | None:
    """Send files, with the words beneath them, to who asked a question; None for other files."""
    meant = await find_answered_question(turn) or await _find_asked(turn)
    if meant is None:
        return None
    kept: list[KeptFile] = []

    async def keep(name: str, content: bytes) -> dict[str, object]:
        kept.append(_check(name, content))
        return {}

    _, refused = await keep_sent_files(turn, keep)
    if kept or meant[1]:
        await close_open_question(turn)
    return await answer_question(turn, *meant, files=SentFiles(tuple(kept), refused))


async def _find_asked(turn: Turn) -> tuple[int, str] | None:
    """Return the question for which an answer was just asked for here, and the words beneath the files."""
    if turn.caller.in_group and turn.incoming.reply_to is None:
        return None  # people talk among themselves
    dialog = await find_open_question(turn)
    if dialog is None or dialog.asks != ANSWER_QUESTION_DIALOG:
        return None
    return int(dialog.details["question"]), turn.incoming.text


def _check(name: str, content: bytes) -> KeptFile:
    if len(content) > MAX_EVIDENCE_BYTES:
        raise EvidenceTooBig
    mime = detect_mime_type(content, name=name)
    if mime is None:
        raise EvidenceTypeNotAllowed
    return KeptFile(safe_file_name(name, mime), mime, content)
