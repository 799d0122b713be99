"""`nhacviec tick`: do once the work due at an instant.

Guarantees: with a real account set, the instant is at most five minutes from now.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from bot.app import open_app
from bot.cli.options import JsonOption, parse_instant
from bot.cli.output import CommandFailed, print_json
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from bot.service.logs import configure_logging
from data.clock import SteppedClock, SystemClock, civil_date
from data.rows import row_fields

_MAX_OFFSET = timedelta(minutes=5)


@examples("tick --now 2026-11-09T07:30+07:00")
def tick(
    now: Annotated[
        datetime,
        typer.Option(
            "--now",
            parser=parse_instant,
            metavar="THỜI_ĐIỂM",
            help="Thời điểm ISO 8601 có múi giờ; lệch quá 5 phút thì từ chối khi đã đặt tài khoản.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Plan, answer, remind and send once, and print the counts."""
    settings = load_settings()
    configure_logging(settings)
    counts = asyncio.run(_tick(settings, now))
    if as_json:
        print_json(counts)
        return
    day = civil_date(now)
    planned, reminded, sent = counts["planned"], counts["morning"], counts["delivery"]
    print(f"Lập việc đến ngày {day:%d/%m/%Y}: thêm {planned['added']}, đổi {planned['moved']}.")
    print(f"Trả lời tin đến: {counts['inbox']}. Soạn báo cáo: {counts['reports']}.")
    print(
        f"Nhắc buổi sáng: {reminded['messages']} tin, {reminded['items']} việc;"
        f" {reminded['unreachable']} việc chưa có chat nào để gửi."
    )
    if counts["digest"]["messages"]:
        print(f"Bản tin tuần: {counts['digest']['messages']} tin.")
    print("Đã gửi: " + (", ".join(f"{how} {n}" for how, n in sent.items()) or "không có gì") + ".")


async def _tick(settings: Settings, now: datetime) -> dict[str, Any]:
    offset = abs(now - await SystemClock().now())
    if settings.has_account and offset > _MAX_OFFSET:
        raise CommandFailed(
            f"Thời điểm --now lệch giờ thật {offset.total_seconds() / 60:.0f} phút. Khi đã đặt tài"
            " khoản, chỉ được lệch tối đa 5 phút: tin sẽ đến người thật."
        )
    async with open_app(settings, clock=SteppedClock(now)) as app:
        planned = await app.plan(now=now)
        handled = await app.inbox.handle_pending()
        reports = await app.reports.step()
        reminded = await app.remind(now=now)
        digest = await app.digest(now=now)
        sent = await app.delivery.run_until_idle()
        return {
            "now": now.isoformat(),
            "planned": row_fields(planned, "added", "moved", "withdrawn"),
            "inbox": handled,
            "reports": reports,
            "morning": row_fields(reminded, "provinces", "messages", "items", "unreachable"),
            "digest": row_fields(digest, "provinces", "messages"),
            "delivery": dict(sent),
        }
