"""Telegram's updates as jobs.channel.Incoming, read from the JSON itself: only the fields that are used.

Guarantees:
- What is not used may be missing or strange: a server of an older version, or an emulator, is understood.
- What is used, is there and cannot be read makes the update malformed; it is never read as another one.
- An anonymous administrator or a channel has no sender; a command for another bot is ignored.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from bot.channels.instants import instant_from_number
from bot.channels.telegram.borrowed import find_borrowed
from bot.channels.telegram.http import is_telegram_number
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
_REOPENED = ("forum_topic_reopened", "general_forum_topic_unhidden")

ChatKind = Literal["private", "group"]
Part = dict[str, Any]


def incoming_from_telegram(account_id: int, given: Any, own_title: str | None) -> Incoming | None:
    """Read one update; None where there is nothing to do, ValueError where malformed.

    own_title: "@name" of the bot, to know its own commands.
    """
    if not isinstance(given, dict):
        raise ValueError("an update is a JSON object")
    number = str(_number(given, "update_id"))
    if (press := _part(given, "callback_query")) is not None:
        return _press(account_id, number, press)
    if (change := _part(given, "my_chat_member")) is not None:
        return _membership(account_id, number, change)
    if (message := _part(given, "message")) is not None:
        return _message(account_id, number, message, own_title)
    if (edited := _part(given, "edited_message")) is not None:
        return _correction(account_id, number, edited, own_title)
    return None


def _correction(
    account_id: int, number: str, message: Part, own_title: str | None
) -> Incoming | None:
    """Read an edited message: its words now, and which of the sender's own messages they replace."""
    found = _message(account_id, number, message, own_title)
    if found is None or found.kind != "text":
        return None
    corrects = str(_number(message, "message_id"))
    return replace(found, corrects=corrects, attachments=(), files=(), album="")


def _message(account_id: int, number: str, message: Part, own_title: str | None) -> Incoming | None:
    chat = _needed_part(message, "chat")
    address, chat_kind = _number(chat, "id"), _kind(chat)
    if chat_kind is None:
        return None
    if message.get("migrate_to_chat_id") is not None:
        return _moved(account_id, number, address, _number(message, "migrate_to_chat_id"))
    if message.get("migrate_from_chat_id") is not None:
        return _moved(account_id, number, _number(message, "migrate_from_chat_id"), address)
    thread = _thread(message)
    if any(message.get(sign) is not None for sign in _REOPENED):
        return Incoming(account_id, number, str(address), chat_kind, "reopened", thread=thread)
    attachments = tuple(kind for kind in _ATTACHMENTS if message.get(kind))
    text = _own_command(_text(message, "text") or _text(message, "caption"), own_title)
    if text is None or not (text or attachments) or _is_of_another_bot(message):
        return None
    sender, sender_name = _sender(message, chat_kind, address)
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(address),
        chat_kind=chat_kind,
        kind="text" if text else "other",
        sender=sender,
        sender_name=sender_name,
        chat_title=_name(chat, "title"),
        text=text,
        thread=thread,
        reply_to=_answered(message, thread),
        sent_at=instant_from_number(message.get("date")),
        attachments=attachments,
        files=_files(message),
        borrowed=find_borrowed(message),
        album=_name(message, "media_group_id"),
    )


def _answered(message: Part, thread: str) -> str | None:
    """Return the number of the message replied to; a topic's head is nobody's to answer."""
    answered = _part(message, "reply_to_message")
    if answered is None or answered.get("forum_topic_created") is not None:
        return None
    number = str(_number(answered, "message_id"))
    return None if thread and number == thread else number


def _files(message: Part) -> tuple[Attachment, ...]:
    """Return a message's photo in its largest size, and its document; one that cannot be read as lost."""
    files = []
    if photo := message.get("photo"):
        sizes = [size for size in photo if _is_file(size)] if isinstance(photo, list) else []
        files.append(_attachment(max(sizes, key=_area, default={}), "anh.jpg"))
    if document := message.get("document"):
        given = document if isinstance(document, dict) else {}
        files.append(_attachment(given, _name(given, "file_name")))
    return tuple(files)


def _attachment(given: Part, name: str) -> Attachment:
    if not _is_file(given):
        return Attachment("", name, fault="lost")
    size = given.get("file_size")
    return Attachment(given["file_id"], name, size if is_telegram_number(size) else None)


def _is_file(given: Any) -> bool:
    return isinstance(given, dict) and isinstance(given.get("file_id"), str)


def _area(size: Part) -> int:
    width, height = size.get("width"), size.get("height")
    if is_telegram_number(width) and is_telegram_number(height):
        return width * height
    return 0


