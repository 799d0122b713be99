"""Zalo bots for the service: settings to channels, webhooks, greeting at start, the doctor's check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.channels.messenger import WebhookAddress, WebhookFault, WebhookState
from bot.channels.zalo.capabilities import CAPABILITIES
from bot.config import Settings, webhook_secret
from jobs.channel import Capabilities, Channel

if TYPE_CHECKING:
    from bot.channels.zalo.channel import ZaloBotChannel

WEBHOOK_PATH = "/zalo/{}"  # a path for each bot, by its name
SECRET_HEADER = "X-Bot-Api-Secret-Token"


class ZaloBotMessenger:
    """Bots of the Bot Platform, any number of them.

    The platform counts how often a webhook is set in a day. So only the administrator sets one, by
    `nhacviec zalo webhook`; the service compares and warns.
    """

    kind = "zalo_bot"
    title = CAPABILITIES.messenger
    keys_setting = "NHACVIEC_ZALO_BOT_TOKENS"
    keys_hint = f"{keys_setting} (khoá mới lấy ở Zalo Bot Creator)"
    server_setting = "NHACVIEC_ZALO_BOT_BASE_URL"
    refused_advice = f"Hãy lấy khoá mới ở Zalo Bot Creator và sửa {keys_setting}."

    def server(self, settings: Settings) -> str:
        """Return the address of the Bot Platform."""
        return settings.zalo_bot_base_url

    def channels(self, settings: Settings) -> Sequence[ZaloBotChannel]:
        """Return the channel of every bot that is set, none of them open."""
        if not settings.zalo_tokens:
            return []
        from bot.channels.zalo.channel import PHOTO_HOSTS, ZaloBotChannel

        base_url, capabilities = settings.zalo_bot_base_url, self.capabilities(settings)
        hosts = (*PHOTO_HOSTS, *settings.photo_hosts)
        return [
            ZaloBotChannel(token, base_url=base_url, capabilities=capabilities, photo_hosts=hosts)
            for token in settings.zalo_tokens
        ]

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what the bots can do, with the caps of the plan that is set."""
        people, messages = settings.zalo_bot_people, settings.zalo_bot_messages
        return replace(CAPABILITIES, most_people=people, monthly_messages=messages)

    def webhook(self, settings: Settings, bot: str) -> WebhookAddress:
        """Return where the platform posts a bot's updates; KeyError for a bot that is not set."""
        tokens = {token.partition(":")[0]: token for token in settings.zalo_tokens}
        return WebhookAddress(WEBHOOK_PATH.format(bot), SECRET_HEADER, webhook_secret(tokens[bot]))

    async def greet(
        self, settings: Settings, channel: Channel, commands: Sequence[tuple[str, str]]
    ) -> None:
        """Warn of a webhook other than wanted; set nothing."""
        wanted = self.webhook(settings, channel.name).url(settings.public_url)
        if (await self.webhook_state(channel)).url != wanted:
            hint = f"nhacviec zalo webhook {'set' if wanted else 'delete'}"
            from data.log import get_logger  # brings Rich, which a short command need not wait for

            get_logger("accounts").warning(
                "account.webhook_differs", channel=channel.kind, bot=channel.title, hint=hint
            )

    async def webhook_state(self, channel: Channel) -> WebhookState:
        """Ask the platform where it sends updates; it says nothing else of it."""
        from bot.channels.zalo.channel import ZaloBotChannel

        assert isinstance(channel, ZaloBotChannel)
        return WebhookState(await channel.webhook())

    def judge_webhook(self, url: str, wanted: str) -> WebhookFault:
        """Report a wrong webhook, with the command that mends it."""
        found = f"đang gửi đến {url}." if url else "chưa đặt webhook."
        command = f"nhacviec zalo webhook {'set' if wanted else 'delete'}"
        otherwise = "" if wanted else " (hoặc đặt NHACVIEC_PUBLIC_URL)"
        return WebhookFault("bad", found, f"Hãy chạy «{command}»{otherwise}.")
