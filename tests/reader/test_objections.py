"""Objections to figures: which words are one, and which only speak of figures."""

from __future__ import annotations

import pytest

from bot.conversation.reader.objections import names_objection, objects_to_figures


@pytest.mark.parametrize(
    "text",
    [
        "khiếu nại số liệu: xã đã nộp ngày 10/11",
        "KHIEU NAI SO LIEU",
        "em xin khiếu nại về số liệu quá hạn của xã ạ",
        "khiếu nại: xã nộp rồi",
        "số liệu quá hạn của xã là sai, đã nộp ngày 10/11",
        "so lieu qua han cua xa chua chinh xac",
        "2 số liệu chậm tiến độ không đúng",
        "việc 2 thống kê sai, đơn vị đã báo cáo rồi",
        "hệ thống ghi xã chưa nộp là không đúng",
        "BC.1 hệ thống tính quá hạn là sai",
        "tin nhắc ghi chúng tôi chưa báo cáo là chưa chính xác",
        "đề nghị xem lại số liệu",
        "đề nghị cơ quan theo dõi rà soát lại số liệu của đơn vị",
    ],
)
def test_words_that_dispute_the_figures_are_an_objection(text: str) -> None:
    assert objects_to_figures(text)


@pytest.mark.parametrize(
    "text",
    [
        "2 xong",
        "đã xong, số 12/BC-UBND ngày 10/11/2026",
        "việc này không thuộc xã chúng tôi",
        "chưa xong vì số liệu thống kê sai",
        "báo cáo chậm do số liệu chưa đúng",
        "vướng do số liệu quá hạn chưa chính xác",
        "tiếp nhận, giải quyết 12 đơn khiếu nại, tố cáo",
        "khiếu nại tố cáo đã giải quyết xong",
        "số liệu đã gửi hôm qua sai, xin gửi lại",
        "đang rà soát số liệu",
        "nhầm, số đúng là 15/BC-STC",
        "nếu số liệu quá hạn sai thì em báo lại",
        "chỉ tiêu hợp đồng điện tử 82%",
        "",
    ],
)
def test_words_that_only_speak_of_figures_are_none(text: str) -> None:
    assert not objects_to_figures(text)


def test_only_words_that_call_themselves_one_are_named_one() -> None:
    assert names_objection("khiếu nại số liệu quá hạn")
    assert not names_objection("số liệu quá hạn sai")
