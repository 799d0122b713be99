"""`nhacviec tick`: what is due at an instant, shown; with --send done once.

Guarantees:
- Without --send nothing is written or sent, so that no real morning is used up.
- With --send and a bot, set or known to the database, the instant is at most five minutes from now.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import open_app
from bot.channels.capabilities import capabilities_for_kind
from bot.cli.database import require_registry
from bot.cli.options import JsonOption, parse_instant
from bot.cli.output import SCREEN, CommandFailed, print_json, show_progress
from bot.cli.rehearsal import open_for_trying
from bot.cli.tree import examples
from bot.config import TEMPLATES, Settings, load_settings
from bot.health.finding import messenger_title
from bot.service.logs import configure_logging
from bot.service.registry import plan_all_obligations
from data.accounts.usage import list_account_usage
from data.clock import ZONE, SteppedClock, SystemClock, civil_date
from data.db.database import Database
from data.job_runs import list_finished_subjects
from data.models import Account, Agency, Chat, InboxEvent, Message, ReportRequest
from data.outbox.messages import BROADCAST
from data.registry.registry import Registry
from data.rows import row_fields
from jobs.delivery.sending_hours import is_within_sending_hours
from jobs.morning.run import run_mornings
from jobs.rendering.renderer import Renderer

_MAX_OFFSET = timedelta(minutes=5)
_FIRST = 3  # messages shown in full


@examples("tick --now 2026-11-09T07:30+07:00", "tick --now 2026-11-09T07:30+07:00 --send")
def tick(
    now: Annotated[
        datetime,
        typer.Option(
            "--now",
            parser=parse_instant,
            metavar="THỜI_ĐIỂM",
            help="Thời điểm ISO 8601 có múi giờ, như 2026-11-09T07:30+07:00.",
        ),
    ],
    send: Annotated[
        bool,
        typer.Option(
            "--send",
            help="Làm thật: ghi và gửi tin đến người thật; thời điểm chỉ được lệch giờ thật 5 phút."
            " Không có thì chỉ cho xem.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is due at an instant: plans, reminders, messages; with --send do it."""
    settings = load_settings()
    configure_logging(settings)
    if send:
        counts = asyncio.run(_tick(settings, now))
    else:
        with show_progress("Đang tính"):
            counts = asyncio.run(_try(settings, now))
    if as_json:
        print_json(counts)
    elif send:
        _print_done(counts, now)
    else:
        _print_tried(counts, now)


def _print_done(counts: dict[str, Any], now: datetime) -> None:
    planned, sent = counts["planned"], counts["delivery"]
    print(
        f"Lập nhiệm vụ đến ngày {civil_date(now):%d/%m/%Y}: thêm {planned['added']}, đổi {planned['moved']}."
    )
    print(f"Trả lời tin đến: {counts['inbox']}. Soạn báo cáo: {counts['reports']}.")
    _print_composed(counts)
    print("Đã gửi: " + (", ".join(f"{how} {n}" for how, n in sent.items()) or "không có gì") + ".")


def _print_tried(counts: dict[str, Any], now: datetime) -> None:
    planned = counts["planned"]
    print(
        f"Chỉ xem, chưa ghi và chưa gửi gì. Lúc {now.astimezone(ZONE):%H:%M %d/%m/%Y} dịch vụ sẽ làm:"
    )
    print(
        f"Lập nhiệm vụ: thêm {planned['added']}, đổi {planned['moved']}, rút {planned['withdrawn']}."
    )
    print(f"Tin đến chờ xử lý: {counts['inbox']}. Báo cáo chờ soạn: {counts['reports']}.")
    if not counts["within_hours"]:
        print("Ngoài giờ gửi (07:00 đến 17:30 ngày làm việc): không soạn lời nhắc nào.")
    if counts["morning"]["done_before"]:
        print(f"Ngày ấy đã soạn xong: {', '.join(counts['morning']['done_before'])}.")
    _print_composed(counts)
    print(f"Sẽ gửi: {counts['waiting']} tin đã đến giờ.")
    for letter in counts["first"]:
        print(f"\n── {letter['to']} ──\n{letter['text']}")
    print("\nLàm thật: thêm --send.")


def _print_composed(counts: dict[str, Any]) -> None:
    reminded = counts["morning"]
    print(
        f"Nhắc buổi sáng: {reminded['messages']} tin, {reminded['items']} nhiệm vụ;"
        f" {reminded['unreachable']} nhiệm vụ chưa có chat nào để gửi."
    )
    if reminded["weekly"]:
        print(f"Trong đó kèm tổng hợp tuần: {reminded['weekly']} tin.")


