"""Telegram for the service: settings to channel, webhook, greeting at start, the doctor's check."""

from __future__ import annotations

from collections.abc import Sequence

from bot.channels.messenger import WebhookAddress, WebhookFault, WebhookState
from bot.channels.telegram.capabilities import CAPABILITIES
from bot.config import Settings, webhook_secret
from jobs.channel import Capabilities, Channel

WEBHOOK_PATH = "/telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


class TelegramMessenger:
    """One bot, at Telegram itself or at a Bot API server of the office."""

    kind = "telegram"
    title = CAPABILITIES.messenger
    keys_setting = keys_hint = "NHACVIEC_TELEGRAM_TOKEN"
    server_setting = "NHACVIEC_TELEGRAM_BASE_URL"
    refused_advice = "Hãy kiểm tra NHACVIEC_TELEGRAM_TOKEN, hoặc lấy khoá mới từ @BotFather."

    def server(self, settings: Settings) -> str:
        """Return the address of the Bot API server."""
        return settings.telegram_base_url

    def channels(self, settings: Settings) -> Sequence[Channel]:
        """Return the channel of the bot that is set; its library is imported only then."""
        if settings.telegram_token is None:
            return []
        from bot.channels.telegram.channel import TelegramChannel

        token = settings.telegram_token.get_secret_value()
        return [TelegramChannel(token, base_url=settings.telegram_base_url)]

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what the bot can do; no setting changes it."""
        return CAPABILITIES

    def webhook(self, settings: Settings, bot: str) -> WebhookAddress:
        """Return where Telegram posts updates; KeyError where no bot is set."""
        if settings.telegram_token is None:
            raise KeyError(bot)
        secret = webhook_secret(settings.telegram_token.get_secret_value())
        return WebhookAddress(WEBHOOK_PATH, SECRET_HEADER, secret)

    async def greet(
        self, settings: Settings, channel: Channel, commands: Sequence[tuple[str, str]]
    ) -> None:
        """Set the webhook, where one is wanted, and the commands; polling takes a webhook away itself."""
        from bot.channels.telegram.channel import TelegramChannel

        assert isinstance(channel, TelegramChannel)
        if settings.public_url:
            hook = self.webhook(settings, channel.name)
            await channel.set_webhook(hook.url(settings.public_url), secret=hook.secret)
        if await channel.commands() != list(commands):  # else each of several processes sets them
            await channel.set_commands(commands)

    async def webhook_state(self, channel: Channel) -> WebhookState:
        """Ask Telegram for the webhook, what waits, and the last failed call."""
        from bot.channels.telegram.channel import TelegramChannel

        assert isinstance(channel, TelegramChannel)
        return await channel.webhook_state()

    def judge_webhook(self, url: str, wanted: str) -> WebhookFault:
        """Report a wrong webhook; a start of the service mends it."""
        found = f"đang gửi đến {url}" if url else "chưa đặt webhook"
        needs = f"cần {wanted}" if wanted else "cần tự hỏi tin"
        todo = "Hãy khởi động lại «nhacviec run»: dịch vụ tự sửa lúc bắt đầu."
        return WebhookFault("warn", f"{found}, {needs}.", todo)
