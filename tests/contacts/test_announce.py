"""/thongbao: a coordinator's message to a plan's agencies is shown first, sent once to a chat, counted afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Decision, Message
from data.registry.registry import Registry
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Post, Reply, Seat, Talk

NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)  # a Monday
COMMUNES = """
  - {code: xa-gao, name: "UBND xã Gào", kind: commune, spellings: ["xã Gào"]}
  - {code: xa-to-tung, name: "UBND xã Tơ Tung", kind: commune, spellings: ["xã Tơ Tung"]}
"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông")
        .replace("groups:", COMMUNES.lstrip("\n") + "groups:")
        .replace("[{kinds: [department]}]", "[{kinds: [department, commune]}]"),
        "plans/dong-10.yaml": PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05"),
        "calendar/2026.yaml": CALENDAR,
    }
)
TEXT = "Đề nghị cập nhật <số liệu> & gửi trước ngày 15/12/2026"


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, REGISTRY, NOW).begin(
        Seat("stc", "dong", "stc"),
        Seat("sxd", "dong", "sxd"),
        Seat("gao", "dong", "xa-gao"),
        Seat("an", "dong", "skhcn", "coordinator"),
        Seat("leader", "dong", "ubnd", "leader", may_decide=True),
    )


async def sent(talk: Talk) -> list[Any]:
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Message.__table__).where(Message.template == "announcement").order_by(Message.id)
        )
        return list(rows)


async def only(answers: Any) -> Reply:
    (answer,) = await answers
    assert isinstance(answer, Reply)
    return answer


async def test_whom_how_many_and_the_words_in_whose_name_are_shown_first(talk: Talk) -> None:
    shown = await only(talk.say("an", f"/thongbao 10 {TEXT}"))
    assert shown.template == "preview"
    assert "<b>Thông báo của Sở Khoa học và Công nghệ về Kế hoạch số 10/KH-UBND</b>" in shown.html
    assert "03 cơ quan (02 sở, ban, ngành, 01 xã, phường)" in shown.html
    assert "03 kênh nhận tin, mỗi kênh một tin" in shown.html
    assert "UBND xã Tơ Tung" in shown.html  # without a chat
    assert "Kính gửi: Sở Tài chính" in shown.html
    assert "Đề nghị cập nhật &lt;số liệu&gt; &amp; gửi trước ngày 15/12/2026" in shown.html
    assert TEXT in shown.plain
    assert await sent(talk) == []


async def test_every_chat_gets_it_once_whatever_is_tapped_twice(talk: Talk) -> None:
    await talk.enrol("stc", "dong", "sxd")  # one chat of two agencies
    shown = await only(talk.say("an", f"/thongbao 10 {TEXT}"))
    first, second = await talk.post_together(
        Post("an", shown.action("Gửi"), "action"), Post("an", shown.action("Gửi"), "action"),
        held=False,
    )  # fmt: skip
    templates = [reply.template for reply in (*first, *second)]
    assert sorted(templates) == ["announced", "preview_closed"]
    messages = await sent(talk)
    assert len({row.chat_id for row in messages}) == len(messages) == 3
    assert messages[0].context["agencies"] == ["Sở Tài chính", "Sở Xây dựng"]
    assert all(row.context["text"] == TEXT for row in messages)


async def test_typed_gui_sends_too(talk: Talk) -> None:
    await talk.say("an", f"/thongbao 10 {TEXT}")
    done = await only(talk.say("an", "1"))
    assert done.template == "announced"
    assert "<b>03 cơ quan</b> (03 kênh nhận tin)" in done.html
    assert "01 cơ quan chưa có kênh nhận tin" in done.html
    assert len(await sent(talk)) == 3


async def test_a_kind_of_agencies_and_the_missing_ones_of_a_report(talk: Talk) -> None:
    await talk.say("an", f"/thongbao 10 các xã: {TEXT}")
    await talk.say("an", "gửi")
    assert [row.context["agencies"] for row in await sent(talk)] == [["UBND xã Gào"]]
    report = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{report.id}")
    talk.now = NOW + timedelta(days=1)
    for words in ("10 BC.1", "10 BC.1 chưa báo cáo", "BC.1 các nơi chưa nộp"):
        shown = await only(talk.say("an", f"/thongbao {words}: {TEXT}"))
        assert shown.template == "preview", words
        assert "tới nơi chưa báo cáo" in shown.html
        assert "02 cơ quan (01 sở, ban, ngành, 01 xã, phường)" in shown.html
        assert "Sở Tài chính" not in shown.html


