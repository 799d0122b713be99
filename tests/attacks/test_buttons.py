"""Forged buttons: every key, by everybody whom its message was not for, on every channel.

The seats, and what takes back what a line of the table did, are those of test_attack_table.
"""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.conversation.replies.actions import BUTTON_ACTIONS
from bot.conversation.targets.ask import PICK_TARGET_VERB
from data.models import (
    Decision,
    Dialog,
    DutyForm,
    Enrolment,
    Evidence,
    Explanation,
    ExtensionRequest,
    Message,
    Obligation,
    StatusReply,
    TargetValue,
)
from tests.attacks.test_table import (
    AS,
    COORDINATOR,
    LEADER,
    NAMES,
    NOW,
    READER,
    STC,
    STRANGER,
    SXD,
    TABLE,
    TAY_COORDINATOR,
    TAY_LEADER,
    WAYS,
    act,
    talk,
)
from tests.support.conversations import Talk

pytestmark = pytest.mark.slow

__all__ = ["talk"]

# A button's verb → on which row it acts, and who may do it to what is Sở Tài chính's. What everybody else
# forges changes nothing and shows nothing of it.
BUTTONS: dict[str, tuple[str, set[str]]] = {
    "open": ("open", {STC, COORDINATOR, LEADER, READER}),
    "ack": ("open", {STC}),
    "doing": ("open", {STC}),
    "not_yet": ("open", {STC}),
    "done": ("open", {STC}),
    "more": ("open", {STC}),
    "blocked": ("open", {STC}),
    "ackall": ("list", {STC}),
    "doingall": ("list", {STC}),
    "back": ("list", {STC}),
    "next": ("list", {STC}),
    "text": ("open", {STC, COORDINATOR, LEADER, READER}),
    "undo": ("reply", {STC}),
    "untarget": ("value", {STC}),
    "confirm": ("done", {COORDINATOR}),
    "return": ("done", {COORDINATOR}),
    "files": ("done", {STC, COORDINATOR, LEADER, READER}),
    "filesbefore": ("evidence", {STC, COORDINATOR, LEADER, READER}),
    "form": ("done", {STC, COORDINATOR, LEADER, READER}),
    "formfile": ("form", {STC, SXD, COORDINATOR, LEADER, READER}),  # every sở owes the report
    "formdrop": ("form", {COORDINATOR}),
    "grant": ("request", {COORDINATOR}),
    "refuse": ("request", {COORDINATOR}),
    "offer": ("request", {COORDINATOR}),
    "grantyes": ("request", {COORDINATOR}),
    "take": ("offered", {STC}),
    "leave": ("offered", {STC}),
    "keep": ("disputed", {COORDINATOR}),
    "giveto": ("disputed", {COORDINATOR}),
    "explain": ("explanation", {STC}),
    "causeyes": ("request_explained", {COORDINATOR}),
    "causeno": ("request_explained", {COORDINATOR}),
    "undecide": ("decision", {COORDINATOR}),
    "ask": ("open", {STC}),
}
# Those without a row, and those that need our own message that offers them: what they show or decide is what
# the caller may see and decide anyway.
OF_ONES_OWN = {"waiting", "confirmall", "fix", "nofix", "answer", "vacant"}


