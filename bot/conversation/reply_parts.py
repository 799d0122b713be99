"""Which tasks a reply names, and what is said of each.

Promises that every token goes to one part at most, that a number is a task's only where nothing else can
be meant ("2 xong", "việc 2: 50%", but not "2 ngày nữa" or "bước 2"), and that words before the first task
are kept for whoever judges the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.conversation.reply_tokens import Token

ALL = "all"
"""The reference of a part that speaks of every task not named otherwise: "tất cả", "còn lại"."""


def _tags(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What may follow the number of a task, and what may stand before it within a clause.
_STATE = _tags(
    "yes isnt sofar past done prog not no ack start wait pct zero full pair almost future trouble "
    "ask more step work send get only already plus also means unable slow let"
)
_CLOSING = _tags(
    "done work already polite pct zero full pair ack not whole trouble step after now rest"
)
_BREAKS = _tags(", and")
_FILLER = _tags("polite us org yes ack thanks task this to let rest but and , also")
_LINK = _tags("rest but and ,")
_OBJECTS = _tags("part other us means topic agency")
_AFTERWORDS = _tags("already polite thanks whole")


class Part(NamedTuple):
    """What is said of some tasks: their references as typed, and the tokens."""

    refs: tuple[str, ...]
    tokens: list[Token]


class Parts(NamedTuple):
    """A reply split by task: what stands before the first, then each; several: it speaks of more than one."""

    before: list[Token]
    parts: list[Part]
    several: bool


def split(row: list[Token], shown: str) -> Parts:
    """Split a row of tokens by the tasks that it names; shown: the text, for codes as they were typed."""
    refs = [_ref(row, index, shown) for index in range(len(row))]
    named = {ref for ref in refs if ref is not None}
    counted = sum(_counts_tasks(row, index) for index in range(len(row)))
    if "rest" in named and len(named) == 1:
        refs, named = [None] * len(row), set()
    row = [
        token._replace(tag="rest") if token.tag == "others" and ref is None else token
        for token, ref in zip(row, refs, strict=True)
    ]
    if not named:
        return Parts([], [Part((), list(row))], counted > 1)
    if len(named) == 1 and ALL not in named:
        return Parts([], [Part(tuple(named), _without(row, refs))], several=False)
    before, parts = _segments(row, refs)
    return Parts(before, parts, several=True)


def _ref(row: Sequence[Token], index: int, shown: str) -> str | None:
    token = row[index]
    after = row[index + 1].tag if index + 1 < len(row) else ""
    if token.tag == "code":
        return shown[token.start : token.end]
    if token.tag == "item":
        return token.word
    if token.tag == "every":
        return None if after in _OBJECTS else ALL
    if token.tag == "others":
        return None if after in ("pct", "num", "part", "us", "other", "step") else "rest"
    if token.tag != "num" or token.number is None or token.number > 999:
        return None
    if _counts_tasks(row, index) and token.number > 1 and after == "task":
        return ALL if _opens(row, index) and len([t for t in row if t.tag == "num"]) == 1 else None
    return token.word.lstrip("0") if _is_item_number(row, index, after) else None


def _opens(row: Sequence[Token], index: int) -> bool:
    """Tell whether a token opens a clause, fillers aside."""
    for token in reversed(row[:index]):
        if token.tag in _BREAKS:
            return True
        if token.tag not in _FILLER and token.word != "so":
            return False
    return True


def _is_item_number(row: Sequence[Token], index: int, after: str) -> bool:
    before = row[index - 1].tag if index else ""
    listed = (
        after == "," and row[index + 1].word in (".", ")", ":", "-", "/") and index + 2 < len(row)
    )
    ends = after in ("", *_BREAKS) or all(token.tag in _AFTERWORDS for token in row[index + 1 :])
    if before in ("part", "doc", "only") or (before == "x" and not listed):
        return False
    first = index
    while first and row[first - 1].tag == "num":
        first -= 1
    if _opens(row, first):
        return after in _STATE or after in ("", *_BREAKS, "polite", "num", "code", "item")
    if listed and row[index + 2].tag in _STATE:
        return True
    if before in _CLOSING and after in _STATE and after != "also":
        return True
    if before == "to" and row[index - 1].word == "so" and index > 1:
        before = row[index - 2].tag
    return ends and before in ("done", "work", "num", "prog", "and")


def _counts_tasks(row: Sequence[Token], index: int) -> bool:
    following = row[index + 1] if index + 1 < len(row) else None
    return row[index].tag == "num" and following is not None and following.tag == "task"


def _without(row: Sequence[Token], refs: list[str | None]) -> list[Token]:
    """Return the row without its one reference and the sign that sets it off ("2: ", "2) ")."""
    kept: list[Token] = []
    for index, token in enumerate(row):
        set_off = index and refs[index - 1] is not None and token.tag == ","
        announces = token.word == "so" and index + 1 < len(row) and refs[index + 1] is not None
        if refs[index] is None and not set_off and not announces:
            kept.append(token)
    return kept


def _segments(row: Sequence[Token], refs: list[str | None]) -> tuple[list[Token], list[Part]]:
    before: list[Token] = []
    parts: list[Part] = []
    current: list[Token] = before
    first = next(index for index, ref in enumerate(refs) if ref is not None)
    task_first = _opens(
        row, first
    )  # "1 xong, 2 chưa", not "xong 1, chưa xong 2": one order holds throughout
    index = 0
    while index < len(row):
        if refs[index] is None:
            current.append(row[index])
            index += 1
            continue
        group, index = _group(row, refs, index)
        rest = _clause_rest(row, refs, index)
        said = [] if task_first else _clause_state(current)
        if said and all(token.tag in _AFTERWORDS for token in rest):
            # "đã xong việc 1, …": the state stands before its task
            clause = [*said, *rest]
            del current[len(current) - len(said) :]
            parts.append(Part(group, clause))
            index += len(rest)
            current = parts[-1].tokens
            continue
        while current and current[-1].tag in _LINK:
            current.pop()
        parts.append(Part(group, []))
        current = parts[-1].tokens
        while index < len(row) and row[index].tag == ",":
            index += 1
    return before, parts


def _group(row: Sequence[Token], refs: list[str | None], index: int) -> tuple[tuple[str, ...], int]:
    """Collect references that stand together: "1, 2 và 3", "1-3"."""
    group = [refs[index] or ""]
    index += 1
    while True:
        step = 1 if index < len(row) and row[index].tag in _BREAKS else 0
        if index + step >= len(row) or refs[index + step] is None:
            return tuple(group), index
        following = refs[index + step] or ""
        if (
            step
            and row[index].word in ("-", "–")
            and group[-1].isdecimal()
            and following.isdecimal()
        ):
            group += [str(number) for number in range(int(group[-1]) + 1, int(following))][:50]
        group.append(following)
        index += step + 1


def _clause_rest(row: Sequence[Token], refs: list[str | None], index: int) -> list[Token]:
    rest: list[Token] = []
    while index < len(row) and row[index].tag not in _BREAKS and refs[index] is None:
        rest.append(row[index])
        index += 1
    return rest


def _clause_state(tokens: list[Token]) -> list[Token]:
    """Return the end of the tokens, back to the last break, if a state stands there; else nothing."""
    clause: list[Token] = []
    for token in reversed(tokens):
        if token.tag in _BREAKS:
            break
        clause.insert(0, token)
    stated = any(
        token.tag in ("done", "work", "prog", "past", "ack", "trouble") for token in clause
    )
    return clause if stated else []
