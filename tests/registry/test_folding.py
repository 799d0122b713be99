"""Spellings of one word fold alike at every door: names of agencies, search, the reader, sheets."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.reader.understand import understand_reply
from data.obligations.search import code_key, search_words
from data.registry.registry import Registry
from data.sheets.phrases import read_frequency
from data.text import compose, fold, spelling_key

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Đắk Lắk", "\u00d0ắk Lắk"),
        ("đã xong", "\u00f0ã xong"),
        ("Đề án", "\u0189ề án"),
        ("Sở Kỹ thuật", "Sở Kĩ thuật"),
        ("Quý I", "Quí I"),
        ("Lý Nhân", "Lí Nhân"),
        ("Mỹ Sơn", "Mĩ Sơn"),
        ("tỷ lệ", "tỉ lệ"),
        ("hy vọng", "hi vọng"),
        ("bác sỹ", "bác sĩ"),
        ("Sở Y tế", "Sở\u00a0Y\u2003tế"),
        ("Sở Y tế", "S\u00adở Y t\u200bế\ufeff"),
        ("Sở Y tế", "Ｓở　Ｙ　ｔế"),
        ("Thuỷ Nguyên", "Thủy Nguyên"),
        ("m²", "m2"),
        ("KẾ HOẠCH", "kế hoạch"),
        ("kế hoạch", "𝐊ế 𝐡𝐨ạ𝐜𝐡"),
    ],
)
def test_spellings_of_one_word_fold_alike(one: str, other: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, other)) == fold(one)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [("ngày", "ngài"), ("tay", "tai"), ("hay", "hai"), ("thuý", "thúi"), ("mày", "mài"), ("quý I", "quý Y")],
)  # fmt: skip
def test_words_that_differ_by_i_and_y_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_the_spelling_key_keeps_marks_but_not_where_they_are_put() -> None:
    assert spelling_key("An Hoà") == spelling_key("AN  HÒA")
    assert spelling_key("Mĩ Lí") == spelling_key("mỹ lý")
    assert spelling_key("An Hòa") != spelling_key("An Hoa")


@given(st.text(max_size=60))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(compose(text)) == fold(text)
    assert all("a" <= letter <= "z" or letter.isdecimal() or letter == " " for letter in fold(text))


JOINTS = ["", "\u200b", "\u00ad", "\u2060", "\ufeff", "\u200d"]
Y_OR_I = str.maketrans("ýỳỷỹỵ", "íìỉĩị")


def respell(name: str, draw: Any) -> str:
    """Return a name as somebody else may type it."""
    words = []
    for word in name.split(" "):
        if fold(word) in ("ky", "ly", "my", "quy", "sy", "hy") and draw(st.booleans()):
            word = word.translate(Y_OR_I)
        words.append(word)
    typed = draw(st.sampled_from([" ", "\u00a0", "  ", "\u3000"])).join(words)
    if draw(st.booleans()):
        typed = typed.replace("Đ", "\u00d0").replace("đ", "\u00f0")
    if draw(st.booleans()):
        typed = "".join(
            chr(ord(letter) + 0xFEE0) if "!" < letter <= "~" else letter for letter in typed
        )
    typed = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), typed)
    place = draw(st.integers(0, len(typed)))
    typed = typed[:place] + draw(st.sampled_from(JOINTS)) + typed[place:]
    return draw(st.sampled_from([typed, typed.upper(), typed.lower()]))


@given(data=st.data())
def test_an_agency_is_found_by_its_name_however_it_is_typed(
    registry: Registry, data: st.DataObject
) -> None:
    province = registry.provinces[data.draw(st.sampled_from(sorted(registry.provinces)))]
    entry = data.draw(st.sampled_from(province.file.agencies))
    typed = respell(entry.name, data.draw)
    assert province.resolve(typed) is province.resolve(entry.name) is not None
    assert [found.code for found in province.find(typed)] == [
        found.code for found in province.find(entry.name)
    ]


def test_a_search_and_a_code_take_any_spelling() -> None:
    assert search_words("Ｋĩ thuật \u00d0iện tử") == search_words("kỹ thuật điện tử")
    assert code_key("III.1\u00d0") == code_key("iii.1đ") == "iii1đ"
    assert code_key("ＩＩＩ．１ａ") == "iii1a"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("\u00f0ã xong", "đã xong"),
        ("\u00d0ã xong", "Đã hoàn thành"),
        ("đ\u00adã x\u200bong", "đã xong"),
        ("ｄã ｘｏｎｇ", "dã xong"),
        ("xin gia hạn đến hết quí I/2027", "xin gia hạn đến hết quý I/2027"),
        ("xử lí xong rồi", "xử lý xong rồi"),
        ("1 tí nữa xong", "1 tý nữa xong"),
        ("hi vọng tuần sau xong", "hy vọng tuần sau xong"),
    ],
)
def test_the_reader_takes_any_spelling(text: str, same: str) -> None:
    expected = understand_reply(same, today=TODAY)
    for form in ("NFC", "NFD"):
        read = understand_reply(unicodedata.normalize(form, text), today=TODAY)  # type: ignore[arg-type]
        assert read.as_dict() | {"note": ""} == expected.as_dict() | {"note": ""}


def test_a_sheet_takes_quarters_spelt_with_i() -> None:
    assert read_frequency("hàng quí") == read_frequency("Hàng quý") == "quarterly"
    assert read_frequency("định kì 6 tháng") == read_frequency("định kỳ 6 tháng")
