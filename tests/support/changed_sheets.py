"""Sheets of which parts were changed by hand, as somebody would who means harm."""

from __future__ import annotations

import io
import zipfile

from data.sheets.plan_template import blank_workbook


def workbook(**changed: bytes) -> bytes:
    """Return an empty plan sheet with parts changed or added."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(blank_workbook())) as kept,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in kept.namelist():
            made.writestr(name, changed.pop(name, kept.read(name)))
        for name, content in changed.items():
            made.writestr(name, content)
    return out.getvalue()
