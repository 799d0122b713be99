"""Decisions typed with the number of what waits: "2 trả lại thiếu phụ lục", "xác nhận 2", "3 không đồng ý".

Guarantees:
- Only what waits for the caller is decided; other words stay what they are.
- A number counts only where its list surely arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.conversation.context.deciding import find_decidable_ids
from bot.conversation.context.turn import Turn, visible_obligation
from bot.conversation.decisions.completion import confirm_completion, return_for_reason
from bot.conversation.decisions.extension import grant_extension, refuse_for_reason
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.numbers import resolve_number
from data.progress import extensions
from data.text import fold
from jobs.channel import Answer

_NUMBER = r"(?:so |viec |muc |nhiem vu |bao cao )?(?:so )?(?P<number>\d{1,3})"
_YES = r"(?:xac nhan|dong y|duyet|chap thuan)(?: nhe| nha| a)?"
_NO = r"(?P<no>tra lai|tra ve|khong dong y|khong duyet|tu choi|chua dat|khong dat|khong xac nhan)"
_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        rf"{_NUMBER} {_YES}",
        rf"{_YES} {_NUMBER}",
        rf"{_NUMBER} {_NO}(?: (?P<why>.+))?",
        rf"{_NO} {_NUMBER}(?: (?P<why>.+))?",
        rf"{_NO} (?P<why>.+)",
    )
)
_LEADING = re.compile(r"^(?:(?:vì|do|lý do|bởi|vi|ly do|là)\b|[\s:,.–-])+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TypedDecision:
    """What words decide. number: None means the one item that is shown. why: the reason as typed."""

    agrees: bool
    number: int | None = None
    why: str = ""


def read_typed_decision(text: str) -> TypedDecision | None:
    """Return the decision that a text says, None for other words. Pure."""
    typed = [(word, fold(word)) for word in text.split()]
    typed = [(word, folded) for word, folded in typed if folded]
    line = " ".join(folded for _, folded in typed)
    for shape in _SHAPES:
        match = shape.fullmatch(line)
        if match is None:
            continue
        found = match.groupdict()
        number = found.get("number")
        why = ""
        if found.get("why"):
            skipped = line[: match.start("why")].count(" ")
            why = _LEADING.sub("", " ".join(word for word, _ in typed[skipped:]))
        return TypedDecision("no" not in found, int(number) if number else None, why)
    return None


async def decide_as_typed(turn: Turn, shown_list: ShownList | None) -> list[Answer] | None:
    """Decide what words with the number of a list decide; None where nothing of it waits for the caller."""
    typed = read_typed_decision(turn.incoming.text)
    if typed is None or shown_list is None:
        return None
    if typed.number is None:
        obligation_id = shown_list.only_item
    else:
        meaning = await resolve_number(turn, shown_list, typed.number)
        obligation_id = meaning.obligation_ids[0] if meaning.is_sure else None
    if obligation_id is None or not await find_decidable_ids(turn, [obligation_id]):
        return None
    obligation = await visible_obligation(turn, obligation_id)
    if obligation is None:
        return None
    if obligation.row.state == "submitted":
        if typed.agrees:
            return await confirm_completion(turn, obligation_id)
        return await return_for_reason(turn, obligation_id, typed.why)
    request = await extensions.find_open_extension(turn.connection, obligation_id)
    if request is None or request.state != "open":
        return None
    if typed.agrees:
        return await grant_extension(turn, request.id)
    return await refuse_for_reason(turn, request.id, typed.why)
