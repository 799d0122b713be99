"""What targets (chỉ tiêu) have come to, as agencies say it: "chỉ tiêu hợp đồng điện tử 82%".

Promises that a value is recorded only for a target that is surely meant and that the caller's agency may
answer for; and that what is said of a target is never taken for a task's, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation.context.access import may
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import Menu
from bot.conversation.lists.references import codes_in_hand
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.targets import TargetReading, casts_doubt, meant, nearness, read
from bot.conversation.reader.understand import understand
from bot.conversation.targets.ask import MOST_CHOICES, ask, forget, which
from bot.conversation.targets.record import odd, refusal, say
from bot.conversation.targets.scope import Answerable, answerable
from bot.conversation.targets.view import chitieu
from data.targets import values as targets
from jobs.channel import Answer


async def said(turn: Turn, menu: Menu | None) -> list[Answer] | None:
    """Answer words that speak of a target; None where they do not, or are a question or another request.

    menu: what the words would answer otherwise; an explanation that it asks for may speak of targets.
    """
    text = turn.incoming.text
    reading = read(text, today=turn.today)
    overheard = turn.caller.in_group and turn.incoming.reply_to is None
    if reading is None or overheard:
        return None
    explains = menu is not None and menu.explanation is not None
    if not may(turn.caller, "target"):
        return [refusal(turn)] if reading.value is not None else None
    every = await answerable(turn)
    if reading.bare and reading.code in await codes_in_hand(turn):
        return None  # a task that bears such a code
    among = [each for each in every if each.is_of(reading.plan)]
    found = [among[place] for place in meant(reading, [each.indicator for each in among])]
    if found:
        await forget(turn)
        if len(found) == 1:
            return [await say(turn, found[0], reading, text)]
        return [await ask(turn, reading, found, sure=True)]
    if explains or not _is_meant(turn, reading, among):
        return None
    await forget(turn)
    return await _unclear(turn, reading, among)


def speaks_of_one(turn: Turn) -> bool:
    """Tell whether the words in hand give a value of a target."""
    reading = read(turn.incoming.text, today=turn.today)
    return reading is not None and reading.value is not None


def _is_meant(turn: Turn, reading: TargetReading, among: Sequence[Answerable]) -> bool:
    """Tell whether words that give no sure value are of a target all the same, and would be taken for a task's."""
    text, today = turn.incoming.text, turn.today
    intent = understand(text, today=today, workdays=turn.registry.workdays).intent
    if reading.fault == "inside":
        near = any(_is_coded(reading, each) for each in among) or _nearest(reading, among, 2)
        return bool(near) and intent in ("status", "multi")
    if reading.fault == "no_number":
        return intent in ("status", "multi")
    return intent not in ("question", "extension", "dispute")


async def _unclear(turn: Turn, reading: TargetReading, among: Sequence[Answerable]) -> list[Answer]:
    if reading.value is None or casts_doubt(reading):
        return [odd(reading.fault or "unsure", reading)]
    if reading.code is None and not reading.names and not reading.percent:
        plans = turn.registry.find_plans(targets.written(reading.value))
        if any(each.plan.code in plans for each in among):  # "chỉ tiêu 1331"
            return await chitieu(turn, words=targets.written(reading.value))
    coded = [each for each in among if _is_coded(reading, each)]
    if reading.code is not None and not coded:
        bare = [each for each in await answerable(turn, figures=False) if each.is_of(reading.plan)]
        if any(_is_coded(reading, each) for each in bare):
            return [odd("no_figure", reading)]
        return [which(turn, reading, [], sure=False)]
    near = coded or _nearest(reading, among, 1)
    if not near and not reading.names:
        if not 0 < len(among) <= MOST_CHOICES:
            return [odd("unsure", reading)]
        near = list(among)
    return [await ask(turn, reading, near, sure=False)]


def _is_coded(reading: TargetReading, each: Answerable) -> bool:
    code = plain((reading.code or "").lower())
    return any(plain(target.code.lower()) == code for target in each.indicator)


def _nearest(reading: TargetReading, among: Sequence[Answerable], least: int) -> list[Answerable]:
    scores = [max(nearness(reading, target) for target in each.indicator) for each in among]
    best = max(scores, default=0)
    return [each for each, score in zip(among, scores, strict=True) if score == best >= least]
