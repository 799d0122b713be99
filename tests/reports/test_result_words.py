"""The sentence of result after "đã xong": kept as written, and never words that take the completion back."""

from __future__ import annotations

import pytest

from data.reports.result_words import progress_of_note, read_result_words, result_of_note


@pytest.mark.parametrize(
    ("text", "document", "result"),
    [
        (
            "12/BC-STC ngày 5/11/2026, đã tập huấn cho 120 cán bộ",
            "12/BC-STC",
            "đã tập huấn cho 120 cán bộ",
        ),
        (
            "Báo cáo số 9/BC ngày 05 tháng 11 năm 2026: rà soát 12 đơn vị.",
            "9/BC",
            "rà soát 12 đơn vị",
        ),
        ("BC 7/BC-SYT, kết quả: 3 bệnh viện kết nối", "7/BC-SYT", "3 bệnh viện kết nối"),
        ("12/BC-STC ngày 5/11/2026", "12/BC-STC", None),
        ("12/BC-STC nhé ạ", "12/BC-STC", None),
        ("đã tập huấn cho 120 cán bộ xã", "", "đã tập huấn cho 120 cán bộ xã"),
        ("Kết quả: ban hành 2 quy chế, 120 người dự", "", "ban hành 2 quy chế, 120 người dự"),
        ("đã xong rồi nhé", "", None),
        ("đã làm được 60% khối lượng công việc", "", None),
        ("đã báo nhầm việc này rồi ạ", "", None),
        ("đã gửi cho ai xem chưa em", "", None),
        ("việc này ai giao cho Sở vậy", "", None),
        ("12/BC-STC ngày 5/11, nhưng chưa xong hẳn", "12/BC-STC", None),
    ],
)
def test_a_result_is_read_as_people_write_it(text: str, document: str, result: str | None) -> None:
    assert read_result_words(text, document=document) == result


@pytest.mark.parametrize(
    ("note", "document", "result"),
    [
        ("1 đã xong, báo cáo số 123/BC-STC ngày 6/11/2026", "123/BC-STC", None),
        ("đã xong", None, None),
        ("12/BC-STC ngày 5/11, tập huấn 120 cán bộ", "12/BC-STC", "tập huấn 120 cán bộ"),
        ("Đã tập huấn cho 120 cán bộ", "12/BC-STC", "Đã tập huấn cho 120 cán bộ"),
        (
            "Ban hành quy chế (theo bảng xuất 08:00:00 01/09/2026, Nguyễn Văn A nhập)",
            None,
            "Ban hành quy chế",
        ),
        (None, None, None),
    ],
)
def test_the_note_of_a_completion_is_a_result_only_where_it_tells_one(
    note: str | None, document: str | None, result: str | None
) -> None:
    assert result_of_note(note, document=document) == result


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("đang làm 60%, kết quả: đã tập huấn 3 lớp", "đã tập huấn 3 lớp"),
        ("dang lam 40%, ket qua: da tap huan 3 lop", "da tap huan 3 lop"),
        ("2 đang làm, kết quả là lắp 02 trạm, chờ nghiệm thu", "lắp 02 trạm, chờ nghiệm thu"),
        ("đang thực hiện được 60%; đang chờ thẩm định", "đang chờ thẩm định"),
        ("đang làm 60%, chưa có kết quả", "chưa có kết quả"),
        ("đang làm 60%, kết quả chưa đạt", "kết quả chưa đạt"),
        ("đang rà soát danh mục", "đang rà soát danh mục"),
        ("đang làm 60%", ""),
        ("Đang lập (theo bảng xuất 08:00:00 01/09/2026, Nguyễn Văn A nhập)", "Đang lập"),
        (None, ""),
    ],
)
def test_what_is_in_progress_tells_its_result_and_not_its_share_again(
    note: str | None, told: str
) -> None:
    assert progress_of_note(note) == told
