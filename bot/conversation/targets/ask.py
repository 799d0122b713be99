"""Questions about a target (chỉ tiêu): which one a value is of, or another number; and their answers.

Guarantees:
- A choice counts only for its own question, and only from the person who was asked.
- After another list was shown, a typed number means an item of that list again.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bot.conversation.context.dialogs import find_open_question, open_question
from bot.conversation.context.turn import Turn
from bot.conversation.lists.references import parse_item_number
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.targets import TargetReading, read_target
from bot.conversation.reader.tokens import prepare
from bot.conversation.targets.record import (
    LONGEST_WORDS,
    TARGET_VALUE_QUESTION,
    find_answerable,
    handle_target_value,
    target_fault_answer,
)
from bot.conversation.targets.scope import AnswerableTarget
from data.outbox.arrivals import has_latest_arrived
from data.progress import dialogs
from data.targets.indicators import short_target_name, target_for_year
from data.targets.numbers import format_vietnamese_number
from jobs.channel import Answer, Button

TARGET_CHOICE_QUESTION = "target_which"
PICK_TARGET_VERB = "target"  # a button's verb: "target:QUESTION:NUMBER"
MOST_CHOICES = 6
_LONGEST_LABEL = 60


async def open_target_dialog(
    turn: Turn, reading: TargetReading, targets: Sequence[AnswerableTarget], *, all_fit: bool
) -> Answer:
    """Ask which of several targets a value is of. all_fit: each of them fits the words."""
    options = targets[:MOST_CHOICES]
    if options:
        year = reading.year or turn.today.year
        await open_question(
            turn,
            TARGET_CHOICE_QUESTION,
            question=_question_id(turn),
            menu=turn.chat.last_menu_message_id,
            value=str(reading.value),
            year=year,
            percent=reading.percent,
            words=turn.incoming.text[:LONGEST_WORDS],
            options=[
                [each.plan.id, target_for_year(each.indicator, year).code, each.agency.agency_id]
                for each in options
            ],
            codes=[_codes(each) for each in options],
        )
    return target_choice_answer(
        turn, reading, options, all_fit=all_fit, more=len(targets) - len(options)
    )


def target_choice_answer(
    turn: Turn,
    reading: TargetReading,
    options: Sequence[AnswerableTarget],
    *,
    all_fit: bool,
    more: int = 0,
) -> Answer:
    """Return the question which target a value is of; without options it says that none fits."""
    year = reading.year or turn.today.year
    plans = len({each.plan.id for each in options}) > 1
    agencies = len({each.agency.agency_id for each in options}) > 1
    labels = []
    for each in options:
        where = [f"KH {each.plan.number.partition('/')[0]}"] if plans else []
        where += [each.agency.agency] if agencies else []
        name = f"{', '.join(_codes(each))} · {short_target_name(each.indicator[0])}"
        labels.append(f"{name} ({', '.join(where)})" if where else name)
    return Answer(
        "target_which",
        {
            "value": format_vietnamese_number(reading.value) if reading.value is not None else "",
            "percent": reading.percent,
            "year": year,
            "sure": all_fit,
            "code": reading.code or "",
            "options": labels,
            "more": more,
            "in_group": turn.caller.in_group,
        },
        buttons=tuple(
            (Button(_cut(label), f"{PICK_TARGET_VERB}:{_question_id(turn)}:{number}"),)
            for number, label in enumerate(labels, 1)
        ),
    )


def _codes(each: AnswerableTarget) -> list[str]:
    return [target.code for target in each.indicator]


def _cut(label: str) -> str:
    if len(label) <= _LONGEST_LABEL:
        return label
    return label[: _LONGEST_LABEL - 1].rsplit(" ", 1)[0] + "…"


def _question_id(turn: Turn) -> int:
    return turn.event_id or 0


async def handle_target_choice(turn: Turn) -> list[Answer] | None:
    """Answer a button that chooses a target; None for any other button."""
    verb, _, rest = turn.incoming.text.partition(":")
    if verb != PICK_TARGET_VERB:
        return None
    question, _, number = rest.partition(":")
    dialog = await find_open_question(turn)
    if (
        dialog is None
        or dialog.asks != TARGET_CHOICE_QUESTION
        or str(dialog.details["question"]) != question
    ):
        return [target_fault_answer("asked_before", None)]
    chosen = await _choose(turn, dialog, int(number) if number.isdecimal() else 0)
    await dialogs.close_dialog(turn.connection, dialog.id)
    return chosen or [Answer("unknown_item")]


async def take_target_choice(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take a choice by its number or code; None where the text answers something else."""
    text = turn.incoming.text
    number = parse_item_number(text)
    if number is not None and not await _means_question(turn, dialog, "target_which"):
        return None
    if number is None:
        typed = prepare(text).bare.replace(" ", "")
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
    chosen = await find_answerable(turn, *details["options"][number - 1])
    if chosen is None:
        return [Answer("unknown_item")]
    reading = TargetReading(
        year=details["year"], value=Decimal(details["value"]), percent=details["percent"]
    )
    return [await handle_target_value(turn, chosen, reading, details["words"])]


async def take_target_value(turn: Turn, dialog: Any) -> list[Answer] | None:
    """Take the other number typed; None where the text is no number.

    None too where a number, or a share of work done, may mean the item of a list.
    """
    if not await _means_question(turn, dialog, "target_odd"):
        return None
    about = await find_answerable(turn, *dialog.details["option"])
    if about is None:
        return None
    code = dialog.details["option"][1]
    text = turn.incoming.text
    reading = read_target(f"chỉ tiêu {code}: {text}", today=turn.today)
    if reading is None or reading.value is None or reading.names or reading.after:
        return None
    year = reading.year or dialog.details["year"]
    number = TargetReading(year=year, value=reading.value, percent=reading.percent)
    return [await handle_target_value(turn, about, number, text)]


async def _means_question(turn: Turn, dialog: Any, template: str) -> bool:
    """Tell whether a number answers a question: it surely arrived, and no list came since."""
    if turn.chat.last_menu_message_id != dialog.details["menu"]:
        return False
    return await has_latest_arrived(turn.connection, turn.chat.id, template)


async def close_target_question(turn: Turn) -> None:
    """Drop an open question about a target: the words name one anew."""
    dialog = await find_open_question(turn)
    if dialog is not None and dialog.asks in (TARGET_CHOICE_QUESTION, TARGET_VALUE_QUESTION):
        await dialogs.close_dialog(turn.connection, dialog.id)
