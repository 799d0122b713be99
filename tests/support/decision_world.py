"""A small province in which everything can be decided, and what must hold of its record whatever was decided."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select

from data.db.database import Database
from data.models import (
    Decision,
    Explanation,
    ExtensionRequest,
    Obligation,
    StatusReply,
    Task,
)
from data.registry.registry import Registry
from tests.support.conversations import CALENDAR, PLAN, PROVINCE, Seat, Talk

NOW = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)  # Monday, 08:00 in the province
NUMBER = "10/KH-UBND"
_MORE_TASKS = """
  - {code: "5", text: "Xây dựng cổng dữ liệu", period: {raw: "2026", kind: fixed, start_year: 2026, end_year: 2026}}
report_duties:"""
_MORE_DUTIES = """
  - code: BC.2
    clause: "mục V.6"
    from: ["Sở Khoa học và Công nghệ"]
    to: "UBND tỉnh"
    frequency: annual
    deadline: {operator: before, month: 11, day: 25, raw: "trước ngày 25 tháng 11"}
    quote: "báo cáo trước ngày 25 tháng 11"
  - code: BC.3
    clause: "mục V.7"
    from: ["Sở Xây dựng", "Sở Tài chính"]
    to: "Sở Khoa học và Công nghệ"
    frequency: annual
    deadline: {operator: before, month: 11, day: 15, raw: "trước ngày 15 tháng 11"}
    quote: "gửi trước ngày 15 tháng 11"
  - code: BC.5
    clause: "mục V.8"
    from: ["các sở"]
    to: "Sở Khoa học và Công nghệ"
    frequency: ad_hoc
    quote: "báo cáo đột xuất khi có yêu cầu"
  - code: BC.6
    clause: "mục V.9"
    from: ["Sở Xây dựng"]
    to: "Sở Khoa học và Công nghệ"
    frequency: quarterly
    quote: "hằng quý báo cáo"
"""
REGISTRY = Registry.from_texts(
    {
        "agencies/dong.yaml": PROVINCE.format(slug="dong", name="Đông"),
        "plans/dong-10.yaml": PLAN.format(
            slug="dong", number=NUMBER, issued_on="2026-01-05"
        ).replace("\nreport_duties:", _MORE_TASKS)
        + _MORE_DUTIES.lstrip("\n"),
        "calendar/2026.yaml": CALENDAR,
    }
)
SEATS = (
    Seat("stc", "dong", "stc"),
    Seat("stc2", "dong", "stc"),
    Seat("sxd", "dong", "sxd"),
    Seat("an", "dong", "skhcn", "coordinator"),
    Seat("ba", "dong", "skhcn", "coordinator"),
    Seat("leader", "dong", "ubnd", "leader", may_decide=True),
)


async def seated(database: Database) -> Talk:
    """Return the province with everybody in their seats."""
    return await Talk(database, REGISTRY, NOW).begin(*SEATS)


async def faults_of_record(database: Database) -> list[str]:
    """Return what contradicts itself in what was decided; every list of decisions must leave it empty."""
    async with database.read() as connection:

        async def every(model: Any) -> list[Any]:
            return list(await connection.execute(select(model.__table__).order_by(model.id)))

        decisions, requests = await every(Decision), await every(ExtensionRequest)
        obligations, replies = await every(Obligation), await every(StatusReply)
        explanations, tasks = await every(Explanation), await every(Task)
    undone = {row.details["undoes"] for row in decisions if row.kind == "undo"}
    decisions = [row for row in decisions if row.id not in undone]
    faults = _faults_of_requests(decisions, requests, obligations)
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    for row in decisions:
        kinds[row.details.get("obligation", 0)][row.kind] += 1
    said: dict[int, Counter[str]] = defaultdict(Counter)
    for row in replies:
        said[row.obligation_id][row.said] += 1
    for row in obligations:
        name = f"{row.code} {row.period} of {row.agency_id}"
        if kinds[row.id]["confirm"] != (row.confirmed_at is not None):
            faults.append(f"{name}: {kinds[row.id]['confirm']} confirmations, state {row.state}")
        if kinds[row.id]["return"] > said[row.id]["completed"]:
            faults.append(f"{name}: returned more often than submitted")
        if kinds[row.id]["keep"] > said[row.id]["dispute"]:
            faults.append(f"{name}: a dispute rejected more often than raised")
        if row.state in ("open", "submitted") and (row.submitted_at is None) != (
            row.state == "open"
        ):
            faults.append(f"{name}: {row.state}, submitted at {row.submitted_at}")
    taken = Counter(row.undoes_id for row in replies if row.undoes_id is not None)
    faults += [f"reply {key} taken back {n} times" for key, n in taken.items() if n > 1]
    open_ones = Counter(row.obligation_id for row in explanations if row.state == "asked")
    faults += [f"{key} has {n} open explanations" for key, n in open_ones.items() if n > 1]
    return faults + _faults_of_plan(decisions, obligations, tasks)


def _faults_of_requests(
    decisions: list[Any], requests: list[Any], obligations: list[Any]
) -> list[str]:
    faults = []
    granted: dict[int, date] = {}
    waiting = Counter(row.obligation_id for row in requests if row.state in ("open", "offered"))
    faults += [f"{key} has {n} open requests" for key, n in waiting.items() if n > 1]
    for request in requests:
        made = Counter(row.kind for row in decisions if row.details.get("request") == request.id)
        final = made["extension_granted"] + made["extension_refused"]
        offered = made["extension_offered"]
        expected = {
            "open": (final, offered) == (0, 0),
            "offered": (final, offered) == (0, 1),
            "granted": (made["extension_granted"], offered) in ((1, 0), (0, 1)) and final <= 1,
            "refused": (made["extension_refused"], final, offered) == (1, 1, 0),
            "withdrawn": final == 0,
        }
        if not expected[request.state]:
            faults.append(f"request {request.id} is {request.state} by {dict(made)}")
        if request.state == "granted":
            granted[request.obligation_id] = request.granted_until
    for row in obligations:
        if row.extended_to != granted.get(row.id):
            faults.append(f"{row.id} extended to {row.extended_to}, granted {granted.get(row.id)}")
    return faults


def _faults_of_plan(decisions: list[Any], obligations: list[Any], tasks: list[Any]) -> list[str]:
    faults = []
    periods = Counter(
        (row.subject, row.details["period"]) for row in decisions if row.kind == "open_duty"
    )
    faults += [f"{key} opened {n} times" for key, n in periods.items() if n > 1]
    dated = Counter(
        (row.subject, row.details["period"]) for row in decisions if row.kind == "confirm_date"
    )
    faults += [f"{key} dated {n} times" for key, n in dated.items() if n > 1]
    for task in tasks:
        leads = {"2": 2}.get(task.code, 1)
        owners = {
            row.agency_id
            for row in obligations
            if row.code == task.code and row.state in ("open", "submitted", "confirmed")
        }
        if len(owners) > leads:
            faults.append(f"task {task.code} has {len(owners)} agencies")
    return faults