@pytest.fixture
async def rows(talk: Talk) -> dict[str, int]:
    """Leave one of everything of Sở Tài chính: answered, asked for, offered, disputed, asked to explain."""
    asked, offered, disputed, open_ = [
        (await talk.obligation("10/KH-UBND", "stc", code, period)).id
        for code, period in (("1", "end"), ("2", "end"), ("BC.1", "2026"), ("BC.1", "2027"))
    ]
    await talk.say(STC, "/viec")
    async with talk.database.write() as connection:
        shown = await connection.scalar(select(func.max(Message.id)))
        plan = await connection.scalar(select(Obligation.plan_id).where(Obligation.id == asked))
        agency = await connection.scalar(select(Obligation.agency_id).where(Obligation.id == asked))
        stc = await connection.scalar(
            select(Enrolment.chat_id).where(Enrolment.agency_id == agency)
        )
        person = await connection.scalar(
            select(Enrolment.person_id).where(Enrolment.agency_id == agency)
        )
        who = {"chat_id": stc, "person_id": person}
        request = {"until": date(2027, 1, 9), "reason": "vì sao", "asked_at": NOW, **who}
        made = {}
        for name, row, state_ in (("request", asked, "open"), ("offered", offered, "offered")):
            more = {"granted_until": date(2027, 1, 5)} if name == "offered" else {}
            added = insert(ExtensionRequest).values(
                obligation_id=row, state=state_, **request, **more
            )
            made[name] = (
                await connection.execute(added.returning(ExtensionRequest.id))
            ).scalar_one()
        added = insert(Explanation).values(
            obligation_id=open_,
            agency_id=agency,
            question="vì sao",
            asked_at=NOW,
            asked_by="Sở Khoa học và Công nghệ",
        )
        made["explanation"] = (
            await connection.execute(added.returning(Explanation.id))
        ).scalar_one()
        await connection.execute(
            insert(Explanation).values(
                obligation_id=asked,
                agency_id=agency,
                question="vì sao",
                asked_at=NOW,
                asked_by="Sở Khoa học và Công nghệ",
                state="answered",
                answer="chờ số liệu",
                answered_at=NOW,
            )
        )
        added = insert(TargetValue).values(
            plan_id=plan,
            code="CT.1",
            year=2026,
            value="5",
            agency_id=agency,
            words="5",
            said_at=NOW,
            **who,
        )
        made["value"] = (await connection.execute(added.returning(TargetValue.id))).scalar_one()
        await connection.execute(
            update(Obligation).where(Obligation.id == disputed).values(disputed_at=NOW)
        )
    await talk.say(COORDINATOR, "/giao 10 4 Sở Xây dựng")
    await talk.tap(STC, f"done:{open_}")
    await talk.send_file(STC, b"%PDF-1.7", "bc.pdf")
    async with talk.database.read() as connection:
        reply = await connection.scalar(select(func.max(StatusReply.id)))
        made["evidence"] = int(await connection.scalar(select(func.max(Evidence.id))) or 0)
        decision = await connection.scalar(select(func.max(Decision.id)))
    async with talk.database.write() as connection:
        await connection.execute(
            delete(Dialog)
        )  # "đã xong" asks for a document: no part of the table
    made |= {"reply": int(reply or 0), "decision": int(decision or 0), "request_explained": asked}
    await talk.send_file(COORDINATOR, b"%PDF-1.7 form", "mau.pdf", text="mẫu 10 BC.1")
    async with talk.database.read() as connection:
        made["form"] = int(await connection.scalar(select(func.max(DutyForm.id))) or 0)
    return {**made, "open": asked, "done": open_, "disputed": disputed, "list": int(shown or 0)}


def test_every_button_stands_in_the_table() -> None:
    assert set(BUTTONS) | OF_ONES_OWN == set(BUTTON_ACTIONS)


@pytest.mark.parametrize("way", WAYS)
async def test_a_forged_button_does_nothing(talk: Talk, rows: dict[str, int], way: str) -> None:
    faults = []
    for verb, (what, allowed) in BUTTONS.items():
        for chat in AS:
            if way != "telegram" and chat not in (SXD, TAY_COORDINATOR, STC):
                continue
            key = f"{verb}:{rows[what]}"
            templates, held, changed = await act(talk, way, chat, key, press=True)
            does = changed or "Kế hoạch số 10" in held or "10/KH-UBND" in held
            if (
                way == "zalo_bot"
            ):  # there are no buttons: a key that is typed is words, to one's own list
                does = changed and chat not in allowed
            if does is not (chat in allowed and way != "zalo_bot"):
                faults.append(f"{key} ({what}) by {NAMES[chat]} on {way}: {templates} {held[:300]}")
    assert not faults, "\n".join(faults)


async def test_a_forged_choice_of_a_target_or_of_a_command_does_nothing(talk: Talk) -> None:
    for chat in (SXD, TAY_COORDINATOR, TAY_LEADER, STRANGER):
        for key in (
            f"{PICK_TARGET_VERB}:1:1",
            f"{PICK_TARGET_VERB}:²:1",
            "go:moi:Sở Tài chính",
            "page:nhac:1:10",
            "go:viec:10",
        ):
            _, held, changed = await act(talk, "telegram", chat, key, press=True)
            assert not changed or (chat, key) == (TAY_COORDINATOR, "go:moi:Sở Tài chính"), key
            assert chat == SXD or "Kế hoạch số 10" not in held
    for command in TABLE:
        templates, _, changed = await act(talk, "local", STRANGER, f"go:{command}:", press=True)
        assert (templates, changed) == (["stranger"], False)
