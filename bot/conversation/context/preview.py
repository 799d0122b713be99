"""Preview: what reaches several agencies is shown first, whom and what, and done once its asker agrees.

A command does its work in a savepoint. Unless the caller agreed to exactly this, the work is taken back and
shown; agreeing runs the command again.

Guarantees:
- What is done is what was shown; where that changed meanwhile, it is shown again.
- Only who asked agrees, once, until the day ends; the command judges their rights anew.
- A number or "đồng ý" counts only while the preview is the last message that surely arrived.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from sqlalchemy import select

from bot.conversation.context.dialogs import find_open_question
from bot.conversation.context.turn import Turn
from data.clock import instant_at
from data.models import Message
from data.outbox.arrivals import was_sent_after
from data.progress import dialogs
from data.registry.agency_kinds import AgencyGroup, group_of_kind
from data.text import fold
from jobs.channel import Answer, Button

PREVIEW_QUESTION = "preview"  # data.models.Dialog.asks, and the template
AGREE_VERB, DROP_VERB = "send", "drop"
MOST_NAMES = 7

_SEND_WORDS = frozenset({"gui", "gui di", "gui a", "gui nhe"})
_AGREE_WORDS = _SEND_WORDS | {"dong y", "dong y a", "dong y gui", "ok", "oke", "ok gui", "1"}
_DROP_WORDS = frozenset({"huy", "huy bo", "khong gui", "2"})
_GROUPS: tuple[AgencyGroup, ...] = ("departments", "communes", "others")


@dataclass(frozen=True, slots=True)
class Deed:
    """What a command did in its savepoint.

    act: as templates/preview names it; about: what its words there need. agencies: (province, code, name) of
    all that it concerns, code None: no successor is decided. silent: the names of those without a chat;
    told: of those left out, who were told today. letter: the message that one of them reads. exactly: JSON
    values that tell this deed from any other. sends: agencies are written to. is_small: it needs no preview.
    """

    answers: list[Answer]
    act: str
    about: Mapping[str, Any]
    agencies: Sequence[tuple[str, str | None, str]]
    exactly: Any
    letter: Answer | None = None
    silent: Sequence[str] = ()
    told: Sequence[str] = ()
    sends: bool = True
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """A preview that its asker agreed to: the command, the words after it, and the seal of what was shown."""

    command: str
    words: str
    seal: str = field(default="", repr=False)


async def do_or_preview(
    turn: Turn, command: str, work: Callable[[], Awaitable[Deed | list[Answer]]], *, words: str = ""
) -> list[Answer]:
    """Do a command's work, or take it back and show what it would do, whom it reaches and what they read.

    words: those that make the same command again; by default the turn's. A list of answers in place of a deed
    says that nothing is to be done.
    """
    async with turn.connection.begin_nested() as savepoint:
        deed = await work()
        if isinstance(deed, list):
            return deed
        seal = _seal(deed)
        if turn.agreed == seal or (deed.is_small and turn.agreed is None):
            return deed.answers
        await savepoint.rollback()
    return [await _show(turn, Agreement(command, words or turn.words, seal), deed)]


async def waits_for_words(turn: Turn) -> bool:
    """Tell whether an open question waits for the caller's words; a preview waits for a yes alone."""
    dialog = await find_open_question(turn)
    return dialog is not None and dialog.asks != PREVIEW_QUESTION


async def settle_preview(turn: Turn) -> Agreement | Answer | None:
    """Return what the caller agreed to, or the answer where nothing is done; None for anything else said."""
    if turn.incoming.kind == "action":
        return await _settle_pressed(turn)
    words = " ".join(fold(turn.incoming.text).strip(" .!").split())
    if turn.incoming.kind != "text" or words not in _AGREE_WORDS | _DROP_WORDS:
        return None
    if turn.caller.in_group and turn.incoming.reply_to is None:
        return None  # people talk among themselves
    dialog = await find_open_question(turn)
    if dialog is None or dialog.asks != PREVIEW_QUESTION:
        return None
    is_shown = await _is_shown_last(turn, dialog.id)
    agreement = Agreement(**dialog.details)
    if words in _SEND_WORDS and not is_shown:
        # Something else was shown since: what is to be sent is shown once more.
        await dialogs.close_dialog(turn.connection, dialog.id)
        return Agreement(agreement.command, agreement.words)
    if not is_shown and words != "huy":
        return None
    return await _take(turn, dialog.id, agrees=words in _AGREE_WORDS)


