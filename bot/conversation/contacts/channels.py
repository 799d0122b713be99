"""/kenh: the chats that a person gets messages in; choose one, or add one's own second chat.

Guarantees:
- A person gets messages in one chat at a time, the chosen one while it is alive.
- The code for a second chat enrols nobody else.
"""

from __future__ import annotations

from bot.conversation.contacts.invite import code_answer
from bot.conversation.context.turn import Turn
from data.contacts import invitations, recipients
from data.contacts.enrolments import last_day
from data.contacts.handover import LINK
from data.text import fold
from jobs.channel import Answer

_HERE = ("day", "o day", "tai day", "nhan o day", "nhan tin o day")
_MORE = ("them", "them kenh", "moi")


async def answer_kenh(turn: Turn) -> list[Answer]:
    """Answer /kenh: the caller's chats; "/kenh đây": choose this one; "/kenh thêm": a code for another."""
    person_id = turn.caller.person_id
    if turn.caller.in_group or person_id is None:
        return [Answer("private_only", {"command": "kenh"})]
    words = fold(turn.words)
    if words in _MORE:
        code, enrolments = await invitations.create_handover_code(
            turn.connection, person_id=person_id, kind=LINK, now=turn.now
        )
        agencies = list(dict.fromkeys(each.agency for each in enrolments))
        context = {"kind": "link", "role": "", "agencies": agencies}
        return [await code_answer(turn, code, context, group=False, until_on=last_day(enrolments))]
    if words in _HERE:
        await recipients.prefer_chat(turn.connection, person_id=person_id, chat_id=turn.chat.id)
    chats = await recipients.list_private_chats(turn.connection, person_id, today=turn.today)
    living = [chat for chat in chats if chat.state == "living" and chat.stopped_at is None]
    return [
        Answer(
            "channels",
            {
                "chosen": words in _HERE,
                "chats": [
                    {
                        "bot": chat.bot,
                        "channel": chat.channel,
                        "here": chat.id == turn.chat.id,
                        "living": chat in living,
                        "receives": bool(living) and chat.id == living[0].id,
                    }
                    for chat in chats
                ],
            },
        )
    ]
