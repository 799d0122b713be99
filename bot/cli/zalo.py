"""Commands on the webhooks of Zalo bots: `zalo webhook set`, `info`, `delete`, `test`.

Promises that every bot that is set is told of by itself, whatever became of the others; that an address
that is right already is not set again (the platform counts how often it is set in a day); and exit code
1 where something is left for a person to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import typer

from bot.cli.output import CommandFailed, print_json
from bot.config import Settings, load_settings
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

WebhookState = Literal["set", "none", "other", "failed"]


@dataclass(frozen=True, slots=True)
class WebhookReport:
    """What became of one bot. state: of its webhook (set as wanted, none, another address)."""

    bot: str
    title: str
    ok: bool
    state: WebhookState
    url: str
    wanted: str
    outcome: str
    found: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class BotWebhook:
    """One bot, open, with the address it has and the one that is wanted ("": none)."""

    channel: ZaloBotChannel
    url: str
    wanted: str
    secret: str

    def report(
        self, ok: bool, found: str, todo: str = "", *, url: str | None = None, outcome: str = ""
    ) -> WebhookReport:
        """Return what is told of this bot; url: the address it has now, where it changed."""
        has = self.url if url is None else url
        state: WebhookState = "none" if not has else "set" if has == self.wanted else "other"
        name, title = self.channel.name, self.channel.title or ""
        return WebhookReport(name, title, ok, state, has, self.wanted, outcome, found, todo)


WebhookAction = Callable[[BotWebhook], Awaitable[WebhookReport]]


def set_(*, bot: str | None, as_json: bool) -> None:
    """Set the webhook of each bot where it is not set as wanted."""
    settings = load_settings()
    if settings.public_url is None or not settings.public_url.startswith("https://"):
        raise CommandFailed(
            "Hãy đặt NHACVIEC_PUBLIC_URL=https://tên-miền trong .env: Zalo chỉ gửi tin đến địa chỉ https"
            " công khai. Không có địa chỉ như vậy thì không cần webhook: dịch vụ tự hỏi tin."
        )
    _run_action(settings, bot, _set, as_json=as_json)


def info(*, bot: str | None, as_json: bool) -> None:
    """Print where each bot's updates are sent to, beside what is wanted."""
    _run_action(load_settings(), bot, _info, as_json=as_json)


def delete(*, bot: str | None, as_json: bool) -> None:
    """Take the webhook of each bot away where there is one."""
    _run_action(load_settings(), bot, _delete, as_json=as_json)


def test(*, bot: str | None, as_json: bool) -> None:
    """Have the platform try each bot's webhook."""
    _run_action(load_settings(), bot, _test, as_json=as_json)


def describe_outcome(outcome: str) -> tuple[str, str]:
    """Return what an attempt of the platform to reach the address showed, and what to do about it."""
    if outcome.startswith("webhook.http.5"):
        outcome = "webhook.http.5xx"
    return OUTCOMES.get(outcome, (f"Zalo báo «{outcome}».", UNKNOWN_OUTCOME))


# ------------------------------------------------------------------ what is done to one bot


async def _set(bot: BotWebhook) -> WebhookReport:
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


async def _info(bot: BotWebhook) -> WebhookReport:
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


async def _delete(bot: BotWebhook) -> WebhookReport:
    if not bot.url:
        return bot.report(True, "không có webhook, không phải làm gì.")
    await bot.channel.delete_webhook()
    todo = "Hãy xoá NHACVIEC_PUBLIC_URL rồi chạy lại dịch vụ để tự hỏi tin." if bot.wanted else ""
    return bot.report(True, "đã gỡ webhook.", todo, url="")


async def _test(bot: BotWebhook) -> WebhookReport:
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


# ------------------------------------------------------------------ every bot, one by one


def _run_action(settings: Settings, only: str | None, act: WebhookAction, *, as_json: bool) -> None:
    """Do it to every bot, or to one; print what became of each."""
    reports = asyncio.run(_run_on_each(settings, only, act))
    if as_json:
        print_json([asdict(report) for report in reports])
    else:
        for report in reports:
            _print(report)
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def _print(report: WebhookReport) -> None:
    name = f"{report.title} ({report.bot})" if report.title else f"Bot {report.bot}"
    print(f"{'✓' if report.ok else '✗'} {name}: {report.found}")
    if report.url:
        print(f"    đang gửi đến: {report.url}")
    if report.state == "other" and report.wanted:
        print(f"    cần gửi đến:  {report.wanted}")
    if report.todo:
        print(f"    {report.todo}")


async def _run_on_each(
    settings: Settings, only: str | None, act: WebhookAction
) -> list[WebhookReport]:
    from bot.service.accounts import build_zalo_channels

    channels = build_zalo_channels(settings)
    if not channels:
        raise CommandFailed(
            "Chưa đặt bot Zalo nào. Hãy điền khoá (Zalo Bot Creator cấp) vào NHACVIEC_ZALO_BOT_TOKENS."
        )
    chosen = [channel for channel in channels if only in (None, channel.name)]
    if not chosen:
        names = ", ".join(channel.name for channel in channels)
        raise CommandFailed(f"Không có bot «{only}». Các bot đã đặt: {names}.")
    return [await _run_on_one(settings, channel, act) for channel in chosen]


async def _run_on_one(
    settings: Settings, channel: ZaloBotChannel, act: WebhookAction
) -> WebhookReport:
    from bot.service.accounts import webhook_address_for

    hook = webhook_address_for(settings, channel)
    wanted = settings.public_url + hook.path if settings.public_url else ""
    try:
        await channel.open()
        return await act(BotWebhook(channel, await channel.webhook(), wanted, hook.secret))
    except DeliveryError as error:
        found, todo = _fault_words(error, settings)
        title = channel.title or ""
        return WebhookReport(channel.name, title, False, "failed", "", wanted, "", found, todo)
    finally:
        await channel.close()


def _fault_words(error: DeliveryError, settings: Settings) -> tuple[str, str]:
    match error:
        case Unauthorised():
            return (
                "Zalo không nhận khoá.",
                "Hãy lấy khoá mới ở Zalo Bot Creator và sửa NHACVIEC_ZALO_BOT_TOKENS.",
            )
        case RateLimited():
            return "hết lượt Zalo cho phép.", "Hãy thử lại vào ngày mai."
        case Rejected():
            return f"Zalo từ chối ({error}).", "Hãy kiểm tra NHACVIEC_PUBLIC_URL."
    return (
        f"{settings.zalo_bot_base_url} không trả lời được ({error}).",
        "Hãy kiểm tra mạng rồi thử lại; Zalo giới hạn số lần thử mỗi ngày.",
    )
