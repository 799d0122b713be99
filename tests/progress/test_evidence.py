"""Photos and files that bear out an answer: fetched, sniffed, kept once, bound to one task."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.channels.local import LocalChannel, make_local_update
from bot.channels.telegram.channel import TelegramChannel
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Evidence, EvidenceContent, InboxEvent, Message
from data.progress import evidence
from jobs.channel import Attachment, DeliveryError, FileTooBig, ForeignFile, Rejected
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.support.conversations import TEMPLATES, Reply, Seat, Talk, small_registry
from tests.support.telegram_server import TOKEN, BotApi

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0" + b"a picture" * 10
PDF = b"%PDF-1.7\n..."


def office(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("[Content_Types].xml", *names):
            archive.writestr(name, "x")
    return packed.getvalue()


def old_office(*names: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"".join(n.encode("utf-16-le") for n in names)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))


async def kept(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        return list(
            (await connection.execute(select(Evidence.__table__).order_by(Evidence.id))).all()
        )


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        (JPEG, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (PDF, "application/pdf"),
        (old_office("WordDocument"), "application/msword"),
        (old_office("Workbook"), "application/vnd.ms-excel"),
        (
            office("word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            office("xl/workbook.xml"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (office("xl/workbook.xml", "xl/vbaProject.bin"), None),
        (old_office("Workbook", "_VBA_PROJECT"), None),
        (office("a.exe"), None),
        (b"PK\x03\x04 broken", None),
        (b"MZ\x90\x00", None),
        (b"<svg onload=alert(1)>", None),
        (b"RIFF\x00\x00\x00\x00AVI ", None),
        (b"", None),
    ],
)
def test_type_is_told_by_the_bytes(content: bytes, mime: str | None) -> None:
    assert evidence.detect_mime_type(content) == mime


async def test_photo_after_a_completion_is_kept_with_who_when_and_its_sum(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    answer = await only(talk.send_file("7", JPEG, "../<b>.exe"))
    assert answer.template == "evidence_kept"
    assert "&lt;b&gt;.exe.jpg" in answer.html
    (piece,) = await kept(talk)
    assert (piece.obligation_id, piece.mime, piece.size) == (row.id, "image/jpeg", len(JPEG))
    assert piece.sha256 == hashlib.sha256(JPEG).hexdigest()
    assert (piece.kept_at, piece.person_id, piece.reply_id) == (NOW, 1, 1)
    assert "/" not in piece.name


async def test_album_is_kept_whole_and_the_same_photo_once(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    await talk.send_file("7", JPEG)
    await talk.send_file("7", PDF, "bao-cao.pdf")
    again = await only(talk.send_file("7", JPEG))
    assert "Đã lưu từ trước" in again.html
    assert [piece.mime for piece in await kept(talk)] == ["image/jpeg", "application/pdf"]
    async with talk.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(EvidenceContent)) == 2


async def test_file_with_an_answer_beneath_it_is_bound_to_that_task(talk: Talk) -> None:
    await talk.say("7", "/viec")
    recorded, stored = await talk.send_file("7", PDF, "bc.pdf", text="1 đã xong")
    assert (recorded.template, stored.template) == ("recorded", "evidence_kept")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert row.state == "submitted"
    assert [piece.obligation_id for piece in await kept(talk)] == [row.id]


async def test_file_in_reply_to_an_item_is_kept_for_it_and_says_nothing_of_completion(
    talk: Talk,
) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    item = await only(talk.tap("7", f"open:{row.id}"))
    answer = await only(talk.send_file("7", PDF, "bc.pdf", reply_to=item.remote_id))
    assert "chưa được báo cáo hoàn thành" in answer.html
    after = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert after.state == "open"


async def test_file_of_no_known_task_is_not_kept(talk: Talk) -> None:
    await talk.say("7", "/viec")
    assert (await only(talk.send_file("7", JPEG))).template == "evidence_which"
    assert await kept(talk) == []


async def test_photo_among_people_in_a_group_is_left_alone(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    item = await only(talk.tap("-5", f"open:{row.id}", sender="7"))
    assert await talk.send_file("-5", JPEG, sender="7") == []
    refused = await only(talk.send_file("-5", JPEG, sender="66", reply_to=item.remote_id))
    assert refused.template == "not_allowed"
    await talk.send_file("-5", JPEG, sender="7", reply_to=item.remote_id)
    assert len(await kept(talk)) == 1


async def test_what_is_not_kept_is_told_with_the_reason(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    told = await only(talk.send_file("7", b"MZ", "bao-cao.pdf"))
    assert "chỉ nhận ảnh" in told.html
    big = await only(talk.send_file("7", PDF + b"0" * evidence.MAX_EVIDENCE_BYTES, "bc.pdf"))
    assert "lớn hơn 10 MB" in big.html
    assert await kept(talk) == []


async def test_anothers_task_takes_no_file(talk: Talk) -> None:
    await talk.enrol("8", "dong", "sxd")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    item = await only(talk.tap("7", f"open:{row.id}"))
    answer = await only(talk.send_file("8", JPEG, reply_to=item.remote_id))
    assert answer.template == "evidence_which"
    assert await kept(talk) == []


# ------------------------------------------------------------------ fetching


class Counting(LocalChannel):
    """The local channel, which counts what is fetched and may fail."""

    def __init__(self, fault: DeliveryError | None = None) -> None:
        super().__init__()
        self.fetched = 0
        self.fault = fault

    async def fetch(self, attachment: Attachment, *, most: int) -> bytes:
        self.fetched += 1
        if self.fault is not None:
            raise self.fault
        return await super().fetch(attachment, most=most)


async def arrive(talk: Talk, channel: LocalChannel, address: str, **file: Any) -> list[Any]:
    """Let a photo come in by the inbox; returns (template, context) of what is answered."""
    from bot.conversation.router import Router

    router = Router(lambda: talk.registry, TEMPLATES)
    inbox = Inbox(talk.database, {talk.account_id: channel}, router.handle, SteppedClock(talk.now))
    given = {"ref": b64encode(JPEG).decode(), "name": "anh.jpg", **file}
    raw = make_local_update(
        address=address, chat_kind="private", kind="other", sender=address, files=[given]
    )
    await store_updates(talk.database, talk.account_id, [raw], now=talk.now)
    async with talk.database.read() as connection:
        before = await connection.scalar(select(func.max(Message.id))) or 0
    await inbox.handle_pending()
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Message.template, Message.context).where(Message.id > before)
        )
        states = await connection.execute(select(InboxEvent.state).order_by(InboxEvent.id.desc()))
        assert states.scalars().first() == "done"
        return list(rows.all())


async def test_file_is_fetched_before_it_is_handled_and_kept(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    ((template, _),) = await arrive(talk, Counting(), "7")
    assert template == "evidence_kept"
    assert [piece.size for piece in await kept(talk)] == [len(JPEG)]


async def test_nothing_is_fetched_for_a_stranger_or_where_the_size_is_told_too_big(
    talk: Talk,
) -> None:
    channel = Counting()
    ((template, _),) = await arrive(talk, channel, "99")
    assert template == "stranger"
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    ((_, context),) = await arrive(talk, channel, "7", size=evidence.MAX_EVIDENCE_BYTES + 1)
    assert context["refused"] == [{"name": "anh.jpg", "why": "too_big"}]
    assert channel.fetched == 0


async def test_file_that_cannot_be_fetched_is_told_and_the_event_ends(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    for fault, why in (
        (DeliveryError("x"), "lost"),
        (Rejected("x"), "lost"),
        (FileTooBig("x"), "too_big"),
        (ForeignFile("anh.example"), "foreign"),
    ):
        ((_, context),) = await arrive(talk, Counting(fault), "7")
        assert context["refused"][0]["why"] == why


async def test_telegram_names_the_largest_photo_and_the_document_and_downloads_them() -> None:
    async with BotApi() as api:
        api.files["F1"] = JPEG
        channel = TelegramChannel(TOKEN, base_url=api.url)
        await channel.open()
        try:
            message = {
                "message_id": 5, "date": 1762650000, "chat": {"id": 7, "type": "private"},
                "from": {"id": 7, "is_bot": False, "first_name": "Lan"},
                "photo": [
                    {"file_id": "small", "file_unique_id": "a", "width": 90, "height": 60},
                    {"file_id": "F1", "file_unique_id": "b", "width": 900, "height": 600,
                     "file_size": len(JPEG)},
                ],
            }  # fmt: skip
            found = channel.parse(1, json.dumps({"update_id": 1, "message": message}).encode())
            assert found is not None
            (file,) = found.files
            assert (file.ref, file.size) == ("F1", len(JPEG))
            assert await channel.fetch(file, most=1000) == JPEG
            with pytest.raises(Rejected):
                await channel.fetch(file, most=10)
            with pytest.raises(DeliveryError) as failed:
                await channel.fetch(Attachment("unknown"), most=1000)
            assert TOKEN not in str(failed.value)
        finally:
            await channel.close()


async def test_who_confirms_is_told_of_the_photos_and_the_sender_is_not_asked_again(
    talk: Talk,
) -> None:
    await talk.enrol("8", "dong", "skhcn", "coordinator")
    await talk.say("7", "/viec")
    echo, _ = await talk.send_file("7", JPEG, text="BC.1 đã xong")
    assert "Đề nghị gửi số, ngày văn bản" not in echo.html
    waiting = await only(talk.say("8", "/xacnhan"))
    assert "Kèm 01 ảnh, tệp đã lưu: anh.jpg." in waiting.html
    assert "Chưa nêu số văn bản" not in waiting.html
