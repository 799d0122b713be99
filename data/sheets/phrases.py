"""Parse the days, periods, frequencies and deadlines that people type into a sheet. Pure.

Guarantees:
- An unclear phrase is refused, never guessed: ValueError says in Vietnamese which forms are understood.
"""

from __future__ import annotations

import re
from datetime import date

from data.registry.schema import Deadline, Frequency, Period
from data.text import fold

_FREQUENCIES: dict[str, Frequency] = {
    "hang nam": "annual",
    "nam": "annual",
    "6 thang": "semiannual",
    "hang quy": "quarterly",
    "quy": "quarterly",
    "hang thang": "monthly",
    "thang": "monthly",
    "3 nam": "every_3_years",
    "5 nam": "every_5_years",
    "mot lan": "one_off",
    "dot xuat": "ad_hoc",
}
FREQUENCY_WORDS = (
    "hàng năm",
    "6 tháng",
    "hàng quý",
    "hàng tháng",
    "3 năm",
    "5 năm",
    "một lần",
    "đột xuất",
)

_YEAR = r"((?:19|20)\d\d)"
_FIXED = re.compile(
    rf"^(?:giai doan |tu |trong )*(?:nam )?{_YEAR} (?:den )?(?:het )?(?:nam )?{_YEAR}$"
)
_ONE_YEAR = re.compile(rf"^(?:trong )?(?:nam )?{_YEAR}$")
_OPEN = re.compile(rf"^(?:tu )?(?:nam )?{_YEAR} (?:tro di|va (?:cac |nhung )*nam tiep theo)$")
_UNTIL = re.compile(rf"^(?:den )(?:het )?(?:nam )?{_YEAR}$")
_FULL_DAY = re.compile(r"\b(\d{1,2}) (?:thang )?(\d{1,2})(?: (?:nam )?((?:19|20)\d\d))?\b")
_BARE_DAY = re.compile(r"\bngay (\d{1,2})\b")
_ISO_DAY = re.compile(r"^(\d{4}) (\d{1,2}) (\d{1,2})$")
_WRITTEN_DAY = re.compile(r"^(?:ngay )?(\d{1,2}) (?:thang )?(\d{1,2}) (?:nam )?(\d{4})$")
_INCLUDED = ("vao ngay", "cham nhat", "den ngay", "ngay", "muon nhat")


def read_day(text: str) -> date:
    """Return a civil date written as 15/11/2026, 15.11.2026, "ngày 15 tháng 11 năm 2026" or 2026-11-15."""
    words = fold(text)
    if match := _ISO_DAY.match(words):
        year, month, day = match.groups()
    elif match := _WRITTEN_DAY.match(words):
        day, month, year = match.groups()
    else:
        raise _not_a_day(text)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        pass
    if int(month) > 12 and int(day) <= 12 and int(month) <= 31:
        raise ValueError(
            f"«{text}» viết tháng trước ngày. Nếu là {int(month)}/{int(day)}/{year}, hãy viết lại như thế."
        )
    raise _not_a_day(text)


def _not_a_day(text: str) -> ValueError:
    return ValueError(f"«{text}» không phải ngày. Hãy viết dạng 15/11/2026 hoặc 2026-11-15.")


def read_period(raw: str) -> Period:
    """Return the period of a cell's words; an empty cell is `missing`."""
    words = fold(raw)
    if not words:
        return Period(raw="", kind="missing")
    if match := _FIXED.match(words):
        return Period(raw=raw, kind="fixed", start_year=int(match[1]), end_year=int(match[2]))
    if match := _OPEN.match(words):
        return Period(raw=raw, kind="open_ended", start_year=int(match[1]))
    if match := _UNTIL.match(words):
        return Period(raw=raw, kind="fixed_deadline_only", end_year=int(match[1]))
    if match := _ONE_YEAR.match(words):
        return Period(raw=raw, kind="fixed", start_year=int(match[1]), end_year=int(match[1]))
    if words.startswith(("thuong xuyen", "hang nam")):
        return Period(raw=raw, kind="recurring_annual")
    if words.startswith("theo "):
        return Period(raw=raw, kind="conditional")
    raise ValueError(
        f"không hiểu thời gian «{raw}». Hãy ghi như: 2020-2025; Năm 2020; đến hết năm 2030;"
        " Năm 2020 và những năm tiếp theo; Thường xuyên; Theo hướng dẫn của …; hoặc để trống."
    )


def read_frequency(raw: str) -> Frequency:
    """Return the frequency of a report."""
    frequency = _FREQUENCIES.get(fold(raw).removeprefix("dinh ky "))
    if frequency is None:
        raise ValueError(f"không hiểu kỳ báo cáo «{raw}». Hãy chọn: {', '.join(FREQUENCY_WORDS)}.")
    return frequency


def read_deadline(raw: str, frequency: Frequency) -> Deadline | None:
    """Return the deadline of a cell's words; None for an empty cell.

    "trước ngày" excludes the day, every other wording includes it. A monthly or quarterly report may name
    the day alone: then the month is 3, and only the day counts.
    """
    words = fold(raw)
    if not words:
        return None
    before = "truoc" in words.split()
    if not before and not any(phrase in words for phrase in _INCLUDED):
        raise ValueError(f"không hiểu hạn «{raw}». Hãy ghi như: trước ngày 15/11; vào ngày 30/11.")
    days = _FULL_DAY.findall(words)
    if len(days) > 1:
        raise ValueError(f"«{raw}» có hơn một ngày. Hãy tách thành nhiều dòng, mỗi kỳ một dòng.")
    if days:
        day, month, year = days[0]
    elif frequency in ("monthly", "quarterly") and (bare := _BARE_DAY.search(words)):
        day, month, year = bare[1], "3", ""
    else:
        raise ValueError(f"không thấy ngày trong «{raw}». Hãy ghi như: trước ngày 15/11.")
    return Deadline(
        operator="before" if before else "on",
        month=int(month),
        day=int(day),
        year=int(year) if year else None,
        raw=raw,
    )
