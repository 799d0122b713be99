"""The webhooks of Zalo bots, as the administrator sets, inspects, deletes and tries them.

Guarantees: every bot is reported by itself, also after another one failed; an address that is right is not
set again, because the platform counts how often it is set in a day.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bot.channels.zalo.account import ZaloBotMessenger
from bot.config import Settings
from jobs.channel import DeliveryError, RateLimited, Rejected, Unauthorised

if TYPE_CHECKING:
    from bot.channels.zalo.channel import ZaloBotChannel

# What the platform says of an attempt to reach the address, and what to do about it.
OUTCOMES = {
    "webhook.ok": ("Zalo gọi được địa chỉ này.", ""),
    "webhook.http.403": (
        "máy chủ từ chối (403).",
        (
            "Nếu nhắn cho bot mà được trả lời thì không sao: có thể Zalo thử mà không gửi mã bí mật."
            " Nếu không: tường lửa hoặc Cloudflare đang chặn; hãy mở đường /zalo/ cho máy chủ của Zalo"
            " (AS38244), tắt Browser Integrity Check."
        ),
    ),
    "webhook.http.404": (
        "địa chỉ không có gì (404).",
        (
            "Hãy chạy «nhacviec run» với NHACVIEC_PUBLIC_URL này, và cho máy chủ web chuyển đường /zalo/"
            " đến cổng của dịch vụ."
        ),
    ),
    "webhook.http.5xx": (
        "máy chủ web báo lỗi (5xx).",
        "Thường là dịch vụ chưa chạy sau máy chủ web: hãy chạy «nhacviec run» rồi thử lại.",
    ),
    "webhook.err.tls": (
        "chứng chỉ https không hợp lệ.",
        "Hãy gia hạn chứng chỉ, và gửi kèm đủ chứng chỉ trung gian.",
    ),
    "webhook.err.dns": (
        "không tìm thấy tên miền.",
        "Hãy kiểm tra tên miền trong NHACVIEC_PUBLIC_URL và bản ghi DNS của nó.",
    ),
    "webhook.err.timeout": (
        "máy chủ không trả lời kịp.",
        "Hãy kiểm tra dịch vụ đang chạy và tường lửa không giữ kết nối từ ngoài vào cổng 443.",
    ),
    "webhook.err.conn": (
        "không kết nối được đến máy chủ.",
        "Hãy mở cổng 443 ra ngoài và kiểm tra máy chủ web đang chạy.",
    ),
    "webhook.err.proxy": (
        "proxy đứng giữa không cho qua.",
        "Hãy kiểm tra proxy hoặc máy chủ web đứng trước dịch vụ.",
    ),
    "webhook.err.blocked": (
        "Zalo không chấp nhận địa chỉ này.",
        "Cần tên miền công khai, không phải địa chỉ nội bộ.",
    ),
    "webhook.err.unreachable": (
        "máy chủ không ở trên Internet.",
        "Hãy kiểm tra đường mạng vào máy chủ.",
    ),
}
UNKNOWN_OUTCOME = "Hãy kiểm tra địa chỉ từ một máy ngoài cơ quan, rồi nhắn thử cho bot."


@dataclass(frozen=True, slots=True)
class WebhookReport:
    """One bot's webhook after a command. state: set as wanted, none, another address, not known."""

    bot: str
    title: str
    ok: bool
    state: Literal["set", "none", "other", "failed"]
    url: str
    wanted: str
    outcome: str
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class BotWebhook:
    """One open bot, with the address it has and the one that is wanted ("": none)."""

    channel: ZaloBotChannel
    url: str
    wanted: str
    secret: str

    def report(
        self, ok: bool, found: str, todo: str = "", *, url: str | None = None, outcome: str = ""
    ) -> WebhookReport:
        """Report on this bot; url: the address it has now, where that changed."""
        has = self.url if url is None else url
        state: Literal["set", "none", "other"] = (
            "none" if not has else "set" if has == self.wanted else "other"
        )
        name, title = self.channel.name, self.channel.title or ""
        return WebhookReport(name, title, ok, state, has, self.wanted, outcome, found, todo)


WebhookAction = Callable[[BotWebhook], Awaitable[WebhookReport]]


async def act_on_webhooks(
    settings: Settings, channels: Sequence[ZaloBotChannel], action: WebhookAction
) -> list[WebhookReport]:
    """Do it to each bot, one after the other; a bot that fails is reported and the next one follows."""
    return [await _act_on_webhook(settings, channel, action) for channel in channels]


