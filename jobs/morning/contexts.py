"""One chat's morning as the row of its one message, and the lines of its list."""

from __future__ import annotations

from datetime import date
from typing import Any

from data.registry.province import Province
from jobs.morning import escalation
from jobs.morning.layout import ChatMorning, DueItem, Layout, lay_out
from jobs.morning.weeks import WeekTold

Listed = list[tuple[int, int, int]]  # number, obligation, rung


def compose_message(
    home: Province, chat_morning: ChatMorning, week: WeekTold, *, limit: int, today: date
) -> tuple[dict[str, Any], Listed, list[int]] | None:
    """Return the row, the list and the obligations whose escalation it announces; None: nothing is left.

    The list holds every item; the row says how many of them the message shows.
    """
    told = chat_morning.told_ids()
    letter = chat_morning.letter
    layout = lay_out(chat_morning, limit, week.weight(letter, told) if letter is not None else 0)
    part = week.part(letter, told, layout.room) if letter is not None else None
    if not (told or chat_morning.accounts or part):
        return None
    announced = [item.row.id for item in layout.items if escalation.is_announced(home, item)]
    first = next(iter((*layout.items, *chat_morning.silent, *chat_morning.escalated)), None)
    recipient = chat_morning.recipient
    row = {
        "account_id": recipient.account_id,
        "chat_id": recipient.chat_id,
        "template": "reminder",
        "context": {
            **_context(home, chat_morning, layout, part, announces=bool(announced)),
            "room": limit,
        },
        "agency_id": _agency_id(chat_morning, first),
        "page": 1,
        "pages": 1,
        # One row for a chat and morning, from whichever process.
        "dedupe_key": f"morning:{home.code}:{recipient.chat_id}:{today}",
        "broadcast_on": today,
    }
    listed = [(number, item.row.id, item.rung) for number, item in enumerate(layout.items, 1)]
    return row, listed, announced


def _agency_id(chat_morning: ChatMorning, first: DueItem | None) -> int | None:
    if first is not None:
        return int(first.row.agency_id)
    letter = chat_morning.letter
    return chat_morning.agency_id if letter is None else letter.agency_id


def _context(
    home: Province,
    chat_morning: ChatMorning,
    layout: Layout,
    part: dict[str, Any] | None,
    *,
    announces: bool,
) -> dict[str, Any]:
    """Return the template's values; announces: it says what follows if an obligation stays late."""
    leaders_of = chat_morning.leaders_of
    if leaders_of is None and chat_morning.letter is not None:
        leaders_of = chat_morning.letter.leaders_of
    decided = [item for item in layout.items if not item.undecided]
    agencies = list(dict.fromkeys(item.addressee for item in decided))
    holders = {str(i.row.id): [i.addressee, home.agencies[i.addressee].name] for i in decided}
    return {
        "agency": " và ".join(home.agencies[code].name for code in agencies),
        "agency_code": next(iter(agencies), ""),
        "holders": holders if len(agencies) > 1 else {},
        "full": layout.full,
        "shown": layout.shown,
        "undecided": [item.row.id for item in layout.items if item.undecided],
        "assigns": chat_morning.assigns,
        "fixed": [item.row.id for item in layout.items if item.is_fixed],
        "silent": [item.row.id for item in chat_morning.silent],
        "escalated": [item.row.id for item in chat_morning.escalated],
        "lines": {"silent": layout.silent, "escalated": layout.escalated},
        "leaders": "" if leaders_of is None else home.leaders_of(leaders_of),
        "warning": escalation.escalation_limits(home) if announces else None,
        "accounts": chat_morning.accounts,
        "week": part,
    }
