"""The sandbox at work: one province of the real registry, its page asked as a browser would."""

from __future__ import annotations

import asyncio
import html
import re
import socket
import sqlite3
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bot.config import Settings, SettingsRefused
from bot.sandbox.forms import MOST_UPLOAD
from bot.sandbox.mornings import first_reminder_day
from bot.sandbox.page import NO_FILE, make_page_app
from bot.sandbox.people import SandboxChat
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.serve import serve_sandbox
from bot.web.server import PortUnusable
from data.clock import civil_date
from data.files import DOCX
from data.progress.evidence import MAX_EVIDENCE_BYTES
from data.registry.province import is_alive
from data.registry.registry import Registry, read_folder
from jobs.channel import OutgoingDocument, OutgoingMessage
from jobs.rendering.qr import render_qr
from tests.conftest import SHIPPED

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]  # all five plans at work

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
SUNDAY = date(2026, 11, 22)
FRIDAY = date(2026, 11, 20)
PORT = 8123
HOME = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def province() -> Registry:
    texts = read_folder(SHIPPED)
    kept = ("plans/lang-son-131-2020.yaml", "agencies/lang-son.yaml")
    return Registry.from_texts(
        {path: text for path, text in texts.items() if path in kept or path.startswith("calendar/")}
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox") / "var" / "sandbox.db"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(province: Registry, path: Path) -> AsyncIterator[Sandbox]:
    made = await Sandbox.create(province, path, today=SUNDAY)
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=make_page_app(sandbox, port=PORT, token="tok-en"))
    async with httpx.AsyncClient(
        transport=transport, base_url=HOME, headers={"origin": HOME}, follow_redirects=True
    ) as made:
        await made.get("/?khoa=tok-en")
        yield made


