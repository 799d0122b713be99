"""A shipped plan some months into its work: every state that what its agencies owe can be in."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import Database
from data.models import LIVE_STATES, Agency, Obligation, Plan
from data.progress import explanations, extensions, submissions
from data.progress.replies import record_reply
from data.registry.registry import Registry
from data.rules.ladder import NEVER
from jobs.planning.materialise import materialise
from jobs.planning.rungs import recompute
from jobs.rendering.items import load_obligation_rows
from tests.support.conversations import Seat, Talk
from tests.support.loaded_province import morning_of

LOADED = date(2025, 9, 3)  # so that tasks of 31/12/2025 are late, those of earlier years not
TODAY = date(2026, 12, 7)  # Monday: reports of 14/11 are late

# What happens to one obligation after another: of what is over, and of what is to come.
_OVER = (
    *("nothing", "nothing", "in time", "done late", "confirmed", "confirmed late", "blocked"),
    *("nothing", "disputed", "later date", "explained", "withdrawn", "superseded", "acknowledged"),
    *("nothing", "asks for more", "half done", "confirmed", "returned"),
)
_AHEAD = (
    *("nothing", "in time", "confirmed", "half done", "blocked", "nothing", "acknowledged"),
    *("later date", "disputed", "withdrawn", "asks for more"),
)
_REASONS = (
    *("chưa được bố trí kinh phí", "thieu kinh phi", "thiếu nhân lực, cán bộ kiêm nhiệm"),
    *("chưa có văn bản hướng dẫn của Bộ", "phần mềm chưa kết nối được", "lý do riêng của đơn vị"),
)


async def filled_province(
    database: Database, registry: Registry, province: str, *, today: date = TODAY
) -> Talk:
    """Return a province at work on a day, with a leader, a coordinator of each plan and one focal point."""
    talk = await Talk(database, registry, morning_of(LOADED)).begin(
        Seat("leader", province, "ubnd-tinh", "leader", may_decide=True),
        Seat("coordinator", province, "so-khcn", "coordinator"),
        Seat("focal", province, "so-y-te"),
    )
    talk.now = morning_of(today, 9)
    async with database.write() as connection:
        await materialise(connection, registry, today=today)
        plans = select(Plan.id).where(Plan.province == province)
        rows = await connection.execute(
            select(Obligation, Agency.code.label("owner_code"))
            .join(Agency, Agency.id == Obligation.agency_id)
            .where(Obligation.plan_id.in_(plans), Obligation.state.in_(LIVE_STATES))
            .order_by(Obligation.due_on, Obligation.id)
        )
        over, ahead, reasons = cycle(_OVER), cycle(_AHEAD), cycle(_REASONS)
        keys = []
        for row in rows.all():
            if row.due_on > today + timedelta(days=60) and row.kind != "undated":
                continue
            scene = next(over if row.due_on < today and row.judged_on < NEVER else ahead)
            keys.append(row.id)
            await _play(connection, registry, row, scene, next(reasons), today)
        await recompute(connection, registry, keys, today=today)
    return talk


async def _play(
    connection: AsyncConnection, registry: Registry, row: Any, scene: str, why: str, today: date
) -> None:
    """Let one thing happen to an obligation."""
    late = min(today - timedelta(days=3), row.due_on + timedelta(days=9))
    early = max(LOADED, min(row.due_on - timedelta(days=4), today - timedelta(days=5)))

    async def say(said: Any, day: date, **more: Any) -> int | None:
        return await record_reply(
            connection,
            obligation_id=row.id,
            said=said,
            person_id=None,
            chat_id=None,
            event_id=None,
            now=morning_of(day, 10),
            today=day,
            workdays=registry.workdays,
            **more,
        )

    async def confirm(day: date) -> None:
        full = (await load_obligation_rows(connection, [row.id]))[row.id]
        await submissions.confirm_submission(
            connection, full, person_id=None, decided_by="Sở KH&CN", now=morning_of(day, 15)
        )

    match scene:
        case "in time":
            await say("completed", early, document="12/BC-SYT")
        case "done late":
            await say("completed", late)
        case "confirmed":
            await say("completed", early, document="15/BC-SNV", note="đã ban hành kế hoạch")
            await confirm(min(early + timedelta(days=20), today - timedelta(days=2)))
        case "confirmed late":
            await say("completed", late)
            await confirm(today - timedelta(days=1))
        case "half done":
            await say("in_progress", early, percent=50)
        case "blocked" | "disputed":
            await say("blocked" if scene == "blocked" else "dispute", early, note=why)
        case "acknowledged":
            await say("acknowledge", early)
        case "returned":
            await say("completed", early)
            full = (await load_obligation_rows(connection, [row.id]))[row.id]
            await submissions.return_submission(
                connection,
                full,
                reason="thiếu phụ lục",
                person_id=None,
                decided_by="Sở KH&CN",
                now=morning_of(early + timedelta(days=2)),
            )
        case "explained":
            key = await explanations.request_explanation(
                connection,
                obligation_id=row.id,
                agency_id=row.agency_id,
                question="Vì sao chậm?",
                asked_by="Sở KH&CN",
                person_id=None,
                chat_id=None,
                now=morning_of(today - timedelta(days=4)),
            )
            assert key is not None
            await explanations.record_explanation(
                connection, key, words=why, person_id=None, now=morning_of(today, 8)
            )
        case "later date" | "asks for more":
            if row.judged_on >= NEVER:
                return
            until = max(row.due_on, today) + timedelta(days=20)
            request = await extensions.request_extension(
                connection,
                obligation_id=row.id,
                until=until,
                reason=why,
                reply_id=await say("extension", early, until=until),
                person_id=None,
                chat_id=None,
                now=morning_of(early, 10),
            )
            if scene == "later date":
                await extensions.decide_extension(
                    connection,
                    request,
                    "granted",
                    until=until,
                    decision_id=None,
                    now=morning_of(early + timedelta(days=1)),
                )
        case "withdrawn" | "superseded":
            await connection.execute(
                update(Obligation)
                .where(Obligation.id == row.id)
                .values(state=scene, remind_on=None, rung=None)
            )
