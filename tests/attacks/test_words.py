"""Hostile words through every entry (chats, names, titles, file names, plans, sheets) to every exit.

An exit shows them as words: nothing in them is markup, a template, a formula, a line of a log or a command
to a terminal, and nothing turns the direction of what stands beside them.
"""

from __future__ import annotations

import io
import json
import logging
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from icalendar import Calendar
from openpyxl import load_workbook

from bot.cli.import_status import record_changes
from bot.cli.output import print_table
from bot.config import Settings
from bot.sandbox.markup import preview_line, safe_html
from bot.service.logs import configure_logging
from data.db.database import Database
from data.exports.page import ExportScope
from data.exports.record_pages import write_pages
from data.exports.writers import JsonSink, WorkbookSink
from data.log import get_logger
from data.registry.registry import Registry
from data.sheets.status_import import StatusChange
from data.sheets.workbook import neutralize_formula
from data.text import escape_invisible, strip_invisible
from jobs.calendars.entries import load_agenda
from jobs.calendars.ics import render_ics
from jobs.reports.make import ReportFile, make_report
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, TEMPLATES, Reply, Seat, Talk
from tests.support.telegram_server import without_markup

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 9)
STC, COORDINATOR = "101", "103"
NASTY = (
    "<b>đậm", "</b></i><u>", '<a href="javascript:alert(1)">x</a>', "<script>alert(1)</script>",
    "&lt;b&gt; &amp; & &#60;", '"><img src=x onerror=alert(1)>', "]]><!--",
    "{{ 7*7 }}", "{% for x in y %}", "{# #}", "{{ ''.__class__.__mro__ }}", "${7*7} #{7*7} <%= 7*7 %>",
    "=1+1", '=HYPERLINK("http://x.vn","x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1+1", "＝1+1",
    "*đậm* _nghiêng_ [x](http://x.vn) `m` ~g~ ||ẩn||", "\u202eđảo\u202c", "a\u200bb\u2066c\u2069", "\ufeffx",
    "\x1b[31mđỏ\x1b[0m", "\x1b]0;tên\x07", "\x9b31m", "dòng\r\nhai", "a\x00b", "a\x08\x7f",
    "xong\n2026-11-09T00:00:00Z [error] forged=1", "'; DROP TABLE message; --", "%s %n %(x)s {0}",
    "\\n\\u0041\\", "a\u2028b\u2029c", "BEGIN:VEVENT", "a;b,c:d",
)  # fmt: skip
KEPT = tuple(words.replace("\x00", "") for words in NASTY)  # a NUL is stopped at every door
STEERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


def registry_of(nasty: tuple[str, ...]) -> Registry:
    """Return a province whose plan, tasks and agency are named by nasty words."""
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    title = json.dumps(" ".join(nasty))
    plan = plan.replace('"Kế hoạch số 10/KH-UBND"', title)
    for number, words in enumerate(nasty):
        task = (
            f'  - {{code: "X{number}", text: {json.dumps(f"Việc {number} {words}")},'
            ' leads: ["Sở Tài chính"], period: {raw: "2026", kind: fixed, start_year: 2026,'
            " end_year: 2026}}\n"
        )
        plan = plan.replace("report_duties:\n", f"{task}report_duties:\n")
    name = json.dumps("Đông <b>&{{ 7*7 }}")
    province = PROVINCE.format(slug="dong", name="Đông").replace("name: Đông", f"name: {name}")
    return Registry.from_texts(
        {
            "agencies/dong.yaml": province,
            "plans/dong-10.yaml": plan,
            "calendar/2026.yaml": CALENDAR,
        }
    )


@pytest.fixture(scope="module")
def nasty_registry() -> Registry:
    return registry_of(KEPT)


@pytest.fixture
async def talk(database: Database, nasty_registry: Registry) -> Talk:
    return await Talk(database, nasty_registry, NOW).begin(
        Seat(STC, "dong", "stc"), Seat(COORDINATOR, "dong", "skhcn", "coordinator")
    )


def holds(text: str, words: str) -> bool:
    """Tell whether a text shows the words, white space aside."""
    plain = "".join(strip_invisible(words).split())
    return plain in "".join(text.split())


def look_at(reply: Reply, *, words: str = "") -> None:
    """Read an answer as Telegram does, strictly; as the sandbox's page does; and as Zalo shows it."""
    shown = without_markup(reply.html)  # refuses what Telegram would refuse
    for text in (reply.html, reply.plain, *reply.labels()):
        assert not STEERS.search(text), ascii(text)
    assert "49" not in shown.replace("149", "")  # 7*7 as a template would reckon it
    page = str(safe_html(reply.html))
    assert not re.search(r"<(?!/?(b|i|a|u|s|code|pre|em|strong|blockquote)\b)", page), page
    assert not re.search(r"(?i)<[^>]*(javascript:|onerror)", page), page
    preview_line(reply.html, is_html=True)
    if words:
        assert holds(shown, words), (shown, words)
        assert holds(reply.plain, words), (reply.plain, words)


