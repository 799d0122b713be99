"""Parts of a reply: the tokens about each task that it names.

Guarantees:
- Each token goes to one part at most; a status that may belong to two tasks goes to neither.
- An excepted task ("tất cả đang làm, trừ 3") is in no other part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bot.conversation.reader.references import ALL, EXCEPT, REST, counts_tasks, references
from bot.conversation.reader.tokens import Token

_BREAKS = frozenset([",", "and"])
_LINK = frozenset(["rest", "but", "and", ","])
_STATED = frozenset(
    ["done", "work", "prog", "past", "ack", "trouble", "not", "pct", "full", "zero"]
)
_HEADING = frozenset(["done", "prog", "past", "not"])  # before a colon: "đã xong: 1, 2"
_REPORTED = frozenset(["done", "full", "send", "report"])
_AFTERWORDS = frozenset(["already", "polite", "thanks", "whole"])
_JOINING = frozenset([",", "-", "–", "—", "+"])
_RANGE = frozenset(["-", "–", "—", "->", "=>", "den", "toi"])
_LONGEST_RANGE = 50


class ReplyPart(NamedTuple):
    """What is said of some tasks: their references as typed, and the tokens."""

    refs: tuple[str, ...]
    tokens: list[Token]


class Parts(NamedTuple):
    """A reply split by task: what stands before the first, then each; several: it speaks of more than one."""

    before: list[Token]
    parts: list[ReplyPart]
    several: bool


class _Group(NamedTuple):
    """References that stand together; excepted: "trừ 3"; over: nothing more is said of them ("trừ 3 ra");
    listed: excepted with commas ("trừ 3, 4"), so that the exception may end before the last.
    """

    refs: tuple[str, ...]
    excepted: bool = False
    over: bool = False
    listed: bool = False


def split(row: list[Token], shown: str) -> Parts:
    """Split a row of tokens by the tasks that it names; shown: the text, for codes as they were typed."""
    refs = references(row, shown)
    named = {ref for ref in refs if ref is not None}
    if named == {REST}:
        refs, named = [None] * len(row), set()
    row = [
        token._replace(tag="rest") if token.tag == "others" and ref is None else token
        for token, ref in zip(row, refs, strict=True)
    ]
    if not named:
        counted = sum(counts_tasks(row, index) for index in range(len(row)))
        return Parts([], [ReplyPart((), list(row))], counted > 1)
    before, parts = _segments(_pieces(*_unannounced(row, refs)))
    if len(named) == 1 and all(part.refs != (ALL,) for part in parts):
        return Parts([], [ReplyPart(tuple(named), _without(row, refs))], several=False)
    return Parts(before, parts, several=True)


def _unannounced(row: list[Token], refs: list[str | None]) -> tuple[list[Token], list[str | None]]:
    """Drop what only announces a reference: "số" in "số 2", "các mục" in "các mục 1, 2", "từ" in "từ 1 đến 4"."""
    kept = [
        index
        for index, token in enumerate(row)
        if refs[index] is not None
        or not _announces(token)
        or refs[index + 1 : index + 2] in ([], [None])
    ]
    return [row[index] for index in kept], [refs[index] for index in kept]


def _announces(token: Token) -> bool:
    return token.tag == "every" or token.word in ("so", "tu", "cac", "nhung", "may")


def _without(row: Sequence[Token], refs: list[str | None]) -> list[Token]:
    """Return the row without its one reference and the sign that sets it off ("2: ", "2) ")."""
    kept: list[Token] = []
    for index, token in enumerate(row):
        set_off = index and refs[index - 1] is not None and token.tag == ","
        announces = token.word == "so" and index + 1 < len(row) and refs[index + 1] is not None
        if refs[index] is None and not set_off and not announces:
            kept.append(token)
    return kept


def _pieces(row: Sequence[Token], refs: list[str | None]) -> list[Token | _Group]:
    """Put the references that stand together in one piece; the tokens between stay as they are."""
    pieces: list[Token | _Group] = []
    index = 0
    while index < len(row):
        if refs[index] is None:
            pieces.append(row[index])
            index += 1
            continue
        start = index
        group, index = _group(row, refs, index)
        link = pieces[-1] if pieces else None
        if isinstance(link, Token) and _excepts(link):
            pieces.pop()
            over = index < len(row) and row[index].word in ("ra", "thi")
            while index < len(row) and row[index].word in ("ra", "thi"):
                index += 1
            listed = any(token.word == "," for token in row[start:index])
            pieces.append(_Group(group, True, over, listed))
        else:
            pieces.append(_Group(group))
    return pieces


def _group(row: Sequence[Token], refs: list[str | None], index: int) -> tuple[tuple[str, ...], int]:
    """Collect references that stand together: "1, 2 và 3", "1-3", "1 đến 3"."""
    group = [refs[index] or ""]
    index += 1
    while index < len(row):
        link = row[index]
        ranging = refs[index] is None and link.word in _RANGE
        joining = refs[index] is None and (link.tag == "and" or link.word in _JOINING)
        step = 1 if ranging or joining else 0
        following = refs[index + step] if index + step < len(row) else None
        if following is None or (group[-1] in (ALL, REST)) or following in (ALL, REST):
            break
        group += [*(_between(group[-1], following) if ranging else []), following]
        index += step + 1
    return tuple(group), index


def _between(first: str, last: str) -> list[str]:
    """Return the references between two: 2, 3 of 1 to 4, "III.1b" of III.1a to III.1c."""
    if first.isdecimal() and last.isdecimal():
        return [str(number) for number in range(int(first) + 1, int(last))][:_LONGEST_RANGE]
    if first[:-1] != last[:-1] or first[-1].isdecimal() != last[-1].isdecimal():
        return []
    return [first[:-1] + chr(place) for place in range(ord(first[-1]) + 1, ord(last[-1]))]


def _segments(pieces: Sequence[Token | _Group]) -> tuple[list[Token], list[ReplyPart]]:
    """Give each group what is said of it. One order holds throughout: "1 xong, 2 chưa" or "xong 1, chưa xong 2"."""
    groups = [piece for piece in pieces if isinstance(piece, _Group)]
    excepted = {ref for group in groups if group.excepted for ref in group.refs}
    task_first = _task_first(pieces)
    before: list[Token] = []
    parts: list[ReplyPart] = []
    current = before
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        index += 1
        if isinstance(piece, Token):
            current.append(piece)
            continue
        if not task_first and not piece.excepted:
            tail = _up_to_break(pieces[index:])
            said = _taken(current) if all(token.tag in _AFTERWORDS for token in tail) else []
            parts.append(ReplyPart(piece.refs, [*said, *tail] if said else []))
            current = [] if not said else parts[-1].tokens
            index += len(tail) if said else 0
            continue
        while current and current[-1].tag in _LINK:
            current.pop()
        refs = tuple(ref for ref in piece.refs if piece.excepted or ref not in excepted)
        if piece.listed and {token.tag for token in _up_to_break(pieces[index:])} & _REPORTED:
            parts.append(ReplyPart(refs[:-1], []))  # "trừ 1, 2 xong": of 1 nothing is surely said
            refs = refs[-1:]
        parts.append(ReplyPart(refs, []))
        current = parts[-1].tokens
        while index < len(pieces) and _tag(pieces[index]) == ",":
            index += 1
    return _of_all(before, parts, groups)


def _task_first(pieces: Sequence[Token | _Group]) -> bool:
    """Tell whether the first task that is not excepted opens what is said of it."""
    clause: list[Token] = []
    for piece in pieces:
        if isinstance(piece, _Group):
            if piece.excepted:
                clause = []
                continue
            headed = bool(clause) and clause[-1].word == ":"
            return not {token.tag for token in clause} & (_HEADING if headed else _STATED)
        clause = [] if piece.tag in _BREAKS and piece.word != ":" else [*clause, piece]
    return True


def _of_all(
    before: list[Token], parts: list[ReplyPart], groups: Sequence[_Group]
) -> tuple[list[Token], list[ReplyPart]]:
    """Where all tasks named are excepted, read the rest of the words of all: "đang làm hết, trừ 3"."""
    if not all(group.excepted for group in groups):
        return before, parts
    if {token.tag for token in before} & _STATED:
        return [], [ReplyPart((ALL,), before), *parts]
    first, *others = parts
    if groups[0].over or any(token.tag == "whole" for token in first.tokens):
        return before, [ReplyPart((ALL,), first.tokens), ReplyPart(first.refs, []), *others]
    return before, parts


def _up_to_break(pieces: Sequence[Token | _Group]) -> list[Token]:
    found: list[Token] = []
    for piece in pieces:
        if isinstance(piece, _Group) or piece.tag in _BREAKS or _excepts(piece):
            break
        found.append(piece)
    return found


def _taken(tokens: list[Token]) -> list[Token]:
    """Take off the end of the tokens, back to the last break, if a state stands there; else nothing."""
    while tokens and tokens[-1].word == ":":
        tokens.pop()
    start = len(tokens)
    while start and tokens[start - 1].tag not in _BREAKS:
        start -= 1
    clause = tokens[start:]
    if not {token.tag for token in clause} & _STATED:
        return []
    del tokens[start:]
    return clause


def _excepts(token: Token) -> bool:
    return token.tag == "rest" and token.word in EXCEPT


def _tag(piece: Token | _Group) -> str:
    return piece.tag if isinstance(piece, Token) else ""
