"""Recording what a target (chỉ tiêu) has come to, saying it back, and taking it back.

Promises that what makes no sense (a year to come, below nothing, over 100 %, another unit) is asked about and
not recorded, and that what is said back names target, plan, year, goals and agency. Where no year is said, the
value is of the present one: what people report is how things are now.
"""

from __future__ import annotations

from decimal import Decimal

from bot.conversation.context.access import enrolments_for, may
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import Menu
from bot.conversation.reader.targets import TargetReading
from bot.conversation.targets.scope import Answerable, answerable, line
from data.progress import dialogs
from data.progress.undo import CannotUndo
from data.targets import values as targets
from data.targets.indicators import goals, is_percent, name_of, of_year, unit_of
from data.targets.values import shown
from jobs.channel import Answer, Button

AGAIN = "target_value"  # what a dialog asks: the number, which made no sense
TAKE_BACK = "untarget"  # the verb of a button, with the value's row
LONGEST_WORDS = 500
_FIRST_YEAR = 2000


async def say(turn: Turn, about: Answerable, reading: TargetReading, words: str) -> Answer:
    """Record a value and say it back; one that makes no sense is asked for again. words: as first typed."""
    assert reading.value is not None
    year = reading.year or turn.today.year
    target = of_year(about.indicator, year)
    why = _oddity(turn, about, reading, year)
    if why is not None:
        if why not in ("future", "too_old"):
            await dialogs.ask(
                turn.connection,
                chat_id=turn.chat.id,
                person_id=turn.caller.person_id,
                asks=AGAIN,
                details={
                    "option": [about.plan.id, target.code, about.agency.agency_id],
                    "menu": turn.chat.last_menu_message_id,
                    "year": year,
                },
                now=turn.now,
            )
        return odd(why, reading, about=about, year=year)
    made = await targets.say(
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
    button = (Button("Huỷ", f"{TAKE_BACK}:{made}"),)
    return Answer(
        "target_said",
        {**context, "value": shown(reading.value), "taken_back": False, "repeated": made is None},
        buttons=(button,) if made is not None else (),
        edits=turn.pressed,
    )


def _oddity(turn: Turn, about: Answerable, reading: TargetReading, year: int) -> str | None:
    """Return why a value makes no sense for a target, or None."""
    target, value = of_year(about.indicator, year), reading.value
    assert value is not None
    if year > turn.today.year:
        return "future"
    if year < _FIRST_YEAR:
        return "too_old"
    if value < 0:
        return "negative"
    if reading.percent and not is_percent(target):
        return "unit"
    if is_percent(target) and value > 100 and all(goal <= 100 for goal in goals(target)):
        return "over"
    return None


async def one_of(turn: Turn, plan_id: int, code: str, agency_id: int) -> Answerable | None:
    """Return one indicator that the caller may (still) answer for, by what a question remembers."""
    return next(
        (
            each
            for each in await answerable(turn)
            if each.plan.id == plan_id
            and each.agency.agency_id == agency_id
            and any(target.code == code for target in each.indicator)
        ),
        None,
    )


async def _context(turn: Turn, about: Answerable, year: int) -> dict[str, object]:
    """Return what is said back of a target: the goals beside what now stands, to this agency."""
    values = await targets.values_of(turn.connection, about.plan.id)
    coordinator_id = about.plan.coordinator_id
    steers = about.agency.agency_id == coordinator_id
    group = targets.standings(about.indicator, values, coordinator_id)
    settled = [  # by another agency, the coordinating one
        standing.of[0].agency
        for standing in group
        if standing.year == year
        and standing.of
        and all(known.agency_id != about.agency.agency_id for known in standing.of)
    ]
    return {
        "by": next(iter(settled), ""),
        "line": line(group, None if steers else {about.agency.agency_id, coordinator_id}),
        "plan_number": about.plan.number,
        "year": year,
        "agency": about.agency.agency,
        "unit": unit_of(about.indicator[0]),
    }


def odd(
    why: str,
    reading: TargetReading | None,
    *,
    about: Answerable | None = None,
    year: int | None = None,
) -> Answer:
    """Return the answer that says why nothing was recorded of a target; about: the one meant, if known."""
    value = reading.value if reading is not None else None
    code = reading.code if reading is not None else None
    if about is not None:
        code = ", ".join(target.code for target in about.indicator)
    return Answer(
        "target_odd",
        {
            "why": why,
            "value": "" if value is None else shown(value),
            "percent": reading is not None and reading.percent,
            "code": code or "",
            "name": name_of(about.indicator[0]) if about is not None else "",
            "unit": unit_of(about.indicator[0]) if about is not None else "",
            "plan_number": about.plan.number if about is not None else "",
            "year": year,
        },
    )


def refusal(turn: Turn) -> Answer:
    """Return the answer for who may look at targets and not answer for them."""
    answers = turn.caller.roles() & {"focal", "coordinator"}
    why = "not_enrolled" if turn.caller.in_group and answers else "read_only"
    return Answer("not_allowed", {"why": why, "coordinator": "", "command": ""})


async def take_back(turn: Turn, value_id: int, menu: Menu | None = None) -> list[Answer]:
    """Take back one's own value, or one said in this chat, if the caller may answer for its agency."""
    row = await targets.value_of(turn.connection, value_id)
    ours = row is not None and (
        row.chat_id == turn.chat.id
        or (row.person_id is not None and row.person_id == turn.caller.person_id)
    )
    answers = {enrolled.agency_id for enrolled in enrolments_for(turn.caller, "target")}
    if row is None or not ours or row.agency_id not in answers:
        refused = row is not None and ours and not may(turn.caller, "target")
        return [refusal(turn) if refused else Answer("unknown_item")]
    try:
        undone = await targets.undo(
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
        return [Answer("cannot_undo", {"why": why})]
    about = await one_of(turn, undone.plan_id, undone.code, undone.agency_id)
    if about is None:
        return [odd("taken_back", None)]
    context = await _context(turn, about, undone.year)
    value = shown(Decimal(undone.value))
    return [
        Answer(
            "target_said",
            {**context, "value": value, "taken_back": True, "repeated": False},
            edits=turn.pressed,
        )
    ]
