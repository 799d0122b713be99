"""Agency names as a report prints them: the agency that handles the work, and the one it took it over from."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency
from data.registry.province import Province
from data.rules.holders import Holders


@dataclass(frozen=True, slots=True)
class OwnerLabel:
    """An owner of an obligation as a report prints it.

    label: the name of the agency that handles the work, with whose work it took over. An owner that ended
    without one successor is marked so: it does not fail to answer. position: in the official order.
    holder_id: the owner itself where has_holder is false.
    """

    label: str
    position: int
    holder_id: int
    has_holder: bool


class AgencyNames:
    """The agencies of one province as of a day, by id; read once."""

    def __init__(self, rows: Iterable[Any], holders: Holders) -> None:
        self._by_id = {row.id: row for row in rows}
        self._by_code = {row.code: row for row in self._by_id.values()}
        self._holders = holders
        self._labels: dict[tuple[int, str], OwnerLabel] = {}

    @classmethod
    async def load(
        cls, connection: AsyncConnection, province: Province, *, on: date
    ) -> AgencyNames:
        """Read the names of a province's agencies."""
        rows = await connection.execute(
            select(Agency.id, Agency.code, Agency.name, Agency.position).where(
                Agency.province == province.code
            )
        )
        return cls(rows, Holders(province, on=on))

    def owner_label(self, agency_id: int, kind: str) -> OwnerLabel:
        """Return the label of the owner of an obligation of a kind."""
        label = self._labels.get((agency_id, kind))
        if label is None:
            label = self._labels[agency_id, kind] = self._make_label(agency_id, kind)
        return label

    @property
    def ids(self) -> list[int]:
        """Return the ids of all agencies."""
        return list(self._by_id)

    def name(self, agency_id: int) -> str:
        """Return an agency's full name."""
        return str(self._by_id[agency_id].name)

    def printed(self, agency_id: int) -> str:
        """Return an agency's name as running text has it: "UBND xã …", else in full."""
        return _printed(self._by_id[agency_id])

    def code(self, agency_id: int) -> str:
        """Return an agency's code."""
        return str(self._by_id[agency_id].code)

    def id_of(self, code: str | None) -> int | None:
        """Return an agency's id by its code; None for an unknown one."""
        row = self._by_code.get(code) if code is not None else None
        return None if row is None else int(row.id)

    def in_order(self, agency_ids: Collection[int]) -> list[int]:
        """Return agency ids in the official order."""
        return sorted(agency_ids, key=lambda key: (self._by_id[key].position, key))

    def _make_label(self, agency_id: int, kind: str) -> OwnerLabel:
        owner = self._by_id[agency_id]
        holder = self._by_code.get(self._holders.holder(owner.code, kind) or "")
        if holder is None:
            label = f"{_printed(owner)} (đã kết thúc hoạt động, chưa xác định cơ quan tiếp nhận)"
            return OwnerLabel(label, owner.position, owner.id, False)
        if holder.id == owner.id:
            return OwnerLabel(_printed(owner), owner.position, owner.id, True)
        label = f"{_printed(holder)} (tiếp nhận nhiệm vụ của {_printed(owner)})"
        return OwnerLabel(label, holder.position, holder.id, True)


def _printed(row: Any) -> str:
    return str(row.name).replace("Ủy ban nhân dân", "UBND")
