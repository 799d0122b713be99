"""Kept photos and files, sent to those who may see what an agency filed of an obligation.

Guarantees:
- Only a caller with the right "evidence" on the obligation gets its files (context/access.py).
- A file is sent in the chat, or by an address that ends within a day; one that is not sent says why.
"""

from __future__ import annotations

from datetime import timedelta

from bot.conversation.context.access import may
from bot.conversation.context.buttons import UNNUMBERED
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligation
from data.clock import civil_date
from data.files import store_file
from data.progress import evidence
from jobs.channel import Answer, Button

_MOST_FILES = 10
_MOST_BYTES = 25 * 1024 * 1024  # of one answer
_RETENTION = timedelta(days=1)


async def send_evidence_files(turn: Turn, obligation_id: int) -> list[Answer]:
    """Send the latest files of an obligation, one message each."""
    return await _send_files(turn, await visible_obligation(turn, obligation_id))


async def send_earlier_files(turn: Turn, evidence_id: int) -> list[Answer]:
    """Send the files of an obligation that were kept before one of them."""
    obligation_id = await evidence.find_obligation_of_file(turn.connection, evidence_id)
    obligation = None
    if obligation_id is not None:
        obligation = await visible_obligation(turn, obligation_id)
    return await _send_files(turn, obligation, before=evidence_id)


async def _send_files(
    turn: Turn, obligation: VisibleObligation | None, *, before: int | None = None
) -> list[Answer]:
    if obligation is None or not may(turn.caller, "evidence", obligation.subject):
        return [Answer("unknown_item")]
    files = await evidence.list_evidence(
        turn.connection, obligation.id, most=_MOST_FILES, before=before
    )
    item = obligation.as_item(turn, holder=obligation.holder)
    if not files:
        return [Answer("evidence_none", {"item": item})]
    while len(files) > 1 and sum(file.size for file in files) > _MOST_BYTES:
        files = files[1:]  # they come with the earlier ones
    answers: list[Answer] = []
    for file in files:
        content = await evidence.load_evidence_content(turn.connection, file.sha256)
        context: dict[str, object] = {
            "item": item,
            "name": file.name,
            "kept_on": civil_date(file.kept_at).isoformat(),
            "document": file.document or "",
            "why": "deleted" if content is None else "",
            "earlier": 0,
        }
        if content is not None:
            context["attach"] = await store_file(
                turn.connection,
                name=file.name,
                mime=file.mime,
                content=content,
                now=turn.now,
                retention=_RETENTION,
            )
        answers.append(Answer("evidence_file", context))
    earlier = await evidence.count_earlier_files(turn.connection, obligation.id, files[0].id)
    if earlier:
        last = answers[-1]
        button = Button(f"Tệp gửi trước đó ({earlier})", f"filesbefore:{files[0].id}")
        answers[-1] = Answer(
            last.template,
            {**last.context, "earlier": earlier, **UNNUMBERED},
            ((button,),),
            (obligation.id,),
        )
    return answers
