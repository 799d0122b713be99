"""`nhacviec run`: the service, which needs a real account and stops within seconds when asked."""

from __future__ import annotations

import asyncio
import gc
from typing import Annotated

import typer

from bot.app import open_app
from bot.cli.output import CommandFailed
from bot.cli.tree import examples
from bot.config import Settings, load_settings
from bot.service.accounts import keys_settings, list_account_keys
from bot.service.logs import configure_logging
from bot.web.calendars import calendar_route
from bot.web.files import file_route
from bot.web.routes import make_web_app
from bot.web.server import open_listener, serve, stop_on_signals
from data.figures.metrics import count_totals
from data.log import get_logger

_log = get_logger("service")


@examples("run", "run --or-sandbox")
def run(
    or_sandbox: Annotated[
        bool, typer.Option("--or-sandbox", help="Chưa đặt tài khoản nào thì mở bản thử.")
    ] = False,
) -> None:
    """Run the service until asked to stop; without an account the sandbox, if wanted."""
    settings = load_settings()
    if not settings.has_account:
        if or_sandbox:
            from bot.cli.sandbox import sandbox  # a service does not need its page

            sandbox()
            return
        raise CommandFailed(
            f"Chưa đặt tài khoản nào. Hãy điền {keys_settings()} vào .env,"
            " hoặc xem thử bằng «nhacviec sandbox»."
        )
    configure_logging(settings)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
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
                app.database,
                clock,
                app.webhooks(),
                app.capabilities,
                more,
                app.registry,
                await list_account_keys(settings),
            )

            async def serving() -> None:
                health = f"http://{settings.web_host}:{settings.web_port}/healthz"
                _log.info("service.ready", health=health)
                await serve(web, listener, stopping)

            gc.collect()
            gc.freeze()  # no later collection looks through the objects of the start again
            await app.run(stopping, serving)
            _log.info("service.stopped")
