"""Rendering: every channel says the same, escaped and within its limit."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from data.db.database import Database
from data.models import Account, Obligation, Task
from data.registry.registry import Registry
from jobs.channel import Button, Capabilities, OutgoingMessage
from jobs.morning.run import run_mornings
from jobs.rendering.buttons import typed_choices
from jobs.rendering.dates import full_date, hour_words, long_date, short_date
from jobs.rendering.environment import template_environment
from jobs.rendering.markup import fit_text
from jobs.rendering.renderer import Content, Renderer
from tests.support.loaded_province import items_of, load_world, messages_to, morning_of, open_chats

TELEGRAM = Capabilities(4096, True, True, True, "html", 4, True)
ZALO = Capabilities(2000, False, False, False, "plain", 1, False)
TEMPLATES = Path(__file__).parents[2] / "templates"
RENDERER = Renderer(TEMPLATES)
FRIDAY = date(2026, 11, 20)


async def reminders(
    database: Database, registry: Registry, agency: str, *, province: str = "lang-son"
) -> list[Any]:
    await load_world(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(database, now=morning_of(FRIDAY), province=province, only={agency})
    await run_mornings(database, registry, now=morning_of(FRIDAY))
    return await messages_to(database, chats[province, agency])


async def shown(
    database: Database,
    registry: Registry,
    message: Any,
    capabilities: Capabilities,
    *,
    repeated: bool = False,
) -> OutgoingMessage | None:
    async with database.read() as connection:
        content = await RENDERER.content(
            connection, message, today=FRIDAY, workdays=registry.workdays
        )
    if content is None:
        return None
    return RENDERER.render(content, capabilities, repeated=repeated, plain=False, address="1")


async def test_a_reminder_names_the_task_its_date_and_on_whose_behalf_it_comes(
    database: Database, registry: Registry
) -> None:
    (message,) = await reminders(database, registry, "so-y-te")
    for capabilities in (TELEGRAM, ZALO):
        out = await shown(database, registry, message, capabilities)
        assert out is not None
        for words in (
            "Kính gửi: Sở Y tế",
            "Báo cáo năm 2026",
            "BC.2",
            "đề nghị báo kết quả",
            "trước ngày 10/11",
            "mục III.2",
            "Tin tự động, thay mặt Sở Khoa học và Công nghệ; không thay văn bản.",
        ):
            assert words in out.text, out.text


async def test_buttons_become_numbered_choices_where_a_channel_has_none(
    database: Database, registry: Registry
) -> None:
    (message,) = await reminders(database, registry, "so-y-te")
    telegram = await shown(database, registry, message, TELEGRAM)
    zalo = await shown(database, registry, message, ZALO)
    assert telegram is not None
    assert zalo is not None
    labels = [button.label for row in telegram.buttons for button in row]
    assert labels[:2] == ["1", "2"]
    assert labels[-1] == "Đã nhận tất cả"
    assert zalo.buttons == ()
    assert "1 Đã nhận" not in zalo.text  # a number means an item here
    assert "1 xong" in zalo.text
    async with database.write() as connection:  # but where a single one is left it means a choice
        await connection.execute(
            update(Obligation).where(Obligation.kind == "undated").values(state="submitted")
        )
    alone = await shown(database, registry, message, ZALO)
    pressed = await shown(database, registry, message, TELEGRAM)
    assert alone is not None
    assert pressed is not None
    assert "1 Đã nhận · 2 Đang thực hiện · 3 Đã hoàn thành · 4 Vướng mắc" in alone.text
    labels = [button.label for row in pressed.buttons for button in row]
    assert labels == ["Đã nhận", "Đang thực hiện", "Đã hoàn thành", "Vướng mắc"]


async def test_a_list_without_buttons_tells_the_words_that_receive_all_of_it(
    database: Database, registry: Registry
) -> None:
    page, *_ = await reminders(database, registry, "so-y-te")
    telegram = await shown(database, registry, page, TELEGRAM)
    zalo = await shown(database, registry, page, ZALO)
    assert telegram is not None
    assert zalo is not None
    assert telegram.buttons[-1][0].label == "Đã nhận tất cả"
    assert "“đã nhận tất cả”" in zalo.text


async def test_what_was_answered_meanwhile_is_left_out_and_nothing_left_is_not_sent(
    database: Database, registry: Registry
) -> None:
    (message,) = await reminders(database, registry, "so-y-te")
    listed = [line.obligation_id for line in await items_of(database, message.id)]
    async with database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id.in_(listed[1:])).values(state="submitted")
        )
    out = await shown(database, registry, message, TELEGRAM)
    assert out is not None
    assert "\n2. " not in out.text
    async with database.write() as connection:
        await connection.execute(
            update(Obligation).where(Obligation.id == listed[0]).values(state="submitted")
        )
    assert await shown(database, registry, message, TELEGRAM) is None


async def test_a_repeat_is_marked(database: Database, registry: Registry) -> None:
    (message,) = await reminders(database, registry, "so-y-te")
    out = await shown(database, registry, message, TELEGRAM, repeated=True)
    assert out is not None
    assert out.text.startswith("(gửi lại)")


async def test_words_from_files_are_escaped(database: Database, registry: Registry) -> None:
    pages = await reminders(database, registry, "so-y-te", province="gia-lai")
    async with database.write() as connection:
        await connection.execute(update(Task).values(title="<b>1 & 2</b> {{ 7*7 }}"))
    out = await shown(database, registry, pages[-1], TELEGRAM)
    assert out is not None
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt; {{ 7*7 }}" in out.text


async def test_every_message_of_a_real_morning_fits_every_channel(
    database: Database, registry: Registry
) -> None:
    await load_world(database, registry, now=morning_of(FRIDAY))
    chats = await open_chats(database, now=morning_of(FRIDAY), province="gia-lai")
    await run_mornings(
        database, registry, now=morning_of(FRIDAY), capabilities=dict.fromkeys(range(1, 9), ZALO)
    )
    seen = 0
    for chat in list(chats.values())[:40]:
        for message in await messages_to(database, chat):
            for capabilities in (TELEGRAM, ZALO):
                out = await shown(database, registry, message, capabilities)
                assert out is not None
                assert len(out.text.encode("utf-16-le")) // 2 <= capabilities.max_text
                assert not out.text.endswith("…"), "cut short although it was laid out to fit"
                seen += 1
    assert seen > 20


@pytest.mark.parametrize("as_html", [True, False])
def test_text_beyond_the_limit_is_cut_between_lines_without_open_markup(as_html: bool) -> None:
    text = "\n".join(f"<b>dòng {number} 😀</b>" for number in range(300))
    cut = fit_text(text, 2000, as_html=as_html)
    assert len(cut.encode("utf-16-le")) // 2 <= 2000
    assert cut.endswith("…")
    if as_html:
        assert "<b>" not in cut


def test_a_list_of_items_offers_no_numbered_choices() -> None:
    rows = ((Button("1", "open:7"), Button("2", "open:8")), (Button("Đã nhận tất cả", "ackall:1"),))
    assert typed_choices(rows) == []


def test_a_date_is_written_as_officials_write_it() -> None:
    assert long_date("2026-11-30") == "thứ Hai, ngày 30/11/2026"
    assert long_date("2027-02-07") == "Chủ nhật, ngày 07/02/2027"
    days = {"2027-01-05": "05/01/2027", "2026-12-01": "01/12/2026", "2026-06-03": "03/6/2026"}
    assert {day: full_date(day) for day in days} == days
    assert full_date(date(2026, 11, 30)) == "30/11/2026"
    assert [short_date(day) for day in days] == ["05/01", "01/12", "03/6"]
    assert hour_words("16:00") == "16 giờ 00"


@pytest.mark.parametrize(
    ("left", "late", "words"),
    [
        (10, 0, "hạn: thứ Hai, ngày 30/11/2026"),
        (11, 0, "hạn: 30/11/2026"),
        (0, 5, "hạn: 30/11/2026"),
    ],
)
def test_the_weekday_stands_by_a_day_to_come_within_two_weeks(
    left: int, late: int, words: str
) -> None:
    item = {"kind": "report", "state": "open", "left": left, "late": late, "due": "2026-11-30"}
    item |= {"due_words": "", "proposed": False, "extended": False}
    parts: Any = template_environment(TEMPLATES).get_template("_parts/items.j2").module
    assert str(parts.due(item)) == words


def test_a_template_with_a_missing_value_fails_loudly() -> None:
    with pytest.raises(Exception, match="undefined"):
        RENDERER.render(
            Content("reminder", {}, ()), TELEGRAM, repeated=False, plain=False, address="1"
        )


@pytest.mark.slow
@pytest.mark.parametrize("silent", [False, True])
async def test_no_message_of_a_real_morning_is_cut_on_the_shortest_channel(
    database: Database, registry: Registry, silent: bool
) -> None:
    now = morning_of(FRIDAY)
    await load_world(database, registry, now=now)
    chats = await open_chats(database, now=now, only=set() if silent else None)
    leads = await open_chats(
        database, now=now, only={"so-khcn", "van-phong-ubnd"}, role="coordinator"
    )
    async with database.read() as connection:
        (account,) = await connection.scalars(select(Account.id))
    await run_mornings(database, registry, now=now, capabilities={account: ZALO})
    seen = 0
    for chat in (*chats.values(), *leads.values()):
        for message in await messages_to(database, chat):
            out = await shown(database, registry, message, ZALO)
            assert out is not None
            assert not out.text.endswith("\n…"), out.text
            seen += 1
    assert seen > (6 if silent else 300)
