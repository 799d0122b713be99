"""Commands that read where things stand: `obligations`, `status`.

Promises that nothing is written, and that what is withdrawn or passed on is left out.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.cli.arguments import find_agency, find_plan_code, find_province
from bot.cli.database import open_for_reading
from bot.cli.output import CommandFailed, print_json, print_table
from bot.config import Settings, load_settings
from data.accounts.usage import AccountUsage
from data.clock import SystemClock, civil_date
from data.figures.reports import DutyFigures, load_duty_figures
from data.figures.tasks import Figures, PlanFigures, load_plan_figures
from data.loading.load import read_registry
from data.models import Agency, Obligation, Plan
from data.registry.registry import Registry
from data.rules.ladder import DueDate, effective_due
from data.sheets.labels import KIND_LABELS, STATE_LABELS
from jobs.channel import Capabilities
from jobs.delivery.usage import accounts_in_use


def obligations(
    *,
    province: str | None,
    agency: str | None,
    since: date | None,
    until: date | None,
    as_json: bool,
) -> None:
    """Print what agencies owe, by effective due date."""
    if agency is not None and province is None:
        raise CommandFailed("Hãy thêm --province: cùng một tên cơ quan có ở nhiều tỉnh.")
    rows = asyncio.run(_obligations(load_settings(), province, agency, since, until))
    if as_json:
        print_json(rows)
        return
    print_table(
        "",
        (
            "Hạn",
            "Còn (ngày làm việc)",
            "Tỉnh",
            "Cơ quan",
            "Kế hoạch",
            "Mã",
            "Loại",
            "Kỳ",
            "Tình trạng",
            "Nhắc tới",
        ),
        [
            (
                row["extended_to"] or row["due_on"],
                row["working_days_left"],
                row["province"],
                row["agency"],
                row["plan"],
                row["code"],
                KIND_LABELS[row["kind"]],
                row["period"],
                STATE_LABELS[row["state"]],
                row["remind_on"],
            )
            for row in rows
        ],
        empty="Không có việc nào trong khoảng này.",
    )


def status(*, province: str | None, plan: str | None, as_json: bool) -> None:
    """Print each plan's figures (the four official states, what waits for confirmation), then the accounts."""
    found = asyncio.run(_status(load_settings(), province, plan))
    if as_json:
        print_json(found)
        return
    rows = found["plans"]
    print_table(
        "Nhiệm vụ",
        (
            "Kế hoạch",
            "Tổng",
            "Xong đúng hạn",
            "Xong quá hạn",
            "Đang làm, trong hạn",
            "Đang làm, quá hạn",
            "Chờ xác nhận",
            "Chưa giao",
        ),
        [(row["code"], *row["tasks"].values()) for row in rows],
        empty="Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load».",
    )
    print_table(
        "Báo cáo",
        ("Kế hoạch", "Mã", "Báo cáo", "Hạn", "Còn", "Đã nhận", "Đã xác nhận", "Thiếu"),
        [
            (
                row["code"],
                report["code"],
                report["title"],
                report["due_on"],
                report["working_days_left"],
                f"{report['received']}/{report['expected']}",
                report["confirmed"],
                _missing_words(report),
            )
            for row in rows
            for report in row["reports"]
        ],
        empty="Không có báo cáo nào trong vòng một năm.",
    )
    print_table(
        "Tài khoản gửi tin",
        ("Kênh", "Tài khoản", "Chat", "Người", "Tin tháng này", "Lưu ý"),
        [
            (
                account["channel"],
                account["name"] + (" (đang dừng)" if account["stopped"] else ""),
                account["chats"],
                _amount(account["people"]),
                _both_ways(account["messages"]),
                "; ".join(
                    f"đã dùng quá {use['level']} % hạn mức {what}"
                    for what, use in (("tin", account["messages"]), ("người", account["people"]))
                    if use["level"]
                ),
            )
            for account in found["accounts"]
        ],
        empty="Chưa có tài khoản nào.",
    )


def _amount(use: dict[str, Any]) -> str:
    if use["cap"] is None:
        return _many(use["used"])
    return f"{_many(use['used'])}/{_many(use['cap'])} ({use['percent']} %)"


def _both_ways(use: dict[str, Any]) -> str:
    if use["cap"] is None:
        return _amount(use)
    return f"{_amount(use)}: gửi {_many(use['sent'])}, nhận {_many(use['received'])}"


def _many(number: int) -> str:
    return f"{number:,}".replace(",", ".")


