"""Words about a target (chỉ tiêu), "chỉ tiêu hợp đồng điện tử 82%": record, ask, or leave to others.

Guarantees:
- A value is recorded only for a target that is surely meant and that the caller's agency may answer for.
- Words about a target never count for a task, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation.context.access import may
from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import ShownList
from bot.conversation.lists.references import list_nameable_codes
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.objections import objects_to_figures
from bot.conversation.reader.target_matching import (
    find_meant_indicators,
    is_doubtful_value,
    nearness,
)
from bot.conversation.reader.targets import TargetReading, read_target
from bot.conversation.reader.understand import understand_reply
from bot.conversation.targets.ask import (
    MOST_CHOICES,
    close_target_question,
    open_target_dialog,
    target_choice_answer,
)
from bot.conversation.targets.record import handle_target_value, target_fault_answer, target_refusal
from bot.conversation.targets.scope import AnswerableTarget, list_answerable_targets
from bot.conversation.targets.view import answer_chitieu
from data.targets.numbers import format_stored_number
from jobs.channel import Answer


async def answer_target_words(turn: Turn, shown_list: ShownList | None) -> list[Answer] | None:
    """Answer words about a target; None where they are about none, or a question or another request.

    shown_list: the list that the words would answer otherwise; an explanation may mention targets.
    """
    text = turn.incoming.text
    reading = read_target(text, today=turn.today)
    overheard = turn.caller.in_group and turn.incoming.reply_to is None
    if reading is None or overheard or objects_to_figures(text):
        return None
    explains = shown_list is not None and shown_list.explanation_id is not None
    if not may(turn.caller, "target"):
        return [target_refusal(turn)] if reading.value is not None else None
    answerable = await list_answerable_targets(turn)
    if reading.bare and reading.code in await list_nameable_codes(turn):
        return None  # a task has this code
    among = [each for each in answerable if each.is_of_plan(reading.plan)]
    meant = [
        among[place] for place in find_meant_indicators(reading, [each.indicator for each in among])
    ]
    if meant:
        await close_target_question(turn)
        if len(meant) == 1:
            return [await handle_target_value(turn, meant[0], reading, text)]
        return [await open_target_dialog(turn, reading, meant, all_fit=True)]
    if explains or not _is_meant(turn, reading, among):
        return None
    await close_target_question(turn)
    return await _ask_unclear(turn, reading, among)


def gives_target_value(turn: Turn) -> bool:
    """Tell whether the words typed give a value of a target."""
    reading = read_target(turn.incoming.text, today=turn.today)
    return reading is not None and reading.value is not None


def _is_meant(turn: Turn, reading: TargetReading, among: Sequence[AnswerableTarget]) -> bool:
    """Tell whether words without a sure value are about a target, and would be taken for a task's status."""
    text, today = turn.incoming.text, turn.today
    intent = understand_reply(text, today=today, workdays=turn.registry.workdays).intent
    if reading.fault == "inside":
        near = any(_is_coded(reading, each) for each in among) or _nearest(reading, among, 2)
        return bool(near) and intent in ("status", "multi")
    if reading.fault == "no_number":
        return intent in ("status", "multi")
    return intent not in ("question", "extension", "dispute")


async def _ask_unclear(
    turn: Turn, reading: TargetReading, among: Sequence[AnswerableTarget]
) -> list[Answer]:
    if reading.value is None or is_doubtful_value(reading):
        return [target_fault_answer(reading.fault or "unsure", reading)]
    if reading.code is None and not reading.names and not reading.percent:
        plans = turn.registry.find_plans(format_stored_number(reading.value))
        if any(each.plan.code in plans for each in among):  # "chỉ tiêu 1331"
            return await answer_chitieu(turn, words=format_stored_number(reading.value))
    coded = [each for each in among if _is_coded(reading, each)]
    if reading.code is not None and not coded:
        without_figure = await list_answerable_targets(turn, with_figure=False)
        if any(
            each.is_of_plan(reading.plan) and _is_coded(reading, each) for each in without_figure
        ):
            return [target_fault_answer("no_figure", reading)]
        return [target_choice_answer(turn, reading, [], all_fit=False)]
    near = coded or _nearest(reading, among, 1)
    if not near and not reading.names:
        if not 0 < len(among) <= MOST_CHOICES:
            return [target_fault_answer("unsure", reading)]
        near = list(among)
    return [await open_target_dialog(turn, reading, near, all_fit=False)]


def _is_coded(reading: TargetReading, each: AnswerableTarget) -> bool:
    code = plain((reading.code or "").lower())
    return any(plain(target.code.lower()) == code for target in each.indicator)


def _nearest(
    reading: TargetReading, among: Sequence[AnswerableTarget], least: int
) -> list[AnswerableTarget]:
    scores = [max(nearness(reading, target) for target in each.indicator) for each in among]
    best = max(scores, default=0)
    return [each for each, score in zip(among, scores, strict=True) if score == best >= least]
