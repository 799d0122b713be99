"""Asking which target (chỉ tiêu) a value is of, or for a number that makes sense; and taking the answer.

Promises that a choice counts for the question it stands under, and only of the one who was asked; and that a
number means an item again once another list was shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bot.conversation.context.turn import Turn
from bot.conversation.lists.references import bare_number
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.targets import TargetReading, read
from bot.conversation.targets.record import AGAIN, LONGEST_WORDS, odd, one_of, say
from bot.conversation.targets.scope import Answerable
from data.progress import dialogs
from data.targets.indicators import name_of, of_year
from data.targets.values import shown
from jobs.channel import Answer, Button

WHICH = "target_which"  # what a dialog asks: one of several targets
PICK = "target"  # the verb of a button that chooses one: "target:QUESTION:NUMBER"
MOST_CHOICES = 6
_LONGEST_LABEL = 60


async def ask(
    turn: Turn, reading: TargetReading, found: Sequence[Answerable], *, sure: bool
) -> Answer:
    """Ask which of several targets a value is of; sure: each of them fits the words."""
    options = found[:MOST_CHOICES]
    if options:
        year = reading.year or turn.today.year
        await dialogs.ask(
            turn.connection,
            chat_id=turn.chat.id,
            person_id=turn.caller.person_id,
            asks=WHICH,
            details={
                "question": _question(turn),
                "menu": turn.chat.last_menu_message_id,
                "value": str(reading.value),
                "year": year,
                "percent": reading.percent,
                "words": turn.incoming.text[:LONGEST_WORDS],
                "options": [
                    [each.plan.id, of_year(each.indicator, year).code, each.agency.agency_id]
                    for each in options
                ],
                "codes": [_codes(each) for each in options],
            },
            now=turn.now,
        )
    return which(turn, reading, options, sure=sure, more=len(found) - len(options))


def which(
    turn: Turn,
    reading: TargetReading,
    options: Sequence[Answerable],
    *,
    sure: bool,
    more: int = 0,
) -> Answer:
    """Return the question which target a value is of; without options, that none was found."""
    year = reading.year or turn.today.year
    plans = len({each.plan.id for each in options}) > 1
    agencies = len({each.agency.agency_id for each in options}) > 1
    labels = []
    for each in options:
        where = [f"KH {each.plan.number.partition('/')[0]}"] if plans else []
        where += [each.agency.agency] if agencies else []
        name = f"{', '.join(_codes(each))} · {name_of(each.indicator[0])}"
        labels.append(f"{name} ({', '.join(where)})" if where else name)
    return Answer(
        "target_which",
        {
            "value": shown(reading.value) if reading.value is not None else "",
            "percent": reading.percent,
            "year": year,
            "sure": sure,
            "code": reading.code or "",
            "options": labels,
            "more": more,
            "in_group": turn.caller.in_group,
        },
        buttons=tuple(
            (Button(_cut(label), f"{PICK}:{_question(turn)}:{number}"),)
            for number, label in enumerate(labels, 1)
        ),
    )


def _codes(each: Answerable) -> list[str]:
    return [target.code for target in each.indicator]


def _cut(label: str) -> str:
    if len(label) <= _LONGEST_LABEL:
        return label
    return label[: _LONGEST_LABEL - 1].rsplit(" ", 1)[0] + "…"


def _question(turn: Turn) -> int:
    return turn.event_id or 0


async def picked(turn: Turn) -> list[Answer] | None:
    """Answer a button that chooses a target; None for any other. Only the one who was asked can choose."""
    verb, _, rest = turn.incoming.text.partition(":")
    if verb != PICK:
        return None
    question, _, number = rest.partition(":")
    dialog = await dialogs.asked(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
    if dialog is None or dialog.asks != WHICH or str(dialog.details["question"]) != question:
        return [odd("asked_before", None)]
    chosen = await _choose(turn, dialog, int(number) if number.isdecimal() else 0)
    await dialogs.close(turn.connection, dialog.id)
    return chosen or [Answer("unknown_item")]


async def which_given(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the number of a choice, or its code; None where the text answers something else."""
    text = turn.incoming.text
    number = bare_number(text)
    if number is not None and turn.chat.last_menu_message_id != dialog.details["menu"]:
        return None  # a list came since: there numbers mean its items
    if number is None:
        typed = plain(text.strip().lower()).replace(" ", "")
        places = [
            place
            for place, codes in enumerate(dialog.details["codes"], 1)
            if typed in [plain(code.lower()) for code in codes]
        ]
        number = places[0] if len(places) == 1 else None
    return None if number is None else await _choose(turn, dialog, number)


async def _choose(turn: Turn, dialog: Any, number: int) -> list[Answer] | None:
    details = dialog.details
    if not 1 <= number <= len(details["options"]):
        return None
    chosen = await one_of(turn, *details["options"][number - 1])
    if chosen is None:
        return [Answer("unknown_item")]
    reading = TargetReading(
        year=details["year"], value=Decimal(details["value"]), percent=details["percent"]
    )
    return [await say(turn, chosen, reading, details["words"])]


async def value_given(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the number that was asked for again; None where the text is anything but a number.

    None too where a list came since: a number, or a share of work done, is of its items.
    """
    if turn.chat.last_menu_message_id != dialog.details["menu"]:
        return None
    about = await one_of(turn, *dialog.details["option"])
    if about is None:
        return None
    code = dialog.details["option"][1]
    text = turn.incoming.text
    reading = read(f"chỉ tiêu {code}: {text}", today=turn.today)
    if reading is None or reading.value is None or reading.names or reading.after:
        return None
    year = reading.year or dialog.details["year"]
    number = TargetReading(year=year, value=reading.value, percent=reading.percent)
    return [await say(turn, about, number, text)]


async def forget(turn: Turn) -> None:
    """Drop an open question about a target: the words speak of one anew."""
    dialog = await dialogs.asked(
        turn.connection, chat_id=turn.chat.id, person_id=turn.caller.person_id, now=turn.now
    )
    if dialog is not None and dialog.asks in (WHICH, AGAIN):
        await dialogs.close(turn.connection, dialog.id)
