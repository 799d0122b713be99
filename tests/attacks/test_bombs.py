"""Files that exhaust who opens them, and marks inside files: each ends in a process of its own, in seconds."""

from __future__ import annotations

import hashlib
import io
import json
import resource
import struct
import time
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from sqlalchemy import insert, select

from bot.channels.local import LocalChannel, make_local_update
from bot.conversation.router import Router
from data.clock import SteppedClock
from data.db.database import Database
from data.models import Chat, Evidence, EvidenceContent, Message
from data.progress.evidence_quota import OF_A_PERSON, OF_AN_AGENCY
from data.sheets.plan_import import PLAN_SHEET_LIMITS
from data.sheets.plan_template import PLAN_PAGE, TASKS_PAGE, blank_workbook
from data.sheets.status_reader import read_status_sheet
from data.sheets.workbook import ImportRefused, WorkbookLimits, read_workbook
from data.untrusted.apart import CallFailed, Room, call_apart
from data.untrusted.attachments import judge_attachment
from jobs.inbox.intake import store_updates
from jobs.inbox.worker import Inbox
from tests.support.changed_sheets import workbook
from tests.support.conversations import TEMPLATES, Seat, Talk, small_registry

pytestmark = pytest.mark.slow

GREEDY = "tests.support.greedy_calls"
SMALL = Room(seconds=2, memory=200 * 1024 * 1024, result=100_000)
PATIENCE = 60  # seconds, for a machine that has other things to do
GROWTH = 60_000  # KiB that this process may take beside
NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


# ------------------------------------------------------------------ a process of its own


@pytest.mark.parametrize("function", ["fill_memory", "spin", "stop", "no_such_function"])
def test_a_call_that_takes_more_than_its_room_fails_and_nothing_else(function: str) -> None:
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CallFailed):
        call_apart(f"{GREEDY}:{function}", b"x" * 1000, {}, room=SMALL)
    assert time.perf_counter() - began < PATIENCE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH


def test_a_call_returns_no_more_and_writes_no_larger_file_than_its_room(tmp_path: Path) -> None:
    assert call_apart(f"{GREEDY}:return_much", b"", {"size": 90_000}, room=SMALL) == "x" * 90_000
    with pytest.raises(CallFailed):
        call_apart(f"{GREEDY}:return_much", b"", {"size": 200_000}, room=SMALL)
    with pytest.raises(CallFailed):
        call_apart(f"{GREEDY}:write_file", b"", {"path": str(tmp_path / "x")}, room=SMALL)


def test_a_call_sees_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NHACVIEC_TELEGRAM_TOKEN", "123:abc")
    told = call_apart(f"{GREEDY}:tell_surroundings", b"ab\ncd", {"more": {"ạ": [1]}})
    assert (told["read"], told["more"], told["numpy"]) == (5, {"ạ": [1]}, None)
    assert not any("NHACVIEC" in name or "HOME" in name for name in told["names"])


# ------------------------------------------------------------------ sheets


