"""The command line of Zalo: `zalo webhook set`, `info`, `delete`, `test`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.help import JsonOption, VietnameseCommand, VietnameseGroup, format_examples

zalo = typer.Typer(cls=VietnameseGroup, no_args_is_help=True, help="Các bot Zalo đã đặt.")
webhook = typer.Typer(
    cls=VietnameseGroup,
    no_args_is_help=True,
    help="Địa chỉ mà Zalo gửi tin đến. Chưa đặt thì dịch vụ tự hỏi tin.",
)
zalo.add_typer(webhook, name="webhook", rich_help_panel=None)

Bot = Annotated[
    str | None,
    typer.Option("--bot", metavar="SỐ", help="Chỉ một bot: số đứng trước dấu «:» trong khoá."),
]


@webhook.command(
    "set",
    cls=VietnameseCommand,
    epilog=format_examples("zalo webhook set", "zalo webhook set --bot 12345689"),
)
def webhook_set(bot: Bot = None, json: JsonOption = False) -> None:
    """Báo Zalo gửi tin đến NHACVIEC_PUBLIC_URL; địa chỉ đã đúng thì không đặt lại."""
    from bot.cli import zalo as commands

    commands.set_(bot=bot, as_json=json)


@webhook.command("info", cls=VietnameseCommand, epilog=format_examples("zalo webhook info"))
def webhook_info(bot: Bot = None, json: JsonOption = False) -> None:
    """Xem Zalo đang gửi tin đến đâu, có đúng địa chỉ cần không."""
    from bot.cli import zalo as commands

    commands.info(bot=bot, as_json=json)


@webhook.command("delete", cls=VietnameseCommand, epilog=format_examples("zalo webhook delete"))
def webhook_delete(bot: Bot = None, json: JsonOption = False) -> None:
    """Thôi gửi tin đến địa chỉ ấy, để dịch vụ tự hỏi tin."""
    from bot.cli import zalo as commands

    commands.delete(bot=bot, as_json=json)


@webhook.command("test", cls=VietnameseCommand, epilog=format_examples("zalo webhook test"))
def webhook_test(bot: Bot = None, json: JsonOption = False) -> None:
    """Nhờ Zalo gọi thử địa chỉ đang đặt và xem kết quả."""
    from bot.cli import zalo as commands

    commands.test(bot=bot, as_json=json)
