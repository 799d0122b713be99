"""The command line of Zalo: `zalo webhook set`, `info`, `delete`, `test`.

Promises to start fast, as bot/cli/main.py does, of which it is a part.
"""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.options import JsonOption
from bot.cli.tree import examples

Bot = Annotated[
    str | None,
    typer.Option("--bot", metavar="SỐ", help="Chỉ một bot: số đứng trước dấu «:» trong khoá."),
]


@examples("zalo webhook set", "zalo webhook set --bot 12345689")
def zalo_webhook_set(bot: Bot = None, json: JsonOption = False) -> None:
    """Báo Zalo gửi tin đến NHACVIEC_PUBLIC_URL; địa chỉ đã đúng thì không đặt lại."""
    from bot.cli import zalo as commands

    commands.set_(bot=bot, as_json=json)


@examples("zalo webhook info")
def zalo_webhook_info(bot: Bot = None, json: JsonOption = False) -> None:
    """Xem Zalo đang gửi tin đến đâu, có đúng địa chỉ cần không."""
    from bot.cli import zalo as commands

    commands.info(bot=bot, as_json=json)


@examples("zalo webhook delete")
def zalo_webhook_delete(bot: Bot = None, json: JsonOption = False) -> None:
    """Thôi gửi tin đến địa chỉ ấy, để dịch vụ tự hỏi tin."""
    from bot.cli import zalo as commands

    commands.delete(bot=bot, as_json=json)


@examples("zalo webhook test")
def zalo_webhook_test(bot: Bot = None, json: JsonOption = False) -> None:
    """Nhờ Zalo gọi thử địa chỉ đang đặt và xem kết quả."""
    from bot.cli import zalo as commands

    commands.test(bot=bot, as_json=json)
