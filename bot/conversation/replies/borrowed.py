"""Words that are not the sender's own: shown and asked about, never recorded.

Guarantees:
- A forwarded message, one made by another bot, and one about another chat's message change nothing.
- Who forwards a photo or file sends it: it is kept as any other.
"""

from __future__ import annotations

from bot.conversation.context.turn import Turn
from bot.conversation.lists.last_list import last_shown_list
from bot.conversation.lists.references import list_nameable_codes, resolve_reference
from bot.conversation.reader.understand import understand_reply
from bot.conversation.replies.evidence import take_evidence_files
from bot.conversation.replies.show import ask_with_items, ask_with_list, no_list_answer
from jobs.channel import Answer

_MOST_SHOWN = 300  # characters


async def answer_borrowed_words(turn: Turn) -> list[Answer]:
    """Show the words again and ask what the sender says to the tasks that they name by code.

    A number in them may be of another chat's list, so that it names nothing here.
    """
    if turn.caller.in_group and turn.incoming.reply_to is None:
        return []  # people talk among themselves
    answers = await take_evidence_files(turn) if turn.incoming.files else []
    text = turn.incoming.text
    if not text:
        return answers
    why, words = turn.incoming.borrowed, text[:_MOST_SHOWN]
    codes = await list_nameable_codes(turn)
    reading = understand_reply(text, today=turn.today, codes=codes, workdays=turn.registry.workdays)
    named: list[int] = []
    for task in reading.tasks:
        if task.ref in codes:
            named += (await resolve_reference(turn, None, task.ref)).obligation_ids
    shown_list = await last_shown_list(turn)
    if named:
        answer = await ask_with_items(turn, why, list(dict.fromkeys(named)), words=words)
    elif shown_list is not None:
        answer = await ask_with_list(turn, why, shown_list, words=words)
    else:
        answer = no_list_answer(why, words=words)
    return [*answers, answer]
