"""Markup of the templates: written as a channel's HTML or as plain text, and cut to a limit.

Templates use b, i and code, which channels know, and four tags of their own:

    tag      in HTML     in plain text
    cite     bold        “its text”
    small    italic      (its text)
    li       a bullet    a hyphen
    br       a new line  nothing
"""

from __future__ import annotations

import html
import re

from data.text import utf16_length

_TAG = re.compile(r"<[^>]+>")
_OWN_TAG = re.compile(r"</?(?:cite|small)>|<li>|<br>")
_AS_HTML = {
    "<cite>": "<b>",
    "</cite>": "</b>",
    "<small>": "<i>",
    "</small>": "</i>",
    "<li>": "• ",
    "<br>": "\n",
}
_AS_PLAIN = {"<cite>": "“", "</cite>": "”", "<small>": "(", "</small>": ")", "<li>": "- "}


def to_html(marked: str) -> str:
    """Return a rendered template with only the tags that channels know."""
    return _OWN_TAG.sub(lambda tag: _AS_HTML[tag[0]], marked)


def to_plain(marked: str) -> str:
    """Return a rendered template without any tag or entity."""
    return html.unescape(_TAG.sub(lambda tag: _AS_PLAIN.get(tag[0], ""), marked))


def fit_text(text: str, limit: int, *, as_html: bool) -> str:
    """Return the text within `limit` UTF-16 units, cut between lines where it is too long.

    A text that is cut loses all markup: the cut may fall inside a tag.
    """
    if utf16_length(text) <= limit:
        return text
    if as_html:
        text = html.escape(html.unescape(_TAG.sub("", text)), quote=False)
    kept: list[str] = []
    room = limit - 2
    for line in text.split("\n"):
        room -= utf16_length(line) + 1
        if room < 0:
            break
        kept.append(line)
    if not kept:
        kept = [text.encode("utf-16-le")[: 2 * (limit - 2)].decode("utf-16-le", "ignore")]
    return "\n".join(kept).rstrip() + "\n…"
