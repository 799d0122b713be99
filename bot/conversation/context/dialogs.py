"""The open question of a caller in a chat: ask, find, close."""

from __future__ import annotations

from typing import Any

from bot.conversation.context.turn import Turn
from data.progress import dialogs


async def open_question(
    turn: Turn, asks: str, *, obligation_id: int | None = None, **details: Any
) -> None:
    """Let the caller's next words here answer a question; it replaces an open one.

    asks: a key of DIALOG_HANDLERS. details: JSON values that the handler needs.
    """
    await dialogs.open_dialog(
        turn.connection,
        chat_id=turn.chat.id,
        person_id=turn.caller.person_id,
        asks=asks,
        obligation_id=obligation_id,
        details=details,
        now=turn.now,
    )


async def find_open_question(turn: Turn) -> Any:
    """Return the caller's open question in this chat (data.models.Dialog), or None."""
    return await dialogs.find_open_dialog(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )


async def close_open_question(turn: Turn) -> None:
    """Drop the caller's open question: a command or a button turned to something else."""
    dialog = await find_open_question(turn)
    if dialog is not None:
        await dialogs.close_dialog(turn.connection, dialog.id)
