"""Rules in order: the intent and status that a row of tokens reports about one task.

Guarantees:
- A request for time comes first; completion.py alone reads a completion; all else is unclear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from bot.conversation.reader import completion as reply_completion
from bot.conversation.reader import states as reply_states
from bot.conversation.reader.completion import any_of, tag_line
from bot.conversation.reader.dates import asked_until
from bot.conversation.reader.questions import NO_WH, is_question
from bot.conversation.reader.states import Status
from bot.conversation.reader.tokens import Token

Intent = Literal["status", "acknowledge", "extension", "dispute", "question", "multi", "unclear"]


class Reading(NamedTuple):
    """What is said of one task."""

    intent: Intent
    status: Status | None = None
    percent: int | None = None
    until: date | None = None


UNCLEAR = Reading("unclear")
NOT_STARTED = Reading("status", "not_started", 0)

_QUOTES = frozenset('"“”«»„')
_LONGEST = 150  # tokens; a longer text is a letter, not an answer

_GOOD = re.compile(  # "không vướng mắc gì"; "khó khăn, vướng mắc: không"
    r"\b(?:no|not) (?:have )*(?:trouble (?:, |and )*)+(?:wh )?(?:whole )?"
    r"|\b(?:trouble (?:, |and |wh )*)+no (?:have )?(?=, |$)"
)
_CORRECTION = re.compile(r"(?:polite )*bad (?:already )?(?:polite )*, (?=\w)")  # "à nhầm, …"

# Requests for time.
_MORE_TIME = re.compile(
    r"\bmore\b|\bplus (?:(?:get|polite|term) )*(?:span|term|after)\b|\b(?:ask|let) (?:\w+ )*?slow\b"
    r"|\bslow (?:span|before|after) (?:\w+ )*?(?:tagq|no)\b|\bslow (?:\w+ )*?tagq\b"
)
_NOT_ASKED = re.compile(
    r"\b(?:no|not) (?:(?:order|ask|let) )*(?:more|plus|slow)\b|\bpast (?:get |ask |let )+(?:more|plus)\b"
    r"|\bfuture (?:\w+ )?(?:(?:ask|let) )*more\b|\b(?:if|thi)\b"
)
_ASKS = re.compile(
    r"^(?:(?:polite|person|us|org|yes|ack|thanks|unable|not|done|task|report|polite_if|,) )*(?:ask|let) "
)
_DEMANDS = re.compile(
    r"^ask (?:other|elsewhere|us org|agency|us) (?:polite )?(?:done|work|send|report)\b"
)
_ASKS_DAY = re.compile(r"\b(?:ask|let) (?:(?:polite|us|ask) )*(?:after|weekday)\b")
_ASKS_WHETHER = re.compile(  # "tuần sau nộp được không ạ"
    r"^(?:(?:polite|person|us|org|yes) )*after (?:(?:polite|us) )*(?:work|send|report|done) (?:report |task )?tagq "
)

# Disputes: the task of another agency.
_NAMED_AGENCY = r"(?:us )?(?:us org|agency|elsewhere)"
_NOT_OURS = re.compile(
    r"\bisnt (?:polite )?(?:this )?(?:task|of|us|org|agency|top|polite|relate|charge|given)\b(?! (?:polite )?done)"
    r"|\b(?:us|polite) (?:\w+ )?no work (?:task )?this\b|\bno (?:right|no) (?:us|relate|task)\b|\bassist\b"
    r"|\bno (?:belong|charge|relate|given|of (?:us|polite))\b|\bnot given\b"
    r"|\bno have (?:\w+ )?relate\b|\bno (?:have )?task this\b"
    r"|\bno (?:get )?(?:step|given) (?:task|this)\b|\bno (?:get )?step (?:(?:polite|task|this) )*$"
    r"|\bbad (?:us|org|agency|to|elsewhere|means) (?=already|polite|$)|\b(?:send|step) bad (?:us|org|already|polite)"
    r"|^(?:polite |us )*(?:send|step|said|ack) bad\b|\brest charge\b"
    r"|\bbelong (?:of )?(?:task )?(?:of )?(?:us|org|agency|top|elsewhere)\b"
    r"|\bmove (?:(?:task|this|to|let) )*(?:us|org|agency|elsewhere)\b"
    r"|\b(?:us|past|already|after) ended\b|\bended already\b"
    rf"|\bask (?:step|move) (?:let |to )?{_NAMED_AGENCY}\b"
    rf"|\b{_NAMED_AGENCY} (?:(?:only )?(?:polite )?(?:us )?charge|work task this)\b"
)
_OF_OTHERS = re.compile(
    rf"\btask this (?:get )?(?:step|given) (?:let )?{_NAMED_AGENCY}\b"
    rf"|\b(?:task|this) (?:this )?(?:polite )?(?:task )?of {_NAMED_AGENCY}\b"
    rf"|\b(?:task|this) (?:(?:polite|this|by) )*{_NAMED_AGENCY} (?:charge|work)\b"
)
_ISNT_DONE = re.compile(r"\bisnt (?:polite )?(?:past|done|already)\b")

# Acknowledgements.
_ACK_ONLY = re.compile(
    rf"(?:{any_of('yes ack polite person thanks past already us org top ask to of let')}"
    rf"|{any_of('task report paper doc this get whole also given boss before now quote')}"
    r"|order (?:done |send |work |report )?|, |and )*"
)
_WILL = re.compile(r"\bfuture (?:work|report|send|said|order|step|then)\b|\bwill\b")
# Parts of a reply about several tasks.
_GOES_ON = frozenset(
    [
        "binh thuong",
        "thuong xuyen",
        "thuan loi",
        "on",
        "suon se",
        "dung tien do",
        "theo tien do",
        "theo ke hoach",
        "dung ke hoach",
    ]
)
_FINE_ONLY = re.compile(r"(?:(?:fine|also|polite|us|sofar|good|task) |(?:x|work) (?=fine )|, )*")
_NOT_ONLY = re.compile(r"(?:(?:us|polite|sofar|also) )*not (?:(?:polite|whole) |, )*")
_FINE_BY_ME = re.compile(r"(?:polite )*get (?:already )?(?:polite )+|get already ")


def read_statement(tokens: Sequence[Token], today: date) -> Reading:
    """Read what is said of one task; today: for plans and for the day an extension is asked until."""
    row = _calmed([token for token in unquoted(tokens) if token.tag != "odd"])
    if not row:
        return UNCLEAR
    if len(row) > _LONGEST:  # who explains at length why it stands still says so first
        reading = read_statement(row[:_LONGEST], today)
        return reading if reading.status == "blocked" else UNCLEAR
    line = tag_line(row)
    corrected = _CORRECTION.match(line)
    if corrected:
        reading = read_statement(row[corrected[0].count(" ") :], today)
        return UNCLEAR if reading.status == "completed" else reading
    if _asks_time(row, line):
        whens = [token.when for token in row if token.when is not None]
        return Reading("extension", until=asked_until(whens, today))
    if is_question(row, line):
        return Reading("question")
    if _is_dispute(line):
        return Reading("dispute")
    state = _status(row, line, today, signs=any(token.tag == "odd" for token in tokens))
    if state is None and _acknowledges(row, line):
        return Reading("acknowledge")
    return state or UNCLEAR


def read_part(tokens: Sequence[Token], today: date) -> Reading:
    """Read what is said of some of several tasks: there "bình thường" is a state, as it goes on."""
    reading = read_statement(tokens, today)
    goes_on = any(token.tag == "fine" and token.word in _GOES_ON for token in tokens)
    if reading == UNCLEAR and goes_on and _FINE_ONLY.fullmatch(tag_line(tokens)):
        return Reading("status", "in_progress")
    return reading


def says_not_alone(tokens: Sequence[Token]) -> bool:
    """Tell whether "chưa" is all that is said."""
    return _NOT_ONLY.fullmatch(tag_line(tokens)) is not None


def unquoted(tokens: Sequence[Token]) -> list[Token]:
    """Put one token "quote" in place of words in quotation marks: what is quoted is not said."""
    row: list[Token] = []
    opened: int | None = None
    for token in tokens:
        if token.tag == "odd" and token.word in _QUOTES:
            if opened is None:
                opened = len(row)
            else:
                row[opened:] = [row[opened]._replace(tag="quote")]
                opened = None
                continue
        row.append(token)
    return row


def is_doubtful_reply(tokens: Sequence[Token]) -> bool:
    """Tell whether anything in a reply asks, supposes, commands or corrects, so that nothing in it is sure."""
    tags = {token.tag for token in tokens}
    if "wh" in tags:  # "chưa làm gì" asks nothing
        tags = set(NO_WH.sub("", tag_line(tokens)).split())
    return not tags.isdisjoint(
        [
            "if",
            "thi",
            "doubt",
            "isnt",
            "said",
            "order",
            "command",
            "bad",
            "wh",
            "tagq",
            "inquire",
            "?",
            "odd",
        ]
    )


def commands(tokens: Sequence[Token]) -> bool:
    """Tell whether a reply tells the bot what to record, which is no report of what is so."""
    tags = {token.tag for token in tokens}
    return "command" in tags and not tags.isdisjoint(["done", "full", "every"])


def _calmed(row: list[Token]) -> list[Token]:
    """Put one token "good" in place of "không vướng mắc gì", so that it may stand beside a completion."""
    if all(token.tag != "trouble" for token in row):
        return row
    places = [0]
    for token in row:
        places.append(places[-1] + len(token.tag) + 1)
    index = {place: number for number, place in enumerate(places)}
    result: list[Token] = []
    at = 0
    for match in _GOOD.finditer(tag_line(row)):
        first, last = index[match.start()], index[match.end()]
        result += [*row[at:first], row[first]._replace(tag="good")]
        at = last
    return [*result, *row[at:]]


def _asks_time(row: list[Token], line: str) -> bool:
    if (
        _NOT_ASKED.search(line)
        or _DEMANDS.search(line)
        or (" wh " in f" {line}" and not NO_WH.search(line))
    ):
        return False
    if _MORE_TIME.search(line) or _ASKS_WHETHER.search(line):
        return True
    until = any(token.when is not None and token.when.lead and _may_come(token) for token in row)
    asks_day = until or _ASKS_DAY.search(line) is not None
    return asks_day and _ASKS.search(line) is not None and "prog" not in line


def _may_come(token: Token) -> bool:
    """Tell whether a day named can still come: "15/1" can, the year being left open."""
    open_year = token.when is not None and token.when.until != token.when.latest
    return token.tag in ("now", "after", "weekday") or (token.tag == "before" and open_year)


def _is_dispute(line: str) -> bool:
    if _ISNT_DONE.search(line):
        return False
    if _NOT_OURS.search(line):
        return True
    return _OF_OTHERS.search(line) is not None and not re.search(r"\b(?:done|prog|not)\b", line)


def _status(row: list[Token], line: str, today: date, *, signs: bool) -> Reading | None:
    """Read a state; signs: the text has characters that are no words, so that nothing is surely done."""
    tags = {token.tag for token in row}
    supposed = not tags.isdisjoint(["if", "thi"])
    if supposed and (reply_states.DONE.search(line) or not tags.isdisjoint(["pct", "pair"])):
        return UNCLEAR
    blocked = reply_states.is_blocked(line)
    if blocked is None or (blocked and reply_completion.names_it(row)):
        return UNCLEAR
    if blocked:
        return Reading("status", "blocked", reply_states.percent_of(row, line))
    if not signs and reply_completion.is_completed(row, today):
        return Reading("status", "completed", 100)
    state = reply_states.unfinished(row, line)
    return None if state is None else Reading("status", *state)


def _acknowledges(row: list[Token], line: str) -> bool:
    tags = {token.tag for token in row}
    if tags & {"yes", "ack", "thanks"}:
        if _ACK_ONLY.fullmatch(line):
            return True
        unsure = tags & {"if", "no", "not", "bad", "doubt", "x", "after", "done"}
        return _WILL.search(line) is not None and not unsure
    if tags <= {"polite", "person"}:
        return any(token.word == "da" for token in row)
    return _FINE_BY_ME.fullmatch(line) is not None