async def test_what_a_person_types_is_shown_as_words_wherever_it_is_shown(talk: Talk) -> None:
    for number, words in enumerate(NASTY):
        replies = [*await talk.say(STC, f"/tim {words}"), *await talk.say(STC, f"/{words}")]
        replies += await talk.say(STC, words if number % 2 else f"/nhiemvu X{number}")
        replies += await talk.say(STC, "BC.1 vướng mắc")
        told = await talk.say(STC, f"Chưa có kinh phí {words} nên chậm")
        for reply in replies:
            look_at(reply)
        said = [reply for reply in told if reply.chat == COORDINATOR]
        assert said, words
        for reply in told:
            look_at(reply, words=words.split("\n")[0] if reply.chat == COORDINATOR else "")


async def test_files_and_names_are_shown_as_words(talk: Talk) -> None:
    for number, words in enumerate(NASTY[::2]):
        await talk.say(STC, f"/nhiemvu X{number}")
        for reply in await talk.say(STC, f"X{number} xong"):
            look_at(reply)
        for reply in await talk.send_file(STC, b"%PDF-1.7 " + words.encode(), f"{words}.pdf"):
            look_at(reply)
    for typed in ("/xacnhan", "/status", "/donvi", "/lichsu", "/viec", "/quahan", "/sapden 300"):
        for reply in await talk.say(COORDINATOR, typed):
            look_at(reply)


async def test_every_file_made_of_them_holds_them_as_words(
    talk: Talk, nasty_registry: Registry, tmp_path: Path
) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    async with talk.database.write() as connection:
        changes = [
            StatusChange(
                row=2, obligation_id=row.id, agency="Sở Tài chính", code="BC.1", period="2026",
                before="", after="", conflict=False, said="in_progress", percent=None, document=words[:100],
                document_on=TODAY, note=words, made_at=NOW,
            )
            for words in KEPT
        ]  # fmt: skip
        await record_changes(
            connection, nasty_registry, changes, by="=1+1 <b>", now=NOW, today=TODAY
        )
    async with talk.database.read() as connection:
        await write_pages(
            ExportScope(connection, nasty_registry), WorkbookSink(tmp_path / "a.xlsx")
        )
        sink = JsonSink(tmp_path / "a.json", {"exported_at": NOW}, lines=False)
        await write_pages(ExportScope(connection, nasty_registry), sink)
        agenda = await load_agenda(
            connection,
            nasty_registry,
            province="dong",
            agency="stc",
            coordinating=False,
            today=TODAY,
        )
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    notes = " ".join(str(each["note"]) for each in found["replies"])
    assert all(words.strip() in notes for words in KEPT)  # data stay as they were said
    books = [(tmp_path / "a.xlsx").read_bytes()]
    for form in ("xlsx", "docx"):
        made = await make_report(
            talk.database, nasty_registry, "dong-10-2026", period="2026", form=form, as_of=TODAY
        )
        assert isinstance(made, ReportFile)
        assert not STEERS.search(made.name)
        assert "/" not in made.name
        books += [made.content]
    for content in books[:2]:
        cells = [
            cell
            for page in load_workbook(io.BytesIO(content)).worksheets
            for line in page.iter_rows()
            for cell in line
        ]
        assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink] == []
        texts = [cell.value for cell in cells if isinstance(cell.value, str)]
        assert not [text for text in texts if text.lstrip().startswith(("=", "+", "@", "＝"))]
        assert not [ascii(text) for text in texts if STEERS.search(text)]
    document = zipfile.ZipFile(io.BytesIO(books[2])).read("word/document.xml").decode()
    assert "{{ 7*7 }}" in document
    assert "<script" not in document
    calendar = render_ics(agenda, installation="x", now=NOW, templates=TEMPLATES)
    events = Calendar.from_ical(calendar).walk("VEVENT")
    assert len(events) == len(agenda.entries)
    assert calendar.count(b"BEGIN:VEVENT\r\n") == len(events)


def test_a_table_of_the_command_line_neither_steers_the_terminal_nor_breaks_its_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table("", ("Ai", "Gì"), [(words, [words]) for words in NASTY], empty="")
    out = capsys.readouterr().out
    assert not STEERS.search(out)
    assert len(out.splitlines()) == len(NASTY) + 1


def test_a_log_line_is_one_line_whatever_its_values_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(Settings.model_validate({"log_level": "INFO"}))
    for words in NASTY:
        get_logger("x").warning("thử", value=words, key={"a": words})
        logging.getLogger("y").warning("event=%s title=%s", 1, words)
    err = capsys.readouterr().err
    assert not STEERS.search(err)
    assert len(err.splitlines()) == 2 * len(NASTY)
    try:
        raise ValueError("dòng\n2026-11-09T00:00:00Z [error] forged=1 \x1b[31m")
    except ValueError:
        logging.getLogger("y").exception("hỏng")
    assert not re.search(r"^2026-11-09T00:00:00Z", capsys.readouterr().err, re.MULTILINE)


@pytest.mark.parametrize("words", NASTY)
def test_words_are_made_harmless_once_and_nothing_of_vietnamese_is_lost(words: str) -> None:
    for text in (strip_invisible(words), escape_invisible(words), neutralize_formula(words)):
        assert not STEERS.search(text)
    assert strip_invisible(strip_invisible(words)) == strip_invisible(words)
    plain = "Kính gửi Sở Nội vụ: “Đã nhận” – 50% 👍🏽 👨‍👩‍👧\n\tdòng hai"
    assert escape_invisible(plain) == strip_invisible(plain) == plain
