"""References to tasks in a reply: a number, a code, or all of them.

Guarantees:
- A number means a task only where nothing else fits: "2 xong", "việc 2: 50%", but not "2 ngày nữa", "3 xã xong".
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation.reader.tokens import Token

ALL = "all"
"""The reference to every task not named otherwise: "tất cả", "toàn bộ"."""
REST = "rest"
"""The same, where others were named before: "còn lại"."""
EXCEPT = frozenset(
    [
        "tru",
        "ngoai tru",
        "ngoai",
        "rieng",
        "chua",
        "chi co",
        "chi rieng",
        "tru moi",
        "duy nhat",
        "chi con",
    ]
)
"""Words that except a task from all: "trừ 3"."""


def _tags(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What may follow the number of a task, and what may stand before it within a clause.
_STATE = _tags(
    "yes isnt sofar past done prog not no ack start wait pct zero full pair almost future trouble "
    "ask more step work send get only already plus also unable slow let"
)
_CLOSING = _tags(
    "done work prog not already polite pct zero full pair ack whole trouble step after now rest report fine "
    "start unable wait send means"
)
_FOLLOWING = frozenset(
    ["", ",", "and", "polite", "num", "code", "item", "fine", "now", "after", "weekday"]
)
_BREAKS = _tags(", and")
_FILLER = _tags("polite us org yes ack thanks task this to let rest but and , also every")
_OBJECTS = _tags("part other us means topic agency")
_OF_ONE = _tags("pct num part us other step")
_AFTERWORDS = _tags("already polite thanks whole")
_OF_ALL = _tags("prog not also past work wait start done")
_NOUNS = _tags("part x name paper proposal report topic task doc")
_SET_OFF = frozenset([".", ")", ":", "-", "/", "=", "_"])
_JOINING = frozenset([",", "-", "–", "->", "=>", "den", "toi"])


def references(row: Sequence[Token], shown: str) -> list[str | None]:
    """Return for each token the task that it names, or None; shown: the text, for codes as they were typed."""
    refs: list[str | None] = []
    for index in range(len(row)):
        refs.append(_reference(row, index, shown, refs))
    numbers = {int(ref) for ref in refs if ref is not None and ref.isdecimal()}
    for index, token in enumerate(row):
        # Numbers that go on with a list of tasks are tasks, whatever is said of them: "1 dl, 2 xong".
        goes_on = token.tag == "num" and numbers & {
            (token.number or 0) - 1,
            (token.number or 0) + 1,
        }
        if refs[index] is None and goes_on and _next(row, index) == "x" and _opens(row, index):
            refs[index] = token.word.lstrip("0")
    return refs


def counts_tasks(row: Sequence[Token], index: int) -> bool:
    """Tell whether a token counts tasks: "3 việc"."""
    return row[index].tag == "num" and _next(row, index) == "task"


def _next(row: Sequence[Token], index: int) -> str:
    return row[index + 1].tag if index + 1 < len(row) else ""


def _reference(
    row: Sequence[Token], index: int, shown: str, refs: Sequence[str | None]
) -> str | None:
    token, after = row[index], _next(row, index)
    if token.tag == "code":
        return shown[token.start : token.end]
    if token.tag == "item":
        return token.word
    if token.tag == "every":
        announces = after == "item" or (after == "num" and not counts_tasks(row, index + 1))
        return None if after in _OBJECTS or announces else ALL
    if token.tag == "whole":
        return ALL if token.word == "toan bo" and after in _OF_ALL and _opens(row, index) else None
    if token.tag == "others":
        goes_on = after == "pct" and any(refs) and _opens(row, index)  # "1 xong, còn lại 50%"
        return None if after in _OF_ONE and not goes_on else REST
    if token.tag != "num" or token.number is None or token.number > 999:
        return None
    if counts_tasks(row, index) and token.number > 1:
        alone = len([other for other in row if other.tag == "num"]) == 1
        return ALL if alone and _opens(row, index) else None
    opened = any(refs)
    if _numbers_else(row, index, opened=opened) or (
        not opened and any(_numbers_else(row, other, opened=False) for other in range(index))
    ):
        return None  # "biểu 1, 2 xong", "giai đoạn 1 xong, 2 đang làm"
    named = _ends_range(row, index, refs) or _is_item_number(row, index, after)
    return token.word.lstrip("0") if named else None


def _numbers_else(row: Sequence[Token], index: int, *, opened: bool) -> bool:
    """Tell whether a number is that of something else: "bước 1", "xã 1"; "quý 1" as a day counts too.

    opened: a task was named before, so that "đã gửi báo cáo 2 đang làm" goes on to the next.
    """
    token = row[index]
    if token.when is not None:
        return token.when.named == "stretch"
    if token.tag != "num" or not index or _next(row, index) in ("task", "us", "part"):
        return False
    before = row[index - 1]
    if before.tag == "us":
        return before.word.split()[-1] not in ("em", "e", "minh", "toi", "tui")
    if before.tag in ("report", "doc") and opened:
        return False
    return before.tag in _NOUNS and not (before.tag == "x" and _listed(row, index))


def _listed(row: Sequence[Token], index: int) -> bool:
    """Tell whether a number is set off as in a list: "2. …", "2) …"."""
    return index + 2 < len(row) and row[index + 1].word in _SET_OFF


def _opens(row: Sequence[Token], index: int) -> bool:
    """Tell whether a token opens a clause, fillers aside."""
    for token in reversed(row[:index]):
        if token.tag in _BREAKS:
            return True
        if token.tag not in _FILLER and token.word not in ("so", "cac", "nhung"):
            return False
    return True


def _ends_range(row: Sequence[Token], index: int, refs: Sequence[str | None]) -> bool:
    """Tell whether a number goes with the one before it: "1 đến 4", "1 -> 4", "3 và 4"."""
    return index > 1 and refs[index - 2] is not None and _links(row, index - 1)


def _links(row: Sequence[Token], index: int) -> bool:
    """Tell whether a token joins two numbers, and a task is meant by the second."""
    if index + 1 >= len(row) or not (row[index].tag == "and" or row[index].word in _JOINING):
        return False
    after = _next(row, index + 1)
    return row[index + 1].tag == "num" and (after in _STATE or after in ("", *_BREAKS))


def _is_item_number(row: Sequence[Token], index: int, after: str) -> bool:
    before = row[index - 1].tag if index else ""
    listed = _listed(row, index)
    ends = after in ("", *_BREAKS) or all(token.tag in _AFTERWORDS for token in row[index + 1 :])
    if before == "only":
        return False
    announced = index - (before == "to" and row[index - 1].word == "so")
    if announced:
        before = row[announced - 1].tag
    if before == "rest" and row[announced - 1].word in EXCEPT:
        return ends or after in _STATE or row[index + 1].word in ("ra", "thi")
    first = index
    while first and row[first - 1].tag in ("num", "item", "code"):
        first -= 1
    if _opens(row, first):
        counted = after == "polite" and row[index + 1].word in ("anh", "chi", "em", "ban")
        follows = (after in _STATE or after in _FOLLOWING) and not counted
        return follows or _links(row, index + 1)
    if listed and row[index + 2].tag in _STATE:
        return True
    if before in _CLOSING and (after in _STATE or _links(row, index + 1)) and after != "also":
        return True
    return ends and before in ("done", "work", "num", "prog", "and", "not")
