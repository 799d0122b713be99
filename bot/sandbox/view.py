"""The sandbox page's view of chats: bubbles, preview lines, words and addresses.

Guarantees:
- A message's text becomes safe HTML or is escaped.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qs, urlencode

from markupsafe import Markup, escape

from bot.sandbox.chats import ChatEntry, merge_edits, on_zalo
from bot.sandbox.markup import preview_line, safe_html, split_text, wall_time
from bot.sandbox.mornings import ReminderTally
from data.clock import civil_date
from jobs.channel import Button
from jobs.rendering.dates import long_date, short_date

_ZALO_LONGEST = 2000
_KIND = re.compile(
    r"^(Nhóm\s+(?=Sở|UBND|Ban))?(Sở|UBND|Lãnh đạo|Ban|Hội)\s+(xã |phường |huyện |thị xã |thành phố )?"
)


@dataclass(frozen=True, slots=True)
class PageAddress:
    """The page's address: the province shown, the open chat, the view, the search.

    speaker: index of the chosen speaker. reply_to: the message being answered.
    """

    province: str | None = None
    chat_id: int | None = None
    zalo: bool = False
    words: str = ""
    speaker: int = 0
    reply_to: str | None = None

    @classmethod
    def of(cls, query: str) -> PageAddress:
        """Parse an address's query; unknown parts are ignored."""
        given = {name: values[0] for name, values in parse_qs(query).items()}
        return cls(
            province=given.get("tinh"),
            chat_id=parse_id(given.get("chat", "")),
            zalo=given.get("xem") == "zalo",
            words=given.get("tim", "")[:100],
            speaker=parse_id(given.get("la", "")) or 0,
            reply_to=given.get("dap", "")[:64] or None,
        )

    def query(self, **changes: object) -> str:
        """Return the query of this address, with changes; None leaves a part out.

        Another chat starts without a chosen speaker or an answered message.
        """
        same = "chat" not in changes
        parts: dict[str, object] = {
            "tinh": self.province,
            "chat": self.chat_id,
            "xem": "zalo" if self.zalo else None,
            "la": (self.speaker or None) if same else None,
            "dap": self.reply_to if same else None,
        }
        parts.update(changes)
        return urlencode({name: value for name, value in parts.items() if value is not None})

    def href(self, **changes: object) -> str:
        """Return the link to this address, with changes."""
        return f"/?{self.query(**changes)}"


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A picture or file of a message of the bot.

    words: a file's name and size. width, height: a picture's, to reserve its place while it loads.
    """

    words: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message as the page shows it."""

    mine: bool
    text: Markup
    time: str
    day: str | None = None  # on the first message of a day
    remote_id: str = ""
    buttons: Sequence[Sequence[Button]] = ()
    note: str = ""
    fresh: bool = False  # the first unread one: the page scrolls to it
    speaker: str = ""
    answers: str = ""  # the start of the message it replies to
    file: str = ""
    picture: AttachedFile | None = None  # the page fetches both by the message's id
    document: AttachedFile | None = None
    left: str = ""  # "gone" or "back": the person blocked or unblocked the bot


def telegram_bubbles(lines: list[ChatEntry], *, seen: int) -> list[Bubble]:
    """Return a chat as Telegram shows it: edits in place, buttons under the messages.

    seen: how many of the lines were shown before.
    """
    edited = {line.remote_id for line in lines if _is_edit(line)}
    fresh = next((line.remote_id for line in lines[seen:] if not _is_edit(line)), None)
    shown = merge_edits(lines)
    began = {line.remote_id: _beginning(line) for line in shown}
    return [
        Bubble(
            mine=line.sent is None,
            text=_text(line),
            time=wall_time(line.at),
            day=day,
            remote_id=line.remote_id,
            buttons=line.sent.buttons if line.sent is not None else (),
            note="đã sửa" if line.remote_id in edited else "",
            fresh=line.remote_id == fresh,
            speaker=line.speaker,
            answers=began.get(line.reply_to or "", ""),
            file=_file(line),
            picture=_picture(line),
            document=_document(line),
            left=line.left,
        )
        for line, day in _with_days(shown)
    ]


