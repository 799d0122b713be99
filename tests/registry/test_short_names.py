"""Short names of tasks: they begin at the verb, and are never cut inside a word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.registry.files import RegistryFault
from data.registry.registry import Registry
from data.registry.short_names import TITLE_LIMIT, cut_between_words, short_name
from data.registry.titles import first_receiver, task_title
from tests.support.conversations import PLAN, small_texts

NAMES = {
    ("dong-thap-93-2020", "PL.2"): "Nâng cấp Kiến trúc Chính quyền điện tử tỉnh Đồng Tháp",
    ("dong-thap-93-2020", "PL.12"): (
        "Thực hiện Kế hoạch triển khai thực hiện Đề án tổng thể ứng dụng Công nghệ thông tin trong lĩnh vực du lịch"
    ),
    ("lang-son-131-2020", "II.1a"): (
        "Tổ chức phổ biến, quán triệt, tuyên truyền quan điểm, mục tiêu, ý nghĩa, yêu cầu"
    ),
    ("lang-son-131-2020", "II.2e"): "Đề xuất các giải pháp phát triển đô thị thông minh bền vững",
    ("lang-son-131-2020", "II.3h"): (
        "Thẩm định dự toán kinh phí, tham mưu trình UBND tỉnh phê duyệt các hoạt động nghiên cứu khoa học"
    ),
    ("lang-son-131-2020", "II.8a"): (
        "Tiếp tục triển khai thực hiện Kế hoạch hành động số 106/KH-UBND ngày 06/6/2019 của UBND tỉnh"
    ),
    ("gia-lai-1901-2020", "III.1b"): (
        "Tuyên truyền nội dung Nghị quyết số 50/NQ-CP ngày 17/4/2020 của Chính phủ"
    ),
    ("gia-lai-1901-2020", "III.3e"): (
        'Triển khai các nhiệm vụ theo Đề án "Xây dựng thành phố Pleiku theo hướng đô thị thông minh'
        '"'
    ),
    ("gia-lai-1331-2022", "I.7.1"): (
        "Thực hiện sát hạch, đánh giá kỹ năng số của học sinh, sinh viên, công chức, viên chức"
    ),
    ("dak-lak-146-2025", "1l"): (
        "Đánh giá, công bố mức độ hoàn thành nhiệm vụ chuyển đổi số của cơ quan Nhà nước, người đứng đầu và cán bộ"
    ),
    ("dak-lak-146-2025", "5a"): "Nâng cao chất lượng cung cấp dịch vụ công trực tuyến toàn trình",
}
WORDS = st.lists(
    st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyAĂĐ0123456789/-", min_size=1, max_size=14),
    max_size=60,
)
STARTS = st.sampled_from(
    [
        "",
        "Căn cứ các chỉ tiêu, danh mục, ",
        "Trên cơ sở đó, ",
        "Sở Tài chính chủ trì, phối hợp với ",
        "Hàng năm ",
    ]
)


@pytest.mark.parametrize(("plan", "code"), list(NAMES))
def test_a_task_of_a_real_plan_is_named_from_its_verb_on(
    registry: Registry, plan: str, code: str
) -> None:
    task = next(task for task in registry.plans[plan].tasks if task.code == code)
    assert task_title(task) == NAMES[plan, code]


def test_every_task_of_the_shipped_plans_has_a_name_that_stands_alone(registry: Registry) -> None:
    cut = 0
    for plan in registry.plans.values():
        for task in plan.tasks:
            name = task_title(task)
            assert 20 <= len(name) <= TITLE_LIMIT, (plan.number, task.code, name)
            assert not re.match(r"(Căn cứ|Trên cơ sở|Sở|UBND|Các|Và|Chủ trì)\b", name), name
            whole = " ".join("\n".join((task.text, *task.actions)).split())
            assert name[1:].rstrip('…”"') in whole, name  # the document's words
            cut += name.endswith("…")
    assert cut <= 1


@given(STARTS, WORDS, st.sampled_from([", ", " ", "; ", ". "]))
def test_no_name_is_cut_inside_a_word_or_longer_than_the_limit(
    start: str, words: list[str], between: str
) -> None:
    text = start + between.join(words)
    name = short_name(text)
    assert len(name) <= TITLE_LIMIT
    whole = set(re.split(r"[\s,;.]+", text.casefold()))
    for word in re.split(r"[\s,;.]+", name.rstrip("…").casefold()):
        assert word in whole


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Căn cứ các chỉ tiêu, danh mục được giao, xây dựng kế hoạch", "Xây dựng kế hoạch"),
        ("Trên cơ sở Khung kiến trúc, nâng cấp Kiến trúc của tỉnh", "Nâng cấp Kiến trúc của tỉnh"),
        ("Các sở, ban, ngành theo chức năng đề xuất giải pháp", "Đề xuất giải pháp"),
        ("Chủ trì, phối hợp với Sở Xây dựng rà soát quy hoạch", "Rà soát quy hoạch"),
        ("Đề án xây dựng hạ tầng giao thông", "Đề án xây dựng hạ tầng giao thông"),
        ("", ""),
    ],
)
def test_who_and_why_do_not_stand_before_the_verb(text: str, name: str) -> None:
    assert short_name(text) == name


def test_a_word_longer_than_the_limit_is_left_out_whole() -> None:
    assert cut_between_words("a" * 30, 10) == "…"
    assert cut_between_words("một hai ba", 8) == "một hai…"
    assert cut_between_words("một hai", 7) == "một hai"


def test_the_name_in_a_plan_file_goes_before_the_made_one() -> None:
    texts = small_texts()
    plan = PLAN.format(slug="dong", number="10/KH-UBND", issued_on="2026-01-05")
    named = plan.replace('code: "1", text', 'code: "1", short: "Rà soát chi (tên tắt)", text')
    task = (
        Registry.from_texts({**texts, "plans/dong-10.yaml": named}).plans["dong-10-2026"].tasks[0]
    )
    assert task_title(task) == "Rà soát chi (tên tắt)"
    with pytest.raises(RegistryFault, match="short"):
        Registry.from_texts({**texts, "plans/dong-10.yaml": named.replace("(tên tắt)", "x" * 120)})


def test_a_report_goes_first_to_who_follows_its_plan_today() -> None:
    assert first_receiver("UBND tỉnh", "Sở Khoa học và Công nghệ", "Sở KH&CN") == "Sở KH&CN"
    assert first_receiver("Sở Thông tin và Truyền thông", None, "Sở KH&CN") == "Sở KH&CN"
    assert first_receiver("Tỉnh uỷ, Ủy ban nhân dân Tỉnh", None, "Sở KH&CN") == "Tỉnh uỷ"
    assert first_receiver(None, None, "Sở KH&CN") == ""
