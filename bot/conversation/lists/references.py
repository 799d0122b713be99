"""An item's number, a task's code, or a code with its plan's number, to obligations.

Guarantees:
- A number counts only in a list that surely arrived (numbers.py).
- A number or code that fits several obligations returns all of them, so that the bot asks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import or_, select

from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.numbers import (
    Meaning,
    list_all_items,
    list_numbered_items,
    resolve_number,
)
from data.models import Obligation, Plan
from data.obligations import lists
from data.registry.province import Province
from data.registry.titles import obligation_title
from data.text import fold
from jobs.rendering.items import load_obligation_rows

_BARE_NUMBER = re.compile(
    r"(?:(?:việc|viec|số|so|mục|muc)\s+){0,2}(\d{1,3})\s*[.):]?", re.IGNORECASE
)
_LEAST_WORDS = 4  # of a text that may hold a title and say something
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


async def resolve_reference(turn: Turn, shown_list: ShownList | None, ref: str) -> Meaning:
    """Return what a number or code means; several obligations where it is ambiguous.

    Looks for a code in the list shown, then among current obligations, then among all open ones. A code of
    confirmed obligations alone returns the latest of them.
    """
    if ref.isdecimal():
        if shown_list is None:
            return Meaning([], is_sure=False)
        return await resolve_number(turn, shown_list, int(ref))
    *plan, code = ref.split()
    rows = [
        row
        for row in await _list_held(turn, code)
        if not plan or plan[0] in _plan_number_forms(row)
    ]
    listed, _ = await list_all_items(turn, shown_list)
    shown = {obligation_id for _, obligation_id in listed}
    until = lists.last_current_day(turn.today)
    for among in (
        [row for row in rows if row.id in shown],
        [row for row in rows if row.base_on <= until],
        rows,
    ):
        if among:
            return Meaning([row.id for row in among], is_sure=len(among) == 1)
    closed = await _list_held(turn, code, done=True)
    ids = [row.id for row in closed if not plan or plan[0] in _plan_number_forms(row)][:1]
    return Meaning(ids, is_sure=bool(ids))


async def list_titles(turn: Turn, shown_list: ShownList | None, text: str) -> list[tuple[int, str]]:
    """Return the titles of a list with their numbers; none where a text is too short to hold one."""
    if shown_list is None or len(text.split()) < _LEAST_WORDS:
        return []
    numbers = {
        item.obligation_id: item.number for item in await list_numbered_items(turn, shown_list)
    }
    numbers |= {item: number for number, item in shown_list.items}
    rows = await load_obligation_rows(turn.connection, list(numbers))
    return [(numbers[key], obligation_title(row)) for key, row in rows.items()]


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
