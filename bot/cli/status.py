"""`nhacviec status`: each plan's figures and reports, and what each account has sent this month."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import ColumnElement, select

from bot.channels.capabilities import capabilities_for_kind
from bot.cli.database import open_for_reading, require_registry, require_workdays
from bot.cli.lookup import find_plan_code, find_province
from bot.cli.options import JsonOption, PlanOption, ProvinceOption
from bot.cli.output import format_number, print_json, print_table
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from data.clock import SystemClock, civil_date
from data.figures.plans import PlanFigures, load_plan_figures
from data.figures.reports import DutyFigures, load_duty_figures
from data.models import Plan
from data.registry.registry import Registry
from data.rows import row_fields
from jobs.delivery.usage import accounts_in_use

_TASK_COLUMNS = (
    "Kế hoạch",
    "Tổng",
    "Hoàn thành đúng hạn",
    "Hoàn thành quá hạn",
    "Đang thực hiện, chưa quá hạn",
    "Đang thực hiện, quá hạn",
    "Chờ xác nhận",
    "Chưa giao",
    "Thường xuyên",
    "Hết thời gian trước khi theo dõi",
)


@examples("status", "status --plan 1901")
def status(
    province: ProvinceOption = None, plan: PlanOption = None, as_json: JsonOption = False
) -> None:
    """Print the figures of plans, of their reports, and of the accounts."""
    found = asyncio.run(_load_status(load_settings(), province, plan))
    if as_json:
        print_json(found)
        return
    plans = found["plans"]
    print_table(
        "Nhiệm vụ",
        _TASK_COLUMNS,
        [(row["code"], *_task_cells(row["tasks"])) for row in plans],
        empty="Chưa nạp kế hoạch nào. Hãy chạy «nhacviec plan load».",
    )
    print_table(
        "Báo cáo",
        (
            "Kế hoạch",
            "Mã",
            "Báo cáo",
            "Hạn",
            "Còn (ngày làm việc)",
            "Đã nhận",
            "Đã xác nhận",
            "Thiếu",
        ),
        [_report_cells(row["code"], report) for row in plans for report in row["reports"]],
        empty="Không có báo cáo nào trong vòng một năm.",
    )
    print_table(
        "Tài khoản gửi tin",
        ("Kênh", "Tài khoản", "Chat", "Người", "Tin tháng này", "Lưu ý"),
        [_account_cells(account) for account in found["accounts"]],
        empty="Chưa có tài khoản nào.",
    )


def _task_cells(tasks: dict[str, int]) -> list[int]:
    """Return a plan's figures, without what stands apart among those in time."""
    apart = tasks["undated"] + tasks["ended_before"]
    return list({**tasks, "open_on_time": tasks["open_on_time"] - apart}.values())


def _report_cells(plan: str, report: dict[str, Any]) -> tuple[object, ...]:
    return (
        plan,
        report["code"],
        report["title"],
        report["due_on"],
        report["working_days_left"],
        f"{report['received']}/{report['expected']}",
        report["confirmed"],
        _missing_words(report),
    )


def _missing_words(report: dict[str, Any]) -> str:
    named = report["missing"]
    rest = report["missing_count"] - len(named)
    return ", ".join(named) + (f" và {rest:02} cơ quan khác" if rest > 0 else "")


def _account_cells(account: dict[str, Any]) -> tuple[object, ...]:
    people, messages = account["people"], account["messages"]
    sent = _usage_words(messages)
    if messages["cap"] is not None:
        sent += (
            f": gửi {format_number(messages['sent'])}, nhận {format_number(messages['received'])}"
        )
    return (
        account["channel"],
        account["name"] + (" (đang dừng)" if account["stopped"] else ""),
        account["chats"],
        _usage_words(people),
        sent,
        "; ".join(
            f"đã dùng quá {usage['level']} % hạn mức {what}"
            for what, usage in (("tin", messages), ("người", people))
            if usage["level"]
        ),
    )


def _usage_words(usage: dict[str, Any]) -> str:
    used = format_number(usage["used"])
    if usage["cap"] is None:
        return used
    return f"{used}/{format_number(usage['cap'])} ({usage['percent']} %)"


async def _load_status(
    settings: Settings, province: str | None, plan: str | None
) -> dict[str, Any]:
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        workdays = await require_workdays(connection)
        query = select(Plan.__table__).where(Plan.withdrawn_at.is_(None)).order_by(Plan.code)
        if plan is not None or province is not None:
            registry = await require_registry(connection)
            query = query.where(_chosen(registry, plan, province))
        plans = (await connection.execute(query)).all()
        ids = [row.id for row in plans]
        tasks = await load_plan_figures(connection, ids, today=today, workdays=workdays)
        duties = await load_duty_figures(connection, ids, today=today, workdays=workdays)
        return {
            "plans": [
                {
                    **row_fields(row, "code", "number", "province", "title", "closed_on"),
                    "tasks": tasks.get(row.id, PlanFigures(row.id)).as_json(),
                    "reports": [_report_as_json(duty) for duty in duties if duty.plan_id == row.id],
                }
                for row in plans
            ],
            "accounts": await accounts_in_use(
                connection,
                lambda usage: capabilities_for_kind(settings, usage.channel),
                today=today,
            ),
        }


def _chosen(registry: Registry, plan: str | None, province: str | None) -> ColumnElement[bool]:
    """Return the condition for the plans that the options name."""
    if plan is not None:
        return Plan.code == find_plan_code(registry, plan, province)
    assert province is not None
    return Plan.province == find_province(registry, province).code


def _report_as_json(duty: DutyFigures) -> dict[str, Any]:
    return {
        **row_fields(duty, "code", "title", "clause", "due_on"),
        "working_days_left": duty.left,
        **row_fields(duty, "is_late", "expected", "received", "confirmed"),
        "missing": list(duty.missing),
        "missing_count": duty.missing_count,
    }
