"""The registry: files checked against each other and the documents; faults with line and remedy."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from data.registry.files import RegistryFault
from data.registry.registry import Registry, read_folder
from data.registry.schema import AgencyEntry, GroupEntry
from tests.conftest import SHIPPED

SEEDS = Path(os.environ.get("SEEDS", SHIPPED.parent.parent / "shared" / "seeds"))
TODAY = date(2026, 11, 22)


def codes(registry: Registry, plan: str) -> list[str]:
    return [task.code for task in registry.plans[plan].tasks]


# ---------------------------------------------------------------- what the plans hold


@pytest.mark.parametrize(
    ("plan", "tasks", "first", "last"),
    [
        ("gia-lai-1901-2020", 37, "III.1a", "III.8đ"),
        ("lang-son-131-2020", 32, "II.1a", "II.8c"),
        ("gia-lai-1331-2022", 36, "I.1.1", "III.6.2"),
        ("dak-lak-146-2025", 55, "1a", "8c"),
        ("dong-thap-93-2020", 18, "PL.1", "PL.18"),
    ],
)
def test_every_plan_holds_all_its_tasks_in_the_documents_order(
    registry: Registry, plan: str, tasks: int, first: str, last: str
) -> None:
    assert len(codes(registry, plan)) == tasks
    assert (codes(registry, plan)[0], codes(registry, plan)[-1]) == (first, last)


def test_the_report_dates_are_those_of_the_documents(registry: Registry) -> None:
    dated = {
        (plan.number, duty.code): (d.operator, d.day, d.month, d.year)
        for plan in registry.plans.values()
        for duty in plan.report_duties
        if (d := duty.deadline)
    }
    assert dated == {
        ("1901/KH-UBND", "BC.1"): ("before", 15, 11, None),
        ("131/KH-UBND", "BC.1"): ("before", 25, 11, None),
        ("131/KH-UBND", "BC.2"): ("before", 10, 11, None),
        ("146/KH-UBND", "BC.1"): ("before", 15, 7, 2025),
        ("146/KH-UBND", "BC.3"): ("before", 10, 6, None),
        ("146/KH-UBND", "BC.4"): ("before", 25, 11, None),
        ("93/KH-UBND", "BC.1"): ("on", 30, 11, None),
        ("93/KH-UBND", "BC.2"): ("on", 15, 12, None),
    }


def test_an_empty_cell_stays_empty(registry: Registry) -> None:
    tasks = {task.code: task for task in registry.plans["gia-lai-1331-2022"].tasks}
    assert tasks["III.1.2"].period.kind == "missing"
    assert tasks["III.1.2"].period.raw == ""
    assert tasks["I.1.2"].supports == []


def test_a_merged_cell_spans_its_rows(registry: Registry) -> None:
    tasks = {task.code: task for task in registry.plans["dong-thap-93-2020"].tasks}
    assert tasks["PL.8"].leads == ["Sở Thông tin và Truyền thông"]
    assert (tasks["PL.8"].period.start_year, tasks["PL.8"].period.end_year) == (2022, 2023)
    assert tasks["PL.11"].leads == ["Sở Khoa học và Công nghệ"]


def test_dak_lak_names_no_lead_because_its_annex_is_missing(registry: Registry) -> None:
    plan = registry.plans["dak-lak-146-2025"]
    assert all(not task.leads for task in plan.tasks)
    assert plan.replaces == "49/KH-UBND"


def test_lang_son_states_no_period(registry: Registry) -> None:
    kinds = {task.period.kind for task in registry.plans["lang-son-131-2020"].tasks}
    assert kinds == {"not_stated"}


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the documents are not at hand")
def test_every_text_stands_in_its_document(registry: Registry) -> None:
    assert registry.check_against(SEEDS) == []


# ---------------------------------------------------------------- agencies as of a date


@pytest.mark.parametrize(
    ("province", "communes", "districts"),
    [("gia-lai", 77, 17), ("lang-son", 65, 11), ("dak-lak", 68, 15), ("dong-thap", 45, 12)],
)
def test_districts_become_the_communes_of_the_old_territory(
    registry: Registry, province: str, communes: int, districts: int
) -> None:
    home = registry.provinces[province]
    group = home.resolve("Ủy ban nhân dân cấp huyện")
    assert isinstance(group, GroupEntry)
    issued = date(2020, 9, 14)
    assert len(home.members(group, date(2025, 6, 30), issued_on=issued)) == districts
    assert len(home.members(group, date(2025, 7, 1), issued_on=issued)) == communes


@pytest.mark.parametrize(
    ("before", "after", "needs_decision"),
    [
        ("Sở Kế hoạch và Đầu tư", "so-tai-chinh", False),
        ("Sở Tài nguyên và Môi trường", "so-nnmt", False),
        ("Sở Nông nghiệp và Phát triển nông thôn", "so-nnmt", False),
        ("Sở Giao thông vận tải", "so-xay-dung", False),
        ("Sở Thông tin và Truyền thông", "so-khcn", True),
        ("Sở Lao động - Thương binh và Xã hội", "so-noi-vu", True),
        ("Sở Khoa học và Công nghệ", "so-khcn", False),
    ],
)
def test_the_mergers_of_2025_are_followed(
    registry: Registry, before: str, after: str, needs_decision: bool
) -> None:
    home = registry.provinces["gia-lai"]
    agency = home.resolve(before)
    assert isinstance(agency, AgencyEntry)
    heirs = home.successor_of(agency.code, TODAY)
    assert heirs.codes[0] == after
    assert heirs.needs_decision is needs_decision
    assert home.successor_of(agency.code, date(2025, 2, 28)).codes == (agency.code,)


def test_a_city_that_became_several_wards_needs_a_decision(registry: Registry) -> None:
    home = registry.provinces["gia-lai"]
    heirs = home.successor_of("ubnd-tp-pleiku", TODAY)
    assert heirs.needs_decision
    assert "phuong-pleiku" in heirs.codes


@pytest.mark.parametrize(
    "words", ["Sở Khoa học và Công nghệ", "SỞ KHOA HỌC VÀ CÔNG NGHỆ", "Sở KH&CN", "so khcn"]
)
def test_an_agency_is_known_by_any_of_its_spellings(registry: Registry, words: str) -> None:
    agency = registry.provinces["lang-son"].resolve(words)
    assert isinstance(agency, AgencyEntry)
    assert agency.code == "so-khcn"


def test_names_that_differ_by_marks_alone_are_told_apart_only_with_marks(
    registry: Registry,
) -> None:
    home = registry.provinces["dong-thap"]
    assert home.resolve("xã Tân Thành") is not None
    assert home.resolve("xã Tân Thành") is not home.resolve("xã Tân Thạnh")
    assert home.resolve("xa tan thanh") is None


# ---------------------------------------------------------------- faults


def texts_with(path: str, old: str, new: str) -> dict[str, str]:
    province = path.removeprefix("plans/").rsplit("-", 2)[0]
    texts = {
        name: text
        for name, text in read_folder(SHIPPED).items()
        if name in (path, f"agencies/{province}.yaml")
    }
    assert old in texts[path]
    return {**texts, path: texts[path].replace(old, new, 1)}


PLAN = "plans/dong-thap-93-2020.yaml"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("issued_on: 2020-04-21", "issued_on: 2020-02-30", "ngày"),
        ('"PL.2"', '"PL.1"', "PL.1 ghi hai lần"),
        ('"Sở Y tế"', '"Sở Y Tá"', "cơ quan lạ «Sở Y Tá»"),
        ("issued_on:", "issue_on:", "thiếu mục"),
        ("issued_on: 2020-04-21", "issued_on: [", "YAML"),
        ("issued_on: 2020-04-21", "issued_on: &x 2020-04-21", "anchor"),
        ('"Sở Y tế"', '"Sở Y\\0 tế"', "NUL"),
    ],
)
def test_a_fault_is_named_with_file_line_and_reason(old: str, new: str, words: str) -> None:
    with pytest.raises(RegistryFault) as caught:
        Registry.from_texts(texts_with(PLAN, old, new))
    told = [fault for fault in caught.value.faults if words in fault.message]
    assert told, caught.value
    assert told[0].file == PLAN
    assert told[0].line is not None


def test_files_that_are_huge_or_not_utf8_are_refused_before_they_are_parsed(
    tmp_path: Path,
) -> None:
    for name in ("plans", "agencies", "calendar"):
        (tmp_path / name).mkdir()
    (tmp_path / "plans" / "huge.yaml").write_bytes(b"# " + b"x" * 50_000_000)
    (tmp_path / "plans" / "latin.yaml").write_bytes("title: Kế hoạch".encode("utf-16"))
    with pytest.raises(RegistryFault) as caught:
        read_folder(tmp_path)
    messages = [str(fault) for fault in caught.value.faults]
    assert any("huge.yaml" in text and "quá lớn" in text for text in messages)
    assert any("latin.yaml" in text and "UTF-8" in text for text in messages)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RegistryFault, match="registry init"):
        Registry.from_folder(tmp_path)
