"""The commands `zalo webhook set`, `info`, `delete` and `test`; exit code 1 where something is left to do."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from bot.channels.zalo import webhook
from bot.channels.zalo.account import ZaloBotMessenger
from bot.cli.options import JsonOption
from bot.cli.output import CommandFailed, print_json
from bot.cli.tree import examples
from bot.config import load_settings

BotOption = Annotated[
    str | None,
    typer.Option("--bot", metavar="SỐ", help="Chỉ một bot: số đứng trước dấu «:» trong khoá."),
]


@examples("zalo webhook set", "zalo webhook set --bot 12345689")
def zalo_webhook_set(bot: BotOption = None, json: JsonOption = False) -> None:
    """Have Zalo send updates to NHACVIEC_PUBLIC_URL; an address that is right is not set again."""
    public_url = load_settings().public_url
    if public_url is None or not public_url.startswith("https://"):
        raise CommandFailed(
            "Hãy đặt NHACVIEC_PUBLIC_URL=https://tên-miền trong .env: Zalo chỉ gửi tin đến địa chỉ https"
            " công khai. Không có địa chỉ như vậy thì không cần webhook: dịch vụ tự hỏi tin."
        )
    _act(bot, webhook.set_webhook, as_json=json)


@examples("zalo webhook info")
def zalo_webhook_info(bot: BotOption = None, json: JsonOption = False) -> None:
    """Print where Zalo sends updates, and whether that is wanted."""
    _act(bot, webhook.inspect_webhook, as_json=json)


@examples("zalo webhook delete")
def zalo_webhook_delete(bot: BotOption = None, json: JsonOption = False) -> None:
    """Take the webhook away, so that the service polls."""
    _act(bot, webhook.delete_webhook, as_json=json)


@examples("zalo webhook test")
def zalo_webhook_test(bot: BotOption = None, json: JsonOption = False) -> None:
    """Ask Zalo to call the webhook that is set, and print the result."""
    _act(bot, webhook.try_webhook, as_json=json)


def _act(only: str | None, action: webhook.WebhookAction, *, as_json: bool) -> None:
    """Do it to every bot, or to one, and print a report on each."""
    settings = load_settings()
    channels = ZaloBotMessenger().channels(settings)
    if not channels:
        raise CommandFailed(
            "Chưa đặt bot Zalo nào. Hãy điền khoá (Zalo Bot Creator cấp) vào NHACVIEC_ZALO_BOT_TOKENS."
        )
    chosen = [channel for channel in channels if only in (None, channel.name)]
    if not chosen:
        names = ", ".join(channel.name for channel in channels)
        raise CommandFailed(f"Không có bot «{only}». Các bot đã đặt: {names}.")
    reports = asyncio.run(webhook.act_on_webhooks(settings, chosen, action))
    if as_json:
        print_json([asdict(report) for report in reports])
    else:
        for report in reports:
            _print(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _print(report: webhook.WebhookReport) -> None:
    name = f"{report.title} ({report.bot})" if report.title else f"Bot {report.bot}"
    print(f"{'✓' if report.ok else '✗'} {name}: {report.found}")
    if report.url:
        print(f"    đang gửi đến: {report.url}")
    if report.state == "other" and report.wanted:
        print(f"    cần gửi đến:  {report.wanted}")
    if report.todo:
        print(f"    {report.todo}")
