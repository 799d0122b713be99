"""The sandbox page's parts: who may see it, what a text becomes on it, what a file must be."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.sandbox.chats import (
    ChatEntry,
    NoSuchButton,
    SandboxChannel,
    TwinMessage,
    UploadedFile,
    meant_on_zalo,
)
from bot.sandbox.database import remove_earlier_database
from bot.sandbox.guard import NEEDS_ADDRESS, WRONG_HOST, WRONG_ORIGIN, Guard
from bot.sandbox.markup import preview_line, safe_html, split_text
from bot.sandbox.people import SandboxChat, Speaker
from bot.sandbox.view import (
    AttachedFile,
    PageAddress,
    file_size,
    initials,
    last_message_line,
    telegram_bubbles,
    zalo_bubbles,
)
from data.clock import SteppedClock
from data.db.database import Database
from data.db.errors import DatabaseUnusable
from data.db.upgrade import upgrade_schema
from data.progress.evidence import MAX_EVIDENCE_BYTES
from data.text import utf16_length
from jobs.channel import Button, Gone, Incoming, OutgoingDocument, OutgoingMessage
from jobs.rendering.qr import render_qr

pytestmark = pytest.mark.slow

LAN = Speaker("7", "Lan")
PRIVATE = SandboxChat("a", "px", "Sở Tài chính", "focal", "private", (LAN,), "stc")
GROUP = SandboxChat("g", "px", "Nhóm", "group", "group", (LAN, Speaker("8", "Dũng")), "stc")
NOW = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)
PORT = 8123
HOME = f"http://127.0.0.1:{PORT}"


# ------------------------------------------------------------------ who may see it


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"xin chào {request.url.path}")

    app = Starlette(
        routes=[Route("/", hello, methods=["GET", "POST"]), Route("/page.css", hello)],
        middleware=[Middleware(Guard, port=PORT, token="tok-en", refuse=str)],
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOME) as made:
        yield made


async def enter(client: httpx.AsyncClient) -> None:
    await client.get("/?khoa=tok-en")


async def test_the_printed_address_sets_a_strict_cookie_and_forgets_the_token(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/?khoa=tok-en&tinh=gia-lai")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?tinh=gia-lai")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await client.get("/")).text == "xin chào /"


@pytest.mark.parametrize(
    "path", ["/", "/page.css", "/?khoa=sai", "/?khoa=", "/page.css?khoa=tok-en"]
)
async def test_nothing_is_shown_without_the_token(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.text) == (403, NEEDS_ADDRESS)
    assert "set-cookie" not in answer.headers


async def test_a_foreign_host_is_refused_even_with_the_cookie(client: httpx.AsyncClient) -> None:
    await enter(client)
    for host in (f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}"):
        answer = await client.get("/", headers={"host": host})
        assert (answer.status_code, answer.text) == (403, WRONG_HOST)


async def test_a_foreign_or_missing_origin_is_refused_where_something_would_change(
    client: httpx.AsyncClient,
) -> None:
    await enter(client)
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{PORT}"):
        answer = await client.post("/", headers={"origin": origin})
        assert (answer.status_code, answer.text) == (403, WRONG_ORIGIN)
    assert (await client.post("/")).status_code == 403
    assert (await client.get("/", headers={"origin": "http://evil.example"})).status_code == 403
    assert (await client.post("/", headers={"origin": HOME})).status_code == 200


# ------------------------------------------------------------------ what a text becomes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>Kính gửi</b> Sở &amp; ngành", "<b>Kính gửi</b> Sở &amp; ngành"),
        ("<script>alert(1)</script>", "alert(1)"),
        ('<b onclick="x()">a</b>', "<b>a</b>"),
        ("<b>chưa <i>đóng", "<b>chưa <i>đóng</i></b>"),
        ("<b>lệch <i>nhau</b> rồi</i>", "<b>lệch <i>nhau</i></b> rồi"),
        ("</b>thừa", "thừa"),
        ('<a href="javascript:x()">bấm</a>', "bấm"),
        (
            '<a href="https://a.vn/?x=1&y=%22">tải</a>',
            '<a href="https://a.vn/?x=1&amp;y=%22" target="_blank" rel="noopener noreferrer">tải</a>',
        ),
        ("dòng<br>mới", "dòng\nmới"),
        ("1 < 2 && 3 > 2", "1 &lt; 2 &amp;&amp; 3 &gt; 2"),
        ("<img src=x onerror=alert(1)>", ""),
    ],
)
def test_only_harmless_tags_reach_the_page(text: str, shown: str) -> None:
    assert safe_html(text) == shown


@given(st.text(alphabet="<>/ab\"'=&;! -scriptonk", max_size=60))
def test_no_text_makes_another_tag_than_the_allowed(text: str) -> None:
    allowed = "b|i|s|u|a|em|code|pre|strong|blockquote"
    for tag in re.findall(r"<[^>]*>", safe_html(text)):
        assert re.fullmatch(rf"</?({allowed})( href=\"https?://[^\"<>]*\"[^<>]*)?>", tag)


def test_a_preview_is_one_line_without_markup() -> None:
    assert preview_line("<b>Kính gửi</b>\n\nSở &amp; ngành", is_html=True) == "Kính gửi Sở & ngành"
    assert preview_line("1 < 2\nxong", is_html=False) == "1 < 2 xong"


@given(st.text(max_size=400), st.integers(min_value=4, max_value=80))
def test_pieces_fit_and_lose_nothing_but_white_space(text: str, most: int) -> None:
    parts = list(split_text(text, most))
    assert all(0 < utf16_length(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_pieces_are_cut_between_paragraphs_first() -> None:
    assert list(split_text("một hai\n\nba bốn\nnăm", 14)) == ["một hai", "ba bốn\nnăm"]
    assert list(split_text("📌" * 5, 4)) == ["📌📌", "📌📌", "📌"]


def test_initials_tell_agencies_of_one_kind_apart() -> None:
    assert initials("Sở Khoa học và Công nghệ") == "KH"
    assert initials("UBND xã Ia Grai") == "IG"
    assert initials("Lãnh đạo UBND tỉnh") == "UT"
    assert initials("Nhóm Sở Nội vụ") == "NV"
    assert initials("Nhóm mới, chưa kết nối") == "NM"


def test_an_address_keeps_only_what_it_knows() -> None:
    where = PageAddress.of("tinh=gia-lai&chat=12&xem=zalo&la=1&dap=m1&khoa=abc&next=//evil.example")
    assert where.href() == "/?tinh=gia-lai&chat=12&xem=zalo&la=1&dap=m1"
    assert where.href(chat=None) == "/?tinh=gia-lai&xem=zalo"
    assert PageAddress.of("chat=x&xem=khác") == PageAddress()
    assert PageAddress.of("chat=²&chat=9") == PageAddress()


# ------------------------------------------------------------------ chats


def sent(
    remote_id: str, text: str, *, edits: str | None = None, actions: tuple[str, ...] = ()
) -> ChatEntry:
    row = tuple(Button(action, action) for action in actions)
    message = TwinMessage(
        "a", text, buttons=(row,) if row else (), edits=edits, on_zalo=f"Z {text}"
    )
    return ChatEntry(remote_id, NOW, message)


def test_an_edit_changes_its_message_in_place_on_telegram_and_is_a_new_one_on_zalo() -> None:
    lines = [
        sent("1", "<b>một</b>", actions=("ack:1",)),
        ChatEntry("u1", NOW, None, "<i>chào</i>"),
        sent("1", "đã nhận", edits="1"),
    ]
    shown = telegram_bubbles(lines, seen=0)
    assert [(one.mine, one.text, one.note) for one in shown] == [
        (False, "đã nhận", "đã sửa"),
        (True, "&lt;i&gt;chào&lt;/i&gt;", ""),
    ]
    assert shown[0].buttons == ()
    on_zalo = zalo_bubbles(lines, seen=0)
    assert [one.text for one in on_zalo] == [
        "Z &lt;b&gt;một&lt;/b&gt;",
        "&lt;i&gt;chào&lt;/i&gt;",
        "Z đã nhận",
    ]
    assert all(not one.buttons for one in on_zalo)


def test_a_number_typed_as_on_zalo_means_the_choice_that_zalo_shows() -> None:
    asked = sent("1", "Chọn.\nTrả lời bằng số: 1 Đã nhận · 2 Xin gia hạn · 3 Quay lại")
    assert meant_on_zalo([asked], "2") == "Xin gia hạn"
    assert meant_on_zalo([asked, ChatEntry("u1", NOW, None, "chờ em")], "1") == "Đã nhận"
    assert meant_on_zalo([asked], "4") == "4"
    assert meant_on_zalo([asked], "đã xong") == "đã xong"
    assert meant_on_zalo([asked, sent("2", "1. Báo cáo")], "1") == "1"
    assert meant_on_zalo([], "1") == "1"


def test_the_first_line_not_seen_before_is_marked_but_an_edit_never_is() -> None:
    lines = [sent("1", "một"), sent("2", "hai"), sent("1", "một rưỡi", edits="1")]
    assert [one.fresh for one in telegram_bubbles(lines, seen=1)] == [False, True]
    assert [one.fresh for one in telegram_bubbles(lines, seen=2)] == [False, False]


def test_the_day_stands_once_above_its_first_message() -> None:
    later = ChatEntry("3", datetime(2026, 11, 22, 17, 30, tzinfo=UTC), None, "thứ Hai rồi")
    days = [
        one.day for one in telegram_bubbles([sent("1", "một"), sent("2", "hai"), later], seen=0)
    ]
    assert days == ["thứ Sáu, ngày 20/11/2026", None, "thứ Hai, ngày 23/11/2026"]


def test_a_message_sent_plain_is_shown_as_it_is() -> None:
    line = ChatEntry("1", NOW, OutgoingMessage("a", "1 < 2 <b>", plain=True))
    assert telegram_bubbles([line], seen=0)[0].text == "1 &lt; 2 &lt;b&gt;"


async def test_only_a_button_of_the_message_in_its_present_form_can_be_pressed() -> None:
    keeper = SandboxChannel(SteppedClock(NOW))
    row = (Button("Đã nhận", "ack:7"),)
    receipt = await keeper.send(OutgoingMessage("a", "một", buttons=(row,)))
    raw = await keeper.press(PRIVATE, receipt.remote_id, "ack:7", LAN)
    incoming = keeper.parse(5, raw.raw)
    assert incoming is not None
    assert (incoming.kind, incoming.text, incoming.reply_to) == (
        "action",
        "ack:7",
        receipt.remote_id,
    )
    for chat, remote_id, action in (
        (PRIVATE, receipt.remote_id, "done:7"),
        (GROUP, receipt.remote_id, "ack:7"),
        (PRIVATE, "lạ", "ack:7"),
    ):
        with pytest.raises(NoSuchButton):
            await keeper.press(chat, remote_id, action, LAN)
    await keeper.send(OutgoingMessage("a", "đã nhận", edits=receipt.remote_id))
    with pytest.raises(NoSuchButton):
        await keeper.press(PRIVATE, receipt.remote_id, "ack:7", LAN)


def read(keeper: SandboxChannel, raw: bytes) -> Incoming:
    incoming = keeper.parse(5, raw)
    assert incoming is not None
    return incoming


async def test_what_is_typed_in_a_group_tells_who_says_it_and_which_message_it_answers() -> None:
    keeper = SandboxChannel(SteppedClock(NOW))
    receipt = await keeper.send(OutgoingMessage("g", "<b>Kính gửi</b> nhóm"))
    raw = await keeper.say(GROUP, "đã xong", GROUP.speakers[1], reply_to=receipt.remote_id)
    incoming = read(keeper, raw.raw)
    assert (incoming.chat_kind, incoming.chat_title, incoming.kind) == ("group", "Nhóm", "text")
    assert (incoming.sender, incoming.sender_name) == ("8", "Dũng")
    assert incoming.reply_to == receipt.remote_id
    shown = telegram_bubbles(keeper.chats["g"], seen=0)[-1]
    assert (shown.speaker, shown.answers) == ("Dũng", "Kính gửi nhóm")
    raw = await keeper.say(PRIVATE, "đã xong", LAN, reply_to=receipt.remote_id)
    assert read(keeper, raw.raw).reply_to is None  # it stands in another chat
    assert telegram_bubbles(keeper.chats["a"], seen=0)[-1].speaker == ""


async def test_a_file_is_carried_in_the_raw_update_itself() -> None:
    keeper = SandboxChannel(SteppedClock(NOW))
    raw = await keeper.say(PRIVATE, "", LAN, file=UploadedFile("anh.jpg", b"JFIF", is_photo=True))
    incoming = read(keeper, raw.raw)
    assert (incoming.kind, incoming.attachments) == ("other", ("photo",))
    (file,) = incoming.files
    assert (file.name, file.size) == ("anh.jpg", 4)
    assert await keeper.fetch(file, most=10) == b"JFIF"
    assert telegram_bubbles(keeper.chats["a"], seen=0)[0].file == "anh.jpg (1 KB)"
    assert last_message_line(keeper.chats["a"]) == "Bạn: anh.jpg (1 KB)"
    raw = await keeper.say(PRIVATE, "báo cáo đây", LAN, file=UploadedFile("bc.pdf", b"%PDF-"))
    assert (read(keeper, raw.raw).kind, read(keeper, raw.raw).attachments) == (
        "text",
        ("document",),
    )
    assert last_message_line(keeper.chats["a"]) == "Bạn: bc.pdf (1 KB) · báo cáo đây"
    assert [one.file for one in zalo_bubbles(keeper.chats["a"], seen=0)] == [
        "anh.jpg (1 KB)",
        "bc.pdf (1 KB)",
    ]


async def test_a_file_bigger_than_is_kept_is_carried_by_name_and_size_alone() -> None:
    keeper = SandboxChannel(SteppedClock(NOW))
    raw = await keeper.say(
        PRIVATE, "", LAN, file=UploadedFile("to.pdf", bytes(MAX_EVIDENCE_BYTES + 1))
    )
    (file,) = read(keeper, raw.raw).files
    assert (file.name, file.size, file.ref) == ("to.pdf", MAX_EVIDENCE_BYTES + 1, "")
    assert len(raw.raw) < 1000


async def test_a_picture_and_a_file_stay_with_their_message_and_are_not_on_zalo() -> None:
    keeper = SandboxChannel(SteppedClock(NOW))
    drawn = render_qr("https://t.me/bot?start=x", send=None)
    first = await keeper.send(OutgoingMessage("a", "mã mời", picture=drawn))
    report = OutgoingDocument("báo cáo <1>.docx", "application/x", bytes(3000))
    await keeper.send(OutgoingMessage("a", "dự thảo", document=report))
    await keeper.send(OutgoingMessage("a", "mã đã dùng", edits=first.remote_id))
    code, draft = telegram_bubbles(keeper.chats["a"], seen=0)
    side = int.from_bytes(drawn[16:20], "big")
    assert (code.text, code.picture, code.document) == (
        "mã đã dùng",
        AttachedFile(width=side, height=side),
        None,
    )
    assert (draft.picture, draft.document) == (None, AttachedFile("báo cáo <1>.docx (3 KB)"))
    assert keeper.message(PRIVATE, first.remote_id) == OutgoingMessage(
        "a", "mã đã dùng", edits=first.remote_id, picture=drawn
    )
    assert keeper.message(GROUP, first.remote_id) is None
    on_zalo = zalo_bubbles(keeper.chats["a"], seen=0)
    assert [(one.picture, one.document, one.file) for one in on_zalo] == [(None, None, "")] * 3


def test_a_size_is_written_as_people_read_it() -> None:
    assert [file_size(n) for n in (0, 1500, 200_000, 3_500_000)] == [
        "1 KB",
        "1 KB",
        "195 KB",
        "3,3 MB",
    ]


async def test_where_the_bot_was_shut_out_nothing_arrives_until_it_is_let_in() -> None:
    keeper = SandboxChannel(SteppedClock(NOW))
    for chat, why in ((PRIVATE, "blocked"), (GROUP, "kicked")):
        gone = read(keeper, (await keeper.block_bot(chat, LAN)).raw)
        assert (gone.kind, gone.text) == ("gone", why)
        with pytest.raises(Gone):
            await keeper.send(OutgoingMessage(chat.address, "một"))
        assert read(keeper, (await keeper.unblock_bot(chat, LAN)).raw).kind == "back"
        await keeper.send(OutgoingMessage(chat.address, "hai"))
        assert [one.left for one in telegram_bubbles(keeper.chats[chat.address], seen=0)] == [
            "gone",
            "back",
            "",
        ]
        assert last_message_line(keeper.chats[chat.address][:2]) == ""


# ------------------------------------------------------------------ the file


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def make_file(path: Path, *, mark: str | None) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await upgrade_schema(database)
    await database.dispose()
    with sqlite3.connect(path) as file:
        if mark is not None:
            file.execute("INSERT INTO meta (key, value) VALUES ('sandbox', ?)", (mark,))
        file.execute("INSERT INTO account (channel, name, epoch) VALUES ('telegram', '8001', 0)")
    file.close()


async def test_an_earlier_sandbox_file_is_removed_with_what_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    remove_earlier_database(path)
    await make_file(path, mark="1")
    remove_earlier_database(path)
    assert names_in(tmp_path) == []


async def test_a_file_of_the_service_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    await make_file(path, mark=None)
    with pytest.raises(DatabaseUnusable, match="không phải tệp của bản chạy thử"):
        remove_earlier_database(path)
    assert path.exists()


def test_a_file_that_is_no_database_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    path.write_text("ghi chú của tôi" * 100, encoding="utf-8")
    with pytest.raises(DatabaseUnusable, match="như một tệp SQLite"):
        remove_earlier_database(path)
    assert path.exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("một tệp, không phải thư mục", encoding="utf-8")
    with pytest.raises(DatabaseUnusable, match="Không ghi được vào thư mục"):
        remove_earlier_database(tmp_path / "var" / "sandbox.db")


async def test_a_file_that_another_sandbox_has_open_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    await make_file(path, mark="1")
    database = Database(f"sqlite+aiosqlite:///{path}")
    async with database.read() as connection:
        await connection.exec_driver_sql("SELECT * FROM meta")
    try:
        with pytest.raises(DatabaseUnusable, match="Một bản chạy thử khác"):
            remove_earlier_database(path)
        assert path.exists()
    finally:
        await database.dispose()
    remove_earlier_database(path)
    assert not path.exists()
