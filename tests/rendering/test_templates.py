"""Every template in every form: each channel, with and without buttons, as HTML and as plain text.

contexts.json holds contexts that conversations made, a short and a full one of each template. A new
template needs its contexts there, and a context needs each value that its template asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from data.clock import instant_at
from data.files import StoredFile
from jobs.channel import Button
from jobs.rendering.links import Links
from jobs.rendering.markup import to_html, to_plain
from jobs.rendering.renderer import Content, Renderer
from tests.support.rendered_forms import FORMS, render_forms

TEMPLATES = Path(__file__).parents[2] / "templates"
RENDERERS = (
    Renderer(TEMPLATES),
    Renderer(TEMPLATES, Links("https://nhacviec.test", b"key")),
)
CONTEXTS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "contexts.json").read_text()
)
NO_MESSAGES = {"calendar_event"}  # an entry of a calendar: tests/calendars render it


def contents_of(template: str) -> Iterator[Content]:
    for case in CONTEXTS[template]:
        rows = tuple(tuple(Button(*each) for each in row) for row in case.get("buttons", ()))
        yield Content(template, case["context"], rows)
        if "file" in case:
            name, mime = case["file"]
            until = instant_at(date(2026, 12, 1), time(8))
            yield Content(template, case["context"], rows, StoredFile(7, name, mime, b"x", until))


def test_every_template_is_rendered_here() -> None:
    messages = {path.stem for path in TEMPLATES.glob("*.j2")} - NO_MESSAGES
    assert messages == set(CONTEXTS)


@pytest.mark.parametrize("template", CONTEXTS)
def test_a_message_says_the_same_in_every_form_and_tells_to_press_where_there_are_buttons(
    template: str,
) -> None:
    for content in contents_of(template):
        for renderer in RENDERERS:
            assert len(render_forms(renderer, content)) == len(FORMS)


@pytest.mark.parametrize(
    ("marked", "html", "plain"),
    [
        ("<b>Sở</b> &amp; <i>x</i>", "<b>Sở</b> &amp; <i>x</i>", "Sở & x"),
        ("<cite>&lt;b&gt; 1</cite>", "<b>&lt;b&gt; 1</b>", "“<b> 1”"),
        ("<small>Sở A</small>", "<i>Sở A</i>", "(Sở A)"),
        ("<li>a<br>\nb", "• a\n\nb", "- a\nb"),
        ("&amp;lt; &#39;x&#39;", "&amp;lt; &#39;x&#39;", "&lt; 'x'"),
    ],
)
def test_each_mark_has_its_form_in_html_and_in_plain_text(
    marked: str, html: str, plain: str
) -> None:
    assert (to_html(marked), to_plain(marked)) == (html, plain)
