"""Two focal points who answer the same task differently: both hear of it, and either takes the later answer back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from bot.conversation.context.buttons import ButtonRows
from bot.conversation.context.turn import Turn, visible_obligations
from data.clock import civil_date, civil_time
from data.contacts.recipients import agency_recipients
from data.progress.contradictions import Contradiction, find_contradictions
from jobs.channel import Answer, Button

NOTICE = "notice_other_answer"  # template


def replaced_context(earlier: Any) -> dict[str, Any]:
    """Return a colleague's earlier reply as templates show it."""
    return {
        "said": earlier.said,
        "percent": earlier.percent,
        "time": f"{civil_time(earlier.said_at):%H:%M}",
        "on": civil_date(earlier.said_at).isoformat(),
    }


async def load_replaced(
    turn: Turn, reply_ids: Collection[int]
) -> tuple[dict[int, dict[str, Any]], list[Answer]]:
    """Return the colleagues' replies that some new ones replace, by obligation, and the notices to the colleagues."""
    found = await find_contradictions(turn.connection, reply_ids)
    replaced = {pair.reply.obligation_id: replaced_context(pair.earlier) for pair in found}
    return replaced, await colleague_notices(turn, found)


async def colleague_notices(
    turn: Turn, found: Sequence[Contradiction], *, withdrawn: bool = False
) -> list[Answer]:
    """Return one notice for each colleague's chat of what was answered otherwise there.

    withdrawn: of answers that were taken back, for the chats of both. A single answer can be taken back there.
    """
    visible = await visible_obligations(turn, [pair.reply.obligation_id for pair in found])
    lines: dict[int, list[dict[str, Any]]] = {}
    agencies: dict[int, str] = {}
    for pair in found:
        obligation = visible.get(pair.reply.obligation_id)
        if obligation is None or obligation.subject.holder_id is None:
            continue
        recipients = await agency_recipients(
            turn.connection,
            obligation.subject.holder_id,
            ("focal", "coordinator"),
            today=turn.today,
        )
        authors = pair if withdrawn else (pair.earlier,)
        chats = {
            to.chat_id
            for to in recipients
            for author in authors
            if author.person_id == to.person_id or author.chat_id == to.chat_id
        }
        for chat_id in sorted(chats - {turn.chat.id}):
            agencies[chat_id] = obligation.holder
            line = obligation.as_item(turn, len(lines.get(chat_id, ())) + 1, holder="")
            lines.setdefault(chat_id, []).append(
                {
                    **line,
                    "before": replaced_context(pair.earlier),
                    "after": replaced_context(pair.reply),
                    "reply_id": pair.reply.id,
                }
            )
    notices = []
    for chat_id, its_lines in lines.items():
        buttons: ButtonRows = ()
        if len(its_lines) == 1 and not withdrawn:
            (line,) = its_lines
            buttons = ((Button("Rút lại câu trả lời sau", f"undo:{line['reply_id']}"),),)
        context = {"agency": agencies[chat_id], "lines": its_lines, "withdrawn": withdrawn}
        items = tuple(line["id"] for line in its_lines) if buttons else ()
        notices.append(Answer(NOTICE, context, buttons, items=items, to_chat=chat_id))
    return notices
