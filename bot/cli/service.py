"""Commands that do the work: `run`, `sandbox`, `tick`.

Promises that the service does not start without an account, that real people are never written to by a
moved clock, and a clean exit within seconds when asked to stop.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from datetime import datetime, timedelta
from typing import Any

from bot.cli.output import CommandFailed, print_json
from bot.config import Settings, load_settings
from bot.service.accounts import keys_settings
from bot.service.logs import configure_logging
from bot.web.server import open_listener, serve, stop_on_signals
from data.clock import SteppedClock, SystemClock, civil_date
from data.log import get_logger

MOST_OFF = timedelta(minutes=5)

_log = get_logger("service")


def run(*, or_sandbox: bool) -> None:
    """Run the service until it is asked to stop; without an account the sandbox, where that is meant."""
    settings = load_settings()
    if not settings.has_account:
        if or_sandbox:
            sandbox()
            return
        raise CommandFailed(
            f"Chưa đặt tài khoản nào. Hãy điền {keys_settings()} vào .env,"
            " hoặc xem thử bằng «nhacviec sandbox»."
        )
    configure_logging(settings)
    asyncio.run(_run(settings))


def sandbox() -> None:
    """Open the sandbox on this machine until it is asked to stop."""
    from bot.sandbox import serve_sandbox

    settings = load_settings()
    configure_logging(settings)
    # A line for each message of the first morning would drive the page's address out of sight.
    logging.getLogger("nhacviec.delivery").setLevel(logging.WARNING)
    asyncio.run(serve_sandbox(settings, port=settings.web_port))


def tick(*, now: datetime, as_json: bool) -> None:
    """Do once what is due at an instant, and print what was done."""
    settings = load_settings()
    configure_logging(settings)
    done = asyncio.run(_tick(settings, now))
    if as_json:
        print_json(done)
        return
    day = civil_date(now)
    planned, reminded, sent = done["planned"], done["morning"], done["delivery"]
    print(f"Lập việc đến ngày {day:%d/%m/%Y}: thêm {planned['added']}, đổi {planned['moved']}.")
    print(f"Trả lời tin đến: {done['inbox']}. Soạn báo cáo: {done['reports']}.")
    print(
        f"Nhắc buổi sáng: {reminded['messages']} tin, {reminded['items']} việc;"
        f" {reminded['unreachable']} việc chưa có chat nào để gửi."
    )
    if done["digest"]["messages"]:
        print(f"Bản tin tuần: {done['digest']['messages']} tin.")
    print("Đã gửi: " + (", ".join(f"{how} {n}" for how, n in sent.items()) or "không có gì") + ".")


async def _run(settings: Settings) -> None:
    from bot.app import open_app
    from bot.web.calendars import calendar_route
    from bot.web.files import file_route
    from bot.web.routes import make_web_app
    from data.figures.metrics import count_totals

    with (
        stop_on_signals() as stopping,
        open_listener(settings.web_host, settings.web_port) as listener,
    ):
        async with open_app(settings, stopping=stopping) as app:
            if stopping.is_set():
                return
            async with app.database.read() as connection:
                _log.info("service.holds", **await count_totals(connection))
            for key, channel in app.accounts.items():
                how = "poll" if settings.public_url is None else "webhook"
                _log.info(
                    "account.open", account=key, channel=channel.kind, bot=channel.title, by=how
                )
            clock = app.clock
            files = file_route(app.database, clock, app.links)
            calendars = calendar_route(app.database, clock, app.links, app.registry)
            more = [files, calendars]
            web = make_web_app(
                app.database, clock, app.webhooks(), app.capabilities, more, app.registry
            )

            async def serving() -> None:
                health = f"http://{settings.web_host}:{settings.web_port}/healthz"
                _log.info("service.ready", health=health)
                await serve(web, listener, stopping)

            gc.collect()
            gc.freeze()  # what a start has made stays: no collection need look through it again
            await app.run(stopping, serving)
            _log.info("service.stopped")


async def _tick(settings: Settings, now: datetime) -> dict[str, Any]:
    from bot.app import open_app

    off = abs(now - await SystemClock().now())
    if settings.has_account and off > MOST_OFF:
        raise CommandFailed(
            f"Thời điểm --now lệch giờ thật {off.total_seconds() / 60:.0f} phút. Khi đã đặt tài khoản,"
            " chỉ được lệch tối đa 5 phút: tin sẽ đến người thật."
        )
    async with open_app(settings, clock=SteppedClock(now)) as app:
        planned = await app.plan(now=now)
        handled = await app.inbox.handle_pending()
        reports = await app.reports.step()
        reminded = await app.remind(now=now)
        told = await app.digest(now=now)
        sent = await app.delivery.run_until_idle()
        return {
            "now": now.isoformat(),
            "planned": {
                "added": planned.added,
                "moved": planned.moved,
                "withdrawn": planned.withdrawn,
            },
            "inbox": handled,
            "reports": reports,
            "morning": {
                "provinces": reminded.provinces,
                "messages": reminded.messages,
                "items": reminded.items,
                "unreachable": reminded.unreachable,
            },
            "digest": {"provinces": told.provinces, "messages": told.messages},
            "delivery": dict(sent),
        }
