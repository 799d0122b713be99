"""/donvi: agencies with their chats and last sign of life, those not connected or silent, and the accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.conversation.context.access import DECIDING_ROLES
from bot.conversation.context.buttons import ButtonRows, command_button, page_buttons
from bot.conversation.context.lookup import find_agencies
from bot.conversation.context.pages import clamp_page, page_size, parse_page
from bot.conversation.context.scope import load_scope
from bot.conversation.context.turn import Turn
from data.clock import ZONE
from data.contacts import people, silence
from data.rows import row_fields
from data.text import fold
from jobs.channel import Answer
from jobs.delivery.usage import accounts_in_use

AGENCIES_A_PAGE = 20
_INVITED_A_PAGE = 8  # each has a button of its own
_UNCONNECTED, _SILENT = "unconnected", "silent"
# Words after the command, folded → the filter.
_FILTERS = {
    "chua ket noi": _UNCONNECTED,
    "chua co kenh": _UNCONNECTED,
    "im lang": _SILENT,
    f"im lang hon {silence.SILENT_DAYS} ngay": _SILENT,
}
_TYPED = {_UNCONNECTED: "chưa kết nối", _SILENT: "im lặng"}


async def answer_donvi(turn: Turn) -> list[Answer]:
    """Answer /donvi [AGENCY | chưa kết nối | im lặng]: agencies with their chats, those without first.

    Without words the accounts follow, and how many agencies each filter has.
    """
    words, page = parse_page(turn.words)
    chosen_filter = _FILTERS.get(fold(words), "")
    chosen = await find_agencies(turn, words) if words and not chosen_filter else []
    if words and not chosen and not chosen_filter:
        return [Answer("nothing_found", {"words": words, "command": "donvi"})]
    rows = await _list_agencies(turn, chosen, among=bool(chosen))
    without = [row for row in rows if not row.private + row.groups]
    unconnected = {row.id for row in without}
    silent = {key: on for key, on in (await _list_silent(turn)).items() if key not in unconnected}
    shown = {
        _UNCONNECTED: without,
        _SILENT: [row for row in rows if row.id in silent],
    }.get(chosen_filter, rows)
    may_invite = "coordinator" in turn.caller.roles()
    full = _INVITED_A_PAGE if chosen_filter and may_invite else AGENCIES_A_PAGE
    at = clamp_page(len(shown), page, page_size(turn.max_length, full))
    of_page = shown[at.offset : at.offset + at.size]
    typed = _TYPED.get(chosen_filter, " ".join(fold(words).split())[:44])
    buttons: ButtonRows = ()
    if chosen_filter and may_invite:
        for row in of_page:
            buttons += command_button(f"Mời {row.short}"[:60], "moi", row.code)
    elif not words:
        counts = {_UNCONNECTED: len(without), _SILENT: sum(row.id in silent for row in rows)}
        for name, count in counts.items():
            if count:
                buttons += command_button(_label(name, count), "donvi", _TYPED[name])
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
                "filter": chosen_filter,
                "total": len(shown),
                "without": len(without),
                "silent": sum(row.id in silent for row in rows),
                "silent_days": silence.SILENT_DAYS,
                "may_invite": may_invite,
                "agencies": [_agency(row, silent) for row in of_page],
                "accounts": accounts,
                "month": turn.today.month,
            },
            buttons=(*buttons, *page_buttons("donvi", at.number, at.count, typed)),
            edits=turn.pressed_message_id,
        )
    ]


def _label(name: str, count: int) -> str:
    words = "Chưa kết nối" if name == _UNCONNECTED else f"Im lặng hơn {silence.SILENT_DAYS} ngày"
    return f"{words} ({count:02})"


async def _list_agencies(turn: Turn, chosen: Sequence[Any], *, among: bool) -> list[Any]:
    """Return the agencies of the caller's provinces with their chats; among: only those chosen."""
    rows: list[Any] = []
    for province in _provinces(turn):
        only = [row.id for row in chosen if row.province == province]
        if among and not only:
            continue
        rows += await people.list_agencies_with_chats(
            turn.connection, province, today=turn.today, agency_ids=only
        )
    return rows


async def _list_silent(turn: Turn) -> dict[int, Any]:
    """Return the agencies that are silent in the plans that the caller follows, with their last answer."""
    scope = await load_scope(turn, DECIDING_ROLES)
    silent: dict[int, Any] = {}
    for province in _provinces(turn):
        silent |= await silence.list_silent_agencies(
            turn.connection,
            province,
            turn.holders(province).holder,
            plan_ids=scope.plans.keys(),
            today=turn.today,
        )
    return silent


def _provinces(turn: Turn) -> list[str]:
    return list(
        dict.fromkeys(e.province for e in turn.caller.enrolments if e.role in DECIDING_ROLES)
    )


def _agency(row: Any, silent: dict[int, Any]) -> dict[str, Any]:
    seen = row.last_seen_at.astimezone(ZONE).date().isoformat() if row.last_seen_at else ""
    answered = silent.get(row.id)
    return {
        **row_fields(row, "name", "private", "groups", "gone"),
        "seen": seen,
        "silent": row.id in silent,
        "answered": answered.isoformat() if answered else "",
    }