async def _tick(settings: Settings, now: datetime) -> dict[str, Any]:
    offset = abs(now - await SystemClock().now())
    if settings.has_account:
        _refuse_offset(offset)
    async with open_app(settings, clock=SteppedClock(now)) as app:
        async with app.database.read() as connection:
            if await connection.scalar(select(Account.id).limit(1)) is not None:
                _refuse_offset(offset)  # its chats are real, though no key is set here
        planned = await app.plan(now=now)
        handled = await app.inbox.handle_pending()
        reports = await app.reports.step()
        reminded = await app.remind(now=now)
        sent = await app.delivery.run_until_idle()
        return {
            "sent": True,
            "now": now.isoformat(),
            "planned": row_fields(planned, "added", "moved", "withdrawn"),
            "inbox": handled,
            "reports": reports,
            "morning": row_fields(
                reminded, "provinces", "messages", "weekly", "items", "unreachable"
            ),
            "delivery": dict(sent),
        }


def _refuse_offset(offset: timedelta) -> None:
    if offset > _MAX_OFFSET:
        raise CommandFailed(
            f"Thời điểm --now lệch giờ thật {offset.total_seconds() / 60:.0f} phút. Với --send chỉ được"
            " lệch tối đa 5 phút: tin sẽ đến người thật. Bỏ --send để chỉ xem."
        )


async def _try(settings: Settings, now: datetime) -> dict[str, Any]:
    """Do on a copy what the service would do, without any messenger; return its counts and first words."""
    today = civil_date(now)
    async with open_for_trying(settings) as database:
        async with database.read() as connection:
            registry = await require_registry(connection)
            uses = await list_account_usage(connection, today=today)
            done = await list_finished_subjects(connection, "morning", registry.provinces, today)
        kinds = {use.account_id: capabilities_for_kind(settings, use.channel) for use in uses}
        capabilities = {key: kind for key, kind in kinds.items() if kind is not None}
        planned = await plan_all_obligations(database, registry, today=today)
        reminded = await run_mornings(database, registry, now=now, capabilities=capabilities)
        renderer = Renderer(TEMPLATES)
        return {
            "sent": False,
            "now": now.isoformat(),
            "within_hours": is_within_sending_hours(now, registry.workdays),
            "planned": row_fields(planned, "added", "moved", "withdrawn"),
            "morning": {
                **row_fields(reminded, "provinces", "messages", "weekly", "items", "unreachable"),
                "done_before": sorted(done),
            },
            **await _count_waiting(database, registry, renderer, now),
        }


async def _count_waiting(
    database: Database, registry: Registry, renderer: Renderer, now: datetime
) -> dict[str, Any]:
    """Return the numbers of updates, reports and messages that wait, and the first broadcasts' words."""
    due = [Message.state == "pending", Message.send_at <= now]
    if not is_within_sending_hours(now, registry.workdays):
        due.append(Message.priority != BROADCAST)
    async with database.read() as connection:
        return {
            "inbox": await connection.scalar(select(func.count()).where(InboxEvent.state == "new")),
            "reports": await connection.scalar(
                select(func.count()).where(ReportRequest.state == "new")
            ),
            "waiting": await connection.scalar(select(func.count()).where(*due)),
            "first": await _show_first(connection, registry, renderer, due, now),
        }


async def _show_first(
    connection: AsyncConnection,
    registry: Registry,
    renderer: Renderer,
    due: list[Any],
    now: datetime,
) -> list[dict[str, str]]:
    """Return the words of the first broadcasts; answers are left out, for they may hold codes."""
    rows = await connection.execute(
        select(
            Message.__table__,
            Chat.title.label("chat_title"),
            Chat.kind,
            Agency.name,
            Account.channel,
        )
        .join(Chat, Chat.id == Message.chat_id)
        .join(Account, Account.id == Message.account_id)
        .outerjoin(Agency, Agency.id == Message.agency_id)
        .where(*due, Message.priority == BROADCAST)
        .order_by(Message.page, Message.send_at, Message.id)  # first pages of several chats
        .limit(_FIRST)
    )
    shown = []
    for row in rows.all():
        content = await renderer.content(
            connection, row, today=civil_date(now), workdays=registry.workdays
        )
        if content is not None:
            told = renderer.render(content, SCREEN, repeated=False, plain=True, address="")
            where = f"nhóm «{row.chat_title or ''}»" if row.kind == "group" else "chat riêng"
            agency = row.name or "cơ quan theo dõi"
            to = f"{agency}, {where} ({messenger_title(row.channel)})"
            shown.append({"to": to, "text": told.text})
    return shown
