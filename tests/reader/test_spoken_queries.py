"""Questions that coordinators and leaders type, and the queries that they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.conversation.reader.lexicon import plain
from bot.conversation.reader.spoken_queries import read_spoken_query

REPLIES: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("replies.yaml"))
QUERIES = {
    "ai chưa báo cáo?": ("missing", "", ""),
    "ai chưa nộp bc vậy em": ("missing", "", ""),
    "xã nào chưa nộp": ("missing", "", "xã"),
    "những sở nào chưa báo cáo ạ": ("missing", "", "sở"),
    "còn bao nhiêu xã chưa nộp báo cáo": ("missing", "", "xã"),
    "còn thiếu những ai": ("missing", "", ""),
    "danh sách chưa nộp": ("missing", "", ""),
    "có ai chưa nộp không?": ("missing", "", ""),
    "nơi nào còn nợ báo cáo": ("missing", "", ""),
    "đã có bao nhiêu nơi báo cáo rồi": ("missing", "", ""),
    "đã nhận được bao nhiêu báo cáo rồi": ("missing", "", ""),
    "BC.1 xã nào chưa nộp": ("missing", "BC.1", "xã"),
    "ai chưa nộp BC.1": ("missing", "BC.1", ""),
    "Ai chưa nộp báo cáo kế hoạch 1901 vậy?": ("missing", "kế hoạch 1901", ""),
    "xã chưa nộp?": ("missing", "", "xã"),
    "các sở chưa nộp báo cáo": ("missing", "", "sở"),
    "ai đang chậm": ("overdue", "", ""),
    "đơn vị nào chậm nhất": ("overdue", "", ""),
    "việc gì đang quá hạn": ("overdue", "", ""),
    "sở tài chính nộp chưa": ("agency", "sở tài chính", ""),
    "Sở Tài chính đã nộp chưa ạ": ("agency", "Sở Tài chính", ""),
    "xã Ia Krái báo cáo chưa em": ("agency", "xã Ia Krái", ""),
    "đã nhận báo cáo của Sở Y tế chưa": ("agency", "Sở Y tế", ""),
    "vì sao chậm": ("reasons", "", ""),
    "sao chậm thế": ("reasons", "", ""),
    "tại sao sở nội vụ chưa báo cáo": ("reasons", "sở nội vụ", ""),
    "sở nội vụ chậm vì sao": ("reasons", "sở nội vụ", ""),
    "kế hoạch 1901 đến đâu rồi": ("standing", "kế hoạch 1901", ""),
    "tình hình kế hoạch 1901 thế nào": ("standing", "kế hoạch 1901", ""),
    "tình hình thế nào rồi": ("standing", "", ""),
}


@pytest.mark.parametrize("text", QUERIES)
def test_a_question_is_read_with_and_without_marks(text: str) -> None:
    kind, about, kind_words = QUERIES[text]
    query = read_spoken_query(text)
    assert query is not None
    assert (query.kind, query.about, query.kind_words) == (kind, about, kind_words)
    bare = read_spoken_query(plain(text.lower()))
    assert bare is not None
    assert (bare.kind, bare.kind_words) == (kind, kind_words)
    assert bare.about == plain(about.lower())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chưa nộp",
        "đã nộp",
        "đã nộp rồi",
        "em chưa nộp",
        "em đã nộp chưa",
        "Sở Tài chính đã nộp",
        "Sở Tài chính chưa nộp",
        "xã chưa nộp",
        "ai chưa nộp thì nhắc giúp em, còn sở em đã xong",
        "chưa xong vì thiếu kinh phí",
        "chậm do chưa có hướng dẫn",
        "1 xong",
        "xong chưa",
        "làm đến đâu báo đến đó",
        "bao giờ xong em báo",
        "ai\nchưa nộp",
        "ai chưa nộp " + "x" * 200,
    ],
)
def test_what_does_not_ask_is_no_query(text: str) -> None:
    assert read_spoken_query(text) is None


def test_no_answer_of_a_focal_point_is_a_query() -> None:
    texts = list(_texts(REPLIES))
    assert len(texts) > 100
    assert [text for text in texts if read_spoken_query(text) is not None] == []


def _texts(group: Any) -> Iterator[str]:
    if isinstance(group, str):
        yield group
    elif isinstance(group, list | dict):
        for each in group:
            yield from _texts(each)
            yield from _texts(group[each]) if isinstance(group, dict) else ()


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_spoken_query(text)
    read_spoken_query(f"ai chưa nộp {text}")