def _press(account_id: int, number: str, press: Part) -> Incoming | None:
    if press.get("game_short_name") is not None:
        return None
    message = _needed_part(press, "message")
    chat = _needed_part(message, "chat")
    address, chat_kind = _number(chat, "id"), _kind(chat)
    if chat_kind is None:
        return None
    if chat_kind == "group":
        _needed_part(press, "from")  # a press has no anonymous sender
    sender, sender_name = _sender(press, chat_kind, address)
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(address),
        chat_kind=chat_kind,
        kind="action",
        sender=sender,
        sender_name=sender_name,
        chat_title=_name(chat, "title"),
        text=_needed_text(press, "data"),
        thread=_thread(message),
        reply_to=str(_number(message, "message_id")),
        action_id=_name(press, "id") or None,
    )


def _membership(account_id: int, number: str, change: Part) -> Incoming | None:
    chat = _needed_part(change, "chat")
    address, chat_kind = _number(chat, "id"), _kind(chat)
    if chat_kind is None:
        return None
    new, old = (_needed_part(change, f"{which}_chat_member") for which in ("new", "old"))
    outside, was_outside = _is_outside(new), _is_outside(old)
    if not outside and not was_outside:
        return None  # made administrator, or the like
    sender, sender_name = _sender(change, chat_kind, address)
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(address),
        chat_kind=chat_kind,
        kind="gone" if outside else "back",
        sender=sender,
        sender_name=sender_name,
        chat_title=_name(chat, "title"),
        text=_loss(new, chat_kind) if outside else "",
        sent_at=instant_from_number(change.get("date")),
    )


def _is_outside(member: Part) -> bool:
    """Tell whether the bot is no member, or may not write."""
    status = _needed_text(member, "status")
    return status in _OUTSIDE or False in (member.get("is_member"), member.get("can_send_messages"))


def _loss(member: Part, chat_kind: ChatKind) -> str:
    """Return in one word why the bot is outside."""
    if chat_kind == "private":
        return "blocked"
    status = _needed_text(member, "status")
    if member.get("is_member") is False:  # restricted, and gone
        return "left"
    return status if status in _OUTSIDE else "forbidden"


def _moved(account_id: int, number: str, old: int, new: int) -> Incoming:
    return Incoming(
        account_id=account_id,
        update_id=number,
        address=str(old),
        chat_kind="group",
        kind="moved",
        text=str(new),
    )


def _kind(chat: Part) -> ChatKind | None:
    """Return a chat's kind; where it is not told, its number's sign tells it."""
    kind = chat.get("type")
    if isinstance(kind, str) and kind:
        return _KINDS.get(kind)
    return "private" if _number(chat, "id") > 0 else "group"


_KINDS: dict[str, ChatKind] = {"private": "private", "group": "group", "supergroup": "group"}


def _thread(message: Part) -> str:
    in_topic = message.get("is_topic_message")  # missing where the message can no longer be read
    if not isinstance(in_topic, bool | None):
        raise ValueError("is_topic_message is neither true nor false")
    return str(_number(message, "message_thread_id")) if in_topic else ""


def _is_of_another_bot(message: Part) -> bool:
    user = message.get("from")
    is_bot = isinstance(user, dict) and user.get("is_bot") is True
    return is_bot and message.get("sender_chat") is None


def _sender(given: Part, chat_kind: ChatKind, address: int) -> tuple[str, str]:
    """Return the sender's id and name; in a private chat both ids are one, so that either will do."""
    user, name = given.get("from"), ""
    if given.get("sender_chat") is not None or (user is None and chat_kind == "group"):
        return "", ""
    if isinstance(user, dict):
        name = f"{_name(user, 'first_name')} {_name(user, 'last_name')}".strip()
        number = user.get("id")
        if is_telegram_number(number):
            return ("", "") if number in _NOBODY else (str(number), name)
    if chat_kind == "private":
        return str(address), name
    raise ValueError("the sender cannot be read")


def _own_command(text: str, own_title: str | None) -> str | None:
    """Strip our own @name from the command; None for another bot's command."""
    named = _NAMED_COMMAND.match(text)
    if named is None:
        return text
    if own_title is not None and named[2].casefold() != own_title.casefold():
        return None
    return named[1] + text[named.end() :]


def _part(given: Part, key: str) -> Part | None:
    value = given.get(key)
    if not isinstance(value, dict | None):
        raise ValueError(f"{key} is no object")
    return value


def _needed_part(given: Part, key: str) -> Part:
    value = _part(given, key)
    if value is None:
        raise ValueError(f"{key} is missing")
    return value


def _number(given: Part, key: str) -> int:
    value = given.get(key)
    if not is_telegram_number(value):
        raise ValueError(f"{key} is no number")
    return value


def _text(given: Part, key: str) -> str:
    """Return words that count: "" where they are missing, ValueError where they are something else."""
    value = given.get(key)
    if not isinstance(value, str | None):
        raise ValueError(f"{key} is no text")
    return value or ""


def _needed_text(given: Part, key: str) -> str:
    words = _text(given, key)
    if not words:
        raise ValueError(f"{key} is missing")
    return words


def _name(given: Part, key: str) -> str:
    """Return words that only name something: "" where they cannot be read."""
    value = given.get(key)
    return value if isinstance(value, str) else ""
