"""One message in every form that a channel may give it, and what holds of every form."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.channels.local import LIKE_TELEGRAM, LIKE_ZALO
from bot.channels.telegram.capabilities import CAPABILITIES as TELEGRAM
from bot.channels.zalo.capabilities import CAPABILITIES as ZALO
from data.text import fold
from jobs.channel import Capabilities
from jobs.rendering.renderer import Content, Renderer

# "bấm trả lời" is a messenger's own way to answer a message; every messenger with groups has it.
_PRESSED = re.compile(r"\bbấm\b(?! trả lời)", re.IGNORECASE)
_TYPED = (
    "Trả lời bằng số",
    "Xem tiếp:",
    "Xem lại:",
)
_OURS = re.compile(r"</?(?:b|i|code|cite|small|li|br)>|&(?:amp|lt|gt|quot|#\d+);")
_TAG = re.compile(r"<(/?)([^>]*)>")
_CUT = "\n…"
_HTML_TAGS = {"b", "i", "code"}
_OF_GROUPS = {"not_allowed": "not_enrolled"}  # template and why: said in groups alone


@dataclass(frozen=True, slots=True)
class Form:
    """A channel, with or without buttons; plain: its HTML was refused, so the text is sent once more."""

    channel: str
    capabilities: Capabilities
    plain: bool = False

    @property
    def as_html(self) -> bool:
        """Tell whether the text has markup."""
        return self.capabilities.markup == "html" and not self.plain


def _forms() -> Iterator[Form]:
    """Yield every channel as it is, without its buttons or with some, as HTML and as plain text."""
    channels = {"telegram": TELEGRAM, "zalo": ZALO, "local": LIKE_TELEGRAM, "like zalo": LIKE_ZALO}
    for name, capabilities in channels.items():
        for buttons in (True, False):
            # What is too long for a channel is cut by it, which is no matter of templates.
            can = replace(capabilities, buttons=buttons, max_text=100_000)
            yield Form(name, can)
            if capabilities.markup == "html":
                yield Form(name, can, plain=True)


FORMS = tuple(_forms())


def render_forms(
    renderer: Renderer, content: Content, forms: Iterable[Form] = FORMS
) -> dict[Form, str]:
    """Return the text of a message in each form; raises AssertionError where one says what it must not."""
    given = repr((content.context, content.buttons))
    texts = {
        form: renderer.render(
            content, form.capabilities, repeated=False, plain=form.plain, address="1"
        ).text
        for form in forms
    }
    for form, text in texts.items():
        assert text.strip(), form
        if form.as_html:
            _assert_html(text)
        else:
            left = {tag for tag in _OURS.findall(text) if tag not in given}
            assert not left, (form, left, text)
        if form.capabilities.buttons:
            typed = [words for words in _TYPED if words in text]
            assert not typed, (form, typed, text)
        elif not _is_of_groups(content):
            assert _PRESSED.search(text) is None, (form, text)
    if content.file is None:  # else some forms bring it, and some its address
        _assert_alike(texts)
    return texts


def _assert_html(text: str) -> None:
    """Every tag is one that channels know and is closed, none within another of its kind."""
    opened: list[str] = []
    for closing, name in _TAG.findall(text):
        assert name in _HTML_TAGS, text
        if closing:
            assert opened, text
            assert opened.pop() == name, text
        else:
            assert name not in opened, text
            opened.append(name)
    assert not opened, text


def _assert_alike(texts: dict[Form, str]) -> None:
    """With the same buttons, all forms say the same words, whatever their markup."""
    for buttons in (True, False):
        said = {
            fold(_bare(text) if form.as_html else text)
            for form, text in texts.items()
            if form.capabilities.buttons is buttons and not text.endswith(_CUT)
        }
        assert len(said) <= 1, said


def _bare(text: str) -> str:
    return html.unescape(_TAG.sub("", text))


def _is_of_groups(content: Content) -> bool:
    """Tell whether a message is for a group; where there are no buttons, there are no groups either."""
    context: dict[str, Any] = content.context
    return bool(context.get("in_group")) or (
        content.template in _OF_GROUPS and context.get("why") == _OF_GROUPS[content.template]
    )
