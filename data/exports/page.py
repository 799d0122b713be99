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
class ExportColumn:
    """One column: its key, its heading, its width in characters, and words for codes people do not read."""

    key: str
    heading: str
    width: int = 14
    labels: Mapping[str, str] = field(default_factory=dict)


PLAN_COLUMN = ExportColumn("plan", "Kế hoạch", 20)
PERSON_COLUMN = ExportColumn("person", "Người", 20)
# What a row is about; the number joins the pages to each other.
OBLIGATION_COLUMNS = (
    ExportColumn("obligation", "Số việc", 10),
    PLAN_COLUMN,
    ExportColumn("code", "Mã", 10),
    ExportColumn("period", "Kỳ", 10),
    ExportColumn("agency_code", "Mã cơ quan"),
    ExportColumn("agency", "Cơ quan", 32),
)


@dataclass(frozen=True, slots=True)
class ExportScope:
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
        province = self.only_province
        return true() if province is None else Agency.province == province

    @property
    def only_province(self) -> str | None:
        """Return the one province that is exported; None: all."""
        if self.plan is not None and self.plan in self.registry.plans:
            return self.registry.plans[self.plan].province
        return self.province


ExportRows = AsyncIterator[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class ExportPage:
    """One page of an export: rows have a value for each column, in their order."""

    key: str
    title: str
    columns: tuple[ExportColumn, ...]
    rows: Callable[[ExportScope], ExportRows]


def make_query_page(
    key: str,
    title: str,
    columns: tuple[ExportColumn, ...],
    statement: Callable[[ExportScope], Executable],
    shape: Callable[[ExportScope, Any], Sequence[Any]] | None = None,
) -> ExportPage:
    """Return a page whose rows a statement selects, in the order of its columns, or as `shape` puts them."""

    async def rows(scope: ExportScope) -> ExportRows:
        found = await scope.connection.stream(
            statement(scope), execution_options={"yield_per": _AT_ONCE}
        )
        async for part in found.partitions():  # a row at a time costs more than the row
            for row in part:
                yield row if shape is None else shape(scope, row)

    return ExportPage(key, title, columns, rows)


def make_static_page(
    key: str,
    title: str,
    columns: tuple[ExportColumn, ...],
    values: Callable[[ExportScope], Sequence[Sequence[Any]]],
) -> ExportPage:
    """Return a page of what stands in the registry's files alone."""

    async def rows(scope: ExportScope) -> ExportRows:
        for row in values(scope):
            yield row

    return ExportPage(key, title, columns, rows)


def select_obligation_columns(table: Any, agency_id: Any, *columns: Any) -> Select[Any]:
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
