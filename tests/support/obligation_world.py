"""The files of the stateful test of obligations, as they change, and its rows as they stand."""

from __future__ import annotations

from sqlalchemy import func, select

from data.db.database import Database
from data.models import Agency, ExtensionRequest, Obligation, Plan, Reminder, StatusReply, Task
from data.registry.registry import Registry
from tests.support.conversations import CALENDAR, OLD_PLAN, PLAN, PROVINCE
from tests.support.obligation_oracle import Seen


def _files(plan: str) -> Registry:
    merged = "successions:\n  - {{from: sxd, to: stc, on: 2026-11-20}}"
    province = PROVINCE.replace("successions:", merged)
    return Registry.from_texts(
        {
            "agencies/dong.yaml": province.format(slug="dong", name="Đông"),
            "plans/dong-10.yaml": plan.format(
                slug="dong", number="10/KH-UBND", issued_on="2026-01-05"
            ),
            "plans/dong-9.yaml": OLD_PLAN,
            "calendar/2026.yaml": CALENDAR,
        }
    )


def _without_the_first_two() -> str:
    start, end = (PLAN.index(f'  - {{{{code: "{code}"') for code in "13")
    return PLAN[:start] + PLAN[end:]


REGISTRIES = (
    _files(PLAN),
    _files(PLAN.replace("month: 11, day: 15", "month: 11, day: 22")),
    _files(_without_the_first_two()),
    _files(PLAN.replace('leads: ["Sở Tài chính", "Sở Xây dựng"]', 'leads: ["Sở Tài chính"]')),
)


async def read(database: Database) -> Seen:
    """Read all that the oracle judges by."""
    async with database.read() as connection:
        owed = await connection.execute(
            select(
                Obligation.__table__,
                Plan.code.label("plan_code"),
                Plan.tracked_from,
                Agency.code.label("agency_code"),
            )
            .join(Plan, Plan.id == Obligation.plan_id)
            .join(Agency, Agency.id == Obligation.agency_id)
        )
        replies = await connection.execute(select(StatusReply.__table__))
        sent = await connection.execute(
            select(Reminder.obligation_id, Reminder.due_on, func.max(Reminder.rung)).group_by(
                Reminder.obligation_id, Reminder.due_on
            )
        )
        asked = await connection.execute(select(ExtensionRequest.__table__))
        tasks = await connection.execute(
            select(Task.code, Task.withdrawn_at, Plan.code.label("plan_code")).join(
                Plan, Plan.id == Task.plan_id
            )
        )
        return Seen(
            {row.id: row for row in owed},
            {row.id: row for row in replies},
            {(row[0], row[1]): row[2] for row in sent},
            {row.id: row for row in asked},
            tuple(tasks),
        )