def streamed(name: str, start: bytes, piece: bytes, times: int, end: bytes) -> bytes:
    """Return a sheet with one part of many equal pieces, made in little memory."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(blank_workbook())) as kept,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for each in kept.namelist():
            if each != name:
                made.writestr(each, kept.read(each))
        with made.open(name, "w") as part:
            part.write(start)
            for _ in range(times):
                part.write(piece)
            part.write(end)
    return out.getvalue()


def lzma_packed() -> bytes:
    out = io.BytesIO(workbook())
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/more.xml", b"<a/>" * 10, compress_type=zipfile.ZIP_LZMA)
    return out.getvalue()


SHEET_BOMBS: dict[str, Callable[[], bytes]] = {
    "1.5 million styles": lambda: streamed(
        "xl/styles.xml", f"<styleSheet {SHEET}><cellXfs>".encode(), b'<xf fontId="0"/>' * 1000, 1500,
        b"</cellXfs></styleSheet>",
    ),
    "an attribute of 190 MB": lambda: streamed(
        "xl/worksheets/sheet2.xml", b'<worksheet a="', b"x" * 1_000_000, 190, b'"/>'
    ),
    "a comment of 190 MB": lambda: streamed(
        "xl/worksheets/sheet2.xml", b"<worksheet><!--", b"x" * 1_000_000, 190, b"--></worksheet>"
    ),
    "one shared string of 190 MB": lambda: streamed(
        "xl/sharedStrings.xml", f"<sst {SHEET}><si><t>".encode(), b"x" * 1_000_000, 190, b"</t></si></sst>"
    ),
    "a tag without end": lambda: streamed("xl/worksheets/sheet2.xml", b"<", b"x" * 1_000_000, 190, b"/>"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHEET_BOMBS)
def test_a_small_sheet_that_exhausts_the_machine_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bom.xlsx"
    path.write_bytes(SHEET_BOMBS[kind]())
    assert path.stat().st_size < 1_000_000
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ImportRefused, match="nội dung quá lớn"):
        read_workbook(path, [PLAN_PAGE], WorkbookLimits())
    assert time.perf_counter() - began < PATIENCE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH


def test_another_packing_than_zips_own_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "la.xlsx"
    path.write_bytes(lzma_packed())
    with pytest.raises(ImportRefused, match="không phải tệp Excel"):
        read_workbook(path, [PLAN_PAGE], PLAN_SHEET_LIMITS)


def test_a_merge_over_the_whole_sheet_is_named_and_never_filled_in(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(io.BytesIO(blank_workbook()))
    page = f"xl/worksheets/sheet{book.sheetnames.index(TASKS_PAGE) + 1}.xml"
    with zipfile.ZipFile(io.BytesIO(blank_workbook())) as kept:
        xml = kept.read(page)
    merge = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    path = tmp_path / "gop.xlsx"
    path.write_bytes(workbook(**{page: xml.replace(b"</sheetData>", merge, 1)}))
    began = time.perf_counter()
    read = read_workbook(path, [TASKS_PAGE], PLAN_SHEET_LIMITS)
    assert read.pages[TASKS_PAGE].merged == ("A1:XFD1048576",)
    assert time.perf_counter() - began < PATIENCE


def test_a_mark_anywhere_in_a_sheet_is_told(tmp_path: Path) -> None:
    def made(change: Callable[[Any], None]) -> Path:
        book = openpyxl.load_workbook(io.BytesIO(blank_workbook()))
        change(book)
        path = tmp_path / "ke-hoach.xlsx"
        book.save(path)
        return path

    def cell(book: Any) -> None:
        book[TASKS_PAGE]["H40"] = "Độ mật: Tối mật"

    def header(book: Any) -> None:
        book[TASKS_PAGE].oddHeader.center.text = "TỐI MẬT"

    def page(book: Any) -> None:
        book.create_sheet("MẬT")

    for change in (cell, header, page):
        assert read_workbook(made(change), [PLAN_PAGE], PLAN_SHEET_LIMITS).is_marked, change
    plain = made(lambda book: book.create_sheet("Bảo mật"))
    assert not read_workbook(plain, [PLAN_PAGE], PLAN_SHEET_LIMITS).is_marked
    with pytest.raises(ImportRefused, match="tên tệp có dấu chỉ độ mật"):
        read_status_sheet(plain.rename(tmp_path / "TOI_MAT bang.xlsx"), today=date(2026, 11, 9))


# ------------------------------------------------------------------ documents and photos


def document(change: Callable[[Any], None]) -> bytes:
    made = docx.Document()
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def in_header(made: Any) -> None:
    made.sections[0].header.paragraphs[0].text = "TỐI MẬT"


def in_footer(made: Any) -> None:
    made.sections[0].footer.paragraphs[0].text = "Độ mật: Mật"


def in_cell(made: Any) -> None:
    made.add_table(1, 2).cell(0, 1).text = "MẬT"


def in_runs(made: Any) -> None:
    paragraph = made.add_paragraph()
    for piece in ("TUY", "ỆT M", "ẬT"):
        paragraph.add_run(piece).bold = True


def in_text_box(made: Any) -> None:
    box = (
        f'<w:r {WORD} xmlns:v="urn:schemas-microsoft-com:vml"><w:pict><v:shape><v:textbox><w:txbxContent><w:p>'
        "<w:r><w:t>MẬT</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
    )
    made.add_paragraph("Kính gửi Sở")._p.append(parse_xml(box))


def in_watermark(made: Any) -> None:
    mark = (
        f'<w:r {WORD} xmlns:v="urn:schemas-microsoft-com:vml"><w:pict><v:shape>'
        '<v:textpath string="TỐI MẬT"/></v:shape></w:pict></w:r>'
    )
    made.sections[0].header.paragraphs[0]._p.append(parse_xml(mark))


def beside_a_tab(made: Any) -> None:
    made.add_paragraph("UBND TỈNH\tMẬT\tCỘNG HOÀ")


def ordinary(made: Any) -> None:
    made.sections[0].header.paragraphs[0].text = "BẢO VỆ BÍ MẬT NHÀ NƯỚC"
    made.add_paragraph("Rà soát mật khẩu, mật độ dân cư; văn bản mật gửi theo đường riêng.")


@pytest.mark.parametrize(
    "change", [in_header, in_footer, in_cell, in_runs, in_text_box, in_watermark, beside_a_tab]
)
async def test_a_mark_anywhere_in_a_document_is_seen(change: Callable[[Any], None]) -> None:
    assert await judge_attachment(document(change), "bao cao.docx") == "secret"


async def test_documents_without_a_mark_are_kept() -> None:
    assert await judge_attachment(document(ordinary), "bao cao.docx") == ""
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
    text = "Kính gửi Sở\rBí mật nhà nước\rBáo cáo".encode("utf-16-le")
    assert await judge_attachment(old + text, "bao cao.doc") == ""


async def test_a_mark_in_an_old_document_or_in_a_name_is_seen() -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
    text = "UBND TỈNH\x07MẬT\x07Kính gửi Sở\rBáo cáo".encode("utf-16-le")
    assert await judge_attachment(old + text, "bao cao.doc") == "secret"
    assert await judge_attachment(b"%PDF-1.7", "TOI_MAT_bao cao.pdf") == "secret"


def packed(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def huge_picture() -> bytes:
    """Return a PNG that says it is 60,000 by 60,000."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">L", len(content)) + kind + content
            + struct.pack(">L", zlib.crc32(kind + content))
        )  # fmt: skip

    head = struct.pack(">LLBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


DOCUMENT_BOMBS: dict[str, Callable[[], bytes]] = {
    "attribute": lambda: packed(word__document_xml=b""),
    "nested": lambda: packed(**{"word__document.xml": b"<a>" * 100_000}),
    "entities": lambda: packed(**{"word__document.xml": b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}),
    "many parts": lambda: packed(**{f"word__{number}.xml": b"<a/>" for number in range(1001)}),
    "unpacked": lambda: packed(**{"word__media__a.png": bytes(151_000_000)}),
    "picture": huge_picture,
}  # fmt: skip
DOCUMENT_BOMBS["attribute"] = lambda: packed(
    **{"word__document.xml": b'<a b="' + b"x" * 20_000_000 + b'"/>'}
)


@pytest.mark.parametrize("kind", DOCUMENT_BOMBS)
async def test_a_file_that_exhausts_who_opens_it_is_not_kept(kind: str) -> None:
    content = DOCUMENT_BOMBS[kind]()
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert await judge_attachment(content, "bao cao") == "heavy"
    assert time.perf_counter() - began < PATIENCE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH


async def test_a_broken_file_is_told_as_such() -> None:
    assert await judge_attachment(b"PK\x03\x04 broken", "a.docx") == "broken"
    assert await judge_attachment(packed(**{"word__document.xml": b"<a>"}), "a.docx") == "broken"


# ------------------------------------------------------------------ in a chat


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(Seat("7", "dong", "stc"))


async def arrive(talk: Talk, content: bytes, name: str) -> Any:
    """Let a file come in by the inbox; returns the context of what is answered."""
    router = Router(lambda: talk.registry, TEMPLATES)
    channel = LocalChannel()
    inbox = Inbox(talk.database, {talk.account_id: channel}, router.handle, SteppedClock(talk.now))
    given = {"ref": b64encode(content).decode(), "name": name}
    raw = make_local_update(
        address="7", chat_kind="private", kind="other", sender="7", files=[given]
    )
    await store_updates(talk.database, talk.account_id, [raw], now=talk.now)
    await inbox.handle_pending()
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Message.template, Message.context).order_by(Message.id.desc()).limit(1)
        )
        template, context = rows.one()
        assert template == "evidence_kept"
        return context if isinstance(context, dict) else json.loads(context)


