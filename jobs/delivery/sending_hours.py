"""Sending hours of broadcasts: 07:00 to 17:30 on working days. Answers and notices go at any hour."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from data.clock import civil_date, civil_time, instant_at
from data.registry.workdays import Workdays

SENDING_FROM = time(7, 0)
SENDING_UNTIL = time(17, 30)


def is_within_sending_hours(now: datetime, workdays: Workdays) -> bool:
    """Tell whether broadcasts may be sent now."""
    return next_sending_at(now, workdays) == now


def next_sending_at(now: datetime, workdays: Workdays) -> datetime:
    """Return `now` within sending hours, else the instant at which they begin next."""
    today, wall = civil_date(now), civil_time(now)
    if workdays.is_working(today):
        if SENDING_FROM <= wall <= SENDING_UNTIL:
            return now
        if wall < SENDING_FROM:
            return instant_at(today, SENDING_FROM)
    return instant_at(workdays.on_or_after(today + timedelta(days=1)), SENDING_FROM)
