"""What the coordinator has to hear at once: trouble, work that is not ours, a question.

Promises that a blocked task is recorded with its reason and never without, that a dispute keeps the
words it was said in, and that a question changes nothing but is passed on.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

from bot.conversation.context.notify import coordinator_notices, list_chats_to_notify
from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligations
from bot.conversation.lists.last_list import ShownList
from bot.conversation.replies import record as reply_record
from bot.conversation.replies.extension import LONGEST_REASON, is_reason
from bot.conversation.replies.record import Reply, load_for_reply
from data.progress import dialogs
from data.progress.replies import ObligationNotOpen
from data.text import fold
from jobs.channel import Answer, Button
from jobs.rendering.buttons import item_buttons

BLOCKED_REASON_QUESTION = "blocked_reason"  # what a dialog asks

# Words that only say that there is trouble, and politeness: what is left over is the reason.
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
    turn: Turn, saying: Reply, obligation_id: int, menu: ShownList | None
) -> list[Answer]:
    """Record that a task is held up, and why; ask for the reason where none was said."""
    known = await load_for_reply(turn, "blocked", obligation_id)
    if isinstance(known, Answer):
        return [known]
    if known.row.state not in ("open", "submitted"):
        return [reply_record.closed_answer(turn, known, menu, known.row.state)]
    reason = extract_trouble(saying.note)
    if reason is None:
        await dialogs.open_dialog(
            turn.connection,
            chat_id=turn.chat.id,
            person_id=turn.caller.person_id,
            asks=BLOCKED_REASON_QUESTION,
            obligation_id=obligation_id,
            now=turn.now,
        )
        context: dict[str, object] = {
            "item": known.as_item(turn, 1),
            "verb": "blocked",
            "until": None,
            "in_group": turn.caller.in_group,
        }
        return [Answer("ask_reason", context)]
    return await _record_and_confirm(
        turn, known, Reply("blocked", saying.percent, note=reason), menu
    )


async def take_blocked_reason(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the reason as typed; None where the text answers something else."""
    text = turn.incoming.text
    if not is_reason(turn, text):
        return None
    known = await load_for_reply(turn, "blocked", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    saying = Reply("blocked", note=text.strip()[:LONGEST_REASON])
    return await _record_and_confirm(turn, known, saying, None)


async def handle_dispute(
    turn: Turn, saying: Reply, obligation_id: int, menu: ShownList | None
) -> list[Answer]:
    """Record that a task is said not to be ours, with the words it was said in."""
    known = await load_for_reply(turn, "dispute", obligation_id)
    if isinstance(known, Answer):
        return [known]
    words = (saying.note or turn.incoming.text).strip()[:LONGEST_REASON]
    return await _record_and_confirm(turn, known, Reply("dispute", note=words), menu)


async def record_and_notify(
    turn: Turn, known: VisibleObligation, saying: Reply
) -> tuple[int | None, list[Answer]]:
    """Record trouble or a dispute and tell of it; returns the reply's id and the notices. Raises NotOpen."""
    reply_id = await reply_record.record_and_recompute(turn, saying, known.row.id)
    if reply_id is None:
        return None, []
    context = {"withdrawn": False, "words": saying.note or ""}
    if saying.verb == "blocked":
        return reply_id, await coordinator_notices(turn, known, "notice_blocked", context)
    key = known.row.id
    buttons = (
        (Button("Giao cơ quan khác", f"giveto:{key}"), Button("Vẫn giao như cũ", f"keep:{key}")),
    )
    return reply_id, await coordinator_notices(
        turn, known, "notice_dispute", context, buttons=buttons
    )


async def handle_question(
    turn: Turn, saying: Reply, obligation_id: int, menu: ShownList | None
) -> list[Answer]:
    """Pass a question about a task on to who follows it; it is kept, and changes nothing."""
    known = await load_for_reply(turn, "question", obligation_id)
    if isinstance(known, Answer):
        return [known]
    words = turn.incoming.text.strip()[:LONGEST_REASON]
    with contextlib.suppress(ObligationNotOpen):  # what is closed may still be asked about
        await reply_record.record_and_recompute(turn, Reply("question", note=words), obligation_id)
    return await _pass_question_on(turn, [known], words)


async def handle_list_question(turn: Turn, menu: ShownList) -> list[Answer]:
    """Pass a question that names no task on to who follows the tasks of the list."""
    known = await visible_obligations(turn, [obligation_id for _, obligation_id in menu.items])
    asked = [
        entry
        for entry in known.values()
        if reply_record.reply_refusal(turn, "question", entry) is None
    ]
    if not asked:
        return [Answer("unknown_item")]
    return await _pass_question_on(turn, asked, turn.incoming.text.strip()[:LONGEST_REASON])


def extract_trouble(note: str | None) -> str | None:
    """Return the words that tell what is in the way, or None where they only say that something is."""
    words = [word for word in fold(note or "").split() if word not in _TROUBLE_WORDS]
    said = [word for word in words if not word.isdecimal()]
    return (note or "").strip()[:LONGEST_REASON] if said else None


async def _record_and_confirm(
    turn: Turn, known: VisibleObligation, saying: Reply, menu: ShownList | None
) -> list[Answer]:
    try:
        reply_id, told = await record_and_notify(turn, known, saying)
    except ObligationNotOpen as fault:
        return [reply_record.closed_answer(turn, known, menu, fault.state)]
    heard = bool(told) or bool(await list_chats_to_notify(turn, known))
    return [
        await reply_record.reply_confirmation(
            turn, saying, known, menu, reply_id, is_notified=heard
        ),
        *told,
    ]


async def _pass_question_on(turn: Turn, asked: list[VisibleObligation], words: str) -> list[Answer]:
    """Return the friendly answer and one notice for each chat; a single task is named in them."""
    one = asked[0] if len(asked) == 1 else None
    told: dict[int | None, Answer] = {}
    for known in asked:
        context = {"words": words, "named": one is not None}
        for notice in await coordinator_notices(turn, known, "notice_question", context):
            told.setdefault(notice.to_chat, notice)
    context_back: dict[str, object] = {
        "item": one.as_item(turn, 1) if one is not None else None,
        "told": bool(told),
        "coordinators": list(
            dict.fromkeys(known.row.coordinator_name or "cơ quan theo dõi" for known in asked)
        ),
    }
    menu = one if one is not None and one.row.state == "open" else None
    passed = Answer(
        "question_passed",
        context_back,
        buttons=item_buttons(menu.row.id, menu.row.kind) if menu is not None else (),
        items=(menu.row.id,) if menu is not None else (),
    )
    return [passed, *told.values()]
