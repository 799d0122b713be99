"""Values of targets (chỉ tiêu): record one, confirm it, take it back.

Guarantees:
- A senseless value (a coming year, below 0, over 100 %, another unit) is asked about, not recorded.
- The confirmation names target, plan, year, goals and agency.
"""

from __future__ import annotations

from decimal import Decimal

from bot.conversation.context.access import ANSWERING_ROLES, enrolments_for, may
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList
from bot.conversation.reader.targets import TargetReading
from bot.conversation.targets.scope import AnswerableTarget, list_answerable_targets
from bot.conversation.targets.summary import target_line
from data.progress.undo import CannotUndo
from data.targets import values as target_values
from data.targets.indicators import (
    goal_numbers,
    is_percent,
    short_target_name,
    target_for_year,
    unit_of,
)
from data.targets.numbers import format_vietnamese_number
from data.targets.statuses import target_statuses
from jobs.channel import Answer, Button

TARGET_VALUE_QUESTION = "target_value"  # another number, after one that made no sense
UNDO_TARGET_VERB = "untarget"  # a button's verb, before the value's id
LONGEST_WORDS = 4000
_FIRST_YEAR = 2000


async def handle_target_value(
    turn: Turn, about: AnswerableTarget, reading: TargetReading, words: str
) -> Answer:
    """Record a value and confirm it, or ask again for a senseless one. words: the sender's, as typed.

    Without a year the value is of the present one.
    """
    assert reading.value is not None
    year = reading.year or turn.today.year
    target = target_for_year(about.indicator, year)
    why = _find_value_fault(turn, about, reading, year)
    if why is not None:
        if why not in ("future", "too_old"):
            await open_question(
                turn,
                TARGET_VALUE_QUESTION,
                option=[about.plan.id, target.code, about.agency.agency_id],
                menu=turn.chat.last_menu_message_id,
                year=year,
            )
        return target_fault_answer(why, reading, about=about, year=year)
    value_id = await target_values.record_target_value(
        turn.connection,
        plan_id=about.plan.id,
        code=target.code,
        year=year,
        value=reading.value,
        agency_id=about.agency.agency_id,
        person_id=turn.caller.person_id,
        chat_id=turn.chat.id,
        event_id=turn.event_id,
        words=words[:LONGEST_WORDS],
        now=turn.now,
    )
    context = await _context(turn, about, year)
    button = (Button("Huỷ", f"{UNDO_TARGET_VERB}:{value_id}"),)
    return Answer(
        "target_said",
        {
            **context,
            "value": format_vietnamese_number(reading.value),
            "taken_back": False,
            "repeated": value_id is None,
        },
        buttons=(button,) if value_id is not None else (),
        edits=turn.pressed_message_id,
    )


def _find_value_fault(
    turn: Turn, about: AnswerableTarget, reading: TargetReading, year: int
) -> str | None:
    """Return why a value makes no sense for a target, or None."""
    target, value = target_for_year(about.indicator, year), reading.value
    assert value is not None
    if year > turn.today.year:
        return "future"
    if year < _FIRST_YEAR:
        return "too_old"
    if value < 0:
        return "negative"
    if reading.percent and not is_percent(target):
        return "unit"
    if is_percent(target) and value > 100 and all(goal <= 100 for goal in goal_numbers(target)):
        return "over"
    return None


async def find_answerable(
    turn: Turn, plan_id: int, code: str, agency_id: int
) -> AnswerableTarget | None:
    """Return one target if the caller may still answer for it; the arguments are a question's details."""
    return next(
        (
            each
            for each in await list_answerable_targets(turn)
            if each.plan.id == plan_id
            and each.agency.agency_id == agency_id
            and any(target.code == code for target in each.indicator)
        ),
        None,
    )


async def _context(turn: Turn, about: AnswerableTarget, year: int) -> dict[str, object]:
    """Return the template data of a confirmation: the goals, and the value that counts now."""
    values = await target_values.load_reported_values(turn.connection, about.plan.id)
    coordinator_id = about.plan.coordinator_id
    own_id = about.agency.agency_id
    group = target_statuses(about.indicator, values, coordinator_id)
    overruled_by = [  # the coordinating agency's value counts instead
        status.of[0].agency
        for status in group
        if status.year == year and status.of and all(v.agency_id != own_id for v in status.of)
    ]
    seen = None if own_id == coordinator_id else {own_id, coordinator_id}
    return {
        "by": next(iter(overruled_by), ""),
        "line": target_line(group, seen),
        "plan_number": about.plan.number,
        "year": year,
        "agency": about.agency.agency,
        "unit": unit_of(about.indicator[0]),
    }


def target_fault_answer(
    why: str,
    reading: TargetReading | None,
    *,
    about: AnswerableTarget | None = None,
    year: int | None = None,
) -> Answer:
    """Say why no value was recorded. why: as templates/target_odd names it; about: the target, if known."""
    value = reading.value if reading is not None else None
    code = reading.code if reading is not None else None
    if about is not None:
        code = ", ".join(target.code for target in about.indicator)
    return Answer(
        "target_odd",
        {
            "why": why,
            "value": "" if value is None else format_vietnamese_number(value),
            "percent": reading is not None and reading.percent,
            "code": code or "",
            "name": short_target_name(about.indicator[0]) if about is not None else "",
            "unit": unit_of(about.indicator[0]) if about is not None else "",
            "plan_number": about.plan.number if about is not None else "",
            "year": year,
        },
    )


def target_refusal(turn: Turn) -> Answer:
    """Refuse a value from a caller who may look at targets and not answer for them."""
    answers = turn.caller.roles() & ANSWERING_ROLES
    why = "not_enrolled" if turn.caller.in_group and answers else "read_only"
    return Answer("not_allowed", {"why": why, "coordinator": "", "command": ""})


async def handle_target_undo(
    turn: Turn, value_id: int, shown_list: ShownList | None = None
) -> list[Answer]:
    """Take back a value if it is the caller's own or of this chat, and the caller may answer for its agency."""
    row = await target_values.find_target_value(turn.connection, value_id)
    ours = row is not None and (
        row.chat_id == turn.chat.id
        or (row.person_id is not None and row.person_id == turn.caller.person_id)
    )
    answers = {enrolled.agency_id for enrolled in enrolments_for(turn.caller, "target")}
    if row is None or not ours or row.agency_id not in answers:
        refused = row is not None and ours and not may(turn.caller, "target")
        return [target_refusal(turn) if refused else Answer("unknown_item")]
    try:
        undone = await target_values.undo_target_value(
            turn.connection,
            value_id=value_id,
            person_id=turn.caller.person_id,
            chat_id=turn.chat.id,
            event_id=turn.event_id,
            words=turn.incoming.text[:LONGEST_WORDS],
            now=turn.now,
        )
    except CannotUndo as fault:
        why = "said_since" if fault.why == "answered_since" else fault.why
        return [Answer("cannot_undo", {"why": why, "decided": None})]
    about = await find_answerable(turn, undone.plan_id, undone.code, undone.agency_id)
    if about is None:
        return [target_fault_answer("taken_back", None)]
    context = await _context(turn, about, undone.year)
    value = format_vietnamese_number(Decimal(undone.value))
    return [
        Answer(
            "target_said",
            {**context, "value": value, "taken_back": True, "repeated": False},
            edits=turn.pressed_message_id,
        )
    ]
