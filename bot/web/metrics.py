"""The service's figures in Prometheus' format, counted from the database at each request.

Guarantees: numbers labelled by messenger, bot id and province; no words of people, no token, no name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from data.clock import civil_date
from data.db.database import Database
from data.db.upgrade import current_revision
from data.figures.metrics import AccountGauges, Gauges, load_gauges
from data.registry.workdays import Workdays
from jobs.channel import Capabilities
from jobs.delivery.usage import accounts_in_use

_ACCOUNT = ("channel", "account")

Sample = tuple[tuple[str, ...], float]


async def render_metrics(
    database: Database,
    capabilities: Mapping[int, Capabilities],
    *,
    now: datetime,
    workdays: Workdays,
) -> bytes:
    """Return every figure as of an instant; capabilities: of every open account, for its caps."""
    today = civil_date(now)
    async with database.read() as connection:
        found = await load_gauges(connection, now=now, today=today, workdays=workdays)
        used = await accounts_in_use(
            connection, lambda use: capabilities.get(use.account_id), today=today
        )
        revision = await current_revision(connection) or ""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_MetricsCollector(found, {use["id"]: use for use in used}, revision))
    return generate_latest(registry)


class _MetricsCollector(Collector):
    """The figures, in the shape that the library's writer takes."""

    def __init__(self, found: Gauges, used: Mapping[int, Mapping[str, Any]], revision: str) -> None:
        self._found, self._used, self._revision = found, used, revision

    def collect(self) -> Iterator[Metric]:
        yield _gauge(
            "nhacviec_build_info",
            "The program's version and the schema's revision.",
            ("version", "schema"),
            [((_version(), self._revision), 1)],
        )
        yield from self._of_accounts()
        yield from self._of_provinces()

    def _of_accounts(self) -> Iterator[Metric]:
        accounts = self._found.accounts
        sent = CounterMetricFamily(
            "nhacviec_account_messages_sent",
            "Messages that the platform took; begins anew with each month.",
            labels=_ACCOUNT,
        )
        for account in accounts:
            sent.add_metric(
                _account_labels(account), self._used[account.account_id]["messages"]["sent"]
            )
        yield sent
        for name, help_, attribute in (
            ("stopped", "1 while nothing can be sent from the account.", "stopped"),
            ("owned", "1 while a living process has the account.", "owned"),
            ("messages_waiting", "Messages that wait to be sent.", "waiting"),
            (
                "oldest_due_seconds",
                "For how long the oldest message due by now waits.",
                "oldest_due_seconds",
            ),
            ("inbox_new", "Updates that were not handled yet.", "inbox_new"),
            ("inbox_parked", "Updates that could not be handled.", "inbox_parked"),
        ):
            yield _gauge(
                f"nhacviec_account_{name}",
                help_,
                _ACCOUNT,
                [
                    (_account_labels(account), float(getattr(account, attribute)))
                    for account in accounts
                ],
            )
        yield _gauge(
            "nhacviec_account_messages_parked",
            "Messages that will not be sent again: refused, or of unknown outcome.",
            (*_ACCOUNT, "state"),
            [
                ((*_account_labels(account), state), getattr(account, state))
                for account in accounts
                for state in ("failed", "uncertain")
            ],
        )
        yield from self._of_caps()

    def _of_caps(self) -> Iterator[Metric]:
        uses = [
            (_account_labels(account), self._used[account.account_id])
            for account in self._found.accounts
        ]
        yield _gauge(
            "nhacviec_account_people",
            "People linked to the account.",
            _ACCOUNT,
            [(labels, use["people"]["used"]) for labels, use in uses],
        )
        yield _gauge(
            "nhacviec_account_month_messages",
            "Messages since the 1st of the month; received ones where a month has a cap.",
            (*_ACCOUNT, "direction"),
            [
                ((*labels, direction), use["messages"][direction])
                for labels, use in uses
                for direction in ("sent", "received")
            ],
        )
        for name, help_, kind in (
            ("people_cap", "People whom the platform serves.", "people"),
            ("month_messages_cap", "Messages a month that the platform allows.", "messages"),
        ):
            yield _gauge(
                f"nhacviec_account_{name}",
                help_,
                _ACCOUNT,
                [
                    (labels, use[kind]["cap"])
                    for labels, use in uses
                    if use[kind]["cap"] is not None
                ],
            )

    def _of_provinces(self) -> Iterator[Metric]:
        yield _gauge(
            "nhacviec_obligations",
            "What is owed: open, late (of the open), handed in and not confirmed yet.",
            ("province", "state"),
            [
                ((province, state), getattr(one, state))
                for province, one in self._found.provinces.items()
                for state in ("open", "late", "submitted")
            ],
        )
        yield _gauge(
            "nhacviec_morning_last_run_timestamp_seconds",
            "When a province's last morning was composed.",
            ("province",),
            [
                ((province,), one.morning_at.timestamp())
                for province, one in self._found.provinces.items()
                if one.morning_at is not None
            ],
        )


def _account_labels(account: AccountGauges) -> tuple[str, str]:
    return account.channel, account.name


def _gauge(name: str, help_: str, labels: Iterable[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=tuple(labels))
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _version() -> str:
    try:
        return version("nhacviec")
    except PackageNotFoundError:  # run from a folder of files
        return ""
