"""Search tasks and report duties by code or by words. Reads only.

Guarantees:
- Words match with or without marks, in any case and order; all of them must match.
- Only rows that the given conditions allow are found; the cost is a scan of those rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Plan, ReportDuty, Task
from data.text import compose, fold

_MOST_MARKS = 8  # dots and spaces in a code
LONGEST_SEARCH = 44  # folded characters; the rest is ignored


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A page of matching tasks, their total, and all matching report duties."""

    total: int
    tasks: list[Any]
    duties: list[Any]


def search_words(text: str) -> list[str]:
    """Return the folded words to search for: whole words, within LONGEST_SEARCH characters."""
    words: list[str] = []
    room = LONGEST_SEARCH
    for word in fold(text).split():
        if len(word) > room:
            break
        words.append(word)
        room -= len(word) + 1
    return words or fold(text).split()[:1]


def code_key(text: str) -> str:
    """Return a code without dots and spaces, in lower case, đ kept: "III.1đ" becomes "iii1đ"."""
    return "".join(letter for letter in compose(text).casefold() if letter.isalnum())


async def find_tasks_by_code(
    connection: AsyncConnection, allowed: ColumnElement[bool], code: str
) -> list[Any]:
    """Return the tasks with a code, of any plan allowed; dots may be missing."""
    return await _find_by_code(
        connection, Task, _TASK, and_(allowed, Task.withdrawn_at.is_(None)), code
    )


async def find_duties_by_code(
    connection: AsyncConnection, allowed: ColumnElement[bool], code: str
) -> list[Any]:
    """Return the report duties with a code, of any plan allowed."""
    where = and_(allowed, ReportDuty.withdrawn_at.is_(None))
    return await _find_by_code(connection, ReportDuty, _DUTY, where, code)


async def search(
    connection: AsyncConnection,
    *,
    tasks: ColumnElement[bool],
    duties: ColumnElement[bool],
    words: list[str],
    offset: int = 0,
    limit: int = 10,
) -> SearchResult:
    """Return the tasks and duties that contain all the folded words, the latest plan's first.

    A task that contains the words as one phrase comes before the others.
    """
    if not words:
        return SearchResult(0, [], [])
    where = and_(
        tasks, Task.withdrawn_at.is_(None), *(Task.folded.contains(word) for word in words)
    )
    total = await connection.scalar(select(func.count()).select_from(Task).where(where))
    phrase = " ".join(words)
    rows = await connection.execute(
        select(*_TASK)
        .join(Plan, Plan.id == Task.plan_id)
        .where(where)
        .order_by(
            case((Task.folded.contains(phrase), 0), else_=1),
            Plan.issued_on.desc(),
            Task.plan_id,
            Task.position,
        )
        .offset(offset)
        .limit(limit)
    )
    page = list(rows)
    allowed_duties = await connection.execute(
        select(*_DUTY)
        .join(Plan, Plan.id == ReportDuty.plan_id)
        .where(duties, ReportDuty.withdrawn_at.is_(None))
        .order_by(Plan.issued_on.desc(), ReportDuty.plan_id, ReportDuty.position)
    )
    matching = [row for row in allowed_duties if _contains_all(row, words)]
    return SearchResult(int(total or 0), page, matching)


def _contains_all(duty: Any, words: list[str]) -> bool:
    text = fold(f"{duty.code} {duty.title} {duty.clause} {duty.quote} {duty.receiver}")
    return all(word in text for word in words)


async def _find_by_code(
    connection: AsyncConnection,
    table: Any,
    columns: tuple[Any, ...],
    where: ColumnElement[bool],
    code: str,
) -> list[Any]:
    key = code_key(code)
    if not key:
        return []
    # SQLite does not lower đ: the database finds codes with the plain letters and digits in this order and
    # about this length, and Python compares the rest.
    plain = "%".join(letter for letter in key if letter.isascii())
    length = func.length(table.code)
    near_length = length.between(len(key), len(key) + _MOST_MARKS)
    rows = await connection.execute(
        select(table.id, table.code).where(where, near_length, table.code.ilike(f"%{plain}%"))
    )
    near = {row.id: row.code for row in rows if code_key(row.code) == key}
    exact = [id_ for id_, known in near.items() if known.casefold() == code.strip().casefold()]
    if not near:
        return []
    found = await connection.execute(
        select(*columns)
        .join(Plan, Plan.id == table.plan_id)
        .where(table.id.in_(exact or list(near)))
        .order_by(Plan.issued_on.desc(), Plan.id)
    )
    return list(found)


_PLAN = (
    Plan.id.label("plan_id"),
    Plan.code.label("plan_code"),
    Plan.number.label("plan_number"),
    Plan.province,
    Plan.coordinator_id,
)
_TASK = (Task.id, Task.code, Task.title, *_PLAN)
_DUTY = (
    ReportDuty.id,
    ReportDuty.code,
    ReportDuty.title,
    ReportDuty.clause,
    ReportDuty.quote,
    ReportDuty.receiver,
    *_PLAN,
)
