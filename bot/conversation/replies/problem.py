"""Replies that the coordinator gets at once: trouble, a dispute.

Guarantees:
- A blocked task is recorded with its reason, never without.
- A dispute keeps the sender's words.
"""

from __future__ import annotations

import re
from typing import Any

from bot.conversation.context.deciding import list_decider_chats
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.notify import coordinator_notices
from bot.conversation.context.turn import Turn, VisibleObligation
from bot.conversation.decisions.dispute import dispute_decision_buttons
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.tokens import LONGEST
from bot.conversation.replies.extension import is_reason
from bot.conversation.replies.record import (
    Reply,
    closed_answer,
    confirm_reply,
    load_for_reply,
    record_and_recompute,
)
from data.progress.replies import ObligationNotOpen
from data.text import fold
from jobs.channel import Answer

BLOCKED_REASON_QUESTION = "blocked_reason"

# Folded words of trouble and politeness that give no reason; any other word does.
_TROUBLE_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        dang bi co gap vuong mac kho khan tro ngai viec nhiem vu nay em anh chi ben don vi so chung toi
        minh cua con a da vang nhe voi thi la mot chut xiu qua rat nhieu hien tai van roi oi bac sep
        thua bao cao lam
        """,
    )
)


async def handle_blocked(
    turn: Turn, reply: Reply, obligation: VisibleObligation, shown_list: ShownList | None
) -> list[Answer]:
    """Record that a task is blocked, with its reason; ask for the reason where none was given."""
    if obligation.row.state not in ("open", "submitted"):
        return [await closed_answer(turn, obligation, shown_list, obligation.row.state)]
    reason = extract_trouble(reply.note)
    if reason is None:
        await open_question(turn, BLOCKED_REASON_QUESTION, obligation_id=obligation.id)
        context: dict[str, object] = {
            "item": obligation.as_item(turn, 1),
            "verb": "blocked",
            "until": None,
            "in_group": turn.caller.in_group,
        }
        return [Answer("ask_reason", context)]
    return await _record_and_confirm(
        turn, obligation, Reply("blocked", reply.percent, note=reason), shown_list
    )


async def take_blocked_reason(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the reason typed; None where the text answers something else."""
    text = turn.incoming.text
    if not is_reason(turn, text):
        return None
    obligation = await load_for_reply(turn, "blocked", dialog.obligation_id)
    if isinstance(obligation, Answer):
        return [obligation]
    reply = Reply("blocked", note=text.strip()[:LONGEST])
    return await _record_and_confirm(turn, obligation, reply, None)


async def handle_dispute(
    turn: Turn, reply: Reply, obligation: VisibleObligation, shown_list: ShownList | None
) -> list[Answer]:
    """Record that the agency disputes a task, with its words."""
    words = (reply.note or turn.incoming.text).strip()[:LONGEST]
    return await _record_and_confirm(turn, obligation, Reply("dispute", note=words), shown_list)


async def record_and_notify(
    turn: Turn, obligation: VisibleObligation, reply: Reply
) -> tuple[int | None, list[Answer]]:
    """Record trouble or a dispute; returns the reply's id and the notices. Raises ObligationNotOpen."""
    reply_id = await record_and_recompute(turn, reply, obligation.id)
    if reply_id is None:
        return None, []
    blocked = reply.verb == "blocked"
    notices = await coordinator_notices(
        turn,
        obligation,
        "notice_blocked" if blocked else "notice_dispute",
        {"withdrawn": False, "words": reply.note or ""},
        buttons=() if blocked else dispute_decision_buttons(obligation.id),
    )
    return reply_id, notices


def extract_trouble(note: str | None) -> str | None:
    """Return the words of a note if they give a reason for trouble, else None."""
    words = [word for word in fold(note or "").split() if word not in _TROUBLE_WORDS]
    gives_reason = any(not word.isdecimal() for word in words)
    return (note or "").strip()[:LONGEST] if gives_reason else None


async def _record_and_confirm(
    turn: Turn, obligation: VisibleObligation, reply: Reply, shown_list: ShownList | None
) -> list[Answer]:
    try:
        reply_id, notices = await record_and_notify(turn, obligation, reply)
    except ObligationNotOpen as fault:
        return [await closed_answer(turn, obligation, shown_list, fault.state)]
    is_notified = bool(notices) or bool(await list_decider_chats(turn, obligation))
    confirmation = await confirm_reply(
        turn, reply, obligation, shown_list, reply_id, is_notified=is_notified
    )
    return [*confirmation, *notices]
