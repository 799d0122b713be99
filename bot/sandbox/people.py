"""The sandbox's chats of each province and their speakers, one for each way the bot treats people.

Coordinators, leaders, every agency's focal point, an agency's group with an unknown member, a group
that is not enrolled, and strangers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from data.contacts.enrolments import Role
from data.registry.province import Province, is_alive
from data.registry.schema import AgencyEntry
from data.text import fold

SandboxPart = Literal["coordinator", "leader", "focal", "group", "stranger"]
_STRANGERS = ("Người lạ thứ nhất", "Người lạ thứ hai")  # one to be locked out, one to be enrolled
_PERSONS: dict[Role, str] = {
    "coordinator": "Cán bộ theo dõi",
    "leader": "Lãnh đạo",
    "focal": "Đầu mối",
}
_NEW_GROUP = "Nhóm mới, chưa kết nối"
_UNKNOWN = "Người chưa đăng ký"


@dataclass(frozen=True, slots=True)
class Speaker:
    """One person in a chat: sender id and name."""

    sender: str
    name: str


@dataclass(frozen=True, slots=True)
class SandboxChat:
    """One chat of the sandbox.

    agency: the code of the agency it is enrolled for; None: not enrolled. speakers: one in a private chat;
    in a group the enrolled person first.
    """

    address: str
    province: str
    name: str
    part: SandboxPart
    kind: Literal["private", "group"]
    speakers: tuple[Speaker, ...]
    agency: str | None = None
    folded: str = ""  # for the search box
    id: int = 0

    @property
    def role(self) -> Role | None:
        """Return the role it is enrolled in; None: not enrolled."""
        if self.agency is None:
            return None
        return self.part if self.part in ("coordinator", "leader") else "focal"


def build_chats(
    province: Province, coordinating: Collection[str], *, today: date
) -> list[SandboxChat]:
    """Return a province's chats as they are listed.

    Each coordinating agency's coordinator, a leader who may decide, the groups and strangers, then the
    focal point of every agency that lives today, in the official order.
    """
    living = [agency for agency in province.file.agencies if is_alive(agency, today)]
    leading = next((agency for agency in living if agency.kind == "committee"), None)
    above = [_enrolled(province, a, "coordinator") for a in living if a.code in coordinating]
    if leading is not None:
        above.append(_enrolled(province, leading, "leader"))
    focal = [_enrolled(province, agency, "focal") for agency in living]
    return [*above, *_groups(province, focal, living, coordinating), *_strangers(province), *focal]


def _enrolled(province: Province, agency: AgencyEntry, role: Role) -> SandboxChat:
    name = f"Lãnh đạo {agency.short or agency.name}" if role == "leader" else agency.name
    address = f"{province.code}/{agency.code}/{role}"
    return SandboxChat(
        address=address,
        province=province.code,
        name=name,
        part=role,
        kind="private",
        speakers=(Speaker(address, _PERSONS[role]),),
        agency=agency.code,
        folded=fold(f"{name} {province.searchable(agency.code)}"),
    )


def _groups(
    province: Province,
    focal: list[SandboxChat],
    living: list[AgencyEntry],
    coordinating: Collection[str],
) -> list[SandboxChat]:
    """Return the group of the first department that steers nothing, and a group not let in yet."""
    departments = {
        agency.code
        for agency in living
        if agency.kind == "department" and agency.code not in coordinating
    }
    own = next((chat for chat in focal if chat.agency in departments), None)
    if own is None:
        return []
    known = Speaker(own.speakers[0].sender, f"Đầu mối {own.name}")
    unknown = Speaker(f"{province.code}/nguoi-chua-dang-ky", _UNKNOWN)
    name = f"Nhóm {own.name}"
    group = replace(
        own,
        address=f"{province.code}/{own.agency}/nhom",
        name=name,
        part="group",
        kind="group",
        speakers=(known, unknown),
        folded=fold(f"{name} {own.folded}"),
    )
    fresh = replace(
        group,
        address=f"{province.code}/nhom-moi",
        name=_NEW_GROUP,
        agency=None,
        folded=fold(_NEW_GROUP),
    )
    return [group, fresh]


def _strangers(province: Province) -> list[SandboxChat]:
    return [
        SandboxChat(
            address=f"{province.code}/nguoi-la-{number}",
            province=province.code,
            name=name,
            part="stranger",
            kind="private",
            speakers=(Speaker(f"{province.code}/nguoi-la-{number}", name),),
            folded=fold(name),
        )
        for number, name in enumerate(_STRANGERS, 1)
    ]
