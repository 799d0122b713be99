"""Kept photos and files, sent to those who may confirm the completion that they bear out.

Guarantees:
- Only a caller with the right "decide" on the obligation gets its files.
- A file is sent in the chat, or by an address that ends within a day.
"""

from __future__ import annotations

from datetime import timedelta

from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.turn import Turn
from bot.conversation.decisions.common import load_for_decision
from data.clock import civil_date
from data.files import store_file
from data.progress import evidence
from jobs.channel import Answer, Button

_MOST_FILES = 10
_MOST_BYTES = 25 * 1024 * 1024  # of one answer
_RETENTION = timedelta(days=1)


def files_button(obligation_id: int, count: int) -> ButtonRows:
    """Return the row that sends an obligation's files; none without files."""
    return ((Button("Xem tệp", f"files:{obligation_id}"),),) if count else ()


async def send_evidence_files(turn: Turn, obligation_id: int) -> list[Answer]:
    """Send the latest files of an obligation, one message each."""
    obligation = await load_for_decision(turn, obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    answers: list[Answer] = []
    room = _MOST_BYTES
    files = await evidence.list_evidence(turn.connection, obligation_id, most=_MOST_FILES)
    for file in files:
        content = None
        if file.size <= room:
            content = await evidence.load_evidence_content(turn.connection, file.sha256)
        context: dict[str, object] = {
            "item": obligation.as_item(turn, holder=obligation.holder),
            "name": file.name,
            "kept_on": civil_date(file.kept_at).isoformat(),
            "document": file.document or "",
            "why": "" if content is not None else "too_many" if file.size > room else "deleted",
        }
        if content is not None:
            room -= len(content)
            context["attach"] = await store_file(
                turn.connection,
                name=file.name,
                mime=file.mime,
                content=content,
                now=turn.now,
                retention=_RETENTION,
            )
        answers.append(Answer("evidence_file", context))
    return answers or [Answer("unknown_item")]