async def _obligations(
    settings: Settings,
    province: str | None,
    agency: str | None,
    since: date | None,
    until: date | None,
) -> list[dict[str, Any]]:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await _load_registry(connection)
        effective = func.coalesce(Obligation.extended_to, Obligation.due_on)
        query = (
            select(
                Obligation.__table__,
                Plan.number.label("plan"),
                Plan.province,
                Agency.name.label("agency"),
            )
            .join(Plan, Plan.id == Obligation.plan_id)
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Obligation.state.not_in(("withdrawn", "superseded")))
            .order_by(effective, Plan.province, Agency.position, Plan.number, Obligation.code)
        )
        if province is not None:
            home = find_province(registry, province)
            query = query.where(Plan.province == home.code)
            if agency is not None:
                wanted = find_agency(home, agency, on=today)
                query = query.where(Agency.code == wanted.code)
        if since is not None:
            query = query.where(effective >= since)
        if until is not None:
            query = query.where(effective <= until)
        return [
            _obligation_as_json(row, registry, today) for row in await connection.execute(query)
        ]


def _obligation_as_json(row: Any, registry: Registry, today: date) -> dict[str, Any]:
    due = DueDate(effective_due(row.due_on, row.extended_to), row.base_on, row.judged_on)
    return {
        "id": row.id,
        "province": row.province,
        "agency": row.agency,
        "plan": row.plan,
        "code": row.code,
        "kind": row.kind,
        "period": row.period,
        "due_on": row.due_on,
        "due_words": row.due_words,
        "due_proposed": row.due_proposed,
        "extended_to": row.extended_to,
        "state": row.state,
        "percent": row.percent,
        "working_days_left": due.working_days_left(today, registry.workdays),
        "remind_on": row.remind_on,
        "rung": row.rung,
    }


async def _status(settings: Settings, province: str | None, plan: str | None) -> dict[str, Any]:
    from bot.service.accounts import capabilities_for_kind  # a messenger's library takes its time

    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        registry = await _load_registry(connection)
        query = select(Plan.__table__).where(Plan.withdrawn_at.is_(None)).order_by(Plan.code)
        if plan is not None:
            query = query.where(Plan.code == find_plan_code(registry, plan, province))
        elif province is not None:
            query = query.where(Plan.province == find_province(registry, province).code)
        plans = (await connection.execute(query)).all()
        ids = [row.id for row in plans]
        workdays = registry.workdays
        tasks = await load_plan_figures(connection, ids, today=today, workdays=workdays)
        duties = await load_duty_figures(connection, ids, today=today, workdays=workdays)
        figures = [
            {
                "code": row.code,
                "number": row.number,
                "province": row.province,
                "title": row.title,
                "closed_on": row.closed_on,
                "tasks": _task_figures(tasks.get(row.id, PlanFigures(row.id, Figures(), 0))),
                "reports": [_report_figures(duty) for duty in duties if duty.plan_id == row.id],
            }
            for row in plans
        ]

        def capabilities(use: AccountUsage) -> Capabilities | None:
            return capabilities_for_kind(settings, use.channel)

        return {
            "plans": figures,
            "accounts": await accounts_in_use(connection, capabilities, today=today),
        }


def _task_figures(figures: PlanFigures) -> dict[str, int]:
    return {
        "total": figures.tasks.total,
        "done_on_time": figures.tasks.done_on_time,
        "done_late": figures.tasks.done_late,
        "open_on_time": figures.tasks.open_on_time,
        "open_late": figures.tasks.open_late,
        "waiting": figures.tasks.waiting,
        "unassigned": figures.unassigned,
    }


def _report_figures(duty: DutyFigures) -> dict[str, Any]:
    return {
        "code": duty.code,
        "title": duty.title,
        "clause": duty.clause,
        "due_on": duty.due_on,
        "working_days_left": duty.left,
        "is_late": duty.is_late,
        "expected": duty.expected,
        "received": duty.received,
        "confirmed": duty.confirmed,
        "missing": list(duty.missing),
        "missing_count": duty.missing_count,
    }


def _missing_words(report: dict[str, Any]) -> str:
    named = report["missing"]
    rest = report["missing_count"] - len(named)
    return ", ".join(named) + (f" và {rest} nữa" if rest > 0 else "")


async def _load_registry(connection: AsyncConnection) -> Registry:
    registry = await read_registry(connection)
    if registry is None:
        raise CommandFailed("Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load».")
    return registry
