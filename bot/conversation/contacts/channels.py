"""/kenh: in which of their chats somebody is written to, and one more chat of their own.

Promises that a person is written to in one chat a time, the one they chose while it lives; and that a code
for one's own second chat makes nobody else of anybody. In a private chat alone.
"""

from __future__ import annotations

from bot.conversation.contacts.invite import code_answer
from bot.conversation.context.turn import Turn
from data.contacts import invitations, recipients
from data.contacts.handover import LINK
from data.text import fold
from jobs.channel import Answer

_HERE = ("day", "o day", "tai day", "nhan o day", "nhan tin o day")
_MORE = ("them", "them kenh", "moi")


async def answer_kenh(turn: Turn) -> list[Answer]:
    """Answer /kenh: one's chats; "/kenh đây": messages come here; "/kenh thêm": a code for another chat."""
    person_id = turn.caller.person_id
    if turn.caller.in_group or person_id is None:
        return [Answer("private_only", {"command": "kenh"})]
    words = fold(turn.words)
    if words in _MORE:
        code, every = await invitations.create_handover_code(
            turn.connection, person_id=person_id, kind=LINK, now=turn.now
        )
        agencies = list(dict.fromkeys(each.agency for each in every))
        context = {"kind": "link", "role": "", "agencies": agencies}
        return [await code_answer(turn, code, context, group=False)]
    if words in _HERE:
        await recipients.prefer_chat(turn.connection, person_id=person_id, chat_id=turn.chat.id)
    chats = await recipients.list_private_chats(turn.connection, person_id)
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
