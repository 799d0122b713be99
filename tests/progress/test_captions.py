"""Photos and files with words beneath them: both are kept, an album is one answer, who confirms can open them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot.channels.local import LocalChannel, make_local_update
from bot.conversation.reader.asked_document import read_asked_document
from bot.conversation.router import Router
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Evidence, Message, StatusReply
from data.progress import evidence
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from jobs.rendering.links import Links
from tests.support.conversations import TEMPLATES, WITH_BUTTONS, Reply, Seat, Talk, small_registry

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # about words, whatever keeps the rows

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0" + b"a picture" * 10
PDF = b"%PDF-1.7\n..."
NUMBER = ("12/BC-SKHCN", date(2026, 11, 20))


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("7", "dong", "stc"), Seat("8", "dong", "skhcn", "coordinator")
    )


async def rows(talk: Talk, model: Any) -> list[Any]:
    async with talk.database.read() as connection:
        return list((await connection.execute(select(model.__table__).order_by(model.id))).all())


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def the_report(talk: Talk) -> Any:
    return await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")


# ------------------------------------------------------------------ words beneath a file


@pytest.mark.parametrize(
    ("words", "code", "said", "percent"),
    [
        ("4 đã xong", "8", "completed", None),
        ("1 đang làm 50%", "BC.1", "in_progress", 50),
        ("BC.1 chưa làm", "BC.1", "not_started", None),
        ("2 đã xong, báo cáo số 12/BC-SKHCN ngày 20/11/2026", "1", "completed", None),
    ],
)
async def test_words_beneath_a_file_are_said_and_the_file_is_kept_for_their_task(
    talk: Talk, words: str, code: str, said: str, percent: int | None
) -> None:
    await talk.say("7", "/viec")
    echo, kept = await talk.send_file("7", JPEG, text=words)
    assert (echo.template, kept.template) == ("recorded", "evidence_kept")
    (reply,) = await rows(talk, StatusReply)
    assert (reply.said, reply.percent or None) == (said, percent)
    (piece,) = await rows(talk, Evidence)
    assert (piece.obligation_id, piece.reply_id) == (reply.obligation_id, reply.id)
    assert f"[{code}]" in kept.html


@pytest.mark.parametrize(
    "words",
    ["báo cáo số 12/BC-SKHCN ngày 20/11/2026", "12/BC-SKHCN 20.11.2026", "BC 12 ngày 20/11"],
)
async def test_document_beneath_a_file_is_added_to_the_completion_that_asked_for_it(
    talk: Talk, words: str
) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "1 đã xong")
    echo, kept = await talk.send_file("7", PDF, "bc.pdf", text=words)
    assert (echo.template, kept.template) == ("recorded", "evidence_kept")
    row = await the_report(talk)
    assert (row.state, row.done_on) == ("submitted", date(2026, 11, 20))
    assert [piece.obligation_id for piece in await rows(talk, Evidence)] == [row.id]
    assert (await rows(talk, StatusReply))[-1].document.startswith("12")


async def test_document_beneath_a_file_of_what_is_not_done_is_kept_for_its_completion(
    talk: Talk,
) -> None:
    item = await only(talk.tap("7", f"open:{(await the_report(talk)).id}"))
    words = "báo cáo số 12/BC-SKHCN ngày 20/11/2026"
    kept = await only(talk.send_file("7", PDF, "bc.pdf", text=words, reply_to=item.remote_id))
    assert "Văn bản ghi kèm: <b>12/BC-SKHCN</b> ngày 20/11/2026" in kept.html
    assert await rows(talk, StatusReply) == []  # a number is no completion
    done = await only(talk.say("7", "đã xong", reply_to=item.remote_id))
    assert "Đề nghị gửi số, ngày văn bản" not in done.html
    (reply,) = await rows(talk, StatusReply)
    assert (reply.document, reply.document_on) == NUMBER
    assert (await the_report(talk)).done_on == date(2026, 11, 20)


@pytest.mark.parametrize(
    "words",
    ["4", "việc 4", "9 8", "minh chứng việc 4", "ảnh của việc 4 ạ", "4 chưa xong", "9 8 kèm ảnh"],
)
async def test_number_or_code_alone_beneath_a_file_names_its_task_and_says_nothing(
    talk: Talk, words: str
) -> None:
    await talk.say("7", "/viec")
    kept = await only(talk.send_file("7", JPEG, text=words))
    assert "[8]" in kept.html
    assert await rows(talk, StatusReply) == []
    assert len(await rows(talk, Evidence)) == 1


@pytest.mark.parametrize(
    "words", ["BC.1 12/BC-SKHCN ngày 20/11/2026", "1: 12/BC-SKHCN ngày 20/11/2026"]
)
async def test_task_and_document_beneath_a_file_are_both_kept(talk: Talk, words: str) -> None:
    await talk.say("7", "/viec")
    await only(talk.send_file("7", JPEG, text=words))
    (piece,) = await rows(talk, Evidence)
    assert piece.obligation_id == (await the_report(talk)).id
    await talk.say("7", "1 xong")
    (reply,) = await rows(talk, StatusReply)
    assert (reply.document, reply.document_on) == NUMBER


@pytest.mark.parametrize(
    "words", ["1 xong (kèm ảnh)", "1 đã xong, có ảnh kèm theo", "1 xong ạ, em gửi ảnh"]
)
async def test_words_about_the_file_itself_do_not_hide_what_is_said(talk: Talk, words: str) -> None:
    await talk.say("7", "/viec")
    await talk.send_file("7", JPEG, text=words)
    assert [row.said for row in await rows(talk, StatusReply)] == ["completed"]
    assert len(await rows(talk, Evidence)) == 1


@pytest.mark.parametrize("in_reply", [True, False])
async def test_file_after_a_joint_answer_is_kept_for_each_of_its_tasks(
    talk: Talk, in_reply: bool
) -> None:
    await talk.say("7", "/viec")
    echo = await only(talk.say("7", "1,2 xong"))
    if in_reply:
        await talk.say("7", "3 xong")
    await only(talk.send_file("7", JPEG, reply_to=echo.remote_id if in_reply else None))
    codes = {
        (await the_report(talk)).id,
        (await talk.obligation("10/KH-UBND", "stc", "1", "end")).id,
    }
    assert {piece.obligation_id for piece in await rows(talk, Evidence)} == codes


async def test_file_for_several_tasks_is_kept_for_each_and_answered_once(talk: Talk) -> None:
    await talk.say("7", "/viec")
    echo, kept = await talk.send_file("7", JPEG, text="1 xong, 2 đang làm 40%")
    assert echo.template == "recorded_several"
    assert "và 01 nhiệm vụ khác" in kept.html
    assert len({piece.obligation_id for piece in await rows(talk, Evidence)}) == 2


async def test_file_beneath_which_a_task_is_not_surely_named_is_not_kept_for_another(
    talk: Talk,
) -> None:
    await talk.tap("7", f"open:{(await the_report(talk)).id}")
    _, which = await talk.send_file("7", JPEG, text="9 đã xong")
    assert which.template == "evidence_which"
    assert await rows(talk, Evidence) == []


async def test_file_in_reply_to_our_own_confirmation_finds_its_task(talk: Talk) -> None:
    await talk.say("7", "/viec")
    echo = await only(talk.say("7", "2 đang làm 40%"))
    await talk.say("7", "/viec")
    kept = await only(talk.send_file("7", JPEG, reply_to=echo.remote_id))
    assert "[1]" in kept.html
    again = await only(talk.send_file("7", PDF, "a.pdf", reply_to=kept.remote_id))
    assert again.template == "evidence_kept"
    assert len({piece.obligation_id for piece in await rows(talk, Evidence)}) == 1


# ------------------------------------------------------------------ the document that the bot asked for


@pytest.mark.parametrize(
    ("text", "number", "on"),
    [
        ("12", "12", None),
        ("số 12", "12", None),
        ("12a/BC-STC", "12a/BC-STC", None),
        ("số văn bản là 12", "12", None),
        ("số hiệu 12/BC-STC ngày 20/11", "12/BC-STC", date(2026, 11, 20)),
        ("12/BC", "12/BC", None),
        ("BC 12 ngày 20/11", "12", date(2026, 11, 20)),
        ("12/BC-SKHCN 20.11.2026", *NUMBER),
        ("báo cáo số 12/BC-SKHCN ngày 20/11/2026", *NUMBER),
        ("12 BC-SKHCN", "12/BC-SKHCN", None),
        ("bc12", "12", None),
        ("12/bc-skhcn, ký ngày 20-11-2026", *NUMBER),
        ("12-BC/TU", "12-BC/TU", None),
        ("Số: 12/BC-SKHCN", "12/BC-SKHCN", None),
        ("dạ em gửi số 12 ngày 20 tháng 11 ạ", "12", date(2026, 11, 20)),
        ("công văn 345/STC-NS hôm qua", "345/STC-NS", date(2026, 11, 23)),
        ("12/BC-STC 2026-11-05", "12/BC-STC", date(2026, 11, 5)),
        ("12/BC-STC ngày 30/2", "12/BC-STC", None),
        ("12/BC-STC ngày 30/11", "12/BC-STC", None),  # still to come, and last year's is far
    ],
)
async def test_document_that_was_asked_for_is_read_in_every_form(
    talk: Talk, text: str, number: str, on: date | None
) -> None:
    await talk.tap("7", f"done:{(await the_report(talk)).id}")
    added = await only(talk.say("7", text))
    assert added.answer.context["adds"] is True
    last = (await rows(talk, StatusReply))[-1]
    assert (last.document, last.document_on) == (number, on)


@pytest.mark.parametrize(
    "text", ["12 xong", "2-xong", "2/xong", "25/11", "12%", "1, 2", "không có", "12 ngày nữa", "0"]
)
def test_what_says_anything_else_is_no_document(text: str) -> None:
    assert read_asked_document(text, today=date(2026, 11, 24)) is None


async def test_bare_number_that_the_list_shows_means_its_item_not_the_document(talk: Talk) -> None:
    await talk.say("7", "/viec")
    await talk.say("7", "1 đã xong")
    assert (await only(talk.say("7", "2"))).template == "item"
    assert (await only(talk.say("7", "số 2"))).answer.context["document"] == "2"


# ------------------------------------------------------------------ albums


async def arrive(talk: Talk, *batches: list[dict[str, Any]]) -> list[str]:
    """Let parts of an album come in, each batch a moment later; returns the templates of the answers."""
    inbox = Inbox(
        talk.database,
        {talk.account_id: LocalChannel()},
        Router(lambda: talk.registry, TEMPLATES).handle,
        SteppedClock(talk.now),
    )
    before = len(await rows(talk, Message))

    async def store(parts: list[dict[str, Any]]) -> None:
        updates = [
            make_local_update(
                address="7", chat_kind="private", sender="7", album="a1",
                kind="text" if part.get("text") else "other", **part,
            )
            for part in parts
        ]  # fmt: skip
        await store_updates(talk.database, talk.account_id, updates, now=talk.now)

    await store(batches[0])
    handling = asyncio.create_task(inbox.handle_pending())
    for parts in batches[1:]:
        await asyncio.sleep(0.2)
        await store(parts)
    await handling
    await inbox.handle_pending()
    return [row.template for row in (await rows(talk, Message))[before:]]


def a_part(content: bytes, text: str = "") -> dict[str, Any]:
    return {"files": [{"ref": b64encode(content).decode(), "name": "anh.jpg"}], "text": text}


@pytest.mark.parametrize("split", [False, True])
async def test_album_is_one_answer_with_all_its_files(talk: Talk, split: bool) -> None:
    await talk.say("7", "/viec")
    parts = [a_part(JPEG, "4 đã xong"), a_part(JPEG + b"2"), a_part(JPEG + b"3")]
    batches = [parts[:1], parts[1:]] if split else [parts]
    assert await arrive(talk, *batches) == ["recorded", "evidence_kept"]
    (reply,) = await rows(talk, StatusReply)
    kept = await rows(talk, Evidence)
    assert [(piece.obligation_id, piece.reply_id) for piece in kept] == [
        (reply.obligation_id, reply.id)
    ] * 3


async def test_late_part_of_an_album_is_kept_with_the_others_and_not_answered_again(
    talk: Talk,
) -> None:
    await talk.say("7", "/viec")
    assert await arrive(talk, [a_part(JPEG, "1 đang làm 50%")]) == ["recorded", "evidence_kept"]
    assert await arrive(talk, [a_part(JPEG + b"2")]) == []
    assert len({piece.obligation_id for piece in await rows(talk, Evidence)}) == 1
    assert len(await rows(talk, Evidence)) == 2


async def test_album_of_no_known_task_is_asked_about_once(talk: Talk) -> None:
    await talk.say("7", "/viec")
    assert await arrive(talk, [a_part(JPEG), a_part(JPEG + b"2")]) == ["evidence_which"]


# ------------------------------------------------------------------ what phones and offices send


@pytest.mark.parametrize(
    ("content", "name", "mime"),
    [
        (b"\x00\x00\x00\x24ftypheic\x00\x00\x00\x00mif1heic", "IMG_1.HEIC", "image/heic"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00", "a.heif", "image/heic"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "a.heic", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "bao-cao.doc", "application/msword"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "bang.XLS", "application/vnd.ms-excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "setup.msi", None),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le"),
            "bao-cao.doc",
            None,
        ),
        (b"MZ\x90\x00", "bao-cao.doc", None),
    ],
)  # fmt: skip
def test_type_of_what_phones_and_offices_send(content: bytes, name: str, mime: str | None) -> None:
    assert evidence.detect_mime_type(content, name=name) == mime


# ------------------------------------------------------------------ opened by who confirms


async def test_who_may_see_what_was_filed_gets_the_files_and_nobody_else(talk: Talk) -> None:
    await talk.enrol("9", "dong", "sxd")
    await talk.tap("7", f"done:{(await the_report(talk)).id}")
    await talk.send_file("7", PDF, "bao cao.pdf", text="12/BC-SKHCN 20.11.2026")
    await talk.send_file("7", JPEG)
    waiting = await only(talk.say("8", "/xacnhan"))
    assert waiting.labels() == ["Xác nhận", "Trả lại", "Mở minh chứng"]
    first, second = await talk.press(waiting, "Mở minh chứng")
    assert (first.template, first.answer.context["name"]) == ("evidence_file", "bao cao.pdf")
    assert second.answer.context["name"] == "anh.jpg"
    assert "attach" in first.answer.context
    assert "Sở Tài chính" in first.html
    own = await talk.tap("7", f"files:{(await the_report(talk)).id}")
    assert [answer.template for answer in own] == ["evidence_file", "evidence_file"]
    refused = await talk.tap("9", f"files:{(await the_report(talk)).id}")
    assert [answer.template for answer in refused] == ["unknown_item"]


async def test_files_go_by_an_address_where_the_chat_takes_none(talk: Talk) -> None:
    talk.links = Links("https://nhacviec.test", b"key")
    await talk.tap("7", f"done:{(await the_report(talk)).id}")
    await talk.send_file("7", PDF, "bc.pdf")
    sent = await only(talk.tap("8", f"files:{(await the_report(talk)).id}"))
    assert "https://nhacviec.test/tep/" in sent.plain
    talk.capabilities[talk.account_id] = WITH_BUTTONS
