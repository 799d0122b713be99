"""/bieudo: the picture of the week that the chat's last weekly part tells of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from bot.conversation.context.turn import Turn
from data.files import load_file
from data.models import Message
from data.outbox.arrivals import ARRIVED
from jobs.channel import Answer
from jobs.rendering.reminder import REMINDER

_MORNINGS_BACK = 10  # two weeks


async def answer_bieudo(turn: Turn) -> list[Answer]:
    """Answer /bieudo: the picture as a file, or that there is none."""
    rows = await turn.connection.scalars(
        select(Message.context)
        .where(Message.chat_id == turn.chat.id, Message.template == REMINDER, ARRIVED)
        .order_by(Message.id.desc())
        .limit(_MORNINGS_BACK)
    )
    weeks: list[dict[str, Any]] = [context.get("week") or {} for context in rows]
    week = next((week for week in weeks if week.get("picture")), None)
    if week is None or await load_file(turn.connection, week["picture"]) is None:
        return [Answer("no_chart")]
    return [Answer("digest_picture", {**week["caption"], "attach": week["picture"]})]
