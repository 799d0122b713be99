"""Columns and pages of an export: what each column selects, and how a page streams its rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Obligation, Person, Plan
from data.registry.registry import Registry

_ROWS_AHEAD = 1000


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """One column: key for programs, heading for people, width in characters, SQL of its value.

    labels: the words for codes, in workbooks only. read: computes the value where there is no SQL for it.
    """

    key: str
    heading: str
    width: int
    sql: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[Any], Any] | None = None


PLAN_COLUMN = ExportColumn("plan", "Kế hoạch", 20, Plan.code)
PERSON_COLUMN = ExportColumn("person", "Người", 20, Person.name)
AGENCY_CODE_COLUMN = ExportColumn("agency_code", "Mã cơ quan", 14, Agency.code)
AGENCY_COLUMN = ExportColumn("agency", "Cơ quan", 32, Agency.name)
# The number joins the pages to each other.
OBLIGATION_COLUMNS = (
    ExportColumn("obligation", "Số nhiệm vụ", 10, Obligation.id),
    PLAN_COLUMN,
    ExportColumn("code", "Mã", 10, Obligation.code),
    ExportColumn("period", "Kỳ", 10, Obligation.period),
    AGENCY_CODE_COLUMN,
    AGENCY_COLUMN,
)


@dataclass(frozen=True, slots=True)
class ExportScope:
    """The selection to export: everything, one province or one plan; registry: as loaded."""

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
    complete: Callable[[Select[Any]], Select[Any]],
    *,
    where: Callable[[ExportScope], ColumnElement[bool]] = ExportScope.plans,
    source: Callable[[ExportScope, Any], Any] | None = None,
    source_columns: tuple[Any, ...] = (),
) -> ExportPage:
    """Return a page whose columns one statement selects, labelled by their keys.

    complete: adds FROM, joins and order to the SELECT. source: makes of a row the object that the columns'
    `read` takes; source_columns: selected besides, for it alone.
    """
    labelled = [column.sql.label(column.key) for column in columns if column.read is None]
    statement = complete(select(*labelled, *source_columns))

    async def rows(scope: ExportScope) -> ExportRows:
        result = await scope.connection.stream(
            statement.where(where(scope)), execution_options={"yield_per": _ROWS_AHEAD}
        )
        async for partition in result.partitions():  # a row at a time costs more than the row
            for row in partition:
                if source is None:
                    yield row
                    continue
                selected, origin = iter(row), source(scope, row)
                yield [
                    next(selected) if column.read is None else column.read(origin)
                    for column in columns
                ]

    return ExportPage(key, title, columns, rows)


def make_registry_page(
    key: str,
    title: str,
    columns: tuple[ExportColumn, ...],
    entries: Callable[[ExportScope], Iterable[Any]],
) -> ExportPage:
    """Return a page whose columns read the registry's entries."""

    async def rows(scope: ExportScope) -> ExportRows:
        for entry in entries(scope):
            yield [column.read(entry) for column in columns if column.read is not None]

    return ExportPage(key, title, columns, rows)


def join_obligation(
    query: Select[Any], table: Any = None, agency_id: Any = Obligation.agency_id
) -> Select[Any]:
    """Return the SELECT from obligations, with the tables of OBLIGATION_COLUMNS joined.

    table: one whose rows belong to obligations; agency_id: the agency that a row names.
    """
    query = query.select_from(Obligation).join(Plan, Plan.id == Obligation.plan_id)
    if table is not None:
        query = query.join(table, table.obligation_id == Obligation.id)
    return query.join(Agency, Agency.id == agency_id)