def chat_of(sandbox: Sandbox, agency: str | None, part: str = "focal") -> SandboxChat:
    return next(c for c in sandbox.chats.values() if (c.agency, c.part) == (agency, part))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def bubbles_in(page: str) -> list[str]:
    """Return the texts of a page's bubbles, without markup."""
    found = re.findall(r'<div class="text">(.*?)</div><span class="stamp">', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", text)) for text in found]


def buttons_in(page: str) -> dict[str, str]:
    """Return the action of every button under a bubble by its label."""
    return {
        label: action
        for action, label in re.findall(r'name="action" value="([^"]+)">([^<]+)<', page)
    }


async def press(browser: httpx.AsyncClient, chat: SandboxChat, page: str, label: str) -> str:
    message = re.findall(r'name="message" value="([^"]+)"', page)[-1]
    form = {
        "chat": str(chat.id),
        "message": message,
        "back": f"chat={chat.id}",
        "action": buttons_in(page)[label],
    }
    return (await browser.post("/press", data=form)).text


async def say(browser: httpx.AsyncClient, chat: SandboxChat, text: str, **more: str) -> str:
    form = {"chat": str(chat.id), "text": text, "back": f"chat={chat.id}", **more}
    return (await browser.post("/say", data=form)).text


async def send_file(
    browser: httpx.AsyncClient, chat: SandboxChat, text: str, *files: tuple[str, bytes]
) -> httpx.Response:
    form = {"chat": str(chat.id), "text": text, "back": f"chat={chat.id}"}
    chosen = [("file", file) for file in files]
    return await browser.post("/say", data=form, files=chosen)


def message_ids(page: str) -> list[str]:
    return re.findall(r'<div class="line" data-id="([^"]+)"', page)


async def test_it_opens_on_the_last_working_morning_on_which_a_reminder_goes_out(
    registry: Registry, province: Registry
) -> None:
    assert first_reminder_day(registry, today=SUNDAY) == FRIDAY
    assert first_reminder_day(province, today=SUNDAY) == FRIDAY  # one working day before the 23rd
    assert first_reminder_day(province, today=date(2026, 11, 19)) == date(
        2026, 11, 18
    )  # three before


async def test_everybody_a_newcomer_may_be_has_a_chat(sandbox: Sandbox) -> None:
    home = sandbox.registry.provinces["lang-son"]
    focal = {chat.agency for chat in sandbox.chats.values() if chat.part == "focal"}
    assert focal == {agency.code for agency in home.file.agencies if is_alive(agency, FRIDAY)}
    assert chat_of(sandbox, "so-khcn", "coordinator").name == "Sở Khoa học và Công nghệ"
    parts = [chat.part for chat in sandbox.chats.values()]
    assert parts[:7] == [
        *("coordinator", "leader"),
        *("group", "group", "stranger", "stranger"),
        "focal",
    ]
    assert set(parts[6:]) == {"focal"}


async def test_the_file_is_marked_as_a_sandbox(sandbox: Sandbox, path: Path) -> None:
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT value FROM meta WHERE key = 'sandbox'").fetchall() == [("1",)]
    file.close()


async def test_the_mornings_reminders_are_there_at_once(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    assert sandbox.morning.messages > 0
    page = (await browser.get("/")).text
    assert "thứ Sáu, ngày 20/11/2026 07:30" in page
    assert f"Sáng nay {sandbox.morning.messages} tin tới" in page
    chat = chat_of(sandbox, "so-noi-vu")
    shown = bubbles_in((await browser.get(f"/?chat={chat.id}")).text)
    assert shown[0].startswith("Kính gửi: Sở Nội vụ")
    assert "trước ngày 10/11" in shown[0]
    assert "Tin tự động, thay mặt Sở Khoa học và Công nghệ; không thay văn bản." in shown[0]


async def test_a_chat_that_was_looked_at_has_no_unread_badge(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat = chat_of(sandbox, "so-tu-phap")
    row = re.compile(rf'chat={chat.id}" data-go.*?</a>', re.DOTALL)
    before = row.search((await browser.get("/")).text)
    after = row.search((await browser.get(f"/?chat={chat.id}")).text)
    assert before is not None
    assert after is not None
    assert 'class="badge"' in before[0]
    assert 'class="badge"' not in after[0]


async def test_a_tapped_button_changes_the_message_in_place(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat = chat_of(sandbox, "so-y-te")
    page = (await browser.get(f"/?chat={chat.id}")).text
    before = len(bubbles_in(page))
    page = await press(browser, chat, page, "Đã nhận tất cả")
    assert "đã sửa" in page
    assert len(bubbles_in(page)) == before
    assert "→ đã nhận" in bubbles_in(page)[-1]


async def test_what_is_typed_is_stored_handled_and_answered(
    sandbox: Sandbox, browser: httpx.AsyncClient, path: Path
) -> None:
    chat = chat_of(sandbox, "so-xay-dung")
    page = await say(browser, chat, "/viec <b>")
    mine, answer = bubbles_in(page)[-2:]
    assert mine == "/viec <b>"
    assert "131/KH-UBND" in answer
    with sqlite3.connect(path) as file:
        query = "SELECT state FROM inbox_event WHERE address = ?"
        assert file.execute(query, (chat.address,)).fetchall() == [("done",)]
    file.close()


async def test_on_zalo_the_same_message_has_no_buttons_but_says_what_to_type(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat = chat_of(sandbox, "so-cong-thuong")
    page = (await browser.get(f"/?chat={chat.id}&xem=zalo")).text
    assert buttons_in(page) == {}
    (morning,) = bubbles_in(page)
    assert "Trả lời bằng số" in morning
    assert "<b>" not in page.partition('id="thread"')[2]
    buttons = buttons_in((await browser.get(f"/?chat={chat.id}")).text)
    assert {"1", "2", "Đã nhận tất cả"} <= buttons.keys()


async def test_the_search_finds_an_agency_typed_without_marks(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    page = (await browser.get("/?tim=tu+phap")).text
    assert re.findall(r'<span class="name">([^<]+)</span>', page) == ["Sở Tư pháp"]
    assert "Không thấy cơ quan nào" in (await browser.get("/?tim=khong-co")).text


async def test_a_form_that_names_nothing_known_changes_nothing(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat = chat_of(sandbox, "so-tai-chinh")
    lines = list(sandbox.lines(chat))
    for address, form in (
        ("/say", {"chat": "999999", "text": "chào"}),
        ("/say", {"chat": str(chat.id), "text": "   "}),
        ("/press", {"chat": str(chat.id), "message": "lạ", "action": "done:1"}),
        ("/step", {"to": "2030"}),
    ):
        assert (await browser.post(address, data=form)).status_code == 200
    too_long = await browser.post("/say", data={"chat": str(chat.id), "text": "a" * 4001})
    assert too_long.status_code == 400
    assert sandbox.lines(chat) == lines


async def test_a_photo_with_words_beneath_it_is_kept_for_what_they_report_as_done(
    sandbox: Sandbox, browser: httpx.AsyncClient, path: Path
) -> None:
    chat = chat_of(sandbox, "so-vhttdl")
    answer = await send_file(browser, chat, "1 đã xong", ("anh hiện trường.png", PNG))
    assert "anh hiện trường.png (1 KB)" in answer.text
    assert "Đã lưu: anh hiện trường.png" in bubbles_in(answer.text)[-1]
    with sqlite3.connect(path) as file:
        kept = file.execute(
            "SELECT name, content FROM evidence JOIN evidence_content USING (sha256)"
        )
        assert kept.fetchall() == [("anh hiện trường.png", PNG)]
        query = "SELECT state, raw FROM inbox_event WHERE address = ?"
        ((state, raw),) = file.execute(query, (chat.address,)).fetchall()
        assert state == "done"
        assert b64encode(PNG) in raw
    file.close()


async def test_a_file_that_is_not_kept_is_refused_by_the_bot_and_a_huge_one_at_the_door(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat = chat_of(sandbox, "so-dtg")
    page = (await send_file(browser, chat, "1 đã xong", ("x.exe", b"MZ"))).text
    assert "chỉ nhận ảnh" in bubbles_in(page)[-1]
    page = (await send_file(browser, chat, "", ("to.pdf", bytes(MAX_EVIDENCE_BYTES + 1)))).text
    assert "lớn hơn 10 MB" in bubbles_in(page)[-1]
    lines = list(sandbox.lines(chat))
    huge = await send_file(browser, chat, "", ("to.pdf", bytes(MOST_UPLOAD + 100_000)))
    assert huge.status_code == 413
    assert "chỉ nhận tệp đến 15 MB" in huge.text
    two = await send_file(browser, chat, "", ("a.pdf", b"1"), ("b.pdf", b"2"))
    assert two.status_code == 400
    assert "nhiều nhất một tệp" in two.text
    nothing = await send_file(browser, chat, " ", ("", b""))
    assert nothing.status_code == 200
    assert sandbox.lines(chat) == lines


async def test_what_the_bot_sends_along_is_shown_and_given_out_for_its_own_message_alone(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat, other = chat_of(sandbox, "so-khcn"), chat_of(sandbox, "so-tu-phap")
    drawn = render_qr("https://t.me/bot?start=x", send=None)
    report = OutgoingDocument('báo cáo <b>"1".docx', DOCX, b"PK tep")
    keeper = sandbox.channel
    shown = (await keeper.send(OutgoingMessage(chat.address, "Mã mời", picture=drawn))).remote_id
    filed = (await keeper.send(OutgoingMessage(chat.address, "Bản", document=report))).remote_id
    bare = (await keeper.send(OutgoingMessage(chat.address, "Chữ"))).remote_id
    page = await browser.get(f"/?chat={chat.id}")
    places = [
        html.unescape(place) for place in re.findall(r'(?:src|href)="(/file[^"]+)"', page.text)
    ]
    own = f"/file?chat={chat.id}&tin="
    assert places == [own + shown, own + shown, own + filed]
    assert "img-src 'self' data:" in page.headers["content-security-policy"]
    assert "báo cáo &lt;b&gt;&#34;1&#34;.docx (1 KB)" in page.text
    answer = await browser.get(own + shown)
    assert (answer.content, answer.headers["content-type"]) == (drawn, "image/png")
    answer = await browser.get(own + filed)
    assert (answer.content, answer.headers["content-type"]) == (b"PK tep", DOCX)
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''b%C3%A1o%20c%C3%A1o%20%3Cb%3E%221%22.docx"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    theirs = f"/file?chat={other.id}&tin={shown}"
    for wrong in (theirs, own + bare, own + "la", own, "/file", f"/file?chat=²&tin={shown}"):
        answer = await browser.get(wrong)
        assert (answer.status_code, NO_FILE in answer.text) == (404, True)
    page = await browser.get(f"/?chat={chat.id}&xem=zalo")
    assert "/file?" not in page.text
    door = httpx.ASGITransport(app=make_page_app(sandbox, port=PORT, token="tok-en"))
    async with httpx.AsyncClient(transport=door, base_url=HOME) as stranger:
        assert (await stranger.get(own + filed)).status_code == 403


async def test_a_stranger_sees_the_help_text_is_locked_by_wrong_codes_and_let_in_by_a_right_one(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    first, second = (c for c in sandbox.chats.values() if c.part == "stranger")
    page = await say(browser, first, "xin chào")
    assert "chỉ phục vụ người đã đăng ký" in bubbles_in(page)[-1]
    for _ in range(4):
        page = await say(browser, first, "AAAAA-AAAAA")
    assert "không dùng được" in bubbles_in(page)[-1]
    page = await say(browser, first, "AAAAA-AAAAA")
    assert "tạm ngừng nhận mã" in bubbles_in(page)[-1]
    page = await say(browser, chat_of(sandbox, "so-khcn", "coordinator"), "/moi Sở Tư pháp")
    code = re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}", bubbles_in(page)[-1])
    assert code is not None
    page = await say(browser, second, code[0])
    assert "Sở Tư pháp" in bubbles_in(page)[-1]
    assert "Sở Tư pháp" in bubbles_in(await say(browser, second, "/viec"))[-1]


async def test_in_a_group_all_may_acknowledge_but_only_the_enrolled_may_answer(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    group = next(chat for chat in sandbox.chats.values() if chat.part == "group")
    own = f"chat={group.id}"
    page = (await browser.get(f"/?{own}")).text
    assert "Người chưa đăng ký" in page
    (reminder,) = message_ids(page)
    reply = {"reply_to": reminder, "as": "1"}
    page = await say(browser, group, "1 đã xong", **reply)
    assert "cần người đã đăng ký" in bubbles_in(page)[-1]
    assert "đã nhận" in bubbles_in(await say(browser, group, "1 đã nhận", **reply))[-1].lower()
    page = await say(browser, group, "1 đã xong", reply_to=reminder)
    assert "Trả lời: Đã hoàn thành." in bubbles_in(page)[-1]
    before = len(sandbox.lines(group))
    await say(browser, group, "trưa nay ăn gì?")
    assert len(sandbox.lines(group)) == before + 1  # people talk among themselves
    page = (await browser.get(f"/?{own}&la=1&dap={reminder}")).text
    assert f'name="reply_to" value="{reminder}"' in page
    assert 'name="as" value="1"' in page


async def test_a_chat_that_shuts_the_bot_out_takes_no_words_and_the_coordinator_is_told(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    chat = chat_of(sandbox, "so-tai-chinh")
    steering = chat_of(sandbox, "so-khcn", "coordinator")
    form = {"chat": str(chat.id), "back": f"chat={chat.id}"}
    page = (await browser.post("/reach", data={**form, "reach": "gone"})).text
    assert "Bạn đã chặn Nhắc Việc" in page
    assert "Bỏ chặn Hệ thống" in page
    assert 'id="text"' not in page
    assert buttons_in(page) == {}
    told = bubbles_in((await browser.get(f"/?chat={steering.id}")).text)[-1]
    assert "Sở Tài chính" in told
    lines = list(sandbox.lines(chat))
    await say(browser, chat, "/viec")
    await browser.post("/press", data={**form, "message": "x", "action": "ack:1"})
    await browser.post("/reach", data={**form, "reach": "gone"})
    assert sandbox.lines(chat) == lines
    await browser.post("/reach", data={**form, "reach": "back"})
    assert "131/KH-UBND" in bubbles_in(await say(browser, chat, "/viec"))[-1]


async def test_the_clock_steps_to_the_next_working_day_and_to_the_next_reminders(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    sent = sandbox.total.messages
    page = (await browser.post("/step", data={"to": "workday"})).text
    assert "thứ Hai, ngày 23/11/2026 07:30" in page
    # On a Monday the week stands in the same message; a picture waits for who follows plans.
    steering = chat_of(sandbox, "so-khcn", "coordinator")
    *_, morning = sandbox.lines(steering)
    assert morning.sent is not None
    assert "Thứ Hai, ngày 23/11/2026: " in morning.sent.text
    assert "tổng hợp tuần" in morning.sent.text.lower()
    await say(browser, steering, "/bieudo")
    *_, picture = sandbox.lines(steering)
    assert picture.sent is not None
    assert picture.sent.picture is not None
    await browser.post("/step", data={"to": "reminders"})
    assert civil_date(await sandbox.clock.now()) > date(2026, 11, 23)
    assert sandbox.morning.messages > 0
    assert sandbox.total.messages > sent


async def test_two_tabs_at_once_are_served_one_after_the_other(
    sandbox: Sandbox, browser: httpx.AsyncClient
) -> None:
    one, two = chat_of(sandbox, "so-noi-vu"), chat_of(sandbox, "so-gddt")
    pages = await asyncio.gather(say(browser, one, "/help"), say(browser, two, "/help"))
    assert all(bubbles_in(page)[-2] == "/help" for page in pages)
    assert civil_date(await sandbox.clock.now()) == civil_date(sandbox.lines(two)[-1].at)


async def test_it_refuses_to_start_where_a_public_address_is_set(tmp_path: Path) -> None:
    settings = Settings(public_url="https://nhacviec.example.vn")
    with pytest.raises(SettingsRefused, match="NHACVIEC_PUBLIC_URL"):
        await serve_sandbox(settings, port=0, path=tmp_path / "sandbox.db")
    assert names_in(tmp_path) == []


async def test_a_port_in_use_is_told_before_the_earlier_file_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    path.write_text("của bản trước", encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortUnusable, match="đang có chương trình khác dùng"):
            await serve_sandbox(Settings(), port=taken.getsockname()[1], path=path)
    assert path.read_text(encoding="utf-8") == "của bản trước"


async def test_it_says_where_the_page_is_and_serves_it_there(tmp_path: Path) -> None:
    said: list[str] = []
    ready = asyncio.Event()

    def announce(line: str) -> None:
        said.append(line)
        if "khoa=" in line:
            ready.set()

    registry_dir = tmp_path / "registry"
    for name, text in read_folder(SHIPPED).items():
        if name.startswith("calendar/") or "dong-thap" in name:
            (registry_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (registry_dir / name).write_text(text, encoding="utf-8")
    serving = asyncio.create_task(
        serve_sandbox(
            Settings(registry_dir=registry_dir),
            port=0,
            path=tmp_path / "sandbox.db",
            announce=announce,
        )
    )
    await asyncio.wait({serving, asyncio.create_task(ready.wait())}, return_when="FIRST_COMPLETED")
    address = re.search(r"http://\S+", said[-1])
    assert address is not None
    async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as client:
        page = await client.get(address[0])
        assert page.status_code == 200
        assert "Đồng Tháp" in page.text
        bare = address[0].partition("?")[0]
        client.cookies.clear()
        assert (await client.get(bare)).status_code == 403
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert any("1 kế hoạch, 18 nhiệm vụ" in line for line in said)
