"""Codes as people send them: in sentences, links and forwarded messages; and what is no code."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from data.contacts.codes import find_codes, hash_code, make_code, may_hold_code
from data.db.database import Database
from data.models import Account, Enrolment, WrongCode
from tests.support.conversations import WITH_BUTTONS, Reply, Seat, Talk, small_registry

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]  # about words, whatever keeps the rows

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
CODE = "7KQ2M-VX4TZ"

# How people send a code that they were given.
SENT = (
    "{code}",
    "{code}.",
    "“{code}”",
    "`{code}`",
    "_{code}_",
    "({code})",
    "{lower}",
    "{plain}",
    "{first} {second}",
    "{first} - {second}",
    "{first}–{second}",
    "{first}‑{second}",
    "{first}—{second}",
    "{first}\u2212{second}",
    "{first}-\n{second}",
    "{first}\u00a0{second}",
    "{wide}",
    "{first}\u200b-\u200b{second}",
    "\u2066{code}\u2069",
    "mã:{code}",
    "em gửi mã ạ: {code}",
    "Em gửi mã ạ: {lower} ạ",
    "Kính gửi, mã của tôi là {plain}, xin cảm ơn",
    "Mã mời Sở Xây dựng (đầu mối):\n\n{code}\n\nDùng một lần, trong 7 ngày.",
    "/start {code}",
    "/start {code} ạ",
    "/start {code}.",
    "/start: {code}",
    "/start em gửi mã {code}",
    "/start\n{code}",
    "/start\u00a0{code}",
    "/start{plain}",
    "/START {lower}",
    "/start@nhacviec_bot {code}",
    "／start {code}",
    "start {code}",
    "https://t.me/nhacviec_bot?start={code}",
    "https://t.me/nhacviec_bot?startgroup={code}&x=1",
)
# Run into its neighbours, or its halves set apart by another sign: a code where it was made.
RUN_TOGETHER = (
    "{code}ạ",
    "em gửi mã ạ:{code}ạ",
    "mã{code}",
    "mã{plain}nhé",
    "mã là {plain}ạ",
    "{plain}nhe",
    "start{plain}",
    "/start_{code}",
    "/start-{code}",
    "SXD-{code}",
    "{code}-SXD",
    "sxd/{code}",
    "{first}.{second}",
    "{first}/{second}",
    "{first}--{second}",
    "{first}~{second}",
    "{first}:{second}",
    "*{first}*-*{second}*",
    "{first}⁃{second}",
    "{first}·{second}",
    "{first}    {second}",
    "KH131 QD567 KV123 KV456 CV123 CV457 BC234 BC235 KH132 QD568 KV124 KV457 rồi mã là {code}",
)
# Words of ordinary work, as agencies and document numbers are written.
WORK = (
    "12345-67890",
    "0912345678",
    "091 234 5678",
    "số điện thoại 0912345678",
    "báo cáo số 15/SKHCN-QLCN1 ngày 20/11/2026",
    "12/BC-SKHCN",
    "2345/QD123-UBND5",
    "trang cachs",
    "nghia trang",
    "1 xong 2 chua xong",
    "đã gửi công văn 12345-2026-ABCDE",
    "từ 01/11/2026-30/11/2026",
    "2026-11-20",
    "mã số thuế 0101234567-001",
)


def written(form: str, code: str) -> str:
    first, second = code.split("-")
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    return form.format(
        code=code,
        lower=code.lower(),
        plain=first + second,
        first=first,
        second=second,
        wide=wide,
    )


@pytest.mark.parametrize("form", SENT)
def test_a_code_is_found_in_the_text_around_it(form: str) -> None:
    for stranger in (True, False):
        found = find_codes(written(form, CODE), stranger=stranger)
        assert hash_code(CODE) in [hash_code(each.code) for each in found]
        assert {hash_code(each.code) for each in found if each.is_meant} <= {hash_code(CODE)}


@pytest.mark.parametrize("form", RUN_TOGETHER)
async def test_a_code_run_into_other_words_lets_in_and_another_like_it_is_no_try(
    talk: Talk, form: str
) -> None:
    for chat in ("stranger", "stc"):
        code = await talk.invite("dong", "sxd", "focal")
        assert may_hold_code(b"{}", written(form, code))
        assert (await only(talk.say(chat, written(form, code)))).template == "welcome", chat
    for _ in range(6):
        await talk.say("stc", written(form, "AAAA2-BBBB3"))
    assert form.startswith("/start") or await counted(talk, WrongCode) == 0


@given(st.sampled_from(SENT), st.integers(0, 50))
def test_any_code_is_found_however_it_is_misread(form: str, turns: int) -> None:
    code = make_code()
    misread = written(form, code).replace("0", "O" if turns % 2 else "0").replace("1", "l")
    for stranger in (True, False):
        found = [hash_code(each.code) for each in find_codes(misread, stranger=stranger)]
        assert hash_code(code) in found


@pytest.mark.parametrize("text", WORK)
@pytest.mark.parametrize("stranger", [True, False])
def test_words_of_work_are_surely_no_code(text: str, stranger: bool) -> None:
    assert not any(each.is_meant for each in find_codes(text, stranger=stranger))


def test_every_code_has_a_letter_and_a_digit_that_nobody_misreads() -> None:
    for _ in range(2000):
        plain = make_code().replace("-", "")
        assert any(sign in "23456789" for sign in plain)
        assert any(sign.isalpha() for sign in plain)
        assert set(plain) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_a_text_full_of_words_like_codes_is_looked_at_in_part() -> None:
    text = " ".join(make_code() for _ in range(400))
    assert len(find_codes(text, stranger=True)) == 40


@pytest.mark.parametrize("form", SENT)
def test_an_update_with_a_code_in_any_form_is_known_to_hold_one(form: str) -> None:
    text = written(form, CODE)
    for raw in ({"text": text}, {"reply_to_message": {"caption": text}}, {"url": text}):
        assert may_hold_code(json.dumps(raw).encode(), "xong")
    assert may_hold_code(b"{broken", text)


# ------------------------------------------------------------------ in chats


@pytest.fixture
async def talk(database: Database) -> Talk:
    return await Talk(database, small_registry(), NOW).begin(
        Seat("stc", "dong", "stc"), Seat("coordinator", "dong", "skhcn", "coordinator")
    )


async def counted(talk: Talk, table: Any) -> int:
    async with talk.database.read() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def only(answers: Any) -> Reply:
    (answer, *more) = await answers
    assert isinstance(answer, Reply)
    assert {each.template for each in more} <= {"handover_card"}  # what is open at the agency
    return answer


@pytest.mark.parametrize("form", SENT)
async def test_whoever_sends_a_code_is_let_in(talk: Talk, form: str) -> None:
    for chat in ("stranger", "stc"):
        code = await talk.invite("dong", "sxd", "focal")
        answer = await only(talk.say(chat, written(form, code)))
        assert answer.template == "welcome", chat


@pytest.mark.parametrize("chat", ["stranger", "stc", "-5"])
async def test_the_whole_message_of_moi_may_be_pasted(talk: Talk, chat: str) -> None:
    async with talk.database.write() as connection:
        for name in ("bot", "zalo"):
            link = f"https://{name}.test/bot"
            await connection.execute(insert(Account).values(channel=name, name=name, link=link))
    telegram = replace(WITH_BUTTONS, start_links=True, messenger="Telegram")
    talk.capabilities = {2: telegram, 3: replace(telegram, start_links=False, messenger="Zalo")}
    made = await only(talk.say("coordinator", "/moi sxd"))
    assert made.plain.count(str(made.answer.context["code"])) >= 4
    assert (await only(talk.say(chat, made.plain, sender="x"))).template == "welcome"


async def test_a_text_that_holds_a_code_is_always_answered(talk: Talk) -> None:
    assert (await only(talk.say("stranger", "xin chào"))).template == "stranger"
    assert await talk.say("stranger", "xin chào") == []
    answer = await only(talk.say("stranger", "em gửi mã ạ: AAAA2-BBBB3"))
    assert answer.template == "code_wrong"
    await talk.enrol("-5", "dong", "stc")
    assert await talk.say("-5", "chiều họp nhé", sender="x") == []
    used = await talk.invite("dong", "sxd", "focal")
    await talk.say("stranger", used)
    for chat in ("-5", "-6", "stc"):
        answer = await only(talk.say(chat, f"mã này còn dùng được không: {used}", sender="x"))
        assert answer.template == "code_wrong", chat


async def test_the_code_of_a_leader_in_a_groups_talk_is_not_used_up(talk: Talk) -> None:
    code = await talk.invite("dong", "ubnd", "leader")
    answer = await only(talk.say("-5", f"mã của anh là {code} nhé", sender="x"))
    assert answer.template == "code_private_only"
    assert (await only(talk.say("leader", code))).template == "welcome"


async def test_of_several_codes_in_one_text_none_is_used(talk: Talk) -> None:
    first, second = [await talk.invite("dong", "sxd", "focal") for _ in range(2)]
    text = f"Sở Xây dựng {first}, Sở Tài chính {second}"
    assert (await only(talk.say("stranger", text))).template == "code_several"
    assert (await only(talk.say("stranger", f"{first} hay AAAA2-BBBB3"))).template == "welcome"
    text = f"không phải {first} mà là {second}"  # the first is used by now
    assert (await only(talk.say("stranger-2", text))).template == "welcome"


@pytest.mark.parametrize("text", WORK)
async def test_words_of_work_are_answered_as_such_and_count_as_no_try(
    talk: Talk, text: str
) -> None:
    for _ in range(6):
        for answer in await talk.say("stc", text):
            assert not answer.template.startswith("code_")
    assert await counted(talk, WrongCode) == 0


async def test_who_is_enrolled_may_write_what_looks_like_a_code(talk: Talk) -> None:
    for _ in range(6):
        (answer,) = await talk.say("stc", "đang làm theo mã KH131-QD567")
        assert not answer.template.startswith("code_")
    assert await counted(talk, WrongCode) == 0
    assert (await only(talk.say("stc", "KH131-QD567"))).template == "code_wrong"  # alone


# ------------------------------------------------------------------ /start, /huy


@pytest.mark.parametrize(
    "text",
    [
        "/start",
        "/START",
        "/Start ",
        "/start@bot",
        "／start",
        "/start\u200b",
        "\u00a0/start",
        "/start ạ",
    ],
)
async def test_a_strangers_bare_start_is_answered_after_a_greeting(talk: Talk, text: str) -> None:
    assert (await only(talk.say("stranger", "xin chào"))).template == "stranger"
    assert (await only(talk.say("stranger", text))).template == "stranger"
    assert (await only(talk.say("stranger", text))).template == "stranger"


async def test_a_stranger_who_never_stops_is_answered_five_times_in_ten_minutes(talk: Talk) -> None:
    answered = sum([len(await talk.say("stranger", "/start")) for _ in range(50)])
    assert answered == 5
    talk.now += timedelta(minutes=10)
    assert len(await talk.say("stranger", "/start")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "/start",
        "/START",
        "/start@test",
        "／start",
        "/start\n",
        "/start\u00a0",
        "/start.",
        "/start ạ",
    ],
)
async def test_start_of_who_is_enrolled_is_help(talk: Talk, text: str) -> None:
    assert (await only(talk.say("stc", text))).template == "help"


HUY = [
    "/huy",
    "/HUY",
    "/huỷ",
    "/hủy",
    "/hu\u0309y",
    "／huy",
    "/huy@test",
    "/huy.",
    "/huy\u00a0",
    " /huy\n",
    "/huy ạ",
    "/huỷ nhé",
    "/ huỷ",
    "/huy@test.",
]


@pytest.mark.parametrize("text", HUY)
async def test_huy_with_a_slash_takes_an_answer_back(talk: Talk, text: str) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("stc", f"done:{row.id}")
    assert (await only(talk.say("stc", text))).template == "undone"
    assert (await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")).state == "open"


@pytest.mark.parametrize("text", HUY)
async def test_huy_with_a_slash_is_meant_for_the_bot_in_a_group_too(talk: Talk, text: str) -> None:
    await talk.enrol("-5", "dong", "stc")
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    await talk.tap("-5", f"doing:{row.id}", sender="stc")
    assert (await only(talk.say("-5", text, sender="stc"))).template == "undone"


async def test_huy_with_a_slash_ends_an_open_question(talk: Talk) -> None:
    row = await talk.obligation("10/KH-UBND", "stc", "BC.1", "2026")
    assert (await only(talk.tap("stc", f"more:{row.id}"))).template == "ask_until"
    assert (await only(talk.say("stc", "/huy"))).template == "dialog_ended"


@pytest.mark.parametrize(
    "text",
    [
        "/viec\u00a0trang 1",
        "/viec\ntrang 1",
        "/viec@test\n",
        "/VIEC\u3000",
        "/viec@test,",
        "/viec@test: trang 1",
        "/ viec",
        "//viec",
        "/viec@",
    ],
)
async def test_a_command_ends_at_any_space_or_line_break(talk: Talk, text: str) -> None:
    assert (await only(talk.say("stc", text))).template == "viec"


@pytest.mark.parametrize("text", ["/", "/?", "/@test viec", "/viec/", "/viec@other", "/1"])
async def test_in_a_private_chat_whatever_begins_with_a_slash_is_answered(
    talk: Talk, text: str
) -> None:
    async with talk.database.write() as connection:
        await connection.execute(update(Account).values(title="@test"))
    assert len(await talk.say("stc", text)) == 1


async def test_huy_with_more_words_is_asked_about_in_a_group_too(talk: Talk) -> None:
    await talk.enrol("-5", "dong", "stc")
    await talk.say("-5", "/viec", sender="stc")
    await talk.say("-5", "BC.1 đang làm", sender="stc")
    assert (await only(talk.say("-5", "/huy 2", sender="stc"))).template == "ask"


@pytest.mark.parametrize("text", ["@test /viec", "@TEST, /viec", "@test\n/viec trang 1"])
@pytest.mark.parametrize("chat", ["stc", "-5"])
async def test_a_command_after_the_bots_name_is_a_command(talk: Talk, chat: str, text: str) -> None:
    await talk.enrol("-5", "dong", "stc")
    async with talk.database.write() as connection:
        await connection.execute(update(Account).values(title="@test"))
    assert (await only(talk.say(chat, text, sender="stc"))).template == "viec"
    assert await talk.say("-5", "@other /viec", sender="stc") == []


async def test_nobody_is_enrolled_by_words(talk: Talk) -> None:
    before = await counted(talk, Enrolment)
    for text in WORK:
        await talk.say("stranger", text)
    assert await counted(talk, Enrolment) == before
