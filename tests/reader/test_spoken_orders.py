"""Orders of those who follow plans, read from free words."""

from __future__ import annotations

import pytest

from bot.conversation.reader.spoken_orders import SpokenOrder, read_spoken_order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("nhắc sở tài chính", SpokenOrder("nhac", "sở tài chính")),
        ("Nhắc các sở chưa nộp nhé", SpokenOrder("nhac", "các sở")),
        ("đôn đốc 1901 các xã", SpokenOrder("nhac", "1901 các xã")),
        ("nhắc tất cả", SpokenOrder("nhac")),
        ("yêu cầu giải trình sở xây dựng", SpokenOrder("giaitrinh", "sở xây dựng")),
        ("đề nghị Sở Xây dựng giải trình", SpokenOrder("giaitrinh", "Sở Xây dựng")),
        ("giao việc III.1a cho Sở Y tế", SpokenOrder("giao", "III.1a", "Sở Y tế")),
        ("xuất báo cáo 1901", SpokenOrder("baocao", "1901")),
        ("soạn báo cáo tổng hợp", SpokenOrder("baocao")),
        ("còn gì chờ duyệt không", SpokenOrder("xacnhan")),
        ("ai chờ xác nhận?", SpokenOrder("xacnhan")),
        ("ai xin gia hạn", SpokenOrder("giahan")),
        ("có câu hỏi nào chưa trả lời không", SpokenOrder("cauhoi")),
        ("tuần này có gì đến hạn", SpokenOrder("sapden")),
        ("sắp đến hạn những gì", SpokenOrder("sapden")),
        ("tiến độ kế hoạch 1901", SpokenOrder("status", "kế hoạch 1901")),
        ("Sở Tài chính", SpokenOrder("status", "Sở Tài chính")),
        ("đồng ý", None),
        ("số 2", None),
        ("nhắc lại thứ Năm", None),
        ("nhắc tôi sau", None),
        ("giải trình: do thiếu vốn", None),
        ("đã làm báo cáo", None),
        ("xin gia hạn đến 5/12", None),
    ],
)
def test_only_whole_orders_are_read(text: str, order: SpokenOrder | None) -> None:
    assert read_spoken_order(text) == order
