"""Verdicts on reported completions, read from words."""

from __future__ import annotations

import pytest

from bot.conversation.reader.verdicts import Verdict, read_verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("xác nhận tất cả", Verdict("confirm", is_all=True)),
        ("XÁC NHẬN HẾT ạ.", Verdict("confirm", is_all=True)),
        ("duyệt 1, 3 và 5", Verdict("confirm", (1, 3, 5))),
        ("2 ok", Verdict("confirm", (2,))),
        ("trả lại việc số 2: thiếu phụ lục 1", Verdict("return", (2,), "thiếu phụ lục 1")),
        ("Chưa đạt yêu cầu, thiếu số liệu", Verdict("return", (), "thiếu số liệu")),
        ("đề nghị trả lại vì chưa có văn bản", Verdict("return", (), "chưa có văn bản")),
        ("2 trả về", Verdict("return", (2,))),
        ("2 không đồng ý vì đã gia hạn một lần", Verdict("return", (2,), "đã gia hạn một lần")),
        ("từ chối", Verdict("return")),
        ("trả lời 2 giúp em", None),
        ("2 xong", None),
        ("xác nhận tất cả các sở đã nộp chưa?", None),
        ("không đạtt", None),
        ("đồng ý gia hạn đến 5/12", Verdict("until", (), "5/12")),
        ("2 chỉ đến 5/1/2027 thôi", Verdict("until", (2,), "5/1/2027")),
        ("xin gia hạn đến 5/12", None),
    ],
)
def test_only_words_that_say_nothing_else_are_a_verdict(text: str, verdict: Verdict | None) -> None:
    assert read_verdict(text) == verdict
