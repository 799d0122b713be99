"""An item's number, a task's code, or a code with its plan's number, to obligations.

Guarantees:
- A number counts only in the list it was typed for.
- A code that fits several obligations returns all of them, so that the bot asks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import or_, select

from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import (
    ShownList,
    find_broadcast_day,
    find_item,
    find_source_list,
)
from data.models import Message, MessageItem, Obligation, Plan
from data.obligations import lists
from data.registry.province import Province
from data.rules.ladder import UNDATED
from data.text import fold

_BARE_NUMBER = re.compile(
    r"(?:(?:việc|viec|số|so|mục|muc)\s+){0,2}(\d{1,3})\s*[.):]?", re.IGNORECASE
)
_MAX_HELD = 200  # obligations whose codes the reader knows


def parse_item_number(text: str) -> int | None:
    """Return the number that a text consists of ("2", "việc 2"), or None."""
    match = _BARE_NUMBER.fullmatch(text.strip())
    return int(match[1]) if match else None


async def list_nameable_codes(turn: Turn) -> frozenset[str]:
    """Return the task codes that the caller may name, also with their plan's number ("1901 III.1a").

    A code of only digits or only letters needs its plan's number: alone it means an item, or a word.
    """
    codes: set[str] = set()
    for row in await _list_held(turn, None):
        if _is_code(row.code):
            codes.add(row.code)
        codes.update((f"{row.number} {row.code}", f"{row.number.partition('/')[0]} {row.code}"))
    return frozenset(codes)


async def resolve_reference(turn: Turn, shown_list: ShownList | None, ref: str) -> list[int]:
    """Return the obligations that a reference may mean; several where it is ambiguous.

    Looks for a code in the list shown, then among current obligations, then among all open ones. A code of
    confirmed obligations alone returns the latest of them.
    """
    if ref.isdecimal():
        item = await find_item(turn, shown_list, int(ref)) if shown_list is not None else None
        return [] if item is None else [item]
    *plan, code = ref.split()
    rows = [
        row
        for row in await _list_held(turn, code)
        if not plan or plan[0] in _plan_number_forms(row)
    ]
    shown = {obligation_id for _, obligation_id in await list_all_items(turn, shown_list)}
    until = lists.last_current_day(turn.today)
    for among in (
        [row for row in rows if row.id in shown],
        [row for row in rows if row.base_on <= until],
        rows,
    ):
        if among:
            return [row.id for row in among]
    closed = await _list_held(turn, code, done=True)
    return [row.id for row in closed if not plan or plan[0] in _plan_number_forms(row)][:1]


async def list_all_items(turn: Turn, shown_list: ShownList | None) -> list[tuple[int, int]]:
    """Return (number, obligation id) of a list, with all pages of its morning.

    The tasks without a due date are a list apart: "tất cả" means them on their own page, or once no item
    with a date is open any more.
    """
    if shown_list is None:
        return []
    source = await find_source_list(turn, shown_list)
    morning = await find_broadcast_day(turn, source)
    if morning is None:
        return list(source.items)
    listed = await turn.connection.execute(
        select(MessageItem.position, MessageItem.obligation_id, Obligation.kind, Obligation.state)
        .join(Message, Message.id == MessageItem.message_id)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(Message.chat_id == turn.chat.id, Message.broadcast_on == morning)
        .order_by(MessageItem.position)
    )
    rows = listed.all()
    undated = [row for row in rows if row.kind == UNDATED]
    dated = [row for row in rows if row.kind != UNDATED]
    if undated and (source.undated or all(row.state != "open" for row in dated)):
        chosen = undated
    else:
        chosen = dated
    return list(dict.fromkeys((int(row.position), int(row.obligation_id)) for row in chosen))


def is_about_other_agency(turn: Turn, text: str) -> bool:
    """Tell whether words report another agency's work as done: "Sở Xây dựng đã xong".

    The reader does not know the sender's agency. "đã gửi Sở Xây dựng" names a receiver and is no such report.
    """
    words = f" {fold(text)} "
    for province in {enrolled.province for enrolled in turn.caller.enrolments}:
        own = {e.agency_code for e in turn.caller.enrolments if e.province == province}
        for code, names in _folded_names(turn.registry.provinces[province]).items():
            named = [name for name in names if f" {name} " in words] if code not in own else []
            for name in named:
                if re.search(
                    rf" {re.escape(name)} (?:cung |thi |bao cao |bao )?(?:da|xong|hoan|lam) ", words
                ):
                    return True
    return False


@lru_cache(maxsize=64)  # of provinces: folding a hundred names at each answer costs milliseconds
def _folded_names(home: Province) -> dict[str, tuple[str, ...]]:
    """Return the folded names of each agency, by code."""
    return {
        code: tuple(filter(None, {fold(n) for n in (a.name, a.short or "", *a.spellings)}))
        for code, a in home.agencies.items()
    }


def _is_code(code: str) -> bool:
    return not code.isdecimal() and any(letter.isdecimal() for letter in code)


def _plan_number_forms(row: Any) -> tuple[str, str]:
    """Return a plan's number whole and cut: "1901/KH-UBND", "1901"."""
    return row.number, row.number.partition("/")[0]


async def _list_held(turn: Turn, code: str | None, *, done: bool = False) -> list[Any]:
    """Return the open obligations that the caller's agencies hold, soonest first; code: only of that code.

    done: the confirmed ones instead, latest first.
    """
    states = ("confirmed",) if done else ("open", "submitted")
    first = Obligation.base_on.desc() if done else Obligation.base_on
    conditions = []
    for province, agency in {(e.province, e.agency_code) for e in turn.caller.enrolments}:
        held = turn.holders(province).owners_held_by(agency)
        conditions.append(await lists.held_condition(turn.connection, province, held))
    rows = await turn.connection.execute(
        select(Obligation.id, Obligation.code, Obligation.base_on, Plan.number)
        .join(Plan, Plan.id == Obligation.plan_id)
        .where(or_(*conditions), Obligation.state.in_(states))
        .order_by(first, Obligation.id)
        .limit(_MAX_HELD)
    )
    return [row for row in rows if code is None or row.code.casefold() == code.casefold()]
