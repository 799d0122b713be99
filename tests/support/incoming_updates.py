"""Updates as a platform has them, for the stateful test of the inbox."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.channels.local import LocalChannel
from data.db.database import Database
from jobs.channel import RawUpdate
from tests.support.outbox_rows import account, chat

PROCESSES = (0, 1)
ADDRESSES = ("a", "b")
TEXTS = ("hỏng 0", "hỏng 0", "hỏng 1", "hỏng 2", "hỏng 9", "hỏng 9 KXQ7B-M2R4T", "TỐI MẬT", "{")


@dataclass(frozen=True)
class Sent:
    """One update as the platform has it."""

    update_id: str
    account_id: int
    address: str
    text: str

    @property
    def raw(self) -> RawUpdate:
        if self.text == "{":
            return RawUpdate(self.update_id, b'{"kind": "text"', self.address)
        given = {"update_id": self.update_id, "address": self.address, "chat_kind": "private"}
        given |= {"kind": "text", "sender": self.address, "text": self.text}
        return RawUpdate(self.update_id, json.dumps(given).encode(), self.address)

    @property
    def lane(self) -> tuple[int, str]:
        return self.account_id, self.address

    @property
    def fails(self) -> int:
        return int(self.text.split()[1])

    def is_ordinary(self) -> bool:
        return self.text.startswith("hỏng")


class Platform(LocalChannel):
    """Keeps updates until it is asked for what comes after them; gives three at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps: list[Sent] = []
        self.forgotten: set[str] = set()

    async def updates(self, offset: int | None) -> AsyncIterator[list[RawUpdate]]:
        if offset is not None:
            self.forgotten |= {one.update_id for one in self.keeps if int(one.update_id) < offset}
            self.keeps = [one for one in self.keeps if int(one.update_id) >= offset]
        if self.keeps:
            yield [one.raw for one in self.keeps[:3]]


async def seat(database: Database) -> None:
    for name in ("1", "2"):
        account_id = await account(database, "local", name)
        for address in ADDRESSES:
            await chat(database, account_id, address)