async def test_a_plan_has_one_a_day_and_one_that_corrects_it(talk: Talk) -> None:
    await talk.say("an", f"/thongbao 10 {TEXT}")
    await talk.say("an", "gửi")
    refused = await only(talk.say("an", "/thongbao 10 Đề nghị thêm một nội dung nữa"))
    assert "mỗi kế hoạch một thông báo một ngày" in refused.html
    await talk.say("an", "/thongbao 10 Đính chính: thời hạn là ngày 16/12/2026")
    assert (await only(talk.say("an", "gửi"))).template == "announced"
    refused = await only(talk.say("an", "/thongbao 10 Đính chính: thời hạn là ngày 17/12/2026"))
    assert "đã được đính chính một lần" in refused.html
    assert len(await sent(talk)) == 6
    talk.now = NOW + timedelta(days=1)
    assert (await only(talk.say("an", f"/thongbao 10 {TEXT}"))).template == "preview"


async def test_outside_sending_hours_it_waits_for_the_next_morning(talk: Talk) -> None:
    talk.now = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)  # Friday evening
    shown = await only(talk.say("an", f"/thongbao 10 {TEXT}"))
    assert "23/11/2026" in shown.html
    await talk.press(shown, "Gửi")
    assert {row.send_at for row in await sent(talk)} == {datetime(2026, 11, 23, 0, 0, tzinfo=UTC)}


async def test_a_later_look_counts_what_was_sent_waits_failed_and_has_no_chat(talk: Talk) -> None:
    assert "Chưa có thông báo nào" in (await only(talk.say("an", "/thongbao"))).html
    await talk.say("an", f"/thongbao 10 {TEXT}")
    await talk.say("an", "gửi")
    first, second, _ = await sent(talk)
    async with talk.database.write() as connection:
        await connection.execute(
            update(Message).where(Message.id == first.id).values(state="sent", sent_at=NOW)
        )
        await connection.execute(
            update(Message).where(Message.id == second.id).values(state="failed")
        )
    look = await only(talk.say("an", "/thongbao"))
    assert (
        "03 cơ quan: đã gửi 01 tin, đang chờ 01 tin, không gửi được 01 tin;"
        " 01 cơ quan chưa có kênh nhận tin."
    ) in look.html
    assert "Đề nghị cập nhật &lt;số liệu&gt;" in look.html


async def test_who_may_not_and_what_may_not_is_refused(talk: Talk) -> None:
    for chat in ("stc", "leader"):
        assert (await only(talk.say(chat, f"/thongbao 10 {TEXT}"))).template == "not_allowed"
    secret = await only(talk.say("an", "/thongbao 10 TỐI MẬT: số liệu của kho bạc"))
    assert secret.template == "refused_secret"
    short = await only(talk.say("an", "/thongbao 10 ngắn"))
    assert "nội dung vừa nhập có 4 ký tự" in short.html
    long = await only(talk.say("an", "/thongbao 10 " + "dài quá " * 200))
    assert "từ 10 đến 1000 ký tự" in long.html
    assert (await only(talk.say("an", f"/thongbao 99 {TEXT}"))).template == "usage"
    assert await sent(talk) == []


async def test_long_words_are_kept_whole_and_the_agency_is_on_record(talk: Talk) -> None:
    text = "Đề nghị các cơ quan rà soát, " * 30
    await talk.say("an", f"/thongbao 10 {text}")
    await talk.say("an", "gửi")
    assert (await sent(talk))[0].context["text"] == text.strip()
    async with talk.database.read() as connection:
        rows = await connection.execute(
            select(Decision.decided_by, Decision.details).where(Decision.kind == "announce")
        )
        (row,) = rows.all()
    assert row.decided_by == "Sở Khoa học và Công nghệ"
    assert row.details["text"] == text.strip()


async def test_a_process_that_dies_half_way_leaves_nothing_and_the_next_sends_once(
    talk: Talk,
) -> None:
    await talk.say("an", f"/thongbao 10 {TEXT}")

    async def die() -> None:
        async with talk.database.write() as connection:
            await talk._handle(connection, "an", "text", "gửi", None, None)
            raise RuntimeError("the process ended")

    with pytest.raises(RuntimeError):
        await die()
    assert await sent(talk) == []
    await talk.say("an", "gửi")
    await talk.say("an", "gửi")
    assert len(await sent(talk)) == 3
