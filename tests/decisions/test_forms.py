"""Forms of reports: attached by who coordinates the plan, opened by who owes the report, told with the reminder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from data.clock import civil_date
from data.db.database import Database
from data.models import DutyForm, EvidenceContent, Message
from data.privacy.retention import EVIDENCE_RETENTION, purge_evidence
from data.registry.registry import Registry
from jobs.channel import Attachment
from jobs.rendering.links import Links
from tests.support.conversations import (
    RENDERER,
    Reply,
    Seat,
    Talk,
    small_registry,
    small_texts,
)
from tests.support.rendered_forms import FORMS, render_forms

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
PLAN = "10/KH-UBND"
PDF = b"%PDF-1.7\n bieu mau"
SEATS = (
    Seat("stc", "dong", "stc"),
    Seat("sxd", "dong", "sxd"),
    Seat("an", "dong", "skhcn", "coordinator"),
    Seat("leader", "dong", "ubnd", "leader", may_decide=True),
    Seat("tay", "tay", "skhcn", "coordinator"),
)


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(*SEATS)


async def attached(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        rows = await connection.execute(select(DutyForm.__table__).order_by(DutyForm.id))
        return list(rows)


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def attach(talk: Talk, name: str = "bieu-mau.pdf", content: bytes = PDF) -> Reply:
    return await only(talk.send_file("an", content, name, text="mẫu 10 BC.1"))


@pytest.mark.parametrize("caption", ["mẫu BC.1", "Mẫu báo cáo: 10 BC.1", "/mau 10 BC.1"])
async def test_a_coordinators_file_with_the_caption_mau_is_attached(
    talk: Talk, caption: str
) -> None:
    told = await only(talk.send_file("an", PDF, "bieu-mau.pdf", text=caption))
    assert told.template == "forms_of_duty"
    assert "Đã gắn: <b>bieu-mau.pdf</b>. Mẫu đi cùng tin nhắc của báo cáo này." in told.html
    (row,) = await attached(talk)
    assert (row.name, row.attached_by) == ("bieu-mau.pdf", "Sở Khoa học và Công nghệ")


async def test_the_file_after_the_command_is_attached_and_a_later_one_is_not(talk: Talk) -> None:
    asked = await only(talk.say("an", "/mau 10 BC.1"))
    assert "Hiện chưa có tệp nào." in asked.html
    assert "gửi tệp ngay sau tin này" in asked.html
    assert (await only(talk.send_file("an", PDF, "a.pdf"))).template == "forms_of_duty"
    other = await talk.send_file("an", b"%PDF-1.7 other", "b.pdf")
    assert [reply.template for reply in other] != ["forms_of_duty"]
    assert [row.name for row in await attached(talk)] == ["a.pdf"]


async def test_who_owes_the_report_opens_it_by_command_number_question_and_button(
    talk: Talk,
) -> None:
    await attach(talk)
    for typed in ("/mau 10 BC.1", "/mau BC.1"):
        sent = await only(talk.say("stc", typed))
        assert (sent.template, sent.answer.context["name"]) == ("form_file", "bieu-mau.pdf")
        assert "attach" in sent.answer.context
    assert "Có mẫu báo cáo: gõ “mẫu 1”" in (await only(talk.say("stc", "/viec"))).html
    assert (await only(talk.say("stc", "mẫu 1"))).template == "form_file"
    report = await talk.obligation(PLAN, "stc", "BC.1", "2026")
    opened = await only(talk.tap("stc", f"open:{report.id}"))
    assert "Mẫu báo cáo" in opened.labels()
    assert (await only(talk.press(opened, "Mẫu báo cáo"))).template == "form_file"
    assert (await only(talk.say("stc", "mẫu báo cáo"))).template == "form_file"
    assert "form_file" in [r.template for r in await talk.say("stc", "BC.1 có mẫu báo cáo không?")]
    assert "bieu-mau.pdf" in (await only(talk.say("stc", "/mau"))).html


async def test_the_reminder_tells_of_the_form_and_its_choice_opens_it(talk: Talk) -> None:
    await attach(talk)
    await talk.say("an", "/nhac Sở Xây dựng")
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Message.__table__).where(Message.template == "reminder")
        )
        row = rows.first()
        assert row is not None
        content = await RENDERER.content(
            connection, row, today=civil_date(talk.now), workdays=talk.registry.workdays
        )
    assert content is not None
    report = await talk.obligation(PLAN, "sxd", "BC.1", "2026")
    item = next(each for each in content.context["items"] if each["id"] == report.id)
    assert item["forms"] == "bieu-mau.pdf"
    actions = [button.action for line in content.buttons for button in line]
    assert f"form:{report.id}" in actions
    assert (
        f"Có mẫu báo cáo: gõ “mẫu {item['number']}”." in render_forms(RENDERER, content)[FORMS[0]]
    )


async def test_the_same_name_replaces_and_the_history_stays(talk: Talk) -> None:
    await attach(talk)
    told = await attach(talk, content=b"%PDF-1.7 new")
    assert "Đã thay: <b>bieu-mau.pdf</b>" in told.html
    first, second = await attached(talk)
    assert (first.removed_by, first.removed_at) == ("Sở Khoa học và Công nghệ", NOW)
    assert second.removed_at is None
    removed = await only(talk.press(told, "Gỡ bieu-mau.pdf"))
    assert "Đã gỡ: <b>bieu-mau.pdf</b>" in removed.html
    assert [row.removed_at for row in await attached(talk)] == [NOW, NOW]
    none = await only(talk.say("stc", "/mau BC.1"))
    assert "Hiện chưa có tệp nào." in none.html


async def test_typed_words_open_and_remove_where_there_are_no_buttons(talk: Talk) -> None:
    told = await attach(talk)
    assert "“/mau 10 BC.1 gỡ 1”" in told.plain
    assert (await only(talk.say("stc", "/mau 10 BC.1 mở 1"))).template == "form_file"
    assert (await only(talk.say("stc", "/mau 10 BC.1 gỡ 1"))).template == "unknown_item"
    assert (await only(talk.say("an", "/mau 10 BC.1 gỡ 1"))).template == "forms_of_duty"
    assert (await attached(talk))[0].removed_at == NOW


async def test_three_are_the_most_and_refused_files_say_why(talk: Talk) -> None:
    for number in range(3):
        await attach(talk, f"{number}.pdf", b"%PDF-1.7 " + bytes([48 + number]))
    assert "tối đa 03 tệp" in (await attach(talk, "3.pdf")).html
    bad = await attach(talk, "virus.exe", b"MZ\x90\x00")
    assert "hệ thống chỉ nhận ảnh" in bad.html
    big = await attach(talk, "0.pdf", b"%PDF-1.7" + b"x" * 10 * 1024 * 1024)
    assert "tệp lớn hơn 10 MB" in big.html
    files = (Attachment("x", "mat.docx", 5, None, "secret"),)
    secret = (await talk._take("an", "text", "mẫu 10 BC.1", None, None, files))[0]
    assert "có dấu chỉ độ mật" in secret.html
    assert len(await attached(talk)) == 3


async def test_nobody_else_attaches_removes_or_opens(talk: Talk) -> None:
    await attach(talk)
    (form,) = await attached(talk)
    for chat in ("stc", "leader", "tay"):
        await talk.send_file(chat, b"%PDF-1.7 theirs", "x.pdf", text="mẫu 10 BC.1")
        (refused,) = await talk.tap(chat, f"formdrop:{form.id}")
        assert refused.template == "unknown_item"
    assert [row.removed_at for row in await attached(talk)] == [None]
    (refused,) = await talk.tap("tay", f"formfile:{form.id}")
    assert refused.template == "unknown_item"
    (opened,) = await talk.tap("leader", f"formfile:{form.id}")
    assert opened.template == "form_file"


async def test_a_channel_without_files_gets_a_signed_address(talk: Talk) -> None:
    await attach(talk)
    talk.links = Links("https://nhacviec.test", b"key")
    sent = await only(talk.say("stc", "/mau BC.1"))
    assert "Tải tệp (trong 1 ngày): https://nhacviec.test/tep/" in sent.plain


async def test_the_bytes_stay_as_long_as_the_form_and_its_period_after(talk: Talk) -> None:
    told = await attach(talk)
    late = NOW + EVIDENCE_RETENTION + timedelta(days=1)
    async with talk.database.write() as connection:
        assert await purge_evidence(connection, now=late) == 0
    await talk.press(told, "Gỡ bieu-mau.pdf")
    async with talk.database.write() as connection:
        assert await purge_evidence(connection, now=late) == 1
        assert await connection.scalar(select(EvidenceContent.content)) == b""


async def test_of_several_reports_those_with_a_form_are_handed_out(database: Database) -> None:
    texts = small_texts()
    second = texts["plans/dong-10.yaml"].split("report_duties:\n")[1].replace("BC.1", "BC.6")
    plan = texts["plans/dong-10.yaml"].rstrip("\n") + "\n" + second
    registry = Registry.from_texts({**texts, "plans/dong-10.yaml": plan})
    talk = await Talk(database, registry, NOW).begin(*SEATS)
    await only(talk.send_file("an", PDF, "bieu-mau.pdf", text="mẫu 10 BC.6"))
    await talk.say("stc", "/viec")
    answers = await talk.say("stc", "mẫu báo cáo?")
    assert [answer.template for answer in answers] == ["form_file"]
