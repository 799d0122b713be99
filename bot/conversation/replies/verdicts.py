"""Typed verdicts on reported completions and asked extensions: "2 trả lại thiếu phụ lục", "2 không đồng ý vì …".

Guarantees:
- Numbers count as everywhere: in a list that surely arrived. Words about anything else are not taken.
- Who may not decide reads by which rule, and who may.
"""

from __future__ import annotations

from bot.conversation.context.access import may
from bot.conversation.context.deciding import find_decidable_ids, refuse_decision
from bot.conversation.context.turn import Turn, visible_obligations
from bot.conversation.decisions.completion import (
    confirm_all_waiting,
    confirm_completion,
    confirm_or_preview,
    return_for_reason,
)
from bot.conversation.decisions.extension import (
    decide_until,
    grant_extension,
    refuse_for_reason,
)
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.numbers import resolve_number
from bot.conversation.reader.verdicts import Verdict, read_verdict
from data.progress.extensions import find_open_extension
from jobs.channel import Answer

_REPORTED = ("submitted", "confirmed")  # of one confirmed before it is said by whom


async def answer_verdict(turn: Turn, shown_list: ShownList | None) -> list[Answer] | None:
    """Answer a coordinator's or leader's words on completions; None for all other words."""
    if not may(turn.caller, "xacnhan"):
        return None
    verdict = read_verdict(turn.incoming.text)
    if verdict is None:
        return None
    if verdict.is_all:
        return await confirm_all_waiting(turn)
    ids = await _find_meant(turn, verdict, shown_list)
    visible = await visible_obligations(turn, ids)
    if len(ids) == 1 and (decided := await _decide_on_request(turn, verdict, ids[0])) is not None:
        return decided
    if (
        verdict.kind == "until"
        or not ids
        or any(each.row.state not in _REPORTED for each in visible.values())
    ):
        return None  # of work that was not reported as done, they say something else
    decidable = await find_decidable_ids(turn, ids)
    for each in visible.values():
        if each.id not in decidable:
            return (
                None
                if may(turn.caller, "ack", each.subject)
                else [await refuse_decision(turn, each)]
            )
    if verdict.kind == "return":
        return await return_for_reason(turn, ids[0], verdict.reason)
    return await (
        confirm_completion(turn, ids[0]) if len(ids) == 1 else confirm_or_preview(turn, ids)
    )


async def _decide_on_request(
    turn: Turn, verdict: Verdict, obligation_id: int
) -> list[Answer] | None:
    """Grant or refuse the extension that waits for the caller; None where none does."""
    request = await find_open_extension(turn.connection, obligation_id)
    if request is None or request.state != "open":
        return None
    if not await find_decidable_ids(turn, [obligation_id]):
        return None
    if verdict.kind == "confirm":
        return await grant_extension(turn, request.id)
    if verdict.kind == "until":
        return await decide_until(turn, request, verdict.reason)
    return await refuse_for_reason(turn, request.id, verdict.reason)


async def _find_meant(turn: Turn, verdict: Verdict, shown_list: ShownList | None) -> list[int]:
    """Return the obligations that a verdict is about; none where one is not surely meant."""
    if shown_list is None or shown_list.doubtful:
        return []
    alone = shown_list.only_item
    shows_no_number = all(not number for number, _ in shown_list.items)
    if not verdict.numbers or (alone is not None and shows_no_number and verdict.numbers == (1,)):
        return [] if alone is None else [alone]  # "1" of the one that is shown without a number
    found: list[int] = []
    for number in verdict.numbers:
        meaning = await resolve_number(turn, shown_list, number)
        if not meaning.is_sure:
            return []
        found += meaning.obligation_ids
    return list(dict.fromkeys(found))
