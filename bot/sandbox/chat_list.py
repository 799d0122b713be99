"""The sandbox page's list of chats: provinces, rows, what is unread, and the head of the open chat.

Promises to read the sandbox and change nothing.
"""

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
_NOT_LET_IN = "Nhóm chưa đăng ký, vào bằng mã mời"


class ChatList:
    """The list over one sandbox; seen: how many lines of each chat were looked at."""

    def __init__(self, sandbox: Sandbox, seen: Mapping[int, int]) -> None:
        self._sandbox = sandbox
        self._seen = seen

    def province(self, wanted: str | None) -> str | None:
        """Return the province to show: the one wanted, else the one with most messages."""
        waiting = {code: 0 for code, _name in self._sandbox.provinces}
        if wanted in waiting:
            return wanted
        for chat in self._sandbox.chats.values():
            waiting[chat.province] += len(self._sandbox.lines(chat))
        return max(waiting, key=lambda code: waiting[code], default=None)

    def choose_chat(self, chats: list[SandboxChat]) -> SandboxChat | None:
        """Return the chat worth seeing first: a coordinator's with messages, else one with messages."""
        return max(
            chats,
            key=lambda chat: (bool(self._sandbox.lines(chat)), chat.part == "coordinator"),
            default=None,
        )

    def provinces(self, here: PageAddress) -> list[Row]:
        """Return the provinces with what is unread in each."""
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
        """Return the rows that the search leaves, under their titles: who steers, then who is told."""
        wanted = fold(here.words).split()
        above: list[Row] = []
        others: list[Row] = []
        told: list[Row] = []
        silent: list[Row] = []
        for chat in chats:
            if not all(word in chat.folded for word in wanted):
                continue
            row = self._row(chat, here, chat == shown, today)
            if chat.part in ("coordinator", "leader"):
                above.append(row)
            elif chat.part in ("group", "stranger"):
                others.append(row)
            else:
                (told if row["last"] else silent).append(row)
        titled = (
            ("Theo dõi và lãnh đạo", above),
            ("Nhóm chat và người lạ", others),
            ("Cơ quan có tin", told),
            ("Cơ quan chưa có tin", silent),
        )
        return [{"title": title, "rows": rows} for title, rows in titled if rows]

    def head(self, chat: SandboxChat) -> Row:
        """Return what stands above an open chat."""
        let_in = chat.part != "group" or chat.agency is not None
        subtitle = _SUBTITLES[chat.part] if let_in else _NOT_LET_IN
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
