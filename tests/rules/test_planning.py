"""Owners and due dates: pure planning of the real registry."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from data.registry.registry import Registry
from data.rules.ladder import TASK_KINDS
from data.rules.owners import coordinator_of, task_owners
from data.rules.planning import plan_assignments, plan_obligations
from data.rules.preview import preview_rungs


def by_rung(registry: Registry, province: str, code: str, due_on: date) -> dict[int, date]:
    rows = preview_rungs(
        registry, since=date(2026, 10, 1), until=date(2026, 12, 31), province=province
    )
    return {row.rung: row.date for row in rows if row.code == code and row.due_on == due_on}


def test_lang_son_agencies_are_reminded_up_to_monday_the_ninth(registry: Registry) -> None:
    steps = by_rung(registry, "lang-son", "BC.2", date(2026, 11, 9))
    assert steps[-1] == date(2026, 11, 6)
    assert steps[0] == date(2026, 11, 9)
    assert steps[1] == date(2026, 11, 10)


def test_gia_lai_1901_is_based_on_friday_the_thirteenth(registry: Registry) -> None:
    steps = by_rung(registry, "gia-lai", "BC.1", date(2026, 11, 14))
    assert steps[0] == date(2026, 11, 13)
    assert steps[1] == date(2026, 11, 17)


def test_dong_thap_is_due_on_the_day_itself_and_its_coordinator_on_15_december(
    registry: Registry,
) -> None:
    assert by_rung(registry, "dong-thap", "BC.1", date(2026, 11, 30))[0] == date(2026, 11, 30)
    assert by_rung(registry, "dong-thap", "BC.2", date(2026, 12, 15))[0] == date(2026, 12, 15)
    rows = preview_rungs(
        registry, since=date(2026, 12, 15), until=date(2026, 12, 15), province="dong-thap"
    )
    assert [row.agency for row in rows if row.code == "BC.2"] == ["Sở Khoa học và Công nghệ"]


def test_preview_never_speaks_on_a_day_off_nor_twice_of_one_rung(registry: Registry) -> None:
    rows = preview_rungs(registry, since=date(2026, 1, 1), until=date(2026, 12, 31))
    assert all(registry.workdays.is_working(row.date) for row in rows)
    counted = Counter(
        (row.province, row.plan, row.agency, row.code, row.due_on, row.rung)
        for row in rows
        if row.kind not in TASK_KINDS
    )
    assert set(counted.values()) == {1}


def test_a_duty_never_includes_its_own_receiver(registry: Registry) -> None:
    for plan_code in ("lang-son-131-2020", "gia-lai-1901-2020", "dak-lak-146-2025"):
        code = "BC.2" if plan_code.startswith("lang") else "BC.1"
        owed = [
            item
            for item in plan_obligations(
                registry, plan_code, since=date(2025, 6, 1), until=date(2026, 12, 31)
            )
            if item.code == code and item.kind != "phase_end"
        ]
        assert owed
        if plan_code != "dak-lak-146-2025":
            assert all(item.agency != "so-khcn" for item in owed)


def test_the_owner_is_the_agency_as_of_the_due_date(registry: Registry) -> None:
    owed = [
        item
        for item in plan_obligations(
            registry, "gia-lai-1901-2020", since=date(2024, 11, 1), until=date(2025, 11, 30)
        )
        if item.code == "BC.1"
    ]
    before = {item.agency for item in owed if item.period == "2024"}
    after = {item.agency for item in owed if item.period == "2025"}
    assert "so-tttt" in before
    assert "ubnd-huyen-chu-pah" in before
    assert "so-tttt" not in after
    assert "so-nnmt" in after
    assert "xa-gao" in after


def test_two_leads_that_became_one_agency_are_one_assignment(registry: Registry) -> None:
    home = registry.provinces["gia-lai"]
    plan = registry.plans["gia-lai-1331-2022"]
    task = next(task for task in plan.tasks if task.code == "III.5.1")
    assert set(task_owners(home, plan, task, on=date(2025, 2, 28))) >= {"so-khdt", "so-tai-chinh"}
    after = task_owners(home, plan, task, on=date(2025, 3, 1))
    assert "so-khdt" not in after
    assert after["so-tai-chinh"] is False


def test_split_work_waits_for_a_decision_under_its_old_name(registry: Registry) -> None:
    home = registry.provinces["gia-lai"]
    plan = registry.plans["gia-lai-1901-2020"]
    task = next(task for task in plan.tasks if task.code == "III.3a")
    assert task_owners(home, plan, task, on=date(2026, 11, 22)) == {"so-tttt": True}
    rows = preview_rungs(
        registry, since=date(2030, 12, 1), until=date(2030, 12, 31), province="gia-lai"
    )
    told = {row.agency for row in rows if row.code == "III.3a" and row.plan == "1901/KH-UBND"}
    assert told == {"Sở Khoa học và Công nghệ"}  # the coordinating agency


def test_the_coordinating_agency_is_followed_through_the_merger(registry: Registry) -> None:
    home = registry.provinces["dong-thap"]
    plan = registry.plans["dong-thap-93-2020"]
    assert coordinator_of(home, plan, on=date(2025, 2, 28)) == "so-tttt"
    assert coordinator_of(home, plan, on=date(2025, 3, 1)) == "so-khcn"


def test_groups_nobody_listed_make_no_obligations(registry: Registry) -> None:
    home = registry.provinces["dong-thap"]
    plan = registry.plans["dong-thap-93-2020"]
    task = next(task for task in plan.tasks if task.code == "PL.18")
    assert task.leads == ["Các doanh nghiệp viễn thông"]
    assert plan_assignments(home, plan, task, until=date(2026, 11, 22)) == []


def test_assignments_follow_each_other_without_gap(registry: Registry) -> None:
    home = registry.provinces["gia-lai"]
    plan = registry.plans["gia-lai-1901-2020"]
    task = next(task for task in plan.tasks if task.code == "III.2e")
    found = plan_assignments(home, plan, task, until=date(2026, 11, 22))
    assert [(item.agency, item.since, item.until) for item in found] == [
        ("so-tnmt", date(2020, 9, 14), date(2025, 2, 28)),
        ("so-nnmt", date(2025, 3, 1), None),
    ]
    assert found[0].until is not None
    assert found[0].until + timedelta(days=1) == found[1].since
