"""/donvi: agencies with their chats and last sign of life, and the usage of the accounts."""

from __future__ import annotations

from typing import Any

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.buttons import page_buttons
from bot.conversation.context.lookup import find_agencies
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.turn import Turn
from data.clock import ZONE
from data.contacts import people
from data.rows import row_fields
from data.text import fold
from jobs.channel import Answer
from jobs.delivery.usage import accounts_in_use

AGENCIES_A_PAGE = 20


async def answer_donvi(turn: Turn) -> list[Answer]:
    """Answer /donvi [AGENCY]: agencies with their chats, those without a chat first, then the accounts.

    With an agency the accounts are left out.
    """
    words, page = parse_page(turn.words)
    chosen = await find_agencies(turn, words) if words else []
    if words and not chosen:
        return [Answer("nothing_found", {"words": words, "command": "donvi"})]
    provinces = dict.fromkeys(
        e.province for e in turn.caller.enrolments if e.role in DECIDING_ROLES
    )
    rows: list[Any] = []
    for province in provinces:
        only = [row.id for row in chosen if row.province == province]
        if chosen and not only:
            continue
        rows += await people.list_agencies_with_chats(
            turn.connection, province, today=turn.today, agency_ids=only
        )
    at = clamp_page(len(rows), page, page_size(turn.max_length, AGENCIES_A_PAGE))
    asked = " ".join(fold(words).split())[:44]
    accounts: list[Any] = []
    if not words:
        accounts = await accounts_in_use(
            turn.connection, lambda use: turn.capabilities.get(use.account_id), today=turn.today
        )
    return [
        Answer(
            "donvi",
            {
                **at.context(),
                "words": words,
                "total": len(rows),
                "without": sum(not row.private + row.groups for row in rows),
                "may_invite": "coordinator" in turn.caller.roles(),
                "agencies": [_agency(row) for row in rows[at.offset : at.offset + at.size]],
                "accounts": accounts,
                "month": turn.today.month,
            },
            buttons=page_buttons("donvi", at.number, at.count, asked),
            edits=turn.pressed_message_id,
        )
    ]


def _agency(row: Any) -> dict[str, Any]:
    seen = row.last_seen_at.astimezone(ZONE).date().isoformat() if row.last_seen_at else ""
    return {**row_fields(row, "name", "private", "groups", "gone"), "seen": seen}
