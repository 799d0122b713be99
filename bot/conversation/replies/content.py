"""What a task or report is about: "Nội dung" under it, or typed "nd 2", "nội dung việc 2"."""

from __future__ import annotations

import re
from typing import Any

from bot.conversation.context.turn import Turn, VisibleObligation, visible_obligation
from bot.conversation.lists.last_list import ShownList, find_source_list
from bot.conversation.lists.numbers import resolve_number
from bot.conversation.replies.show import ask_number, find_item_number, no_list_answer
from data.registry.schema import ReportDutyEntry, TaskEntry
from data.text import fold
from jobs.channel import Answer, Button

_ASKS = re.compile(r"(?:nd|noi dung)(?: (?:cua|viec|nhiem vu|bao cao|so|muc))*(?: (\d{1,3}))?")
_FRAME = 1100  # characters beside the document's own text


def parse_content_request(text: str) -> int | None:
    """Return the number whose content words ask for ("nd 2"), 0 for "nội dung" alone, None for other words."""
    match = _ASKS.fullmatch(fold(text).strip(" .?"))
    return None if match is None else int(match[1] or 0)


async def answer_content_request(
    turn: Turn, number: int, shown_list: ShownList | None
) -> list[Answer]:
    """Answer "nd 2"; without a number the single item shown is meant."""
    if shown_list is None:
        return [no_list_answer("no_list", number or None)]
    if not number and shown_list.only_item is not None:
        return await show_content(turn, shown_list.only_item, shown_list)
    meaning = await resolve_number(turn, shown_list, number)
    if not meaning.is_sure:
        return [await ask_number(turn, shown_list, meaning, number)]
    return await show_content(turn, meaning.obligation_ids[0], shown_list)


async def show_content(
    turn: Turn, obligation_id: int, shown_list: ShownList | None
) -> list[Answer]:
    """Show an item's full text or quote, who gave it, to whom, and who answers questions about it."""
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return [Answer("unknown_item")]
    source = None if shown_list is None else await find_source_list(turn, shown_list)
    number = find_item_number(source, obligation_id)
    context = {
        "item": obligation.as_item(turn, number),
        **document_words(turn, obligation),
        "coordinator": obligation.row.coordinator_name or "",
        "holder": obligation.holder,
        **({} if source is None else source.numbers),
    }
    back = ((Button("Quay lại", f"open:{obligation_id}"),),)
    edits = turn.pressed_message_id
    return [Answer("content", context, buttons=back, items=(obligation_id,), edits=edits)]


def document_words(turn: Turn, obligation: VisibleObligation) -> dict[str, Any]:
    """Return what the plan's document says of an obligation: `text` whole, `paragraphs` cut to what a message holds."""
    row = obligation.row
    plan = turn.registry.plans[row.plan_code]
    entries: list[TaskEntry | ReportDutyEntry] = [*plan.tasks, *plan.duties]
    entry = next((each for each in entries if each.code == row.code), None)
    if isinstance(entry, TaskEntry):
        text = "\n".join((entry.text, *entry.actions))
        leads, supports, receiver = entry.leads, entry.supports, ""
        clause = entry.section or ""
    elif entry is not None:
        text, leads, supports = entry.quote, entry.from_, []
        receiver = entry.to + (f" (qua {entry.via})" if entry.via else "")
        clause = entry.clause
    else:  # its file dropped it since
        text, leads, supports, receiver, clause = "", [], [], "", row.clause or ""
    lines = text.split("\n")
    kept: list[str] = []
    room = turn.max_length - _FRAME
    for line in lines:
        room -= len(line) + 1
        if kept and room < 0:
            break
        kept.append(line if room >= 0 else line[: turn.max_length - _FRAME].rsplit(" ", 1)[0] + "…")
    return {
        "plan_title": plan.title,
        "text": text,
        "is_report": entry is not None and not isinstance(entry, TaskEntry),
        "paragraphs": kept,
        "more": len(kept) < len(lines) or room < 0,
        "clause": clause,
        "leads": list(leads[:7]),
        "supports": list(supports[:7]),
        "receiver": receiver,
    }
