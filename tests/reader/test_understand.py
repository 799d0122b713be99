"""Free text as focal points type it, and its reading."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.__main__ import run_command_line
from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.understand import Understanding, understand_reply
from data.registry.schema import CalendarFile
from data.registry.workdays import Workdays

TODAY = date(2026, 11, 22)  # a Sunday
CODES = ("III.1a", "BC.1", "1901 III.1a")
KEYS = ["intent", "status", "percent", "until", "document", "document_on", "tasks", "note"]
REPLIES: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("replies.yaml"))


def read(text: str) -> Understanding:
    return understand_reply(text, today=TODAY, codes=CODES)


def completed(reading: Understanding) -> bool:
    return "completed" in (reading.status, *(task.status for task in reading.tasks))


@pytest.mark.parametrize(
    ("text", "status", "percent"),
    [
        ("đã xong", "completed", 100),
        ("XONG RỒI Ạ", "completed", 100),
        ("da hoan thanh a", "completed", 100),
        ("đã gửi báo cáo qua trục văn bản rồi ạ", "completed", 100),
        ("đang làm", "in_progress", None),
        ("đang trình ký", "in_progress", None),
        ("được 60% rồi", "in_progress", 60),
        ("2/3", "in_progress", 67),
        ("được một nửa", "in_progress", 50),
        ("75 phần trăm", "in_progress", 75),
        ("xong 60%", "in_progress", 60),
        ("chưa triển khai", "not_started", 0),
        ("chua lam gi", "not_started", 0),
        ("đang vướng kinh phí", "blocked", None),
    ],
)
def test_state_is_read(text: str, status: str, percent: int | None) -> None:
    reading = read(text)
    assert (reading.intent, reading.status, reading.percent) == ("status", status, percent)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("đã nhận", "acknowledge"),
        ("ok em", "acknowledge"),
        ("xin gia hạn", "extension"),
        ("không phải nhiệm vụ của sở em", "dispute"),
        ("mẫu báo cáo ở đâu ạ?", "question"),
        ("1 xong, 2 đang làm", "multi"),
        ("chưa xong", "unclear"),
        ("mai họp", "unclear"),
        ("", "unclear"),
        ("🙂", "unclear"),
        ("?", "unclear"),
    ],
)
def test_intent_is_read(text: str, intent: str) -> None:
    assert read(text).intent == intent


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("xin gia hạn đến 15/12", date(2026, 12, 15)),
        ("xin gia hạn thêm 1 tuần", date(2026, 11, 29)),
        ("cho em xin thêm 10 ngày làm việc", date(2026, 12, 4)),
        ("xin lùi đến hết quý I/2027", date(2027, 3, 31)),
        ("xin gia hạn đến cuối tháng", date(2026, 11, 30)),
        ("gia hạn đến trước ngày 10/12", date(2026, 12, 9)),
        ("xin gia hạn đến 31/2", None),
    ],
)
def test_day_an_extension_is_asked_until_is_read(text: str, until: date | None) -> None:
    reading = read(text)
    assert (reading.intent, reading.until) == ("extension", until)


def test_working_days_are_counted_by_the_calendar_given() -> None:
    file = CalendarFile.model_validate(
        {"year": 2026, "confirmed": True, "source": "x",
         "days_off": [{"date": date(2026, 11, 24), "reason": "Ngày Văn hoá Việt Nam"}]}
    )  # fmt: skip
    calendar = Workdays([file])
    reading = understand_reply("xin thêm 2 ngày làm việc", today=TODAY, workdays=calendar)
    assert reading.until == date(2026, 11, 25)


def test_document_and_its_date_are_read() -> None:
    reading = read("Đã xong, báo cáo số 123/BC-SKHCN ngày 10/11/2026")
    assert reading.status == "completed"
    assert (reading.document, reading.document_on) == ("123/BC-SKHCN", date(2026, 11, 10))


@pytest.mark.parametrize(
    "text",
    ["chưa xong", "không xong", "sắp xong", "nếu xong thì báo", "dự kiến xong tuần này",
     "xong chưa?", "2 xong chưa", "đang làm xong", "hoàn thành trước 15/12", "phải hoàn thành",
     "đã xong phần dự thảo", "nghe nói đã xong", "không phải đã xong",
     "gần xong", "mai xong", "xong em báo", "chưa hoàn thành", "chưa thể hoàn thành",
     "ghi là đã xong giúp em", "hoàn thành 99%", "xong 👎"],
)  # fmt: skip
def test_completion_that_was_not_said_is_never_read(text: str) -> None:
    for typed in (text, text.upper(), unicodedata.normalize("NFD", text)):
        assert not completed(read(typed))


def test_tasks_are_named_by_number_code_or_all_and_each_is_read_on_its_own() -> None:
    def parts(text: str) -> list[tuple[str, str | None, int | None]]:
        return [(task.ref, task.status, task.percent) for task in read(text).tasks]

    assert parts("2 xong") == [("2", "completed", 100)]
    assert parts("III.1a 60%") == [("III.1a", "in_progress", 60)]
    assert parts("1901 III.1a xong") == [("1901 III.1a", "completed", 100)]
    assert parts("1 xong 2 đang làm") == [("1", "completed", 100), ("2", "in_progress", None)]
    assert parts("tất cả đang thực hiện, trừ 3: chưa làm") == [
        ("all", "in_progress", None),
        ("3", "not_started", 0),
    ]
    assert parts("2 ngày nữa") == []


def said_in(reading: str) -> list[Any]:
    return [(reading, text) for text in REPLIES["readings"][reading]]


@pytest.mark.parametrize(
    ("reading", "text"), [pair for reading in REPLIES["readings"] for pair in said_in(reading)]
)
def test_reply_is_read_as_meant(reading: str, text: str) -> None:
    found = read(text)
    shown = [found.status or found.intent]
    if found.percent is not None and found.status != "completed":
        shown.append(str(found.percent))
    if found.until is not None:
        shown.append(found.until.isoformat())
    assert " ".join(shown) == reading


@pytest.mark.parametrize("text", REPLIES["never_completed"])
def test_completion_is_not_read_in_what_only_looks_like_it(text: str) -> None:
    for typed in (
        text,
        plain(text.lower()),
        unicodedata.normalize("NFD", text),
        f"{text}.",
        f"Dạ {text}",
    ):
        assert not completed(read(typed)), typed


@pytest.mark.parametrize(("text", "meant"), REPLIES["several"].items())
def test_several_tasks_are_read_each_on_its_own(text: str, meant: str) -> None:
    found = read(text)
    assert found.intent == "multi"
    assert [task.ref for task in found.tasks] == [said.partition("=")[0] for said in meant.split()]
    for task, said in zip(found.tasks, meant.split(), strict=True):
        state, _, percent = said.partition("=")[2].partition(":")
        assert (task.status or task.intent) == state
        assert not percent or str(task.percent) == percent


@pytest.mark.parametrize("text", REPLIES["no_task"])
def test_numbers_of_other_things_name_no_task(text: str) -> None:
    assert read(text).tasks == ()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_whatever_is_typed_is_read_and_nothing_is_raised(text: str) -> None:
    assert list(read(text).as_dict()) == KEYS


def test_very_long_text_is_unclear() -> None:
    assert read("đã xong " * 2000).intent == "unclear"


# ------------------------------------------------------------------ the command


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run_command_line(["understand", *words]) == 0
    return capsys.readouterr().out


def test_command_prints_the_reading_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(printed(capsys, "2 xong", "--today", "2026-11-22", "--json"))
    assert list(shown) == KEYS
    assert shown["tasks"][0]["ref"] == "2"
    shown = json.loads(printed(capsys, "thêm 1 tuần", "--today", "22/11/2026", "--json"))
    assert (shown["intent"], shown["until"]) == ("extension", "2026-11-29")


def test_command_reads_lines_and_prints_one_json_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = io.TextIOWrapper(io.BytesIO("đã xong\r\n\nIII.1a 60%\n\xff".encode()))
    monkeypatch.setattr(sys, "stdin", typed)
    lines = printed(capsys, "-", "--today", "2026-11-22").splitlines()
    readings = [json.loads(line) for line in lines]
    assert [reading["status"] for reading in readings] == ["completed", None, "in_progress", None]


def test_command_tells_people_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "1 đang làm 60%, 2 xin gia hạn đến 15/12", "--today", "2026-11-22")
    assert "Nhiệm vụ 1: đang thực hiện 60%." in said
    assert "Nhiệm vụ 2: đề nghị gia hạn đến ngày 15/12/2026." in said


@pytest.mark.parametrize(
    "text",
    ["1.2 xong", "1.2. xong", "2.1 đã xong", "1.1 xong", "xong 1.2", "1.2.3 xong", "việc 1.2 xong", "1a xong",
     "2b đã xong", "A1 xong"],
)  # fmt: skip
def test_the_number_of_a_part_is_no_items_number_and_nothing_is_done_by_it(text: str) -> None:
    reading = understand_reply(text, today=date(2026, 11, 9))
    assert reading.status != "completed"
    assert not any(task.status == "completed" for task in reading.tasks)


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("1. xong 2. chưa", ["1", "2"]),
        ("1.xong", ["1"]),
        ("1ạ xong", ["1"]),
        ("1,2 xong", ["1", "2"]),
    ],
)
def test_numbers_of_items_are_read_beside_any_other_sign(text: str, refs: list[str]) -> None:
    assert [task.ref for task in understand_reply(text, today=date(2026, 11, 9)).tasks] == refs
