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

    label: the short name of the agency that handles the work, with "(nhận từ …)" where it took it over. An
    owner that ended without a successor is marked "(đã giải thể, chưa phân công)": it does not fail to
    answer. position: in the official order. holder_id: the owner itself where has_holder is false.
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
            select(Agency.id, Agency.code, Agency.name, Agency.short, Agency.position).where(
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

    def code(self, agency_id: int) -> str:
        """Return an agency's code."""
        return str(self._by_id[agency_id].code)

    def id_of(self, code: str | None) -> int | None:
        """Return an agency's id by its code; None for an unknown one."""
        row = self._by_code.get(code) if code is not None else None
        return None if row is None else int(row.id)

    def short(self, agency_id: int) -> str:
        """Return an agency's short name."""
        return str(self._by_id[agency_id].short)

    def in_order(self, agency_ids: Collection[int]) -> list[int]:
        """Return agency ids in the official order."""
        return sorted(agency_ids, key=lambda key: (self._by_id[key].position, key))

    def _make_label(self, agency_id: int, kind: str) -> OwnerLabel:
        owner = self._by_id[agency_id]
        holder = self._by_code.get(self._holders.holder(owner.code, kind) or "")
        if holder is None:
            label = f"{owner.short} (đã giải thể, chưa phân công)"
            return OwnerLabel(label, owner.position, owner.id, False)
        if holder.id == owner.id:
            return OwnerLabel(owner.short, owner.position, owner.id, True)
        label = f"{holder.short} (nhận từ {owner.short})"
        return OwnerLabel(label, holder.position, holder.id, True)
