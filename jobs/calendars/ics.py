"""Calendars as iCalendar files (RFC 5545).

Guarantees:
- An entry has one UID in all files of an installation; a moved or cancelled one supersedes its copies.
- Two files of an unchanged calendar differ in DTSTAMP alone.
- No secret is in a file: a hash of the key identifies the installation.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Template

from jobs.calendars.entries import Agenda, CalendarEntry
from jobs.rendering.environment import template_environment
from jobs.rendering.markup import to_plain

REFRESH = timedelta(hours=6)  # suggested to subscribers
_DAY = timedelta(days=1)
# RFC 5545 §3.3.11 forbids control characters in a text; the library writes a line's end as "\n".
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_STAMP = re.compile(rb"^DTSTAMP[:;].*\r\n", re.MULTILINE)


def installation_id(key: bytes) -> str:
    """Return an installation's lasting identity, a hash of its key."""
    return hashlib.sha256(b"installation:" + key).hexdigest()[:16]


def render_ics(agenda: Agenda, *, installation: str, now: datetime, templates: Path) -> bytes:
    """Return one agency's calendar as the bytes of an .ics file; slow, so call it off the event loop.

    now: DTSTAMP (§3.8.7.2). templates: the folder that holds calendar_event.
    """
    from icalendar import Calendar, vText

    words = template_environment(templates).get_template("calendar_event.j2")
    name = vText(_clean(f"Nhắc Việc: {agenda.agency}"))
    calendar = Calendar()
    calendar.add("prodid", "-//Nhac Viec//nhacviec//VI")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # RFC 5546 §3.2.1 asks for an ORGANIZER too; there is no address to name, and nobody is invited.
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)  # RFC 7986 §5.1; before it, X-WR-CALNAME
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", "Asia/Ho_Chi_Minh")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})  # RFC 7986 §5.7
    calendar.add("x-published-ttl", "PT6H")  # the same for Outlook
    for entry in agenda.entries:
        calendar.add_component(_event(entry, words, installation, now))
    content: bytes = calendar.to_ical(sorted=False)
    return content


def fingerprint(calendar: bytes) -> str:
    """Return a hash of a calendar without its DTSTAMPs."""
    return hashlib.sha256(_STAMP.sub(b"", calendar)).hexdigest()[:32]


def _event(entry: CalendarEntry, words: Template, installation: str, now: datetime) -> Any:
    from icalendar import Alarm, Event

    summary, _, description = _clean(to_plain(words.render(**entry.facts))).strip().partition("\n")
    event = Event()
    event.add("uid", f"{entry.mark}@{installation}.nhacviec")
    event.add("dtstamp", now)
    # The revision rises by one whenever the deadline moves, is confirmed, cancelled or brought back, and
    # never falls, as SEQUENCE must (§3.8.7.4). The copy with the higher one obsoletes the other
    # (RFC 5546 §2.1.4 and §2.1.5). Only a cancellation changes STATUS.
    event.add("sequence", entry.revision)
    if entry.revised_at is not None:
        event.add("last-modified", entry.revised_at)
    event.add("dtstart", entry.day)
    event.add("dtend", entry.day + _DAY)  # the first day that is not part of it (§3.6.1)
    event.add("summary", summary)
    event.add("description", description.strip())
    event.add("categories", [f"Kế hoạch {entry.facts['plan_number']}"])
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # a deadline keeps nobody busy
    if entry.alarm is not None:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        # Before the day begins in the reader's zone (§3.8.6.3).
        alarm.add("trigger", -entry.alarm)
        alarm.add("description", summary)
        event.add_component(alarm)
    return event


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text)
