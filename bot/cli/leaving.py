"""Who is to leave by `nhacviec people remove`: told before it is asked, and ended as it was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.cli.database import open_for_reading, open_for_writing
from bot.cli.options import LONGEST_NUMBER
from bot.cli.output import CommandFailed
from bot.config import Settings
from data.clock import SystemClock, civil_date
from data.contacts import people
from data.privacy import removal
from data.sheets.labels import ROLE_LABELS

GROUP_MARK = "g"  # "g5" is the group in chat 5; a bare number is a person


@dataclass(frozen=True, slots=True)
class Leaving:
    """A person or group that is to go: its living enrolments, and the agencies that nobody then answers for."""

    who: str
    name: str
    enrolments: Sequence[Any]
    left_alone: Sequence[str]


async def load_leaving(settings: Settings, who: str) -> Leaving:
    """Return who is meant by a number of «people list»; raises CommandFailed for nobody."""
    is_group, number = _read_who(who)
    today = civil_date(await SystemClock().now())
    async with open_for_reading(settings) as database, database.read() as connection:
        every = await people.list_enrolled(connection, today=today)
    own = [row for row in every if _is_held_by(row, number, is_group=is_group)]
    if not own:
        raise CommandFailed(f"{who} không giữ vai trò nào. Hãy xem «nhacviec people list».")
    rest = {(row.province, row.agency) for row in every if row not in own}
    places = dict.fromkeys((row.province, row.agency) for row in own)
    alone = [agency for province, agency in places if (province, agency) not in rest]
    return Leaving(who, (own[0].title if is_group else own[0].name) or "không có tên", own, alone)


def describe_leaving(leaving: Leaving) -> str:
    """Return what ends, and which agencies nobody then answers for."""
    roles = "; ".join(f"{ROLE_LABELS[row.role]} của {row.agency}" for row in leaving.enrolments)
    words = (
        f"{leaving.who} ({leaving.name}) sẽ kết thúc {len(leaving.enrolments)} vai trò: {roles}."
        " Câu trả lời đã ghi giữ nguyên; tin đang chờ gửi và vai trò đã chuyển cho người khác"
        " không còn hiệu lực."
    )
    if leaving.left_alone:
        words += f"\nSau đó không còn ai nhận tin của: {', '.join(leaving.left_alone)}."
    return words


def _read_who(who: str) -> tuple[bool, int]:
    """Return whether a group is meant, and its number."""
    written = who.strip().lower()
    number = written.removeprefix(GROUP_MARK)
    if not number.isascii() or not number.isdecimal() or len(number) > LONGEST_NUMBER:
        raise CommandFailed(
            f"«{who}» không phải số người (12) hay số nhóm (g5). Hãy xem «nhacviec people list»."
        )
    return written.startswith(GROUP_MARK), int(number)


def _is_held_by(row: Any, number: int, *, is_group: bool) -> bool:
    if is_group:
        return row.person_id is None and bool(row.chat_id == number)
    return bool(row.person_id == number)


async def remove_leaving(settings: Settings, leaving: Leaving) -> int:
    """End what was shown, and nothing else; returns the number of enrolments."""
    is_group, number = _read_who(leaving.who)
    now = await SystemClock().now()
    async with open_for_writing(settings) as database, database.write() as connection:
        remove = removal.remove_group if is_group else removal.remove_person
        ended = await remove(connection, number, now=now)
        if ended != len(leaving.enrolments):
            raise CommandFailed(
                "Dữ liệu vừa đổi trong lúc xem; chưa thay đổi gì. Hãy chạy lại lệnh này."
            )
    return ended
