"""Files asked for in words: "mẫu 2", "mở minh chứng 2", "xem minh chứng BC.1 sở tài chính".

Guarantees:
- Words that name nothing whose files the caller may see are no such request: they may be an answer.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from bot.conversation.context.access import may
from bot.conversation.context.buttons import ButtonRows, evidence_button
from bot.conversation.context.lookup import find_agencies, look_up_words
from bot.conversation.context.scope import agency_held_condition, load_scope
from bot.conversation.context.turn import Turn, visible_obligation, visible_obligations
from bot.conversation.decisions.files import send_evidence_files
from bot.conversation.decisions.forms import send_duty_forms
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.numbers import resolve_number
from data.progress.evidence import count_evidence
from data.progress.history import in_duty_condition, in_task_condition
from data.text import fold
from jobs.channel import Answer

_ASKS = re.compile(
    r"(?:mo|xem|tai|gui|cho xem|cho toi xem) (?:cac )?(?:tep |file |anh )?minh chung\b.*"
)
_NUMBER = re.compile(r"minh chung (\d{1,3})")
_FORM = re.compile(
    r"(?:xem |mo |tai |lay )?(?:bieu )?mau(?: bao cao)?(?: (?:cua |so |muc |viec )*(?P<number>\d{1,3}))?"
)
_BEFORE = re.compile(r".*?minh\s+ch[ứu]ng", re.IGNORECASE | re.DOTALL)
_OF = ("cua", "so", "viec", "muc", "cho")
_MOST_BUTTONS = 8


async def answer_file_request(
    turn: Turn, text: str, shown_list: ShownList | None
) -> list[Answer] | None:
    """Send the form of a report or the files of evidence that words ask for; None for other words."""
    answers = await _send_forms(turn, text, shown_list)
    return answers or await _answer_evidence_request(turn, text, shown_list)


async def _send_forms(turn: Turn, text: str, shown_list: ShownList | None) -> list[Answer]:
    match = _FORM.fullmatch(fold(text).strip(" .?"))
    if match is None or shown_list is None:
        return []
    obligation_id = shown_list.only_item
    if match["number"]:
        meaning = await resolve_number(turn, shown_list, int(match["number"]))
        obligation_id = meaning.obligation_ids[0] if meaning.is_sure else None
    obligation = None
    if obligation_id is not None:
        obligation = await visible_obligation(turn, obligation_id)
    if obligation is None or obligation.row.duty_id is None:
        return []
    return await send_duty_forms(turn, obligation.row.plan_code, obligation.row.code)


async def _answer_evidence_request(
    turn: Turn, text: str, shown_list: ShownList | None
) -> list[Answer] | None:
    """Send the files that words ask for, or ask whose; None for other words."""
    folded = fold(text).strip(" .?")
    if _NUMBER.fullmatch(folded) is None and _ASKS.fullmatch(folded) is None:
        return None
    words = _BEFORE.sub("", unicodedata.normalize("NFC", text), count=1).strip(" .?").split()
    while words and fold(words[0]) in _OF:
        words = words[1:]
    if not words or (len(words) == 1 and words[0].isdecimal()):
        return await _open_shown(turn, int("".join(words) or 0), shown_list)
    for length in range(len(words), 0, -1):
        condition = await _find_meant(turn, " ".join(words[:length]), " ".join(words[length:]))
        if condition is not None:
            return await _open_meant(turn, condition)
    return None


async def _open_shown(turn: Turn, number: int, shown_list: ShownList | None) -> list[Answer] | None:
    if shown_list is None:
        return None
    if not number:
        if shown_list.only_item is None:
            return None
        return await send_evidence_files(turn, shown_list.only_item)
    meaning = await resolve_number(turn, shown_list, number)
    return await send_evidence_files(turn, meaning.obligation_ids[0]) if meaning.is_sure else None


async def _find_meant(turn: Turn, code: str, agency_words: str) -> Any:
    """Return the condition on Obligation that a code names, of an agency where words name one; None without."""
    scope = await load_scope(turn)
    found = await look_up_words(turn, scope, code)
    rows = (*found.tasks, *found.duties)
    if not rows:
        return None
    agencies = await find_agencies(turn, agency_words) if agency_words else []
    if agency_words and len(agencies) != 1:
        return None
    within = in_task_condition if found.tasks else in_duty_condition
    condition = within(rows[0].id)
    for row in rows[1:]:
        condition = condition | within(row.id)
    for agency in agencies:
        condition = condition & await agency_held_condition(turn, agency.province, agency.code)
    return condition & scope.obligations()


async def _open_meant(turn: Turn, condition: Any) -> list[Answer]:
    counts = await count_evidence(turn.connection, condition)
    visible = [
        each
        for each in (await visible_obligations(turn, list(counts))).values()
        if may(turn.caller, "evidence", each.subject)
    ]
    if len(visible) == 1:
        return await send_evidence_files(turn, visible[0].id)
    items = [
        each.as_item(turn, number, holder=each.holder) for number, each in enumerate(visible, 1)
    ]
    buttons: ButtonRows = ()
    for item in items[:_MOST_BUTTONS]:
        label = f"{item['number']}. {item['holder']}"[:60]
        buttons += evidence_button(item["id"], 1, label)
    lines = [{**item, "files": counts[item["id"]]} for item in items]
    return [Answer("evidence_whose", {"items": lines}, buttons, tuple(each.id for each in visible))]
