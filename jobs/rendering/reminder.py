"""The context of a morning's message today: its open obligations, those of silent agencies, those escalated.

Guarantees:
- An obligation answered since the reminder was composed is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from data.registry.workdays import Workdays
from data.rules.ladder import LAST_HELD_RUNG
from jobs.rendering.items import (
    Item,
    build_item,
    count_items,
    line_key,
    load_obligation_rows,
)

REMINDER = "reminder"


async def reminder_context(
    connection: AsyncConnection,
    message: Any,
    listed: Sequence[Row[Any]],
    today: date,
    workdays: Workdays,
) -> dict[str, Any] | None:
    """Return the template's context, or None where nothing is left to remind of.

    items: those that the message shows, the first `full` in full; more: how many of its list it does not show.
    """
    context = message.context
    every = _open_items(message, listed, today, workdays)
    silent = await _shared_items(connection, context["silent"], today, workdays)
    late = context.get("escalated", [])
    escalated = await _shared_items(connection, late, today, workdays)
    accounts, week = context.get("accounts", []), context.get("week")
    if not (every or silent or escalated or accounts or week):
        return None
    named = [item["coordinator"] for item in (*every, *silent, *escalated)]
    lines = context.get("lines", {})
    shown = [item for item in every if is_shown(context, item["number"])]
    return {
        "leaders": "",
        "warning": None,
        "week": None,
        **context,
        "accounts": accounts,
        "today": today.isoformat(),
        "items": shown,
        "full": sum(item["number"] <= context.get("full", item["number"]) for item in shown),
        "more": len(every) - len(shown),
        "counts": count_items(every),
        "silent": silent[: lines.get("silent")],
        "silent_more": len(silent[lines.get("silent", len(silent)) :]),
        "escalated": escalated[: lines.get("escalated")],
        "escalated_more": len(escalated[lines.get("escalated", len(escalated)) :]),
        "coordinators": list(dict.fromkeys([*named, *(week["coordinators"] if week else ())])),
    }


def is_shown(context: Mapping[str, Any], number: int) -> bool:
    """Tell whether a message with this context shows its item of a number, or only lists it."""
    return bool(number <= context.get("shown", number))


def reminder_rights(context: Mapping[str, Any], obligation_id: int) -> dict[str, bool]:
    """Return what the reader of a reminder may do with its item beside answering, as when it was composed.

    So its choices keep their numbers, whatever changes after it was sent.
    """
    return {
        "extendable": obligation_id not in context.get("fixed", ()),
        "assignable": context.get("assigns", False)
        and obligation_id in context.get("undecided", ()),
    }


def _open_items(
    message: Any, listed: Sequence[Row[Any]], today: date, workdays: Workdays
) -> list[Item]:
    reader = message.context.get("agency_code", "")
    holders = message.context.get("holders", {})  # of a chat that answers for several agencies
    items: list[Item] = []
    for row in listed:
        is_held = (
            row.acknowledged_until is not None
            and row.acknowledged_until >= today
            and row.told_rung is not None
            and row.told_rung <= LAST_HELD_RUNG
        )
        if row.state != "open" or is_held:
            continue
        # Without an agency in its greeting, each line names the owner.
        code, name = holders.get(str(row.id), (reader or row.owner_code, ""))
        item = build_item(row, number=row.position, today=today, workdays=workdays, for_agency=code)
        item["coordinator"] = row.coordinator_name or ""
        item["rung"] = row.told_rung
        item["undecided"] = row.id in message.context["undecided"]
        item |= reminder_rights(message.context, row.id)
        item["agency"] = name or ("" if reader or item["undecided"] else row.owner_name)
        items.append(item)
    return items


async def _shared_items(
    connection: AsyncConnection, obligation_ids: Sequence[int], today: date, workdays: Workdays
) -> list[Item]:
    """Return one line for each open report or task that several agencies owe, with their names."""
    rows = await load_obligation_rows(connection, obligation_ids)
    groups: dict[tuple[Any, ...], Item] = {}
    for row in rows.values():
        if row.state != "open":
            continue
        item = build_item(row, number=0, today=today, workdays=workdays)
        item["coordinator"] = row.coordinator_name or ""
        key = line_key(row, item["due"])
        group = groups.setdefault(key, {**item, "owners": [], "codes": []})
        for names, name in (("owners", row.owner_short), ("codes", row.code)):
            if name not in group[names]:
                group[names].append(name)
    return list(groups.values())
