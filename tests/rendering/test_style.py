"""What people read: no template and no Vietnamese text of the programs has a retired phrase."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
TEMPLATES = sorted(
    path
    for path in (TOP / "templates").rglob("*.j2")
    # The sandbox's page shows a pretended messenger: one presses and types there as in it.
    if path.parent.name != "page"
)
PROGRAMS = sorted(path for name in ("bot", "jobs", "data") for path in (TOP / name).rglob("*.py"))

# Retired phrases, and what is written in their place.
RETIRED = {
    r"\bbot\b": "Hệ thống",
    r"(?<!nhắc )(?<!làm )(?<!về )(?<!trong )\bviệc\b(?! thực hiện)": "nhiệm vụ, nội dung, báo cáo",
    r"\b(?:đã|báo) xong\b": "đã hoàn thành",
    r"\b(?:đang|chưa) làm\b(?! việc)": "đang thực hiện, chưa triển khai",
    r"\b(?:báo|đang) vướng\b": "có khó khăn, vướng mắc",
    r"\bthôi\b": "huỷ",
    r"\bhủy\b": "huỷ",
    r"\bxin (?!gia hạn\b)": "đề nghị",
    r"\byêu cầu (?:báo cáo|lần|trước)": "đề nghị",
    r"nhất trước|chậm nhất|gấp nhất|nguy cơ nhất|kém nhất": "no ranking",
    r"giải thể": "đã kết thúc hoạt động",
    r"nhận nhiệm vụ từ": "tiếp nhận nhiệm vụ của",
    r"Kính gửi (?!:)": "Kính gửi: ",
    r"Chưa nêu số văn bản": "Chưa có số văn bản kèm theo",
    r"\b(?:focal|annual|OK|default)\b": "a Vietnamese word",
    r"\[y/N\]": "[c/K]",
    r"(?<![<{=!])!(?![=-])": "no exclamation",
    "[\u2600-\u26ff\u2705\u2757\u23f3\u21a9\U0001f300-\U0001faff]": "no picture characters",
}
_RETIRED = {re.compile(phrase, re.IGNORECASE): instead for phrase, instead in RETIRED.items()}

# What people type stays short; code, quotes and Jinja's own marks are no text of the System.
_QUOTED = re.compile(r"“[^”]*”|«[^»]*»|<code>.*?</code>|(?<=ví dụ: )\{\{ items.*$", re.MULTILINE)
_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_IN_JINJA = re.compile(r'"([^"\n]*)"')
_MARKUP = re.compile(r"<[^>]*>")
_VIETNAMESE = re.compile(
    "[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE
)

# Packages whose texts stay as they are, and why.
NOT_READ = {
    "bot/conversation/reader": "words that people type",
    "bot/channels": "accounts that messengers call bots, told to who administers them",
    "bot/cli/doctor": "the same",
    "bot/cli/zalo.py": "the same",
    "bot/cli/main.py": "the same; and the product's name",
    "bot/cli/move.py": "the same",
    "bot/cli/invite.py": "the same",
    "bot/cli/invite_links.py": "the same",
    "bot/cli/people.py": "the same",
    "bot/config.py": "the same",
    "bot/health": "the same",
    "bot/service": "the same",
    "data/registry/short_names.py": "words of plans that are read",
    "data/old_fonts.py": "letters of old fonts",
    "data/sheets/status_words.py": "words that offices write",
    "data/sheets/plan_template.py": "the product's name, and the plan's own part of a task",
}


def phrases_of_template(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    for part in _JINJA.findall(text):
        if part.startswith(("{{", "{%")):
            yield from (words for words in _IN_JINJA.findall(part) if _VIETNAMESE.search(words))
    for line in _JINJA.sub(" ", _QUOTED.sub(" ", text)).split("\n"):
        yield _MARKUP.sub(" ", line)


def phrases_of_program(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    explained = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_pattern = "\\" in node.value  # a regular expression reads what people type
            if id(node) not in explained and not is_pattern and _VIETNAMESE.search(node.value):
                yield _QUOTED.sub(" ", node.value)


def retired_in(words: str) -> list[str]:
    return [
        f"{found[0]!r} in {words.strip()!r}: {instead}"
        for phrase, instead in _RETIRED.items()
        if (found := phrase.search(words))
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_retired_phrase(path: Path) -> None:
    assert [each for words in phrases_of_template(path) for each in retired_in(words)] == []


def test_the_programs_say_no_retired_phrase() -> None:
    read = [
        path
        for path in PROGRAMS
        if not path.relative_to(TOP).as_posix().startswith(tuple(NOT_READ))
    ]
    assert [
        f"{path.relative_to(TOP)}: {each}"
        for path in read
        for words in phrases_of_program(path)
        for each in retired_in(words)
    ] == []


@pytest.mark.parametrize(
    "words",
    [
        "Bot chưa ghi nhận gì",
        "3 việc quá hạn",
        "báo đã xong",
        "gõ thôi",
        "Xin gõ /viec",
        "chậm nhất trước",
        "Kính gửi Sở Tài chính,",
        "Cảm ơn!",
        "✅ Đã ghi nhận",
    ],
)
def test_a_retired_phrase_is_found(words: str) -> None:
    assert retired_in(words)


@pytest.mark.parametrize(
    "words",
    [
        "05 ngày làm việc",
        "Hệ thống Nhắc Việc",
        "Xin gia hạn",
        "Kính gửi: Sở Tài chính",
        "02 nhiệm vụ",
    ],
)
def test_an_official_phrase_is_left_alone(words: str) -> None:
    assert retired_in(words) == []
