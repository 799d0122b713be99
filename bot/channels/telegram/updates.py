"""Telegram's updates as jobs.channel.Incoming, read from the library's objects without importing it.

Guarantees: an anonymous administrator or a channel has no sender; a command for another bot is ignored.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from bot.channels.telegram.borrowed import find_borrowed
from jobs.channel import Attachment, Incoming

_ATTACHMENTS = (
    "document",
    "photo",
    "video",
    "audio",
    "voice",
    "video_note",
    "animation",
    "sticker",
    "contact",
    "location",
    "poll",
)
_NOBODY = {1087968824, 136817688, 777000}  # GroupAnonymousBot, Channel Bot, Telegram's own forwards
_OUTSIDE = {"left", "kicked"}
_NAMED_COMMAND = re.compile(r"(/[^\s@]*)(@\w*)")


def incoming_from_telegram(account_id: int, update: Any, own_title: str | None) -> Incoming | None:
    """Read one update; None where there is nothing to do.

    own_title: "@name" of the bot, to know its own commands. Raises the library's errors for a malformed update.
    """
    number = str(update.update_id)
    if update.callback_query is not None:
        return _press(account_id, number, update.callback_query)
    if update.my_chat_member is not None:
        return _membership(account_id, number, update.my_chat_member)
    if update.message is not None:
        return _message(account_id, number, update.message, own_title)
    return None


def _message(account_id: int, number: str, message: Any, own_title: str | None) -> Incoming | None:
    chat_kind = _kind(message.chat)
    if chat_kind is None:
        return None
    if message.migrate_to_chat_id is not None:
        return _moved(account_id, number, message.chat.id, message.migrate_to_chat_id)
    if message.migrate_from_chat_id is not None:
        return _moved(account_id, number, message.migrate_from_chat_id, message.chat.id)
    attachments = tuple(kind for kind in _ATTACHMENTS if getattr(message, kind))
    text = _own_command(message.text or message.caption or "", own_title)
    if text is None or not (text or attachments):
        return None
    if message.sender_chat is None and message.from_user is not None and message.from_user.is_bot:
        return None
    sender, sender_name = _sender(message.from_user, message.sender_chat)
    answered = message.reply_to_message
    if answered is not None and answered.forum_topic_created is not None:
        answered = None  # the topic's head, which nobody answers
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(message.chat.id),
        chat_kind=chat_kind,
        kind="text" if text else "other",
        sender=sender,
        sender_name=sender_name,
        chat_title=message.chat.title or "",
        text=text,
        thread=_thread(message),
        reply_to=str(answered.message_id) if answered is not None else None,
        sent_at=message.date,
        attachments=attachments,
        files=_files(message),
        borrowed=find_borrowed(message.to_dict()),
        album=message.media_group_id or "",
    )


def _files(message: Any) -> tuple[Attachment, ...]:
    """Return a message's photo in its largest size, and its document."""
    files = []
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        files.append(Attachment(largest.file_id, "anh.jpg", largest.file_size))
    document = message.document
    if document is not None:
        files.append(Attachment(document.file_id, document.file_name or "", document.file_size))
    return tuple(files)


def _press(account_id: int, number: str, press: Any) -> Incoming | None:
    message = press.message
    chat_kind = _kind(message.chat) if message is not None else None
    if message is None or chat_kind is None or press.data is None:
        return None
    sender, sender_name = _sender(press.from_user, None)
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(message.chat.id),
        chat_kind=chat_kind,
        kind="action",
        sender=sender,
        sender_name=sender_name,
        chat_title=message.chat.title or "",
        text=press.data,
        thread=_thread(message),
        reply_to=str(message.message_id),
        action_id=press.id,
    )


def _membership(account_id: int, number: str, change: Any) -> Incoming | None:
    chat_kind = _kind(change.chat)
    if chat_kind is None:
        return None
    new, old = change.new_chat_member, change.old_chat_member
    muted = getattr(new, "can_send_messages", True) is False
    outside = new.status in _OUTSIDE or muted
    was_outside = old.status in _OUTSIDE or getattr(old, "can_send_messages", True) is False
    if not outside and not was_outside:
        return None  # made administrator, or the like
    sender, sender_name = _sender(change.from_user, None)
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(change.chat.id),
        chat_kind=chat_kind,
        kind="gone" if outside else "back",
        sender=sender,
        sender_name=sender_name,
        chat_title=change.chat.title or "",
        text=("blocked" if chat_kind == "private" else new.status) if outside else "",
        sent_at=change.date,
    )


def _moved(account_id: int, number: str, old: int, new: int) -> Incoming:
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(old),
        chat_kind="group",
        kind="moved",
        text=str(new),
    )


def _kind(chat: Any) -> Literal["private", "group"] | None:
    if chat.type == "private":
        return "private"
    return "group" if chat.type in ("group", "supergroup") else None


def _thread(message: Any) -> str:
    in_topic = getattr(message, "is_topic_message", None)  # missing where it can no longer be read
    return str(message.message_thread_id or "") if in_topic else ""


def _sender(user: Any, sender_chat: Any) -> tuple[str, str]:
    if user is None or sender_chat is not None or user.id in _NOBODY:
        return "", ""
    return str(user.id), user.full_name


def _own_command(text: str, own_title: str | None) -> str | None:
    """Strip our own @name from the command; None for another bot's command."""
    named = _NAMED_COMMAND.match(text)
    if named is None:
        return text
    if own_title is not None and named[2].casefold() != own_title.casefold():
        return None
    return named[1] + text[named.end() :]
