"""Secrecy marks: what a person would see as one, and what only has its letters."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.inbox import holds_secret
from data.secrecy import is_marked_secret, is_name_marked_secret

TOP = Path(__file__).resolve().parents[2]

MARKED = [
    "MẬT",
    "mật",
    "Tối mật",
    "TUYỆT MẬT",
    "  [ TỐI  MẬT ] ",
    "**MẬT**",
    "Độ mật: tối mật",
    "ĐỘ MẬT : Mật",
    "Ðộ mật: Mật",
    "độ mật\uff1a A",
    "[MẬT] Báo cáo phòng thủ",
    "MẬT - KHẨN",
    "TỐI MẬT/HOẢ TỐC",
    "TỐI MẬT / HỎA TỐC",
    "Mức độ mật: Tối mật",
    "Mức độ mật: cao",
    "MAT",
    "TOI MAT",
    "TOI MAT - HOA TOC",
    "Do mat: toi mat",
    "Muc do mat: mat",
    "(MẬT)",
    "【TỐI MẬT】",
    "\uff2dẬ\uff34",
    "\uff34Ố\uff29 \uff2dẬ\uff34",
    "M\u200bẬ\u00adT",
    "M Ậ T",
    "T Ố I  M Ậ T",
    "MẬT: báo cáo quý",
    "MẬT – Báo cáo số 5",
    "MẬT Báo cáo phòng thủ",
    "TỐI MẬT BÁO CÁO PHÒNG THỦ",
    "MẬT BÁO CÁO",
    "Báo cáo tình hình - MẬT",
    "Báo cáo 12/BC-CAT (Mật)",
    "Báo cáo 12/BC-CAT (MẬT)",
    "Công văn 12/CV-CAT MẬT",
    "12/BC-MẬT",
    "UBND TỈNH GIA LAI    MẬT    CỘNG HOÀ",
    "TÀI LIỆU MẬT",
    "VĂN BẢN TUYỆT MẬT",
    "MẬT\u0009Bản số: 01",
    "MẬT, Bản số 02",
    "1. MẬT",
    "Số: 12/BC; Độ mật: Mật; Độ khẩn: Hoả tốc",
    "\u041c\u0410\u0422",
    "MËT",
    "TèI MËT",
    "MAÄT",
    "TOÁI MAÄT",
    "🔒MẬT🔒",
    "m̶ậ̶t̶",
    "Fwd: [Tối mật] kế hoạch",
    "*TỐI MẬT* gửi anh",
    "#MẬT",
    "độ mật Tối mật",
    "RE: MẬT - kế hoạch",
    "toi mat",
    "tuyet mat",
    "[mat] bao cao",
    "Mật: kế hoạch phòng thủ",
    "TUYỆT MẬT!!!",
    '"TUYỆT MẬT"',
    "Dấu mật: A",
    "Cấp độ mật: Tối mật",
    "ĐỘ MẬT: TỐI MẬT, ĐỘ KHẨN: HOẢ TỐC",
    "MẬT KHẨN",
    "THƯỢNG KHẨN - MẬT",
    "KHẨN - MẬT",
    "HOẢ TỐC MẬT",
    "2 xong [MẬT]",
    "toi mat - hoa toc",
    "Loại văn bản: Mật",
    "TỐIMẬT",
    "[TUYỆT MẬT][HOẢ TỐC] kế hoạch",
    "đã xong, MẬT",
    "đã xong TỐI MẬT",
    "Gửi báo cáo TỐI MẬT",
    "ĐỘ MẬT; TUYỆT MẬT",
    "| Độ mật | Mật |",
    "Độ mật là: Mật",
    "ĐỘ MẬT ......: TỐI MẬT",
    "Độ-mật: Mật",
    "Ðộ mât: Mật",
    "TÔI MẬT",
]
ORDINARY = [
    "TOI MAT DIEN THOAI",
    "toi mat so",
    "Tài liệu mật không gửi qua đây",
    "không gửi Mật/Tối mật/Tuyệt mật",
    "MẶT TRẬN TỔ QUỐC",
    "bảo mật hệ thống thông tin",
    "III.1a: mật ong đã xong",
    "Mật độ dân cư",
    "đã gửi báo cáo mật khẩu",
    "tối nay gửi",
    "chế độ mật thiết",
    "Bí mật nhà nước",
    "BẢO VỆ BÍ MẬT NHÀ NƯỚC",
    "CÔNG TÁC BẢO VỆ BÍ MẬT NHÀ NƯỚC NĂM 2023",
    "mật độ",
    "MẬT ĐỘ DÂN SỐ",
    "MẬT KHẨU: 123",
    "Mật khẩu: 123",
    "mật khẩu là gì",
    "MẬT SƠN: đã xong",
    "Xã Mật Sơn đã hoàn thành",
    "không soạn thảo văn bản mật trên máy nối mạng",
    "các văn bản TUYỆT MẬT, TỐI MẬT, MẬT không gửi qua mạng",
    "văn bản đóng dấu “Mật”, “Tối mật”",
    'đóng dấu "MẬT" lên văn bản',
    "dấu MẬT/TỐI MẬT/TUYỆT MẬT",
    "Độ mật: Thường",
    "Độ mật: không",
    "Độ mật: Thường, Độ khẩn: Thường",
    "Độ mật: Bình thường; độ khẩn: Hoả tốc",
    "tốt các quy định về xác định BMNN và độ mật của BMNN",
    "Báo cáo này mật hay thường?",
    "vb này mật hay thường, gửi mail đc ko",
    "BẢO MẬT - AN TOÀN THÔNG TIN",
    "bảo mật: đã xong",
    "2 xong - bảo mật",
    "1 mất rồi",
    "mat bang chua xong",
    "MAT BANG - DA XONG",
    "MẶT BẰNG",
    "tôi mất mật khẩu",
    "em Mật báo cáo: đã xong",
    "giải mật; tiêu hủy tài liệu",
    "mật mã",
    "cơ mật",
    "an ninh mật mã quốc gia",
    "tối mật là độ mật thứ hai",
    "thân mật",
    "tuần trăng mật",
    "Báo cáo mật độ - xong",
    "toi moi lam",
    "độ mật",
    " Độ mật:",
    "mật hay thường",
    "bao mat",
    "da doi mat khau - xong",
    "Thi xong toi mat dien thoai",
    "đã xong việc số 3",
    "Anh Mật đã xong",
    "Đảm bảo bí mật, an toàn",
    "kinh phí mất - mật khẩu",
    "- Mật độ dịch vụ: 5",
    "Bảo mật/An toàn",
    "Công nghệ thông tin (bảo mật)",
    "thông tin bảo mật, (mật khẩu)",
    "Mật mã - Cơ yếu",
    "Số lượng văn bản: mật 3, tối mật 2",
    "tài liệu mật, văn bản tối mật",
    "Độ mật: Công khai",
    "Độ mật: N/A",
    "Mức độ bảo mật: cao",
    "Cấp độ bảo mật: cấp 3",
    "không có văn bản TỐI MẬT",
    "đã rà soát tài liệu TỐI MẬT",
    "văn bản thuộc loại TUYỆT MẬT",
]
MARKED_NAMES = [
    "TOIMAT.docx",
    "Tối mật - kế hoạch.pdf",
    "TOI_MAT_bao cao.docx",
    "TOI-MAT-bao-cao.docx",
    "toi_mat_bao_cao.docx",
    "báo cáo (mật).pdf",
    "MẬT_BC_12.pdf",
    "BC_12_MẬT.docx",
    "MAT_bao_cao.docx",
    "MAT_BAO_CAO.docx",
    "bao_cao_toi_mat.pdf",
    "[MẬT] kế hoạch.docx",
    "Báo cáo tối mật.docx",
    "Báo cáo MẬT.docx",
    "báo cáo mật.docx",
    "tuyệt mật.pdf",
    "Ke hoach - TOI MAT.pdf",
    "KH-MẬT-2026.doc",
    "MẬT.docx",
    "MAT.pdf",
    "BC12-MAT.pdf",
    "12.BC.MẬT.pdf",
    "\uff34\uff2f\uff29\uff3f\uff2d\uff21\uff34.docx",
    "Báo cáo TỐI MẬT năm 2026.docx",
    "Tối mật - Khẩn.docx",
    "(Mat) ke hoach.pdf",
    "Công văn mật 12.docx",
]
ORDINARY_NAMES = [
    "toi_mat_the.jpg",
    "CCCD_MAT_SAU.jpg",
    "MAT_BANG_KHU_CN.docx",
    "mat_bang.pdf",
    "bao_mat.docx",
    "BÍ_MẬT_NHÀ_NƯỚC.docx",
    "Kế hoạch bảo vệ bí mật nhà nước.docx",
    "mật_độ_dân_số.xlsx",
    "MẬT ĐỘ.xlsx",
    "bao cao so 12.docx",
    "doi-mat-khau.png",
    "BẢO MẬT.docx",
    "IMG_2026.jpg",
    "anh.jpg",
    "trang-thai.xlsx",
    "bao_cao_thiet_mat.docx",
    "xa_Mat_Son.docx",
    "hop_mat_dau_nam.jpg",
    "Gặp mặt.jpg",
    "rà soát mật khẩu.pdf",
    "in (2 mat).jpg",
    "giải pháp bảo mật 12.docx",
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", MARKED)
def test_what_a_person_sees_as_a_mark_is_one(text: str, form: Any) -> None:
    assert is_marked_secret(unicodedata.normalize(form, f"Kính gửi Sở\n{text}\nNội dung"))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", ORDINARY)
def test_words_that_only_hold_the_letters_are_no_mark(text: str, form: Any) -> None:
    assert not is_marked_secret(unicodedata.normalize(form, text))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", MARKED_NAMES)
def test_a_mark_in_the_name_of_a_file_is_seen(name: str, form: Any) -> None:
    assert is_name_marked_secret(unicodedata.normalize(form, name))


@pytest.mark.parametrize("name", ORDINARY_NAMES)
def test_names_of_ordinary_files_are_no_marks(name: str) -> None:
    assert not is_name_marked_secret(name)


INSIDE = ["", "\u200b", "\u00ad", "\u2060", "\ufeff", "\u034f", "\u200d"]
LEVELS = ["MẬT", "TỐI MẬT", "TUYỆT MẬT", "TOI MAT", "TUYET MAT", "MAT"]
AROUND = ["{}", "[{}]", "({})", "{} - KHẨN", "{}/HOẢ TỐC", "Độ mật: {}", "Báo cáo số 2 - {}", "« {} »", "** {} **",
          "Số 5/BC | {}"]  # fmt: skip


@given(
    level=st.sampled_from(LEVELS),
    around=st.sampled_from(AROUND),
    within=st.lists(st.sampled_from(INSIDE), min_size=9, max_size=9),
    form=st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    wide=st.booleans(),
    before=st.sampled_from(["", "đã xong\n", "Kính gửi:\r\n", "a\u2028"]),
)
def test_however_a_mark_is_typed_it_stays_one(
    level: str, around: str, within: list[str], form: Any, wide: bool, before: str
) -> None:
    typed = "".join(letter + joint for letter, joint in zip(level, within, strict=False))
    typed += level[len(within) :]
    if wide:
        typed = "".join(
            chr(ord(letter) + 0xFEE0) if "A" <= letter <= "Z" else letter for letter in typed
        )
    assert is_marked_secret(before + unicodedata.normalize(form, around.format(typed)))


@given(st.text(max_size=300))
def test_any_text_is_judged_without_a_fault(text: str) -> None:
    assert is_marked_secret(text) in (True, False)
    assert is_name_marked_secret(text) in (True, False)


def test_no_line_of_the_plans_agencies_and_templates_is_a_mark() -> None:
    files = [
        *(TOP / "data" / "plans").rglob("*.yaml"),
        *(TOP / "data" / "agencies").rglob("*.yaml"),
        *(TOP / "templates").rglob("*.j2"),
        TOP / "tests" / "reader" / "replies.yaml",
    ]
    assert len(files) > 50
    for path in files:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not is_marked_secret(line), (path.name, line)


def test_the_name_of_a_file_and_the_question_of_a_poll_are_looked_at_before_they_are_stored() -> (
    None
):
    named = {"message": {"document": {"file_name": "TOI_MAT_bao cao.docx"}}}
    assert holds_secret(json.dumps(named).encode())
    edited = {"edited_message": {"text": "[MẬT] báo cáo"}}
    assert holds_secret(json.dumps(edited).encode())
    asked = {"message": {"poll": {"question": "TỐI MẬT: họp lúc nào"}}}
    assert holds_secret(json.dumps(asked).encode())
    plain = {"message": {"document": {"file_name": "mat_bang.pdf"}, "from": {"first_name": "Mật"}}}
    assert not holds_secret(json.dumps(plain).encode())