def zalo_bubbles(lines: list[ChatEntry], *, seen: int) -> list[Bubble]:
    """Return a chat as Zalo shows it: every edit a new message, plain text, no buttons.

    Pictures and files of the bot are left out, as Zalo takes no uploads.
    """
    return [
        Bubble(
            mine=line.sent is None,
            text=escape(piece),
            time=wall_time(line.at),
            day=day if index == 0 else None,
            fresh=index == 0 and number == seen,
            speaker=line.speaker,
            file=_file(line) if index == 0 else "",
            left=line.left,
        )
        for number, (line, day) in enumerate(_with_days(lines))
        for index, piece in enumerate(list(split_text(on_zalo(line), _ZALO_LONGEST)) or [""])
    ]


def format_tallies(morning: ReminderTally, total: ReminderTally) -> str:
    """Say how many messages were sent this morning, and since the start where that is more."""
    if not morning.messages:
        today = "Sáng nay chưa đến mốc nhắc nào"
    else:
        today = f"Sáng nay {morning.messages} tin tới {morning.agencies} cơ quan"
    return today if total == morning else f"{today} · tổng {total.messages} tin"


def last_message_line(lines: list[ChatEntry]) -> str:
    """Return a chat's last message as one line, or ""."""
    line = next((line for line in reversed(lines) if not line.left), None)
    if line is None:
        return ""
    if line.sent is None:
        words = [_file(line), preview_line(line.typed, is_html=False)]
        return f"Bạn: {' · '.join(part for part in words if part)}"
    return _beginning(line)


def file_size(count: int) -> str:
    """Return a count of bytes in words: "12 KB", "3,4 MB"."""
    if count < 1024 * 1024:
        return f"{max(1, round(count / 1024))} KB"
    return f"{count / 1024 / 1024:.1f} MB".replace(".", ",")


def last_time(lines: list[ChatEntry], today: date) -> str:
    """Return the time of a chat's last message: the hour if it came today, else the date."""
    if not lines:
        return ""
    day = civil_date(lines[-1].at)
    return wall_time(lines[-1].at) if day == today else short_date(day)


def initials(name: str) -> str:
    """Return the two letters in a chat's circle, from an agency's own name without its kind."""
    words = (_KIND.sub("", name) or name).split()
    return "".join(word[0] for word in words[:2] if word[0].isalpha()).upper()


def badge(count: int) -> str:
    """Return a count for a small circle; "" for none."""
    return "" if count == 0 else str(count) if count < 100 else "99+"


def parse_id(text: str) -> int | None:
    """Return the id that a text is, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _text(line: ChatEntry) -> Markup:
    if line.sent is None:
        return escape(line.typed)
    return escape(line.sent.text) if line.sent.plain else safe_html(line.sent.text)


def _beginning(line: ChatEntry) -> str:
    if line.sent is None:
        return preview_line(line.typed, is_html=False)
    return preview_line(line.sent.text, is_html=not line.sent.plain)


def _file(line: ChatEntry) -> str:
    return "" if line.file is None else f"{line.file[0] or 'tệp'} ({file_size(line.file[1])})"


def _picture(line: ChatEntry) -> AttachedFile | None:
    """Return the size of a message's picture, from the first 24 bytes of its PNG (RFC 2083, 4.1.1)."""
    if line.sent is None or line.sent.picture is None:
        return None
    width, height = struct.unpack(">II", line.sent.picture[16:24])
    return AttachedFile(width=width, height=height)


def _document(line: ChatEntry) -> AttachedFile | None:
    if line.sent is None or line.sent.document is None:
        return None
    document = line.sent.document
    return AttachedFile(f"{document.name} ({file_size(len(document.content))})")


def _is_edit(line: ChatEntry) -> bool:
    return line.sent is not None and line.sent.edits is not None


def _with_days(lines: list[ChatEntry]) -> list[tuple[ChatEntry, str | None]]:
    days = [civil_date(line.at) for line in lines]
    return [
        (line, long_date(day) if index == 0 or day != days[index - 1] else None)
        for index, (line, day) in enumerate(zip(lines, days, strict=True))
    ]
