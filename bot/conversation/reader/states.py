"""Status of a task that is not done: blocked, not started, in progress, and its percent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bot.conversation.reader.tokens import Token

Status = Literal["completed", "in_progress", "not_started", "blocked"]


class State(NamedTuple):
    """A state and the percent said with it."""

    status: Status
    percent: int | None = None


DONE = re.compile(r"\b(?:done|full)\b")
"""A word of completion, whatever stands around it."""

# Blocked: trouble, means that are missing or asked for, work that cannot be done for a reason.
_BLOCKED = re.compile(
    r"\btrouble\b|\b(?:no|not) (?:(?:have|get|fine|grant|trouble|step|to) )*means\b|\bno have wh work\b"
    r"|\bask (?:\w+ )*?(?:trouble|grant|means)\b|\bmeans (?:\w+ )?(?:no|not) (?:get )?(?:grant|have)\b"
    r"|\bno (?:doubt )?work (?:get )?(?:, )?by\b|\bby (?:\w+ )*?(?:no|not) (?:doubt )?work get\b"
)
_SENT_BEFORE = re.compile(r"\b(?:send|report) already\b|\bpast send\b")

# Not started.
_NOT_STARTED = re.compile(
    r"\bnot (?:(?:also|get|have|unable|to) )*(?:work|start)\b(?! (?:get )?(?:done|whole (?:task|$)|almost|send))"
    r"|\bnot have wh\b(?! only)"
)

# In progress.
_BEGUN = re.compile(r"\b(?:prog|start)\b")
_UNDER_WAY = re.compile(
    r"\b(?:prog|start|wait|almost)\b|\b(?:past|already|done|only) (?:\w+ )?step\b|\bstep (?:\w+ )*?already\b"
    r"|\b(?:past|already) (?:\w+ )*?step (?:\w+ )*?done\b|\bonly (?:get|work)\b|\b(?:get|work) (?:\w+ )?part\b"
    r"|\brest (?:num|almost|part|step)\b|\bpast send (?:step|almost)\b"
)
_PARTLY = re.compile(
    r"\bonly done (?:topic|paper|x|report)\b|\bdone (?:task |report )?step\b"
    r"|\bdone (?:\w+ )*?(?:part|almost|num|pct|pair)\b"
    r"|\bdone (?:\w+ |, )*?(?:but|rest|wait|prog|not)\b"
    r"|\b(?:part|almost|num|rest|wait|prog|not|pct|pair) (?:\w+ |, )*?done\b"
)
_PLANNED = re.compile(
    r"\bfuture (?:\w+ )*?(?:done|send|report)\b|\b(?:after|now|weekday) (?:\w+ )*?(?:done|send)\b"
    r"|\bdone (?:\w+ )*?(?:after|now|weekday|then)\b"
)
_NOT_DONE = re.compile(r"\b(?:no|not) (?:\w+ ){0,3}?done\b")
_SHOWS_WORK = re.compile(r"\b(?:prog|wait|start|step|part|num|rest|past work)\b")
_NOT_SENT = re.compile(r"\bnot (?:\w+ )?(?:step|send|report)\b")
_OTHER_TASK = re.compile(r"\bprog (?:work )?task other\b")  # "đang làm việc khác"
_ONLY_THEN = re.compile(  # "xong … mới làm được", "… xong đã"
    r"\bdone (?:\w+ )*?only (?:\w+ )?(?:work|start|send|done)\b|\bdone past (?:polite )*$"
)
_DEMANDED = re.compile(r"^ask (?:other|elsewhere|us org|agency) (?:\w+ )*?done\b")  # of others
_CONTRAST = re.compile(
    r"\bdone (?:\w+ )*?part (?:\w+ )*(?:, )(?:rest )?part (?:\w+ )*not (?:polite )*$"
)
_TRAILING_NOT = re.compile(r"\bdone .*\bnot (?:polite |, )*$")  # "đã xong... chưa"
_FROM_TO = re.compile(r"\b(?:to|x|pct) (?:\w+ )?pct to pct\b")

_CURRENT = frozenset(["now", "sofar"])
_UNSETTLED = frozenset(["order", "command", "doubt", "isnt", "bad", "wh", "or"])


def is_blocked(line: str) -> bool | None:
    """Tell whether a row says that the work is held up; None where it also says that it was sent."""
    if not _BLOCKED.search(line) or "wait means" in line:
        return False
    return None if _SENT_BEFORE.search(line) or "if " in line else True


def unfinished(row: Sequence[Token], line: str) -> State | None:
    """Return the state that a row shows, short of completed or blocked; None if none for sure."""
    tags = {token.tag for token in row}
    if tags & {"pct", "pair"} and not tags & {"said", "order", "bad"}:
        return State("in_progress", percent_of(row, line))
    if "zero" in tags:
        return State("not_started", 0)
    if _OTHER_TASK.search(line) or _ONLY_THEN.search(line) or _DEMANDED.search(line):
        return None
    first = line.partition(", ")[0]
    if "prog " in first and not re.search(r"\b(?:done|doubt|said|no|not)\b", first):
        return State("in_progress")
    done = DONE.search(line) is not None
    plainly_begun = "prog" in tags and not done and "away" not in tags
    if tags & {"doubt", "said", "away"} and not plainly_begun:
        return None
    begun = _BEGUN.search(_NOT_STARTED.sub("", line.partition("by ")[0]))
    finished = DONE.search(line.partition("by ")[0])
    if _NOT_STARTED.search(line) and not begun and not finished and "past step" not in line:
        return State("not_started", 0)
    if (
        "if" in tags
        or ("thi" in tags and not tags & {"prog", "not"})
        or (done and tags & _UNSETTLED)
    ):
        return None
    if done and _NOT_DONE.search(line):
        # "chưa xong" says nothing by itself; with "đang làm" or "đã làm, nhưng …" it does.
        works = "no " not in line and _SHOWS_WORK.search(_NOT_DONE.sub("", line))
        return State("in_progress") if works else None
    return State("in_progress") if _is_under_way(line, tags, done=done) else None


def _is_under_way(line: str, tags: set[str], *, done: bool) -> bool:
    if _CONTRAST.search(line):
        return True
    if _TRAILING_NOT.search(line) or ("bad" in tags and "prog" not in tags):
        return False
    if not done and "future" in tags and not tags & {"send", "report", "prog", "start"}:
        return False
    if not done and _NOT_SENT.search(line) and "prog" not in tags and "past step" not in line:
        return False
    received = bool(tags & {"yes", "ack"}) and not done
    commanded = bool(tags & {"order", "command"})
    if _PLANNED.search(line) and "past done" not in line and not commanded and not received:
        return True
    return bool(_UNDER_WAY.search(line) or (done and _PARTLY.search(line)))


def percent_of(row: Sequence[Token], line: str) -> int | None:
    """Return the percent that is said of what is done; None if several are, or it is planned or missed."""
    said = [index for index, token in enumerate(row) if token.tag == "pct"]
    values = {token.number for token in row if token.tag in ("pct", "full")}
    if not said or any(token.tag == "grant" for token in row):
        return None  # "đã cấp 50% kinh phí": not of the work
    current = [at for at in said if {token.tag for token in row[max(0, at - 2) : at]} & _CURRENT]
    if len(values) > 1 and len(current) == 1:
        return row[current[0]].number  # "tuần trước 30%, tuần này 50%"
    if len(values) > 1:
        rose = _FROM_TO.search(line) or any(token.word == "len" for token in row)
        return row[said[-1]].number if rose else None
    start = max((at for at in range(said[0]) if row[at].tag == ","), default=-1) + 1
    before = row[start : said[0]]
    tags = {token.tag for token in before}
    words = {token.word for token in before}
    number = row[said[0]].number
    if number is None or tags & {"future", "not", "no", "order"} or "duoi" in words:
        return None
    remains = "rest" in tags and not tags & {"done", "get"} and not words & {"chi", "tru"}
    return 100 - number if remains else number
