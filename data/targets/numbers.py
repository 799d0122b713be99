"""Numbers of targets, as stored and as Vietnamese write them."""

from __future__ import annotations

from decimal import Decimal


def format_stored_number(number: Decimal) -> str:
    """Return a number as it is kept, "82.5": no exponent, no zeros after the last digit."""
    return format(number.normalize(), "f")


def format_vietnamese_number(number: Decimal) -> str:
    """Return a number as Vietnamese write it: "82,5", "1.250"."""
    whole, _, rest = format(abs(number).normalize(), "f").partition(".")
    sign = "-" if number < 0 else ""
    return sign + f"{int(whole):,}".replace(",", ".") + ("," + rest if rest else "")
