"""Answers to questions: by "Trả lời", in reply to the notice, or typed "tl 37 …"; they go to who asked.

Guarantees:
- Only who got the question's notice, and still follows its plan, answers it.
- The first answer counts. Who comes later sees it, and may only add to it ("bổ sung …").
- Where the asker's chat is gone, the answer goes to the agency's other chats, else the answerer is told so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from bot.conversation.context.access import DECIDING_ROLES, may_answer_question
from bot.conversation.context.buttons import UNNUMBERED, ButtonRows
from bot.conversation.context.dialogs import open_question
from bot.conversation.context.pages import split_words
from bot.conversation.context.sent_files import SentFiles
from bot.conversation.context.turn import Turn, visible_obligation
from data.clock import civil_date, civil_time
from data.contacts.recipients import agency_recipients, is_recipient
from data.files import store_file
from data.models import Message
from data.progress import questions
from data.progress.evidence import MAX_EVIDENCE_BYTES
from data.text import fold
from jobs.channel import Answer, Button

ANSWER_QUESTION_DIALOG = "answer_question"
_NOTICE = "notice_question"
_TYPED = re.compile(
    r"\s*(?:tl|trả lời|tra loi)(?:\s+câu hỏi|\s+cau hoi)?(?:\s+số|\s+so)?\s+(\d{1,18})\s*[:.,\-–]?(?:\s+(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_SURELY = ("tl ", "tra loi cau hoi ")  # "trả lời 2" may mean the second item of a list
_ADDS = "bo sung"
_OPEN_FOR = timedelta(days=60)
_MOST_SHOWN = 8
_BUTTON = "Trả lời"


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question that this chat was asked: its row, and the context of its notice."""

    row: Any
    notice: dict[str, Any]

    @property
    def id(self) -> int:
        """Return the question's number."""
        return int(self.row.id)


def answer_buttons(question_id: int) -> ButtonRows:
    """Return the choice under the notice of a question."""
    return ((Button(_BUTTON, f"answer:{question_id}"),),)


async def ask_answer(turn: Turn, question_id: int) -> list[Answer]:
    """Ask for the words of an answer, and say to whom they go."""
    asked = await _load_asked(turn, question_id)
    if isinstance(asked, Answer):
        return [asked]
    answered = await questions.find_question_answer(turn.connection, question_id)
    if answered is not None:
        return [_outcome(asked, "answered", first=answered)]
    await open_question(turn, ANSWER_QUESTION_DIALOG, question=question_id)
    return [_outcome(asked, "ask", in_group=turn.caller.in_group)]


async def answer_cauhoi(turn: Turn, *, unknown: int = 0) -> list[Answer]:
    """Answer /cauhoi: the questions that this chat was asked and nobody answered yet, oldest first.

    unknown: the number of a question that was typed, and that this chat was not asked.
    """
    since = turn.now - _OPEN_FOR
    rows = await turn.connection.execute(
        select(Message.context, Message.created_at)
        .where(
            Message.chat_id == turn.chat.id,
            Message.template == _NOTICE,
            Message.created_at > since,
        )
        .order_by(Message.id)
    )
    notices = {row.context["question"]: row for row in rows if "question" in row.context}
    answered = await questions.list_answered_questions(turn.connection, list(notices))
    answered |= await questions.list_withdrawn_questions(turn.connection, list(notices))
    waiting = [
        row
        for key, row in notices.items()
        if key not in answered
        and may_answer_question(
            turn.caller, row.context["coordinator_id"], province=row.context["province"]
        )
    ]
    shown = waiting[:_MOST_SHOWN]
    lines = [
        {
            "question": row.context["question"],
            "agency": row.context["agency"],
            "on": civil_date(row.created_at).isoformat(),
            "words": row.context["words"],
        }
        for row in shown
    ]
    buttons = [
        Button(f"{_BUTTON} {line['question']}", f"answer:{line['question']}") for line in lines
    ]
    context: dict[str, object] = {"lines": lines, "total": len(waiting), "unknown": unknown}
    return [Answer("open_questions", context, tuple((button,) for button in buttons))]


