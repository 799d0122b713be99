"""What the coordinator has to hear at once: trouble, work that is not ours, a question.

Promises that a blocked task is recorded with its reason and never without, that a dispute keeps the
words it was said in, and that a question changes nothing but is passed on.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

from bot.conversation.context.notify import listeners, notices
from bot.conversation.context.turn import Known, Turn, look_up
from bot.conversation.lists.last_list import Menu
from bot.conversation.replies import record as answering
from bot.conversation.replies.extension import LONGEST_REASON, is_reason
from bot.conversation.replies.record import Saying, allowed
from data.progress import dialogs
from data.progress.replies import NotOpen
from data.text import fold
from jobs.channel import Answer, Button
from jobs.rendering.buttons import item_buttons

REASON = "blocked_reason"  # what a dialog asks

# Words that only say that there is trouble, and politeness: what is left over is the reason.
_SAYS_TROUBLE = frozenset(
    re.findall(
        r"\w+",
        """
        dang bi co gap vuong mac kho khan tro ngai viec nhiem vu nay em anh chi ben don vi so chung toi
        minh cua con a da vang nhe voi thi la mot chut xiu qua rat nhieu hien tai van roi oi bac sep
        thua bao cao lam
        """,
    )
)


async def blocked(
    turn: Turn, saying: Saying, obligation_id: int, menu: Menu | None
) -> list[Answer]:
    """Record that a task is held up, and why; ask for the reason where none was said."""
    known = await allowed(turn, "blocked", obligation_id)
    if isinstance(known, Answer):
        return [known]
    if known.row.state not in ("open", "submitted"):
        return [answering.closed(turn, known, menu, known.row.state)]
    reason = trouble_in(saying.note)
    if reason is None:
        await dialogs.ask(
            turn.connection,
            chat_id=turn.chat.id,
            person_id=turn.caller.person_id,
            asks=REASON,
            obligation_id=obligation_id,
            now=turn.now,
        )
        context: dict[str, object] = {
            "item": known.line(turn, 1),
            "verb": "blocked",
            "until": None,
            "in_group": turn.caller.in_group,
        }
        return [Answer("ask_reason", context)]
    return await _report(turn, known, Saying("blocked", saying.percent, note=reason), menu)


async def blocked_reason_given(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the reason as typed; None where the text answers something else."""
    text = turn.incoming.text
    if not is_reason(turn, text):
        return None
    known = await allowed(turn, "blocked", dialog.obligation_id)
    if isinstance(known, Answer):
        return [known]
    saying = Saying("blocked", note=text.strip()[:LONGEST_REASON])
    return await _report(turn, known, saying, None)


async def dispute(
    turn: Turn, saying: Saying, obligation_id: int, menu: Menu | None
) -> list[Answer]:
    """Record that a task is said not to be ours, with the words it was said in."""
    known = await allowed(turn, "dispute", obligation_id)
    if isinstance(known, Answer):
        return [known]
    words = (saying.note or turn.incoming.text).strip()[:LONGEST_REASON]
    return await _report(turn, known, Saying("dispute", note=words), menu)


async def tell(turn: Turn, known: Known, saying: Saying) -> tuple[int | None, list[Answer]]:
    """Record trouble or a dispute and tell of it; returns the reply's id and the notices. Raises NotOpen."""
    reply_id = await answering.record(turn, saying, known.row.id)
    if reply_id is None:
        return None, []
    context = {"withdrawn": False, "words": saying.note or ""}
    if saying.verb == "blocked":
        return reply_id, await notices(turn, known, "notice_blocked", context)
    key = known.row.id
    buttons = (
        (Button("Giao cơ quan khác", f"giveto:{key}"), Button("Vẫn giao như cũ", f"keep:{key}")),
    )
    return reply_id, await notices(turn, known, "notice_dispute", context, buttons=buttons)


async def question(
    turn: Turn, saying: Saying, obligation_id: int, menu: Menu | None
) -> list[Answer]:
    """Pass a question about a task on to who follows it; it is kept, and changes nothing."""
    known = await allowed(turn, "question", obligation_id)
    if isinstance(known, Answer):
        return [known]
    words = turn.incoming.text.strip()[:LONGEST_REASON]
    with contextlib.suppress(NotOpen):  # what is closed may still be asked about
        await answering.record(turn, Saying("question", note=words), obligation_id)
    return await _passed_on(turn, [known], words)


async def question_of_list(turn: Turn, menu: Menu) -> list[Answer]:
    """Pass a question that names no task on to who follows the tasks of the list."""
    known = await look_up(turn, [obligation_id for _, obligation_id in menu.items])
    asked = [
        entry for entry in known.values() if answering.refusal(turn, "question", entry) is None
    ]
    if not asked:
        return [Answer("unknown_item")]
    return await _passed_on(turn, asked, turn.incoming.text.strip()[:LONGEST_REASON])


def trouble_in(note: str | None) -> str | None:
    """Return the words that tell what is in the way, or None where they only say that something is."""
    words = [word for word in fold(note or "").split() if word not in _SAYS_TROUBLE]
    said = [word for word in words if not word.isdecimal()]
    return (note or "").strip()[:LONGEST_REASON] if said else None


async def _report(turn: Turn, known: Known, saying: Saying, menu: Menu | None) -> list[Answer]:
    try:
        reply_id, told = await tell(turn, known, saying)
    except NotOpen as fault:
        return [answering.closed(turn, known, menu, fault.state)]
    heard = bool(told) or bool(await listeners(turn, known))
    return [await answering.echo(turn, saying, known, menu, reply_id, told=heard), *told]


async def _passed_on(turn: Turn, asked: list[Known], words: str) -> list[Answer]:
    """Return the friendly answer and one notice for each chat; a single task is named in them."""
    one = asked[0] if len(asked) == 1 else None
    told: dict[int | None, Answer] = {}
    for known in asked:
        context = {"words": words, "named": one is not None}
        for notice in await notices(turn, known, "notice_question", context):
            told.setdefault(notice.to_chat, notice)
    context_back: dict[str, object] = {
        "item": one.line(turn, 1) if one is not None else None,
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
