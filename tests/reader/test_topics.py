"""What a question is about, and words by which somebody leaves."""

from __future__ import annotations

from datetime import date

import pytest

from bot.conversation.reader.leaving import says_leaving
from bot.conversation.reader.topics import (
    Question,
    announces_question,
    asks_who_speaks,
    read_command,
    read_topics,
)
from bot.conversation.reader.understand import understand_reply

CODES = ("III.2a", "BC.1", "1901 III.2a")


def topics(text: str) -> Question:
    reading = understand_reply(text, today=date(2026, 11, 22), codes=CODES)
    return read_topics(text, codes=CODES, is_question=reading.intent == "question")


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("hạn là ngày nào?", "due"),
        ("han la ngay nao", "due"),
        ("khi nào phải nộp", "due"),
        ("còn mấy ngày", "due"),
        ("hạn nộp", "due"),
        ("deadline hôm nào", "due"),
        ("ai giao việc này?", "giver"),
        ("căn cứ văn bản nào", "giver"),
        ("thuộc kế hoạch nào", "giver"),
        ("báo cáo này gửi cho ai", "receiver"),
        ("nộp ở đâu", "receiver"),
        ("gui ve dau a", "receiver"),
        ("đơn vị nào theo dõi", "follower"),
        ("số điện thoại liên hệ", "follower"),
        ("ai chủ trì việc này vậy anh?", "holder"),
        ("phối hợp với ai", "holder"),
        ("cái này là gì", "content"),
        ("phải làm những gì vậy", "content"),
        ("kế hoạch này về cái gì", "plan"),
        ("mẫu báo cáo?", "form"),
        ("mẫu báo cáo ở đâu ạ?", "form"),
        ("cho em xin đề cương", "form"),
        ("bên em đã nộp báo cáo chưa chị nhỉ", "state"),
    ],
)
def test_a_question_is_about_what_the_registry_knows(text: str, topic: str) -> None:
    asked = topics(text)
    assert (asked.topics, asked.asks_more) == ((topic,), False)


@pytest.mark.parametrize(
    "text",
    [
        "kinh phí lấy ở đâu",
        "có được gia hạn không",
        "ai chưa báo cáo?",
        "sở tài chính nộp chưa",
        "bao giờ có kinh phí",
        "báo cáo này lấy số liệu đến khi nào ạ",
        "sao ngày nào cũng nhắc",
        "đã xong",
        "chưa làm gì",
        "đang làm, hạn 30/11 em gửi",
        "in màu hay đen trắng ạ",
        "",
    ],
)
def test_other_words_have_no_topic(text: str) -> None:
    assert topics(text).topics == ()


def test_items_are_named_by_number_code_and_plan() -> None:
    assert topics("2 hạn ngày nào").numbers == (2,)
    assert topics("hạn việc 1 và 3 là khi nào").numbers == (1, 3)
    assert topics("việc số 3 do ai giao").numbers == (3,)
    assert topics("BC.1 nộp cho ai").codes == ("BC.1",)
    assert topics("iii.2a hạn khi nào").codes == ("III.2a",)
    assert topics("kế hoạch 1901 về cái gì").plan == "1901"
    assert topics("còn 5 ngày nữa hết hạn à").numbers == ()


def test_a_question_may_have_two_topics_and_ask_for_more_than_the_registry_knows() -> None:
    assert topics("hạn ngày nào và gửi cho ai").topics == ("due", "receiver")
    assert topics("hạn nộp là ngày nào, nếu trễ vì bão thì sao").asks_more
    assert topics("theo Công văn 12/UBND-KGVX thì nội dung là gì").asks_more


def test_words_ask_who_speaks_and_for_a_list_and_for_help() -> None:
    for text in ("bạn là ai", "ai nhắn đấy", "bot à", "đây là số của ai", "bạn là ai vậy ạ"):
        assert asks_who_speaks(text), text
    assert not asks_who_speaks("ai chủ trì")
    assert read_command("còn việc nào nữa không") == "viec"
    assert read_command("trả lời thế nào") == "help"
    assert read_command("làm được 50% thì báo thế nào") == "help"
    assert read_command("việc 2 xong") == ""
    assert announces_question("cho em hỏi chút")
    assert not announces_question("cho em hỏi hạn nộp")


@pytest.mark.parametrize(
    "text",
    [
        "tôi đã nghỉ hưu",
        "em chuyển công tác",
        "toi khong con phu trach",
        "Tôi đã nghỉ hưu từ tháng 5, xin đừng gửi nhắc việc vào số này.",
        "em được điều động sang sở khác",
        "mình bàn giao cho chị Hà rồi, không phụ trách nữa",
        "người phụ trách mới là anh Nam",
    ],
)
def test_a_person_says_that_they_are_gone(text: str) -> None:
    assert says_leaving(text) == "gone"


@pytest.mark.parametrize(
    "text",
    [
        "em không phụ trách việc này",
        "bên em không còn phụ trách",
        "đơn vị em không còn phụ trách việc này",
        "việc này chuyển cho Sở Xây dựng rồi",
        "em đang đi công tác",
        "em chuyển công tác, việc 2 đã xong",
        "anh Nam đã nghỉ hưu",
        "Vâng tôi nắm được nội dung rồi.",
    ],
)
def test_what_is_said_of_a_task_or_of_others_is_no_leaving(text: str) -> None:
    assert says_leaving(text) is None


def test_leave_is_no_farewell() -> None:
    assert says_leaving("em nghỉ thai sản từ tháng sau") == "away"
