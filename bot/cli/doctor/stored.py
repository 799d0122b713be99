"""Checks of the stored rows: owners, quotas, waiting messages, failures, lost chats."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.channels import MESSENGERS
from bot.channels.capabilities import capabilities_for_kind
from bot.cli.doctor.finding import CheckContext
from bot.cli.output import format_number
from bot.health import running
from bot.health.finding import Finding, FindingLevel, messenger_title
from bot.health.running import (
    check_owners,
    find_oldest_due,
    judge_mornings,
    judge_waiting,
    load_mornings,
)
from data.accounts.usage import list_account_usage
from data.clock import civil_date
from data.contacts.chats import list_lost_chats
from data.loading.load import read_registry, read_workdays
from data.models import Account, InboxEvent, Message, Meta
from data.outbox.messages import NOBODY_LEFT
from jobs.delivery.usage import LEVELS, accounts_in_use

LOOK_BACK = timedelta(days=7)
_MOST_NAMES = 6


async def check_is_not_sandbox(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell whether this is a real database, not the sandbox's."""
    mark = await connection.scalar(select(Meta.value).where(Meta.key == "sandbox"))
    if mark == "1":
        todo = "Hãy đặt NHACVIEC_DATABASE_URL sang tệp khác cho dữ liệu thật."
        return [Finding("bad", "Cơ sở dữ liệu", "là tệp của bản thử.", todo)]
    return [Finding("ok", "Cơ sở dữ liệu", f"đọc được ({connection.dialect.name}).")]


async def check_services(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell whether a living service owns each account that is set, and whether it is stopped.

    An account that is no longer set is reported while people are enrolled there: nobody writes to them.
    """
    labels = {(each.kind, each.name): each.label for each in case.answers}
    rows = await connection.execute(select(Account.id, Account.channel, Account.name))
    is_set = {row.id for row in rows if (row.channel, row.name) in labels}
    found = []
    for use in await list_account_usage(connection, today=civil_date(case.now)):
        if use.account_id not in is_set and use.chats and use.channel in MESSENGERS:
            about = f"{use.name} ({messenger_title(use.channel)})"
            words = f"{use.chats} chat đăng ký ở bot này, nhưng khoá của bot không còn trong .env."
            todo = "Hãy đặt lại khoá, hoặc mời họ sang bot khác."
            found.append(Finding("warn", about, words, todo))
    return found + await check_owners(connection, labels, now=case.now, labels=labels)


async def check_quota(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell how much of its monthly messages and of its people each account has used."""
    today = civil_date(case.now)
    used = await accounts_in_use(
        connection, lambda use: capabilities_for_kind(case.settings, use.channel), today=today
    )
    found = []
    for each in used:
        messages, people = each["messages"], each["people"]
        about = f"{each['name']} ({messenger_title(each['channel'])}), hạn mức"
        words = f"tháng {today.month} đã dùng {_share(messages)} tin; {_share(people)} người."
        level: FindingLevel = "warn" if messages["level"] or people["level"] else "ok"
        todo = []
        if messages["level"] >= LEVELS[-1]:  # no fault: a spent bot rests until the next month
            todo.append("Sắp hết tin của tháng: hãy thêm bot, hoặc nâng gói.")
        elif messages["level"]:
            todo.append("Hãy theo dõi số tin; sắp hết thì thêm bot.")
        if people["level"]:
            todo.append("Sắp đủ người: hãy thêm khoá của một bot mới cho người mời sau.")
        found.append(Finding(level, about, words, " ".join(todo)))
    return found


def _share(part: dict[str, int | None]) -> str:
    used = format_number(part["used"] or 0)
    return (
        used
        if part["cap"] is None
        else f"{used}/{format_number(part['cap'])} ({part['percent']} %)"
    )


async def check_waiting(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell how long the oldest message due by now has waited."""
    workdays = await read_workdays(connection) or case.workdays
    oldest = await find_oldest_due(connection, workdays, now=case.now)
    return [judge_waiting(oldest, now=case.now)]


async def check_mornings(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell which provinces' mornings are missing; none where nothing was loaded yet."""
    registry = await read_registry(connection)
    if registry is None:
        return []
    return [judge_mornings(registry, await load_mornings(connection, registry, now=case.now))]


async def check_failures(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Count the week's refused messages, those of unknown outcome, and unreadable updates."""
    since = case.now - LOOK_BACK
    rows = await connection.execute(
        select(Message.state, func.count())
        .where(
            Message.state.in_(("failed", "uncertain")),
            func.coalesce(Message.claimed_at, Message.send_at) >= since,
            or_(Message.error.is_(None), Message.error != NOBODY_LEFT),
        )
        .group_by(Message.state)
    )
    states = {row[0]: int(row[1]) for row in rows}
    unread = await connection.scalar(
        select(func.count()).where(InboxEvent.state == "parked", InboxEvent.received_at >= since)
    )
    about = "7 ngày qua"
    found = []
    if states.get("failed"):
        found.append(
            Finding(
                "warn",
                about,
                f"{format_number(states['failed'])} tin không gửi được: nền tảng từ chối,"
                " hoặc chương trình không soạn được.",
                "Lần nhắc sau vẫn nói lại; nếu lặp lại, hãy gửi nhật ký cho người bảo trì.",
            )
        )
    if states.get("uncertain"):
        found.append(
            Finding(
                "warn",
                about,
                f"{format_number(states['uncertain'])} tin không rõ đã đến chưa, không gửi lại.",
                "Lần nhắc sau vẫn nói lại; việc gấp thì hãy gọi điện.",
            )
        )
    if unread:
        found.append(
            Finding(
                "warn",
                about,
                f"{format_number(int(unread))} tin đến không đọc được.",
                "Hãy gửi nhật ký cho người bảo trì.",
            )
        )
    return found or [Finding("ok", about, "không có tin nào hỏng.")]


async def check_lost_chats(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Name the agencies of lost chats in which people are still enrolled, by what was lost."""
    lost = await list_lost_chats(connection, today=civil_date(case.now))
    found = []
    for kind, todo in _LOSSES.items():
        of_kind = [row for row in lost if _loss(row.why) == kind]
        if not of_kind:
            continue
        names = list(dict.fromkeys(row.agency for row in of_kind))
        more = len(names) - _MOST_NAMES
        words = ", ".join(names[:_MOST_NAMES]) + (f" và {more} cơ quan nữa" if more > 0 else "")
        count = len({row.id for row in of_kind})
        found.append(Finding("warn", "Chat", f"{count} chat không gửi được nữa: {words}.", todo))
    return found or [Finding("ok", "Chat", "không có chat nào bị mất.")]


def _loss(why: str | None) -> str:
    kind = (why or "").partition(":")[0]
    return kind if kind in _LOSSES else "gone"


# What to do about a lost chat, by the start of Chat.gone_why.
_LOSSES = {
    "gone": "Người ấy đã chặn bot hoặc rời nhóm: hãy mời lại bằng «nhacviec invite».",
    "topic_closed": "Chủ đề nhận tin đã đóng: hãy đề nghị mở lại, tin lại đến đó như trước.",
    "forbidden": "Nhóm không cho bot gửi tin: hãy đề nghị cho quyền, rồi gõ /viec ở đó.",
}


async def check_stored_times(connection: AsyncConnection, case: CheckContext) -> list[Finding]:
    """Tell whether the clock was set back."""
    return [await running.check_set_back(connection, now=case.now)]


CHECKS = (
    check_is_not_sandbox,
    check_services,
    check_quota,
    check_waiting,
    check_mornings,
    check_failures,
    check_lost_chats,
    check_stored_times,
)