async def _settle_pressed(turn: Turn) -> Agreement | Answer | None:
    verb, _, key = turn.incoming.text.partition(":")
    if verb not in (AGREE_VERB, DROP_VERB):
        return None
    if not key.isdecimal() or len(key) > 18:
        return Answer("unknown_item")
    return await _take(turn, int(key), agrees=verb == AGREE_VERB)


async def _take(turn: Turn, dialog_id: int, *, agrees: bool) -> Agreement | Answer:
    """Take an open preview away, so that it counts once, and return what was agreed to."""
    details = await dialogs.take_dialog(
        turn.connection,
        dialog_id,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        asks=PREVIEW_QUESTION,
        now=turn.now,
    )
    if details is None:
        return Answer("preview_closed", {"dropped": False})
    if not agrees:
        return Answer("preview_closed", {"dropped": True}, edits=turn.pressed_message_id)
    return Agreement(**details)


async def _is_shown_last(turn: Turn, dialog_id: int) -> bool:
    """Tell whether typed words follow the preview: it is what they reply to, or the last message here."""
    reply_to = turn.incoming.reply_to
    rows = await turn.connection.execute(
        select(Message)
        .where(
            Message.chat_id == turn.chat.id,
            *([Message.remote_id == reply_to] if reply_to is not None else []),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    if row is None or row.state != "sent" or row.template != PREVIEW_QUESTION:
        return False
    if row.context["preview"]["id"] != dialog_id:
        return False
    return turn.event_id is None or not await was_sent_after(turn.connection, row, turn.event_id)


async def _show(turn: Turn, agreement: Agreement, deed: Deed) -> Answer:
    tomorrow = instant_at(turn.today + timedelta(days=1), time())
    dialog_id = await dialogs.open_dialog(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        asks=PREVIEW_QUESTION,
        details={
            "command": agreement.command,
            "words": agreement.words,
            "seal": agreement.seal,
        },
        now=turn.now,
        minutes=int((tomorrow - turn.now).total_seconds() // 60),
    )
    shown = {
        "id": dialog_id,
        "act": deed.act,
        "about": dict(deed.about),
        "changed": turn.agreed is not None,
        "sends": deed.sends,
        "kinds": _count_kinds(turn, deed.agencies),
        "names": [name for _, _, name in deed.agencies[:MOST_NAMES]],
        "count": len(deed.agencies),
        "silent": list(deed.silent[:MOST_NAMES]),
        "silent_count": len(deed.silent),
        "told_count": len(deed.told),
        "letter": deed.letter.template if deed.letter else "",
        "in_group": turn.caller.in_group,
    }
    yes = Button("Gửi" if deed.sends else "Đồng ý", f"{AGREE_VERB}:{dialog_id}")
    context = {**(deed.letter.context if deed.letter else {}), "preview": shown}
    return Answer(
        PREVIEW_QUESTION, context, buttons=((yes, Button("Huỷ", f"{DROP_VERB}:{dialog_id}")),)
    )


def _count_kinds(
    turn: Turn, agencies: Sequence[tuple[str, str | None, str]]
) -> list[tuple[str, int]]:
    """Return how many agencies of each group there are, groups without any left out."""
    counts: Counter[AgencyGroup] = Counter(
        "others"
        if code is None
        else group_of_kind(turn.registry.provinces[province].agencies[code].kind)
        for province, code, _ in agencies
    )
    return [(group, counts[group]) for group in _GROUPS if counts[group]]


def _seal(deed: Deed) -> str:
    exactly = json.dumps([deed.act, deed.exactly], sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(exactly.encode()).hexdigest()
