"""The sandbox page's list of chats: provinces, rows, unread counts, and the head of the open chat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.sandbox.people import SandboxChat
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.view import PageAddress, badge, initials, last_message_line, last_time
from data.text import fold

Row = dict[str, object]

_PART_WORDS = {
    "coordinator": "theo dõi",
    "leader": "lãnh đạo",
    "focal": "",
    "group": "nhóm",
    "stranger": "người lạ",
}
_SUBTITLES = {
    "coordinator": "Cơ quan theo dõi kế hoạch",
    "leader": "Lãnh đạo, có quyền quyết định",
    "focal": "Đầu mối của cơ quan",
    "group": "Nhóm chat của cơ quan",
    "stranger": "Chưa đăng ký, vào bằng mã mời",
}
_NOT_ENROLLED = "Nhóm chưa đăng ký, vào bằng mã mời"


class ChatList:
    """The list of one sandbox; seen: how many lines of each chat the page has shown."""

    def __init__(self, sandbox: Sandbox, seen: Mapping[int, int]) -> None:
        self._sandbox = sandbox
        self._seen = seen

    def province(self, wanted: str | None) -> str | None:
        """Return the province to show: the wanted one, else the one with most messages."""
        messages = {code: 0 for code, _name in self._sandbox.provinces}
        if wanted in messages:
            return wanted
        for chat in self._sandbox.chats.values():
            messages[chat.province] += len(self._sandbox.lines(chat))
        return max(messages, key=lambda code: messages[code], default=None)

    def choose_chat(self, chats: list[SandboxChat]) -> SandboxChat | None:
        """Return the chat to open first: a coordinator's with messages, else one with messages."""
        return max(
            chats,
            key=lambda chat: (bool(self._sandbox.lines(chat)), chat.part == "coordinator"),
            default=None,
        )

    def provinces(self, here: PageAddress) -> list[Row]:
        """Return the provinces, each with its unread count."""
        unread = {code: 0 for code, _name in self._sandbox.provinces}
        for chat in self._sandbox.chats.values():
            unread[chat.province] += self._unread(chat)
        return [
            {
                "name": name,
                "href": here.href(tinh=code, chat=None),
                "chosen": code == here.province,
                "unread": badge(unread[code]),
            }
            for code, name in self._sandbox.provinces
        ]

    def groups(
        self, chats: list[SandboxChat], here: PageAddress, shown: SandboxChat | None, today: date
    ) -> list[Row]:
        """Return the rows that match the search, under their titles."""
        wanted = fold(here.words).split()
        leading: list[Row] = []
        others: list[Row] = []
        with_messages: list[Row] = []
        without: list[Row] = []
        for chat in chats:
            if not all(word in chat.folded for word in wanted):
                continue
            row = self._row(chat, here, chat == shown, today)
            if chat.part in ("coordinator", "leader"):
                leading.append(row)
            elif chat.part in ("group", "stranger"):
                others.append(row)
            else:
                (with_messages if row["last"] else without).append(row)
        titled = (
            ("Theo dõi và lãnh đạo", leading),
            ("Nhóm chat và người lạ", others),
            ("Cơ quan có tin", with_messages),
            ("Cơ quan chưa có tin", without),
        )
        return [{"title": title, "rows": rows} for title, rows in titled if rows]

    def head(self, chat: SandboxChat) -> Row:
        """Return the head of an open chat."""
        enrolled = chat.part != "group" or chat.agency is not None
        subtitle = _SUBTITLES[chat.part] if enrolled else _NOT_ENROLLED
        return {
            "id": chat.id,
            "name": chat.name,
            "part": chat.part,
            "is_group": chat.kind == "group",
            "initials": initials(chat.name),
            "subtitle": f"{subtitle} · {dict(self._sandbox.provinces)[chat.province]}",
            "shut": self._sandbox.is_shut(chat),
        }

    def _unread(self, chat: SandboxChat) -> int:
        fresh = self._sandbox.lines(chat)[self._seen.get(chat.id, 0) :]
        return sum(1 for line in fresh if line.sent is not None)

    def _row(self, chat: SandboxChat, here: PageAddress, chosen: bool, today: date) -> Row:
        lines = self._sandbox.lines(chat)
        return {
            "name": chat.name,
            "part": chat.part,
            "part_words": _PART_WORDS[chat.part],
            "initials": initials(chat.name),
            "folded": chat.folded,
            "href": here.href(chat=chat.id),
            "chosen": chosen,
            "when": last_time(lines, today),
            "last": last_message_line(lines),
            "unread": badge(self._unread(chat)),
        }
