"""Which obligation a reference means: an item's number, a task's code, or a code with its plan's number.

Promises that a number is looked for only in the list it was typed for, and that a code that could mean
several obligations is returned as several, for somebody to be asked. Reads only.
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
    list_by_message,
)
from data.models import Message, MessageItem, Obligation, Plan
from data.obligations import lists
from data.registry.province import Province
from data.rules.ladder import UNDATED
from data.text import fold

_BARE_NUMBER = re.compile(
    r"(?:(?:việc|viec|số|so|mục|muc)\s+){0,2}(\d{1,3})\s*[.):]?", re.IGNORECASE
)
_MAX_HELD = 200  # open obligations of one agency whose codes are known to the reader


def parse_item_number(text: str) -> int | None:
    """Return the number that a text is ("2", "việc 2"), or None where it says anything more."""
    match = _BARE_NUMBER.fullmatch(text.strip())
    return int(match[1]) if match else None


async def list_nameable_codes(turn: Turn) -> frozenset[str]:
    """Return the task codes that the caller may name, also with their plan's number ("1901 III.1a").

    Codes that are mere numbers or letters stand there with their plan's number only: alone a number
    means an item, and a letter a word.
    """
    codes: set[str] = set()
    for row in await _list_held(turn, None):
        if _is_code(row.code):
            codes.add(row.code)
        codes.update((f"{row.number} {row.code}", f"{row.number.partition('/')[0]} {row.code}"))
    return frozenset(codes)


async def resolve_reference(turn: Turn, menu: ShownList | None, ref: str) -> list[int]:
    """Return the obligations that a reference may mean: none, the one, or several that cannot be told.

    A code is looked for in the list shown, then among what is owed now, then among the rest.
    """
    if ref.isdecimal():
        found = await find_item(turn, menu, int(ref)) if menu is not None else None
        return [] if found is None else [found]
    *plan, code = ref.split()
    rows = [
        row
        for row in await _list_held(turn, code)
        if not plan or plan[0] in _plan_number_forms(row)
    ]
    shown = {obligation_id for _, obligation_id in await list_all_items(turn, menu)}
    until = lists.last_current_day(turn.today)
    for among in (
        [row for row in rows if row.id in shown],
        [row for row in rows if row.base_on <= until],
        rows,
    ):
        if among:
            return [row.id for row in among]
    closed = await _list_held(turn, code, done=True)  # the latest: its state is told
    return [row.id for row in closed if not plan or plan[0] in _plan_number_forms(row)][:1]


async def list_all_items(turn: Turn, menu: ShownList | None) -> list[tuple[int, int]]:
    """Return (number, obligation id) of a menu's list: of a morning's reminder all pages.

    Its tasks without a due date are a list of their own: "tất cả" said of them means no report; said
    when nothing with a date is open any more, it means them.
    """
    if menu is None:
        return []
    source = (
        await list_by_message(turn, menu.list_id) if menu.list_id is not None else None
    ) or menu
    morning = await find_broadcast_day(turn, source)
    if morning is None:
        return list(source.items)
    found = await turn.connection.execute(
        select(MessageItem.position, MessageItem.obligation_id, Obligation.kind, Obligation.state)
        .join(Message, Message.id == MessageItem.message_id)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .where(Message.chat_id == turn.chat.id, Message.broadcast_on == morning)
        .order_by(MessageItem.position)
    )
    rows = found.all()
    undated = [row for row in rows if row.kind == UNDATED]
    dated = [row for row in rows if row.kind != UNDATED]
    if undated and (source.undated or all(row.state != "open" for row in dated)):
        meant = undated
    else:
        meant = dated
    return list(dict.fromkeys((int(row.position), int(row.obligation_id)) for row in meant))


def is_about_other_agency(turn: Turn, text: str) -> bool:
    """Tell whether words say that another agency is done: "Sở Xây dựng đã xong".

    The reader of words cannot know who speaks; who it is sent to ("đã gửi Sở Xây dựng") is no matter.
    """
    words = f" {fold(text)} "
    for province in {enrolled.province for enrolled in turn.caller.enrolments}:
        own = {e.agency_code for e in turn.caller.enrolments if e.province == province}
        for code, names in _folded_names(turn.registry.provinces[province]).items():
            said = [name for name in names if f" {name} " in words] if code not in own else []
            for name in said:
                if re.search(
                    rf" {re.escape(name)} (?:cung |thi |bao cao |bao )?(?:da|xong|hoan|lam) ", words
                ):
                    return True
    return False


@lru_cache(maxsize=64)  # of provinces: folding a hundred names at each answer costs milliseconds
def _folded_names(home: Province) -> dict[str, tuple[str, ...]]:
    """Return what each agency is called, folded."""
    return {
        code: tuple(filter(None, {fold(n) for n in (a.name, a.short or "", *a.spellings)}))
        for code, a in home.agencies.items()
    }


def _is_code(code: str) -> bool:
    return not code.isdecimal() and any(letter.isdecimal() for letter in code)


def _plan_number_forms(row: Any) -> tuple[str, str]:
    """Return what a plan's number is typed as: "1901/KH-UBND", "1901"."""
    return row.number, row.number.partition("/")[0]


async def _list_held(turn: Turn, code: str | None, *, done: bool = False) -> list[Any]:
    """Return what the caller's agencies have in hand, soonest first; code: only of that code.

    done: what is confirmed instead, latest first.
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