async def count_kept(talk: Talk) -> int:
    async with talk.database.read() as connection:
        return len((await connection.execute(select(Evidence.id))).all())


async def test_a_file_with_a_mark_or_a_bomb_is_told_and_not_kept(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    for content, name, why in (
        (document(in_header), "bao cao.docx", "secret"),
        (b"%PDF-1.7", "[MẬT] bao cao.pdf", "secret"),
        (huge_picture(), "anh.png", "heavy"),
        (b"PK\x03\x04 broken", "bao cao.docx", "broken"),
    ):
        context = await arrive(talk, content, name)
        assert [each["why"] for each in context["refused"]] == [why]
    assert await count_kept(talk) == 0
    kept = await arrive(talk, document(ordinary), "bao cao.docx")
    assert [each["name"] for each in kept["kept"]] == ["bao cao.docx"]


async def fill_day(
    talk: Talk, count: int, size: int, *, chat_id: int | None, person_id: int | None, at: datetime
) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    sha256 = hashlib.sha256(f"{at} {count}".encode()).hexdigest()
    async with talk.database.write() as connection:
        await connection.execute(insert(EvidenceContent).values(sha256=sha256, content=b"x"))
        values = {"obligation_id": row.id, "name": "anh.jpg", "mime": "image/jpeg", "size": size}
        values |= {"sha256": sha256, "person_id": person_id, "chat_id": chat_id, "kept_at": at}
        await connection.execute(insert(Evidence), [values] * count)


async def test_a_person_has_so_many_files_kept_a_day_and_no_more(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    yesterday = NOW - timedelta(days=1)
    await fill_day(talk, OF_A_PERSON.files, 1000, chat_id=None, person_id=1, at=yesterday)
    assert (await arrive(talk, b"%PDF-1 a", "a.pdf"))["kept"]
    await fill_day(talk, OF_A_PERSON.files - 2, 1000, chat_id=None, person_id=1, at=NOW)
    assert (await arrive(talk, b"%PDF-1 b", "b.pdf"))["kept"]
    full = await arrive(talk, b"%PDF-1 c", "c.pdf")
    assert [each["why"] for each in full["refused"]] == ["too_many"]


async def test_an_agency_has_so_many_bytes_kept_a_day_and_no_more(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    await fill_day(talk, 10, OF_AN_AGENCY.bytes // 10 - 1, chat_id=None, person_id=None, at=NOW)
    full = await arrive(talk, b"%PDF-1 and more than ten", "b.pdf")
    assert [each["why"] for each in full["refused"]] == ["too_many"]


async def test_a_chat_that_is_full_fetches_no_more(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("7", f"done:{row.id}")
    async with talk.database.read() as connection:
        chat_id = await connection.scalar(select(Chat.id).where(Chat.address == "7"))
    await fill_day(talk, OF_A_PERSON.files, 1000, chat_id=chat_id, person_id=None, at=NOW)
    full = await arrive(talk, b"%PDF-1 b", "b.pdf")
    assert [each["why"] for each in full["refused"]] == ["too_many"]