async def take_answer(turn: Turn, dialog: Any) -> list[Answer]:
    """Send the words typed as the answer."""
    return await answer_question(turn, int(dialog.details["question"]), turn.incoming.text)


async def answer_by_reply(turn: Turn) -> list[Answer] | None:
    """Send words in reply to a question's notice, or typed with its number; None for other words."""
    meant = await find_answered_question(turn)
    if meant is not None:
        number, words = meant
        is_label = not words or fold(words) == fold(_BUTTON)
        return await (ask_answer(turn, number) if is_label else answer_question(turn, *meant))
    typed = _TYPED.fullmatch(turn.incoming.text)
    if typed is None or not fold(turn.incoming.text).startswith(_SURELY):
        return None
    is_asked = turn.caller.roles() & DECIDING_ROLES
    return await answer_cauhoi(turn, unknown=int(typed[1])) if is_asked else None


async def find_answered_question(turn: Turn) -> tuple[int, str] | None:
    """Return the question that a message answers by its number or as a reply, and the words of the answer."""
    text = turn.incoming.text
    typed = _TYPED.fullmatch(text)
    if typed is not None and await _find_notice(turn, int(typed[1])) is not None:
        return int(typed[1]), (typed[2] or "").strip()
    if turn.incoming.reply_to is None or turn.incoming.kind == "action":
        return None
    context = await turn.connection.scalar(
        select(Message.context)
        .where(
            Message.chat_id == turn.chat.id,
            Message.remote_id == turn.incoming.reply_to,
            Message.template == _NOTICE,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    if not context or not isinstance(context.get("question"), int):
        return None
    return context["question"], text


async def answer_question(
    turn: Turn, question_id: int, text: str, files: SentFiles | None = None
) -> list[Answer]:
    """Record an answer and send it to who asked; say what stands where somebody else was first.

    files: those that came with the words; they go to who asked, and add to an answer given before.
    """
    asked = await _load_asked(turn, question_id)
    if isinstance(asked, Answer):
        return [asked]
    words = text.strip()
    kept = files.kept if files is not None else ()
    answered = await questions.find_question_answer(turn.connection, question_id)
    if answered is not None and not kept and not fold(words).startswith(_ADDS):
        return [_outcome(asked, "answered", first=answered)]
    if files is not None and not kept and not words:
        return [_outcome(asked, "refused", files=files)]
    named = ", ".join(file.name for file in kept)
    recorded = f"{words} (kèm tệp: {named})".strip() if kept else words
    by = _answering_agency(turn, asked)
    await questions.record_question_answer(
        turn.connection,
        question_id,
        words=recorded,
        plan_code=asked.notice["plan_code"],
        subject=asked.notice["code"],
        obligation_id=asked.row.obligation_id,
        person_id=turn.caller.person_id,
        answered_by=by,
        now=turn.now,
    )
    chats = await _asker_chats(turn, asked)
    first, *others = split_words(recorded)
    item = asked.notice["item"] if asked.notice["named"] else None
    content: dict[str, object] = {
        "by": by,
        "asked": asked.row.note or "",
        "objection": asked.row.said == "objection",
        "words": first,
        "parts": 1 + len(others),
        "adds": answered is not None,
        "item": None if item is None else {**item, "holder": "", "agency": ""},
        **UNNUMBERED,
    }
    sent: list[Answer] = []
    for chat_id in chats:
        sent.append(Answer("question_replied", content, to_chat=chat_id))
        for part, more in enumerate(others, 2):
            context = {"who": by, "words": more, "part": part, "parts": 1 + len(others)}
            sent.append(Answer("words_continued", context, to_chat=chat_id))
        for file in kept:
            about = {"by": by, "name": file.name, "asked": asked.row.note or ""}
            attach = await store_file(
                turn.connection,
                name=file.name,
                mime=file.mime,
                content=file.content,
                now=turn.now,
            )
            sent.append(Answer("answer_file", {**about, "attach": attach}, to_chat=chat_id))
    what = "sent" if chats else "no_chat"
    return [_outcome(asked, what, words=recorded, files=files), *sent]


async def _load_asked(turn: Turn, question_id: int) -> AskedQuestion | Answer:
    notice = await _find_notice(turn, question_id)
    row = None if notice is None else await questions.lock_question(turn.connection, question_id)
    if notice is None or row is None:
        return Answer("unknown_item")
    if not may_answer_question(turn.caller, notice["coordinator_id"], province=notice["province"]):
        return Answer(
            "not_allowed",
            {
                "why": "not_enrolled" if turn.caller.in_group else "read_only",
                "coordinator": "",
                "command": "",
            },
        )
    if await questions.list_withdrawn_questions(turn.connection, [question_id]):
        about = {"question": row.id, "objection": row.said == "objection", "words": row.note or ""}
        return Answer(
            "question_withdrawn", {**about, "agency": notice["agency"], "answered": False}
        )
    return AskedQuestion(row, notice)


async def _find_notice(turn: Turn, question_id: int) -> dict[str, Any] | None:
    """Return the context of the notice by which this chat was asked a question, or None."""
    found: dict[str, Any] | None = await turn.connection.scalar(
        select(Message.context)
        .where(
            Message.chat_id == turn.chat.id,
            Message.template == _NOTICE,
            Message.context["question"].as_integer() == question_id,
        )
        .order_by(Message.id)
        .limit(1)
    )
    return found or None


async def _asker_chats(turn: Turn, asked: AskedQuestion) -> list[int]:
    """Return the chat that asked, if its agency still has it; else the chats of the agency that holds it now."""
    agency_id = asked.row.agency_id
    if asked.row.obligation_id is not None:
        obligation = await visible_obligation(turn, asked.row.obligation_id)
        if obligation is not None and obligation.subject.holder_id is not None:
            agency_id = obligation.subject.holder_id
    if asked.row.chat_id is not None and await is_recipient(
        turn.connection, asked.row.chat_id, agency_id, today=turn.today
    ):
        return [asked.row.chat_id]
    recipients = await agency_recipients(
        turn.connection, agency_id, ("focal", "coordinator"), today=turn.today
    )
    chats = dict.fromkeys(to.chat_id for to in recipients)
    return [chat_id for chat_id in chats if chat_id != turn.chat.id]


def _answering_agency(turn: Turn, asked: AskedQuestion) -> str:
    """Return the name of the agency by which the caller answers."""
    enrolments = turn.caller.enrolments
    own = [e.agency for e in enrolments if e.agency_id == asked.notice["coordinator_id"]]
    return (own or [e.agency for e in enrolments if e.may_decide] or [""])[0]


def _outcome(
    asked: AskedQuestion,
    what: str,
    *,
    words: str = "",
    first: Any = None,
    files: SentFiles | None = None,
    in_group: bool = False,
) -> Answer:
    """Return what the answerer is told. what: as templates/answer_sent names it."""
    answered = None
    if first is not None:
        at = first.decided_at
        answered = {
            "by": first.decided_by,
            "words": first.details["words"],
            "time": f"{civil_time(at):%H:%M}",
            "on": civil_date(at).isoformat(),
        }
    context: dict[str, object] = {
        "what": what,
        "agency": asked.notice["agency"],
        "question": asked.id,
        "asked": asked.row.note or "",
        "objection": asked.row.said == "objection",
        "words": words,
        "first": answered,
        "refused": files.refused if files is not None else [],
        "most": MAX_EVIDENCE_BYTES // (1024 * 1024),
        "in_group": in_group,
    }
    return Answer("answer_sent", context)
