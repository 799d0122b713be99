"""A focal point's reply in free Vietnamese text to its meaning.

Guarantees:
- Never a completion that the sender did not state; a doubtful reply is "unclear", so that the bot asks.
- Pure: the same text, day and codes give the same reading, and no text raises.
- The text is data, never an instruction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from bot.conversation.reader import rules as reply_rules
from bot.conversation.reader import split as reply_split
from bot.conversation.reader.completion import says_nothing
from bot.conversation.reader.rules import Intent, Reading
from bot.conversation.reader.split import Parts, ReplyPart
from bot.conversation.reader.states import Status
from bot.conversation.reader.tokens import LONGEST, Token, prepare, tokens
from data.registry.workdays import Workdays

_WEEKDAYS = Workdays()


@dataclass(frozen=True, slots=True)
class TaskReading:
    """What is said of one task. ref: its number or code as typed; "all": all not named otherwise."""

    ref: str
    intent: Intent
    status: Status | None = None
    percent: int | None = None
    until: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a reply says.

    percent: 0 to 100, of the whole; until: the day an extension is asked until, None if not said;
    document, document_on: the number and date of the document named; tasks: the tasks named, each with its
    own reading (for several, intent is "multi" and the fields above are None); note: the words that say
    more than the reading does, None if there are none.
    """

    intent: Intent
    status: Status | None = None
    percent: int | None = None
    until: date | None = None
    document: str | None = None
    document_on: date | None = None
    tasks: tuple[TaskReading, ...] = ()
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the reading for JSON: dates as ISO 8601 text."""
        shown: dict[str, Any] = _iso(asdict(self))
        return shown


def understand_reply(
    text: str, *, today: date, codes: Collection[str] = (), workdays: Workdays = _WEEKDAYS
) -> Understanding:
    """Read a reply. today: the civil date relative dates count from; codes: the task codes that may be named.

    workdays: the calendar that "10 ngày làm việc" counts by. A text of more than 4,000 characters is unclear.
    """
    ready = prepare(text)
    if len(text) > LONGEST:
        return Understanding("unclear", note=ready.shown[:LONGEST])
    row = tokens(ready, today=today, codes=codes, workdays=workdays)
    document, document_on, row = _document(row, today)
    split = reply_split.split(row, ready.shown)
    note: str | None = ready.shown
    reading, tasks = Reading("multi"), tuple[TaskReading, ...]()
    if reply_rules.commands(row):
        reading = reply_rules.UNCLEAR
    elif split.several:
        tasks = _tasks(split, row, ready.shown, today)
    else:
        part = split.parts[0]
        reading = reply_rules.read_statement(part.tokens, today)
        note = _note(reading, row, _without_its_number(part, ready.shown))
        tasks = tuple(TaskReading(ref, *reading, note) for ref in part.refs)
    return Understanding(*reading, document, document_on, tasks, note)


def _document(row: list[Token], today: date) -> tuple[str | None, date | None, list[Token]]:
    """Return the document that is evidence (a report before others) and its date, and the row without the date.

    What a task follows ("theo Kế hoạch số …") is no evidence; a date still to come stays in the row.
    """
    places = [
        index
        for index, token in enumerate(row)
        if token.tag == "doc"
        and not any(before.word.startswith("theo") for before in row[max(0, index - 2) : index])
    ]
    if not places:
        return None, None, row
    place = next((index for index in places if _kind(row[index]) == "bc"), places[0])
    number = row[place].word
    following = place + 1
    while (
        following < len(row)
        and (row[following].tag == "," or row[following].word == "ky")
        and following < place + 3
    ):
        following += 1
    when = row[following].when if following < len(row) else None
    if when is None or when.latest is None or when.latest > today:
        return number, None, row
    return number, when.latest, [*row[: place + 1], *row[following + 1 :]]


def _kind(token: Token) -> str:
    return token.document.kind if token.document else ""


def _tasks(split: Parts, row: list[Token], shown: str, today: date) -> tuple[TaskReading, ...]:
    """Read each part on its own; where anything in the reply is doubtful, no part is completed."""
    doubtful = reply_rules.is_doubtful_reply(row) or not says_nothing(split.before)
    found = []
    readings = [reply_rules.read_part(part.tokens, today) for part in split.parts]
    begun = any(
        reading.status == "in_progress" and {token.tag for token in part.tokens} & _BEGUN
        for part, reading in zip(split.parts, readings, strict=True)
    )
    for part, reading in zip(split.parts, readings, strict=True):
        if begun and reply_rules.says_not_alone(part.tokens):
            reading = (
                reply_rules.NOT_STARTED
            )  # "1 đang làm, 2 chưa"; of "1 xong, 2 chưa" more is to be asked
        if doubtful and reading.status == "completed":
            reading = reply_rules.UNCLEAR
        note = None
        if part.tokens:
            first, last = part.tokens[0], part.tokens[-1]
            note = _note(
                reading, part.tokens, shown[min(first.start, last.start) : max(first.end, last.end)]
            )
        found += [TaskReading(ref, *reading, note) for ref in part.refs]
    return tuple(found)


_BEGUN = frozenset(["prog", "pct", "fine"])  # work of which "chưa" is the contrary
_SAYS_MORE = frozenset(
    ["x", "by", "step", "means", "doc", "trouble", "wait", "part", "other", "boss", "rest"]
)


def _without_its_number(part: ReplyPart, shown: str) -> str:
    """Return a reply's words behind the number or code of what it is about: in a report they stand without."""
    if not part.refs or not part.tokens:
        return shown
    return shown[min(token.start for token in part.tokens) :]


def _note(reading: Reading, row: list[Token], words: str) -> str | None:
    says_more = any(token.tag in _SAYS_MORE for token in row)
    return words if says_more and reading.intent != "acknowledge" else None


def _iso(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _iso(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_iso(entry) for entry in value]
    return value.isoformat() if isinstance(value, date) else value
