"""Dates in words: right, or asked about; never a day that does not exist, or one of another calendar."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.reader.dates import asked_until, is_too_far, whens
from bot.conversation.reader.tokens import prepare
from bot.conversation.reader.understand import understand_reply
from data.registry.schema import CalendarFile
from data.registry.workdays import Workdays

TODAY = date(2026, 11, 22)  # a Sunday
CALENDAR = Workdays(
    [
        CalendarFile.model_validate(
            {
                "year": 2026,
                "confirmed": True,
                "source": "test",
                "days_off": [{"date": date(2026, 11, 24), "reason": "Ngày Văn hoá Việt Nam"}],
            }
        )
    ]
)


def until(text: str, today: date = TODAY) -> date | None:
    return asked_until(whens(prepare(text).bare, today, CALENDAR), today)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("ngày 15 tháng sau", date(2026, 12, 15)),
        ("ngày 15 tháng tới", date(2026, 12, 15)),
        ("ngày 28 tháng này", date(2026, 11, 28)),
        ("ngày 31 tháng sau", date(2026, 12, 31)),
        ("mùng một tháng sau", date(2026, 12, 1)),
        ("mồng 5 tháng sau", date(2026, 12, 5)),
        ("ngày 15 tháng mười hai", date(2026, 12, 15)),
        ("ngày mười lăm tháng mười hai", date(2026, 12, 15)),
        ("ngày 15 tháng 12 năm sau", date(2027, 12, 15)),
        ("15/12 sang năm", date(2027, 12, 15)),
        ("cuối tháng sau", date(2026, 12, 31)),
        ("đầu tháng sau", date(2026, 12, 1)),
        ("giữa tháng sau", date(2026, 12, 15)),
        ("giữa tháng", date(2026, 12, 15)),
        ("2026-12-15", date(2026, 12, 15)),
        ("2026/12/15", date(2026, 12, 15)),
        ("t6/2027", date(2027, 6, 30)),
        ("T12/2026", date(2026, 12, 31)),
        ("cuối T12", date(2026, 12, 31)),
        ("hết 6/2027", date(2027, 6, 30)),
        ("tháng 6 sang năm", date(2027, 6, 30)),
        ("hết quý I sang năm", date(2027, 3, 31)),
        ("hết quí I năm sau", date(2027, 3, 31)),
        ("thứ sáu tuần sau", date(2026, 11, 27)),
        ("Hết Quý I/2027", date(2027, 3, 31)),
        ("29/2/2028", date(2028, 2, 29)),
        ("hết tháng sáu", date(2027, 6, 30)),
        ("ngày 5 tháng sáu", date(2027, 6, 5)),
        ("tháng năm", date(2027, 5, 31)),
        ("hết tháng hai năm 2028", date(2028, 2, 29)),
        ("quý hai", date(2027, 6, 30)),
        ("hết quý một năm 2027", date(2027, 3, 31)),
        ("thứ sáu, 27/11", date(2026, 11, 27)),
        ("thứ hai 30/11", date(2026, 11, 30)),
        ("ngày 20 tháng 12, 2027", date(2027, 12, 20)),
        ("nửa đầu năm 2027", date(2027, 6, 30)),
        ("ngày 15/12 tới", date(2026, 12, 15)),
        ("ngày 15 tháng 12 này", date(2026, 12, 15)),
        ("15/12 năm tới", date(2027, 12, 15)),
        ("tháng 12 tới", date(2026, 12, 31)),
        ("t6 sang năm", date(2027, 6, 30)),
        ("ngày 15 của tháng sau", date(2026, 12, 15)),
        ("ngày 15 trong tháng 12", date(2026, 12, 15)),
        ("ngày 15, tháng 12", date(2026, 12, 15)),
        ("15 của tháng 12", date(2026, 12, 15)),
        ("thứ sáu ngày 27", date(2026, 11, 27)),
    ],
)
def test_a_day_in_words_is_right(words: str, day: date) -> None:
    assert until(f"đến {words}") == until(f"xin gia hạn đến {words} ạ") == day
    assert understand_reply(f"xin gia hạn đến {words}", today=TODAY).until == day


@pytest.mark.parametrize(
    "words",
    [
        "mùng 6 Tết",
        "ngày 10 Tết",
        "sau Tết",
        "trước Tết",
        "ra giêng",
        "15 tháng chạp",
        "ngày 15 tháng chạp",
        "23 tháng Chạp âm lịch",
        "mùng 10 tháng giêng",
        "rằm tháng giêng",
        "rằm tháng 7",
        "hết tháng giêng",
        "15/12 âm lịch",
        "ngày 20 tháng 12 (ÂL)",
        "29/2/2027",
        "29/2",
        "30/2",
        "31/11",
        "31/4/2027",
        "ngày 31 tháng này",
        "ngày 31",
        "13/13/2026",
        "12/25/2026",
        "15 tháng tới",
        "tuần đầu tháng 12",
        "tuần thứ hai tháng 12",
        "ngày 1 quý sau",
        "sau ngày 15/12",
        "5 ngày sau khi nhận văn bản",
        "8 ngày làm việc sau Tết",
        "ngày 20 tháng này",
        "tuần sau nữa",
        "thứ sáu 28/11",
        "20/12 hoặc 25/12",
        "quý 1/28",
        "ngày đầu tiên của tháng sau",
        "ngày làm việc cuối cùng của tháng 12",
        "10 ngày làm việc kể từ ngày nhận công văn",
        "15/8 ta",
        "15/12 lịch âm",
        "(tính theo âm lịch) 15/12",
        "ngày hăm lăm tháng 12",
        "t6/27",
        "tuần 2 tháng 12",
        "trung tuần tháng 12",
        "tháng mười ba",
        "15 tháng mười ba",
        "ngày 20/11 vừa rồi",
        "15/12 năm ngoái",
        "sau tháng 12",
        "thứ sáu ngày 28",
        "10 ngày sau ngày 1/12",
        "10 ngày nữa so với hạn",
        "10 ngày kể từ hạn cũ",
        "5 ngày, không kể thứ bảy, chủ nhật",
        "5 ngày (làm việc)",
        "5 ngày trừ cuối tuần",
    ],
)
def test_what_is_not_sure_is_asked_about(words: str) -> None:
    for text in (f"xin gia hạn đến {words}", f"đến {words}", words):
        assert until(text) is None, text
    assert understand_reply(f"xin gia hạn đến {words}", today=TODAY).until is None


def test_the_29th_of_february_without_a_year_is_never_another_year() -> None:
    assert until("đến 29/2", date(2027, 11, 22)) == date(2028, 2, 29)
    assert until("đến 29/2", date(2027, 1, 5)) is None
    assert until("đến 31/1", date(2026, 11, 22)) == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("3 ngày làm việc nữa", date(2026, 11, 26)),
        ("trong 5 ngày làm việc", date(2026, 11, 30)),
        ("thêm ba ngày làm việc", date(2026, 11, 26)),
        ("thêm 3 ngày LV", date(2026, 11, 26)),
        ("thêm 1 tuần làm việc", date(2026, 11, 30)),
        ("thêm 3 ngày", date(2026, 11, 25)),
    ],
)
def test_words_of_working_days_count_working_days(words: str, day: date) -> None:
    assert until(f"xin gia hạn {words}") == day  # Tuesday 24/11 is off


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("trước 17h ngày 25/11", date(2026, 11, 25)),
        ("trước ngày 25/11", date(2026, 11, 24)),
        ("trước tháng 12", date(2026, 11, 30)),
        ("trước quý II/2027", date(2027, 3, 31)),
        ("trước cuối tháng 12", date(2026, 12, 31)),
        ("2-3 ngày", date(2026, 11, 25)),
        ("đến 2-3 ngày nữa", date(2026, 11, 25)),
    ],
)
def test_before_a_month_is_the_end_of_the_month_before_and_a_range_is_no_date(
    words: str, day: date
) -> None:
    assert until(f"xin gia hạn {words}") == day


def test_a_length_that_counts_from_another_day_is_asked_about() -> None:
    assert until("xin thêm 5 ngày làm việc kể từ ngày 1/12") is None
    assert until("xin thêm 5 ngày từ hôm nay") == date(2026, 11, 27)


@given(
    day=st.dates(date(2020, 1, 1), date(2032, 12, 31)),
    form=st.sampled_from(
        ["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y-%m-%d", "ngày %d tháng %m năm %Y"]
    ),
    lead=st.sampled_from(["đến ", "đến hết ", ""]),
)
def test_a_whole_date_is_that_day_in_every_form(day: date, form: str, lead: str) -> None:
    assert until(lead + day.strftime(form)) == (day if day >= TODAY else None)


@given(
    st.integers(0, 40),
    st.integers(0, 15),
    st.sampled_from([None, 2026, 2027, 2028, 2029]),
    st.dates(date(2026, 1, 1), date(2029, 1, 1)),
)
def test_a_day_and_month_are_never_another_day(
    day: int, month: int, year: int | None, today: date
) -> None:
    """Whatever is typed, what is read has the day and month typed, is near, and is not past."""
    tail = f"/{year}" if year else ""
    for text in (
        f"đến {day}/{month}{tail}",
        f"đến ngày {day} tháng {month}" + (f" năm {year}" if year else ""),
    ):
        found = until(text, today)
        if found is not None:
            assert (found.day, found.month) == (day, month)
            assert found >= today
            assert year is None or found.year == year
            assert year is not None or found <= today + timedelta(days=366)


WORDS = list(
    dict.fromkeys(
        re.findall(
            r"\S+",
            "đến hết ngày mùng 15 6 31 tháng chạp giêng mười hai sau này Tết quý I năm sang 2027 29/2 tuần"
            " thứ 12/2026 t6 làm việc thêm nữa rằm âm lịch trước cuối đầu",
        )
    )
)


@given(
    st.lists(
        st.sampled_from(WORDS),
        max_size=9,
    ),
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
)
def test_any_words_give_a_day_to_come_or_none(words: list[str], today: date) -> None:
    found = until(" ".join(words), today)
    assert found is None or found >= today


def test_a_day_more_than_three_years_ahead_is_too_far() -> None:
    assert is_too_far(date(2029, 11, 23), TODAY)
    assert not is_too_far(date(2029, 11, 22), TODAY)
    assert not is_too_far(date(2029, 2, 28), date(2026, 2, 28))