async def _act_on_webhook(
    settings: Settings, channel: ZaloBotChannel, action: WebhookAction
) -> WebhookReport:
    hook = ZaloBotMessenger().webhook(settings, channel.name)
    wanted = hook.url(settings.public_url)
    try:
        await channel.open()
        return await action(BotWebhook(channel, await channel.webhook(), wanted, hook.secret))
    except DeliveryError as error:
        found, todo = _describe_failure(error, settings)
        title = channel.title or ""
        return WebhookReport(channel.name, title, False, "failed", "", wanted, "", found, todo)
    finally:
        await channel.close()


async def set_webhook(bot: BotWebhook) -> WebhookReport:
    """Set the webhook where it is not set as wanted."""
    if bot.url == bot.wanted:
        hint = "Vừa đổi khoá của bot thì hãy «delete» rồi «set» lại: mã bí mật theo khoá."
        return bot.report(True, "địa chỉ đã đúng, không đặt lại.", hint)
    answer = await bot.channel.set_webhook(bot.wanted, secret=bot.secret)
    verified = answer.get("verification")
    if not isinstance(verified, dict) or not verified.get("outcome"):
        hint = "Hãy nhắn thử cho bot khi dịch vụ đang chạy."
        return bot.report(True, "đã đặt.", hint, url=bot.wanted)
    outcome = str(verified["outcome"])
    found, todo = describe_outcome(outcome)
    return bot.report(
        outcome == "webhook.ok", f"đã đặt; {found}", todo, url=bot.wanted, outcome=outcome
    )


async def inspect_webhook(bot: BotWebhook) -> WebhookReport:
    """Compare the webhook with the one that is wanted."""
    if bot.url == bot.wanted:
        how = "webhook đã đặt đúng" if bot.url else "không có webhook, dịch vụ tự hỏi tin"
        return bot.report(True, f"{how}.")
    if not bot.url:
        return bot.report(False, "chưa đặt webhook.", "Hãy chạy «nhacviec zalo webhook set».")
    if not bot.wanted:
        return bot.report(
            False,
            "có webhook, nhưng NHACVIEC_PUBLIC_URL để trống nên dịch vụ chờ hỏi tin mà không được.",
            "Hãy chạy «nhacviec zalo webhook delete», hoặc đặt NHACVIEC_PUBLIC_URL.",
        )
    return bot.report(
        False, "webhook ở một địa chỉ khác.", "Hãy chạy «nhacviec zalo webhook set» để đổi."
    )


async def delete_webhook(bot: BotWebhook) -> WebhookReport:
    """Take the webhook away where there is one."""
    if not bot.url:
        return bot.report(True, "không có webhook, không phải làm gì.")
    await bot.channel.delete_webhook()
    todo = "Hãy xoá NHACVIEC_PUBLIC_URL rồi chạy lại dịch vụ để tự hỏi tin." if bot.wanted else ""
    return bot.report(True, "đã gỡ webhook.", todo, url="")


async def try_webhook(bot: BotWebhook) -> WebhookReport:
    """Have the platform call the webhook once."""
    if not bot.url:
        return bot.report(False, "chưa đặt webhook.", "Hãy chạy «nhacviec zalo webhook set».")
    try:
        answer = await bot.channel.test_webhook()
    except Rejected:
        return bot.report(
            True,
            "Zalo không còn cho gọi thử webhook.",
            "Không sao: hãy xem «nhacviec zalo webhook info», rồi nhắn thử cho bot.",
        )
    outcome = str(answer.get("outcome") or "không rõ")
    found, todo = describe_outcome(outcome)
    return bot.report(outcome == "webhook.ok", found, todo, outcome=outcome)


def describe_outcome(outcome: str) -> tuple[str, str]:
    """Return the words for an attempt of the platform to reach the address, and what to do about it."""
    if outcome.startswith("webhook.http.5"):
        outcome = "webhook.http.5xx"
    return OUTCOMES.get(outcome, (f"Zalo báo «{outcome}».", UNKNOWN_OUTCOME))


def _describe_failure(error: DeliveryError, settings: Settings) -> tuple[str, str]:
    match error:
        case Unauthorised():
            return "Zalo không nhận khoá.", ZaloBotMessenger.refused_advice
        case RateLimited():
            return "hết lượt Zalo cho phép.", "Hãy thử lại vào ngày mai."
        case Rejected():
            return f"Zalo từ chối ({error}).", "Hãy kiểm tra NHACVIEC_PUBLIC_URL."
    return (
        f"{settings.zalo_bot_base_url} không trả lời được ({error}).",
        "Hãy kiểm tra mạng rồi thử lại; Zalo giới hạn số lần thử mỗi ngày.",
    )
