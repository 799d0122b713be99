"""What an export is made of: pages with their columns, each a stream of rows.

Promises that a page's rows come one after another and are never held together, that one transaction
sees them all, and that keys (for programs) and headings (for people) stand side by side. Knows of no
form of file; see export_files.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, and_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Obligation, Plan
from data.registry.registry import Registry

_AT_ONCE = 1000  # rows read ahead


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its key, its heading, its width in characters, and words for codes people do not read."""

    key: str
    heading: str
    width: int = 14
    words: Mapping[str, str] = field(default_factory=dict)


PLAN = Field("plan", "Kế hoạch", 20)
PERSON = Field("person", "Người", 20)
# What a row is about; the number joins the pages to each other.
ABOUT = (
    Field("obligation", "Số việc", 10),
    PLAN,
    Field("code", "Mã", 10),
    Field("period", "Kỳ", 10),
    Field("agency_code", "Mã cơ quan"),
    Field("agency", "Cơ quan", 32),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is exported: everything, one province or one plan; registry: as loaded."""

    connection: AsyncConnection
    registry: Registry
    province: str | None = None
    plan: str | None = None

    def plans(self) -> ColumnElement[bool]:
        """Return the condition on Plan that it is exported."""
        conditions: list[ColumnElement[bool]] = [true()]
        if self.province is not None:
            conditions.append(Plan.province == self.province)
        if self.plan is not None:
            conditions.append(Plan.code == self.plan)
        return and_(*conditions)

    def agencies(self) -> ColumnElement[bool]:
        """Return the condition on Agency that its province is exported."""
        province = self.home
        return true() if province is None else Agency.province == province

    @property
    def home(self) -> str | None:
        """Return the one province that is exported; None: all."""
        if self.plan is not None and self.plan in self.registry.plans:
            return self.registry.plans[self.plan].province
        return self.province


Rows = AsyncIterator[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an export: rows have a value for each column, in their order."""

    key: str
    title: str
    columns: tuple[Field, ...]
    rows: Callable[[Scope], Rows]


def page_of(
    key: str,
    title: str,
    columns: tuple[Field, ...],
    statement: Callable[[Scope], Executable],
    shape: Callable[[Scope, Any], Sequence[Any]] | None = None,
) -> Page:
    """Return a page whose rows a statement selects, in the order of its columns, or as `shape` puts them."""

    async def rows(scope: Scope) -> Rows:
        found = await scope.connection.stream(
            statement(scope), execution_options={"yield_per": _AT_ONCE}
        )
        async for part in found.partitions():  # a row at a time costs more than the row
            for row in part:
                yield row if shape is None else shape(scope, row)

    return Page(key, title, columns, rows)


def listed(
    key: str,
    title: str,
    columns: tuple[Field, ...],
    values: Callable[[Scope], Sequence[Sequence[Any]]],
) -> Page:
    """Return a page of what stands in the registry's files alone."""

    async def rows(scope: Scope) -> Rows:
        for row in values(scope):
            yield row

    return Page(key, title, columns, rows)


def about(table: Any, agency_id: Any, *columns: Any) -> Select[Any]:
    """Return the SQL of what the rows of a table are about, and some columns of theirs.

    table: of what was said or kept of obligations, or Obligation itself.
    """
    subject = (Obligation.id, Plan.code, Obligation.code, Obligation.period)
    statement = (
        select(*subject, Agency.code, Agency.name)
        .add_columns(*columns)
        .select_from(Obligation)
        .join(Plan, Plan.id == Obligation.plan_id)
    )
    if table is not Obligation:
        statement = statement.join(table, table.obligation_id == Obligation.id)
    return statement.join(Agency, Agency.id == agency_id)
